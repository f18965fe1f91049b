//! Finds a key that stands twice in one object, in linear time however many keys there are.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::{Entry, Position};

/// Up to here comparing with each key is faster than hashing, and nearly all objects are smaller.
const FEW: usize = 16;

/// What is known of the keys of one object; the keys themselves stay in its entries.
#[derive(Default)]
pub(super) struct KeyIndex {
    many: Option<Many>,
}

/// The first entry of each hash. Random state, so that no text can be made to collide.
struct Many {
    state: RandomState,
    entries: HashMap<u64, usize>,
}

impl KeyIndex {
    /// Returns where `key` already stands among `entries`; where it does not, it is to be pushed.
    ///
    /// To be asked once for each key, before it is pushed.
    pub(super) fn earlier(&mut self, entries: &[Entry], key: &str) -> Option<Position> {
        if entries.len() < FEW {
            return earlier_linear(entries, key);
        }
        let many = self.many.get_or_insert_with(|| Many::new(entries));
        let hash = many.state.hash_one(key);
        match many.entries.get(&hash) {
            None => {
                many.entries.insert(hash, entries.len());
                None
            }
            // Two keys of one 64-bit hash are as good as impossible, but must not be called equal.
            Some(&index) => match entries.get(index) {
                Some(entry) if entry.key == key => Some(entry.at),
                _ => earlier_linear(entries, key),
            },
        }
    }
}

impl Many {
    fn new(entries: &[Entry]) -> Many {
        let state = RandomState::new();
        let entries = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (state.hash_one(&*entry.key), index))
            .collect();
        Many { state, entries }
    }
}

fn earlier_linear(entries: &[Entry], key: &str) -> Option<Position> {
    entries
        .iter()
        .find(|entry| entry.key == key)
        .map(|entry| entry.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::document::{Node, Value};

    #[test]
    fn a_second_key_is_found_among_few_and_among_many() {
        for count in [1, 2, FEW - 1, FEW, FEW + 1, 1000] {
            let mut index = KeyIndex::default();
            let mut entries = Vec::new();
            for number in 0..count {
                let key = format!("key{number}");
                assert_eq!(index.earlier(&entries, &key), None, "{key} of {count}");
                let at = Position {
                    line: number as u32 + 1,
                    column: 1,
                };
                entries.push(Entry {
                    key,
                    at,
                    node: Node::new(Value::Null),
                });
            }
            for number in 0..count {
                let found = index.earlier(&entries, &format!("key{number}"));
                assert_eq!(
                    found.map(|at| at.line),
                    Some(number as u32 + 1),
                    "of {count}"
                );
            }
        }
    }
}
