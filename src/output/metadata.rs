//! Entries of a platform's catalog, printed as Elyra's own tool prints them.

use std::borrow::Cow;
use std::io::{self, Write};

use super::csv;
use super::format::Format;
use super::json;
use super::records::write_tree_as_yaml;
use super::table::Layout;
use super::text::visible;
use crate::domain::platform::Platform;
use crate::formats::document::{Entry, Node, Position, Value, write_json};
use crate::ops::metadata::Listed;

const COLUMNS: [&str; 3] = ["Schema", "Instance", "Resource"];

/// Prints a list. A table is gone through twice: once to measure its columns, and
/// once to print.
pub struct EntryPrinter<'a> {
    format: Format,
    platform: Platform,
    /// The path of the catalog.
    resource: &'a str,
    layout: Layout,
    printed: u64,
}

impl<'a> EntryPrinter<'a> {
    /// Returns a printer of a platform's entries.
    #[must_use]
    pub fn new(format: Format, platform: Platform, resource: &'a str) -> Self {
        Self {
            format,
            platform,
            resource,
            layout: Layout::new(&COLUMNS),
            printed: 0,
        }
    }

    /// Returns whether every entry is to be measured before the first is printed.
    #[must_use]
    pub fn measures(&self) -> bool {
        matches!(self.format, Format::Table | Format::Wide)
    }

    /// Measures an entry.
    pub fn measure(&mut self, entry: &Listed) {
        let cells = self.cells(entry);
        self.layout.measure(&cells);
    }

    fn cells<'e>(&self, entry: &'e Listed) -> [Cow<'e, str>; 3] {
        let resource = match &entry.reason {
            None => self.resource.to_owned(),
            Some(reason) => format!("{} **INVALID** ({reason})", self.resource),
        };
        [
            Cow::Borrowed(self.platform.schema_name()),
            Cow::Borrowed(&entry.name),
            Cow::Owned(resource),
        ]
    }

    /// Prints what stands before the first entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(&mut self, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Table | Format::Wide => {
                let name = self.platform.name();
                writeln!(out, "Available metadata instances for {name}:\n")?;
                self.layout.fit(width);
                self.layout.write_header(out)
            }
            Format::Csv => csv::write_row(out, &COLUMNS),
            Format::Json | Format::Yaml | Format::Name => Ok(()),
        }
    }

    /// Prints an entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn print(&mut self, entry: &Listed, out: &mut dyn Write) -> io::Result<()> {
        self.printed += 1;
        match self.format {
            Format::Table | Format::Wide => {
                let cells = self.cells(entry);
                self.layout.write_row(&cells, out)
            }
            Format::Csv => csv::write_row(out, &self.cells(entry)),
            Format::Name => writeln!(out, "{}", visible(&entry.name)),
            Format::Json => {
                let before: &[u8] = if self.printed == 1 { b"[\n" } else { b",\n" };
                let mut text = before.to_vec();
                write_json(&self.tree_of(entry), &mut text);
                json::write_text(out, &text)
            }
            Format::Yaml => {
                let list = Node::new(Value::List(vec![self.tree_of(entry)]));
                write_tree_as_yaml(out, &list)
            }
        }
    }

    /// Prints what stands after the last entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match (self.format, self.printed) {
            (Format::Json | Format::Yaml, 0) => out.write_all(b"[]\n"),
            (Format::Json, _) => out.write_all(b"\n]\n"),
            _ => Ok(()),
        }
    }

    /// Returns the entry as the platform has it, with its name and where it is, and
    /// why it is not valid.
    fn tree_of(&self, entry: &Listed) -> Node {
        let text = |text: &str| Node::new(Value::String(text.to_owned()));
        let mut entries = vec![field("name", text(&entry.name))];
        match entry.document.as_ref().map(|document| &document.value) {
            Some(Value::Map(fields)) => entries.extend(
                (fields.iter())
                    .filter(|known| !["name", "resource", "reason"].contains(&known.key.as_str()))
                    .cloned(),
            ),
            Some(_) => entries.extend(entry.document.clone().map(|raw| field("raw", raw))),
            None => {}
        }
        entries.push(field("resource", text(self.resource)));
        if let Some(reason) = &entry.reason {
            entries.push(field("reason", text(reason)));
        }
        Node::new(Value::Map(entries))
    }
}

fn field(key: &str, node: Node) -> Entry {
    Entry {
        key: key.to_owned(),
        at: Position::default(),
        node,
    }
}

/// Prints one entry by itself, as JSON or YAML.
///
/// # Errors
/// Those of `out`.
pub fn write_document(out: &mut dyn Write, format: Format, document: &Node) -> io::Result<()> {
    if format == Format::Yaml {
        return write_tree_as_yaml(out, document);
    }
    let mut text = Vec::new();
    crate::formats::document::write_json_pretty(document, 0, &mut text);
    text.push(b'\n');
    json::write_text(out, &text)
}
