//! The table of what an import left out: of any length, so in a file where it is
//! long.

use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::ops::{Error, Result};

/// Bytes held in memory; more go to a file.
const IN_MEMORY: usize = 256 * 1024;

/// Files, and why each was left out.
#[derive(Debug)]
pub struct LeftOut {
    rows: BufWriter<SpooledTempFile>,
    pub count: u64,
}

impl LeftOut {
    pub(super) fn new() -> Self {
        Self {
            rows: BufWriter::new(SpooledTempFile::new(IN_MEMORY)),
            count: 0,
        }
    }

    pub(super) fn push(&mut self, file: &str, reason: &str) -> Result<()> {
        self.count += 1;
        serde_json::to_writer(&mut self.rows, &(file, reason))
            .map_err(Into::into)
            .and_then(|()| self.rows.write_all(b"\n"))
            .map_err(failed)
    }

    /// Calls `each` with every file and reason.
    ///
    /// # Errors
    /// [`Error::Read`] where the rows cannot be read back, and those of `each`.
    pub fn for_each<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(&str, &str) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let failed = |error| E::from(failed(error));
        self.rows.flush().map_err(failed)?;
        let file = self.rows.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(failed)?;
            let (name, reason): (String, String) =
                serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
            each(&name, &reason)?;
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
