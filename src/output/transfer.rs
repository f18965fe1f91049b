//! Blobs on their way, told on standard error: bars on a terminal, elsewhere a plain
//! line every few seconds.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::ops::transfer::Blob;

/// Work shorter than this tells nothing.
const QUIET_AT_FIRST: Duration = Duration::from_secs(2);

/// On a terminal it is told earlier.
const BARS_AFTER: Duration = Duration::from_millis(300);

const BETWEEN_LINES: Duration = Duration::from_secs(5);

const STYLE: &str = "{prefix:14} [{bar:30}] {bytes:>10} of {total_bytes:10} {binary_bytes_per_sec}";

/// The bars of one command.
pub struct Bars {
    is_shown: bool,
    is_terminal: bool,
    began: Instant,
    told: Option<Instant>,
    all: MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
}

impl Bars {
    /// Returns bars of which none is shown yet.
    pub fn new(is_shown: bool) -> Self {
        Self {
            is_shown,
            is_terminal: io::stderr().is_terminal(),
            began: Instant::now(),
            told: None,
            all: MultiProgress::new(),
            bars: BTreeMap::new(),
        }
    }

    /// Tells how far the blobs are, if it is time to tell.
    pub fn show(&mut self, blobs: &[Blob<'_>]) {
        if !self.is_shown || blobs.is_empty() {
            return;
        }
        if self.is_terminal {
            if self.began.elapsed() >= BARS_AFTER {
                self.draw(blobs);
            }
            return;
        }
        let is_time = match self.told {
            None => self.began.elapsed() >= QUIET_AT_FIRST,
            Some(told) => told.elapsed() >= BETWEEN_LINES,
        };
        if is_time {
            self.told = Some(Instant::now());
            // Work goes on where nobody can be told of it.
            let _ = writeln!(io::stderr(), "{}", line(blobs));
        }
    }

    fn draw(&mut self, blobs: &[Blob<'_>]) {
        for blob in blobs {
            let digest = blob.digest.as_str();
            if blob.is_moving {
                let all = &self.all;
                let bar = self.bars.entry(digest.to_owned()).or_insert_with(|| {
                    let style = ProgressStyle::with_template(STYLE);
                    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                    let bar = all.add(ProgressBar::new(blob.size).with_style(style));
                    bar.set_prefix(blob.digest.hex().chars().take(12).collect::<String>());
                    bar
                });
                bar.set_position(blob.moved);
            } else if blob.is_done
                && let Some(bar) = self.bars.remove(digest)
            {
                bar.finish_and_clear();
            }
        }
    }

    /// Takes the bars away.
    pub fn clear(&mut self) {
        for bar in std::mem::take(&mut self.bars).into_values() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(blobs: &[Blob<'_>]) -> String {
    let done = blobs.iter().filter(|blob| blob.is_done).count();
    let moved = blobs.iter().map(|blob| blob.moved).sum();
    let size = blobs
        .iter()
        .fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
    format!(
        "{done} of {} blobs, {} of {}",
        blobs.len(),
        HumanBytes(moved),
        HumanBytes(size)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_there_is_of_how_much() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let digest = digest.parse().expect("a digest");
        let blob = |size, moved, is_done: bool| Blob {
            digest: &digest,
            size,
            moved,
            is_moving: !is_done,
            is_done,
        };
        assert_eq!(
            line(&[blob(1024, 1024, true), blob(3 << 20, 1 << 20, false)]),
            "1 of 2 blobs, 1.00 MiB of 3.00 MiB"
        );
        assert_eq!(line(&[]), "0 of 0 blobs, 0 B of 0 B");
    }
}
