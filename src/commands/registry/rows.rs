//! The rows and fields of what registries answer.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::reference::Reference;
use crate::ops::registry::{Inspection, Referrer};
use crate::output::records::Record;
use crate::registry::Head;

#[derive(Debug, Serialize)]
pub(super) struct Tag {
    pub name: String,
}

impl Record for Tag {
    const COLUMNS: &'static [&'static str] = &["name"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![Cow::Borrowed(&self.name)]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

/// A repository.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub name: String,
    /// With the registry, as other commands take it.
    pub reference: String,
}

impl Record for Named {
    const COLUMNS: &'static [&'static str] = &["name", "reference"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![Cow::Borrowed(&self.name), Cow::Borrowed(&self.reference)]
    }

    fn label(&self) -> &str {
        &self.reference
    }
}

/// What a reference points to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pointed {
    reference: String,
    digest: String,
    media_type: String,
    /// Bytes of the manifest.
    size: Option<u64>,
}

impl Pointed {
    pub fn new(reference: &Reference, head: Head) -> Self {
        Self {
            reference: reference.to_string(),
            digest: head.digest.to_string(),
            media_type: head.media_type,
            size: head.size,
        }
    }
}

impl Record for Pointed {
    const COLUMNS: &'static [&'static str] = &["reference", "digest", "mediaType", "size"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.reference),
            Cow::Borrowed(&self.digest),
            Cow::Borrowed(&self.media_type),
            Cow::Owned(self.size.map(|size| size.to_string()).unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        &self.digest
    }
}

impl Record for Inspection {
    const COLUMNS: &'static [&'static str] = &[
        "reference",
        "digest",
        "mediaType",
        "artifactType",
        "size",
        "platform",
        "platforms",
        "created",
        "labels",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let pair = |(key, value): (&String, &String)| format!("{key}={value}");
        let labels: Vec<String> = self.labels.iter().map(pair).collect();
        let text = |text: &Option<String>| Cow::Owned(text.clone().unwrap_or_default());
        vec![
            Cow::Borrowed(&self.reference),
            Cow::Borrowed(&self.digest),
            Cow::Borrowed(&self.media_type),
            text(&self.artifact_type),
            Cow::Owned(self.size.to_string()),
            text(&self.platform),
            Cow::Owned(self.platforms.join(", ")),
            text(&self.created),
            Cow::Owned(labels.join("\n")),
        ]
    }

    fn label(&self) -> &str {
        &self.digest
    }
}

impl Record for Referrer {
    const COLUMNS: &'static [&'static str] = &["digest", "artifactType", "mediaType", "size"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.digest),
            Cow::Borrowed(self.artifact_type.as_deref().unwrap_or_default()),
            Cow::Borrowed(&self.media_type),
            Cow::Owned(self.size.to_string()),
        ]
    }

    fn label(&self) -> &str {
        &self.digest
    }
}
