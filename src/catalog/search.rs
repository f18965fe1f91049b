//! The search index: keeping it true, and asking it.

use rusqlite::{Connection, Transaction};

use super::error::Result;
use super::images;

/// The most trigrams of a search that the index is asked for. Every further
/// one costs a list to read, and what is found is compared with the text of
/// the image anyway.
const MOST_TRIGRAMS: usize = 8;

/// Adds an image's text to the index.
pub(super) fn add(connection: &Connection, id: i64, text: &str) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO image_search (rowid, text) VALUES (?1, ?2)")?
        .execute((id, text))?;
    Ok(())
}

/// Takes an image's text, just as it was added, out of the index.
pub(super) fn remove(connection: &Connection, id: i64, text: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO image_search (image_search, rowid, text) VALUES ('delete', ?1, ?2)",
        )?
        .execute((id, text))?;
    Ok(())
}

/// Fills the empty index from the images.
pub(super) fn fill(transaction: &Transaction<'_>) -> Result<()> {
    images::for_each_search_text(transaction, |id, text| add(transaction, id, text))
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

/// Returns the query that finds every image that may hold `text`, or nothing
/// where the text is too short for the index.
pub(super) fn query(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() < 3 || characters.contains(&'\0') {
        return None;
    }
    let mut trigrams: Vec<&[char]> = characters.windows(3).collect();
    trigrams.sort_by_key(|trigram| std::cmp::Reverse(rarity(trigram)));
    trigrams.dedup();
    trigrams.truncate(MOST_TRIGRAMS);
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
            '0'..='9' => 3,
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
    fn quotes_are_literal() {
        assert_eq!(query("a\"b").as_deref(), Some("\"a\"\"b\""));
        assert_eq!(query("%_*").as_deref(), Some("\"%_*\""));
    }

    #[test]
    fn a_long_text_is_looked_up_by_its_rarest_trigrams() {
        let query = query("registry.example.com/team-61/notebook-61234").expect("long enough");
        assert_eq!(query.matches(" AND ").count(), MOST_TRIGRAMS - 1);
        assert!(
            query.contains("\"612\"") && query.contains("\"234\""),
            "{query}"
        );
    }
}
