//! What a verification found: of any length, so in a file where it is long.

use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;

use super::judge::{Status, Verdict};
use crate::catalog::Referring;
use crate::ops::{Error, Result};

/// Bytes held in memory; more go to a file.
const IN_MEMORY: usize = 256 * 1024;

/// What was found of one reference of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The image's.
    pub name: String,
    /// `url` or `urlForGpu`; unset where it has neither.
    pub field: Option<String>,
    pub reference: Option<String>,
    pub status: Status,
    /// The one seen last, now or earlier.
    pub digest: Option<String>,
    pub platforms: Vec<String>,
    /// Bytes.
    pub size: Option<u64>,
    pub problem: Option<String>,
}

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    rows: BufWriter<SpooledTempFile>,
    /// Images that have a reference.
    pub images: u64,
    /// References of each status.
    counts: [u64; Status::ALL.len()],
}

impl Report {
    /// Returns a report of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: BufWriter::new(SpooledTempFile::new(IN_MEMORY)),
            images: 0,
            counts: [0; Status::ALL.len()],
        }
    }

    pub(super) fn add(
        &mut self,
        image: &Referring,
        verdicts: &[Option<Verdict>; 2],
        is_named: bool,
    ) -> Result<()> {
        let places = [("url", &image.url), ("urlForGpu", &image.url_for_gpu)];
        let mut any = false;
        for ((field, text), verdict) in places.into_iter().zip(verdicts) {
            if let Some(verdict) = verdict {
                any = true;
                self.counts[verdict.status as usize] += 1;
                self.push(&Row {
                    name: image.name.clone(),
                    field: Some(field.to_owned()),
                    reference: text.clone(),
                    status: verdict.status,
                    digest: verdict.seen.digest.clone(),
                    platforms: verdict.seen.platforms.clone(),
                    size: verdict.seen.size,
                    problem: verdict.problem.clone(),
                })?;
            }
        }
        if any {
            self.images += 1;
        } else if is_named {
            self.push(&Row {
                name: image.name.clone(),
                field: None,
                reference: None,
                status: Status::Skipped,
                digest: None,
                platforms: Vec::new(),
                size: None,
                problem: Some("it has no reference".to_owned()),
            })?;
        }
        Ok(())
    }

    fn push(&mut self, row: &Row) -> Result<()> {
        serde_json::to_writer(&mut self.rows, row)
            .map_err(Into::into)
            .and_then(|()| self.rows.write_all(b"\n"))
            .map_err(failed)
    }

    /// Returns how many references are of a status.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        self.counts[status as usize]
    }

    /// Calls `each` with what was found of every reference, in the order of the
    /// images.
    ///
    /// # Errors
    /// [`Error::Write`] where the rows cannot be read back, and those of `each`.
    pub fn for_each<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(&Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let failed = |error| E::from(failed(error));
        self.rows.flush().map_err(failed)?;
        let file = self.rows.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(failed)?;
            let row: Row = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
            each(&row)?;
        }
        Ok(())
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::Write {
        name: "a temporary file".to_owned(),
        source,
    }
}
