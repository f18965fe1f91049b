//! Rules that keep tags as they are, and which tags they are about.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::lenient;

/// A rule of a project that lets tags neither move nor go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ImmutableRule {
    pub id: i64,
    #[serde(deserialize_with = "lenient")]
    pub disabled: bool,
    #[serde(deserialize_with = "lenient")]
    pub tag_selectors: Vec<Selector>,
    /// Under `repository`.
    #[serde(deserialize_with = "lenient")]
    pub scope_selectors: BTreeMap<String, Vec<Selector>>,
}

/// What names must look like, or must not.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// `matches` or `excludes`; of repositories `repoMatches` or `repoExcludes`.
    #[serde(deserialize_with = "lenient")]
    pub decoration: String,
    #[serde(deserialize_with = "lenient")]
    pub pattern: String,
}

impl Selector {
    fn excludes(&self) -> bool {
        self.decoration.to_ascii_lowercase().ends_with("excludes")
    }

    fn fits(&self, name: &str) -> bool {
        let fits = alternatives(&self.pattern)
            .iter()
            .any(|pattern| fits(pattern.as_bytes(), name.as_bytes()));
        fits != self.excludes()
    }

    fn words(&self) -> String {
        let but = if self.excludes() { "all but " } else { "" };
        format!("{but}`{}`", self.pattern)
    }
}

impl ImmutableRule {
    fn repositories(&self) -> &[Selector] {
        self.scope_selectors
            .get("repository")
            .map_or(&[], Vec::as_slice)
    }

    /// Returns whether it is about a tag of a repository, which is named without its
    /// project.
    #[must_use]
    pub fn is_about(&self, repository: &str, tag: &str) -> bool {
        !self.disabled
            && self.repositories().iter().all(|one| one.fits(repository))
            && self.tag_selectors.iter().all(|one| one.fits(tag))
    }

    /// Returns what it says: "the tags `v*` of the repositories `**`".
    #[must_use]
    pub fn words(&self) -> String {
        let words = |selectors: &[Selector]| {
            let words: Vec<String> = selectors.iter().map(Selector::words).collect();
            words.join(" and ")
        };
        format!(
            "the tags {} of the repositories {}",
            words(&self.tag_selectors),
            words(self.repositories())
        )
    }
}

/// The most patterns that one with braces is taken apart into.
const MOST: usize = 64;

/// Returns the patterns that one with `{a,b}` stands for; braces within braces are taken
/// as they are.
fn alternatives(pattern: &str) -> Vec<String> {
    let parts = pattern.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        Some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else {
        return vec![pattern.to_owned()];
    };
    let ends = alternatives(after);
    let all = inner
        .split(',')
        .flat_map(|one| ends.iter().map(move |end| format!("{before}{one}{end}")));
    all.take(MOST).collect()
}

/// Returns whether a name fits a pattern: `*` and `?` stand for anything but a slash,
/// `**` for that, too.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    // The places of the pattern that can be reached after each byte of the name: time
    // and room are bounded, whatever the pattern.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    let skip_stars = |reached: &mut Vec<bool>| {
        for at in 0..pattern.len() {
            if reached[at] && pattern[at] == b'*' {
                reached[at + 1] = true;
            }
        }
    };
    skip_stars(&mut reached);
    for &byte in name {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|&at| reached[at]) {
            match pattern[at] {
                b'*' => {
                    let is_double =
                        pattern.get(at + 1) == Some(&b'*') || (at > 0 && pattern[at - 1] == b'*');
                    next[at] |= is_double || byte != b'/';
                }
                b'?' => next[at + 1] |= byte != b'/',
                one => next[at + 1] |= one == byte,
            }
        }
        reached = next;
        skip_stars(&mut reached);
    }
    reached[pattern.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_harbor() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let selector = Selector {
                decoration: "matches".to_owned(),
                pattern: pattern.to_owned(),
            };
            assert_eq!(selector.fits(name), expected, "{pattern} {name}");
        };
        check("**", "", true);
        check("**", "team/app", true);
        check("*", "team/app", false);
        check("team/*", "team/app", true);
        check("team/**", "team/a/b", true);
        check("v*", "v1.2", true);
        check("v*", "1.2", false);
        check("v?.?", "v1.2", true);
        check("v?.?", "v1.20", false);
        check("{v*,release-*}", "release-3", true);
        check("{v*,release-*}-x", "v1-x", true);
        check("{v*,release-*}-x", "v1", false);
        check("a{", "a{", true);
        check("*a*a*a*a*a*a*a*a*b", &"a".repeat(200), false);
    }

    #[test]
    fn a_rule_says_what_it_is_about() {
        let text = r#"{"id":3,"disabled":false,
            "tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"v*"}],
            "scope_selectors":{"repository":[
                {"kind":"doublestar","decoration":"repoExcludes","pattern":"tmp/**"}]}}"#;
        let rule: ImmutableRule = serde_json::from_str(text).expect("a rule");
        assert!(rule.is_about("app", "v1"));
        assert!(!rule.is_about("tmp/app", "v1"));
        assert!(!rule.is_about("app", "1"));
        assert_eq!(
            rule.words(),
            "the tags `v*` of the repositories all but `tmp/**`"
        );
    }
}
