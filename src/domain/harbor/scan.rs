//! What scanners find.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::lenient;
use crate::domain::name::shorten;
use crate::domain::scanned::words;

/// How grave a vulnerability is; the gravest is the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    #[default]
    None,
    Unknown,
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Unknown,
        Self::Negligible,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// Returns its name, as Harbor writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Unknown => "Unknown",
            Self::Negligible => "Negligible",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// Returns the severity that a server writes; what nobody knows is unknown.
    #[must_use]
    pub fn told(text: &str) -> Self {
        text.parse().unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            "it is none of low, medium, high, critical, negligible, unknown".to_owned()
        })
    }
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStatus {
    /// It was never asked for.
    NotScanned,
    Pending,
    Running,
    Success,
    Error,
    Stopped,
}

/// The summary of a scan.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ScanSummary {
    #[serde(deserialize_with = "lenient")]
    pub report_id: String,
    #[serde(deserialize_with = "lenient")]
    pub scan_status: String,
    #[serde(deserialize_with = "lenient")]
    pub severity: String,
    pub summary: Option<Counts>,
    #[serde(deserialize_with = "lenient")]
    pub start_time: String,
    #[serde(deserialize_with = "lenient")]
    pub end_time: String,
    /// How much of an index is done; older servers do not tell.
    pub complete_percent: Option<u64>,
    pub scanner: Option<Scanner>,
}

/// Who scans.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Scanner {
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub version: String,
}

/// How many vulnerabilities there are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Counts {
    #[serde(deserialize_with = "lenient")]
    pub total: u64,
    #[serde(deserialize_with = "lenient")]
    pub fixable: u64,
    /// By severity.
    #[serde(deserialize_with = "lenient")]
    pub summary: BTreeMap<String, u64>,
}

impl ScanSummary {
    /// Returns whether it tells the success of some images of an index only: Harbor says
    /// so of the whole as soon as one of them ended well, and none runs.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.scan_status == "Success" && self.complete_percent.is_some_and(|done| done < 100)
    }

    #[must_use]
    pub fn status(&self) -> ScanStatus {
        match self.scan_status.as_str() {
            "" => ScanStatus::NotScanned,
            "Running" => ScanStatus::Running,
            "Success" if self.is_partial() => ScanStatus::Running,
            "Success" => ScanStatus::Success,
            "Error" => ScanStatus::Error,
            "Stopped" => ScanStatus::Stopped,
            // `Scheduled`, and what later versions may say before it runs.
            _ => ScanStatus::Pending,
        }
    }

    /// Returns the name of the scanner, for messages.
    #[must_use]
    pub fn scanner_name(&self) -> String {
        let name = self.scanner.as_ref().map(|scanner| scanner.name.as_str());
        match name.filter(|name| !name.is_empty()) {
            Some(name) => shorten(name),
            None => "the scanner".to_owned(),
        }
    }

    /// Returns the gravest severity that was found.
    #[must_use]
    pub fn worst(&self) -> Severity {
        let counts = self.summary.iter().flat_map(|counts| &counts.summary);
        let found = counts.filter(|(_, count)| **count > 0);
        let worst = found.map(|(severity, _)| Severity::told(severity)).max();
        let said = match self.severity.as_str() {
            "" => Severity::None,
            text => Severity::told(text),
        };
        worst.map_or(said, |worst| worst.max(said))
    }

    /// Returns it in few words, such as `2 Critical, 5 High` or `Running`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.is_partial() {
            return format!("{} % scanned", self.complete_percent.unwrap_or_default());
        }
        if self.status() != ScanStatus::Success {
            return self.scan_status.clone();
        }
        let counts = self.summary.clone().unwrap_or_default();
        words(&counts.summary, counts.total)
    }
}

/// The vulnerabilities of an artifact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerabilities {
    #[serde(deserialize_with = "lenient")]
    pub generated_at: String,
    #[serde(deserialize_with = "lenient")]
    pub severity: String,
    pub scanner: Option<Scanner>,
    #[serde(deserialize_with = "lenient")]
    pub vulnerabilities: Vec<Vulnerability>,
}

/// One vulnerability in one package.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient")]
    pub id: String,
    #[serde(deserialize_with = "lenient")]
    pub package: String,
    #[serde(deserialize_with = "lenient")]
    pub version: String,
    /// Empty where nobody mended it.
    #[serde(deserialize_with = "lenient")]
    pub fix_version: String,
    #[serde(deserialize_with = "lenient")]
    pub severity: String,
    #[serde(deserialize_with = "lenient")]
    pub description: String,
    #[serde(deserialize_with = "lenient")]
    pub links: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_is_the_last() {
        assert!(Severity::Critical > Severity::High && Severity::Negligible < Severity::Low);
        assert_eq!("HIGH".parse(), Ok(Severity::High));
        assert!("grave".parse::<Severity>().is_err());
    }

    #[test]
    fn a_summary_says_what_was_found() {
        let text = r#"{"scan_status":"Success","severity":"High","summary":{"total":7,"fixable":1,
            "summary":{"High":2,"Low":5,"Critical":0}}}"#;
        let summary: ScanSummary = serde_json::from_str(text).expect("a summary");
        assert_eq!(summary.words(), "2 High, 5 Low");
        assert_eq!(summary.worst(), Severity::High);
        let text = r#"{"scan_status":"Scheduled","summary":null}"#;
        let summary: ScanSummary = serde_json::from_str(text).expect("a summary");
        assert_eq!(summary.status(), ScanStatus::Pending);
        assert_eq!(summary.words(), "Scheduled");
    }

    #[test]
    fn a_success_of_some_images_is_none() {
        for (percent, status, words) in [
            ("50", ScanStatus::Running, "50 % scanned"),
            ("0", ScanStatus::Running, "0 % scanned"),
            ("100", ScanStatus::Success, "none found"),
            ("null", ScanStatus::Success, "none found"),
        ] {
            let text = format!(r#"{{"scan_status":"Success","complete_percent":{percent}}}"#);
            let summary: ScanSummary = serde_json::from_str(&text).expect("a summary");
            assert_eq!(
                (summary.status(), summary.words().as_str()),
                (status, words)
            );
        }
        let summary: ScanSummary =
            serde_json::from_str(r#"{"scan_status":"Success"}"#).expect("one");
        assert_eq!(
            summary.status(),
            ScanStatus::Success,
            "older servers do not tell"
        );
    }
}
