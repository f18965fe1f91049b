//! What the tests of several files here share: made-up trees, slow readers, short descriptions.

use std::io::{self, Read};

use proptest::collection::vec;
use proptest::prelude::*;

use super::plain::{self, Scalar};
use super::{Entry, ItemError, Items, Node, Shape, Syntax, Value, write_json};

/// Gives a text in pieces of 1 to 7 bytes, and is interrupted now and then.
pub(super) struct Trickle<'a> {
    text: &'a [u8],
    step: usize,
}

impl<'a> Trickle<'a> {
    pub(super) fn new(text: &'a [u8], step: usize) -> Trickle<'a> {
        Trickle { text, step }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.step += 1;
        if self.step.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = (1 + self.step % 7).min(room.len()).min(self.text.len());
        let (now, later) = self.text.split_at(count);
        room[..count].copy_from_slice(now);
        self.text = later;
        Ok(count)
    }
}

/// A reader that gives the same text again and again, up to so many bytes.
pub(super) fn endless(text: &'static str, limit: u64) -> impl Read {
    struct Again(&'static [u8], usize);
    impl Read for Again {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = (self.0.len() - self.1).min(room.len());
            room[..count].copy_from_slice(&self.0[self.1..self.1 + count]);
            self.1 = (self.1 + count) % self.0.len();
            Ok(count)
        }
    }
    Again(text.as_bytes(), 0).take(limit)
}

/// Returns a tree as `@1:1{a@1:2=@1:5 5}`: each key and value with its place.
pub(super) fn describe(node: &Node) -> String {
    let inner = match &node.value {
        Value::List(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(describe).collect();
            format!("[{}]", nodes.join(","))
        }
        Value::Map(entries) => {
            let entry =
                |entry: &Entry| format!("{}@{}={}", entry.key, entry.at, describe(&entry.node));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Plain(text) => text.clone(),
        _ => json(node),
    };
    format!("@{} {inner}", node.at)
}

pub(super) fn json(node: &Node) -> String {
    let mut out = Vec::new();
    write_json(node, &mut out);
    String::from_utf8(out).expect("JSON is written as UTF-8")
}

/// Returns all items as JSON, one a line, then the fault if there is one, then the shape.
pub(super) fn story(text: impl Read, syntax: Syntax) -> (String, Shape) {
    let mut items = Items::new(text, syntax);
    let mut story = String::new();
    for item in items.by_ref() {
        match item {
            Ok(node) => story += &json(&node),
            Err(ItemError::Fault(fault)) => story += &fault.to_string(),
            Err(ItemError::Io(error)) => story += &format!("I/O: {error}"),
        }
        story.push('\n');
    }
    assert!(items.next().is_none(), "the iterator is fused");
    (story, items.shape())
}

/// Returns a tree without places, each plain scalar being what it resolves to.
pub(super) fn resolved(node: &Node) -> Node {
    Node::new(match &node.value {
        Value::List(nodes) => Value::List(nodes.iter().map(resolved).collect()),
        Value::Map(entries) => {
            let entry = |entry: &Entry| Entry {
                key: entry.key.clone(),
                at: Default::default(),
                node: resolved(&entry.node),
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        Value::Plain(text) => match plain::resolve(text) {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number => Value::Number(text.clone()),
            Scalar::Text => Value::String(text.clone()),
        },
        other => other.clone(),
    })
}

/// Text that parsers and printers get wrong, and any other.
pub(super) fn text() -> impl Strategy<Value = String> {
    let known = [
        "",
        " ",
        "a",
        "no",
        "Yes",
        "null",
        "~",
        "true",
        "1.10",
        "5",
        "-3",
        "1e3",
        "0x1F",
        ".inf",
        "007",
        "12:30:45",
        "2024-01-31",
        "a: b",
        "a #b",
        "- a",
        "---",
        "...",
        "<<",
        "=",
        "a:",
        "a ",
        "\n",
        "a\nb",
        "a\r\nb",
        "\t",
        "\"",
        "\\",
        "'",
        "é",
        "日本",
        "😀",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "\u{0}",
        "\u{1b}",
        "registry.example.com/a/b:v1.0",
        "x".repeat(1200).leak(),
    ];
    prop_oneof![
        3 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z0-9 :#.,/_{}&*!|>%@`?=~'\"\\\\\n-]{0,12}",
    ]
}

/// Any tree that JSON can say; with plain scalars too, so that it is one of YAML.
pub(super) fn tree() -> impl Strategy<Value = Node> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|n| n.to_string()),
        proptest::sample::select(vec![
            "-0",
            "1.10",
            "1e3",
            "1E-7",
            "0.0",
            "123456789012345678901234567890"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => number.prop_map(Value::Number),
        4 => text().prop_map(Value::String),
        1 => text().prop_map(Value::Plain),
    ];
    leaf.prop_map(Node::new).prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            vec((text(), inner), 0..6).prop_map(|pairs| Value::Map(entries(pairs))),
        ]
        .prop_map(Node::new)
    })
}

/// Returns entries without those whose key was there before.
fn entries(pairs: Vec<(String, Node)>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, node) in pairs {
        if entries.iter().all(|entry| entry.key != key) {
            entries.push(Entry {
                key,
                at: Default::default(),
                node,
            });
        }
    }
    entries
}

/// A text with some of its bytes replaced, removed or doubled.
pub(super) fn mutated(text: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"{}[]:,\"'\\-&*!|>#%? \n\t0e.".to_vec())
    ];
    (text, vec((any::<prop::sample::Index>(), byte, 0..4), 0..4)).prop_map(|(mut text, changes)| {
        for (index, byte, change) in changes {
            let index = index.index(text.len() + 1);
            match change {
                0 => text.truncate(index),
                1 if index < text.len() => drop(text.remove(index)),
                2 if index < text.len() => text[index] = byte,
                _ => text.insert(index, byte),
            }
        }
        text
    })
}
