//! When a request is made again, and after how long.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How often a request is made at most.
pub const MOST_TRIES: u32 = 5;

/// The part of a pause that is not left to chance.
const LEAST: f64 = 0.75;

/// The longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_mins(1);

/// Returns whether the same request may be answered better later.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// Returns whether a server says that it did nothing of what it was asked.
pub fn is_refusal(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 503)
}

/// Returns whether a server tells only that it is broken, and not when to come back.
pub fn is_broken(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_server_error() && is_passing(status) && !headers.contains_key(RETRY_AFTER)
}

/// Returns how long the server asks to wait, from 0 to 60 s; nothing where it
/// does not ask, or not so that it can be read.
pub fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<i128>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let then = rfc2822::parse(text).ok()?.timestamp();
            i128::from(then.as_second() - now.as_second())
        }
    };
    let seconds = seconds.clamp(0, i128::from(LONGEST.as_secs()));
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns the shortest time that all tries of one request take.
pub fn shortest(first: Duration) -> Duration {
    let pauses = (1..MOST_TRIES).map(|tries| first.saturating_mul(1 << (tries - 1)));
    pauses.sum::<Duration>().mul_f64(LEAST)
}

/// Returns the wait after so many tries, a quarter of it left to chance so that
/// many clients do not come back as one.
pub fn pause(first: Duration, tries: u32) -> Duration {
    let whole = first.saturating_mul(1 << tries.saturating_sub(1).min(8));
    let chance = RandomState::new().build_hasher().finish() % 256;
    whole.mul_f64(LEAST + f64::from(u8::try_from(chance).unwrap_or(0)) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_asks_for_is_read_and_bounded() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let check = |value: &str, expected: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().expect("a value"))]);
            assert_eq!(
                asked(&headers, now),
                expected.map(Duration::from_secs),
                "{value}"
            );
        };
        check("2", Some(2));
        check("0", Some(0));
        check("-5", Some(0));
        check("999999", Some(60));
        check("99999999999999999999", Some(60));
        check("Thu, 01 Jan 2026 00:00:07 GMT", Some(7));
        check("Thu, 01 Jan 2026 09:00:00 GMT", Some(60));
        check("Wed, 31 Dec 2025 00:00:00 GMT", Some(0));
        check("soon", None);
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }

    #[test]
    fn waits_double_and_differ() {
        let first = Duration::from_secs(1);
        for (tries, low, high) in [(1, 0.75, 1.0), (2, 1.5, 2.0), (4, 6.0, 8.0)] {
            let wait = pause(first, tries).as_secs_f64();
            assert!((low..=high).contains(&wait), "{tries}: {wait}");
        }
    }
}
