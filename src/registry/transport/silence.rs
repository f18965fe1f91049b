//! Which hosts gave no answer of late. Who asks one thing tries it again whatever
//! is known; who asks a thousand need not wait for each of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::retry;

/// Waits in vain since the last answer after which a host counts as gone: more than
/// one request has, since a host may be slow with a single thing that it is asked for.
const MOST_WAITS: u32 = 16;

/// What went without an answer, by `host[:port]`, since the last one.
#[derive(Debug, Default)]
pub struct Silence {
    hosts: Mutex<HashMap<String, Counts>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// No connection: refused, no such name, no TLS.
    connections: u32,
    /// A connection, and no answer in time.
    waits: u32,
}

impl Silence {
    /// Notes that a host answered, whatever it said.
    pub fn ends(&self, host: impl FnOnce() -> String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.is_empty() {
            hosts.remove(&host());
        }
    }

    /// Notes that there was no connection to a host.
    pub fn unconnected(&self, host: String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host).or_default().connections += 1;
    }

    /// Notes that a host was waited for in vain.
    pub fn waited(&self, host: String) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host).or_default().waits += 1;
    }

    /// Returns whether a host has been silent for so long that it is gone for now.
    pub fn is_long(&self, host: impl FnOnce() -> String) -> bool {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = if hosts.is_empty() {
            Counts::default()
        } else {
            hosts.get(&host()).copied().unwrap_or_default()
        };
        counts.connections >= retry::MOST_TRIES || counts.waits >= MOST_WAITS
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
        assert!(!silence.is_long(host));
        silence.unconnected(host());
        assert!(silence.is_long(host));
        assert!(!silence.is_long(|| "b".to_owned()), "another is not");
        silence.ends(host);
        assert!(!silence.is_long(host));
        for _ in 0..MOST_WAITS {
            silence.waited(host());
        }
        assert!(silence.is_long(host));
    }
}
