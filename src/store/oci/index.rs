//! `index.json`: the entries of a layout. What of it is not ours to change keeps its
//! text, down to the spelling of its numbers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{Error, REF_NAME, Result};
use crate::domain::manifest::{Descriptor, OCI_INDEX};
use crate::domain::name::shorten;
use crate::domain::reference::Digest;

const MANIFESTS: &str = "manifests";

/// How many names an error lists.
const MOST_NAMED: usize = 10;

/// The fields of an object in their order, with their text.
struct Fields(Vec<(String, Box<RawValue>)>);

/// An index, and its entries with their text.
pub(super) struct Index {
    fields: Fields,
    entries: Vec<Entry>,
}

struct Entry {
    descriptor: Descriptor,
    text: Box<RawValue>,
}

impl Index {
    /// Returns the index that the bytes are.
    ///
    /// # Errors
    /// The rule that they break.
    pub(super) fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let fields: Fields =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no index: {error}"))?;
        let mut entries = Vec::new();
        for (name, value) in &fields.0 {
            if name == "schemaVersion" && value.get() != "2" {
                let version = shorten(value.get());
                return Err(format!("its `schemaVersion` is {version}, and not 2"));
            }
            if name == MANIFESTS {
                let texts: Option<Vec<Box<RawValue>>> = serde_json::from_str(value.get())
                    .map_err(|_| "its `manifests` are no list".to_owned())?;
                for (position, text) in texts.unwrap_or_default().into_iter().enumerate() {
                    let descriptor = Descriptor::parse(text.get())
                        .map_err(|rule| format!("manifests[{position}]: {rule}"))?;
                    entries.push(Entry { descriptor, text });
                }
            }
        }
        Ok(Self { fields, entries })
    }

    /// Returns an index without entries.
    pub(super) fn empty() -> Vec<u8> {
        format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#).into_bytes()
    }

    pub(super) fn descriptors(self) -> Vec<Descriptor> {
        let entries = self.entries.into_iter();
        entries.map(|entry| entry.descriptor).collect()
    }

    /// Puts a descriptor in under a name, in the place of whatever has it; returns
    /// whether that changed anything.
    pub(super) fn put(&mut self, descriptor: &Descriptor, tag: Option<&str>) -> bool {
        let mut descriptor = descriptor.clone();
        descriptor.annotations.remove(REF_NAME);
        if let Some(tag) = tag {
            descriptor
                .annotations
                .insert(REF_NAME.to_owned(), tag.to_owned());
        }
        let is_known = |entry: &Entry| match tag {
            Some(_) => entry.descriptor == descriptor,
            // It needs no entry without a name beside one that has a name.
            None => entry.descriptor.digest == descriptor.digest,
        };
        let has_name = |entry: &Entry| tag.is_some() && name_of(&entry.descriptor) == tag;
        let named = self.entries.iter().filter(|entry| has_name(entry)).count();
        if named <= 1 && self.entries.iter().any(is_known) {
            return false;
        }
        let Ok(text) = RawValue::from_string(descriptor.to_json()) else {
            return false;
        };
        let place = self.entries.iter().position(has_name);
        // One without a name gives way to the same with one.
        let gives_way = |entry: &Entry| {
            has_name(entry)
                || (name_of(&entry.descriptor).is_none()
                    && entry.descriptor.digest == descriptor.digest)
        };
        let before = place.unwrap_or(self.entries.len());
        let kept_before = self.entries.iter().take(before);
        let place = kept_before.filter(|entry| !gives_way(entry)).count();
        self.entries.retain(|entry| !gives_way(entry));
        self.entries.insert(place, Entry { descriptor, text });
        true
    }

    /// Takes entries out, and returns how many.
    pub(super) fn remove(&mut self, is_unwanted: impl Fn(&Descriptor) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| !is_unwanted(&entry.descriptor));
        before - self.entries.len()
    }

    /// Returns the text with the entries as they are now.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let entries: Vec<&RawValue> = self.entries.iter().map(|entry| &*entry.text).collect();
        let entries = to_raw_value(&entries)?;
        let mut fields = Vec::new();
        for (name, value) in &self.fields.0 {
            let value = match name == MANIFESTS {
                true => entries.clone(),
                false => value.clone(),
            };
            fields.push((name.clone(), value));
        }
        if !fields.iter().any(|(name, _)| name == MANIFESTS) {
            fields.push((MANIFESTS.to_owned(), entries));
        }
        serde_json::to_vec(&Fields(fields))
    }
}

/// Returns the tag of an entry.
pub(super) fn name_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

/// Returns the entry of a tag or digest; without one `latest`, else the only one.
/// `place` is what holds the entries.
pub(super) fn find(
    entries: &[Descriptor],
    wanted: Option<&str>,
    place: &str,
) -> Result<Descriptor> {
    let digest = wanted.and_then(|text| text.parse::<Digest>().ok());
    let matching = |name: &str| -> Vec<&Descriptor> {
        let has_name = |entry: &&Descriptor| match &digest {
            Some(digest) => entry.digest == *digest,
            None => name_of(entry) == Some(name),
        };
        entries.iter().filter(has_name).collect()
    };
    let mut found = matching(wanted.unwrap_or("latest"));
    if found.is_empty() && wanted.is_none() {
        found = entries.iter().collect();
    }
    let Some(first) = found.first() else {
        let what = match wanted {
            Some(wanted) => format!("{place} has no `{}`", shorten(wanted)),
            None => format!("{place} has no image"),
        };
        let hint = match named(entries.iter()) {
            names if names.is_empty() => "copy an image into it first".to_owned(),
            names => format!("it has {names}"),
        };
        return Err(Error::NotFound { what, hint });
    };
    if found.iter().all(|entry| entry.digest == first.digest) {
        return Ok((*first).clone());
    }
    let names = match wanted {
        // They have the same name, so their digests tell them apart.
        Some(_) => quoted(found.iter().map(|entry| entry.digest.to_string())),
        None => named(found.iter().copied()),
    };
    Err(Error::invalid(match wanted {
        Some(wanted) => format!(
            "{place} has several `{}`: name one of {names}",
            shorten(wanted)
        ),
        None => format!("{place} has several images: name one of {names}"),
    }))
}

fn named<'a>(entries: impl Iterator<Item = &'a Descriptor>) -> String {
    quoted(entries.map(|entry| match name_of(entry) {
        Some(name) => shorten(name),
        None => entry.digest.to_string(),
    }))
}

/// Returns names for a message, the first of them where they are many.
pub(super) fn quoted(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    let unlisted = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    let mut text = names.join(", ");
    if unlisted > 0 {
        text.push_str(&format!(" and {unlisted} more"));
    }
    text
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Fields, A::Error> {
                let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    // Two readers could take two different ones of them.
                    if name == MANIFESTS && fields.iter().any(|(other, _)| *other == name) {
                        return Err(serde::de::Error::custom("it has `manifests` twice"));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
