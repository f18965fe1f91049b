//! JSON merge patches (RFC 7396): null clears, objects merge, all else replaces.

use super::document::{Entry, Node, Value};

/// Returns `target` with the patch applied. What comes from the patch keeps
/// its place in it.
pub(super) fn merge(target: Node, patch: &Node) -> Node {
    let Some(changes) = patch.as_map() else {
        return patch.clone();
    };
    let mut entries = match target.value {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    };
    for change in changes {
        let known = entries.iter().position(|entry| entry.key == change.key);
        if change.node.is_null() {
            if let Some(index) = known {
                entries.remove(index);
            }
            continue;
        }
        match known {
            Some(index) => {
                let old = std::mem::replace(&mut entries[index].node, Node::new(Value::Null));
                entries[index].node = merge(old, &change.node);
            }
            None => entries.push(Entry {
                key: change.key.clone(),
                at: change.at,
                node: merge(Node::new(Value::Null), &change.node),
            }),
        }
    }
    Node {
        at: patch.at,
        value: Value::Map(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{Position, json, write_json};
    use super::*;

    #[test]
    fn the_examples_of_rfc_7396_hold() {
        let check = |target: &str, patch: &str, expected: &str| {
            let parse = |text: &str| json::parse(text.as_bytes(), Position::START).expect("JSON");
            let mut text = Vec::new();
            write_json(&merge(parse(target), &parse(patch)), &mut text);
            assert_eq!(
                String::from_utf8_lossy(&text),
                expected,
                "{target} + {patch}"
            );
        };
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        );
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
        check(r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }
}
