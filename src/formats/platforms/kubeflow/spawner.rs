//! The config of version 1: three groups of bare references, each with the one that
//! is chosen where a user chooses none.

use std::collections::BTreeMap;

use super::{PLATFORM, SPAWNER};
use crate::domain::image::NewImage;
use crate::domain::reference::Reference;
use crate::formats::decode::Decoder;
use crate::formats::document::{Node, Value};
use crate::formats::platforms::kept::{keep, object, present, text};
use crate::formats::platforms::{Entry, Incoming, finished};

pub(super) const DEFAULTS: &str = "spawnerFormDefaults";

/// The groups: Jupyter, those like VS Code, those like RStudio.
pub(super) const GROUPS: [&str; 3] = ["image", "imageGroupOne", "imageGroupTwo"];

/// The references of a document so far.
#[derive(Default)]
struct Found<'a> {
    /// The group of each reference.
    groups: BTreeMap<&'a str, &'static str>,
    /// The reference of each name.
    names: BTreeMap<String, &'a str>,
    entries: Vec<Entry>,
}

/// Returns the options of all groups, and a value that is no option.
pub(super) fn entries(node: &Node) -> Vec<Entry> {
    let mut found = Found::default();
    let mut decoder = Decoder::default();
    let groups = match node.get(DEFAULTS) {
        Some(groups) => decoder.object(DEFAULTS, groups),
        None => &[],
    };
    for group in GROUPS {
        if let Some(entry) = groups.iter().find(|entry| entry.key == group) {
            read_group(&mut decoder, group, &entry.node, &mut found);
        }
    }
    let mut entries = found.entries;
    if !decoder.faults.is_empty() {
        entries.push(Entry::part(String::new(), node, Err(decoder.faults)));
    }
    entries
}

fn read_group<'a>(
    decoder: &mut Decoder,
    group: &'static str,
    node: &'a Node,
    found: &mut Found<'a>,
) {
    let field = format!("{DEFAULTS}.{group}");
    decoder.object(&field, node);
    let value_field = format!("{field}.value");
    let value = node
        .get("value")
        .filter(|value| value.as_text() != Some(""));
    let default = value.and_then(|value| decoder.text(&value_field, value));
    let options_field = format!("{field}.options");
    let options = match node.get("options") {
        Some(options) => decoder.list(&options_field, options),
        None => &[],
    };
    let options = options
        .iter()
        .enumerate()
        .map(|(index, option)| (format!("{options_field}[{index}]"), option));
    let value = value.map(|value| (value_field, value));
    for (field, option) in options.chain(value) {
        let Some(reference) = option.as_text() else {
            if !option.is_null() && !field.ends_with("value") {
                decoder.mistyped(&field, option, "a reference");
            }
            continue;
        };
        match found.groups.get(reference) {
            Some(known) if *known == group => continue,
            Some(known) => {
                let rule = format!("it is an option of `{known}` already, and has its place there");
                decoder.push(option.fault(field, rule));
                continue;
            }
            None => {}
        }
        found.groups.insert(reference, group);
        let name = found.name_of(reference);
        let entry = entry_of(
            &Choice {
                group,
                field: &field,
                node: option,
                reference,
                is_default: default.as_deref() == Some(reference),
            },
            name,
        );
        found.entries.push(entry);
    }
}

struct Choice<'a> {
    group: &'a str,
    field: &'a str,
    node: &'a Node,
    reference: &'a str,
    is_default: bool,
}

impl<'a> Found<'a> {
    /// Returns the name of an image that is known by its reference only: the last
    /// part of its path and its tag, or all of it where that is another's.
    fn name_of(&mut self, text: &'a str) -> Option<String> {
        let reference = Reference::parse(text).ok()?;
        let path = reference.repository().as_str();
        let last = path.rsplit('/').next().unwrap_or(path);
        let digest = reference.digest().and_then(|digest| digest.hex().get(..12));
        let version = reference.tag_or_latest().or(digest).unwrap_or_default();
        let name = PLATFORM.nearest_name(&format!("{last}-{version}"))?;
        let name = match self.names.get(&name) {
            Some(_) => PLATFORM.nearest_name(&reference.familiar()).unwrap_or(name),
            None => name,
        };
        self.names.insert(name.clone(), text);
        Some(name)
    }
}

fn entry_of(choice: &Choice<'_>, name: Option<String>) -> Entry {
    let mut image = NewImage::default();
    let config = &mut image.config;
    // Without a name the reference is none, which is the fault that is told.
    config.name = name.clone().unwrap_or_else(|| "image".to_owned());
    config.url = Some(choice.reference.to_owned());
    // An image that no file speaks of goes into the first group.
    let group = Some(choice.group).filter(|group| *group != GROUPS[0]);
    let is_default = choice.is_default.then(|| Node::new(Value::Bool(true)));
    if group.is_some() || is_default.is_some() {
        let kept = present([("group", group.map(text)), ("default", is_default)]);
        keep(config, PLATFORM, Some(object([(SPAWNER, kept)])));
    }
    let place = |_: &str| choice.field.to_owned();
    let image = finished(PLATFORM, image, Vec::new(), choice.node, place).map(|image| Incoming {
        image,
        fields: Vec::new(),
    });
    Entry {
        is_only_reference: true,
        ..Entry::part(name.unwrap_or_default(), choice.node, image)
    }
}
