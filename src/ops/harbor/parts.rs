//! The images of an index, each with a scan of its own: what Harbor tells of the index is
//! those merged, where the success of one hides what the others are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::AT_ONCE;
use crate::domain::harbor::{Artifact, ScanStatus, ScanSummary, Severity};
use crate::ops::{Error, Result};
use crate::registry::{Harbor, Reason, at_most};

/// More images than any index has.
const MOST: usize = 100;

/// What is known of the images of an index.
#[derive(Debug, Default)]
pub struct Parts {
    /// Those whose scan ended well, by digest, with the gravest that each found.
    good: BTreeMap<String, Severity>,
    /// Whether all ended well when what was merged did not say so yet.
    were_all_good: bool,
}

impl Parts {
    /// Returns what a scan that is told to have ended well found; for an index, each of
    /// its images must have. Else, how it is.
    ///
    /// # Errors
    /// Where the scan of an image failed or was stopped, or there are too many to look at.
    pub async fn look(
        &mut self,
        harbor: &Harbor<'_>,
        (project, repository): (&str, &str),
        artifact: &Artifact,
        merged: &ScanSummary,
    ) -> Result<std::result::Result<ScanSummary, String>> {
        let parts = artifact.parts();
        let place = format!("{}/{project}/{repository}", harbor.registry());
        if parts.len() > MOST {
            return Err(Error::Violation {
                what: format!(
                    "`{place}@{}` lists {} images, of which at most {MOST} are looked at",
                    artifact.digest,
                    parts.len()
                ),
                hint: "scan the images that matter by their own digests".to_owned(),
            });
        }
        let left = parts.iter();
        let left = left.filter(|(digest, _)| !self.good.contains_key(*digest));
        let told = RefCell::new(Vec::new());
        let each = left.map(|(digest, platform)| {
            let told = &told;
            async move {
                let found = harbor.artifact(project, repository, digest).await;
                told.borrow_mut().push((*digest, platform, found));
            }
        });
        at_most(AT_ONCE, each).await;
        let mut unfinished = None;
        let mut failed = None;
        for (digest, platform, found) in told.into_inner() {
            let scan = match found {
                Ok(part) => part.scan().cloned().unwrap_or_default(),
                // Lists leave parts out, which are all there is behind some proxies.
                Err(error) if error.reason == Reason::NotFound => ScanSummary::default(),
                Err(error) => return Err(error.into()),
            };
            match scan.status() {
                ScanStatus::Success => {
                    self.good.insert(digest.to_owned(), scan.worst());
                }
                // Some scanners look at an index as one thing, of which this is all.
                ScanStatus::NotScanned if merged.complete_percent == Some(100) => {}
                status => {
                    let shown = format!("{place}@{}", artifact.digest);
                    let error = ended(&shown, Some((platform, digest)), status, &scan);
                    // An error outweighs that another was stopped.
                    if failed.is_none() || status == ScanStatus::Error {
                        failed = error.or(failed);
                    }
                    let words = match scan.words() {
                        words if words.is_empty() => "not begun".to_owned(),
                        words => format!("`{words}`"),
                    };
                    unfinished = Some(format!("{words} for {platform}"));
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(how) = unfinished {
            self.were_all_good = false;
            return Ok(Err(how));
        }
        // What was merged may be older than what the last image says. Where it stays so,
        // what is missing is for no platform, such as an attestation.
        let is_settled = self.were_all_good && !parts.is_empty();
        if merged.is_partial() && !is_settled {
            self.were_all_good = true;
            return Ok(Err(format!("`{}`", merged.words())));
        }
        let worst = self
            .good
            .values()
            .copied()
            .fold(merged.worst(), Severity::max);
        Ok(Ok(ScanSummary {
            scan_status: "Success".to_owned(),
            severity: worst.name().to_owned(),
            // What is missing is nothing that counts.
            complete_percent: merged.complete_percent.map(|_| 100),
            ..merged.clone()
        }))
    }
}

/// Returns the images of an index that were scanned, by digest and platform.
pub async fn scanned(
    harbor: &Harbor<'_>,
    (project, repository): (&str, &str),
    artifact: &Artifact,
) -> Vec<(String, String)> {
    let found = RefCell::new(Vec::new());
    let parts = artifact.parts().into_iter().take(MOST).enumerate();
    let each = parts.map(|(place, (digest, platform))| {
        let found = &found;
        async move {
            // One that cannot be looked at is one of which nothing is known.
            let part = harbor.artifact(project, repository, digest).await;
            let scan = part.ok().and_then(|part| part.scan().cloned());
            if scan.is_some_and(|scan| scan.status() == ScanStatus::Success) {
                let row = (place, (digest.to_owned(), platform));
                found.borrow_mut().push(row);
            }
        }
    });
    at_most(AT_ONCE, each).await;
    let mut found = found.into_inner();
    found.sort();
    found.into_iter().map(|(_, part)| part).collect()
}

/// Returns the failure of a scan that did not end well, perhaps that of one image of an
/// index; nothing where it has not ended, or ended well.
pub fn ended(
    shown: &str,
    part: Option<(&str, &str)>,
    status: ScanStatus,
    scan: &ScanSummary,
) -> Option<Error> {
    let of_part = part.map_or_else(String::new, |(platform, digest)| {
        format!(" for {platform} (`{digest}`)")
    });
    match status {
        ScanStatus::Error => Some(Error::Tool {
            what: format!("the scan of `{shown}`{of_part} failed"),
            cause: format!(
                "{} ended with an error, which Harbor keeps in the log of the scan, on its page of \
                 the artifact; `imgdex harbor scan {shown} --wait` tries again",
                scan.scanner_name()
            ),
        }),
        ScanStatus::Stopped => Some(Error::Later {
            what: format!("the scan of `{shown}`{of_part} was stopped"),
            hint: format!("`imgdex harbor scan {shown} --wait` asks for it again"),
        }),
        _ => None,
    }
}
