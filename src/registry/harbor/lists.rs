//! Lists in pages: counted, since the address of the next page is not encoded as it
//! should be, and read again where they changed meanwhile.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::{Call, Harbor};
use crate::registry::error::{Error, Result};
use crate::registry::pages::LARGEST;

/// Entries of a page: Harbor gives no more.
const PAGE: usize = 100;

/// The most entries of a list.
const MOST: usize = 1_000_000;

/// How often a list that changes is read.
const MOST_TIMES: usize = 3;

/// What a reading of a list gave.
struct Reading<T> {
    entries: Vec<T>,
    /// Whether it holds all that was there from its first page to its last: what goes
    /// away meanwhile moves others to a page that was read already.
    is_whole: bool,
}

impl Harbor<'_> {
    /// Returns all of a list; `path` may have a query. `key` is what tells one entry
    /// from another.
    ///
    /// The newest should come first: then what is missed shows in the total, since what
    /// is added moves others only to pages that are still to be read.
    pub(super) async fn list<T, K>(&self, call: Call<'_>, key: fn(&T) -> K) -> Result<Vec<T>>
    where
        T: DeserializeOwned,
        K: std::hash::Hash + Eq,
    {
        self.first(call, key, usize::MAX).await
    }

    /// Returns the first entries of a list.
    pub(super) async fn first<T, K>(
        &self,
        call: Call<'_>,
        key: fn(&T) -> K,
        most: usize,
    ) -> Result<Vec<T>>
    where
        T: DeserializeOwned,
        K: std::hash::Hash + Eq,
    {
        let mut earlier = Vec::new();
        let mut times = 0;
        let mut entries = loop {
            times += 1;
            let mut reading = self.pages(call, key, most).await?;
            if reading.is_whole {
                break reading.entries;
            }
            if times == MOST_TIMES {
                // Better something that went away than to leave out what is there.
                let mut seen: HashSet<K> = reading.entries.iter().map(key).collect();
                earlier.retain(|entry| seen.insert(key(entry)));
                reading.entries.append(&mut earlier);
                break reading.entries;
            }
            earlier.append(&mut reading.entries);
        };
        entries.truncate(most);
        Ok(entries)
    }

    async fn pages<T, K>(&self, call: Call<'_>, key: fn(&T) -> K, most: usize) -> Result<Reading<T>>
    where
        T: DeserializeOwned,
        K: std::hash::Hash + Eq,
    {
        let size = PAGE.min(most);
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut totals = HashSet::new();
        let mut page = 0;
        loop {
            page += 1;
            let mark = if call.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{mark}page={page}&page_size={size}", call.path);
            let asked = Call {
                path: &path,
                limit: LARGEST,
                ..call
            };
            let answer = self.ask(asked, None).await?;
            let total = answer.header("x-total-count");
            let total: Option<usize> = total.and_then(|total| total.parse().ok());
            let found: Option<Vec<T>> = self.read(&answer, call.attempt)?;
            let found = found.unwrap_or_default();
            let count = found.len();
            totals.extend(total);
            entries.extend(found.into_iter().filter(|entry| seen.insert(key(entry))));
            let is_last = match total {
                Some(total) => page * size >= total || count == 0,
                None => count < size,
            };
            if is_last || entries.len() >= most {
                let is_whole = match entries.len() >= most {
                    true => totals.len() <= 1,
                    false => totals.iter().all(|total| *total == entries.len()),
                };
                return Ok(Reading { entries, is_whole });
            }
            if entries.len() > MOST || page > MOST / PAGE {
                return Err(Error::violation(call.attempt, "its pages have no end"));
            }
        }
    }
}
