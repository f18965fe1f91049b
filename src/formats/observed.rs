//! What was last seen of an image's references, as the catalog's own JSON has it.

use super::decode::{Decoder, last_word};
use super::document::Node;
use crate::domain::image::{ImageConfig, Seen};
use crate::domain::name::shorten;
use crate::domain::scanned::Scanned;
use crate::domain::sighting::Sighting;

/// The fields of what was last seen of an image's references.
pub(super) const OBSERVED: [&str; 9] = [
    "isReady",
    "digest",
    "digestForGpu",
    "platforms",
    "size",
    "verifiedAt",
    "problem",
    "vulnerabilities",
    "vulnerabilitiesForGpu",
];

/// What an object says of it, field by field.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) is_ready: Option<bool>,
    digest_for_gpu: Option<String>,
    leading: Sighting,
    scan: Option<Scanned>,
    scan_for_gpu: Option<Scanned>,
}

impl Observed {
    /// Takes over one of these fields.
    pub(super) fn take(&mut self, decoder: &mut Decoder, field: &str, node: &Node) {
        let leading = &mut self.leading;
        match field {
            "isReady" => self.is_ready = decoder.flag(field, node),
            "digest" => leading.digest = digest_of(decoder, field, node),
            "digestForGpu" => self.digest_for_gpu = digest_of(decoder, field, node),
            "platforms" => leading.platforms = decoder.words(field, node),
            "size" => leading.size = decoder.number(field, node),
            "verifiedAt" => leading.seen_at = time_of(decoder, field, node),
            "vulnerabilities" => self.scan = scan_of(decoder, field, node),
            "vulnerabilitiesForGpu" => self.scan_for_gpu = scan_of(decoder, field, node),
            _ => leading.problem = decoder.text(field, node),
        }
    }

    /// Returns what was seen, filed under the reference that it tells of: that
    /// for GPUs where it has the only digest, or is the only reference.
    pub(super) fn seen(self, config: &ImageConfig) -> Seen {
        let mut seen = Seen::default();
        let only_gpu = self.leading.digest.is_none()
            && (self.digest_for_gpu.is_some()
                || (config.url.is_none() && config.url_for_gpu.is_some()));
        if only_gpu {
            seen.url_for_gpu = self.leading;
        } else {
            seen.url = self.leading;
        }
        seen.url_for_gpu.digest = self.digest_for_gpu;
        for (scan, text, seen) in [
            (self.scan, &config.url, &mut seen.url),
            (
                self.scan_for_gpu,
                &config.url_for_gpu,
                &mut seen.url_for_gpu,
            ),
        ] {
            seen.scan = scan.filter(|_| text.is_some());
            seen.forget_other_scan();
        }
        seen
    }
}

fn scan_of(decoder: &mut Decoder, path: &str, node: &Node) -> Option<Scanned> {
    if node.is_null() {
        return None;
    }
    let mut scan = Scanned::default();
    let number = |decoder: &mut Decoder, field: &str, node: &Node| {
        let number = node
            .as_u64()
            .filter(|number| i64::try_from(*number).is_ok());
        if number.is_none() {
            let message = format!("{} should be a whole number from 0", last_word(field));
            decoder.push(node.fault(field, message));
        }
        number.unwrap_or_default()
    };
    for entry in decoder.object(path, node) {
        let (field, node) = (format!("{path}.{}", entry.key), &entry.node);
        let mut text = || decoder.text(&field, node).unwrap_or_default();
        match entry.key.as_str() {
            "digest" => scan.digest = digest_of(decoder, &field, node).unwrap_or_default(),
            "status" => scan.status = text(),
            "severity" => scan.severity = text(),
            "total" => scan.total = number(decoder, &field, node),
            "fixable" => scan.fixable = number(decoder, &field, node),
            "counts" => {
                for entry in decoder.object(&field, node) {
                    let field = format!("{field}.{}", shorten(&entry.key));
                    let count = number(decoder, &field, &entry.node);
                    scan.counts.insert(entry.key.clone(), count);
                }
            }
            "scanner" => scan.scanner = decoder.text(&field, node),
            "finishedAt" => scan.finished_at = decoder.text(&field, node),
            // Nothing that anybody says of an image: a later program may tell more.
            _ => {}
        }
    }
    // What tells not of which digest it is tells nothing.
    Some(scan).filter(|scan| !scan.digest.is_empty())
}

fn time_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    let text = decoder.text(field, node)?;
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Some(text);
    }
    let message = format!(
        "{field} should be a time such as `2025-10-31T12:00:00Z` (RFC 3339), but is `{}`",
        shorten(&text)
    );
    decoder.push(node.fault(field, message));
    None
}

fn digest_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    let text = decoder.text(field, node)?;
    match text.parse::<crate::domain::reference::Digest>() {
        Ok(_) => Some(text),
        Err(error) => {
            decoder.push(node.fault(field, error.to_string()));
            None
        }
    }
}
