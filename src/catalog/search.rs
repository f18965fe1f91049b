//! The search index: keeping it true, and asking it.

use std::borrow::Cow;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Transaction};

use super::error::Result;
use super::images;
use crate::domain::image::ImageConfig;

/// How many trigrams of a search, the ones that are probably rarest, the index
/// is asked for at most. The list of one that is in every image costs as much to read
/// as a thousand images to compare, and what is found is compared with the text
/// of the image anyway.
const RAREST_TRIGRAMS: usize = 4;

/// Adds an image to the index.
pub(super) fn add(connection: &Connection, id: i64, config: &ImageConfig) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO image_search (rowid, text) VALUES (?1, ?2)")?
        .execute((id, indexed_text(config)))?;
    Ok(())
}

/// Takes an image, just as it was added, out of the index.
pub(super) fn remove(connection: &Connection, id: i64, config: &ImageConfig) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO image_search (image_search, rowid, text) VALUES ('delete', ?1, ?2)",
        )?
        .execute((id, indexed_text(config)))?;
    Ok(())
}

/// Returns a text with the same trigrams as the search text of the image, and
/// shorter: the index knows a trigram only once, and the reference for GPUs is
/// mostly that for CPUs with another ending.
///
/// What this returns for an image is never to change without a migration that
/// makes the index anew: an image is taken out by the text it was put in with.
fn indexed_text(config: &ImageConfig) -> String {
    let mut text = String::with_capacity(256);
    let mut push = |part: &str| {
        if !text.contains(part) {
            text.push('\n');
            text.push_str(part);
        }
    };
    push(&config.display_name);
    push(&config.name);
    let mut before: &str = "";
    for part in config.search_parts().skip(2) {
        push(after_common_beginning(before, part));
        before = part;
    }
    text
}

/// Returns `text` without what it has in common with the beginning of `before`,
/// but for the two characters that the first trigram of the rest begins with.
fn after_common_beginning<'a>(before: &str, text: &'a str) -> &'a str {
    let mut common = before
        .char_indices()
        .zip(text.chars())
        .take_while(|((_, one), other)| one == other)
        .map(|((start, _), _)| start);
    let mut starts = [None; 3];
    for start in &mut common {
        starts = [starts[1], starts[2], Some(start)];
    }
    // The last two characters in common begin at the last two of `starts`.
    starts[1].map_or(text, |start| &text[start..])
}

/// Fills the empty index from the images.
pub(super) fn fill(transaction: &Transaction<'_>) -> Result<()> {
    images::for_each_searched(transaction, |id, config| add(transaction, id, config))
}

/// Makes the index anew.
pub(super) fn rebuild(transaction: &Transaction<'_>) -> Result<()> {
    transaction.execute(
        "INSERT INTO image_search (image_search) VALUES ('delete-all')",
        [],
    )?;
    fill(transaction)?;
    transaction.execute(
        "INSERT INTO image_search (image_search) VALUES ('optimize')",
        [],
    )?;
    Ok(())
}

/// Makes `holds_text(NEEDLE, name, display_name, description, url, url_for_gpu,
/// image_spec, tags)` known to a connection: whether one of the texts of an
/// image holds the needle, which is in lower case already. It is asked before
/// the other columns of an image are read.
pub(super) fn add_function(connection: &Connection) -> Result<()> {
    connection.create_scalar_function(
        "holds_text",
        8,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        |context| {
            let text = |index: usize| {
                let value = context.get_raw(index);
                value
                    .as_str_or_null()
                    .unwrap_or_default()
                    .unwrap_or_default()
            };
            let needle = text(0);
            let holds = |text: &str| fold_case(text).contains(needle);
            if (1..6).any(|index| holds(text(index))) {
                return Ok(true);
            }
            let spec: Option<serde_json::Value> = serde_json::from_str(text(6)).ok();
            let base = spec.as_ref().and_then(|spec| spec["baseImage"].as_str());
            if base.is_some_and(holds) {
                return Ok(true);
            }
            let tags: Vec<Cow<'_, str>> = serde_json::from_str(text(7)).unwrap_or_default();
            Ok(tags.iter().any(|tag| holds(tag)))
        },
    )?;
    Ok(())
}

/// Returns the text in lower case, letter by letter: `str::to_lowercase` makes
/// of a Σ what its neighbours ask for, so that a part of a text would not be
/// found in it.
pub(super) fn fold_case(text: &str) -> Cow<'_, str> {
    let folded = |character: char| character.is_ascii() && !character.is_ascii_uppercase();
    if text.chars().all(folded) {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// Returns the query that finds every image that may hold `text`, or nothing
/// where the text is too short for the index.
pub(super) fn query(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() < 3 || characters.contains(&'\0') {
        return None;
    }
    let mut trigrams: Vec<&[char]> = Vec::new();
    for trigram in characters.windows(3) {
        if !trigrams.contains(&trigram) {
            trigrams.push(trigram);
        }
    }
    trigrams.sort_by_key(|trigram| std::cmp::Reverse(rarity(trigram)));
    let best = trigrams.first().map_or(0, |trigram| rarity(trigram));
    trigrams.retain(|trigram| rarity(trigram) * 2 >= best);
    trigrams.truncate(RAREST_TRIGRAMS);
    let quoted: Vec<String> = trigrams
        .iter()
        .map(|trigram| {
            let text: String = trigram.iter().collect();
            format!("\"{}\"", text.replace('"', "\"\""))
        })
        .collect();
    Some(quoted.join(" AND "))
}

/// Returns a guess of how rare a trigram is in names and descriptions of
/// images: versions and numbers tell more than words do.
fn rarity(trigram: &[char]) -> u32 {
    trigram
        .iter()
        .map(|character| match character {
            '1'..='9' => 3,
            // Numbers are often filled up with it.
            '0' => 2,
            'j' | 'q' | 'x' | 'z' | 'k' | 'v' | 'w' | 'y' => 2,
            'J' | 'Q' | 'X' | 'Z' | 'K' | 'V' | 'W' | 'Y' => 2,
            'b' | 'f' | 'h' | 'p' | 'u' | '@' | '_' | '+' => 1,
            character if !character.is_ascii() => 4,
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_not_looked_up_in_the_index() {
        assert_eq!(query("ab"), None);
        assert_eq!(query("a\0bc"), None);
        assert_eq!(query("é1"), None);
    }

    #[test]
    fn the_indexed_text_has_the_trigrams_of_the_whole_text() {
        let check = |parts: [&str; 4]| {
            let [name, display_name, url, url_for_gpu] = parts.map(str::to_owned);
            let config = ImageConfig {
                name,
                display_name,
                url: Some(url),
                url_for_gpu: Some(url_for_gpu),
                tags: vec!["py".to_owned(), "python".to_owned(), "pyt".to_owned()],
                ..ImageConfig::default()
            };
            let indexed = indexed_text(&config);
            for part in config.search_parts() {
                let characters: Vec<char> = part.chars().collect();
                for trigram in characters.windows(3) {
                    let trigram: String = trigram.iter().collect();
                    assert!(
                        indexed.contains(&trigram),
                        "{trigram:?} of {part:?} in {indexed:?}"
                    );
                }
            }
        };
        check(["base", "base", "quay.io/a/base:1", "quay.io/a/base:1-gpu"]);
        check(["base", "The base", "quay.io/a/base:1", "quay.io/a/base:1"]);
        check(["é", "éà", "ünï/code:1", "ünï/cödé:12"]);
        check(["a", "b", "a", "ab"]);
        check(["abc", "xabcx", "abcd", "bcde"]);
    }

    #[test]
    fn quotes_are_literal() {
        assert_eq!(query("a\"b").as_deref(), Some("\"a\"\"b\""));
        assert_eq!(query("%_*").as_deref(), Some("\"%_*\""));
    }

    #[test]
    fn a_long_text_is_looked_up_by_its_rarest_trigrams() {
        let query = query("registry.example.com/team-61/notebook-61234").expect("long enough");
        assert_eq!(query.matches(" AND ").count(), RAREST_TRIGRAMS - 1);
        assert!(
            query.contains("\"612\"") && query.contains("\"234\""),
            "{query}"
        );
    }
}
