//! JSON and YAML as one tree in which every key and value knows its line and column.
//!
//! Here live the tree, its views and the fault that points into a text; the parsers and the
//! writers are the modules below. What a field means, and which fields there are, does not
//! live here.

mod buffer;
pub mod json;
mod json_items;
mod keys;
mod plain;
mod stream;
mod to_json;
mod to_yaml;
mod yaml;

#[cfg(test)]
mod samples;

use std::{fmt, io};

pub use stream::{Items, Shape, Syntax};
pub use to_json::{write_json, write_json_pretty};
pub use to_yaml::{write_yaml, write_yaml_item};
pub use yaml::YamlItems;

use plain::Scalar;

/// Containers may be nested this deep in one item, so that no recursion here can exhaust the stack.
pub const MAX_DEPTH: usize = 128;

/// One item (an object of a stream, an element of a list) may be this long, in bytes of its source.
pub const MAX_ITEM: usize = 4 * 1024 * 1024;

/// U+FEFF in UTF-8, which some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The rule that `MAX_ITEM` sets, as both syntaxes word it.
const ITEM_TOO_LARGE: &str = "one object is larger than 4 MiB";

/// The rule that `MAX_DEPTH` sets, as both syntaxes word it.
const TOO_DEEP: &str = "nested deeper than 128 levels";

/// A place in a text, 1-indexed; the column counts characters (Unicode scalars), not bytes.
///
/// The default, 0:0, means that there is no place, as in a tree that was made by the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Position = Position { line: 1, column: 1 };

    /// Returns the place that follows `text` when `text` begins at this place.
    fn after(self, text: &str) -> Position {
        let mut at = self;
        for character in text.chars() {
            at.pass(character);
        }
        at
    }

    /// Moves over one character.
    fn pass(&mut self, character: char) {
        if character == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and the place where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

/// What a node holds. Numbers and plain scalars keep the text they were written with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// A JSON number, as written.
    Number(String),
    String(String),
    /// A YAML scalar without quotes; whoever asks decides whether it is text.
    Plain(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value` of an object, in the order of the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    /// Where the key is written; the value's place is in its node.
    pub at: Position,
    pub node: Node,
}

impl Node {
    /// Returns a node that stands in no text.
    pub fn new(value: Value) -> Node {
        Node {
            at: Position::default(),
            value,
        }
    }

    /// Returns the value of `key`; none where this is no object or has no such key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.as_map()?.iter().find(|entry| entry.key == key)?;
        Some(&entry.node)
    }

    /// Returns what lies at a path such as `imageSpec.packages.pip[1]`.
    ///
    /// Keys that hold `.` or `[` cannot be reached this way: use `get`.
    pub fn find(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        for segment in path.split('.').filter(|_| !path.is_empty()) {
            let (key, indexes) = segment.split_at(segment.find('[').unwrap_or(segment.len()));
            if !key.is_empty() || indexes.is_empty() {
                node = node.get(key)?;
            }
            for index in indexes.split('[').skip(1) {
                let index: usize = index.strip_suffix(']')?.parse().ok()?;
                node = node.as_list()?.get(index)?;
            }
        }
        Some(node)
    }

    /// Tells whether this is null, in YAML also `~`, `null`, `Null`, `NULL` or nothing at all.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Plain(text) => matches!(plain::resolve(text), Scalar::Null),
            _ => false,
        }
    }

    /// Returns a boolean, in YAML also a plain `True`, `TRUE`, `False` or `FALSE`.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Plain(text) => match plain::resolve(text) {
                Scalar::Bool(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns a string, or a plain scalar that is not null as it is written.
    ///
    /// So YAML's `no`, `1.10`, `true` and dates are the text they look like; a JSON number or
    /// boolean is no text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Plain(text) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Returns a whole number that is written as one: `5`, not `5.0`, `5e0` or `007`.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            Value::Number(text) | Value::Plain(text) if plain::is_canonical_number(text) => {
                text.parse().ok()
            }
            _ => None,
        }
    }

    /// Returns the elements of a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// Returns the entries of an object.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Moves the entries out, or gives the node back where it is no object.
    pub fn into_map(self) -> Result<Vec<Entry>, Node> {
        match self.value {
            Value::Map(entries) => Ok(entries),
            value => Err(Node { at: self.at, value }),
        }
    }

    /// Returns what this is, as messages call it: "a string", "a list", "true or false" …
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Plain(text) => match plain::resolve(text) {
                Scalar::Null => "null",
                Scalar::Bool(_) => "true or false",
                Scalar::Number => "a number",
                Scalar::Text => "a string",
            },
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// Returns a fault of the value at this place.
    pub fn fault(&self, field: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            at: self.at,
            field: field.into(),
            message: message.into(),
        }
    }
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub at: Position,
    /// The path of the value, such as `imageSpec.packages.pip[1]`; empty for the whole.
    pub field: String,
    pub message: String,
}

impl Fault {
    /// Returns a fault that names no field.
    pub fn new(at: Position, message: impl Into<String>) -> Fault {
        Fault {
            at,
            field: String::new(),
            message: message.into(),
        }
    }

    /// Returns the fault as the holder of the value's object sees it: `key` before its field.
    pub fn under_key(mut self, key: &str) -> Fault {
        let key = shorten(key);
        if !self.field.is_empty() && !self.field.starts_with('[') {
            self.field.insert(0, '.');
        }
        self.field.insert_str(0, &key);
        self
    }

    /// Returns the fault as the holder of the value's list sees it: `[index]` before its field.
    pub fn under_index(mut self, index: usize) -> Fault {
        if !self.field.is_empty() && !self.field.starts_with('[') {
            self.field.insert(0, '.');
        }
        self.field.insert_str(0, &format!("[{index}]"));
        self
    }
}

/// Writes `line:column: field: message`, for the file's name to stand before it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at != Position::default() {
            write!(f, "{}: ", self.at)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// Why an item could not be read: its text is wrong, or it could not be got.
#[derive(Debug)]
pub enum ItemError {
    Fault(Fault),
    Io(io::Error),
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ItemError::Fault(fault) => fault.fmt(f),
            ItemError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ItemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ItemError::Fault(fault) => Some(fault),
            ItemError::Io(error) => Some(error),
        }
    }
}

impl From<Fault> for ItemError {
    fn from(fault: Fault) -> ItemError {
        ItemError::Fault(fault)
    }
}

impl From<io::Error> for ItemError {
    fn from(error: io::Error) -> ItemError {
        ItemError::Io(error)
    }
}

/// Returns text from a document so that a message can quote it without growing with it.
fn shorten(text: &str) -> String {
    const LIMIT: usize = 60;
    match text.char_indices().nth(LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Returns a character as messages quote it: in backticks, or by its number where it has no face.
fn quote(character: char) -> String {
    if character.is_control() || (character != ' ' && character.is_whitespace()) {
        format!("U+{:04X}", u32::from(character))
    } else {
        format!("`{character}`")
    }
}

/// Returns what is wrong with bytes that are not UTF-8, the first of them at `at`.
fn encoding_fault(at: Position, bytes: &[u8]) -> Fault {
    let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    if at == Position::START && utf16 {
        return Fault::new(at, "the text is UTF-16; it must be UTF-8");
    }
    match bytes.first() {
        Some(byte) => Fault::new(at, format!("invalid UTF-8 (byte 0x{byte:02x})")),
        None => Fault::new(at, "invalid UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, syntax: Syntax) -> Node {
        Items::new(text.as_bytes(), syntax)
            .next()
            .expect("an item")
            .expect("no fault")
    }

    const DOCUMENT: &str =
        r#"{"name": "a", "imageSpec": {"packages": {"pip": ["x", {"y": [[1, 2]]}]}}, "n": null}"#;

    #[test]
    fn a_path_leads_to_its_value() {
        let node = first(DOCUMENT, Syntax::Json);
        fn check(node: &Node, path: &str, expected: Option<&str>) {
            assert_eq!(
                node.find(path).map(samples::json).as_deref(),
                expected,
                "{path}"
            );
        }
        check(&node, "name", Some(r#""a""#));
        check(&node, "imageSpec.packages.pip[0]", Some(r#""x""#));
        check(&node, "imageSpec.packages.pip[1].y[0][1]", Some("2"));
        check(&node, "n", Some("null"));
        for path in [
            "nam",
            "name.x",
            "name[0]",
            "imageSpec.packages.pip[2]",
            "imageSpec.packages.pip[-1]",
            "imageSpec.packages.pip[0",
            "imageSpec.packages.pip[x]",
            "imageSpec[0]",
            "..",
            "a]b[",
        ] {
            check(&node, path, None);
        }
        assert_eq!(node.find(""), Some(&node));
        assert_eq!(
            node.get("name").map(|name| name.at),
            Some(Position {
                line: 1,
                column: 10
            })
        );
    }

    #[test]
    fn json_numbers_and_booleans_are_no_text_but_plain_scalars_are_what_they_look_like() {
        // null?, as_bool, as_text, as_u64, kind
        type Views = (
            bool,
            Option<bool>,
            Option<&'static str>,
            Option<u64>,
            &'static str,
        );
        fn check(text: &str, syntax: Syntax, expected: Views) {
            let node = first(text, syntax);
            let views = (
                node.is_null(),
                node.as_bool(),
                node.as_text(),
                node.as_u64(),
                node.kind_name(),
            );
            assert_eq!(views, expected, "{text}");
        }
        check("[null]", Syntax::Json, (true, None, None, None, "null"));
        check(
            "[true]",
            Syntax::Json,
            (false, Some(true), None, None, "true or false"),
        );
        check(
            "[5]",
            Syntax::Json,
            (false, None, None, Some(5), "a number"),
        );
        check("[5.0]", Syntax::Json, (false, None, None, None, "a number"));
        check("[-5]", Syntax::Json, (false, None, None, None, "a number"));
        check(
            r#"["5"]"#,
            Syntax::Json,
            (false, None, Some("5"), None, "a string"),
        );
        check(
            r#"["null"]"#,
            Syntax::Json,
            (false, None, Some("null"), None, "a string"),
        );
        check("[[]]", Syntax::Json, (false, None, None, None, "a list"));
        check("[{}]", Syntax::Json, (false, None, None, None, "an object"));
        check(
            "- 5",
            Syntax::Yaml,
            (false, None, Some("5"), Some(5), "a number"),
        );
        check(
            "- '5'",
            Syntax::Yaml,
            (false, None, Some("5"), None, "a string"),
        );
        check(
            "- 007",
            Syntax::Yaml,
            (false, None, Some("007"), None, "a string"),
        );
        check(
            "- no",
            Syntax::Yaml,
            (false, None, Some("no"), None, "a string"),
        );
        check(
            "- 1.10",
            Syntax::Yaml,
            (false, None, Some("1.10"), None, "a string"),
        );
        check(
            "- 2024-01-31",
            Syntax::Yaml,
            (false, None, Some("2024-01-31"), None, "a string"),
        );
        check(
            "- True",
            Syntax::Yaml,
            (false, Some(true), Some("True"), None, "true or false"),
        );
        check(
            "- 'true'",
            Syntax::Yaml,
            (false, None, Some("true"), None, "a string"),
        );
        check(
            "- |-\n  5",
            Syntax::Yaml,
            (false, None, Some("5"), None, "a string"),
        );
        for null in ["- ", "- ~", "- null", "- Null", "- NULL"] {
            check(null, Syntax::Yaml, (true, None, None, None, "null"));
        }
    }

    #[test]
    fn what_is_not_of_the_kind_is_given_back_whole() {
        let node = first("{\"a\": [1]}", Syntax::Json);
        let entries = node.into_map().expect("an object");
        let list = entries.into_iter().next().expect("an entry").node;
        assert_eq!(list.clone().into_map(), Err(list.clone()));
    }

    #[test]
    fn a_fault_is_shown_as_place_field_and_rule() {
        let at = Position {
            line: 3,
            column: 14,
        };
        let fault = Fault::new(at, "must be a string");
        assert_eq!(fault.to_string(), "3:14: must be a string");
        let fault = fault.under_index(1).under_key("pip").under_key("packages");
        assert_eq!(fault.to_string(), "3:14: packages.pip[1]: must be a string");
        assert_eq!(
            fault.under_index(0).to_string(),
            "3:14: [0].packages.pip[1]: must be a string"
        );
        let made = Node::new(Value::Null).fault("url", "must be a string");
        assert_eq!(made.to_string(), "url: must be a string");
        assert!(
            Fault::new(at, "")
                .under_key(&"k".repeat(1000))
                .field
                .chars()
                .count()
                < 70
        );
    }
}
