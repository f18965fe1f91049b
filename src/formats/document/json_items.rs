//! JSON as a stream of items: objects one after another, or the elements of one list.
//!
//! Here is found where an item begins and ends; `json` reads it. Only the item under work is in
//! memory, so that an endless stream of objects costs no more than its longest one.

use std::io::Read;

use super::buffer::Buffer;
use super::json;
use super::stream::Shape;
use super::{BYTE_ORDER_MARK, Fault, ITEM_TOO_LARGE, ItemError, MAX_ITEM, Node, Position};
use super::{encoding_fault, quote};
use crate::domain::json_text::string_run;

/// What an input may be, as both syntaxes word it.
pub(super) const EXPECTED: &str = "expected an object, a list of objects, or one object a line";

/// The items of a JSON text.
pub(super) struct JsonItems<R> {
    buffer: Buffer<R>,
    /// The place of the buffer's first byte.
    at: Position,
    state: State,
    hint: &'static str,
    items: u64,
    list: bool,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    /// Objects follow one another.
    Objects,
    /// Inside a list that began there, before its first element or after an element.
    First(Position),
    Next(Position),
    Finished,
}

impl<R: Read> JsonItems<R> {
    /// Returns the items of what `buffer` reads; `hint` goes with the fault of an unquoted key.
    pub(super) fn new(buffer: Buffer<R>, hint: &'static str) -> JsonItems<R> {
        JsonItems {
            buffer,
            at: Position::START,
            state: State::Start,
            hint,
            items: 0,
            list: false,
        }
    }

    /// Returns the next item, none after the last; not to be asked again after an error.
    pub(super) fn next_item(&mut self) -> Result<Option<Node>, ItemError> {
        if matches!(self.state, State::Start) {
            self.state = self.start()?;
        }
        let more = match self.state {
            State::Objects => self.reach_object()?,
            State::First(open) => self.reach_first(open)?,
            State::Next(open) => self.reach_next(open)?,
            State::Start | State::Finished => false,
        };
        if !more {
            self.state = State::Finished;
            return Ok(None);
        }
        if let State::First(open) = self.state {
            self.state = State::Next(open);
        }
        self.items += 1;
        Ok(Some(self.item()?))
    }

    /// Returns what the items that were read came from.
    pub(super) fn shape(&self) -> Shape {
        Shape::of(self.list, self.items)
    }

    fn start(&mut self) -> Result<State, ItemError> {
        self.buffer.want(BYTE_ORDER_MARK.len())?;
        if self.buffer.data().starts_with(BYTE_ORDER_MARK) {
            self.buffer.consume(BYTE_ORDER_MARK.len());
        }
        match self.skip_white_space()? {
            None => Ok(State::Finished),
            Some(b'{') => Ok(State::Objects),
            Some(b'[') => {
                let open = self.at;
                self.pass_byte();
                self.list = true;
                Ok(State::First(open))
            }
            Some(_) => Err(self.unexpected(EXPECTED)?),
        }
    }

    fn reach_object(&mut self) -> Result<bool, ItemError> {
        match self.skip_white_space()? {
            None => Ok(false),
            Some(b'{') => Ok(true),
            Some(b',') if self.items > 0 => {
                let message = "objects with commas between them need `[` before and `]` after them";
                Err(Fault::new(self.at, message).into())
            }
            Some(_) => Err(self.unexpected("expected another object or the end of the input")?),
        }
    }

    fn reach_first(&mut self, open: Position) -> Result<bool, ItemError> {
        match self.skip_white_space()? {
            Some(b']') => self.close_list(),
            Some(_) => Ok(true),
            None => Err(self.list_ends(open)),
        }
    }

    fn reach_next(&mut self, open: Position) -> Result<bool, ItemError> {
        match self.skip_white_space()? {
            Some(b']') => self.close_list(),
            Some(b',') => {
                let comma = self.at;
                self.pass_byte();
                match self.skip_white_space()? {
                    Some(b']') => {
                        Err(Fault::new(comma, "a trailing comma before `]` is not JSON").into())
                    }
                    Some(_) => Ok(true),
                    None => Err(self.list_ends(open)),
                }
            }
            Some(b'{' | b'[' | b'"') => {
                Err(Fault::new(self.at, "a comma is missing before this element").into())
            }
            Some(_) => Err(self.unexpected("expected `,` or `]`")?),
            None => Err(self.list_ends(open)),
        }
    }

    /// Passes the `]`, after which nothing may follow.
    fn close_list(&mut self) -> Result<bool, ItemError> {
        self.pass_byte();
        match self.skip_white_space()? {
            None => Ok(false),
            Some(_) => Err(self.unexpected("expected nothing after the list")?),
        }
    }

    fn list_ends(&self, open: Position) -> ItemError {
        Fault::new(
            self.at,
            format!("the input ends inside a list that began at {open}"),
        )
        .into()
    }

    /// Moves to the next byte that is not white space and returns it; none where the input ends.
    fn skip_white_space(&mut self) -> Result<Option<u8>, ItemError> {
        while let Some(byte) = self.buffer.peek()? {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.pass_byte(),
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// Passes one ASCII character.
    fn pass_byte(&mut self) {
        if let Some(&byte) = self.buffer.data().first() {
            self.at.pass(char::from(byte));
            self.buffer.consume(1);
        }
    }

    /// Reads the item that begins here.
    fn item(&mut self) -> Result<Node, ItemError> {
        let mut scan = Scan::default();
        let length = loop {
            let data = self.buffer.data();
            if let Some(length) = scan.end(data) {
                break length;
            }
            if data.len() > MAX_ITEM {
                return Err(self.too_large());
            }
            if !self.buffer.fill()? {
                break self.buffer.data().len();
            }
        };
        if length > MAX_ITEM {
            return Err(self.too_large());
        }
        let text = self.buffer.data().get(..length).unwrap_or_default();
        match json::parse_item(text, self.at, self.hint) {
            Ok(parsed) => {
                self.buffer.consume(length);
                self.at = parsed.end;
                Ok(parsed.node)
            }
            Err(failure) => Err(failure.fault.into()),
        }
    }

    /// Returns the fault of an item that is too long, or the fault that made it seem so: where a
    /// bracket or a quote is missing, all that follows looks like one item.
    fn too_large(&self) -> ItemError {
        let data = self.buffer.data();
        let text = data.get(..MAX_ITEM).unwrap_or(data);
        match json::parse_item(text, self.at, self.hint) {
            Err(failure) if !failure.truncated => failure.fault.into(),
            _ => Fault::new(self.at, ITEM_TOO_LARGE).into(),
        }
    }

    fn unexpected(&mut self, expected: &str) -> Result<ItemError, ItemError> {
        Ok(match self.buffer.first_char()? {
            Some(found) => {
                Fault::new(self.at, format!("{expected}, found {}", quote(found))).into()
            }
            None => encoding_fault(self.at, self.buffer.data()).into(),
        })
    }
}

/// Looks for the end of an item by counting brackets outside strings; goes on where it stopped.
#[derive(Default)]
struct Scan {
    offset: usize,
    depth: usize,
    in_string: bool,
    /// The item is a number or a word, which ends before what cannot belong to it.
    bare: bool,
}

impl Scan {
    /// Returns the length of the item, once its end is in `data`.
    fn end(&mut self, data: &[u8]) -> Option<usize> {
        if self.bare || self.offset == 0 {
            self.bare = !matches!(data.first()?, b'{' | b'[' | b'"');
        }
        if self.bare {
            return self.bare_end(data);
        }
        while let Some(&byte) = data.get(self.offset) {
            if self.in_string {
                if !self.string_end(data) {
                    return None;
                }
            } else {
                self.offset += 1;
                match byte {
                    b'"' => {
                        self.in_string = true;
                        continue;
                    }
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => continue,
                }
            }
            if self.depth == 0 {
                return Some(self.offset);
            }
        }
        None
    }

    /// Passes the rest of a string; false where its end is not in `data`.
    fn string_end(&mut self, data: &[u8]) -> bool {
        while let Some(rest) = data.get(self.offset..) {
            self.offset += string_run(rest);
            match data.get(self.offset..) {
                // The escaped character is passed unseen: it may be a quote.
                Some([b'\\', _, ..]) => self.offset += 2,
                Some([b'\\'] | []) | None => return false,
                Some([b'"', ..]) => {
                    self.offset += 1;
                    self.in_string = false;
                    return true;
                }
                Some(_) => self.offset += 1,
            }
        }
        false
    }

    fn bare_end(&mut self, data: &[u8]) -> Option<usize> {
        let rest = data.get(self.offset..)?;
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
        match rest.iter().position(ends) {
            // At least one character, for the parser to say what it is.
            Some(length) => Some((self.offset + length).max(1)),
            None => {
                self.offset = data.len();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{Trickle, describe, endless, mutated, story, tree};
    use super::super::{Items, Syntax, write_json};
    use super::*;

    fn check(text: &str, expected: &str, shape: Shape) {
        assert_eq!(
            story(text.as_bytes(), Syntax::Json),
            (expected.to_owned(), shape),
            "{text}"
        );
        let trickled = story(Trickle::new(text.as_bytes(), text.len()), Syntax::Json);
        assert_eq!(trickled, (expected.to_owned(), shape), "{text}");
    }

    #[test]
    fn one_object_several_objects_and_a_list_are_items() {
        check("", "", Shape::Empty);
        check(" \r\n\t", "", Shape::Empty);
        check("\u{feff}", "", Shape::Empty);
        check("{}", "{}\n", Shape::One);
        check("\u{feff} {\n\"a\":\n1\n}\n", "{\"a\":1}\n", Shape::One);
        check(
            "{\"a\":1}\n{\"a\":2}\n",
            "{\"a\":1}\n{\"a\":2}\n",
            Shape::Many,
        );
        check("{\n}{\"a\":{}}  {}", "{}\n{\"a\":{}}\n{}\n", Shape::Many);
        check("[]", "", Shape::Many);
        check("[{}]", "{}\n", Shape::Many);
        check(
            "[ {\"a\":\"]\\\"}\"} ,\n{} ]\n",
            "{\"a\":\"]\\\"}\"}\n{}\n",
            Shape::Many,
        );
        check(
            "[1,-2.5 ,\"a\\\\\", true,[null],[[]]]",
            "1\n-2.5\n\"a\\\\\"\ntrue\n[null]\n[[]]\n",
            Shape::Many,
        );
    }

    #[test]
    fn what_stands_between_items_is_a_fault_at_its_place() {
        let many = Shape::Many;
        check(
            "{}\n{} x",
            "{}\n{}\n2:4: expected another object or the end of the input, found `x`\n",
            many,
        );
        check(
            "{}\n[]",
            "{}\n2:1: expected another object or the end of the input, found `[`\n",
            Shape::One,
        );
        let commas = "objects with commas between them need `[` before and `]` after them";
        check("{},{}", &format!("{{}}\n1:3: {commas}\n"), Shape::One);
        check(
            "[{}\n{}]",
            "{}\n2:1: a comma is missing before this element\n",
            many,
        );
        check(
            "[{},\n]",
            "{}\n1:4: a trailing comma before `]` is not JSON\n",
            many,
        );
        check(
            "[{}",
            "{}\n1:4: the input ends inside a list that began at 1:1\n",
            many,
        );
        check(
            "[{},",
            "{}\n1:5: the input ends inside a list that began at 1:1\n",
            many,
        );
        check(
            "\n[",
            "2:2: the input ends inside a list that began at 2:1\n",
            many,
        );
        check(
            "[{}]\n[]",
            "{}\n2:1: expected nothing after the list, found `[`\n",
            many,
        );
        check(
            "[{}]\u{e9}",
            "{}\n1:5: expected nothing after the list, found `é`\n",
            many,
        );
        check("[{}}", "{}\n1:4: expected `,` or `]`, found `}`\n", many);
        check("[,{}]", "1:2: expected a value, found `,`\n", many);
        check("[{},,{}]", "{}\n1:5: expected a value, found `,`\n", many);
    }

    #[test]
    fn a_scalar_at_the_top_is_a_fault() {
        let check = |text: &str, found: &str| {
            check(
                text,
                &format!("1:1: {EXPECTED}, found {found}\n"),
                Shape::Empty,
            );
        };
        check("5", "`5`");
        check("\"x\"", "`\"`");
        check("null", "`n`");
        check("// x", "`/`");
        check("\u{feff}\u{feff}{}", "`\u{feff}`");
    }

    #[test]
    fn faults_inside_items_have_their_true_place() {
        check(
            "{}\n  {\"a\": [1,]}",
            "{}\n2:11: a: a trailing comma before `]` is not JSON\n",
            Shape::Many,
        );
        check(
            "[\n{\"é\": \"ü\"}, {\"a\": tru}]",
            "{\"é\":\"ü\"}\n2:19: a: expected a value, found `tru`: a string needs double quotes\n",
            Shape::Many,
        );
        check(
            "{\"a\":1}\n{\"a\":",
            "{\"a\":1}\n2:6: a: the input ends inside an object that began at 2:1\n",
            Shape::Many,
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_faults_between_items_too() {
        let story = |text: &[u8]| story(text, Syntax::Json).0;
        assert_eq!(story(b"{}\n \xff"), "{}\n2:2: invalid UTF-8 (byte 0xff)\n");
        assert_eq!(
            story(b"[{\"a\":\"\xe9\"}]"),
            "1:8: invalid UTF-8 (byte 0xe9)\n"
        );
        assert_eq!(
            story(b"\xff\xfe{\0}\0"),
            "1:1: the text is UTF-16; it must be UTF-8\n"
        );
    }

    #[test]
    fn an_item_may_have_4_mib_and_no_more() {
        let object = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        let count = |text: &str| {
            Items::new(text.as_bytes(), Syntax::Json)
                .filter(Result::is_ok)
                .count()
        };
        assert_eq!(count(&object(MAX_ITEM)), 1);
        assert_eq!(count(&format!("[{0},{0}]", object(MAX_ITEM))), 2);
        let fault = "one object is larger than 4 MiB\n";
        let large = object(MAX_ITEM + 1);
        check(&large, &format!("1:1: {fault}"), Shape::One);
        check(
            &format!("[{{}},\n{large}]"),
            &format!("{{}}\n2:1: {fault}"),
            Shape::Many,
        );
        check(
            &format!("[\"{}\"]", "\\\"".repeat(MAX_ITEM)),
            &format!("1:2: {fault}"),
            Shape::Many,
        );
    }

    #[test]
    fn a_missing_bracket_is_found_though_all_the_rest_looks_like_one_item() {
        let rest = "{\"b\": 2}\n".repeat(MAX_ITEM / 4);
        check(
            &format!("{{\"a\": 1}}\n{{\"a\": 1\n{rest}"),
            "{\"a\":1}\n3:1: expected `,` or `}`, found `{`\n",
            Shape::Many,
        );
        let line = "a string ends on its line: close its quote, or write `\\n`";
        check(
            &format!("{{\"a\": \"x}}\n{rest}"),
            &format!("1:10: a: {line}\n"),
            Shape::One,
        );
    }

    #[test]
    fn an_endless_object_fails_in_bounded_memory_and_endless_objects_do_not_fail() {
        let mut items = Items::new(endless("{\"a\":", u64::MAX), Syntax::Json);
        assert!(items.next().is_some_and(|item| item.is_err()));
        let mut items = Items::new(endless("[[0,0],[\"x\", 0", u64::MAX), Syntax::Json);
        assert!(items.any(|item| item.is_err()));
        let items = Items::new(endless("{\"a\": [1, 2]}\n", 14 * 100_000), Syntax::Json);
        assert_eq!(
            items.map(|item| item.is_ok()).filter(|&ok| ok).count(),
            100_000
        );
    }

    #[test]
    fn white_space_without_end_takes_no_memory() {
        let text = endless(" \n", 20_000_000).chain(&b"{}"[..]);
        let mut items = Items::new(text, Syntax::Json);
        let node = items
            .next()
            .and_then(Result::ok)
            .map(|node| describe(&node));
        assert_eq!(node.as_deref(), Some("@10000001:1 {}"));
    }

    #[test]
    fn a_failing_reader_is_no_fault_of_the_text() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("unplugged"))
            }
        }
        for syntax in [Syntax::Json, Syntax::Detect] {
            let (story, _) = story((&b"{}\n{\"a\""[..]).chain(Broken), syntax);
            assert_eq!(story, "{}\nI/O: unplugged\n");
        }
    }

    proptest! {
        #[test]
        fn items_are_the_same_in_whichever_pieces_they_come(
            text in mutated(proptest::collection::vec(tree(), 0..5).prop_map(|trees| {
                let mut text = b"[".to_vec();
                for (index, tree) in trees.iter().enumerate() {
                    text.extend_from_slice(if index > 0 { b" ,\n" } else { b"\n" });
                    write_json(tree, &mut text);
                }
                text.extend_from_slice(b"]\n");
                text
            })),
            step in 0..7usize,
        ) {
            prop_assert_eq!(
                story(&text[..], Syntax::Json),
                story(Trickle::new(&text, step), Syntax::Json)
            );
        }
    }
}
