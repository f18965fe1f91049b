//! Names of projects and repositories, and how users write them.

use thiserror::Error;

use crate::domain::reference::{Digest, Registry, Repository, Tag};

/// Why a text names nothing in Harbor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}`: {rule}")]
pub struct PlaceError {
    pub text: String,
    pub rule: String,
}

/// A repository of a project, and perhaps what is meant of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarborPlace {
    /// The server, where it was named.
    pub registry: Option<Registry>,
    /// What its address says of TLS; unset where only a host was named, or none.
    pub tls: Option<bool>,
    pub project: String,
    /// Without the project; it may have slashes.
    pub repository: String,
    pub tag: Option<Tag>,
    pub digest: Option<Digest>,
}

impl HarborPlace {
    /// Reads `[HOST/]PROJECT/REPOSITORY[:TAG][@DIGEST]`. A first part is a host where an
    /// address begins with it (`https://`), where it is `server`, has a port, is
    /// `localhost`, or has a dot and at least two more parts follow: projects may have
    /// dots, too.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str, server: Option<&Registry>) -> Result<Self, PlaceError> {
        Self::parse_with(text, server, |_| true)
    }

    /// Reads a place as [`HarborPlace::parse`] does, only that a first part with a dot is
    /// a host where `is_host` says so.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse_with(
        text: &str,
        server: Option<&Registry>,
        is_host: impl FnOnce(&Registry) -> bool,
    ) -> Result<Self, PlaceError> {
        let wrong = |rule: &str| PlaceError {
            text: text.chars().take(200).collect(),
            rule: rule.to_owned(),
        };
        let (tls, bare) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
            _ => (None, text),
        };
        let (name, digest) = match bare.split_once('@') {
            Some((name, digest)) => {
                let digest = digest
                    .parse::<Digest>()
                    .map_err(|error| wrong(&error.to_string()))?;
                (name, Some(digest))
            }
            None => (bare, None),
        };
        let end = name.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match name[end..].find(':') {
            Some(colon) => {
                let (name, tag) = (&name[..end + colon], &name[end + colon + 1..]);
                let tag = tag
                    .parse::<Tag>()
                    .map_err(|error| wrong(&error.to_string()))?;
                (name, Some(tag))
            }
            None => (name, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((host, path)) if tls.is_some() || is_certain(host, server) => {
                // The usual port is left out, as it is in references.
                let usual = if tls == Some(false) { ":80" } else { ":443" };
                let short = host.strip_suffix(usual).filter(|_| tls.is_some());
                let host = short.unwrap_or(host).parse::<Registry>();
                (Some(host.map_err(|error| wrong(&error.to_string()))?), path)
            }
            Some((host, path)) if host.contains('.') && path.contains('/') => {
                let host = host.parse::<Registry>();
                let host = host.map_err(|error| wrong(&error.to_string()))?;
                match is_host(&host) {
                    true => (Some(host), path),
                    false => (None, name),
                }
            }
            _ => (None, name),
        };
        let Some((project, repository)) = path.split_once('/') else {
            return Err(wrong("name it as PROJECT/REPOSITORY"));
        };
        path.parse::<Repository>()
            .map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            registry,
            tls,
            project: project.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }

    /// Returns `PROJECT/REPOSITORY`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.project, self.repository)
    }

    /// Returns what names one artifact: its digest, or else a tag.
    #[must_use]
    pub fn identifier(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => "latest".to_owned(),
        }
    }
}

/// Returns whether something can only be a host.
fn is_certain(host: &str, server: Option<&Registry>) -> bool {
    server.is_some_and(|server| server.to_string() == host)
        || host.contains(':')
        || host == "localhost"
}

/// Checks the name of a project (Harbor: `^[a-z0-9]+(?:[._-][a-z0-9]+)*$`, at most 255).
///
/// # Errors
/// The rule that it breaks.
pub fn project_name(name: &str) -> Result<(), PlaceError> {
    let is_name = name.len() <= 255 && !name.contains('/') && name.parse::<Repository>().is_ok();
    if is_name {
        return Ok(());
    }
    Err(PlaceError {
        text: name.chars().take(200).collect(),
        rule: "a project's name is of lower-case letters and digits, with `.`, `_` and `-` \
               between them, and at most 255 characters long"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String, String, String) {
        let server = "harbor.example.com".parse().expect("a registry");
        let place = HarborPlace::parse(text, Some(&server)).expect("a place");
        let host = place.registry.as_ref().map(ToString::to_string);
        (
            host,
            place.project.clone(),
            place.repository.clone(),
            place.identifier(),
        )
    }

    #[test]
    fn hosts_are_told_from_projects() {
        let check = |text: &str, host: Option<&str>, project: &str, repository: &str| {
            let found = parsed(text);
            let wanted = (
                host.map(str::to_owned),
                project.to_owned(),
                repository.to_owned(),
            );
            assert_eq!((found.0, found.1, found.2), wanted, "{text}");
        };
        check("apps/cool", None, "apps", "cool");
        check("my.apps/cool", None, "my.apps", "cool");
        check("apps/team/cool", None, "apps", "team/cool");
        let server = Some("harbor.example.com");
        check("harbor.example.com/apps/cool", server, "apps", "cool");
        check(
            "https://harbor.example.com/apps/cool",
            server,
            "apps",
            "cool",
        );
        check("h.example/apps/cool", Some("h.example"), "apps", "cool");
        check("localhost/apps/cool", Some("localhost"), "apps", "cool");
        check(
            "127.0.0.1:8080/apps/a/b",
            Some("127.0.0.1:8080"),
            "apps",
            "a/b",
        );
    }

    #[test]
    fn a_dot_makes_a_host_only_of_what_is_known_to_be_one() {
        let server: Registry = "harbor.example.com".parse().expect("a registry");
        let check = |text: &str, host: Option<&str>, path: &str| {
            let known = |host: &Registry| host.to_string() == "other.example.com";
            let place = HarborPlace::parse_with(text, Some(&server), known).expect(text);
            let found = place.registry.as_ref().map(ToString::to_string);
            assert_eq!(
                (found.as_deref(), place.path().as_str()),
                (host, path),
                "{text}"
            );
        };
        check("my.apps/team/web", None, "my.apps/team/web");
        check("my.apps/web", None, "my.apps/web");
        let other = Some("other.example.com");
        check("other.example.com/apps/x", other, "apps/x");
        check("https://my.apps/team/web", Some("my.apps"), "team/web");
        check("my.apps:443/team/web", Some("my.apps:443"), "team/web");
        let server = Some("harbor.example.com");
        check(
            "harbor.example.com/my.apps/team/web",
            server,
            "my.apps/team/web",
        );
    }

    #[test]
    fn an_address_says_whether_there_is_tls() {
        let check = |text: &str, tls: Option<bool>, host: &str| {
            let place = HarborPlace::parse(text, None).expect(text);
            let found = place.registry.map(|host| host.to_string());
            assert_eq!((place.tls, found.as_deref()), (tls, Some(host)), "{text}");
        };
        check(
            "https://127.0.0.1:5000/apps/x",
            Some(true),
            "127.0.0.1:5000",
        );
        check("http://h.example/apps/x:1", Some(false), "h.example");
        check("HTTPS://h.example:443/apps/x", Some(true), "h.example");
        check("http://h.example:80/apps/x", Some(false), "h.example");
        check("http://h.example:443/apps/x", Some(false), "h.example:443");
        check("h.example:443/apps/x", None, "h.example:443");
        for bad in [
            "https://h.example/web",
            "https://apps",
            "ftp://h.example/apps/x",
        ] {
            assert!(HarborPlace::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_and_digests_are_read() {
        assert_eq!(parsed("apps/cool").3, "latest");
        assert_eq!(parsed("apps/cool:4.2").3, "4.2");
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(parsed(&format!("apps/cool:4.2@{digest}")).3, digest);
        for bad in [
            "apps",
            "apps/",
            "/cool",
            "apps/Cool",
            "apps/cool:-",
            "apps/cool@sha256:1",
            "",
        ] {
            assert!(HarborPlace::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn projects_follow_harbors_rule() {
        assert_eq!(project_name("my.apps-2"), Ok(()));
        for bad in ["", "A", "a/b", "-a", "a b"] {
            assert!(project_name(bad).is_err(), "{bad}");
        }
    }
}
