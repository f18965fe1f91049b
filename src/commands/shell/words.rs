//! The words of a line, with quotes as in a shell.

/// Returns the words of a command, without comments; nothing where a quote is open or a
/// backslash ends it, so that it goes on in the next line.
pub fn split(text: &str) -> Option<Vec<String>> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    shlex::split(text)
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
}
