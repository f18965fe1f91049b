//! Answers in pages: lists that go on where the header `Link` says.

use std::collections::HashSet;

use reqwest::Url;
use serde::Deserialize;

use super::transport::{Answer, same_origin};

/// Bytes of the largest page; some registries give every tag in one.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// The most pages that are read.
const MOST: usize = 10_000;

/// The most entries of one list.
const MOST_ENTRIES: usize = 1_000_000;

/// Bytes of all pages of the largest list.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Which pages were read.
#[derive(Debug, Default)]
pub struct Pages {
    seen: HashSet<String>,
    entries: usize,
    bytes: usize,
}

impl Pages {
    /// Returns the address of the page after this one, which held so many
    /// entries; nothing where it was the last.
    ///
    /// # Errors
    /// The rule that the link breaks.
    pub fn next(&mut self, answer: &Answer, entries: usize) -> Result<Option<String>, String> {
        let Some(link) = answer
            .headers
            .get_all("link")
            .iter()
            .find_map(|value| link_of(value.to_str().ok()?))
        else {
            return Ok(None);
        };
        let url = answer.url.join(&link).ok();
        let Some(url) = url.filter(|url| same_origin(url, &answer.url)) else {
            return Err("its next page is on another host".to_owned());
        };
        self.entries += entries;
        self.bytes += answer.body.len();
        let is_new = url != answer.url && self.seen.insert(url.to_string());
        let is_short =
            self.seen.len() <= MOST && self.entries <= MOST_ENTRIES && self.bytes <= MOST_BYTES;
        if !is_new || entries == 0 || !is_short {
            return Err("its pages have no end".to_owned());
        }
        Ok(Some(with_origin(&url)))
    }
}

fn with_origin(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    url.into()
}

/// Returns the target of the link to the next page (RFC 8288).
fn link_of(value: &str) -> Option<String> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let is_next = after[..end].split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.eq_ignore_ascii_case("next")
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = &after[end..];
    }
}

/// Returns the tags of a page.
///
/// # Errors
/// The rule that it breaks.
pub fn tags_of(body: &[u8]) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Page {
        // It is `null` where every tag was deleted.
        tags: Option<Vec<String>>,
    }
    let page: Page = serde_json::from_slice(body)
        .map_err(|_| "what the registry answered is no list of tags".to_owned())?;
    Ok(page.tags.unwrap_or_default())
}

/// Returns the names of the repositories of a page.
///
/// # Errors
/// The rule that it breaks.
pub fn repositories_of(body: &[u8]) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Page {
        repositories: Option<Vec<String>>,
    }
    let page: Page = serde_json::from_slice(body)
        .map_err(|_| "what the registry answered is no list of repositories".to_owned())?;
    Ok(page.repositories.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found() {
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(link_of(value).as_deref(), expected, "{value}");
        };
        check(
            "</v2/a/tags/list?last=b>; rel=\"next\"",
            Some("/v2/a/tags/list?last=b"),
        );
        check("<a>; rel=prev, <b,c>; title=\"x\"; REL=Next", Some("b,c"));
        check("<a>; rel=\"last\"", None);
        check("<a; rel=next", None);
        check("", None);
    }

    /// Returns after how many pages of that size a list that goes on is left.
    fn pages_of(bytes: usize, entries: usize) -> usize {
        let mut headers = reqwest::header::HeaderMap::new();
        let mut answer = Answer {
            status: reqwest::StatusCode::OK,
            headers: headers.clone(),
            body: vec![b' '; bytes],
            url: Url::parse("https://h.example/v2/a/tags/list").expect("a URL"),
            words: None,
            tries: 1,
        };
        let mut pages = Pages::default();
        for count in 1.. {
            let link = format!("<?{count}>; rel=\"next\"");
            headers.insert("link", link.parse().expect("a value"));
            answer.headers.clone_from(&headers);
            match pages.next(&answer, entries) {
                Ok(next) => answer.url = Url::parse(&next.expect("a page")).expect("a URL"),
                Err(rule) => {
                    assert_eq!(rule, "its pages have no end");
                    return count;
                }
            }
        }
        0
    }

    #[test]
    fn a_list_costs_a_bounded_number_of_pages_entries_and_bytes() {
        assert_eq!(pages_of(100, 1), MOST + 1);
        assert_eq!(pages_of(100, 1000), MOST_ENTRIES / 1000 + 1);
        assert_eq!(pages_of(LARGEST, 1), MOST_BYTES / LARGEST + 1);
    }

    #[test]
    fn no_tags_are_an_empty_list() {
        assert_eq!(tags_of(br#"{"name":"a","tags":null}"#), Ok(Vec::new()));
        assert_eq!(
            tags_of(br#"{"tags":["a","b"]}"#),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        assert!(tags_of(b"<html>").is_err());
        assert!(tags_of(br#"{"tags":[1]}"#).is_err());
        assert_eq!(repositories_of(br#"{"repositories":null}"#), Ok(Vec::new()));
        assert!(repositories_of(br#"{"repositories":{}}"#).is_err());
        assert!(repositories_of(b"").is_err());
    }
}
