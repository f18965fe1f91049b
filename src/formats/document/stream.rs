//! An input as a stream of items, whichever syntax and shape it has.
//!
//! Here the syntax is found and the choice is hidden; `json_items` and `yaml` do the reading.

use std::io::Read;
use std::iter::FusedIterator;
use std::path::Path;

use super::buffer::Buffer;
use super::json_items::JsonItems;
use super::{BYTE_ORDER_MARK, Fault, ItemError, MAX_ITEM, Node, Position, YamlItems};

/// What an input is to be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// JSON where the first character that is not white space is `{` or `[`, else YAML.
    #[default]
    Detect,
    Json,
    Yaml,
}

impl Syntax {
    /// Returns the syntax that a file's ending promises.
    pub fn of_path(path: &Path) -> Syntax {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "json" | "jsonl" | "ndjson" => Syntax::Json,
            "yaml" | "yml" => Syntax::Yaml,
            _ => Syntax::Detect,
        }
    }
}

/// How the items of an input stood in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// There was nothing: no text, only white space, or only empty YAML documents.
    Empty,
    /// One bare object.
    One,
    /// A list, be it empty, or more than one object.
    Many,
}

impl Shape {
    pub(super) fn of(list: bool, items: u64) -> Shape {
        match items {
            0 if !list => Shape::Empty,
            1 if !list => Shape::One,
            _ => Shape::Many,
        }
    }
}

/// The items of an input: its one object, its objects one after another, or the elements of its
/// lists. Only the item under work is in memory.
///
/// After an error there are no more items.
pub struct Items<R: Read> {
    state: State<R>,
}

enum State<R: Read> {
    Start(R, Syntax),
    Json(JsonItems<R>),
    Yaml(Box<YamlItems<R>>),
    Made(std::vec::IntoIter<Node>, Shape),
    Finished(Shape),
}

impl<R: Read> Items<R> {
    pub fn new(reader: R, syntax: Syntax) -> Items<R> {
        Items {
            state: State::Start(reader, syntax),
        }
    }

    /// Returns items that the program made, which stand in no text.
    pub fn made(nodes: Vec<Node>) -> Items<R> {
        let shape = Shape::of(false, nodes.len() as u64);
        Items {
            state: State::Made(nodes.into_iter(), shape),
        }
    }

    /// Returns what the input was; known once the iteration has ended.
    pub fn shape(&self) -> Shape {
        match &self.state {
            State::Start(..) => Shape::Empty,
            State::Json(items) => items.shape(),
            State::Yaml(items) => items.shape(),
            State::Made(_, shape) | State::Finished(shape) => *shape,
        }
    }

    fn step(&mut self) -> Result<Option<Node>, ItemError> {
        match &mut self.state {
            State::Json(items) => items.next_item(),
            State::Yaml(items) => items.next().transpose(),
            State::Made(nodes, _) => Ok(nodes.next()),
            State::Start(..) | State::Finished(_) => Ok(None),
        }
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = Result<Node, ItemError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Start(..) = self.state {
            let begun = std::mem::replace(&mut self.state, State::Finished(Shape::Empty));
            match begin(begun) {
                Ok(state) => self.state = state,
                Err(error) => return Some(Err(error)),
            }
        }
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            // The reader and the buffers are of no more use.
            self.state = State::Finished(self.shape());
        }
        step.transpose()
    }
}

impl<R: Read> FusedIterator for Items<R> {}

/// Chooses the syntax, reading as little as that takes.
fn begin<R: Read>(state: State<R>) -> Result<State<R>, ItemError> {
    let State::Start(reader, syntax) = state else {
        return Ok(state);
    };
    let mut buffer = Buffer::new(reader);
    Ok(match syntax {
        Syntax::Json => State::Json(JsonItems::new(buffer, "")),
        Syntax::Yaml => State::Yaml(Box::new(YamlItems::of_buffer(buffer))),
        Syntax::Detect => match first_byte(&mut buffer)? {
            // Nothing at all is neither; JSON is the cheaper one to find that out with.
            None | Some(b'{' | b'[') => {
                State::Json(JsonItems::new(buffer, "; YAML is read with `-f FILE.yaml`"))
            }
            Some(_) => State::Yaml(Box::new(YamlItems::of_buffer(buffer))),
        },
    })
}

/// Returns the first byte that is neither white space nor part of a byte order mark.
fn first_byte<R: Read>(buffer: &mut Buffer<R>) -> Result<Option<u8>, ItemError> {
    buffer.want(BYTE_ORDER_MARK.len())?;
    let mut offset = if buffer.data().starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    loop {
        let data = buffer.data();
        let rest = data.get(offset..).unwrap_or_default();
        match rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        {
            Some(index) => return Ok(rest.get(index).copied()),
            None => offset = data.len(),
        }
        // White space is kept, since it is YAML's indentation, but not without end.
        if offset > MAX_ITEM {
            let message = "the input begins with more than 4 MiB of white space";
            return Err(Fault::new(Position::START, message).into());
        }
        if !buffer.fill()? {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{Trickle, endless, story};
    use super::*;

    fn check(text: &str, expected: &str, shape: Shape) {
        assert_eq!(
            story(text.as_bytes(), Syntax::Detect),
            (expected.to_owned(), shape),
            "{text}"
        );
        for step in 0..7 {
            let trickled = story(Trickle::new(text.as_bytes(), step), Syntax::Detect);
            assert_eq!(trickled, (expected.to_owned(), shape), "{text}");
        }
    }

    #[test]
    fn the_first_character_tells_the_syntax() {
        check("", "", Shape::Empty);
        check("\u{feff}\n ", "", Shape::Empty);
        check(" \n{\"a\":1}", "{\"a\":1}\n", Shape::One);
        check("\u{feff}[{\"a\":1}]", "{\"a\":1}\n", Shape::Many);
        check("\u{feff}a: 1", "{\"a\":1}\n", Shape::One);
        check("  a: 1\n  b: 2\n", "{\"a\":1,\"b\":2}\n", Shape::One);
        check("- a: 1\n", "{\"a\":1}\n", Shape::Many);
        check("---\n{a: 1}\n", "{\"a\":1}\n", Shape::One);
        check("# JSON follows\n{\"a\":1}", "{\"a\":1}\n", Shape::One);
        check("\"a\": 1", "{\"a\":1}\n", Shape::One);
    }

    #[test]
    fn json_that_is_wrong_is_not_tried_as_yaml_but_yaml_is_pointed_to() {
        check(
            "{name: a}",
            "1:2: the key `name` needs double quotes; YAML is read with `-f FILE.yaml`\n",
            Shape::One,
        );
        check(
            "{\"a\": [x]}",
            "1:8: a[0]: expected a value, found `x`: a string needs double quotes\n",
            Shape::One,
        );
        let (story, _) = story(&b"{name: a}"[..], Syntax::Json);
        assert_eq!(story, "1:2: the key `name` needs double quotes\n");
    }

    #[test]
    fn a_forced_syntax_is_obeyed() {
        let check = |text: &str, syntax: Syntax, expected: &str| {
            assert_eq!(story(text.as_bytes(), syntax).0, expected, "{text}");
        };
        check("{a: 1}", Syntax::Yaml, "{\"a\":1}\n");
        check(
            "[{\"a\": 1}, {b: 2}]",
            Syntax::Yaml,
            "{\"a\":1}\n{\"b\":2}\n",
        );
        check(
            "a: 1",
            Syntax::Json,
            "1:1: expected an object, a list of objects, or one object a line, found `a`\n",
        );
    }

    #[test]
    fn a_file_s_ending_promises_a_syntax() {
        let check = |path: &str, expected: Syntax| {
            assert_eq!(Syntax::of_path(Path::new(path)), expected, "{path}")
        };
        check("a/b.json", Syntax::Json);
        check("B.JSONL", Syntax::Json);
        check("a.yaml", Syntax::Yaml);
        check("a.json.yml", Syntax::Yaml);
        check("json", Syntax::Detect);
        check("a.txt", Syntax::Detect);
        check("", Syntax::Detect);
    }

    #[test]
    fn white_space_without_end_is_a_fault_where_the_syntax_must_be_found() {
        let (story, shape) = story(endless("\n", u64::MAX), Syntax::Detect);
        assert_eq!(
            story,
            "1:1: the input begins with more than 4 MiB of white space\n"
        );
        assert_eq!(shape, Shape::Empty);
    }

    proptest! {
        #[test]
        fn any_bytes_are_items_or_a_fault(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            begin in proptest::sample::select(vec!["", "{", "[", "- ", "a: ", "\u{feff}", "--- "]),
            step in 0..7usize,
        ) {
            let text = [begin.as_bytes(), &bytes].concat();
            for syntax in [Syntax::Detect, Syntax::Json, Syntax::Yaml] {
                prop_assert_eq!(story(&text[..], syntax), story(Trickle::new(&text, step), syntax));
            }
        }
    }
}
