//! `imgdex images verify`.

use std::borrow::Cow;
use std::io;

use clap::Args;
use jiff::Timestamp;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::commands::verifying::Verifying;
use crate::error::{Error, Result};
use crate::formats::config::duration_of;
use crate::ops::verify::{Options, Report, Row, Status as Found, questions, write};
use crate::output::format::Format;
use crate::output::records::{Each, Record, write_walk};

/// Ask the registries whether images can be pulled, and what they are
///
/// Every distinct reference is asked for once, many at a time. The catalog learns
/// isReady, digest, size, platforms, when, and what is wrong: an image is ready if all
/// of its references are there. Archived images are left out unless they are named.
///
/// The table shows what is wrong or has moved; `-o wide`, `json`, `yaml` and `csv` show
/// everything. Exit code 13 where a reference is missing or of the wrong platform, else
/// 5 where one is denied, else 6 where one is unreachable, else 7 where an answer was
/// not valid. Verifying is no change: it makes no revision.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images verify
  imgdex images verify base pandas --platform linux/amd64
  imgdex images verify --max-age 24h -o json
  imgdex images list --not-ready")]
pub struct Verify {
    /// The images' names; all images where none is given
    #[arg(value_name = "ID", add = image_names())]
    ids: Vec<String>,
    /// Leave out what was verified less long ago and was in order, such as 30m, 24h or 7d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    max_age: Option<u64>,
    #[command(flatten)]
    verifying: Verifying,
}

fn seconds(text: &str) -> std::result::Result<u64, String> {
    duration_of(text).ok_or_else(|| "write a duration such as `30m`, `24h` or `7d`".to_owned())
}

impl Verify {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let setting = app.settings.get("verify.max-age").and_then(duration_of);
        let mut names = self.ids;
        names.sort();
        names.dedup();
        let options = Options {
            names,
            default_registry: app.default_registry()?,
            fresh_since: self.max_age.or(setting).map(ago),
            platform: self.verifying.platform(app),
        };
        let catalog = app.read()?;
        let questions = questions(&catalog, &options)?;
        let is_there = !catalog.is_in_memory();
        // Nobody waits for the catalog while registries are asked.
        drop(catalog);
        let mut answers = self.verifying.ask(app, questions)?;
        let mut report = if is_there {
            write(&mut *app.write()?, app.actor(), &mut answers, &options)?
        } else {
            Report::new()
        };
        print(app, &mut report)?;
        app.console.flush()?;
        app.console.note(&summary(&report));
        Ok(status(&report))
    }
}

fn ago(seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let then = Timestamp::now().as_second().saturating_sub(seconds);
    Timestamp::from_second(then).unwrap_or(Timestamp::MIN)
}

fn status(report: &Report) -> Status {
    let any = |status| report.count(status) > 0;
    if any(Found::Missing) || any(Found::WrongPlatform) {
        Status::CheckFailed
    } else if any(Found::Denied) {
        Status::Denied
    } else if any(Found::Unreachable) {
        Status::Unavailable
    } else if any(Found::Invalid) {
        Status::Violation
    } else {
        Status::Done
    }
}

/// Returns how many references there are of each status, in one line.
fn summary(report: &Report) -> String {
    let all = Found::ALL
        .iter()
        .map(|&status| (status, report.count(status)));
    let there: Vec<String> = all
        .clone()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.name()))
        .collect();
    let counted = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let references = counted(all.map(|(_, count)| count).sum(), "reference");
    let images = counted(report.images, "image");
    match there.is_empty() {
        true => "there is nothing to verify".to_owned(),
        false => format!("{references} of {images}: {}", there.join(", ")),
    }
}

fn print(app: &mut App, report: &mut Report) -> Result<()> {
    let width = app.console.width;
    let format = app.format;
    let out = app.console.out();
    let mut wanted = |each: &mut dyn FnMut(&Row) -> io::Result<()>| {
        let only_wrong = matches!(format, Format::Table | Format::Name);
        report.for_each::<Error>(|row| match only_wrong && row.status.is_quiet() {
            true => Ok(()),
            false => Ok(each(row)?),
        })
    };
    if format == Format::Table {
        let mut walk = |each: Each<'_, Short>| wanted(&mut |row| each(&Short(row.clone())));
        write_walk(out, format, width, &mut walk)
    } else {
        let mut walk = |each: Each<'_, Row>| wanted(each);
        write_walk(out, format, width, &mut walk)
    }
}

/// A row as the table has it.
#[derive(serde::Serialize)]
struct Short(Row);

fn text(text: &Option<String>) -> Cow<'_, str> {
    Cow::Borrowed(text.as_deref().unwrap_or_default())
}

impl Record for Short {
    const COLUMNS: &'static [&'static str] = &["name", "reference", "status", "problem"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.0.name),
            text(&self.0.reference),
            Cow::Borrowed(self.0.status.name()),
            text(&self.0.problem),
        ]
    }

    fn label(&self) -> &str {
        &self.0.name
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "field",
        "reference",
        "status",
        "digest",
        "platforms",
        "size",
        "problem",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            text(&self.field),
            text(&self.reference),
            Cow::Borrowed(self.status.name()),
            text(&self.digest),
            Cow::Owned(self.platforms.join(", ")),
            Cow::Owned(self.size.map(|size| size.to_string()).unwrap_or_default()),
            text(&self.problem),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
