//! What a registry asks for when it answers 401: the header `WWW-Authenticate`
//! (RFC 9110, section 11.6.1).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer {
        /// Where tokens are given; it may be missing.
        realm: Option<String>,
        service: Option<String>,
        scope: Option<String>,
        /// Such as `insufficient_scope`.
        error: Option<String>,
    },
}

/// Returns the first challenge that can be answered; a token is preferred to a
/// password.
pub fn of(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = None;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        for challenge in value.to_str().map(parse).unwrap_or_default() {
            match challenge {
                Challenge::Bearer { .. } => return Some(challenge),
                Challenge::Basic => found = Some(challenge),
            }
        }
    }
    found
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut scheme = String::new();
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|one: char| one == '=' || one == ',' || one.is_whitespace())
            .unwrap_or(rest.len());
        let word = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        if let Some(after) = rest.strip_prefix('=').filter(|_| !word.is_empty()) {
            let (value, after) = value_of(after.trim_start());
            parameters.push((word, value));
            rest = after;
        } else if !word.is_empty() {
            challenges.extend(challenge(&scheme, &mut parameters));
            scheme = word;
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
        // Whatever cannot be read is passed over.
        rest = rest.strip_prefix('=').unwrap_or(rest);
    }
    challenges.extend(challenge(&scheme, &mut parameters));
    challenges
}

/// Reads a token or a quoted text, and returns what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|one: char| one == ',' || one.is_whitespace());
        let (value, rest) = text.split_at(end.unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn challenge(scheme: &str, parameters: &mut Vec<(String, String)>) -> Option<Challenge> {
    let parameters = std::mem::take(parameters);
    let get = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: get("realm"),
            service: get("service"),
            scope: get("scope"),
            error: get("error"),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Challenge::Bearer {
            realm: some(realm),
            service: some(service),
            scope: some(scope),
            error: None,
        }
    }

    #[test]
    fn challenges_are_read_in_every_spelling() {
        let check =
            |text: &str, expected: &[Challenge]| assert_eq!(parse(text), expected, "{text}");
        check("Basic realm=\"a, b\"", &[Challenge::Basic]);
        check("basic", &[Challenge::Basic]);
        check(
            "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"",
            &[bearer("https://a/t", "s", "repository:a/b:pull,push")],
        );
        check(
            "BEARER Realm = https://a/t , service=s",
            &[bearer("https://a/t", "s", "")],
        );
        check("Bearer realm=\"a\\\"b\"", &[bearer("a\"b", "", "")]);
        check(
            "Negotiate, Basic realm=x, Bearer realm=y",
            &[Challenge::Basic, bearer("y", "", "")],
        );
        check("Bearer", &[bearer("", "", "")]);
        check("Bearer realm=\"unclosed", &[bearer("unclosed", "", "")]);
        check("", &[]);
        check("=,==,\"", &[]);
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=x".parse().expect("a value"));
        headers.append(WWW_AUTHENTICATE, "Bearer realm=y".parse().expect("a value"));
        assert_eq!(of(&headers), Some(bearer("y", "", "")));
    }
}
