//! The words of a line, with quotes as in a shell.

/// Returns the words of a command, without comments; nothing where a quote is open or a
/// backslash ends it, so that it goes on in the next line.
pub fn split(text: &str) -> Option<Vec<String>> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    shlex::split(text)
}

/// A word that is being typed.
#[derive(Debug, Default, PartialEq)]
pub struct Current {
    /// Where it begins in the line.
    pub begin: usize,
    /// What it says, without its quotes.
    pub text: String,
    /// The quote that is open in it.
    quote: Option<char>,
}

impl Current {
    /// Returns another word as one would write it in the place of this one; nothing
    /// where it cannot be written.
    pub fn quoted(&self, word: &str) -> Option<String> {
        if word.chars().any(char::is_control) {
            return None;
        }
        match self.quote {
            Some(quote) if !word.contains([quote, '\\', '$', '`', '!']) => {
                Some(format!("{quote}{word}{quote}"))
            }
            _ => shlex::try_quote(word).ok().map(Into::into),
        }
    }
}

/// Returns the words of what stands before the cursor, and the one at it.
pub fn until(text: &str) -> (Vec<String>, Current) {
    let mut words = Vec::new();
    let mut current = Current::default();
    let mut begun = false;
    let mut characters = text.char_indices();
    while let Some((at, one)) = characters.next() {
        if !begun && !one.is_whitespace() {
            begun = true;
            current.begin = at;
        }
        match (one, current.quote) {
            ('\\', None | Some('"')) => {
                current.text.extend(characters.next().map(|(_, next)| next));
            }
            (one, Some(quote)) if one == quote => current.quote = None,
            (one, Some(_)) => current.text.push(one),
            ('\'' | '"', None) => current.quote = Some(one),
            (one, None) if one.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut current).text);
                }
                begun = false;
            }
            (one, None) => current.text.push(one),
        }
    }
    if !begun {
        current.begin = text.len();
    }
    (words, current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_in_a_shell() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let expected = expected
                .map(|words| -> Vec<String> { words.iter().map(|&word| word.into()).collect() });
            assert_eq!(split(text), expected, "{text:?}");
        };
        check("images list\n", Some(&["images", "list"]));
        check("images list\r\n", Some(&["images", "list"]));
        check("  # it's nothing", Some(&[]));
        check("a # it's nothing\n", Some(&["a"]));
        check(
            "a#b 'c d' \"e f\" g\\ h",
            Some(&["a#b", "c d", "e f", "g h"]),
        );
        check("a ''", Some(&["a", ""]));
        check("a 'b\n", None);
        check("a \"b", None);
        check("a \\\n", None);
        check("a \\\nb\n", Some(&["a", "b"]));
        check("a 'b\nc'\n", Some(&["a", "b\nc"]));
        check("$HOME ~ * | >", Some(&["$HOME", "~", "*", "|", ">"]));
    }

    #[test]
    fn the_word_at_the_cursor_is_found_and_written_back() {
        let check =
            |text: &str, before: &[&str], (begin, current): (usize, &str), word, written| {
                let (words, found) = until(text);
                assert_eq!(words, before, "{text:?}");
                assert_eq!(
                    (found.begin, found.text.as_str()),
                    (begin, current),
                    "{text:?}"
                );
                assert_eq!(found.quoted(word).as_deref(), written, "{text:?}");
            };
        check("", &[], (0, ""), "images", Some("images"));
        check("ima", &[], (0, "ima"), "images", Some("images"));
        check("images  ", &["images"], (8, ""), "list", Some("list"));
        check(
            "groups get b\\ ",
            &["groups", "get"],
            (11, "b "),
            "b c",
            Some("'b c'"),
        );
        check(
            "groups get \"b ",
            &["groups", "get"],
            (11, "b "),
            "b c",
            Some("\"b c\""),
        );
        check(
            "groups get 'b ",
            &["groups", "get"],
            (11, "b "),
            "b c",
            Some("'b c'"),
        );
        check(
            "groups get '",
            &["groups", "get"],
            (11, ""),
            "it's",
            Some("\"it's\""),
        );
        check("a 'b c' d", &["a", "b c"], (8, "d"), "\u{1b}", None);
    }
}
