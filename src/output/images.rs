//! Images, printed: a list of any length, or one.

use std::borrow::Cow;
use std::io::{self, Write};

use super::csv;
use super::details::write_details;
use super::format::Format;
use super::records::write_tree_as_yaml;
use super::table::Layout;
use crate::domain::image::{Image, ready_word};
use crate::domain::json_text::value_of;
use crate::domain::scanned::Scanned;
use crate::domain::sighting::Sighting;
use crate::formats::document::{Node, Position, Value, json, write_json_pretty, write_yaml_item};

const COLUMNS: [&str; 6] = [
    "id",
    "name",
    "displayName",
    "description",
    "type",
    "isReady",
];

const WIDE_COLUMNS: [&str; 18] = [
    "id",
    "name",
    "displayName",
    "description",
    "type",
    "isReady",
    "url",
    "urlForGpu",
    "useImagePullSecret",
    "pullSecret",
    "global",
    "groups",
    "kind",
    "tags",
    "author",
    "problem",
    "vulnerabilities",
    "updatedAt",
];

/// Prints a list, one image after another. A table is gone through twice: once
/// to measure its columns, and once to print.
pub struct ListPrinter {
    format: Format,
    layout: Layout,
    printed: u64,
    buffer: Vec<u8>,
}

impl ListPrinter {
    /// Returns a printer of lists.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let columns: &[&str] = match format {
            Format::Wide => &WIDE_COLUMNS,
            _ => &COLUMNS,
        };
        Self {
            format,
            layout: Layout::new(columns),
            printed: 0,
            buffer: Vec::new(),
        }
    }

    /// Returns whether every image is to be measured before the first is
    /// printed.
    #[must_use]
    pub fn measures(&self) -> bool {
        matches!(self.format, Format::Table | Format::Wide)
    }

    /// Measures an image.
    pub fn measure(&mut self, image: &Image) {
        match self.format {
            Format::Wide => self.layout.measure(&shown_wide_cells(image)),
            _ => self.layout.measure(&shown_cells(image)),
        }
    }

    /// Prints what stands before the first image.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(&mut self, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Table | Format::Wide => {
                self.layout.fit(width);
                self.layout.write_header(out)
            }
            Format::Csv => csv::write_row(out, &WIDE_COLUMNS),
            Format::Json | Format::Yaml | Format::Name => Ok(()),
        }
    }

    /// Prints an image.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn print(&mut self, image: &Image, out: &mut dyn Write) -> io::Result<()> {
        self.printed += 1;
        match self.format {
            Format::Table => self.layout.write_row(&shown_cells(image), out),
            Format::Wide => self.layout.write_row(&shown_wide_cells(image), out),
            Format::Csv => csv::write_row(out, &wide_cells(image)),
            Format::Name => writeln!(out, "{}", image.config.name),
            Format::Json => {
                self.buffer.clear();
                let before: &[u8] = if self.printed == 1 { b"[\n" } else { b",\n" };
                self.buffer.extend_from_slice(before);
                image.write_json(&mut self.buffer);
                super::json::write_text(out, &self.buffer)
            }
            Format::Yaml => {
                self.buffer.clear();
                write_yaml_item(&tree_of(image), 0, &mut self.buffer);
                if self.buffer.last() != Some(&b'\n') {
                    self.buffer.push(b'\n');
                }
                out.write_all(&self.buffer)
            }
        }
    }

    /// Prints what stands after the last image.
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
}

/// Prints one image: its fields below one another, or as the other forms have it.
///
/// # Errors
/// Those of `out`.
pub fn write_image(out: &mut dyn Write, format: Format, image: &Image) -> io::Result<()> {
    match format {
        Format::Table | Format::Wide => {
            let details = details(image)?;
            let pairs: Vec<(&str, Cow<'_, str>)> = details
                .iter()
                .map(|(key, text)| (key.as_str(), Cow::Borrowed(text.as_str())))
                .collect();
            write_details(out, &pairs)
        }
        Format::Json => {
            let mut text = Vec::new();
            write_json_pretty(&tree_of(image), 0, &mut text);
            text.push(b'\n');
            super::json::write_text(out, &text)
        }
        Format::Yaml => write_tree_as_yaml(out, &tree_of(image)),
        Format::Csv | Format::Name => {
            let mut printer = ListPrinter::new(format);
            printer.begin(None, out)?;
            printer.print(image, out)?;
            printer.end(out)
        }
    }
}

fn cells(image: &Image) -> [&str; 6] {
    let config = &image.config;
    [
        &config.name,
        &config.name,
        &config.display_name,
        config.description.as_deref().unwrap_or_default(),
        config.image_type.name(),
        ready_word(config.is_ready),
    ]
}

/// Returns the cells of a table, which also says what is not as its spec says.
fn shown_cells(image: &Image) -> [&str; 6] {
    let mut cells = cells(image);
    if image.config.is_stale() {
        cells[5] = match image.config.is_ready {
            Some(true) => "True (stale)",
            Some(false) => "False (stale)",
            None => "Unknown (stale)",
        };
    }
    cells
}

fn shown_wide_cells(image: &Image) -> [Cow<'_, str>; 18] {
    let mut cells = wide_cells(image);
    cells[5] = Cow::Borrowed(shown_cells(image)[5]);
    cells
}

fn wide_cells(image: &Image) -> [Cow<'_, str>; 18] {
    let config = &image.config;
    let or_empty =
        |text: &'_ Option<String>| -> Cow<'_, str> { Cow::Owned(text.clone().unwrap_or_default()) };
    let [id, name, display_name, description, kind, is_ready] = cells(image).map(Cow::Borrowed);
    [
        id,
        name,
        display_name,
        description,
        kind,
        is_ready,
        or_empty(&config.url),
        or_empty(&config.url_for_gpu),
        or_empty(&config.use_image_pull_secret),
        or_empty(&config.pull_secret),
        Cow::Borrowed(if config.global { "true" } else { "false" }),
        Cow::Owned(group_names(image)),
        or_empty(&config.kind),
        Cow::Owned(config.tags.join(",")),
        or_empty(&config.author),
        Cow::Owned(image.seen.problem().unwrap_or_default()),
        Cow::Owned(image.seen.vulnerabilities().unwrap_or_default()),
        Cow::Borrowed(&image.updated_at),
    ]
}

fn words_of(seen: &Sighting) -> String {
    seen.scan.as_ref().map(Scanned::words).unwrap_or_default()
}

fn group_names(image: &Image) -> String {
    let names: Vec<&str> = image
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    names.join(",")
}

/// Returns the fields of an image as JSON has them, each with one text.
fn details(image: &Image) -> io::Result<Vec<(String, String)>> {
    let tree = value_of(&image.to_json())?;
    let text_of = |key: &str, value: &serde_json::Value| match (key, value) {
        ("isReady", _) => ready_word(image.config.is_ready).to_owned(),
        ("groups", _) => group_names(image),
        ("vulnerabilities", _) => words_of(&image.seen.url),
        ("vulnerabilitiesForGpu", _) => words_of(&image.seen.url_for_gpu),
        (_, serde_json::Value::Null) => String::new(),
        (_, serde_json::Value::String(text)) => text.clone(),
        (_, serde_json::Value::Array(words)) => words
            .iter()
            .map(|word| {
                word.as_str()
                    .map_or_else(|| word.to_string(), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join(","),
        (_, other) => other.to_string(),
    };
    Ok(tree
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), text_of(key, value)))
        .collect())
}

/// Returns an image as the tree that other forms are written from.
fn tree_of(image: &Image) -> Node {
    json::parse(image.to_json().as_bytes(), Position::START)
        .unwrap_or_else(|_| Node::new(Value::Null))
}
