//! A tree as YAML text in block style, the same for readers of YAML 1.1 and of 1.2.
//!
//! Plain scalars get the type that `plain` gives them. A string stands without quotes only where
//! no reader can take it for anything else; one of several lines is a literal block (YAML 1.2.2,
//! section 8.1.2) where it can be seen what it holds.

use super::plain::{self, Scalar};
use super::{Entry, Node, Value};

/// Longer than this, a key needs `? ` before it (YAML 1.2.2, section 7.4.2: 1024 characters).
const SIMPLE_KEY: usize = 1000;

/// Writes a value as lines that begin with `indent` spaces, the last one with a line break.
pub fn write_yaml(node: &Node, indent: usize, out: &mut Vec<u8>) {
    spaces(indent, out);
    match &node.value {
        Value::List(_) | Value::Map(_) => write_here(node, indent, out),
        // Around the whole there is nothing that a block could be indented against.
        scalar => {
            write_scalar(scalar, out);
            out.push(b'\n');
        }
    }
}

/// Writes a value as an element of a list whose `-` stand after `indent` spaces.
pub fn write_yaml_item(node: &Node, indent: usize, out: &mut Vec<u8>) {
    spaces(indent, out);
    out.extend_from_slice(b"- ");
    write_here(node, indent + 2, out);
}

/// Writes a value whose first line has its `indent` characters already; what holds it is two
/// characters less indented.
fn write_here(node: &Node, indent: usize, out: &mut Vec<u8>) {
    match &node.value {
        Value::List(nodes) if !nodes.is_empty() => {
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    spaces(indent, out);
                }
                out.extend_from_slice(b"- ");
                write_here(node, indent + 2, out);
            }
        }
        Value::Map(entries) if !entries.is_empty() => {
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    spaces(indent, out);
                }
                write_entry(entry, indent, out);
            }
        }
        Value::String(text) | Value::Plain(text) if is_block(text) => {
            write_block(text, indent, out);
        }
        value => {
            write_scalar(value, out);
            out.push(b'\n');
        }
    }
}

/// Tells whether a string is written as a literal block: it has several lines, and each shows
/// all that it holds.
fn is_block(text: &str) -> bool {
    let shown = |line: &str| !line.ends_with(char::is_whitespace) && !line.chars().any(is_hidden);
    text.contains('\n') && !text.trim_matches('\n').is_empty() && text.split('\n').all(shown)
}

fn write_block(text: &str, indent: usize, out: &mut Vec<u8>) {
    out.push(b'|');
    // A reader takes the indentation from the first line that is not empty.
    if text
        .trim_start_matches('\n')
        .starts_with(char::is_whitespace)
    {
        out.push(b'2');
    }
    let body = text.strip_suffix('\n');
    match body {
        None => out.push(b'-'),
        Some(body) if body.ends_with('\n') => out.push(b'+'),
        Some(_) => {}
    }
    out.push(b'\n');
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            spaces(indent, out);
            out.extend_from_slice(line.as_bytes());
        }
        out.push(b'\n');
    }
}

fn write_entry(entry: &Entry, indent: usize, out: &mut Vec<u8>) {
    let begin = out.len();
    write_string(&entry.key, out);
    if out.len() - begin > SIMPLE_KEY {
        out.splice(begin..begin, *b"? ");
        out.push(b'\n');
        spaces(indent, out);
    }
    out.push(b':');
    let nested = match &entry.node.value {
        Value::List(nodes) => !nodes.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        _ => false,
    };
    if nested {
        out.push(b'\n');
        spaces(indent + 2, out);
    } else {
        out.push(b' ');
    }
    write_here(&entry.node, indent + 2, out);
}

fn spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

fn write_scalar(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(text) => write_number(text, out),
        Value::String(text) => write_string(text, out),
        Value::Plain(text) => match plain::resolve(text) {
            Scalar::Null => write_scalar(&Value::Null, out),
            Scalar::Bool(value) => write_scalar(&Value::Bool(value), out),
            Scalar::Number => write_number(text, out),
            Scalar::Text => write_string(text, out),
        },
        Value::List(_) => out.extend_from_slice(b"[]"),
        Value::Map(_) => out.extend_from_slice(b"{}"),
    }
}

/// Writes a number as it is; with a tag where it would otherwise come back as text (`1.10`, `1e3`).
fn write_number(text: &str, out: &mut Vec<u8>) {
    if !plain::is_canonical_number(text) {
        let whole = !text.contains(['.', 'e', 'E']);
        out.extend_from_slice(if whole { b"!!int " } else { b"!!float " });
    }
    out.extend_from_slice(text.as_bytes());
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    if is_safe(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            hidden if is_hidden(hidden) => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(hidden)).as_bytes());
            }
            shown => out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Tells whether a string may stand without quotes.
fn is_safe(text: &str) -> bool {
    let safe = |(index, byte): (usize, u8)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'/' | b'-' => true,
        b' ' => index + 1 < text.len(),
        b':' => text
            .as_bytes()
            .get(index + 1)
            .is_some_and(|&next| next != b' '),
        _ => false,
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().enumerate().all(safe)
        && !is_word_of_yaml(text)
}

/// Tells whether a reader of YAML 1.1 or 1.2 takes a word for null or for a boolean.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Tells whether a character is shown by its number: control characters, those that a reader may
/// take for a line break or refuse, and those that turn the direction of text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
                | '\u{FEFF}'
                | '\u{FFFE}'
                | '\u{FFFF}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{resolved, text, tree};
    use super::super::{Position, YamlItems, json};
    use super::*;

    fn check(json: &str, expected: &str) {
        let node = json::parse(json.as_bytes(), Position::START).expect("no fault");
        let mut out = Vec::new();
        write_yaml(&node, 0, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{json}");
    }

    fn check_string(text: &str, expected: &str) {
        let mut out = Vec::new();
        write_yaml(&Node::new(Value::String(text.to_owned())), 0, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            format!("{expected}\n"),
            "{text}"
        );
    }

    #[test]
    fn containers_are_blocks_and_empty_ones_are_brackets() {
        check("{}", "{}\n");
        check("[]", "[]\n");
        check(
            r#"{"a":1,"b":{"c":[true,null]},"d":[],"e":{}}"#,
            "a: 1\nb:\n  c:\n    - true\n    - null\nd: []\ne: {}\n",
        );
        check(
            r#"[{"a":1,"b":[{"c":2,"d":3}]},[[1,2],[]],"x"]"#,
            "- a: 1\n  b:\n    - c: 2\n      d: 3\n- - - 1\n    - 2\n  - []\n- x\n",
        );
    }

    #[test]
    fn long_lists_can_be_written_item_by_item() {
        let mut out = b"items:\n".to_vec();
        for item in [r#"{"a":1,"b":2}"#, r#"[1]"#, r#""no""#, "{}"] {
            let node = json::parse(item.as_bytes(), Position::START).expect("no fault");
            write_yaml_item(&node, 2, &mut out);
        }
        let expected = "items:\n  - a: 1\n    b: 2\n  - - 1\n  - \"no\"\n  - {}\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn strings_stand_without_quotes_only_where_no_reader_can_err() {
        for safe in [
            "a",
            "Hello world",
            "registry.example.com/team/image:v1.10",
            "a-b_c.d",
            "nope",
            "x  y",
            "a:b",
            "True north",
            "https://example.com",
        ] {
            check_string(safe, safe);
        }
        for quoted in [
            "",
            " a",
            "a ",
            "5",
            "1.10",
            "-3",
            "2024-01-31",
            "12:30:45",
            "0x1F",
            ".inf",
            "~",
            "null",
            "Null",
            "TRUE",
            "false",
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "N",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "- a",
            "---",
            "<<",
            "=",
            "é",
            "a,b",
            "[a]",
            "{a}",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "'a'",
            "%a",
            "@a",
            "`a`",
            "日本",
        ] {
            check_string(quoted, &format!("\"{quoted}\""));
        }
        check_string("a\"b\\c", r#""a\"b\\c""#);
        check_string("a\nb\tc\rd", r#""a\nb\tc\rd""#);
    }

    #[test]
    fn a_string_of_several_lines_is_a_block_where_all_of_it_is_seen() {
        let check_block = |text: &str, expected: &str| {
            let entry = Entry {
                key: "k".to_owned(),
                at: Position::default(),
                node: Node::new(Value::String(text.to_owned())),
            };
            let mut out = Vec::new();
            write_yaml_item(&Node::new(Value::Map(vec![entry])), 0, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("- k: {expected}\n"));
        };
        check_block("a\nb", "|-\n    a\n    b");
        check_block("a\nb\n", "|\n    a\n    b");
        check_block("a\n\n\n", "|+\n    a\n\n");
        check_block("\na\n\n  b: #\n", "|\n\n    a\n\n      b: #");
        check_block("  a\nb", "|2-\n      a\n    b");
        check_block("\n a\n\n", "|2+\n\n     a\n");
        check_block("- é\n---\n", "|\n    - é\n    ---");
        for (text, quoted) in [
            ("\n", r#""\n""#),
            ("\n\n", r#""\n\n""#),
            ("a \nb", r#""a \nb""#),
            ("a\n\tb", r#""a\n\tb""#),
            ("a\r\nb", r#""a\r\nb""#),
            ("a\n\u{202e}b", r#""a\n\u202eb""#),
            ("a\n\u{85}b", r#""a\n\u0085b""#),
            ("a\n ", r#""a\n ""#),
        ] {
            check_block(text, quoted);
        }
        check(
            r#"["a\nb",["c\n"],{"d\ne":1}]"#,
            "- |-\n  a\n  b\n- - |\n    c\n- \"d\\ne\": 1\n",
        );
        let key = "k".repeat(2000);
        check(
            &format!("{{\"{key}\":\"a\\nb\"}}"),
            &format!("? {key}\n: |-\n  a\n  b\n"),
        );
        check_string("a\nb", r#""a\nb""#);
    }

    #[test]
    fn hidden_characters_are_shown_by_number() {
        check_string(
            "\0\u{1b}\u{7f}\u{85}\u{9f}",
            r#""\u0000\u001b\u007f\u0085\u009f""#,
        );
        check_string(
            "\u{61c}\u{200e}\u{202e}\u{2066}\u{2069}",
            r#""\u061c\u200e\u202e\u2066\u2069""#,
        );
        check_string(
            "\u{2028}\u{2029}\u{feff}\u{ffff}",
            r#""\u2028\u2029\ufeff\uffff""#,
        );
        check_string("é\u{200d}😀", "\"é\u{200d}😀\"");
    }

    #[test]
    fn numbers_that_yaml_would_take_for_text_have_a_tag() {
        check("[5,-3,1.5]", "- 5\n- -3\n- 1.5\n");
        check(
            "[1.10,1e3,-0,5.0]",
            "- !!float 1.10\n- !!float 1e3\n- !!int -0\n- !!float 5.0\n",
        );
    }

    #[test]
    fn a_key_too_long_for_a_line_is_marked() {
        let key = "k".repeat(2000);
        check(&format!("{{\"{key}\":1}}"), &format!("? {key}\n: 1\n"));
        check(
            &format!("[{{\"{key}\":[1],\"a\":2}}]"),
            &format!("- ? {key}\n  :\n    - 1\n  a: 2\n"),
        );
    }

    /// A string of several lines, most of them such as a block can hold.
    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            3 => "[ ]{0,3}[a-z#:'\"é{}|>%&*-]{0,5}",
            1 => Just(String::new()),
            1 => text(),
        ];
        proptest::collection::vec(line, 1..6).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn strings_of_several_lines_are_read_back_equal(
            texts in proptest::collection::vec(lines(), 1..5), key in text(), indent in 0..4usize
        ) {
            let texts: Vec<Node> =
                texts.into_iter().map(|text| Node::new(Value::String(text))).collect();
            let entries = texts.iter().enumerate().map(|(index, node)| Entry {
                key: format!("{index}{key}"),
                at: Position::default(),
                node: node.clone(),
            });
            let tree = Node::new(Value::List(vec![
                Node::new(Value::List(texts.clone())),
                Node::new(Value::Map(entries.collect())),
            ]));
            let mut out = Vec::new();
            for node in texts.iter().chain([&tree]) {
                write_yaml_item(node, indent, &mut out);
            }
            let items: Result<Vec<Node>, _> = YamlItems::new(&out[..]).collect();
            let items = items.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let expected: Vec<Node> = texts.iter().chain([&tree]).cloned().collect();
            prop_assert_eq!(items.iter().map(resolved).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn what_is_written_is_read_back_equal(trees in proptest::collection::vec(tree(), 1..4), indent in 0..4usize) {
            let mut out = Vec::new();
            for tree in &trees {
                write_yaml_item(tree, indent, &mut out);
            }
            let items: Result<Vec<Node>, _> = YamlItems::new(&out[..]).collect();
            let items = items.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let expected: Vec<Node> = trees.iter().map(resolved).collect();
            prop_assert_eq!(items.iter().map(resolved).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn an_object_that_is_a_document_is_read_back_equal(
            key in text(), tree in tree(), indent in 0..4usize
        ) {
            let entry = Entry { key, at: Position::default(), node: tree };
            let tree = Node::new(Value::Map(vec![entry]));
            let mut out = Vec::new();
            write_yaml(&tree, indent, &mut out);
            let items: Result<Vec<Node>, _> = YamlItems::new(&out[..]).collect();
            let items = items.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(items.iter().map(resolved).collect::<Vec<_>>(), vec![resolved(&tree)]);
        }
    }
}
