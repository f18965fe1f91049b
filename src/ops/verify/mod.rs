//! Verifying: every distinct reference is asked for once, with no transaction open;
//! then what was found is written, in one.

mod ask;
mod judge;
mod report;
mod verified;

pub use ask::{Answers, Asking, Questions, ask};
pub(in crate::ops) use judge::judge;
pub use judge::{Status, is_platform};
pub use report::{Report, Row};
pub use verified::Verified;

use jiff::Timestamp;

use super::Result;
use crate::catalog::{Catalog, Referring};
use crate::domain::change::Actor;
use crate::domain::image::Seen;
use crate::domain::reference::Registry;
use crate::domain::sighting::Sighting;
use judge::{Verdict, readiness};

/// What is verified, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names of the images; every image that is not archived where there is none.
    pub names: Vec<String>,
    /// The registry of references that name none.
    pub default_registry: Registry,
    /// What was verified since then, and was in order, is not asked for again.
    pub fresh_since: Option<Timestamp>,
    /// `os/arch[/variant]` that every image must have.
    pub platform: Option<String>,
}

impl Options {
    fn is_fresh(&self, seen: &Sighting) -> bool {
        let seen_at = seen.seen_at.as_ref();
        let seen_at = seen_at.and_then(|time| time.parse::<Timestamp>().ok());
        let is_recent = match (self.fresh_since, seen_at) {
            (Some(since), Some(seen_at)) => seen_at > since,
            _ => false,
        };
        is_recent && seen.problem.is_none() && seen.digest.is_some()
    }
}

/// Returns what registries are to be asked.
///
/// # Errors
/// For an unknown image.
pub fn questions(catalog: &Catalog, options: &Options) -> Result<Questions> {
    let mut questions = Questions::new(options.default_registry.clone());
    let mut add = |image: Referring| -> Result<()> {
        for (text, seen) in [
            (&image.url, &image.seen.url),
            (&image.url_for_gpu, &image.seen.url_for_gpu),
        ] {
            if let Some(text) = text.as_ref().filter(|_| !options.is_fresh(seen)) {
                questions.add(text);
            }
        }
        Ok(())
    };
    if options.names.is_empty() {
        catalog.for_all_references(|image| match image.archived {
            true => Ok(()),
            false => add(image),
        })?;
    }
    for name in &options.names {
        catalog.for_references_of(name, &mut add)?;
    }
    questions.know_all_of(catalog)?;
    Ok(questions)
}

/// Writes what was found of each image whose reference is still the one that was
/// asked for, and returns what that is.
///
/// # Errors
/// Those of the catalog; nothing is written then.
pub fn write(
    catalog: &mut Catalog,
    actor: Actor,
    answers: &mut Answers,
    options: &Options,
) -> Result<Report> {
    let mut report = Report::new();
    let now = actor.now.clone();
    let writer = catalog.begin(actor)?;
    let lacking = answers.lacking();
    if !lacking.is_empty() {
        writer.for_each_sighting(|seen| answers.learn(&lacking, seen))?;
    }
    let mut observe = |image: Referring, is_named: bool| -> Result<()> {
        let verdicts = verdicts(&image, answers, options, &now);
        report.add(&image, &verdicts, is_named)?;
        let (statuses, seen) = taken(&image.seen, verdicts);
        let is_ready = readiness(image.is_ready, &statuses);
        Ok(writer.observe(&image, &seen, is_ready)?)
    };
    if options.names.is_empty() {
        writer.for_all_references(|image| match image.archived {
            true => Ok(()),
            false => observe(image, false),
        })?;
    }
    for name in &options.names {
        writer.for_references_of(name, |image| observe(image, true))?;
    }
    writer.commit()?;
    Ok(report)
}

/// Returns what is found of the references of an image: nothing of those that it
/// does not have.
fn verdicts(
    image: &Referring,
    answers: &Answers,
    options: &Options,
    now: &str,
) -> [Option<Verdict>; 2] {
    let one = |text: &Option<String>, before: &Sighting| {
        let text = text.as_ref()?;
        Some(match answers.of(text) {
            Some(answer) => judge(before, &answer, options.platform.as_deref(), now),
            None => Verdict {
                status: Status::Skipped,
                seen: before.clone(),
                problem: None,
            },
        })
    };
    [
        one(&image.url, &image.seen.url),
        one(&image.url_for_gpu, &image.seen.url_for_gpu),
    ]
}

/// Returns verdicts as what the catalog keeps of them.
fn taken(before: &Seen, verdicts: [Option<Verdict>; 2]) -> (Vec<(Status, bool)>, Seen) {
    let mut statuses = Vec::with_capacity(2);
    let mut take = |verdict: Option<Verdict>, before: &Sighting| match verdict {
        Some(Verdict { status, seen, .. }) => {
            let was_in_order = seen.digest.is_some() && seen.problem.is_none();
            statuses.push((status, was_in_order));
            seen
        }
        None => before.clone(),
    };
    let [url, url_for_gpu] = verdicts;
    let seen = Seen {
        url: take(url, &before.url),
        url_for_gpu: take(url_for_gpu, &before.url_for_gpu),
    };
    (statuses, seen)
}
