//! Lists and single things of which there are few: groups, secrets, settings.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::csv;
use super::details::write_details;
use super::format::Format;
use super::table::Layout;
use crate::formats::document::{Node, Position, Value, json, write_yaml};

/// A thing that can be printed in every form.
pub trait Record: Serialize {
    /// The columns of a table of such things.
    const COLUMNS: &'static [&'static str];

    /// Returns the cells of those columns.
    fn cells(&self) -> Vec<Cow<'_, str>>;

    /// Returns what `-o name` prints.
    fn label(&self) -> &str;
}

/// Prints a list of things.
///
/// # Errors
/// Those of `out`.
pub fn write_list<R: Record>(
    out: &mut dyn Write,
    format: Format,
    width: Option<usize>,
    records: &[R],
) -> io::Result<()> {
    match format {
        Format::Table | Format::Wide => {
            let rows: Vec<Vec<Cow<'_, str>>> = records.iter().map(Record::cells).collect();
            Layout::new(R::COLUMNS).write_table(&rows, width, out)
        }
        Format::Csv => {
            csv::write_row(out, R::COLUMNS)?;
            records
                .iter()
                .try_for_each(|record| csv::write_row(out, &record.cells()))
        }
        Format::Name => records
            .iter()
            .try_for_each(|record| writeln!(out, "{}", super::text::visible(record.label()))),
        Format::Json => write_json_list(out, records),
        Format::Yaml => write_yaml_of(out, &records),
    }
}

/// What is done with each of many things.
pub type Each<'a, R> = &'a mut dyn FnMut(&R) -> io::Result<()>;

/// Prints things that `walk` goes through one by one, twice for a table: nothing
/// holds all of them.
///
/// # Errors
/// Those of `out` and of `walk`.
pub fn write_walk<R: Record, E: From<io::Error>>(
    out: &mut dyn Write,
    format: Format,
    width: Option<usize>,
    walk: &mut dyn FnMut(Each<'_, R>) -> Result<(), E>,
) -> Result<(), E> {
    let mut count = 0_u64;
    match format {
        Format::Table | Format::Wide => {
            let mut layout = Layout::new(R::COLUMNS);
            walk(&mut |record| {
                layout.measure(&record.cells());
                Ok(())
            })?;
            layout.fit(width);
            layout.write_header(out)?;
            walk(&mut |record| layout.write_row(&record.cells(), out))
        }
        Format::Csv => {
            csv::write_row(out, R::COLUMNS)?;
            walk(&mut |record| csv::write_row(out, &record.cells()))
        }
        Format::Name => {
            walk(&mut |record| writeln!(out, "{}", super::text::visible(record.label())))
        }
        Format::Json => {
            walk(&mut |record| {
                out.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
                count += 1;
                super::json::write_text(out, &serde_json::to_vec(record)?)
            })?;
            Ok(out.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" })?)
        }
        Format::Yaml => {
            walk(&mut |record| {
                count += 1;
                write_yaml_of(out, &[record])
            })?;
            Ok(out.write_all(if count == 0 { b"[]\n" } else { b"" })?)
        }
    }
}

fn write_json_list<R: Serialize>(out: &mut dyn Write, records: &[R]) -> io::Result<()> {
    if records.is_empty() {
        return out.write_all(b"[]\n");
    }
    for (index, record) in records.iter().enumerate() {
        out.write_all(if index == 0 { b"[\n" } else { b",\n" })?;
        super::json::write_text(out, &serde_json::to_vec(record)?)?;
    }
    out.write_all(b"\n]\n")
}

/// Prints one thing: its fields with their values below one another, or as the
/// other forms have it.
///
/// # Errors
/// Those of `out`.
pub fn write_one<R: Record>(out: &mut dyn Write, format: Format, record: &R) -> io::Result<()> {
    match format {
        Format::Table | Format::Wide => {
            let cells = record.cells();
            let pairs: Vec<(&str, Cow<'_, str>)> = R::COLUMNS.iter().copied().zip(cells).collect();
            write_details(out, &pairs)
        }
        Format::Json => write_pretty(out, record),
        Format::Yaml => write_yaml_of(out, record),
        Format::Csv | Format::Name => write_list(out, format, None, std::slice::from_ref(record)),
    }
}

/// Prints a thing as JSON with two spaces a level.
///
/// # Errors
/// Those of `out`.
pub fn write_pretty(out: &mut dyn Write, thing: &impl Serialize) -> io::Result<()> {
    super::json::write_text(out, &serde_json::to_vec_pretty(thing)?)?;
    out.write_all(b"\n")
}

/// Prints a thing as YAML.
///
/// # Errors
/// Those of `out`.
pub fn write_yaml_of(out: &mut dyn Write, thing: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(thing)?;
    let tree = json::parse(&text, Position::START).unwrap_or_else(|_| Node::new(Value::Null));
    write_tree_as_yaml(out, &tree)
}

/// Prints a tree as YAML.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_tree_as_yaml(out: &mut dyn Write, tree: &Node) -> io::Result<()> {
    let mut text = Vec::new();
    write_yaml(tree, 0, &mut text);
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    out.write_all(&text)
}

impl<R: Record> Record for &R {
    const COLUMNS: &'static [&'static str] = R::COLUMNS;

    fn cells(&self) -> Vec<Cow<'_, str>> {
        (*self).cells()
    }

    fn label(&self) -> &str {
        (*self).label()
    }
}
