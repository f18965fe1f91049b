//! The fields of what was copied.

use std::borrow::Cow;

use crate::ops::transfer::Copied;
use crate::output::records::Record;

impl Record for Copied {
    const COLUMNS: &'static [&'static str] = &[
        "source",
        "target",
        "digest",
        "mediaType",
        "manifests",
        "blobs",
        "referrers",
        "foreignLayers",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let blobs = &self.blobs;
        let said = [
            (blobs.sent, "sent"),
            (blobs.mounted, "mounted"),
            (blobs.present, "there already"),
        ];
        let mut words: Vec<String> = said
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if blobs.sent > 0 {
            words[0].push_str(&format!(" ({} bytes)", blobs.sent_bytes));
        }
        if words.is_empty() {
            words.push("none needed".to_owned());
        }
        vec![
            Cow::Borrowed(&self.source),
            Cow::Borrowed(&self.target),
            Cow::Borrowed(&self.digest),
            Cow::Borrowed(&self.media_type),
            Cow::Owned(self.manifests.to_string()),
            Cow::Owned(words.join(", ")),
            Cow::Owned(self.referrers.to_string()),
            Cow::Owned(self.foreign_layers.join("\n")),
        ]
    }

    fn label(&self) -> &str {
        &self.digest
    }
}
