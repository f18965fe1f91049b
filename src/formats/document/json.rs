//! JSON (RFC 8259), read strictly and in one pass; every key and value gets its place.
//!
//! Here are the containers and what is said of a text that breaks their rules; strings, numbers
//! and words are in `scalars`. Streams of values are not read here: see `json_items`.

mod scalars;

use super::keys::KeyIndex;
use super::{
    BYTE_ORDER_MARK, Entry, Fault, MAX_DEPTH, Node, Position, TOO_DEEP, Value, encoding_fault,
    quote, shorten,
};

/// Returns the one value that `text` holds, with nothing after it but white space.
///
/// `start` is the place of the text's first byte. A byte order mark at the start is skipped.
///
/// # Errors
/// The first fault, with its place and the path of the innermost value that it lies in.
pub fn parse(text: &[u8], start: Position) -> Result<Node, Fault> {
    match parse_item(
        text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text),
        start,
        "",
    ) {
        Ok(parsed) => Ok(parsed.node),
        Err(failure) => Err(failure.fault),
    }
}

/// A value, and the place after the text that it was in.
pub(super) struct Parsed {
    pub node: Node,
    pub end: Position,
}

/// A fault, and whether more text might have mended it.
pub(super) struct Failure {
    pub fault: Fault,
    pub truncated: bool,
}

/// Does what `parse` does; `hint` is added to the fault of a key without quotes.
pub(super) fn parse_item(text: &[u8], start: Position, hint: &str) -> Result<Parsed, Box<Failure>> {
    let start = if start == Position::default() {
        Position::START
    } else {
        start
    };
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let (valid, rest) = text.split_at(error.valid_up_to());
            // The part before is UTF-8, so nothing is lost here.
            let at = start.after(&String::from_utf8_lossy(valid));
            let truncated = error.error_len().is_none();
            return Err(Box::new(Failure {
                fault: encoding_fault(at, rest),
                truncated,
            }));
        }
    };
    let mut parser = Parser::new(text, start, hint);
    parser.skip_white_space();
    let node = parser.value().map_err(|mut failure| {
        if failure.fault.message == TOO_DEEP {
            // A path of 128 steps would hide the message.
            failure.fault.field.clear();
        }
        failure
    })?;
    parser.skip_white_space();
    if parser.peek().is_some() {
        return Err(parser.unexpected("the end after the value"));
    }
    Ok(Parsed {
        node,
        end: parser.here(),
    })
}

/// A container that is not closed yet.
#[derive(Clone, Copy)]
struct Open {
    kind: &'static str,
    at: Position,
}

struct Parser<'a> {
    text: &'a str,
    /// The byte that is looked at.
    offset: usize,
    line: u32,
    /// The byte at which the line begins, and the column that it stands in.
    line_start: usize,
    first_column: u32,
    /// Bytes between `line_start` and `offset` that continue a character: bytes without a column.
    continuation: usize,
    /// Nothing in the text continues a character.
    ascii: bool,
    open: Vec<Open>,
    hint: &'a str,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, start: Position, hint: &'a str) -> Parser<'a> {
        Parser {
            text,
            offset: 0,
            line: start.line,
            line_start: 0,
            first_column: start.column,
            continuation: 0,
            ascii: text.is_ascii(),
            open: Vec::new(),
            hint,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn peek_char(&self) -> Option<char> {
        self.text.get(self.offset..)?.chars().next()
    }

    fn here(&self) -> Position {
        let column = self.offset - self.line_start - self.continuation;
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        Position {
            line: self.line,
            column: self.first_column.saturating_add(column),
        }
    }

    fn skip_white_space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.offset += 1,
                Some(b'\n') => {
                    self.offset += 1;
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.offset;
                    self.first_column = 1;
                    self.continuation = 0;
                }
                _ => return,
            }
        }
    }

    fn value(&mut self) -> Result<Node, Box<Failure>> {
        let at = self.here();
        let value = match self.peek() {
            Some(b'"') => Value::String(self.string()?),
            Some(b'{') => self.within("an object", at, Parser::object)?,
            Some(b'[') => self.within("a list", at, Parser::list)?,
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b't') if self.word() == "true" => self.literal(4, Value::Bool(true)),
            Some(b'f') if self.word() == "false" => self.literal(5, Value::Bool(false)),
            Some(b'n') if self.word() == "null" => self.literal(4, Value::Null),
            _ => return Err(self.no_value()),
        };
        Ok(Node { at, value })
    }

    fn literal(&mut self, length: usize, value: Value) -> Value {
        self.offset += length;
        value
    }

    /// Reads a container one level deeper.
    fn within(
        &mut self,
        kind: &'static str,
        at: Position,
        read: fn(&mut Self) -> Result<Value, Box<Failure>>,
    ) -> Result<Value, Box<Failure>> {
        if self.open.len() == MAX_DEPTH {
            return Err(failure(at, TOO_DEEP));
        }
        self.open.push(Open { kind, at });
        self.offset += 1;
        self.skip_white_space();
        let value = read(self)?;
        self.offset += 1;
        self.open.pop();
        Ok(value)
    }

    /// Reads what stands between `{` and `}`, up to the `}`.
    fn object(&mut self) -> Result<Value, Box<Failure>> {
        let mut entries = Vec::new();
        let mut keys = KeyIndex::default();
        if self.peek() == Some(b'}') {
            return Ok(Value::Map(entries));
        }
        loop {
            let at = self.here();
            if self.peek() != Some(b'"') {
                return Err(self.no_key());
            }
            let key = self.string()?;
            if let Some(first) = keys.earlier(&entries, &key) {
                let message = format!("duplicate key `{}`, first at {first}", shorten(&key));
                return Err(under_key(failure(at, message), &key));
            }
            self.skip_white_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected(&format!("`:` after the key `{}`", shorten(&key))));
            }
            self.offset += 1;
            self.skip_white_space();
            match self.value() {
                Ok(node) => entries.push(Entry { key, at, node }),
                Err(failure) => return Err(under_key(failure, &key)),
            }
            self.skip_white_space();
            match self.peek() {
                Some(b',') => self.comma(b'}')?,
                Some(b'}') => return Ok(Value::Map(entries)),
                Some(b'"') => {
                    return Err(failure(self.here(), "a comma is missing before this key"));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
    }

    /// Reads what stands between `[` and `]`, up to the `]`.
    fn list(&mut self) -> Result<Value, Box<Failure>> {
        let mut nodes = Vec::new();
        if self.peek() == Some(b']') {
            return Ok(Value::List(nodes));
        }
        loop {
            match self.value() {
                Ok(node) => nodes.push(node),
                Err(mut failure) => {
                    failure.fault = failure.fault.under_index(nodes.len());
                    return Err(failure);
                }
            }
            self.skip_white_space();
            match self.peek() {
                Some(b',') => self.comma(b']')?,
                Some(b']') => return Ok(Value::List(nodes)),
                Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9') => {
                    return Err(failure(self.here(), "a comma is missing before this value"));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
    }

    /// Passes a comma, after which the container may not end.
    fn comma(&mut self, close: u8) -> Result<(), Box<Failure>> {
        let at = self.here();
        self.offset += 1;
        self.skip_white_space();
        if self.peek() == Some(close) {
            let message = format!(
                "a trailing comma before `{}` is not JSON",
                char::from(close)
            );
            return Err(failure(at, message));
        }
        Ok(())
    }

    /// Returns the run of letters, digits and the like at this place.
    fn word(&self) -> &'a str {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '+' | '.');
        &rest[..rest.find(|c| !in_word(c)).unwrap_or(rest.len())]
    }

    fn no_key(&self) -> Box<Failure> {
        let at = self.here();
        match self.peek_char() {
            Some('\'') => failure(at, "a key needs double quotes, not single ones"),
            Some(first) if first.is_alphabetic() || matches!(first, '_' | '$') => {
                let word = shorten(self.word());
                failure(
                    at,
                    format!("the key `{word}` needs double quotes{}", self.hint),
                )
            }
            _ => self.unexpected("a key in double quotes"),
        }
    }

    fn no_value(&self) -> Box<Failure> {
        let at = self.here();
        match self.peek_char() {
            Some('\'') => failure(at, "a string needs double quotes, not single ones"),
            Some(first) if first.is_alphabetic() => {
                let word = self.word();
                let rest = self.offset + word.len() == self.text.len();
                let truncated = rest
                    && ["true", "false", "null"]
                        .iter()
                        .any(|whole| whole.starts_with(word));
                let message = match word {
                    "True" | "TRUE" => format!("`{word}` is not JSON: write `true`"),
                    "False" | "FALSE" => format!("`{word}` is not JSON: write `false`"),
                    "None" | "nil" | "undefined" | "Null" | "NULL" => {
                        format!("`{word}` is not JSON: write `null`")
                    }
                    "NaN" | "Infinity" => format!("`{word}` is not a number that JSON knows"),
                    _ => format!(
                        "expected a value, found `{}`: a string needs double quotes",
                        shorten(word)
                    ),
                };
                Box::new(Failure {
                    fault: Fault::new(at, message),
                    truncated,
                })
            }
            _ => self.unexpected("a value"),
        }
    }

    /// Returns the fault of whatever stands here in place of what is `expected`.
    fn unexpected(&self, expected: &str) -> Box<Failure> {
        let at = self.here();
        match self.peek_char() {
            None => self.ends(),
            Some('#' | '/') => failure(at, "comments are not JSON"),
            Some(found @ ('“' | '”' | '„' | '‘' | '’')) => failure(
                at,
                format!(
                    "expected {expected}, found {}: quotes are straight",
                    quote(found)
                ),
            ),
            Some(found) => failure(at, format!("expected {expected}, found {}", quote(found))),
        }
    }

    /// Returns the fault of a text that ends here though something is open.
    fn ends(&self) -> Box<Failure> {
        let message = match self.open.last() {
            Some(open) => format!(
                "the input ends inside {} that began at {}",
                open.kind, open.at
            ),
            None => "the input ends before a value".to_owned(),
        };
        Box::new(Failure {
            fault: Fault::new(self.here(), message),
            truncated: true,
        })
    }
}

fn failure(at: Position, message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure {
        fault: Fault::new(at, message),
        truncated: false,
    })
}

fn under_key(mut failure: Box<Failure>, key: &str) -> Box<Failure> {
    failure.fault = failure.fault.under_key(key);
    failure
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{self, describe, mutated};
    use super::*;

    fn check(text: &str, expected: &str) {
        match parse(text.as_bytes(), Position::START) {
            Ok(node) => assert_eq!(describe(&node), expected, "{text}"),
            Err(fault) => panic!("{text}: {fault}"),
        }
    }

    fn check_fault(text: impl AsRef<[u8]>, expected: &str) {
        let text = text.as_ref();
        match parse(text, Position::START) {
            Ok(node) => panic!("{}: {}", String::from_utf8_lossy(text), describe(&node)),
            Err(fault) => assert_eq!(
                fault.to_string(),
                expected,
                "{}",
                String::from_utf8_lossy(text)
            ),
        }
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        check("{}", "@1:1 {}");
        check(" [ ] ", "@1:2 []");
        check(
            r#"{"a":1,"b":[true,null]}"#,
            "@1:1 {a@1:2=@1:6 1,b@1:8=@1:12 [@1:13 true,@1:18 null]}",
        );
        check("{\n  \"a\":\r\n\t\"x\"\n}\n", "@1:1 {a@2:3=@3:2 \"x\"}");
        // Columns count characters, whatever their length in bytes or in JSON.
        check(
            r#"{"é":"日本😀","\u00e9x":1}"#,
            r#"@1:1 {é@1:2=@1:6 "日本😀",éx@1:12=@1:22 1}"#,
        );
        check("\u{feff}{\"a\":0}", "@1:1 {a@1:2=@1:6 0}");
        check("\"x\"", "@1:1 \"x\"");
    }

    #[test]
    fn places_count_from_where_the_text_begins() {
        let start = Position {
            line: 7,
            column: 10,
        };
        let parsed = parse_item("[\"é\",\n1] ".as_bytes(), start, "")
            .ok()
            .expect("no fault");
        assert_eq!(describe(&parsed.node), "@7:10 [@7:11 \"é\",@8:1 1]");
        assert_eq!(parsed.end, Position { line: 8, column: 4 });
        let fault = parse(b"[\"\xff\"]", start).expect_err("not UTF-8");
        assert_eq!(fault.to_string(), "7:12: invalid UTF-8 (byte 0xff)");
        let node = parse(b"[1]", Position::default()).expect("no fault");
        assert_eq!(describe(&node), "@1:1 [@1:2 1]");
    }

    #[test]
    fn the_famous_mistakes_are_named() {
        check_fault(
            "{'a': 1}",
            "1:2: a key needs double quotes, not single ones",
        );
        check_fault(
            "{\"a\": 'x'}",
            "1:7: a: a string needs double quotes, not single ones",
        );
        check_fault(
            "{\"a\": 1,}",
            "1:8: a trailing comma before `}` is not JSON",
        );
        check_fault(
            "{\"a\": [1,\n]}",
            "1:9: a: a trailing comma before `]` is not JSON",
        );
        check_fault(
            "{\"a\": 1\n \"b\": 2}",
            "2:2: a comma is missing before this key",
        );
        check_fault("[1 2]", "1:4: a comma is missing before this value");
        check_fault("{a: 1}", "1:2: the key `a` needs double quotes");
        check_fault("{\"a\": // x\n1}", "1:7: a: comments are not JSON");
        check_fault("{# x\n}", "1:2: comments are not JSON");
        check_fault("[1, /* x */ 2]", "1:5: [1]: comments are not JSON");
        check_fault("{\"a\": True}", "1:7: a: `True` is not JSON: write `true`");
        check_fault("{\"a\": None}", "1:7: a: `None` is not JSON: write `null`");
        check_fault(
            "{\"a\": x}",
            "1:7: a: expected a value, found `x`: a string needs double quotes",
        );
        check_fault(
            "{“a”: 1}",
            "1:2: expected a key in double quotes, found `“`: quotes are straight",
        );
        check_fault(
            "{\"a\" 1}",
            "1:6: expected `:` after the key `a`, found `1`",
        );
        check_fault("{\"a\": }", "1:7: a: expected a value, found `}`");
        check_fault("{\"a\": [1}", "1:9: a: expected `,` or `]`, found `}`");
        check_fault("{\"a\": 1]", "1:8: expected `,` or `}`, found `]`");
        check_fault("[,]", "1:2: [0]: expected a value, found `,`");
        check_fault("[1,,2]", "1:4: [1]: expected a value, found `,`");
        check_fault("{\"a\":\u{a0}1}", "1:6: a: expected a value, found U+00A0");
    }

    #[test]
    fn nothing_but_white_space_follows_the_value() {
        check_fault("{} {}", "1:4: expected the end after the value, found `{`");
        check_fault("{}}", "1:3: expected the end after the value, found `}`");
        check_fault(
            "nullx",
            "1:1: expected a value, found `nullx`: a string needs double quotes",
        );
        check_fault("1\n#", "2:1: comments are not JSON");
        check_fault(
            "{}\u{feff}",
            "1:3: expected the end after the value, found `\u{feff}`",
        );
    }

    #[test]
    fn a_truncated_text_says_what_was_open() {
        check_fault("", "1:1: the input ends before a value");
        check_fault("  \n", "2:1: the input ends before a value");
        check_fault(
            "{\n  \"a\": [1,\n",
            "3:1: a[1]: the input ends inside a list that began at 2:8",
        );
        check_fault(
            "{\"a\": {\"b\"",
            "1:11: a: the input ends inside an object that began at 1:7",
        );
        check_fault(
            "{\"a\": \"é",
            "1:9: a: the input ends inside a string that began at 1:7",
        );
        check_fault(
            "{\"a\": \"\\",
            "1:9: a: the input ends inside a string that began at 1:7",
        );
        check_fault(
            "{\"a\": 1.",
            "1:9: a: the input ends inside an object that began at 1:1",
        );
    }

    #[test]
    fn each_beginning_of_a_document_is_known_to_be_truncated() {
        let text = r#" {"a": [true, false, null, -1.5e+3, "é\n\ud83d\ude00"], "b": {"c": {}}}"#;
        for end in 0..text.len() {
            match parse_item(&text.as_bytes()[..end], Position::START, "") {
                Ok(_) => panic!("{} of {text}", &text[..end]),
                Err(failure) => assert!(failure.truncated, "{end}: {}", failure.fault),
            }
        }
        assert!(parse(text.as_bytes(), Position::START).is_ok());
    }

    #[test]
    fn a_key_stands_once_in_an_object() {
        check_fault(
            r#"{"a":1,"a":2}"#,
            "1:8: a: duplicate key `a`, first at 1:2",
        );
        check_fault(
            r#"{"a":1,"\u0061":2}"#,
            "1:8: a: duplicate key `a`, first at 1:2",
        );
        check_fault(
            "[{\"b\":{\"c\":1,\n\"c\":1}}]",
            "2:1: [0].b.c: duplicate key `c`, first at 1:8",
        );
        check(
            "[{\"a\":1},{\"a\":1}]",
            "@1:1 [@1:2 {a@1:3=@1:7 1},@1:10 {a@1:11=@1:15 1}]",
        );
        let keys: Vec<String> = (0..400_000).map(|key| format!("\"{key:06}\":0")).collect();
        let text = format!("{{{}}}", keys.join(","));
        let entries = parse(text.as_bytes(), Position::START).map(Node::into_map);
        assert_eq!(
            entries.map(|entries| entries.map(|entries| entries.len())),
            Ok(Ok(400_000))
        );
        let text = format!("{{{},\"399999\":1}}", keys.join(","));
        check_fault(
            text,
            "1:4400002: 399999: duplicate key `399999`, first at 1:4399991",
        );
    }

    #[test]
    fn depth_ends_at_128_levels() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes(), Position::START).is_ok());
        check_fault(
            nested(MAX_DEPTH + 1),
            "1:129: nested deeper than 128 levels",
        );
        check_fault("[".repeat(10_000), "1:129: nested deeper than 128 levels");
        check_fault(
            "{\"a\":".repeat(10_000),
            "1:641: nested deeper than 128 levels",
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_faults_at_their_place() {
        check_fault(
            b"{\"\xc3\xa9\": \"a\xffb\"}",
            "1:9: invalid UTF-8 (byte 0xff)",
        );
        check_fault(b"{\n\"a\": \"\xc3\"}", "2:7: invalid UTF-8 (byte 0xc3)");
        check_fault(b"\"\xed\xa0\x80\"", "1:2: invalid UTF-8 (byte 0xed)");
        check_fault(b"\"\xc0\x80\"", "1:2: invalid UTF-8 (byte 0xc0)");
        check_fault(
            b"\xff\xfe{\0}\0",
            "1:1: the text is UTF-16; it must be UTF-8",
        );
    }

    #[test]
    fn a_long_line_of_short_strings_takes_linear_time() {
        let text = format!("[{}\"\"]", "\"é\",".repeat(1_000_000));
        let list = parse(text.as_bytes(), Position::START)
            .map(|node| node.as_list().map(<[Node]>::to_vec));
        let last = list
            .expect("no fault")
            .expect("a list")
            .pop()
            .map(|node| node.at);
        assert_eq!(
            last,
            Some(Position {
                line: 1,
                column: 4_000_002
            })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, Position::START);
        }

        #[test]
        fn a_mutated_document_is_a_value_that_comes_back_or_a_fault_within_it(
            text in mutated(samples::tree().prop_map(|tree| samples::json(&tree).into_bytes()))
        ) {
            match parse(&text, Position::START) {
                Ok(node) => {
                    let written = samples::json(&node);
                    let again = parse(written.as_bytes(), Position::START).expect("own JSON is read");
                    prop_assert_eq!(samples::resolved(&node), samples::resolved(&again));
                }
                Err(fault) => {
                    let lines = text.split(|&byte| byte == b'\n').count();
                    prop_assert!(fault.at >= Position::START && fault.at.line as usize <= lines);
                }
            }
        }
    }
}
