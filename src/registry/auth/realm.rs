//! Which token services are asked: a registry may name any, and what it names
//! would be given the password.

use reqwest::Url;

use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::registry::error::{Error, Reason, Result};
use crate::registry::transport::same_origin;

/// Registries whose tokens are known to be given by another host.
const KNOWN: [(&str, &str); 2] = [
    ("docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
];

/// Returns the address of the token service that a registry names.
///
/// `base` is the address of the registry, `pinned` what the config allows.
///
/// # Errors
/// Where it is not the registry's own host, a known pair, or pinned; nothing is
/// sent then.
pub fn check(
    realm: Option<&str>,
    (registry, base): (&Registry, &Url),
    pinned: Option<&str>,
    attempt: &str,
) -> Result<Url> {
    let denied = |cause: String| Error::new(Reason::Denied, attempt).because(cause);
    let Some(realm) = realm else {
        return Err(denied(format!(
            "`{registry}` asks for a token and does not say whose"
        )));
    };
    let parsed = Url::parse(realm).or_else(|_| base.join(realm)).ok();
    let Some(mut url) = parsed.filter(|url| url.host_str().is_some()) else {
        let shown = shorten(realm);
        return Err(denied(format!(
            "`{registry}` names `{shown}` as its token service"
        )));
    };
    let clean = url.set_username("").is_ok() && url.set_password(None).is_ok();
    url.set_fragment(None);
    let host = url.host_str().unwrap_or_default();
    let by_tls = url.scheme() == "https";
    let own = base.host_str() == Some(host) && (by_tls || url.scheme() == base.scheme());
    let name = registry.to_string();
    let known = by_tls && url.port().is_none() && KNOWN.contains(&(name.as_str(), host));
    let pinned = pinned
        .and_then(|pinned| Url::parse(pinned).ok())
        .is_some_and(|pinned| same_origin(&pinned, &url));
    let is_http = by_tls || url.scheme() == "http";
    if clean && is_http && (own || known || pinned) {
        return Ok(url);
    }
    let origin = url.origin().ascii_serialization();
    let cause = format!(
        "`{registry}` wants its password given to `{origin}`, which is another host or has no TLS; \
         nothing was sent"
    );
    Err(denied(cause).hint(format!(
        "if that is right, add to the config file: `[registry.\"{registry}\"]`, \
         `realm = \"{origin}\"`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` is the address that is asked, empty where none is.
    fn check_realm(registry: &str, realm: &str, pinned: Option<&str>, expected: &str) {
        let registry: Registry = registry.parse().expect("a registry");
        let scheme = if registry.is_loopback() {
            "http"
        } else {
            "https"
        };
        let base = Url::parse(&format!("{scheme}://{}/", registry.endpoint())).expect("a URL");
        let found = check(Some(realm), (&registry, &base), pinned, "cannot pull");
        match found {
            Ok(url) => assert_eq!(url.as_str(), expected, "{realm}"),
            Err(error) => {
                assert_eq!(expected, "", "{realm}: {error:?}");
                assert_eq!(error.reason, Reason::Denied);
            }
        }
    }

    #[test]
    fn only_hosts_that_the_user_trusts_are_asked_for_tokens() {
        let own = "registry.example.com";
        check_realm(
            own,
            "https://registry.example.com/t",
            None,
            "https://registry.example.com/t",
        );
        check_realm(
            own,
            "https://registry.example.com:8443/t",
            None,
            "https://registry.example.com:8443/t",
        );
        check_realm(own, "/token", None, "https://registry.example.com/token");
        check_realm(
            own,
            "https://me:secret@registry.example.com/t",
            None,
            "https://registry.example.com/t",
        );
        for hostile in [
            "https://evil.example.org/t",
            "http://registry.example.com/t",
            "https://registry.example.com.evil.org/t",
            "https://registry.example.com@evil.org/t",
            "https://auth.docker.io/token",
            "file:///etc/passwd",
            "//evil.org/t",
            "https:///",
        ] {
            check_realm(own, hostile, None, "");
        }
        check_realm(
            "docker.io",
            "https://auth.docker.io/token",
            None,
            "https://auth.docker.io/token",
        );
        check_realm("docker.io", "http://auth.docker.io/token", None, "");
        check_realm("docker.io", "https://auth.docker.io:8/token", None, "");
        check_realm(
            "registry.gitlab.com",
            "https://gitlab.com/jwt/auth",
            None,
            "https://gitlab.com/jwt/auth",
        );
        let pinned = Some("https://auth.example.com");
        check_realm(
            own,
            "https://auth.example.com/t?a=b",
            pinned,
            "https://auth.example.com/t?a=b",
        );
        check_realm(own, "https://auth.example.com:8/t", pinned, "");
        check_realm(own, "http://auth.example.com/t", pinned, "");
        check_realm(
            "localhost:5000",
            "http://localhost:5001/t",
            None,
            "http://localhost:5001/t",
        );
        check_realm("localhost:5000", "http://127.0.0.1:5001/t", None, "");
    }

    #[test]
    fn the_message_shows_the_line_to_add() {
        let registry: Registry = "registry.example.com".parse().expect("a registry");
        let base = Url::parse("https://registry.example.com/").expect("a URL");
        let error = check(
            Some("https://evil.org/t?x"),
            (&registry, &base),
            None,
            "cannot pull",
        );
        let hint = error.expect_err("refused").hint.expect("a hint");
        assert_eq!(
            hint,
            "if that is right, add to the config file: `[registry.\"registry.example.com\"]`, \
             `realm = \"https://evil.org\"`"
        );
    }
}
