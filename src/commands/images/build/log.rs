//! `imgdex images build-log`.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::error::Result;
use crate::ops::build;
use crate::output::text::visible;

/// Bytes of a line that are shown at once.
const LONGEST_LINE: u64 = 64 * 1024;

/// How often it is looked whether a build that is followed has printed more.
const BETWEEN: Duration = Duration::from_millis(200);

/// Print what the last build of an image printed
///
/// It is kept with the catalog, for builds of this machine. Of what is beyond 64 MiB, or
/// half of what the disk has left, only the end is kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images build-log science
  imgdex images build-log science --follow")]
pub struct BuildLog {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
    /// Go on until the build that runs has ended
    #[arg(short, long)]
    follow: bool,
}

impl BuildLog {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let image = app.read()?.image(&self.id)?;
        let catalog = app.place()?.path.clone();
        let mut log = BufReader::new(build::open_log(&catalog, &image)?);
        let out = app.console.out();
        loop {
            // Looked at before the end is read: what is printed meanwhile is not lost.
            let is_running = self.follow && build::is_being_built(&catalog, &self.id);
            if log.get_ref().metadata()?.len() < log.stream_position()? {
                // A build has begun since, and its log.
                log.seek(SeekFrom::Start(0))?;
            }
            print(&mut log, out)?;
            if !is_running {
                return Ok(Status::Done);
            }
            out.flush()?;
            thread::sleep(BETWEEN);
        }
    }
}

/// Prints a log to its end; what would move a terminal's cursor is shown instead.
fn print(log: &mut impl BufRead, out: &mut dyn Write) -> Result<()> {
    loop {
        let mut line = Vec::new();
        let read = log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read? == 0 {
            return Ok(());
        }
        let has_end = line.ends_with(b"\n");
        let text = String::from_utf8_lossy(&line);
        // Progress overwrites its line by a carriage return.
        let text = text.trim_end_matches(['\n', '\r']).replace('\r', "\n");
        for (index, part) in text.split('\n').enumerate() {
            let gap = if index > 0 { "\n" } else { "" };
            write!(out, "{gap}{}", visible(part))?;
        }
        if has_end {
            writeln!(out)?;
        }
    }
}
