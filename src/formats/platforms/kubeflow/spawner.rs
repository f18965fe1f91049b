//! The config of version 1: three groups of bare references, each with the one that
//! is chosen where a user chooses none.

use std::collections::BTreeMap;

use super::{PLATFORM, SPAWNER, default_mark};
use crate::domain::image::{NewImage, PullPolicy};
use crate::domain::reference::Reference;
use crate::formats::decode::Decoder;
use crate::formats::document::{Fault, Node, Value};
use crate::formats::platforms::kept::{keep, object, present, text, with_kept};
use crate::formats::platforms::{Entry, Incoming, finished};

pub(super) const DEFAULTS: &str = "spawnerFormDefaults";

/// The groups: Jupyter, those like VS Code, those like RStudio.
pub(super) const GROUPS: [&str; 3] = ["image", "imageGroupOne", "imageGroupTwo"];

const POLICY: &str = "imagePullPolicy";

/// The references of a document so far.
#[derive(Default)]
struct Found<'a> {
    /// The group of each reference.
    groups: BTreeMap<&'a str, &'static str>,
    /// The reference of each name.
    names: BTreeMap<String, &'a str>,
    entries: Vec<Entry>,
    /// What is wrong beside the options, in its place.
    wrong: Option<Node>,
}

/// Returns the options of all groups, and a value that is no option.
pub(super) fn entries(node: &Node) -> Vec<Entry> {
    let mut found = Found::default();
    let mut decoder = Decoder::default();
    let groups = match node.get(DEFAULTS) {
        Some(groups) => decoder.object(DEFAULTS, groups),
        None => &[],
    };
    if let (Some(groups), false) = (node.get(DEFAULTS), decoder.faults.is_empty()) {
        found.wrong = Some(object([(DEFAULTS, groups.clone())]));
    }
    for group in GROUPS {
        if let Some(entry) = groups.iter().find(|entry| entry.key == group) {
            read_group(&mut decoder, group, &entry.node, &mut found);
        }
    }
    if let Some(entry) = groups.iter().find(|entry| entry.key == POLICY) {
        read_policy(&mut decoder, &entry.node, &mut found);
    }
    let mut entries = found.entries;
    if !decoder.faults.is_empty() {
        decoder.faults.sort_by_key(|fault| fault.at);
        entries.push(Entry {
            part: found.wrong,
            ..Entry::whole(String::new(), node, Err(decoder.faults))
        });
    }
    entries
}

/// Returns the config of one option.
fn part_of(group: &str, option: &Node) -> Node {
    let options = Node::new(Value::List(vec![option.clone()]));
    object([(DEFAULTS, object([(group, object([("options", options)]))]))])
}

/// The policy itself is of the frame: it is the same for all images.
fn read_policy(decoder: &mut Decoder, node: &Node, found: &mut Found<'_>) {
    let field = format!("{DEFAULTS}.{POLICY}");
    let faults = decoder.faults.len();
    decoder.object(&field, node);
    if let Some(value) = node.get("value") {
        let field = format!("{field}.value");
        decoder.choice(&field, value, &PullPolicy::NAMES, PullPolicy::from_name);
    }
    if decoder.faults.len() > faults {
        found.note_wrong(object([(POLICY, node.clone())]));
    }
}

fn read_group<'a>(
    decoder: &mut Decoder,
    group: &'static str,
    node: &'a Node,
    found: &mut Found<'a>,
) {
    let field = format!("{DEFAULTS}.{group}");
    let faults = decoder.faults.len();
    decoder.object(&field, node);
    if decoder.faults.len() > faults {
        found.note_wrong(object([(group, node.clone())]));
    }
    let mut checked = |key: &str, faults: usize, decoder: &Decoder| {
        if let (Some(node), true) = (node.get(key), decoder.faults.len() > faults) {
            found.note_wrong(object([(group, object([(key, node.clone())]))]));
        }
    };
    let value_field = format!("{field}.value");
    let value = node
        .get("value")
        .filter(|value| value.as_text() != Some(""));
    let faults = decoder.faults.len();
    let default = value.and_then(|value| decoder.text(&value_field, value));
    checked("value", faults, decoder);
    let options_field = format!("{field}.options");
    let faults = decoder.faults.len();
    let options = match node.get("options") {
        Some(options) => decoder.list(&options_field, options),
        None => &[],
    };
    checked("options", faults, decoder);
    let options = options
        .iter()
        .enumerate()
        .map(|(index, option)| (format!("{options_field}[{index}]"), option));
    // One of another type was told of above.
    let value = value.filter(|value| value.as_text().is_some());
    let value = value.map(|value| (value_field, value));
    let mut is_first = true;
    for (field, option) in options.chain(value).filter(|(_, node)| !node.is_null()) {
        let Some(reference) = option.as_text() else {
            let mut decoder = Decoder::default();
            decoder.mistyped(&field, option, "a reference");
            found.refuse(group, option, decoder.faults);
            continue;
        };
        match found.groups.get(reference) {
            Some(known) if *known == group => continue,
            Some(known) => {
                let rule = format!("it is an option of `{known}` already, and has its place there");
                found.refuse(group, option, vec![option.fault(field, rule)]);
                continue;
            }
            None => {}
        }
        found.groups.insert(reference, group);
        let name = found.name_of(reference);
        let is_default = default.as_deref() == Some(reference);
        let entry = entry_of(
            &Choice {
                group,
                field: &field,
                node: option,
                reference,
                default: is_default.then(|| default_mark(is_first)),
            },
            name,
        );
        is_first = false;
        found.entries.push(entry);
    }
}

struct Choice<'a> {
    group: &'a str,
    field: &'a str,
    node: &'a Node,
    reference: &'a str,
    /// What is kept where it is the default.
    default: Option<Node>,
}

impl<'a> Found<'a> {
    /// Notes a part of the defaults that is wrong.
    fn note_wrong(&mut self, wrong: Node) {
        let wrong = object([(DEFAULTS, wrong)]);
        self.wrong = Some(with_kept(wrong, self.wrong.as_ref()));
    }

    /// Adds an option that is no image.
    fn refuse(&mut self, group: &str, option: &Node, faults: Vec<Fault>) {
        self.entries.push(Entry {
            part: Some(part_of(group, option)),
            ..Entry::whole(String::new(), option, Err(faults))
        });
    }

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
            Some(_) => full_name_of(&reference).unwrap_or(name),
            None => name,
        };
        self.names.insert(name.clone(), text);
        Some(name)
    }
}

/// Returns the name that all of a reference makes, for an image whose short name is
/// that of another.
pub fn full_name(text: &str) -> Option<String> {
    full_name_of(&Reference::parse(text).ok()?)
}

fn full_name_of(reference: &Reference) -> Option<String> {
    PLATFORM.nearest_name(&reference.familiar())
}

fn entry_of(choice: &Choice<'_>, name: Option<String>) -> Entry {
    let mut image = NewImage::default();
    let config = &mut image.config;
    // Without a name the reference is none, which is the fault that is told.
    config.name = name.clone().unwrap_or_else(|| "image".to_owned());
    config.url = Some(choice.reference.to_owned());
    // An image that no file speaks of goes into the first group.
    let group = Some(choice.group).filter(|group| *group != GROUPS[0]);
    if group.is_some() || choice.default.is_some() {
        let default = choice.default.clone();
        let kept = present([("group", group.map(text)), ("default", default)]);
        keep(config, PLATFORM, Some(object([(SPAWNER, kept)])));
    }
    let place = |_: &str| choice.field.to_owned();
    let image = finished(PLATFORM, image, Vec::new(), choice.node, place).map(|image| Incoming {
        image,
        fields: Vec::new(),
    });
    Entry {
        is_only_reference: true,
        part: Some(part_of(choice.group, choice.node)),
        ..Entry::whole(name.unwrap_or_default(), choice.node, image)
    }
}
