//! TOML → the positioned tree that JSON and YAML are read into.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Entry, Fault, Node, Position, Value};

/// Returns the tree of a TOML document.
///
/// # Errors
/// The first place that is not TOML.
pub fn parse(text: &str) -> Result<Node, Fault> {
    let places = Places::of(text);
    match DeTable::parse(text) {
        Ok(table) => {
            let at = Position::START;
            Ok(map(&places, at, table.get_ref()))
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().to_owned();
            Err(Fault::new(places.at(offset), message))
        }
    }
}

fn map(places: &Places<'_>, at: Position, table: &DeTable<'_>) -> Node {
    let entries = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: places.at(key.span().start),
            node: node(places, value),
        })
        .collect();
    Node {
        at,
        value: Value::Map(entries),
    }
}

fn node(places: &Places<'_>, value: &Spanned<DeValue<'_>>) -> Node {
    let at = places.at(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Value::Number(number.as_str().trim_start_matches('+').to_owned())
        }
        DeValue::Integer(number) => Value::String(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(elements) => Value::List(
            elements
                .iter()
                .map(|element| node(places, element))
                .collect(),
        ),
        DeValue::Table(table) => return map(places, at, table),
    };
    Node { at, value }
}

/// The lines of a text, to tell the place of a byte.
struct Places<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            text,
            line_starts: std::iter::once(0)
                .chain(breaks.map(|(index, _)| index + 1))
                .collect(),
        }
    }

    fn at(&self, offset: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self
            .line_starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position {
            line: number(line),
            column: number(before.chars().count() + 1),
        }
    }
}
