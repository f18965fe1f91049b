//! JSON's strings and numbers.

use super::super::{Fault, Position, quote, shorten};
use super::{Failure, Parser, failure};
use crate::domain::json_text::string_run;

impl<'a> Parser<'a> {
    /// Reads a string whose opening quote stands here.
    pub(super) fn string(&mut self) -> Result<String, Box<Failure>> {
        let open = self.here();
        self.offset += 1;
        let run = self.run();
        if self.peek() == Some(b'"') {
            self.offset += 1;
            return Ok(run.to_owned());
        }
        let mut string = run.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.offset += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape(open)?),
                Some(b'\n' | b'\r') => {
                    let message = "a string ends on its line: close its quote, or write `\\n`";
                    return Err(failure(self.here(), message));
                }
                Some(control) => {
                    let message = format!(
                        "{} in a string is written `\\u{control:04x}`",
                        quote(control.into())
                    );
                    return Err(failure(self.here(), message));
                }
                None => return Err(self.string_ends(open)),
            }
            string.push_str(self.run());
        }
    }

    /// Passes the characters that stand for themselves.
    fn run(&mut self) -> &'a str {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        // The run ends at an ASCII byte or with the text, so never inside a character.
        let run = &rest[..string_run(rest.as_bytes())];
        self.offset += run.len();
        if !self.ascii {
            self.continuation += run.bytes().filter(|byte| byte & 0xC0 == 0x80).count();
        }
        run
    }

    /// Reads an escape whose backslash stands here, in the string that began at `open`.
    fn escape(&mut self, open: Position) -> Result<char, Box<Failure>> {
        let at = self.here();
        let rest = self.text.get(self.offset + 1..).unwrap_or_default();
        let Some(letter) = rest.chars().next() else {
            return Err(self.string_ends(open));
        };
        let character = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(open),
            _ => {
                return Err(failure(
                    at,
                    format!("a backslash before {} is not JSON", quote(letter)),
                ));
            }
        };
        self.offset += 2;
        Ok(character)
    }

    /// Reads `\uXXXX`, or two of them that make one character (RFC 8259, section 7).
    fn unicode_escape(&mut self, open: Position) -> Result<char, Box<Failure>> {
        let at = self.here();
        let first = self.code_unit(open)?;
        let rest = self.text.get(self.offset..).unwrap_or_default();
        let unit = match first {
            0xD800..=0xDBFF if rest.starts_with("\\u") => {
                let second = self.code_unit(open)?;
                match second {
                    0xDC00..=0xDFFF => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            // A text that ends here may go on with the other half.
            0xD800..=0xDBFF if rest.is_empty() || rest == "\\" => {
                return Err(self.string_ends(open));
            }
            _ => first,
        };
        let half = || failure(at, format!("`\\u{first:04x}` is half of a surrogate pair"));
        char::from_u32(unit).ok_or_else(half)
    }

    /// Reads one `\uXXXX`.
    fn code_unit(&mut self, open: Position) -> Result<u32, Box<Failure>> {
        let digits = self
            .text
            .as_bytes()
            .get(self.offset + 2..)
            .unwrap_or_default();
        let mut unit = 0;
        for index in 0..4 {
            let Some(&byte) = digits.get(index) else {
                self.offset = self.text.len();
                return Err(self.string_ends(open));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(failure(self.here(), "`\\u` needs four hexadecimal digits"));
            };
            unit = unit * 16 + digit;
        }
        self.offset += 6;
        Ok(unit)
    }

    fn string_ends(&mut self, open: Position) -> Box<Failure> {
        self.offset = self.text.len();
        let message = format!("the input ends inside a string that began at {open}");
        Box::new(Failure {
            fault: Fault::new(self.here(), message),
            truncated: true,
        })
    }

    /// Reads a number (RFC 8259, section 6) and returns it as written.
    pub(super) fn number(&mut self) -> Result<String, Box<Failure>> {
        let begin = self.offset;
        let at = self.here();
        let word = self.word();
        if self.peek() == Some(b'-') {
            self.offset += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let rule = if whole == 0 {
            Some("a digit must follow `-`")
        } else if zero && whole > 1 {
            Some("a number has no leading zeros")
        } else {
            None
        };
        let fraction = self.peek() == Some(b'.');
        if fraction {
            self.offset += 1;
        }
        let rule = rule.or((fraction && self.digits() == 0).then_some("a digit must follow `.`"));
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.offset += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.offset += 1;
            }
        }
        let rule = rule
            .or((exponent && self.digits() == 0)
                .then_some("a digit must follow the exponent's `e`"));
        let length = self.offset - begin;
        if let Some(rule) = rule {
            if self.peek().is_none() && length == word.len() && !(zero && whole > 1) {
                return Err(self.ends());
            }
            return Err(failure(
                at,
                format!("`{}` is not JSON: {rule}", shorten(word)),
            ));
        }
        if length != word.len() {
            return Err(failure(at, format!("`{}` is not a number", shorten(word))));
        }
        // Without an exponent, it takes more than 308 digits to leave the range of an f64.
        if (exponent || length > 308) && !word.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(failure(at, "number is out of range"));
        }
        Ok(word.to_owned())
    }

    /// Passes digits and returns how many they are.
    fn digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.offset..).unwrap_or_default();
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        self.offset += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::formats::document::Value;

    /// Checks a value within a list, so that it neither begins nor ends the text.
    fn check(text: &str, expected: &str) {
        let node = match parse(format!("[{text}]").as_bytes(), Position::START) {
            Ok(node) => node.as_list().and_then(|nodes| nodes.last().cloned()),
            Err(fault) => panic!("{text}: {fault}"),
        };
        match node.map(|node| node.value) {
            Some(Value::Number(found) | Value::String(found)) => {
                assert_eq!(found, expected, "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    fn check_fault(text: &str, expected: &str) {
        match parse(format!("[{text}]").as_bytes(), Position::START) {
            Ok(node) => panic!("{text}: {node:?}"),
            Err(fault) => assert_eq!(fault.to_string(), expected, "{text}"),
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        for text in [
            "0",
            "-0",
            "5",
            "1.10",
            "-12.50e+007",
            "1E5",
            "123456789012345678901234567890",
        ] {
            check(text, text);
        }
        let long = "9".repeat(308);
        check(&long, &long);
        check("1e-999", "1e-999");
    }

    #[test]
    fn what_is_nearly_a_number_is_a_fault() {
        check_fault(
            "01",
            "1:2: [0]: `01` is not JSON: a number has no leading zeros",
        );
        check_fault(
            "-007",
            "1:2: [0]: `-007` is not JSON: a number has no leading zeros",
        );
        check_fault("1.", "1:2: [0]: `1.` is not JSON: a digit must follow `.`");
        check_fault("-", "1:2: [0]: `-` is not JSON: a digit must follow `-`");
        check_fault(
            "-Infinity",
            "1:2: [0]: `-Infinity` is not JSON: a digit must follow `-`",
        );
        check_fault(
            "1e",
            "1:2: [0]: `1e` is not JSON: a digit must follow the exponent's `e`",
        );
        check_fault(
            "1e+",
            "1:2: [0]: `1e+` is not JSON: a digit must follow the exponent's `e`",
        );
        check_fault("0x1F", "1:2: [0]: `0x1F` is not a number");
        check_fault("1_000", "1:2: [0]: `1_000` is not a number");
        check_fault("1.2.3", "1:2: [0]: `1.2.3` is not a number");
        check_fault("2024-01-31", "1:2: [0]: `2024-01-31` is not a number");
        check_fault(".5", "1:2: [0]: expected a value, found `.`");
        check_fault("+5", "1:2: [0]: expected a value, found `+`");
        check_fault("NaN", "1:2: [0]: `NaN` is not a number that JSON knows");
    }

    #[test]
    fn numbers_beyond_an_f64_are_out_of_range() {
        for text in ["1e309", "-1e309", "1E+999", &"9".repeat(400), "1.8e308"] {
            check_fault(text, "1:2: [0]: number is out of range");
        }
    }

    #[test]
    fn escapes_become_their_characters() {
        check(r#""""#, "");
        check(r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t");
        check(r#""a\u00e9\u00C9z""#, "aéÉz");
        check(r#""\ud83d\ude00\u0000""#, "😀\0");
        check(
            "\"\u{7f}\u{85}\u{2028}\u{feff}\"",
            "\u{7f}\u{85}\u{2028}\u{feff}",
        );
    }

    #[test]
    fn faults_in_strings_are_at_their_place() {
        check_fault(r#""é\x""#, "1:4: [0]: a backslash before `x` is not JSON");
        check_fault(r#""\'""#, "1:3: [0]: a backslash before `'` is not JSON");
        check_fault(
            r#""\u12g4""#,
            "1:3: [0]: `\\u` needs four hexadecimal digits",
        );
        check_fault(r#""\u""#, "1:3: [0]: `\\u` needs four hexadecimal digits");
        check_fault(
            r#""\ud800""#,
            "1:3: [0]: `\\ud800` is half of a surrogate pair",
        );
        check_fault(
            r#""\ud800\u0041""#,
            "1:3: [0]: `\\ud800` is half of a surrogate pair",
        );
        check_fault(
            r#""x\udc00""#,
            "1:4: [0]: `\\udc00` is half of a surrogate pair",
        );
        check_fault(
            "\"a\u{1}\"",
            "1:4: [0]: U+0001 in a string is written `\\u0001`",
        );
        check_fault(
            "\"a\tb\"",
            "1:4: [0]: U+0009 in a string is written `\\u0009`",
        );
        let line = "a string ends on its line: close its quote, or write `\\n`";
        check_fault("\"a\nb\"", &format!("1:4: [0]: {line}"));
    }
}
