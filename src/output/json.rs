//! JSON as it is printed: what a terminal would obey is written as an escape.
//!
//! How values become JSON is serde's business.

use std::borrow::Cow;
use std::io::{self, Write};

/// Writes a JSON text, with control and bidirectional characters as `\u202e`.
///
/// Outside of strings JSON has none but white space, and inside of them the
/// escape is the same character (RFC 8259, section 7).
///
/// # Errors
/// Those of `out`.
pub fn write_text(out: &mut dyn Write, text: &[u8]) -> io::Result<()> {
    // No early exit inside: that is what lets the compiler use vector instructions.
    let plain = text.iter().fold(true, |plain, byte| plain & (*byte < 0x7f));
    if plain {
        return out.write_all(text);
    }
    out.write_all(escaped(&String::from_utf8_lossy(text)).as_bytes())
}

/// Returns a JSON text as [`write_text`] writes it.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_obeyed(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn is_obeyed(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_back() {
        for text in [
            "",
            "a\nb",
            "é日本😀",
            "\u{7f}\u{9b}31m\u{202e}\u{2069}x\u{61c}",
        ] {
            let json = serde_json::to_string(text).expect("JSON");
            let mut out = Vec::new();
            write_text(&mut out, json.as_bytes()).expect("written");
            let printed = String::from_utf8(out).expect("UTF-8");
            assert!(!printed.contains(is_obeyed), "{printed:?}");
            let back: String = serde_json::from_str(&printed).expect("JSON");
            assert_eq!(back, text);
        }
        assert_eq!(escaped("\"\u{202e}é\""), "\"\\u202eé\"");
    }
}
