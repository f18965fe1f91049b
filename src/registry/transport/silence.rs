//! Which hosts gave no answer of late. Who asks one thing tries it again whatever
//! is known; who asks a thousand need not wait for each of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::retry;

/// Waits in vain since the last answer after which a host counts as gone: more than
/// one request has, since a host may be slow with a single thing that it is asked for.
const MOST_WAITS: u32 = 16;

/// Answers in a row that tell of a broken server after which it is asked only once
/// for each thing. It is still asked for each: what is wrong may be wrong with some.
const MOST_BROKEN: u32 = 40;

/// What went without an answer, by `host[:port]`, since the last one.
#[derive(Debug, Default)]
pub struct Silence {
    hosts: Mutex<HashMap<String, Counts>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// No connection: refused, no such name, no TLS.
    connections: u32,
    /// When the first of them failed.
    since: Option<Instant>,
    /// A connection, and no answer in time.
    waits: u32,
    /// Answers that only tell of a broken server.
    broken: u32,
}

impl Silence {
    /// Notes that a host answered, whatever it said.
    pub fn ends(&self, host: impl FnOnce() -> String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.is_empty() {
            hosts.remove(&host());
        }
    }

    /// Notes that a host answered, and only that it is broken.
    pub fn broken(&self, host: String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let broken = hosts.get(&host).map_or(0, |counts| counts.broken);
        let counts = Counts {
            broken: broken + 1,
            ..Counts::default()
        };
        hosts.insert(host, counts);
    }

    /// Returns how often a host is asked for one thing.
    pub fn tries(&self, host: impl FnOnce() -> String) -> u32 {
        match self.counts(host).broken {
            MOST_BROKEN.. => 1,
            _ => retry::MOST_TRIES,
        }
    }

    /// Notes that there was no connection to a host.
    pub fn unconnected(&self, host: String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = hosts.entry(host).or_default();
        counts.connections += 1;
        counts.since = counts.since.or_else(|| Some(Instant::now()));
    }

    /// Notes that a host was waited for in vain.
    pub fn waited(&self, host: String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host).or_default().waits += 1;
    }

    /// Returns whether a host has been silent for so long that it is gone for now. What
    /// many asked at once in a bad moment says nothing: they ask again after a while.
    pub fn is_long(&self, host: impl FnOnce() -> String, while_: Duration) -> bool {
        let counts = self.counts(host);
        let is_lasting = counts.since.is_some_and(|since| since.elapsed() >= while_);
        (counts.connections >= retry::MOST_TRIES && is_lasting) || counts.waits >= MOST_WAITS
    }

    fn counts(&self, host: impl FnOnce() -> String) -> Counts {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.is_empty() {
            return Counts::default();
        }
        hosts.get(&host()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_gone_after_some_silence_and_back_with_one_answer() {
        let silence = Silence::default();
        let host = || "a".to_owned();
        for _ in 1..retry::MOST_TRIES {
            silence.unconnected(host());
            silence.waited(host());
        }
        assert!(!silence.is_long(host, Duration::ZERO));
        silence.unconnected(host());
        assert!(silence.is_long(host, Duration::ZERO));
        assert!(
            !silence.is_long(|| "b".to_owned(), Duration::ZERO),
            "another is not"
        );
        silence.ends(host);
        assert!(!silence.is_long(host, Duration::ZERO));
        for _ in 0..MOST_WAITS {
            silence.waited(host());
        }
        assert!(silence.is_long(host, Duration::ZERO));
    }

    #[test]
    fn a_broken_host_is_asked_once_for_each_thing() {
        let silence = Silence::default();
        let host = || "a".to_owned();
        for _ in 1..MOST_BROKEN {
            silence.broken(host());
        }
        assert_eq!(silence.tries(host), retry::MOST_TRIES);
        silence.broken(host());
        assert_eq!(silence.tries(host), 1);
        assert!(!silence.is_long(host, Duration::ZERO), "it is there");
        silence.ends(host);
        assert_eq!(silence.tries(host), retry::MOST_TRIES);
    }
}
