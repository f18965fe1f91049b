//! `imgdex harbor vulnerabilities`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::scan::severity;
use super::server::Where;
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::{ScanStatus, Severity, Vulnerability, known_time};
use crate::domain::name::shorten;
use crate::domain::scanned::words;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::parts::scanned;
use crate::output::records::{Record, write_list};

/// List what the last scan of an image found, the gravest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor vulnerabilities apps/my_cool_app:4.2
  imgdex harbor vulnerabilities apps/my_cool_app:4.2 --severity high --fixable
  imgdex harbor vulnerabilities apps/my_cool_app:4.2 -o json")]
pub struct Vulnerabilities {
    #[arg(value_name = "REF")]
    reference: String,
    /// Only those of this severity or a graver one
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    /// Only those that a newer version of the package mends
    #[arg(long)]
    fixable: bool,
    #[command(flatten)]
    place: Where,
}

/// One vulnerability in one package.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    severity: &'static str,
    package: String,
    version: String,
    /// Unset where nobody mended it.
    fix_version: Option<String>,
    description: Option<String>,
    links: Vec<String>,
    #[serde(skip)]
    rank: Severity,
}

impl From<Vulnerability> for Row {
    fn from(found: Vulnerability) -> Self {
        let rank = Severity::told(&found.severity);
        let set = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            severity: rank.name(),
            rank,
            id: found.id,
            package: found.package,
            version: found.version,
            fix_version: set(found.fix_version),
            description: set(found.description),
            links: found.links,
        }
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] =
        &["id", "severity", "package", "version", "fixVersion"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.id),
            Cow::Borrowed(self.severity),
            Cow::Borrowed(&self.package),
            Cow::Borrowed(&self.version),
            Cow::Borrowed(self.fix_version.as_deref().unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        &self.id
    }
}

impl Vulnerabilities {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, place) = self.place.open_place(app, &self.reference)?;
        let mark = if place.digest.is_some() { '@' } else { ':' };
        let identifier = place.identifier();
        let host = &asked.server.registry;
        let shown = format!("{host}/{}{mark}{identifier}", place.path());
        let (report, scan, parts) = asked.ask(app, async |harbor| {
            let (project, repository) = (&place.project, &place.repository);
            let artifact = harbor.artifact(project, repository, &identifier).await?;
            // By digest: the tag may mean another one by now.
            let report = harbor
                .vulnerabilities(project, repository, &artifact.digest)
                .await?;
            // Where one image of an index was never scanned, Harbor tells nothing of all.
            let parts = match report {
                None => scanned(harbor, (project, repository), &artifact).await,
                Some(_) => Vec::new(),
            };
            let scan = artifact.scan().cloned().unwrap_or_default();
            Ok((report, scan, parts))
        })?;
        let Some(report) = report else {
            if parts.is_empty() {
                return Err(unknown(&shown, scan.status()));
            }
            let whole = format!("{host}/{}", place.path());
            return Err(in_parts(&shown, &whole, &parts));
        };
        let mut rows: Vec<Row> = report.vulnerabilities.into_iter().map(Row::from).collect();
        let all = rows.len();
        rows.retain(|row| self.severity.is_none_or(|least| row.rank >= least));
        rows.retain(|row| row.fix_version.is_some() || !self.fixable);
        rows.sort_by(|one, other| {
            let key = |row: &Row| (row.package.clone(), row.id.clone(), row.version.clone());
            (other.rank.cmp(&one.rank)).then_with(|| key(one).cmp(&key(other)))
        });
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        app.console.flush()?;
        let mut line = format!("{shown}: {}", summary(&rows));
        if rows.len() < all {
            line.push_str(&format!(" of the {all} that were found"));
        }
        if let Some(time) = known_time(&report.generated_at) {
            line.push_str(&format!("; scanned at {}", shorten(time)));
        }
        app.console.note(&line);
        if scan.is_partial() {
            app.console.warn(&format!(
                "warning: it is an index, and only {} % of its images are scanned: what the others \
                 have is not listed",
                scan.complete_percent.unwrap_or_default()
            ));
        } else if matches!(scan.status(), ScanStatus::Pending | ScanStatus::Running) {
            app.console
                .note("another scan of it runs: `imgdex harbor scan REF --wait` waits for it");
        }
        Ok(Status::Done)
    }
}

/// Returns the failure where an index has no report, but some of its images do.
fn in_parts(shown: &str, whole: &str, parts: &[(String, String)]) -> Error {
    let message = format!(
        "Harbor has no report of the whole of `{shown}`, an index, but of some of its images"
    );
    let error = parts.iter().fold(
        Error::new(Kind::NotFound, message),
        |error, (digest, platform)| {
            error.hint(format!(
                "for {platform}: `imgdex harbor vulnerabilities {whole}@{digest}`"
            ))
        },
    );
    error.hint(format!(
        "`imgdex harbor scan {shown} --wait` scans all of them"
    ))
}

/// Returns the failure where there is no report.
fn unknown(shown: &str, status: ScanStatus) -> Error {
    let (kind, message) = match status {
        ScanStatus::Pending | ScanStatus::Running => (
            Kind::NotFound,
            format!("`{shown}` is being scanned, and nothing is known yet"),
        ),
        ScanStatus::Error => (
            Kind::NotFound,
            format!("the last scan of `{shown}` failed, so nothing is known"),
        ),
        ScanStatus::Stopped => (
            Kind::NotFound,
            format!("the last scan of `{shown}` was stopped, so nothing is known"),
        ),
        ScanStatus::Success => (
            Kind::Violation,
            format!("Harbor has no report of `{shown}` that can be read, though it was scanned"),
        ),
        ScanStatus::NotScanned => (Kind::NotFound, format!("`{shown}` was never scanned")),
    };
    Error::new(kind, message).hint(format!("`imgdex harbor scan {shown} --wait`"))
}

fn summary(rows: &[Row]) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.severity.to_owned()).or_default() += 1;
    }
    let fixable = rows.iter().filter(|row| row.fix_version.is_some()).count();
    match rows.len() {
        0 => "none found".to_owned(),
        all => format!("{}, {fixable} fixable", words(&counts, all as u64)),
    }
}
