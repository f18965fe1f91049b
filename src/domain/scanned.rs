//! What the last scan of an image found, in numbers: what the catalog keeps of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::harbor::{ScanSummary, Severity, known_time};
use super::json_text::ObjectWriter;
use super::name::shorten;

/// What the last scan of a digest found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scanned {
    /// Of what was scanned: what is said of it is said of nothing else.
    pub digest: String,
    /// As Harbor has it: `Success`.
    pub status: String,
    /// The gravest.
    pub severity: String,
    pub total: u64,
    pub fixable: u64,
    /// By severity.
    pub counts: BTreeMap<String, u64>,
    pub scanner: Option<String>,
    /// RFC 3339, as the server says it.
    pub finished_at: Option<String>,
}

impl Scanned {
    /// Returns what a summary tells of a digest.
    #[must_use]
    pub fn of(digest: &str, summary: &ScanSummary) -> Self {
        let told = summary.summary.clone().unwrap_or_default();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (severity, count) in told.summary.iter().filter(|(_, count)| **count > 0) {
            let name = Severity::told(severity).name().to_owned();
            let sum = counts.entry(name).or_default();
            *sum = sum.saturating_add(*count).min(MOST);
        }
        let scanner = summary.scanner.as_ref();
        let scanner =
            scanner.map(|scanner| shorten(&format!("{} {}", scanner.name, scanner.version)));
        let finished = known_time(&summary.end_time);
        Self {
            digest: digest.to_owned(),
            status: shorten(&summary.scan_status),
            severity: summary.worst().to_string(),
            total: told.total.min(MOST),
            fixable: told.fixable.min(MOST),
            counts,
            scanner: scanner
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty()),
            finished_at: finished.map(shorten),
        }
    }

    /// Returns it in few words, such as `2 Critical, 5 High`.
    #[must_use]
    pub fn words(&self) -> String {
        words(&self.counts, self.total)
    }

    /// Returns it as JSON, in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.text("digest", &self.digest);
        object.text("status", &self.status);
        object.text("severity", &self.severity);
        object.raw("total", &self.total.to_string());
        object.raw("fixable", &self.fixable.to_string());
        object.object("counts", |counts| {
            let numbers = self.counts.iter();
            let numbers: Vec<(String, String)> = numbers
                .map(|(severity, count)| (severity.clone(), count.to_string()))
                .collect();
            counts.kept(&numbers);
        });
        if let Some(scanner) = &self.scanner {
            object.text("scanner", scanner);
        }
        if let Some(time) = &self.finished_at {
            object.text("finishedAt", time);
        }
        object.end();
        // Only whole strings and ASCII are written.
        String::from_utf8(out).unwrap_or_default()
    }
}

/// The most that a number is believed to be, which every reader of JSON can hold.
const MOST: u64 = 1_000_000_000;

/// Returns numbers of vulnerabilities in few words, the gravest first.
#[must_use]
pub fn words(counts: &BTreeMap<String, u64>, total: u64) -> String {
    let mut found: Vec<(Severity, u64)> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(severity, count)| (Severity::told(severity), *count))
        .collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    if found.is_empty() {
        return match total {
            0 => "none found".to_owned(),
            total => format!("{total} found"),
        };
    }
    let words = found
        .iter()
        .map(|(severity, count)| format!("{count} {severity}"));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_kept_in_words_that_are_known_and_comes_back() {
        let text = r#"{"scan_status":"Success","severity":"High","end_time":"2026-01-01T00:00:00Z",
            "scanner":{"name":"Trivy","version":"v0.65.0"},"summary":{"total":9,"fixable":1,
            "summary":{"High":2,"Low":5,"Critical":0,"\u001b[31m":1,"odd":1}}}"#;
        let summary: ScanSummary = serde_json::from_str(text).expect("a summary");
        let scanned = Scanned::of("sha256:aa", &summary);
        assert_eq!(scanned.words(), "2 High, 5 Low, 2 Unknown");
        assert_eq!(scanned.scanner.as_deref(), Some("Trivy v0.65.0"));
        let back: Scanned = serde_json::from_str(&scanned.to_json()).expect("it can be read");
        assert_eq!(back, scanned);
        let empty = Scanned::of("sha256:aa", &ScanSummary::default());
        assert_eq!(empty.words(), "none found");
        assert_eq!((empty.scanner, empty.finished_at), (None, None));
    }
}
