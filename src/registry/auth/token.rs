//! The answers of token services.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// How long a token serves where its service does not say
/// (<https://distribution.github.io/distribution/spec/auth/token/>).
const USUAL: i64 = 60;

/// The longest that one is kept.
const LONGEST: i64 = 3600;

/// Seconds before its end in which a token is not used any more.
const MARGIN: i64 = 5;

/// A token, and how long it may be kept.
#[derive(Debug, Clone)]
pub struct Token {
    pub value: SecretString,
    pub lasts: Duration,
}

/// Returns the token of an answer, or what is wrong with the answer.
pub fn of(body: &[u8]) -> Result<Token, &'static str> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<SecretString>,
        access_token: Option<SecretString>,
        expires_in: Option<serde_json::Number>,
    }
    let body: Body = serde_json::from_slice(body).map_err(|_| "an answer that holds no token")?;
    let filled = |token: &SecretString| !secrecy::ExposeSecret::expose_secret(token).is_empty();
    let value = body
        .token
        .filter(filled)
        .or(body.access_token.filter(filled))
        .ok_or("an answer that holds no token")?;
    let seconds = match body.expires_in {
        None => USUAL,
        Some(number) => number.as_i64().unwrap_or(match number.as_f64() {
            Some(number) if number < 0.0 => 0,
            _ => LONGEST,
        }),
    };
    let seconds = seconds.clamp(0, LONGEST).saturating_sub(MARGIN).max(0);
    Ok(Token {
        value,
        lasts: Duration::from_secs(seconds.unsigned_abs()),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn tokens_are_found_and_their_life_is_bounded() {
        let check = |body: &str, value: &str, seconds: u64| {
            let token = of(body.as_bytes()).expect(body);
            assert_eq!(token.value.expose_secret(), value, "{body}");
            assert_eq!(token.lasts.as_secs(), seconds, "{body}");
        };
        check(r#"{"token":"a"}"#, "a", 55);
        check(r#"{"access_token":"b","expires_in":300}"#, "b", 295);
        check(r#"{"token":"","access_token":"b"}"#, "b", 55);
        check(r#"{"token":"a","expires_in":-5}"#, "a", 0);
        check(r#"{"token":"a","expires_in":3}"#, "a", 0);
        check(
            r#"{"token":"a","expires_in":99999999999999999999}"#,
            "a",
            3595,
        );
        check(
            r#"{"token":"a","expires_in":-99999999999999999999}"#,
            "a",
            0,
        );
        check(r#"{"token":"a","expires_in":1e300}"#, "a", 3595);
    }

    #[test]
    fn what_is_no_token_is_told_without_quoting_it() {
        for body in [
            "<html>",
            "{}",
            r#"{"token":null}"#,
            r#"{"token":""}"#,
            "[]",
            "",
        ] {
            assert!(of(body.as_bytes()).is_err(), "{body}");
        }
    }
}
