//! Scans for vulnerabilities, and what they found.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::artifacts::artifact_path;
use super::{Call, Harbor};
use crate::domain::harbor::Vulnerabilities;
use crate::registry::error::{Error, Reason, Result};
use crate::registry::pages::LARGEST;

/// The reports that are understood; the newest first.
const REPORTS: &str = "application/vnd.security.vulnerability.report; version=1.1, \
                       application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";

impl Harbor<'_> {
    /// Asks for a scan of an artifact.
    ///
    /// # Errors
    /// Where it is not there, cannot be scanned, or whoever asks may not.
    pub async fn scan(&self, project: &str, repository: &str, identifier: &str) -> Result<()> {
        let attempt = format!("cannot scan `{project}/{repository}` `{identifier}`");
        let path = format!("{}/scan", artifact_path(project, repository, identifier));
        let what = format!("`{project}/{repository}` with `{identifier}`");
        let call = Call {
            needs: "the role Maintainer or Project Admin, or a robot that may scan",
            what: &what,
            ..Call::new(&Method::POST, &path, &attempt)
        };
        let body = json!({ "scan_type": "vulnerability" });
        let answer = self.answer(call, Some(&body)).await?;
        match answer.status.as_u16() {
            // It is being scanned already.
            409 => Ok(()),
            412 => Err(Error::new(Reason::Unsupported, &attempt)
                .because(format!(
                    "no scanner of `{}` can be used for it",
                    self.registry
                ))
                .said_by("Harbor", answer.told().as_deref())
                .hint("an administrator of Harbor sets one up, or makes it active again")),
            _ if answer.status.is_success() => Ok(()),
            _ => {
                let error = self.failed(&answer, call);
                // What Harbor says itself went through whatever is in front of it.
                let error = match answer.words {
                    Some(_) => error,
                    None => self.nested(error, repository),
                };
                Err(match (error.reason, &error.hint) {
                    (Reason::Invalid, None) => error.hint(
                        "not every artifact can be scanned: charts, signatures and other files \
                         cannot",
                    ),
                    _ => error,
                })
            }
        }
    }

    /// Returns what the last scan of an artifact found; nothing where there was none.
    ///
    /// # Errors
    /// Where it is not there, or cannot be asked for.
    pub async fn vulnerabilities(
        &self,
        project: &str,
        repository: &str,
        identifier: &str,
    ) -> Result<Option<Vulnerabilities>> {
        let attempt =
            format!("cannot read the vulnerabilities of `{project}/{repository}` `{identifier}`");
        let path = format!(
            "{}/additions/vulnerabilities",
            artifact_path(project, repository, identifier)
        );
        let what = format!("`{project}/{repository}` with `{identifier}`");
        let call = Call {
            extra: Some(("X-Accept-Vulnerabilities", REPORTS)),
            limit: LARGEST,
            what: &what,
            ..Call::get(&path, &attempt)
        };
        // By the media type of the report; `{}` before the first scan.
        let reports: BTreeMap<String, Option<Vulnerabilities>> = self
            .value(call)
            .await
            .map_err(|error| self.nested(error, repository))?;
        Ok(reports.into_values().flatten().next())
    }
}
