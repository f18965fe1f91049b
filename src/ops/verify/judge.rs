//! What an answer means for a reference, and what that means for its image. Pure.

use serde::{Deserialize, Serialize};

use super::ask::{Answer, Fault};
use crate::domain::sighting::Sighting;
use crate::registry::Reason;

/// How it stands with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    #[serde(rename = "ready")]
    Ready,
    /// It is there, and its tag points elsewhere than the last time.
    #[serde(rename = "moved")]
    Moved,
    #[serde(rename = "missing")]
    Missing,
    #[serde(rename = "wrong platform")]
    WrongPlatform,
    #[serde(rename = "denied")]
    Denied,
    #[serde(rename = "unreachable")]
    Unreachable,
    /// What was answered breaks the protocol, or is not what was asked for.
    #[serde(rename = "invalid")]
    Invalid,
    /// It was not asked for.
    #[serde(rename = "skipped")]
    Skipped,
}

impl Status {
    /// All of them, in the order in which they are counted up.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Moved,
        Self::Missing,
        Self::WrongPlatform,
        Self::Denied,
        Self::Unreachable,
        Self::Invalid,
        Self::Skipped,
    ];

    /// Returns the word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Moved => "moved",
            Self::Missing => "missing",
            Self::WrongPlatform => "wrong platform",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether people need not be told of it.
    #[must_use]
    pub fn is_quiet(self) -> bool {
        matches!(self, Self::Ready | Self::Skipped)
    }

    /// Returns how grave it is: 13 comes before 5, 6 and 7, as exit codes.
    #[must_use]
    pub fn gravity(self) -> u8 {
        match self {
            Self::Missing | Self::WrongPlatform => 4,
            Self::Denied => 3,
            Self::Unreachable => 2,
            Self::Invalid => 1,
            Self::Ready | Self::Moved | Self::Skipped => 0,
        }
    }

    /// Returns whether what was asked for can be had.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Ready | Self::Moved)
    }
}

/// What was found of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub status: Status,
    /// What the catalog keeps.
    pub seen: Sighting,
    /// What is wrong, or worth knowing.
    pub problem: Option<String>,
}

/// Returns what an answer means for a reference of which `before` was known.
pub fn judge(before: &Sighting, answer: &Answer<'_>, wanted: Option<&str>, now: &str) -> Verdict {
    let (head, details) = match answer {
        Answer::Fault(fault) => return faulty(before, fault, now),
        Answer::There { head, details } => (head, details),
    };
    let digest = head.digest.to_string();
    let mut seen = Sighting {
        digest: Some(digest.clone()),
        media_type: Some(head.media_type.clone()),
        seen_at: Some(now.to_owned()),
        scan: before.scan_of(&digest),
        ..Sighting::default()
    };
    let is_same = before.digest.as_ref() == Some(&digest);
    if let Some(details) = details {
        seen.size = details.size;
        seen.platforms.clone_from(&details.platforms);
        seen.labels.clone_from(&details.labels);
    } else if is_same {
        seen.size = before.size;
        seen.platforms.clone_from(&before.platforms);
        seen.labels.clone_from(&before.labels);
    }
    let is_described = details.is_some() || !seen.platforms.is_empty();
    let (status, problem) = match (wanted, &before.digest) {
        (Some(wanted), _) if is_described && !has_platform(&seen.platforms, wanted) => {
            let has = match seen.platforms.is_empty() {
                true => "no platform".to_owned(),
                false => seen.platforms.join(", "),
            };
            let problem = format!("it has {has}, and not {wanted}");
            (Status::WrongPlatform, Some(problem))
        }
        (_, Some(last)) if !is_same => {
            let problem = format!("from `{last}` to `{digest}`");
            (Status::Moved, Some(problem))
        }
        _ => (Status::Ready, None),
    };
    seen.problem = told(status, problem.as_deref());
    Verdict {
        status,
        seen,
        problem,
    }
}

/// What is known of a reference stays, but for what is wrong. When it was seen
/// changes only where its registry said something of it.
fn faulty(before: &Sighting, fault: &Fault, now: &str) -> Verdict {
    let status = match fault.reason {
        Reason::NotFound => Status::Missing,
        Reason::Denied => Status::Denied,
        Reason::Violation => Status::Invalid,
        Reason::Policy => Status::Denied,
        Reason::Unavailable
        | Reason::Unsupported
        | Reason::Settings
        | Reason::Invalid
        | Reason::Conflict => Status::Unreachable,
    };
    let mut seen = before.clone();
    seen.problem = told(status, Some(&fault.cause));
    if status == Status::Missing {
        seen.seen_at = Some(now.to_owned());
    }
    Verdict {
        status,
        seen,
        problem: Some(fault.cause.clone()),
    }
}

/// Returns what is wrong as the catalog keeps it, with its status.
fn told(status: Status, problem: Option<&str>) -> Option<String> {
    problem.map(|problem| format!("{}: {problem}", status.name()))
}

/// Returns whether an image can be pulled and run, by its references; `was_in_order`
/// says of one that was skipped whether it was so the last time.
pub fn readiness(before: Option<bool>, statuses: &[(Status, bool)]) -> Option<bool> {
    let is_bad = |status| matches!(status, Status::Missing | Status::WrongPlatform);
    if statuses
        .iter()
        .all(|(status, _)| *status == Status::Skipped)
    {
        return before;
    }
    if statuses.iter().any(|(status, _)| is_bad(*status)) {
        return Some(false);
    }
    let is_known = |(status, was_in_order): &(Status, bool)| {
        status.is_good() || (*status == Status::Skipped && *was_in_order)
    };
    if statuses.iter().all(is_known) {
        Some(true)
    } else {
        before
    }
}

/// Returns whether one of an image's platforms is the one that is wanted; without a
/// variant, any of them will do.
fn has_platform(platforms: &[String], wanted: &str) -> bool {
    platforms.iter().any(|platform| {
        let rest = platform.strip_prefix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Returns whether a text is `os/arch` or `os/arch/variant`.
#[must_use]
pub fn is_platform(text: &str) -> bool {
    let mut parts = 0;
    text.split('/').all(|part| {
        parts += 1;
        !part.is_empty() && !part.contains(char::is_whitespace)
    }) && (2..=3).contains(&parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::ask::Details;
    use super::*;
    use crate::domain::manifest::OCI_MANIFEST;
    use crate::registry::Head;

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn known(digit: &str, platforms: &[&str]) -> Sighting {
        Sighting {
            digest: Some(digest(digit)),
            size: Some(7),
            platforms: platforms.iter().map(|&text| text.to_owned()).collect(),
            seen_at: Some("2025-01-01T00:00:00Z".to_owned()),
            ..Sighting::default()
        }
    }

    fn found(digit: &str, details: Option<Details>, before: &Sighting, wanted: &str) -> Verdict {
        let head = Head {
            media_type: OCI_MANIFEST.to_owned(),
            digest: digest(digit).parse().expect("a digest"),
            size: None,
        };
        let answer = Answer::There {
            head: &head,
            details: details.as_ref(),
        };
        let wanted = (!wanted.is_empty()).then_some(wanted);
        judge(before, &answer, wanted, "2026-01-01T00:00:00Z")
    }

    #[test]
    fn what_is_there_is_ready_or_moved_or_of_another_platform() {
        let details = |platforms: &[&str]| {
            Some(Details {
                size: Some(9),
                platforms: platforms.iter().map(|&text| text.to_owned()).collect(),
                labels: BTreeMap::new(),
            })
        };
        let check = |digit: &str, platforms: Option<&[&str]>, wanted: &str, expected: Status| {
            let before = known("a", &["linux/arm64"]);
            let verdict = found(digit, platforms.and_then(details), &before, wanted);
            assert_eq!(verdict.status, expected, "{digit} {platforms:?} {wanted}");
            assert_eq!(verdict.seen.problem.is_some(), expected != Status::Ready);
            assert_eq!(verdict.seen.digest, Some(digest(digit)));
            assert_eq!(
                verdict.seen.seen_at.as_deref(),
                Some("2026-01-01T00:00:00Z")
            );
            verdict
        };
        let same = check("a", None, "", Status::Ready);
        assert_eq!(same.seen.size, Some(7), "what is known is not forgotten");
        let moved = check("b", Some(&["linux/amd64"]), "", Status::Moved);
        assert_eq!(moved.seen.size, Some(9));
        let shallow = check("b", None, "linux/amd64", Status::Moved);
        assert_eq!(shallow.seen.size, None, "that of another digest is not");
        check("a", None, "linux/arm64", Status::Ready);
        let wrong = check("a", None, "linux/amd64", Status::WrongPlatform);
        assert_eq!(
            wrong.seen.problem.as_deref(),
            Some("wrong platform: it has linux/arm64, and not linux/amd64")
        );
        check("b", Some(&[]), "linux/amd64", Status::WrongPlatform);
        check("b", Some(&["linux/arm/v7"]), "linux/arm", Status::Moved);
        check(
            "b",
            Some(&["linux/arm/v7"]),
            "linux/arm/v6",
            Status::WrongPlatform,
        );
        check(
            "b",
            Some(&["linux/arm64"]),
            "linux/arm",
            Status::WrongPlatform,
        );
        let first = found("b", None, &Sighting::default(), "");
        assert_eq!(first.status, Status::Ready, "there is nothing to move from");
    }

    #[test]
    fn a_fault_takes_nothing_from_what_is_known() {
        for (reason, expected) in [
            (Reason::NotFound, Status::Missing),
            (Reason::Denied, Status::Denied),
            (Reason::Unavailable, Status::Unreachable),
            (Reason::Violation, Status::Invalid),
        ] {
            let fault = Fault {
                reason,
                cause: "why".to_owned(),
            };
            let before = known("a", &["linux/arm64"]);
            let verdict = judge(&before, &Answer::Fault(&fault), None, "now");
            assert_eq!(verdict.status, expected);
            assert_eq!(verdict.seen.digest, before.digest);
            let problem = format!("{}: why", expected.name());
            assert_eq!(verdict.seen.problem, Some(problem));
            let was_told = verdict.seen.seen_at != before.seen_at;
            assert_eq!(was_told, expected == Status::Missing);
        }
    }

    #[test]
    fn an_image_is_ready_only_if_both_references_are() {
        use Status as S;
        let check = |before, statuses: &[(S, bool)], expected: Option<bool>| {
            assert_eq!(readiness(before, statuses), expected, "{statuses:?}");
        };
        check(None, &[(S::Ready, true)], Some(true));
        check(None, &[(S::Ready, true), (S::Moved, false)], Some(true));
        check(
            Some(true),
            &[(S::Ready, true), (S::Missing, false)],
            Some(false),
        );
        check(Some(true), &[(S::WrongPlatform, false)], Some(false));
        for status in [S::Denied, S::Unreachable, S::Invalid] {
            for before in [None, Some(true), Some(false)] {
                check(before, &[(S::Ready, true), (status, false)], before);
            }
        }
        check(
            Some(true),
            &[(S::Missing, false), (S::Denied, false)],
            Some(false),
        );
        check(
            Some(false),
            &[(S::Skipped, true), (S::Ready, true)],
            Some(true),
        );
        check(
            Some(false),
            &[(S::Skipped, false), (S::Ready, true)],
            Some(false),
        );
        check(Some(false), &[(S::Skipped, true)], Some(false));
        check(Some(false), &[], Some(false));
    }

    #[test]
    fn a_platform_has_two_or_three_parts() {
        for (text, expected) in [
            ("linux/amd64", true),
            ("linux/arm/v7", true),
            ("linux", false),
            ("linux/", false),
            ("a/b/c/d", false),
            ("linux/a b", false),
            ("", false),
        ] {
            assert_eq!(is_platform(text), expected, "{text}");
        }
    }
}
