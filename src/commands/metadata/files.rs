//! `imgdex metadata validate` and `schema`.

use std::path::PathBuf;

use clap::Args;

use super::Format;
use crate::app::App;
use crate::commands::Status;
use crate::domain::platform::Platform;
use crate::error::{Error, Kind, Result};
use crate::ops::metadata;
use crate::output::records::write_pretty;

/// Check files without a catalog, as in CI
///
/// A folder is checked as `import` would read it. Every fault is told at once, as
/// `path:line:column: field: rule`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata validate metadata/pandas.json
  imgdex metadata validate kubespawner profile_list.yaml")]
pub struct Validate {
    /// The format (runtime-images where only a path is given), and a file or folder
    #[arg(value_name = "[FORMAT] PATH", required = true, num_args = 1..=2)]
    words: Vec<PathBuf>,
}

/// Print the JSON Schema of a platform's files
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata schema
  imgdex metadata schema opendatahub")]
pub struct Schema {
    #[command(flatten)]
    format: Format,
}

impl Validate {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (platform, path) = match self.words.as_slice() {
            [path] => (Platform::RuntimeImages, path),
            [name, path, ..] => {
                let word = name.to_string_lossy();
                let platform = Platform::from_name(&word).ok_or_else(|| {
                    let known = Platform::NAMES.join(", ");
                    let failure =
                        Error::new(Kind::InvalidInput, format!("`{word}` is not a format"));
                    failure.hint(match crate::domain::name::nearest(&word, Platform::NAMES) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("formats are {known}"),
                    })
                })?;
                (platform, path)
            }
            [] => return Err(Error::new(Kind::InvalidInput, "name a file or a folder")),
        };
        let is_only_format = self.words.len() == 1
            && Platform::from_name(&path.to_string_lossy()).is_some()
            && !path.exists();
        if is_only_format {
            return Err(Error::new(
                Kind::InvalidInput,
                "name a file or a folder after the format",
            ));
        }
        let found = metadata::validate(platform, path)?;
        if !found.faults.is_empty() {
            let faults = found.faults.len();
            let mut failure = Error::new(
                Kind::InvalidInput,
                format!(
                    "{} in {} of {}",
                    counted(faults as u64, "fault"),
                    found.bad_files,
                    counted(found.files, "file")
                ),
            );
            failure.lines = found.faults.iter().map(ToString::to_string).collect();
            return Err(failure);
        }
        if app.format == crate::output::format::Format::Json {
            let answer = serde_json::json!({
                "format": platform.name(), "files": found.files, "entries": found.entries,
            });
            write_pretty(app.console.out(), &answer)?;
            return Ok(Status::Done);
        }
        writeln!(
            app.console.out(),
            "{} valid, with {}",
            match found.files {
                1 => "1 file is".to_owned(),
                files => format!("{files} files are"),
            },
            match found.entries {
                1 => "1 entry".to_owned(),
                entries => format!("{entries} entries"),
            }
        )?;
        Ok(Status::Done)
    }
}

impl Schema {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let schema = crate::formats::platforms::schema(self.format.platform);
        writeln!(app.console.out(), "{}", schema.trim_end())?;
        Ok(Status::Done)
    }
}

/// Returns a number with the noun that it counts.
pub fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
