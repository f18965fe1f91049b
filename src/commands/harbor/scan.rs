//! `imgdex harbor scan`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::server::{Asked, Where};
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::{ScanStatus, Severity};
use crate::domain::scanned::Scanned;
use crate::error::Result;
use crate::formats::config::duration_of;
use crate::ops::harbor::scan::{Timing, start, wait};
use crate::ops::harbor::scans::{Done, Outcome, Wanted, keep, scan_all, wanted_of};
use crate::output::progress::Progress;
use crate::output::records::{Record, write_list};

/// Ask Harbor to scan images for vulnerabilities, and perhaps wait for what is found
///
/// A scan that runs already is waited for; what an earlier one found is never taken for
/// the new one. What is found is kept with every image of the catalog that has the
/// reference (`imgdex images list -o wide`), until it is seen to be another digest.
///
/// The scan of an index ends where that of each of its images does.
///
/// Exit code 13 where `--fail-on` finds something, 3 where some of many could not be
/// scanned, 6 where a scan takes longer than `--timeout`; where none of these, but the
/// catalog cannot be written, what is found is printed, and the code is the catalog's.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor scan apps/my_cool_app:4.2
  imgdex harbor scan apps/my_cool_app:4.2 --wait
  imgdex harbor scan apps/my_cool_app:4.2 --fail-on high --timeout 30m
  imgdex harbor scan --all-catalog --wait -o json")]
pub struct Scan {
    /// `[HOST/]PROJECT/REPOSITORY[:TAG][@DIGEST]`, all on one server
    #[arg(value_name = "REF", required_unless_present = "all_catalog")]
    references: Vec<String>,
    /// Every image of the catalog that is on this server, but archived ones
    #[arg(long, conflicts_with = "references")]
    all_catalog: bool,
    /// Wait until the scans end
    #[arg(long)]
    wait: bool,
    /// Fail where something of this severity or a graver one is found; it waits, too
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    /// How long one scan is waited for, such as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    timeout: u64,
    #[command(flatten)]
    place: Where,
}

/// Reads a severity that something can have.
pub fn severity(text: &str) -> std::result::Result<Severity, String> {
    let rule = "write one of critical, high, medium, low, negligible, unknown";
    let severity = text.parse().map_err(|_| rule.to_owned())?;
    match severity {
        Severity::None => Err(rule.to_owned()),
        severity => Ok(severity),
    }
}

pub fn seconds(text: &str) -> std::result::Result<u64, String> {
    let seconds = duration_of(text).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "write a duration such as `90s`, `30m` or `2h`".to_owned())
}

/// What became of a scan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    reference: String,
    digest: Option<String>,
    /// `requested`, `Success` or `failed`.
    status: String,
    severity: Option<String>,
    total: Option<u64>,
    fixable: Option<u64>,
    /// By severity.
    counts: BTreeMap<String, u64>,
    scanner: Option<String>,
    finished_at: Option<String>,
    problem: Option<String>,
    /// The images of the catalog that have the reference.
    metadata: Vec<String>,
    #[serde(skip)]
    words: String,
}

impl Row {
    fn new(done: &Done, reference: String, metadata: Vec<String>) -> Self {
        let (status, problem) = match &done.outcome {
            Outcome::Requested(_) => ("requested".to_owned(), None),
            Outcome::Found(found) => (found.scan_status.clone(), None),
            Outcome::Failed(why) => ("failed".to_owned(), Some(why.clone())),
        };
        let found = found_of(done).filter(|_| matches!(done.outcome, Outcome::Found(_)));
        let words = found.as_ref().map(Scanned::words).unwrap_or_default();
        let number = |number: fn(&Scanned) -> u64| found.as_ref().map(number);
        Self {
            reference,
            digest: done.digest.clone(),
            status,
            total: number(|found| found.total),
            fixable: number(|found| found.fixable),
            severity: found.as_ref().map(|found| found.severity.clone()),
            counts: found
                .as_ref()
                .map(|found| found.counts.clone())
                .unwrap_or_default(),
            scanner: found.as_ref().and_then(|found| found.scanner.clone()),
            finished_at: found.as_ref().and_then(|found| found.finished_at.clone()),
            problem,
            metadata,
            words,
        }
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &[
        "reference",
        "status",
        "vulnerabilities",
        "fixable",
        "metadata",
        "problem",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let fixable = self.fixable.map(|fixable| fixable.to_string());
        vec![
            Cow::Borrowed(&self.reference),
            Cow::Borrowed(&self.status),
            Cow::Borrowed(&self.words),
            Cow::Owned(fixable.unwrap_or_default()),
            Cow::Owned(self.metadata.join(", ")),
            Cow::Borrowed(self.problem.as_deref().unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        &self.reference
    }
}

/// Returns what is known of what was scanned; nothing where no scan ended well.
fn found_of(done: &Done) -> Option<Scanned> {
    let found = match &done.outcome {
        Outcome::Found(found) | Outcome::Requested(Some(found)) => found,
        Outcome::Requested(None) | Outcome::Failed(_) => return None,
    };
    let is_good = found.status() == ScanStatus::Success;
    is_good.then(|| Scanned::of(done.digest.as_deref().unwrap_or_default(), found))
}

impl Scan {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let waits = self.wait || self.fail_on.is_some();
        let timing = waits.then(|| Timing::until(Duration::from_secs(self.timeout)));
        let (asked, wanted) = if self.all_catalog {
            let asked = self.place.open(app)?;
            (asked, Vec::new())
        } else {
            let (asked, places) = self.place.open_places(app, &self.references)?;
            let wanted = places.into_iter().map(|place| Wanted {
                identifier: place.identifier(),
                project: place.project,
                repository: place.repository,
            });
            (asked, wanted.collect())
        };
        let registry = asked.server.registry.clone();
        let catalog = app.read()?;
        let has_catalog = !catalog.is_in_memory();
        let known = wanted_of(&catalog, &registry, &app.default_registry()?)?;
        // Nobody waits for the catalog while Harbor is asked.
        drop(catalog);
        let mut wanted: Vec<Wanted> = match self.all_catalog {
            true => known.keys().cloned().collect(),
            false => wanted,
        };
        if wanted.is_empty() {
            app.console
                .note(&format!("no image of the catalog is on `{registry}`"));
        }
        let mut seen = BTreeSet::new();
        wanted.retain(|one| seen.insert(one.clone()));
        let done = match wanted.as_slice() {
            [one] if !self.all_catalog => vec![ask_one(app, &asked, one, timing)?],
            [] => Vec::new(),
            _ => ask_many(app, &asked, wanted, timing)?,
        };
        let rows: Vec<Row> = done
            .iter()
            .map(|done| {
                let metadata = known.get(&done.wanted).cloned().unwrap_or_default();
                Row::new(done, done.wanted.shown(&registry), metadata)
            })
            .collect();
        let width = app.console.width;
        let printed = write_list(app.console.out(), app.format, width, &rows);
        let printed = printed.and_then(|()| app.console.flush());
        let status = judge(app, &rows, self.fail_on, waits);
        let kept = match has_catalog {
            true => keep_all(app, &asked, &done),
            false => Ok(()),
        };
        printed?;
        match (kept, status) {
            (Ok(()), status) => Ok(status),
            // The images are what was asked for: how they are decides.
            (Err(error), Status::Done) => Err(error
                .hint("what was found is printed, and not kept with the images of the catalog")),
            (Err(error), status) => {
                let cause = error.cause.as_deref();
                let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                app.console.warn(&format!(
                    "warning: what was found is not kept with the images of the catalog: {}{cause}",
                    error.message
                ));
                for hint in &error.hints {
                    app.console.hint(hint);
                }
                Ok(status)
            }
        }
    }
}

/// Scans one artifact, whose failure is that of the command.
fn ask_one(app: &mut App, asked: &Asked, one: &Wanted, timing: Option<Timing>) -> Result<Done> {
    let mut progress = Progress::new("seconds", app.console.no_progress);
    let (began, interrupt) = (Instant::now(), app.interrupt.clone());
    let place = (one.project.as_str(), one.repository.as_str());
    let found = asked.ask(app, async |harbor| {
        let started = match start(harbor, place, &one.identifier).await {
            Ok(started) => started,
            Err(error) => return Ok(Err(error)),
        };
        let mut tell = |_: &_| {
            progress.done(began.elapsed().as_secs());
            !interrupt.is_seen()
        };
        let found = match timing {
            Some(timing) => wait(harbor, place, &started, timing, &mut tell).await,
            None => return Ok(Ok((started, None))),
        };
        Ok(found.map(|found| (started, Some(found))))
    });
    drop(progress);
    let (started, found) = found??;
    if started.ran_already && found.is_none() {
        app.console.note("it is being scanned already");
    }
    Ok(Done {
        wanted: one.clone(),
        digest: Some(started.digest),
        outcome: found.map_or(Outcome::Requested(None), Outcome::Found),
    })
}

/// Scans many artifacts, each failure being of its own only.
fn ask_many(
    app: &mut App,
    asked: &Asked,
    wanted: Vec<Wanted>,
    timing: Option<Timing>,
) -> Result<Vec<Done>> {
    let mut progress = Progress::new("scans", app.console.no_progress);
    let mut tell = |count| progress.done(count);
    let done = asked.ask(app, async |harbor| {
        Ok(scan_all(harbor, wanted, timing, &mut tell).await)
    });
    drop(progress);
    done
}

fn keep_all(app: &mut App, asked: &Asked, done: &[Done]) -> Result<()> {
    let found = done.iter();
    let found = found.filter_map(|done| Some((done.wanted.clone(), found_of(done)?)));
    let found: BTreeMap<Wanted, Scanned> = found.collect();
    if found.is_empty() {
        return Ok(());
    }
    let registries = (&asked.server.registry, &app.default_registry()?);
    let kept = keep(&mut *app.write()?, app.actor(), registries, &found)?;
    for name in kept.elsewhere {
        app.console.warn(&format!(
            "warning: `{name}` was verified as another digest than the one that was scanned, and \
             keeps nothing of it: `imgdex images verify {name}`, then scan it again"
        ));
    }
    Ok(())
}

/// Tells what is to be told of many scans, and how the command ends.
fn judge(app: &mut App, rows: &[Row], fail_on: Option<Severity>, waits: bool) -> Status {
    let mut is_bad = false;
    for row in rows {
        let worst = row.severity.as_deref().map(Severity::told);
        let (Some(least), Some(worst)) = (fail_on, worst) else {
            continue;
        };
        if worst >= least {
            is_bad = true;
            app.console.warn(&format!(
                "`{}` has {}: {least} or graver is not accepted; `imgdex harbor vulnerabilities \
                 {}` lists them",
                row.reference, row.words, row.reference
            ));
        }
    }
    let failed = rows.iter().filter(|row| row.problem.is_some()).count();
    if failed > 0 {
        let all = rows.len();
        app.console
            .warn(&format!("{failed} of {all} could not be scanned"));
    }
    if !waits && failed < rows.len() {
        app.console
            .note("what is found is shown by `imgdex harbor vulnerabilities REF`");
    }
    match (is_bad, failed) {
        (true, _) => Status::CheckFailed,
        (false, 0) => Status::Done,
        _ => Status::PartlyDone,
    }
}
