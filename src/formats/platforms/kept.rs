//! What a platform's file holds and the catalog does not know: kept in the image
//! as an unknown field with the platform's name, in the shape that it had in the
//! file, and put back where it was.

use super::super::document::{Entry, Node, Position, Value, json, write_json};
use crate::domain::image::ImageConfig;
use crate::domain::platform::Platform;

/// Returns an object.
pub(super) fn object<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::new(Value::Map(
        entries
            .into_iter()
            .map(|(key, node)| entry(key, node))
            .collect(),
    ))
}

/// Returns a field of an object that is made here.
pub(super) fn entry(key: &str, node: Node) -> Entry {
    Entry {
        key: key.to_owned(),
        at: Position::default(),
        node,
    }
}

/// Returns a string.
pub(super) fn text(text: impl Into<String>) -> Node {
    Node::new(Value::String(text.into()))
}

/// Returns a list of strings.
pub(super) fn words(words: &[String]) -> Node {
    Node::new(Value::List(words.iter().map(text).collect()))
}

/// Returns an object of the entries that have a value.
pub(super) fn present<const N: usize>(entries: [(&str, Option<Node>); N]) -> Node {
    Node::new(Value::Map(
        entries
            .into_iter()
            .filter_map(|(key, node)| Some(entry(key, node?)))
            .collect(),
    ))
}

/// Returns the fields of an object whose path (`metadata.tags`) is not known, in
/// their places; nothing where none is left. Keys that hold a dot are never known.
pub(super) fn unknown(node: &Node, known: &[&str]) -> Option<Node> {
    unknown_below(node, "", known)
}

fn unknown_below(node: &Node, path: &str, known: &[&str]) -> Option<Node> {
    let entries = node.as_map()?;
    let mut left = Vec::new();
    for entry in entries {
        let field = if path.is_empty() {
            entry.key.clone()
        } else {
            format!("{path}.{}", entry.key)
        };
        if known.contains(&field.as_str()) && !entry.key.contains('.') {
            continue;
        }
        let is_above = known.iter().any(|known| {
            known
                .strip_prefix(&field)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        if !is_above || entry.node.as_map().is_none() {
            left.push(entry.clone());
        } else if let Some(node) = unknown_below(&entry.node, &field, known) {
            left.push(Entry {
                node,
                ..entry.clone()
            });
        }
    }
    (!left.is_empty()).then(|| Node::new(Value::Map(left)))
}

/// Returns an object without the fields at some paths, each a list of keys, and
/// without the objects that held nothing else; nothing where none is left.
pub(super) fn without(node: &Node, known: &[&[&str]]) -> Option<Node> {
    let mut left = Vec::new();
    for entry in node.as_map()? {
        let below: Vec<&[&str]> = known
            .iter()
            .filter(|path| path.first() == Some(&entry.key.as_str()))
            .filter_map(|path| path.get(1..))
            .collect();
        let has_fields = entry.node.as_map().is_some_and(|fields| !fields.is_empty());
        if below.iter().any(|path| path.is_empty()) {
            continue;
        }
        if below.is_empty() || !has_fields {
            left.push(entry.clone());
        } else if let Some(node) = without(&entry.node, &below) {
            left.push(Entry {
                node,
                ..entry.clone()
            });
        }
    }
    (!left.is_empty()).then(|| Node::new(Value::Map(left)))
}

/// Returns what is written with what was kept put back in its places. What is
/// written wins.
pub(super) fn with_kept(written: Node, kept: Option<&Node>) -> Node {
    let Some(kept) = kept else {
        return written;
    };
    match (written.value, kept.as_map()) {
        (Value::Map(mut entries), Some(others)) => {
            for other in others {
                let known = entries.iter().position(|entry| entry.key == other.key);
                match known {
                    Some(index) => {
                        let node =
                            std::mem::replace(&mut entries[index].node, Node::new(Value::Null));
                        entries[index].node = with_kept(node, Some(&other.node));
                    }
                    None => entries.push(other.clone()),
                }
            }
            Node::new(Value::Map(entries))
        }
        (value, _) => Node::new(value),
    }
}

/// Returns an object with what is written put into its places; what is written wins,
/// and the order of fields stays that of the object.
pub(super) fn filled_in(frame: Node, written: Node) -> Node {
    match (frame.value, written.value) {
        (Value::Map(entries), Value::Map(mut others)) => {
            let mut filled = Vec::with_capacity(entries.len());
            for mut entry in entries {
                let other = others.iter().position(|other| other.key == entry.key);
                if let Some(index) = other {
                    entry.node = filled_in(entry.node, others.remove(index).node);
                }
                filled.push(entry);
            }
            filled.append(&mut others);
            Node::new(Value::Map(filled))
        }
        (_, value) => Node::new(value),
    }
}

/// Takes out the field at a path, a list of keys.
pub(super) fn take_out(node: &mut Node, path: &[&str]) {
    let (Value::Map(entries), Some((key, rest))) = (&mut node.value, path.split_first()) else {
        return;
    };
    if rest.is_empty() {
        entries.retain(|entry| entry.key != *key);
        return;
    }
    for entry in entries.iter_mut().filter(|entry| entry.key == *key) {
        take_out(&mut entry.node, rest);
    }
}

/// Keeps in an image what is left of its file.
pub(super) fn keep(config: &mut ImageConfig, platform: Platform, left: Option<Node>) {
    if let Some(left) = left {
        let mut json = Vec::new();
        write_json(&left, &mut json);
        let json = String::from_utf8_lossy(&json).into_owned();
        config.extra.push((platform.name().to_owned(), json));
    }
}

/// Returns what an image keeps of a platform's file.
pub(super) fn kept_of(config: &ImageConfig, platform: Platform) -> Option<Node> {
    let (_, text) = (config.extra.iter()).find(|(key, _)| key == platform.name())?;
    parsed(text)
}

/// Returns the JSON text of an unknown field as a tree.
pub(super) fn parsed(text: &str) -> Option<Node> {
    let mut node = json::parse(text.as_bytes(), Position::START).ok()?;
    super::super::forget_places(&mut node);
    Some(node)
}

/// Returns whether two values are the same, in whichever order objects have their
/// fields and whether they are written in JSON or in YAML.
pub(super) fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Map(entries), Value::Map(others)) => {
            entries.len() == others.len()
                && (entries.iter().zip(others)).all(|(entry, same_place)| {
                    let found = match entry.key == same_place.key {
                        true => Some(&same_place.node),
                        false => other.get(&entry.key),
                    };
                    found.is_some_and(|node| is_same(&entry.node, node))
                })
        }
        (Value::List(nodes), Value::List(others)) => {
            nodes.len() == others.len()
                && (nodes.iter().zip(others)).all(|(node, other)| is_same(node, other))
        }
        _ => {
            let [mut text, mut other_text] = [Vec::new(), Vec::new()];
            write_json(one, &mut text);
            write_json(other, &mut other_text);
            text == other_text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Node {
        json::parse(text.as_bytes(), Position::START).expect("JSON")
    }

    fn check(whole: &str, known: &[&str], left: Option<&str>) {
        let whole = parse(whole);
        let found = unknown(&whole, known).map(|node| {
            let mut text = Vec::new();
            write_json(&node, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        assert_eq!(found.as_deref(), left);
    }

    #[test]
    fn what_is_not_known_is_left_in_its_place() {
        let known = ["a", "b.c", "b.d.e"];
        check(r#"{"a":1}"#, &known, None);
        check(r#"{"a":1,"b":{"c":1}}"#, &known, None);
        check(r#"{"x":1,"a":2}"#, &known, Some(r#"{"x":1}"#));
        check(
            r#"{"b":{"c":1,"y":2,"d":{"e":1,"z":[]}}}"#,
            &known,
            Some(r#"{"b":{"y":2,"d":{"z":[]}}}"#),
        );
        check(r#"{"b":5}"#, &known, Some(r#"{"b":5}"#));
        check(r#"{"b.c":5}"#, &known, Some(r#"{"b.c":5}"#));
    }

    #[test]
    fn what_is_left_may_have_dots_in_its_keys() {
        let check = |whole: &str, left: &str| {
            let known: [&[&str]; 2] = [&["a", "x.io/y"], &["b"]];
            let found = without(&parse(whole), &known);
            let mut text = Vec::new();
            write_json(&found.unwrap_or(Node::new(Value::Null)), &mut text);
            assert_eq!(String::from_utf8_lossy(&text), left);
        };
        check(r#"{"a":{"x.io/y":1,"z":2},"b":3}"#, r#"{"a":{"z":2}}"#);
        check(r#"{"a":{"x.io/y":1},"c":{}}"#, r#"{"c":{}}"#);
        check(r#"{"a":{},"b":{}}"#, r#"{"a":{}}"#);
        check(r#"{"a":{"x.io/y":1},"b":3}"#, "null");
        check("5", "null");
    }

    #[test]
    fn what_was_kept_comes_back_and_what_is_written_wins() {
        let check = |written: &str, kept: &str, expected: &str| {
            let node = with_kept(parse(written), Some(&parse(kept)));
            let mut text = Vec::new();
            write_json(&node, &mut text);
            assert_eq!(String::from_utf8_lossy(&text), expected);
        };
        check(r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#);
        check(r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":1}"#);
        check(
            r#"{"a":{"b":1}}"#,
            r#"{"a":{"c":[1]}}"#,
            r#"{"a":{"b":1,"c":[1]}}"#,
        );
        check(r#"{"a":1}"#, "5", r#"{"a":1}"#);
    }

    #[test]
    fn a_frame_is_emptied_and_filled_and_keeps_its_order() {
        let mut frame = parse(r#"{"a":{"b":1,"c":2},"d":3}"#);
        take_out(&mut frame, &["a", "b"]);
        take_out(&mut frame, &["d", "e"]);
        take_out(&mut frame, &["f"]);
        assert!(is_same(&frame, &parse(r#"{"a":{"c":2},"d":3}"#)));
        let written = parse(r#"{"d":{"x":1},"g":[],"a":{"b":5}}"#);
        let mut text = Vec::new();
        write_json(&filled_in(frame, written), &mut text);
        let expected = r#"{"a":{"c":2,"b":5},"d":{"x":1},"g":[]}"#;
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn the_order_of_fields_makes_no_difference() {
        let check = |one: &str, other: &str, expected: bool| {
            assert_eq!(
                is_same(&parse(one), &parse(other)),
                expected,
                "{one} {other}"
            );
        };
        check(
            r#"{"a":1,"b":{"c":2,"d":3}}"#,
            r#"{"b":{"d":3,"c":2},"a":1}"#,
            true,
        );
        check("[1,2]", "[2,1]", false);
        check(r#"{"a":1}"#, r#"{"a":1,"b":1}"#, false);
        check(r#"{"a":1,"c":1}"#, r#"{"a":1,"b":1}"#, false);
        check(r#"{"a":1}"#, r#"{"a":"1"}"#, false);
    }
}
