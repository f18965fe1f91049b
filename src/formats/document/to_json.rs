//! A tree as JSON text. Plain scalars of YAML get the type that `plain` gives them.

use super::plain::{self, Scalar};
use super::{Node, Value};
use crate::domain::json_text::write_json_string;

/// Writes a value on one line, without white space and without a line break after it.
pub fn write_json(node: &Node, out: &mut Vec<u8>) {
    match &node.value {
        Value::List(nodes) => {
            out.push(b'[');
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json(node, out);
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json_string(&entry.key, out);
                out.push(b':');
                write_json(&entry.node, out);
            }
            out.push(b'}');
        }
        scalar => write_scalar(scalar, out),
    }
}

/// Writes a value over several lines, two spaces to a level, without a line break after it.
///
/// `indent` is the number of spaces before the line on which the value begins; they are not
/// written before its first line.
pub fn write_json_pretty(node: &Node, indent: usize, out: &mut Vec<u8>) {
    match &node.value {
        Value::List(nodes) if !nodes.is_empty() => {
            out.push(b'[');
            for (index, node) in nodes.iter().enumerate() {
                break_line(index > 0, indent + 2, out);
                write_json_pretty(node, indent + 2, out);
            }
            break_line(false, indent, out);
            out.push(b']');
        }
        Value::Map(entries) if !entries.is_empty() => {
            out.push(b'{');
            for (index, entry) in entries.iter().enumerate() {
                break_line(index > 0, indent + 2, out);
                write_json_string(&entry.key, out);
                out.extend_from_slice(b": ");
                write_json_pretty(&entry.node, indent + 2, out);
            }
            break_line(false, indent, out);
            out.push(b'}');
        }
        _ => write_json(node, out),
    }
}

fn break_line(comma: bool, indent: usize, out: &mut Vec<u8>) {
    if comma {
        out.push(b',');
    }
    out.push(b'\n');
    out.resize(out.len() + indent, b' ');
}

fn write_scalar(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(text) => out.extend_from_slice(text.as_bytes()),
        Value::String(text) => write_json_string(text, out),
        Value::Plain(text) => match plain::resolve(text) {
            Scalar::Null => out.extend_from_slice(b"null"),
            Scalar::Bool(value) => write_scalar(&Value::Bool(value), out),
            Scalar::Number => out.extend_from_slice(text.as_bytes()),
            Scalar::Text => write_json_string(text, out),
        },
        Value::Null | Value::List(_) | Value::Map(_) => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{self, resolved, text, tree};
    use super::super::{Items, Position, Syntax, json};
    use super::*;

    fn check(yaml: &str, compact: &str, pretty: &str) {
        let node = Items::new(yaml.as_bytes(), Syntax::Yaml)
            .next()
            .expect("an item")
            .expect("no fault");
        assert_eq!(samples::json(&node), compact, "{yaml}");
        let mut out = Vec::new();
        write_json_pretty(&node, 0, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), pretty, "{yaml}");
    }

    fn check_string(text: &str, expected: &str) {
        let mut out = Vec::new();
        write_json_string(text, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn plain_scalars_get_their_type() {
        let scalars = "[5, -3, 1.5, 1.10, 007, 0x1F, 1_000, .inf, 1e3, 12:30:45, no, True, ~, '5']";
        let json =
            r#"[5,-3,1.5,"1.10","007","0x1F","1_000",".inf","1e3","12:30:45","no",true,null,"5"]"#;
        let lines = format!("[\n  {}\n]", json[1..json.len() - 1].replace(',', ",\n  "));
        check(&format!("- {scalars}"), json, &lines);
    }

    #[test]
    fn pretty_output_is_indented_by_two_spaces() {
        check(
            "a: []\nb: {}\nc:",
            r#"{"a":[],"b":{},"c":null}"#,
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": null\n}",
        );
        check(
            "a: [{b: [1, 2]}]",
            r#"{"a":[{"b":[1,2]}]}"#,
            "{\n  \"a\": [\n    {\n      \"b\": [\n        1,\n        2\n      ]\n    }\n  ]\n}",
        );
        let node = json::parse(b"{\"a\":1}", Position::START).expect("no fault");
        let mut out = b"[\n  ".to_vec();
        write_json_pretty(&node, 2, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "[\n  {\n    \"a\": 1\n  }");
    }

    #[test]
    fn only_what_must_be_is_escaped() {
        check_string("", "\"\"");
        check_string(
            "a \"quoted\" back\\slash/",
            r#""a \"quoted\" back\\slash/""#,
        );
        check_string(
            "\n\r\t\u{8}\u{c}\0\u{1b}\u{1f}",
            r#""\n\r\t\b\f\u0000\u001b\u001f""#,
        );
        check_string(
            "é日本😀\u{7f}\u{85}\u{2028}\u{202e}",
            "\"é日本😀\u{7f}\u{85}\u{2028}\u{202e}\"",
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_equal(tree in tree(), indent in 0..5usize) {
            let expected = resolved(&tree);
            let mut out = Vec::new();
            write_json(&tree, &mut out);
            let compact = json::parse(&out, Position::START).expect("own JSON is read");
            prop_assert_eq!(&resolved(&compact), &expected);
            out.clear();
            write_json_pretty(&tree, indent, &mut out);
            let pretty = json::parse(&out, Position::START).expect("own JSON is read");
            prop_assert_eq!(&resolved(&pretty), &expected);
        }

        #[test]
        fn any_string_comes_back(text in text()) {
            let mut out = Vec::new();
            write_json_string(&text, &mut out);
            let node = json::parse(&out, Position::START).expect("own JSON is read");
            prop_assert_eq!(node.as_text(), Some(text.as_str()));
        }
    }
}
