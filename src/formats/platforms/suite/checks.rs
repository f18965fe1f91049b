//! The checks that a platform is put through.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::super::document::{
    Items, Node, Position, Syntax, json, write_json_pretty, write_yaml,
};
use super::super::{Entry, Incoming, Outgoing, Part, document, fields, read};
use super::images::{image, link_secrets, stored, without_lost};
use super::trees::{UNKNOWN, add_unknown, any_tree, at, at_mut, places, remove, tree};
use crate::domain::group::{GroupRef, GroupsInput};
use crate::domain::image::{Image, NewImage};
use crate::domain::platform::Platform;

/// Takes out the unknown fields of an image, in which the order of keys says nothing.
fn kept_fields(image: &mut NewImage) -> Vec<(String, serde_json::Value)> {
    std::mem::take(&mut image.config.extra)
        .into_iter()
        .map(|(key, text)| (key, serde_json::from_str(&text).expect("JSON")))
        .collect()
}

/// A platform and its samples.
pub(super) struct Enrolled {
    pub platform: Platform,
    pub syntax: Syntax,
    pub samples: &'static [&'static str],
    /// The file around the document of an image.
    pub frame: &'static str,
    /// Whether what is kept of one entry is a file around it, too.
    pub is_part_framed: bool,
}

/// The name of a file of which a sample is read.
const STEM: &str = "sample";

impl Enrolled {
    pub fn check_samples(&self) {
        for sample in self.samples {
            for node in self.parsed(sample) {
                let entries = self.read(STEM, &node);
                assert!(!entries.is_empty(), "nothing is in {sample}");
                for entry in entries {
                    let expected = tree(entry.part.as_ref().unwrap_or(&node));
                    let incoming = entry.image.expect("the sample is good");
                    let image = stored(&incoming.image);
                    assert_eq!(entry.name, image.config.name);
                    let document = self.document(&image).expect("a document");
                    assert_eq!(tree(&self.part_of(&document)), expected, "{sample}");
                    let again = self.through_text(&image.config.name, &document);
                    let (mut read, mut read_again) = (incoming.image, again.image);
                    assert_eq!(kept_fields(&mut read), kept_fields(&mut read_again));
                    assert_eq!(read_again, read, "{sample}");
                    assert_eq!(again.fields, incoming.fields, "{sample}");
                }
            }
        }
    }

    pub fn check_images(&self) {
        let written = Cell::new(0);
        proptest!(|(image in image(self.platform))| {
            if self.platform == Platform::Primehub && let Ok(document) = self.document(&image) {
                let mut incoming = self.through_text(&image.config.name, &document);
                link_secrets(&image.config, &mut incoming.image.config);
                let after = fields::overlaid(self.platform, &image, &incoming);
                prop_assert_eq!(&after.config, &image.config, "nothing is cleared");
            }
            let image = without_lost(self.platform, image);
            if let Ok(document) = self.document(&image) {
                written.set(written.get() + 1);
                let mut incoming = self.through_text(&image.config.name, &document);
                link_secrets(&image.config, &mut incoming.image.config);
                let after = fields::overlaid(self.platform, &image, &incoming);
                prop_assert_eq!(&after.config, &image.config);
                prop_assert_eq!(&after.seen, &image.seen);
                let GroupsInput::Change { connect, disconnect } = &after.groups else {
                    panic!("the groups are replaced: {:?}", after.groups);
                };
                let is_in = |group: &GroupRef| {
                    image.groups.iter().any(|known| known.name == group.label())
                };
                prop_assert!(connect.iter().all(is_in) && disconnect.is_empty());
            }
        });
        assert!(written.get() > 0, "no image could be written");
    }

    pub fn check_unknown_fields(&self) {
        let mut came_back = 0;
        for node in self.samples.iter().flat_map(|sample| self.parsed(sample)) {
            let objects = places(&node).into_iter();
            for place in objects.filter(|place| at(&node, place).as_map().is_some()) {
                let mut node = node.clone();
                add_unknown(at_mut(&mut node, &place));
                for entry in self.read(STEM, &node) {
                    let expected = tree(entry.part.as_ref().unwrap_or(&node));
                    match entry.image {
                        Ok(incoming) => {
                            let image = stored(&incoming.image);
                            let document = self.document(&image).expect("a document");
                            assert_eq!(tree(&self.part_of(&document)), expected);
                            came_back += 1;
                        }
                        // Where a field that is not known means something, such as
                        // a package manager, it is refused, not lost.
                        Err(faults) => {
                            let tells = faults.iter().any(|fault| fault.field.contains(UNKNOWN));
                            assert!(tells, "{faults:?}");
                        }
                    }
                }
            }
        }
        assert!(came_back > 0, "no sample takes an unknown field");
    }

    pub fn check_any_trees(&self) {
        let samples: Vec<Node> = (self.samples.iter())
            .flat_map(|sample| self.parsed(sample))
            .collect();
        let mutated = (
            any::<Index>(),
            vec((any::<Index>(), option::of(any_tree())), 1..4),
        );
        proptest!(|((sample, changes) in mutated)| {
            let mut node = sample.get(&samples).clone();
            for (place, replacement) in changes {
                let places = places(&node);
                let place = place.get(&places);
                match replacement {
                    Some(tree) => *at_mut(&mut node, place) = tree,
                    None => remove(&mut node, place),
                }
            }
            self.check_faults(&node);
        });
        proptest!(|(node in any_tree())| self.check_faults(&node));
    }

    /// Reads a tree as the text that it makes, and checks the places of its faults.
    fn check_faults(&self, node: &Node) {
        let mut text = Vec::new();
        write_json_pretty(node, 0, &mut text);
        let node = json::parse(&text, Position::START).expect("JSON comes back");
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        for entry in self.read(STEM, &node) {
            for fault in entry.image.err().into_iter().flatten() {
                let (line, column) = (fault.at.line as usize, fault.at.column as usize);
                let is_inside = line >= 1
                    && column >= 1
                    && (lines.get(line - 1)).is_some_and(|length| column <= *length);
                assert!(is_inside, "{fault} has no place in {text}");
                assert!(!fault.message.is_empty());
            }
        }
    }

    /// Returns the documents of a text as an import takes them.
    fn parsed(&self, text: &str) -> Vec<Node> {
        Items::new(text.as_bytes(), self.syntax)
            .map(|item| item.expect("a good text"))
            .collect()
    }

    fn read(&self, stem: &str, node: &Node) -> Vec<Entry> {
        read(self.platform, Part { stem, node })
    }

    fn document(&self, image: &Image) -> Result<Node, String> {
        let config = &image.config;
        let linked = config.use_image_pull_secret.as_deref();
        let outgoing = Outgoing {
            image,
            name: &config.name,
            url: config.url.as_deref(),
            url_for_gpu: config.url_for_gpu.as_deref(),
            pull_secret: linked.or(config.pull_secret.as_deref()),
            base_pull_secret: (config.spec.as_ref()).and_then(|spec| spec.pull_secret.as_deref()),
        };
        document(self.platform, &outgoing)
    }

    /// Returns the file of one image.
    fn framed(&self, document: &Node) -> Node {
        let mut file = json::parse(self.frame.as_bytes(), Position::START).expect("JSON");
        let is_entry = |place: &Vec<usize>| at(&file, place).as_text() == Some("$ENTRY");
        let place = places(&file).into_iter().find(is_entry);
        *at_mut(&mut file, &place.expect("a place for an entry")) = document.clone();
        file
    }

    /// Returns what would be kept of an image that is one of several of a file.
    fn part_of(&self, document: &Node) -> Node {
        match self.is_part_framed {
            true => self.framed(document),
            false => document.clone(),
        }
    }

    /// Returns the one image of a document that is written and read again.
    fn through_text(&self, name: &str, document: &Node) -> Incoming {
        let file = self.framed(document);
        let mut text = Vec::new();
        match self.syntax {
            Syntax::Yaml => write_yaml(&file, 0, &mut text),
            _ => write_json_pretty(&file, 0, &mut text),
        }
        let text = String::from_utf8(text).expect("UTF-8");
        let documents = self.parsed(&text);
        let [node] = documents.as_slice() else {
            panic!("{} documents: {text}", documents.len());
        };
        let mut entries = self.read(name, node);
        let entry = entries.pop().expect("an entry");
        assert!(entries.is_empty(), "several entries: {text}");
        match entry.image {
            Ok(incoming) => incoming,
            Err(faults) => panic!("{faults:?} in {text}"),
        }
    }
}
