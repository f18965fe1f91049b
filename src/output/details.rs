//! One object as lines of `key:  value`.

use std::borrow::Cow;
use std::io::{self, Write};

use super::text;

/// Blanks after the longest key and its colon.
const GAP: usize = 2;

/// Writes a line per pair, the values beginning in one column.
///
/// The further lines of a value are indented to that column. Control characters are shown
/// as [`text::visible`] shows them.
pub fn write_details(out: &mut dyn Write, pairs: &[(&str, Cow<'_, str>)]) -> io::Result<()> {
    let keys: Vec<_> = pairs.iter().map(|(key, _)| text::visible(key)).collect();
    let longest = keys.iter().map(|key| text::width(key)).max().unwrap_or(0);
    let column = longest + ":".len() + GAP;

    let mut shown = String::new();
    for (key, (_, value)) in keys.iter().zip(pairs) {
        shown.clear();
        shown.push_str(key);
        shown.push(':');
        let mut indent = column - text::width(key) - ":".len();
        for (at, line) in value.lines().enumerate() {
            if at > 0 {
                shown.push('\n');
                indent = column;
            }
            if !line.is_empty() {
                // Not `{:indent$}`, which panics on a width over 65,535.
                shown.push_str(&" ".repeat(indent));
                shown.push_str(&text::visible(line));
            }
        }
        shown.push('\n');
        out.write_all(shown.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], expected: &str) {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|&(key, value)| (key, Cow::Borrowed(value)))
            .collect();
        let mut out = Vec::new();
        write_details(&mut out, &pairs).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{pairs:?}");
    }

    #[test]
    fn values_line_up_two_blanks_after_the_longest_key() {
        check(&[], "");
        check(&[("id", "base")], "id:  base\n");
        check(
            &[("id", "base"), ("displayName", "Base image")],
            "id:           base\ndisplayName:  Base image\n",
        );
        check(
            &[("名", "a"), ("id", "b"), ("x", "c")],
            "名:  a\nid:  b\nx:   c\n",
        );
    }

    #[test]
    fn further_lines_are_indented_to_the_value() {
        check(
            &[("id", "a"), ("note", "one\ntwo\n\nid: b\n")],
            "id:    a\nnote:  one\n       two\n\n       id: b\n",
        );
        check(&[("note", "one\r\ntwo")], "note:  one\n       two\n");
        check(&[("note", "\ntwo")], "note:\n       two\n");
    }

    #[test]
    fn an_empty_value_leaves_no_trailing_blanks() {
        check(&[("id", ""), ("note", "\n")], "id:\nnote:\n");
    }

    #[test]
    fn control_characters_are_shown() {
        check(
            &[("id\u{1b}", "\u{1b}[2Jx\ty"), ("b", "\u{2066}\rz")],
            "id\\u{1b}:  \\u{1b}[2Jx\\ty\nb:         \\u{2066}\\u{d}z\n",
        );
    }
    #[test]
    fn a_key_of_any_length_is_shown() {
        let long = "k".repeat(70_000);
        let expected = format!("id:{}a\n{long}:  b\n", " ".repeat(70_000));
        check(&[("id", "a"), (&long, "b")], &expected);
    }
}
