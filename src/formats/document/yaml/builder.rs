//! Makes one tree of the events of one item.

use std::collections::HashSet;

use saphyr_parser::{Event, Tag};

use super::super::keys::KeyIndex;
use super::super::{Entry, Fault, MAX_DEPTH, Node, Position, TOO_DEEP, Value, shorten};
use super::anchors::{Anchored, Anchors, Measure};
use super::scalars::{check_tag, is_merge, scalar, text_length};

/// The containers that are open, outermost first.
#[derive(Default)]
pub(super) struct Builder {
    frames: Vec<Frame>,
}

struct Frame {
    at: Position,
    anchor: usize,
    measure: Measure,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    entries: Vec<Entry>,
    keys: KeyIndex,
    key: Option<Key>,
    /// What `<<` brings in, the first of equal keys being the one that counts.
    merged: Option<Merged>,
}

/// A key whose value is awaited.
struct Key {
    text: String,
    at: Position,
    merge: bool,
}

struct Merged {
    /// Where `<<` stood among the entries.
    index: usize,
    at: Position,
    entries: Vec<Entry>,
}

impl Builder {
    /// Takes the next event; returns the tree where it is complete.
    pub(super) fn accept(
        &mut self,
        event: Event<'static>,
        at: Position,
        anchors: &mut Anchors,
    ) -> Result<Option<Node>, Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text.into_owned(), style, tag.as_deref())
                    .map_err(|message| self.fault(at, message))?;
                anchors.begin(anchor);
                let merge = tag.is_none() && is_merge(&value);
                self.complete(
                    Node { at, value },
                    Finished {
                        anchor,
                        merge,
                        ..Finished::scalar()
                    },
                    anchors,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(
                    Frame::new(at, anchor, Content::List(Vec::new())),
                    tag.as_deref(),
                    anchors,
                )?;
                Ok(None)
            }
            Event::MappingStart(anchor, tag) => {
                self.open(
                    Frame::new(at, anchor, Content::Map(Map::default())),
                    tag.as_deref(),
                    anchors,
                )?;
                Ok(None)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(anchors),
            Event::Alias(id) => {
                // The value stands where the alias is; what is in it, where it is written.
                let (node, measure) = match anchors.get(id) {
                    Ok(Anchored { node, measure }) => (
                        Node {
                            at,
                            value: node.value.clone(),
                        },
                        *measure,
                    ),
                    Err(message) => return Err(self.fault(at, message)),
                };
                if self.frames.len() + measure.height > MAX_DEPTH {
                    return Err(Fault::new(at, TOO_DEEP));
                }
                self.complete(
                    node,
                    Finished {
                        measure,
                        ..Finished::scalar()
                    },
                    anchors,
                )
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Err(self.fault(at, "the document ends inside an item")),
        }
    }

    /// Returns the path of what is awaited, such as `imageSpec.packages.pip[1]`.
    pub(super) fn path(&self) -> String {
        self.fault(Position::default(), "").field
    }

    /// Returns the innermost container that is open, and where it began.
    pub(super) fn innermost(&self) -> Option<(&'static str, Position)> {
        let frame = self.frames.last()?;
        match frame.content {
            Content::List(_) => Some(("a list", frame.at)),
            Content::Map(_) => Some(("an object", frame.at)),
        }
    }

    fn fault(&self, at: Position, message: impl Into<String>) -> Fault {
        self.frames
            .iter()
            .rev()
            .fold(Fault::new(at, message), |fault, frame| {
                match &frame.content {
                    Content::List(nodes) => fault.under_index(nodes.len()),
                    Content::Map(Map { key: Some(key), .. }) => fault.under_key(&key.text),
                    Content::Map(_) => fault,
                }
            })
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame {
                content: Content::Map(Map { key: None, .. }),
                ..
            })
        )
    }

    fn open(
        &mut self,
        frame: Frame,
        tag: Option<&Tag>,
        anchors: &mut Anchors,
    ) -> Result<(), Fault> {
        if self.awaits_key() {
            return Err(self.fault(frame.at, "a key must be text, not a list or an object"));
        }
        if self.frames.len() == MAX_DEPTH {
            return Err(Fault::new(frame.at, TOO_DEEP));
        }
        let kind = match frame.content {
            Content::List(_) => "seq",
            Content::Map(_) => "map",
        };
        check_tag(tag, kind).map_err(|message| self.fault(frame.at, message))?;
        anchors.begin(frame.anchor);
        self.frames.push(frame);
        Ok(())
    }

    fn close(&mut self, anchors: &mut Anchors) -> Result<Option<Node>, Fault> {
        let Some(frame) = self.frames.pop() else {
            return Err(Fault::new(
                Position::default(),
                "a container ends that did not begin",
            ));
        };
        let mut measure = frame.measure;
        measure.nodes += 1;
        measure.height += 1;
        let value = match frame.content {
            Content::List(nodes) => Value::List(nodes),
            Content::Map(map) => Value::Map(map.finish()),
        };
        let finished = Finished {
            anchor: frame.anchor,
            measure,
            merge: false,
        };
        self.complete(
            Node {
                at: frame.at,
                value,
            },
            finished,
            anchors,
        )
    }

    /// Puts a complete node where it belongs: it is the item, an element, a key or a value.
    fn complete(
        &mut self,
        node: Node,
        finished: Finished,
        anchors: &mut Anchors,
    ) -> Result<Option<Node>, Fault> {
        let mut measure = finished.measure;
        if measure.nodes == 0 {
            measure.nodes = 1;
            measure.text = text_length(&node.value);
        }
        anchors.end(finished.anchor, &node, measure);
        if self.awaits_key() {
            let key = self.key(node, finished.merge)?;
            if let Some(Frame {
                content: Content::Map(map),
                measure: held,
                ..
            }) = self.frames.last_mut()
            {
                held.add(measure);
                map.key = Some(key);
            }
            return Ok(None);
        }
        let Some(frame) = self.frames.last_mut() else {
            return Ok(Some(node));
        };
        frame.measure.add(measure);
        match &mut frame.content {
            Content::List(nodes) => nodes.push(node),
            Content::Map(map) => match map.key.take() {
                Some(key) if key.merge => {
                    if let Err(at) = map.merge(&key, node) {
                        return Err(self.fault(at, "`<<` takes an object or a list of objects"));
                    }
                }
                Some(key) => map.entries.push(Entry {
                    key: key.text,
                    at: key.at,
                    node,
                }),
                None => {}
            },
        }
        Ok(None)
    }

    fn key(&mut self, node: Node, merge: bool) -> Result<Key, Fault> {
        let at = node.at;
        let text = match node.value {
            Value::String(text) | Value::Number(text) => text,
            Value::Plain(text) if text.is_empty() => return Err(self.fault(at, "a key is missing")),
            Value::Plain(text) => text,
            Value::Bool(value) => value.to_string(),
            Value::Null => "null".to_owned(),
            Value::List(_) | Value::Map(_) => {
                return Err(self.fault(at, "a key must be text, not a list or an object"));
            }
        };
        let earlier = match self.frames.last_mut() {
            Some(Frame {
                content: Content::Map(map),
                ..
            }) if merge => map.merged.as_ref().map(|merged| merged.at),
            Some(Frame {
                content: Content::Map(map),
                ..
            }) => map.keys.earlier(&map.entries, &text),
            _ => None,
        };
        match earlier {
            None => Ok(Key { text, at, merge }),
            Some(first) => {
                let message = format!("duplicate key `{}`, first at {first}", shorten(&text));
                let mut fault = Fault::new(at, message).under_key(&text);
                let field = self.path();
                if !field.is_empty() {
                    fault.field = format!("{field}.{}", fault.field);
                }
                Err(fault)
            }
        }
    }
}

/// What is known of a node that is complete, beside its value.
struct Finished {
    anchor: usize,
    /// Without nodes: to be measured.
    measure: Measure,
    /// A plain `<<`, which as a key merges.
    merge: bool,
}

impl Finished {
    fn scalar() -> Finished {
        Finished {
            anchor: 0,
            measure: Measure::default(),
            merge: false,
        }
    }
}

impl Frame {
    fn new(at: Position, anchor: usize, content: Content) -> Frame {
        Frame {
            at,
            anchor,
            measure: Measure::default(),
            content,
        }
    }
}

impl Map {
    /// Notes the entries of what `<<` names (<https://yaml.org/type/merge.html>), or fails with
    /// the place of what is no object.
    fn merge(&mut self, key: &Key, node: Node) -> Result<(), Position> {
        let maps = match node.value {
            Value::List(nodes) => nodes,
            value => vec![Node { at: node.at, value }],
        };
        let mut entries = Vec::new();
        for map in maps {
            entries.extend(map.into_map().map_err(|other| other.at)?);
        }
        self.merged = Some(Merged {
            index: self.entries.len(),
            at: key.at,
            entries,
        });
        Ok(())
    }

    /// Returns the entries, with those that `<<` brings in and that are not here already.
    fn finish(self) -> Vec<Entry> {
        let mut entries = self.entries;
        let Some(merged) = self.merged else {
            return entries;
        };
        let mut known: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let fresh: Vec<bool> = merged
            .entries
            .iter()
            .map(|entry| known.insert(&entry.key))
            .collect();
        let fresh = merged
            .entries
            .into_iter()
            .zip(fresh)
            .filter(|(_, fresh)| *fresh);
        entries.splice(merged.index..merged.index, fresh.map(|(entry, _)| entry));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{describe, story};
    use super::super::super::{Items, MAX_DEPTH, Syntax};

    fn check(text: &str, expected: &str) {
        assert_eq!(
            story(text.as_bytes(), Syntax::Yaml).0,
            format!("{expected}\n"),
            "{text}"
        );
    }

    fn check_places(text: &str, expected: &str) {
        let item = Items::new(text.as_bytes(), Syntax::Yaml)
            .next()
            .and_then(Result::ok);
        assert_eq!(
            item.map(|node| describe(&node)).as_deref(),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        check_places(
            "a: 1\nb:\n  - x\n  - c: 'y'\n",
            "@1:1 {a@1:1=@1:4 1,b@2:1=@3:3 [@3:5 x,@4:5 {c@4:5=@4:8 \"y\"}]}",
        );
        check_places(
            "{é: \"日本\", 😀: [1, {b: }]}",
            "@1:1 {é@1:2=@1:5 \"日本\",😀@1:11=@1:14 [@1:15 1,@1:18 {b@1:19=@1:20 }]}",
        );
        check_places("\u{feff}a: 1\r\nb: 2", "@1:1 {a@1:1=@1:4 1,b@2:1=@2:4 2}");
        // A block begins where its text does; an anchor or a tag belongs to its node.
        check_places(
            "a: |\n  x\nb: &b !!str y",
            "@1:1 {a@1:1=@2:3 \"x\\n\",b@3:1=@3:4 \"y\"}",
        );
        check_places("a:\nb: 1", "@1:1 {a@1:1=@1:2 ,b@2:1=@2:4 1}");
        // An alias stands where it is; what is in it, where it is written.
        check_places(
            "a: &a [x]\nb: *a",
            "@1:1 {a@1:1=@1:4 [@1:8 x],b@2:1=@2:4 [@1:8 x]}",
        );
    }

    #[test]
    fn a_key_is_text_as_it_is_written() {
        check(
            "5: a\ntrue: b\n~: c\n1.10: d\n'': e",
            r#"{"5":"a","true":"b","~":"c","1.10":"d","":"e"}"#,
        );
        check("? a\n: 1\n? b", r#"{"a":1,"b":null}"#);
        check("{a, b: 1, \"c\":2}", r#"{"a":null,"b":1,"c":2}"#);
        check("&k a: 1\nb: *k", r#"{"a":1,"b":"a"}"#);
        check("a: &k b\n*k : 1", r#"{"a":"b","b":1}"#);
        check(
            "a:\n  ? [b]\n  : 1",
            "2:5: a: a key must be text, not a list or an object",
        );
        check(
            "a: &k [b]\n*k : 1",
            "2:1: a key must be text, not a list or an object",
        );
        check("a:\n  : 1", "2:3: a: a key is missing");
    }

    #[test]
    fn a_key_stands_once_in_an_object() {
        check(
            "a: 1\nb: 2\n'a': 3",
            "3:1: a: duplicate key `a`, first at 1:1",
        );
        check(
            "x: [{b: {c: 1, c: 2}}]",
            "1:16: x[0].b.c: duplicate key `c`, first at 1:10",
        );
        let many: String = (0..1000).map(|key| format!("k{key}: 0\n")).collect();
        check(
            &format!("{many}k7: 0"),
            "1001:1: k7: duplicate key `k7`, first at 8:1",
        );
    }

    #[test]
    fn merge_keys_bring_in_what_is_not_there() {
        check(
            "- &b {a: 1, c: 2}\n- x: 0\n  <<: *b\n  a: 3",
            "{\"a\":1,\"c\":2}\n{\"x\":0,\"c\":2,\"a\":3}",
        );
        check(
            "<<: [{a: 1, b: 1}, {b: 2, c: 2}]\nd: 3",
            r#"{"a":1,"b":1,"c":2,"d":3}"#,
        );
        check(
            "<<: {<<: {a: 1, b: 1}, b: 2}\nc: 3",
            r#"{"a":1,"b":2,"c":3}"#,
        );
        check("<<: []\na: 1", r#"{"a":1}"#);
        // Quoted, it is a key as any other.
        check("'<<': 5", r#"{"<<":5}"#);
        check(
            "x:\n  <<: 5",
            "2:7: x: `<<` takes an object or a list of objects",
        );
        check(
            "<<: [{a: 1}, b]",
            "1:14: `<<` takes an object or a list of objects",
        );
        check(
            "<<: {a: 1}\n<<: {b: 1}",
            "2:1: <<: duplicate key `<<`, first at 1:1",
        );
    }

    #[test]
    fn depth_ends_at_128_levels() {
        let fault = |place: &str| format!("{place}: nested deeper than 128 levels");
        // The list at the top is not part of its items.
        let nested = |depth: usize| format!("- {}{}", "[".repeat(depth), "]".repeat(depth));
        check(&nested(MAX_DEPTH), &nested(MAX_DEPTH)[2..]);
        check(&nested(MAX_DEPTH + 1), &fault("1:131"));
        check(&"- ".repeat(10_000), &fault("1:259"));
        check(&"[".repeat(10_000), &fault("1:256"));
        check(&"{a: ".repeat(10_000), &fault("1:1021"));
        let blocks: String = (0..10_000)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect();
        check(&blocks, &fault("129:129"));
        check(
            &"? ".repeat(10_000),
            "1:3: a key must be text, not a list or an object",
        );
        // Aliases must not build what could not be written.
        let half = format!("a: &a {0}x{1}\nb: {0}*a{1}", "[".repeat(70), "]".repeat(70));
        check(&half, &fault("2:74"));
    }
}
