//! YAML as a stream of items: the documents that are objects, the elements of those that are lists.
//!
//! Here the events of `saphyr_parser` are divided into items and its faults become ours;
//! `builder` makes trees of events, `anchors` keeps what aliases refer to, `source` feeds the
//! parser characters and watches how many it takes.

mod anchors;
mod builder;
mod scalars;
mod source;

use std::io::Read;
use std::iter::FusedIterator;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScanError};

use super::buffer::Buffer;
use super::json_items::EXPECTED;
use super::stream::Shape;
use super::{Fault, ITEM_TOO_LARGE, ItemError, Node, Position, TOO_DEEP, plain};
use anchors::Anchors;
use builder::Builder;
use source::{Source, Watch};

/// Anchors that one input may define, and the bytes of source that items with anchors may hold
/// together: the parser remembers the names of all of them until the input ends.
const MAX_ANCHORS: usize = 100_000;
const MAX_ANCHORED: usize = 64 * 1024 * 1024;

/// The items of a YAML stream; only the item under work is in memory.
///
/// A document that is a list gives its elements, one that is an object gives itself, an empty
/// one nothing; a document that is a scalar is a fault. After an error there are no more items.
///
/// An anchor serves its whole document. A list in brackets at the top is read whole before its
/// first element comes (the parser must see whether it is a key), so it may not exceed 4 MiB.
pub struct YamlItems<R: Read> {
    parser: Parser<'static, Source<R>>,
    watch: Arc<Watch>,
    anchors: Anchors,
    place: Place,
    /// Documents begun.
    documents: u32,
    /// Bytes in the items that had anchors.
    anchored: usize,
    list: bool,
    items: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    /// At the root of a document.
    Root,
    /// Inside a document's list, which began there.
    List(Position),
    /// After the root of a document.
    End,
    Finished,
}

impl<R: Read> YamlItems<R> {
    #[cfg(test)]
    pub fn new(reader: R) -> YamlItems<R> {
        YamlItems::of_buffer(Buffer::new(reader))
    }

    /// Returns the items of what `buffer` has read and will read.
    pub(super) fn of_buffer(buffer: Buffer<R>) -> YamlItems<R> {
        let watch = Arc::new(Watch::new());
        YamlItems {
            parser: Parser::new(Source::new(buffer, Arc::clone(&watch))),
            watch,
            anchors: Anchors::default(),
            place: Place::Between,
            documents: 0,
            anchored: 0,
            list: false,
            items: 0,
        }
    }

    /// Returns what the input was; known once the iteration has ended.
    pub fn shape(&self) -> Shape {
        Shape::of(self.list, self.items)
    }

    fn next_item(&mut self) -> Result<Option<Node>, ItemError> {
        loop {
            self.watch.begin_item();
            let (event, at) = self.event(None)?;
            match (self.place, event) {
                (Place::Between | Place::End, Event::StreamEnd) | (Place::Finished, _) => {
                    return Ok(None);
                }
                (Place::Between, Event::DocumentStart(_)) => {
                    self.documents = self.documents.saturating_add(1);
                    self.anchors.begin_document();
                    self.place = Place::Root;
                }
                (Place::Root, Event::SequenceStart(anchor, tag)) => {
                    scalars::check_tag(tag.as_deref(), "seq")
                        .map_err(|message| Fault::new(at, message))?;
                    self.anchors.begin(anchor);
                    self.list = true;
                    self.place = Place::List(at);
                }
                (Place::Root, event @ Event::MappingStart(..)) => {
                    self.place = Place::End;
                    return self.item(event, at).map(Some);
                }
                (Place::Root, Event::Scalar(text, style, _, _))
                    if scalars::is_plain(style) && plain::resolve(&text) == plain::Scalar::Null =>
                {
                    self.place = Place::End;
                }
                (Place::Root, _) => {
                    return Err(Fault::new(at, format!("{EXPECTED}, found a scalar")).into());
                }
                (Place::List(_), Event::SequenceEnd) => self.place = Place::End,
                (Place::List(_), event) => return self.item(event, at).map(Some),
                (Place::End, Event::DocumentEnd) => self.place = Place::Between,
                // The start of the stream; the parser sends nothing else here.
                _ => {}
            }
        }
    }

    /// Reads the item that begins with `event`.
    fn item(&mut self, event: Event<'static>, start: Position) -> Result<Node, ItemError> {
        let before = self.anchors.count();
        let mut builder = Builder::default();
        self.anchors.begin_item();
        let mut next = (event, start);
        loop {
            let (event, at) = next;
            if let Some(node) = builder.accept(event, at, &mut self.anchors)? {
                self.items += 1;
                self.limit_anchors(before, start)?;
                return Ok(node);
            }
            next = self.event(Some((&builder, start)))?;
        }
    }

    fn limit_anchors(&mut self, before: usize, at: Position) -> Result<(), ItemError> {
        if self.anchors.count() > before {
            self.anchored += self.watch.used();
        }
        if self.anchors.count() > MAX_ANCHORS || self.anchored > MAX_ANCHORED {
            return Err(Fault::new(at, "too many anchors in one input").into());
        }
        Ok(())
    }

    /// Returns the parser's next event; inside an item, faults name its fields.
    fn event(
        &mut self,
        item: Option<(&Builder, Position)>,
    ) -> Result<(Event<'static>, Position), ItemError> {
        let error = match self.parser.next_event() {
            Some(Ok((event, span)))
                if event != Event::StreamEnd && self.watch.accept_event(span.end.index()) =>
            {
                return Ok((event, position(span.start)));
            }
            Some(Err(error)) => Some(error),
            _ => None,
        };
        match (self.watch.failure(), error) {
            (Some(ItemError::Fault(mut fault)), _) => {
                if let Some((_, start)) = item
                    && fault.message == ITEM_TOO_LARGE
                {
                    fault.at = start;
                }
                Err(fault.into())
            }
            (Some(error), _) => Err(error),
            (None, Some(error)) => Err(self
                .scan_fault(&error, item.map(|(builder, _)| builder))
                .into()),
            (None, None) => Ok((Event::StreamEnd, Position::default())),
        }
    }

    fn scan_fault(&self, error: &ScanError, builder: Option<&Builder>) -> Fault {
        let at = position(*error.marker());
        let open = builder.and_then(Builder::innermost).or(match self.place {
            Place::List(open) => Some(("a list", open)),
            _ => None,
        });
        let mut fault = match (self.watch.end(), open) {
            // At the end of a text without a last line break, the parser is one line too far.
            (Some(end), Some((kind, open))) if at >= end => Fault::new(
                end,
                format!("the input ends inside {kind} that began at {open}"),
            ),
            (end, _) => Fault::new(at.min(end.unwrap_or(at)), plain_words(error.info())),
        };
        fault.field = builder.map(Builder::path).unwrap_or_default();
        fault
    }

    /// Names the document in the fault, where it is not the first.
    fn name_document(&self, mut error: ItemError) -> ItemError {
        let between = u32::from(self.place == Place::Between);
        let number = self.documents.saturating_add(between);
        if let ItemError::Fault(fault) = &mut error
            && number > 1
        {
            fault.message.insert_str(0, &format!("document {number}: "));
        }
        error
    }
}

impl<R: Read> Iterator for YamlItems<R> {
    type Item = Result<Node, ItemError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.place == Place::Finished {
            return None;
        }
        let step = self.next_item().map_err(|error| self.name_document(error));
        if !matches!(step, Ok(Some(_))) {
            self.place = Place::Finished;
        }
        step.transpose()
    }
}

impl<R: Read> FusedIterator for YamlItems<R> {}

/// Returns a parser's mark, whose lines are 1-indexed and whose columns are 0-indexed.
fn position(mark: Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position {
        line: number(mark.line()),
        column: number(mark.col()).saturating_add(1),
    }
}

/// Returns the parser's words, or clearer ones for the mistakes that people make most.
fn plain_words(info: &str) -> String {
    if let Some(character) = info.strip_prefix("unexpected character: `") {
        let character = character.trim_end_matches('\'');
        return format!("text that begins with `{character}` needs quotes");
    }
    let words = match info {
        "recursion limit exceeded" => TOO_DEEP,
        "simple key expected" | "simple key expect ':'" => "expected `:` after a key",
        "mapping values are not allowed in this context" => {
            "`:` is not allowed here: text that holds `: ` needs quotes"
        }
        "while scanning a quoted scalar, found unexpected end of stream" => {
            "the input ends inside a string that begins here"
        }
        "while parsing node, found unknown anchor" => "an alias to an anchor that is not defined",
        "tabs disallowed within this context (block indentation)"
        | "tab cannot be used as indentation"
        | "tabs disallowed in this context" => "a tab cannot indent: use spaces",
        "while parsing a flow mapping, did not find expected ',' or '}'" => "expected `,` or `}`",
        "while parsing a flow sequence, expected ',' or ']'" => "expected `,` or `]`",
        "while parsing a node, did not find expected node content" => "expected a value",
        "while parsing a block mapping, did not find expected key" => {
            "expected a key with the indentation of the others"
        }
        "while parsing a block collection, did not find expected '-' indicator" => {
            "expected `-` with the indentation of the others"
        }
        "while parsing a quoted scalar, found unknown escape character" => {
            "an unknown escape in a double-quoted string: a backslash is written `\\\\`"
        }
        "invalid trailing content after double-quoted scalar" => {
            "unexpected text after a quoted string"
        }
        other => other,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{self, Trickle, mutated, story, tree};
    use super::super::{Syntax, write_yaml_item};
    use super::*;

    fn check(text: &str, expected: &str, shape: Shape) {
        let expected = if expected.is_empty() {
            String::new()
        } else {
            format!("{expected}\n")
        };
        assert_eq!(
            story(text.as_bytes(), Syntax::Yaml),
            (expected, shape),
            "{text}"
        );
    }

    fn check_fault(text: &str, expected: &str) {
        assert_eq!(
            story(text.as_bytes(), Syntax::Yaml).0,
            format!("{expected}\n"),
            "{text}"
        );
    }

    #[test]
    fn documents_that_are_objects_and_elements_of_lists_are_items() {
        check("", "", Shape::Empty);
        check("# nothing\n", "", Shape::Empty);
        check("---\n---\n...\n--- ~\n", "", Shape::Empty);
        check("a: 1", "{\"a\":1}", Shape::One);
        check("--- # first\na: 1\n...\n---\n", "{\"a\":1}", Shape::One);
        check("{}", "{}", Shape::One);
        check("[]", "", Shape::Many);
        check("- a: 1", "{\"a\":1}", Shape::Many);
        check("[{a: 1}, {b: 2},]", "{\"a\":1}\n{\"b\":2}", Shape::Many);
        check("a: 1\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}", Shape::Many);
        check(
            "a: 1\n---\n- b: 2\n- c\n---\nd: 3",
            "{\"a\":1}\n{\"b\":2}\n\"c\"\n{\"d\":3}",
            Shape::Many,
        );
        check("%YAML 1.1\n---\na: 1\n", "{\"a\":1}", Shape::One);
        check("- \n- ~\n- [a]\n", "null\nnull\n[\"a\"]", Shape::Many);
    }

    #[test]
    fn a_document_that_is_a_scalar_is_a_fault() {
        for text in ["hello", "5", "'x'", "|\n x", "''", "true"] {
            let (found, shape) = story(text.as_bytes(), Syntax::Yaml);
            assert!(
                found.ends_with(&format!("{EXPECTED}, found a scalar\n")),
                "{text}"
            );
            assert_eq!(shape, Shape::Empty);
        }
    }

    #[test]
    fn the_bad_one_of_several_documents_is_named() {
        check_fault(
            "a: 1\n---\nb: 2\n---\nc: [}",
            "{\"a\":1}\n{\"b\":2}\n5:5: c[0]: document 3: expected a value",
        );
        check_fault(
            "a: 1\n---\nb\n",
            &format!("{{\"a\":1}}\n3:1: document 2: {EXPECTED}, found a scalar"),
        );
        check_fault(
            "---\n---\na: 1\na: 2",
            "4:1: a: document 2: duplicate key `a`, first at 3:1",
        );
        check_fault(
            "a: 1\n...\n%YAML x\n---\n",
            "{\"a\":1}\n3:1: document 2: while scanning a YAML directive, did not find expected version number",
        );
        check_fault(
            "a: 1\n---\n- \u{1}",
            "{\"a\":1}\n3:3: document 2: U+0001 is only allowed as an escape in double quotes",
        );
    }

    #[test]
    fn the_famous_mistakes_are_named() {
        check_fault("a:\n\t- 1", "2:2: a: a tab cannot indent: use spaces");
        check_fault(
            "a: b: c",
            "1:5: `:` is not allowed here: text that holds `: ` needs quotes",
        );
        check_fault("a: 1\nb\nc: 2", "3:1: expected `:` after a key");
        check_fault("a: @x", "1:4: a: text that begins with `@` needs quotes");
        check_fault("a: 'x' y", "1:8: a: unexpected text after a quoted string");
        check_fault(
            "a: \"\\d\"",
            "1:4: a: an unknown escape in a double-quoted string: a backslash is written `\\\\`",
        );
        check_fault(
            "- a\nb: 1",
            "\"a\"\n2:1: expected `-` with the indentation of the others",
        );
        check_fault("a: *b", "1:4: a: an alias to an anchor that is not defined");
        check_fault(
            "a: [b\n  c: d]",
            "2:4: a[0]: illegal placement of ':' indicator",
        );
        check_fault("a: {b: [1}", "1:10: a.b[1]: expected `,` or `]`");
    }

    #[test]
    fn a_truncated_text_says_what_was_open() {
        check_fault(
            "a: [1, 2",
            "1:9: a[2]: the input ends inside a list that began at 1:4",
        );
        check_fault(
            "a: [1,\n",
            "2:1: a[1]: the input ends inside a list that began at 1:4",
        );
        check_fault(
            "a:\n  b: {c: 1",
            "2:11: a.b: the input ends inside an object that began at 2:6",
        );
        check_fault(
            "[a, b",
            "\"a\"\n\"b\"\n1:6: the input ends inside a list that began at 1:1",
        );
        check_fault(
            "a: \"x\n  y",
            "1:4: a: the input ends inside a string that begins here",
        );
    }

    #[test]
    fn a_failing_reader_is_no_fault_of_the_text() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("unplugged"))
            }
        }
        let (found, _) = story((&b"- a\n- b: 1\n- c"[..]).chain(Broken), Syntax::Detect);
        assert!(
            found.starts_with("\"a\"\n") && found.ends_with("I/O: unplugged\n"),
            "{found}"
        );
    }

    #[test]
    fn items_can_be_read_on_another_thread() {
        fn check<T: Send>(_: T) {}
        check(YamlItems::new(&b"a: 1"[..]));
    }

    proptest! {
        #[test]
        fn a_mutated_document_is_the_same_items_in_whichever_pieces_it_comes(
            text in mutated(proptest::collection::vec(tree(), 0..4).prop_map(|trees| {
                let mut text = Vec::new();
                for tree in &trees {
                    write_yaml_item(tree, 0, &mut text);
                }
                text
            })),
            step in 0..7usize,
        ) {
            let whole = story(&text[..], Syntax::Yaml);
            prop_assert_eq!(&whole, &story(Trickle::new(&text, step), Syntax::Yaml));
        }

        #[test]
        fn a_tree_in_json_is_the_same_tree_in_yaml(tree in tree()) {
            let json = samples::json(&tree);
            // Written raw, some characters are text to JSON and none to YAML.
            if json.contains(['\u{feff}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}']) { return Ok(()); }
            let items: Result<Vec<Node>, _> = YamlItems::new(format!("- {json}").as_bytes()).collect();
            let items = items.expect("JSON is YAML");
            prop_assert_eq!(items.len(), 1);
            // Numbers such as 1.10 are text in YAML, so only the texts are compared.
            prop_assert_eq!(samples::json(&items[0]).replace('"', ""), json.replace('"', ""));
        }
    }
}
