//! One scan: asked for, and waited for, so that what an earlier one found is never
//! taken for what this one finds.

use std::time::{Duration, Instant};

use super::parts::{Parts, ended};
use crate::domain::harbor::{Artifact, ScanStatus, ScanSummary};
use crate::ops::{Error, Result};
use crate::registry::{Harbor, pause};

/// How long nobody is asked whether to go on, at most, while nothing is asked for.
const SLICE: Duration = Duration::from_millis(200);

/// A scan that was asked for, or that ran already.
#[derive(Debug, Clone)]
pub struct Started {
    /// Of the artifact: a tag may mean another one when the scan ends.
    pub digest: String,
    /// Whether nobody needed to ask for it.
    pub ran_already: bool,
    /// The finished scan that there was before; unset where this one ran already.
    before: Option<ScanSummary>,
}

/// How a scan is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Before the first question; each pause is longer than the one before.
    pub first: Duration,
    pub longest: Duration,
    /// All in all.
    pub limit: Duration,
}

impl Timing {
    /// Returns a patience of so long.
    #[must_use]
    pub fn until(limit: Duration) -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            limit,
        }
    }
}

/// Asks for a scan of `PROJECT` and `REPOSITORY`'s artifact, by tag or digest. One that
/// runs already is not asked for again.
///
/// # Errors
/// Where it is not there, cannot be scanned, or whoever asks may not.
pub async fn start(harbor: &Harbor<'_>, place: (&str, &str), identifier: &str) -> Result<Started> {
    let artifact = harbor.artifact(place.0, place.1, identifier).await?;
    start_of(harbor, place, &artifact).await
}

/// Asks for a scan of an artifact, as [`start`] does.
///
/// # Errors
/// Those of [`start`].
pub async fn start_of(
    harbor: &Harbor<'_>,
    (project, repository): (&str, &str),
    artifact: &Artifact,
) -> Result<Started> {
    let before = artifact.scan();
    // A part of an index may have failed long ago: that one is asked for again.
    let ran_already = before.is_some_and(|scan| is_under_way(scan.status()) && !scan.is_partial());
    if !ran_already {
        harbor.scan(project, repository, &artifact.digest).await?;
    }
    Ok(Started {
        digest: artifact.digest.clone(),
        ran_already,
        before: before.filter(|_| !ran_already).cloned(),
    })
}

/// Waits until a scan ends, and returns what it found. That of an index has ended where
/// that of each of its images has; Harbor calls it a success before. `progress` is told
/// how it is several times a second, and whether to go on is what it returns.
///
/// # Errors
/// Where the scan fails, is stopped, or takes longer than `timing` allows, and where
/// `progress` says no.
pub async fn wait(
    harbor: &Harbor<'_>,
    (project, repository): (&str, &str),
    started: &Started,
    timing: Timing,
    progress: &mut dyn FnMut(&ScanSummary) -> bool,
) -> Result<ScanSummary> {
    let began = Instant::now();
    let shown = format!(
        "{}/{project}/{repository}@{}",
        harbor.registry(),
        started.digest
    );
    let mut watch = Watch::of(started);
    let mut parts = Parts::default();
    let mut next = timing.first;
    let mut scan = ScanSummary::default();
    loop {
        let left = timing.limit.saturating_sub(began.elapsed());
        rest(next.min(left), &mut || progress(&scan)).await?;
        next = (next * 3 / 2).min(timing.longest);
        let artifact = harbor
            .artifact(project, repository, &started.digest)
            .await?;
        scan = artifact.scan().cloned().unwrap_or_default();
        let status = watch.look(&scan);
        let is_told = status == ScanStatus::Success || scan.is_partial() && watch.is_new();
        let mut how = match scan.words().as_str() {
            "" => "not begun".to_owned(),
            words => format!("`{words}`"),
        };
        if is_told {
            match parts
                .look(harbor, (project, repository), &artifact, &scan)
                .await?
            {
                Ok(found) => return Ok(found),
                Err(unfinished) => how = unfinished,
            }
        } else if let Some(error) = ended(&shown, None, status, &scan) {
            return Err(error);
        }
        if began.elapsed() >= timing.limit {
            return Err(Error::Later {
                what: format!(
                    "the scan of `{shown}` did not end within {} s: it is {how}",
                    timing.limit.as_secs(),
                ),
                hint: format!(
                    "it goes on: wait for it with `imgdex harbor scan {shown} --wait --timeout 1h`"
                ),
            });
        }
    }
}

/// Pauses as long as `go_on` says to.
///
/// # Errors
/// Where it says not to.
async fn rest(time: Duration, go_on: &mut dyn FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    loop {
        if !go_on() {
            return Err(Error::Interrupted);
        }
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        pause(left.min(SLICE)).await;
    }
}

fn is_under_way(status: ScanStatus) -> bool {
    matches!(status, ScanStatus::Pending | ScanStatus::Running)
}

/// Tells what the new scan says from what the one before it said.
struct Watch<'a> {
    before: Option<&'a ScanSummary>,
}

impl<'a> Watch<'a> {
    fn of(started: &'a Started) -> Self {
        Self {
            before: started.before.as_ref(),
        }
    }

    /// Returns whether the new scan was told of.
    fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Returns how far the new scan is, by what is told now.
    fn look(&mut self, now: &ScanSummary) -> ScanStatus {
        let marks = |scan: &ScanSummary| {
            (
                scan.report_id.clone(),
                scan.start_time.clone(),
                scan.scan_status.clone(),
                scan.complete_percent,
            )
        };
        match self.before {
            // The scanner has not told of the new one yet.
            Some(before) if marks(before) == marks(now) => ScanStatus::Pending,
            _ => {
                // From now on it is the new one, whatever it has in common with the other.
                self.before = None;
                now.status()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Network, Settings, Work};

    fn told(report_id: &str, status: &str, start_time: &str) -> ScanSummary {
        ScanSummary {
            report_id: report_id.to_owned(),
            scan_status: status.to_owned(),
            start_time: start_time.to_owned(),
            ..ScanSummary::default()
        }
    }

    #[test]
    fn what_an_earlier_scan_found_is_not_taken_for_the_new_one() {
        let started = Started {
            digest: String::new(),
            ran_already: false,
            before: Some(told("1", "Success", "a")),
        };
        let check = |looks: &[(ScanSummary, ScanStatus)]| {
            let mut watch = Watch::of(&started);
            for (now, expected) in looks {
                assert_eq!(watch.look(now), *expected, "{now:?}");
            }
        };
        let old = || told("1", "Success", "a");
        check(&[
            (old(), ScanStatus::Pending),
            (old(), ScanStatus::Pending),
            (told("2", "Success", "b"), ScanStatus::Success),
        ]);
        // Some servers write the same report anew.
        check(&[
            (old(), ScanStatus::Pending),
            (told("1", "Running", "a"), ScanStatus::Running),
            (old(), ScanStatus::Success),
        ]);
        check(&[(told("1", "Success", "b"), ScanStatus::Success)]);
        check(&[(told("2", "Error", "b"), ScanStatus::Error)]);
    }

    #[test]
    fn whoever_waits_is_asked_several_times_a_second() {
        let finder = std::sync::Arc::new(|_: &_, _: Option<&_>| None);
        let network = Network::start(Settings::default(), finder, Work::Questions);
        let network = network.expect("a runtime");
        let began = Instant::now();
        let mut asked = 0;
        let ended = network.wait(rest(Duration::from_secs(60), &mut || {
            asked += 1;
            asked < 3
        }));
        assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
        let time = Duration::from_millis(10);
        network.wait(rest(time, &mut || true)).expect("it is over");
    }

    #[test]
    fn the_first_scan_has_none_before_it() {
        let started = Started {
            digest: String::new(),
            ran_already: true,
            before: None,
        };
        let mut watch = Watch::of(&started);
        assert_eq!(watch.look(&told("", "", "")), ScanStatus::NotScanned);
        assert_eq!(watch.look(&told("1", "Success", "a")), ScanStatus::Success);
    }
}
