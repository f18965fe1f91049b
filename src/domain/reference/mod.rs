//! Image references: what people write (`alpine:3`, `localhost:5000/app@sha256:…`) as checked values.
//!
//! Here live the values and their normal form: `docker.io` and `library/` written out, hosts in lower
//! case. Every value prints as text that parses back to the same value. The grammar is in `grammar`,
//! the words about what is wrong in `error`. Not here: asking registries, credentials, the names of
//! catalog entries. Nothing in this folder does I/O.

mod error;
mod grammar;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use grammar::{Authority, Parts};

pub use error::{Part, ReferenceError};

const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_ENDPOINT: &str = "registry-1.docker.io";
const LIBRARY: &str = "library/";
const LATEST: &str = "latest";

/// An image reference: a repository of a registry, and optionally a tag, a digest or both.
///
/// `Display` prints the canonical form with registry and `library/`; see [`Reference::familiar`] for
/// the short one. Where both are there, the digest decides and the tag is only a note.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: Registry,
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// Returns the reference that `text` spells; one that names no registry is of `docker.io`.
    ///
    /// # Errors
    /// Says which part of `text` breaks which rule.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        Ok(Parts::parse(text, None)?.into_reference())
    }

    /// Returns the reference that `text` spells; one that names no registry is of `default`.
    ///
    /// Only in `docker.io` does a repository of one component get the prefix `library/`.
    ///
    /// # Errors
    /// Says which part of `text` breaks which rule.
    pub fn parse_with_default(text: &str, default: &Registry) -> Result<Self, ReferenceError> {
        Ok(Parts::parse(text, Some(default))?.into_reference())
    }

    /// Returns whether [`Reference::parse`] would accept `text`, allocating nothing if so.
    ///
    /// # Errors
    /// The same as those of [`Reference::parse`].
    pub fn check(text: &str) -> Result<(), ReferenceError> {
        Parts::parse(text, None).map(|_| ())
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns the tag a registry would be asked for: `latest` if there is neither tag nor digest,
    /// nothing if there is only a digest.
    pub fn tag_or_latest(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag.as_str()),
            (None, Some(_)) => None,
            (None, None) => Some(LATEST),
        }
    }

    /// Returns the last part of `/v2/<repository>/manifests/<identifier>`: the digest, else the tag,
    /// else `latest`.
    pub fn identifier(&self) -> &str {
        match &self.digest {
            Some(digest) => digest.as_str(),
            None => self.tag.as_ref().map_or(LATEST, Tag::as_str),
        }
    }

    /// Returns this reference with another tag; a digest stays, and still decides.
    #[must_use]
    pub fn with_tag(self, tag: Tag) -> Self {
        Self {
            tag: Some(tag),
            ..self
        }
    }

    /// Returns this reference pinned to `digest`; a tag stays.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self
        }
    }

    #[must_use]
    pub fn without_digest(self) -> Self {
        Self {
            digest: None,
            ..self
        }
    }

    /// Returns the shortest form that [`Reference::parse`] reads as this same reference: `alpine:3`
    /// for `docker.io/library/alpine:3`.
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        if !self.registry.is_docker_hub() {
            return full;
        }
        // A short form may mean something else: in `docker.io/quay.io/app` the path would become a
        // host, and `library/<64 hexadecimal digits>` an image id.
        let without_registry = &full[DOCKER_HUB.len() + "/".len()..];
        let without_library = without_registry
            .strip_prefix(LIBRARY)
            .unwrap_or(without_registry);
        [without_library, without_registry]
            .into_iter()
            .find(|short| Self::parse(short).is_ok_and(|reference| reference == *self))
            .map_or_else(|| full.clone(), str::to_owned)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(formatter, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

/// A registry: a host in lower case, and optionally a port.
///
/// A host of one word other than `localhost` always has a port. Without one, `word/app` would be read
/// back as a repository of `docker.io`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry {
    host: String,
    port: Option<u16>,
}

impl Registry {
    /// Returns `docker.io`, which `index.docker.io` and `registry-1.docker.io` are read as, too.
    pub fn docker_hub() -> Self {
        Self {
            host: DOCKER_HUB.to_owned(),
            port: None,
        }
    }

    pub fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB && self.port.is_none()
    }

    /// Returns the host in lower case, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns whether the host is this machine by its very spelling: `localhost`, an address in
    /// 127.0.0.0/8, or `[::1]`. A name such as `127.0.0.1.evil.com` is not.
    pub fn is_loopback(&self) -> bool {
        match self
            .host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(host) => host
                .parse()
                .is_ok_and(|address: Ipv6Addr| address.is_loopback()),
            None => {
                self.host == "localhost"
                    || self
                        .host
                        .parse()
                        .is_ok_and(|address: Ipv4Addr| address.is_loopback())
            }
        }
    }

    /// Returns the `host[:port]` to connect to, which for `docker.io` is another host.
    pub fn endpoint(&self) -> String {
        if self.is_docker_hub() {
            DOCKER_HUB_ENDPOINT.to_owned()
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => formatter.write_str(&self.host),
        }
    }
}

impl FromStr for Registry {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Ok(Authority::parse_alone(text)?.into_registry())
    }
}

/// A repository's path inside its registry, such as `library/alpine`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(String);

impl Repository {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    /// Returns the path exactly as written: `library/` is a matter of the registry.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        grammar::check_path(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// A tag, such as `3.20` or `latest`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    pub fn latest() -> Self {
        Self(LATEST.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        grammar::check_tag(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// A digest: an algorithm and its lower-case hexadecimal value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    text: String,
}

impl Digest {
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Returns the whole digest, `sha256:` and the hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the hexadecimal digits alone.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + ":".len()..]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Digest {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let algorithm = grammar::check_digest(text)?;
        Ok(Self {
            algorithm,
            text: text.to_owned(),
        })
    }
}

/// A hash function that digests may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    Sha256,
    Sha512,
}

impl DigestAlgorithm {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the number of hexadecimal digits in a digest of this algorithm.
    pub fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sha256() -> String {
        format!("sha256:{}", "f".repeat(64))
    }

    fn sha512() -> String {
        format!("sha512:{}", "0".repeat(128))
    }

    fn registry(text: &str) -> Registry {
        text.parse().expect("the registry is valid")
    }

    /// `expected` holds the registry, the path, the tag and the digest; an empty one stands for none.
    fn check_accepted(input: &str, expected: [&str; 4]) {
        let reference = Reference::parse(input).unwrap_or_else(|error| panic!("{error}"));
        let found = [
            reference.registry().to_string(),
            reference.repository().to_string(),
            reference.tag().map(Tag::to_string).unwrap_or_default(),
            reference
                .digest()
                .map(Digest::to_string)
                .unwrap_or_default(),
        ];
        assert_eq!(found, expected, "{input}");
        check_round_trip(&reference);
    }

    fn check_round_trip(reference: &Reference) {
        for printed in [reference.to_string(), reference.familiar()] {
            assert_eq!(Reference::parse(&printed).as_ref(), Ok(reference));
            assert_eq!(Reference::check(&printed), Ok(()));
        }
        let full = reference.to_string();
        let elsewhere = Reference::parse_with_default(&full, &registry("quay.io"));
        assert_eq!(elsewhere.as_ref(), Ok(reference));
        let printed = reference.registry().to_string();
        assert_eq!(printed.parse().as_ref(), Ok(reference.registry()));
        let printed = reference.repository().to_string();
        assert_eq!(printed.parse().as_ref(), Ok(reference.repository()));
    }

    fn check_rejected(input: &str, part: Part, message: &str) {
        let error = Reference::parse(input).expect_err(input);
        assert_eq!(error.part(), part, "{input:?}: {error}");
        assert!(error.to_string().contains(message), "{input:?}: {error}");
        assert_eq!(Reference::check(input), Err(error));
    }

    fn check_hint(error: &ReferenceError, expected: &str) {
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains(expected), "{error}: {hint}");
    }

    fn check_refused(input: &str, message: &str, hint: &str) {
        let error = Reference::parse(input).expect_err(input);
        assert_eq!(error.to_string(), message, "{input:?}");
        check_hint(&error, hint);
    }

    #[test]
    fn references_of_the_grammar_are_accepted() {
        let (sha256, sha512) = (sha256(), sha512());
        let (sha256, sha512) = (sha256.as_str(), sha512.as_str());
        let long_tag = "t".repeat(128);
        let long_path = "a".repeat(255);
        let image_id = "0123456789abcdef".repeat(4);
        let hub_path = format!("library/{}", "a".repeat(247));
        let hex_path = format!("library/{image_id}");

        check_accepted("alpine", ["docker.io", "library/alpine", "", ""]);
        for input in [
            "docker.io/alpine",
            "index.docker.io/library/alpine",
            "registry-1.docker.io/library/alpine",
            "docker.io/library/alpine",
            "index.docker.io/alpine",
            "registry-1.docker.io/alpine",
            "Index.Docker.IO/alpine",
        ] {
            check_accepted(input, ["docker.io", "library/alpine", "", ""]);
        }
        check_accepted(
            "docker.io/library/foo/bar",
            ["docker.io", "library/foo/bar", "", ""],
        );
        check_accepted("test.com/repo:tag", ["test.com", "repo", "tag", ""]);
        check_accepted("test:5000/repo", ["test:5000", "repo", "", ""]);
        check_accepted(
            &format!("test:5000/repo:tag@{sha256}"),
            ["test:5000", "repo", "tag", sha256],
        );
        check_accepted("localhost/debian", ["localhost", "debian", "", ""]);
        check_accepted("localhost:5000/x:v1", ["localhost:5000", "x", "v1", ""]);
        check_accepted(
            "192.168.1.1:5000/repo:5050",
            ["192.168.1.1:5000", "repo", "5050", ""],
        );
        check_accepted(
            &format!("[2001:db8::1]:5000/repo:tag@{sha256}"),
            ["[2001:db8::1]:5000", "repo", "tag", sha256],
        );
        check_accepted("dock__er/docker", ["docker.io", "dock__er/docker", "", ""]);
        check_accepted(
            "docker---rules/docker",
            ["docker.io", "docker---rules/docker", "", ""],
        );
        check_accepted(
            "lowercase:Uppercase",
            ["docker.io", "library/lowercase", "Uppercase", ""],
        );
        check_accepted(
            "repo:__a--b..5__",
            ["docker.io", "library/repo", "__a--b..5__", ""],
        );
        check_accepted(
            &format!("repo:{long_tag}"),
            ["docker.io", "library/repo", &long_tag, ""],
        );
        check_accepted(
            &format!("example.com/{long_path}"),
            ["example.com", &long_path, "", ""],
        );
        check_accepted(
            &format!("repo@{sha512}"),
            ["docker.io", "library/repo", "", sha512],
        );
        check_accepted(
            "127.0.0.1.evil.com/a:t",
            ["127.0.0.1.evil.com", "a", "t", ""],
        );
        check_accepted("EXAMPLE.com/app", ["example.com", "app", "", ""]);

        // Near to what is refused.
        check_accepted("alpine:5000", ["docker.io", "library/alpine", "5000", ""]);
        check_accepted(
            "node.js:20260101",
            ["docker.io", "library/node.js", "20260101", ""],
        );
        check_accepted(
            "foo_bar.com:8080",
            ["docker.io", "library/foo_bar.com", "8080", ""],
        );
        check_accepted("localhost", ["docker.io", "library/localhost", "", ""]);
        check_accepted(
            "docker.io/library/localhost:5000",
            ["docker.io", "library/localhost", "5000", ""],
        );
        check_accepted(
            &format!("docker.io/{image_id}"),
            ["docker.io", &hex_path, "", ""],
        );
        check_accepted(
            &format!("{image_id}@{sha256}"),
            ["docker.io", &hex_path, "", sha256],
        );
        check_accepted(&hub_path[8..], ["docker.io", &hub_path, "", ""]);
        check_accepted("MyHost:5000/app", ["myhost:5000", "app", "", ""]);
        check_accepted("LOCALHOST/app", ["localhost", "app", "", ""]);
        check_accepted("[::1]/app", ["[::1]", "app", "", ""]);
        check_accepted("[2001:DB8::1]/app", ["[2001:db8::1]", "app", "", ""]);
        check_accepted("test:05000/repo", ["test:5000", "repo", "", ""]);
        check_accepted("docker.io:443/alpine", ["docker.io:443", "alpine", "", ""]);
        check_accepted(
            "xn--n3h.com/my/app:xn--n3h.com",
            ["xn--n3h.com", "my/app", "xn--n3h.com", ""],
        );
        check_accepted(
            "docker.io/library",
            ["docker.io", "library/library", "", ""],
        );
    }

    #[test]
    fn what_breaks_the_grammar_is_rejected_by_part_and_rule() {
        let digest = sha256();
        let image_id = "0123456789abcdef".repeat(4);
        let path = "lower-case ASCII letters and digits between slashes";
        let host = "each part starting and ending";

        check_rejected("", Part::Repository, "must not be empty");
        check_rejected(":justtag", Part::Repository, "must not be empty");
        check_rejected(&format!("@{digest}"), Part::Repository, "must not be empty");
        check_rejected("repo:", Part::Tag, "must not be empty");
        check_rejected("repo@", Part::Digest, "must not be empty");
        check_rejected(&format!("repo:@{digest}"), Part::Tag, "must not be empty");
        for broken in [
            "sha256:ffff".to_owned(),
            format!("{digest}f"),
            format!("{digest}@{digest}"),
            format!("md5:{}", "f".repeat(32)),
            format!("md5:{}", "f".repeat(64)),
            digest.to_uppercase(),
            digest.replace('f', "F"),
            digest.replace("sha256", "sha512"),
            digest.replace(':', ""),
            "sha256:../x".to_owned(),
            "f".repeat(64),
        ] {
            check_rejected(&format!("repo@{broken}"), Part::Digest, "`sha256:` with 64");
            assert!(broken.parse::<Digest>().is_err(), "{broken}");
        }
        for broken in [
            "Uppercase:tag",
            "docker/Docker",
            "-docker/docker",
            "docker-/docker",
            "a/image___x",
            "docker///docker",
            "foo/",
            "a/.b",
            "a/b_",
            "a/b._c",
            "a/[::1]",
        ] {
            check_rejected(broken, Part::Repository, path);
        }
        for broken in [
            "foo_bar.com:8080/app",
            "bad_host.com/app",
            "dock..er/docker",
            "../../etc/passwd",
            "/etc/passwd.d",
            "a..b/app",
            "-a.com/app",
            "a-.com/app",
            "example.com./app",
            "exämple.com/app",
            "a b.com/app",
            "a]:80/app",
            "[::1]x:80/app",
        ] {
            let part = if broken.starts_with('/') {
                Part::Repository
            } else {
                Part::Host
            };
            let rule = if broken.starts_with('/') { path } else { host };
            check_rejected(broken, part, rule);
        }
        for broken in [
            "[fe80::1%eth0]:5000/x",
            "[1::2::3]/p/i:t",
            "[::ffff:127.0.0.1]/x",
            "[::1/x",
            "[]:80/x",
            "::1/x",
        ] {
            check_rejected(broken, Part::Host, "stands in brackets, without a zone");
        }
        for port in [
            "0", "00", "65536", "99999", "", "+80", "-1", "x", "80:80", "８０",
        ] {
            check_rejected(
                &format!("a:{port}/x"),
                Part::Port,
                "a number from 1 to 65535",
            );
        }
        for tag in [
            "v１",
            ".a",
            "-a",
            "a:b",
            "a/b",
            "a b",
            "ä",
            &"t".repeat(129),
        ] {
            check_rejected(&format!("x/app:{tag}"), Part::Tag, "at most 128 characters");
            assert!(tag.parse::<Tag>().is_err(), "{tag}");
        }
        let length = "at most 255 characters";
        check_rejected(
            &format!("example.com/{}", "a".repeat(256)),
            Part::Repository,
            length,
        );
        check_rejected(&"a".repeat(248), Part::Repository, length);
        for alone in [&image_id, &digest, &sha512()] {
            check_rejected(alone, Part::Repository, "an image id or a digest alone");
        }
        check_rejected(
            "https://github.com/docker/docker",
            Part::Host,
            "a reference is not a URL",
        );
        for alone in [
            "localhost:5000",
            "192.168.0.1:80",
            "localhost:99999",
            "LOCALHOST:5000",
            "quay.io:443",
            "[::1]:5000",
            "[::1]",
        ] {
            let bare_host = "a registry host and port alone";
            check_rejected(alone, Part::Repository, bare_host);
            check_rejected(&format!("{alone}@{digest}"), Part::Repository, bare_host);
        }
    }

    #[test]
    fn a_newline_is_rejected_at_every_place() {
        for text in [
            format!("test.com:5000/repo/x:tag@{}", sha256()),
            "alpine:3".to_owned(),
            "[::1]:80/x".to_owned(),
        ] {
            for position in 0..=text.len() {
                let (before, after) = text.split_at(position);
                let broken = format!("{before}\n{after}");
                let error = Reference::parse(&broken).expect_err(&broken);
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }

    #[test]
    fn messages_name_part_value_and_rule_and_hints_what_was_meant() {
        check_refused(
            "app:v１",
            "tag `v１`: only ASCII letters, digits, `_`, `.` and `-`, not starting with `.` or `-`, \
             at most 128 characters",
            "",
        );
        check_refused("repo:", "tag: must not be empty", "");
        check_refused(
            "https://user:hunter2@github.com/docker",
            "registry host `https://`: a reference is not a URL",
            "write it without `https://`",
        );
        check_refused(
            "ü://x",
            "registry host `://`: a reference is not a URL",
            "write it without `://`",
        );
        for credentials in [
            "user:hunter2",
            "user:hun$er2",
            "user:hun/ter2",
            "user:hun@ter2",
        ] {
            check_refused(
                &format!("{credentials}@quay.io/app"),
                "registry host `quay.io/app`: a reference has no user name or password",
                "without what stands before the `@`",
            );
        }
        check_refused(
            "localhost:5000",
            "repository path `localhost:5000`: a registry host and port alone are not a repository",
            "a repository is missing: `localhost:5000/NAME`",
        );
        check_refused(
            "localhost:5000/",
            "repository path: must not be empty",
            "a repository is missing: `localhost:5000/NAME`",
        );
        for (input, hint) in [
            ("Uppercase:tag", "write it in lower case: `uppercase`"),
            ("docker/Docker", "write it in lower case: `docker/docker`"),
            ("Docker/docker", "lower case, as in `docker/…`"),
            (
                "foo_bar.com:8080/app",
                "a host has no `_`: is it `foo-bar.com`?",
            ),
            ("2001:db8::1/app", "write it as `[2001:db8::1]`"),
            (&"ab".repeat(32), "looks like an image id"),
        ] {
            check_hint(&Reference::parse(input).expect_err(input), hint);
        }
    }

    #[test]
    fn messages_are_short_and_hide_nothing_from_the_reader() {
        check_refused(
            "a/\u{1b}[31m\u{202e}b\u{200b}\n",
            &format!(
                "repository path `a/\\u{{1b}}[31m\\u{{202e}}b\\u{{200b}}\\u{{a}}`: {}",
                "only lower-case ASCII letters and digits between slashes, \
                 joined by `.`, `_`, `__` or any number of `-`"
            ),
            "",
        );
        let error = "é"
            .repeat(100_000)
            .parse::<Tag>()
            .expect_err("it is too long");
        assert!(
            error
                .to_string()
                .starts_with(&format!("tag `{}…`: ", "é".repeat(80)))
        );
        let error = "T_"
            .repeat(100_000)
            .parse::<Registry>()
            .expect_err("it has a `_`");
        assert!(error.to_string().chars().count() < 250);
        assert!(error.hint().unwrap_or_default().chars().count() < 250);
    }

    #[test]
    fn a_registry_is_accepted_only_if_a_reference_can_spell_it() {
        for (input, expected) in [
            ("docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("QUAY.io", "quay.io"),
            ("Localhost", "localhost"),
            ("myhost:5000", "myhost:5000"),
            ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
        ] {
            assert_eq!(registry(input).to_string(), expected);
        }
        for (input, message) in [
            ("", "registry host: must not be empty"),
            (":80", "registry host: must not be empty"),
            (
                "myhost",
                "registry host `myhost`: a host other than `localhost` has a `.` or a port",
            ),
            (
                "https://quay.io",
                "registry host `https://`: a reference is not a URL",
            ),
            (
                "user:hunter2@quay.io",
                "registry host `quay.io`: a reference has no user name or password",
            ),
        ] {
            let error = input.parse::<Registry>().expect_err(input);
            assert_eq!(error.to_string(), message);
        }
        assert!("quay.io/app".parse::<Registry>().is_err());
        let error = "myhost".parse::<Registry>().expect_err("it has one word");
        check_hint(&error, "`myhost:443`");
    }

    #[test]
    fn only_literal_loopback_hosts_are_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:5000", true),
            ("127.0.0.1", true),
            ("127.255.1.2:80", true),
            ("[::1]:5000", true),
            ("[0:0:0:0:0:0:0:1]", true),
            ("127.0.0.1.evil.com", false),
            ("localhost.evil.com", false),
            ("evil.localhost", false),
            ("127.1", false),
            ("0127.0.0.1", false),
            ("128.0.0.1", false),
            ("[::2]", false),
            ("[::ffff:7f00:1]", false),
            ("docker.io", false),
        ] {
            assert_eq!(registry(host).is_loopback(), expected, "{host}");
        }
    }

    #[test]
    fn docker_hub_is_reached_at_another_host() {
        for (input, endpoint) in [
            ("index.docker.io", "registry-1.docker.io"),
            ("docker.io", "registry-1.docker.io"),
            ("quay.io", "quay.io"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(registry(input).endpoint(), endpoint);
        }
        assert_eq!(
            (registry("a.b:80").host(), registry("a.b:80").port()),
            ("a.b", Some(80))
        );
    }

    #[test]
    fn the_default_registry_serves_only_references_that_name_none() {
        for (input, default, expected) in [
            ("app", "myhost:5000", "myhost:5000/app"),
            ("team/app:1", "quay.io", "quay.io/team/app:1"),
            ("docker.io/app", "quay.io", "docker.io/library/app"),
            ("app", "index.docker.io", "docker.io/library/app"),
            ("ghcr.io/app", "quay.io", "ghcr.io/app"),
        ] {
            let reference = Reference::parse_with_default(input, &registry(default))
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(reference.to_string(), expected);
            check_round_trip(&reference);
        }
        assert!(Reference::parse_with_default(&"a".repeat(255), &registry("quay.io")).is_ok());
        assert!(Reference::parse_with_default("localhost:5000", &registry("quay.io")).is_err());
    }

    #[test]
    fn the_familiar_form_is_short_only_where_it_means_the_same() {
        let image_id = format!("docker.io/library/{}", "ab".repeat(32));
        let digest_like = format!("docker.io/library/{}", sha256());
        for (input, expected) in [
            ("docker.io/library/alpine:3", "alpine:3"),
            ("docker.io/team/app", "team/app"),
            ("docker.io/library/foo/bar", "library/foo/bar"),
            ("docker.io/library/library", "library"),
            ("quay.io/team/app", "quay.io/team/app"),
            ("docker.io/quay.io/app", "docker.io/quay.io/app"),
            ("docker.io/localhost/app", "docker.io/localhost/app"),
            ("docker.io/library/localhost:5000", "library/localhost:5000"),
            (&image_id, &image_id["docker.io/".len()..]),
            (&digest_like, &digest_like["docker.io/".len()..]),
        ] {
            let reference = Reference::parse(input).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(reference.familiar(), expected);
            check_round_trip(&reference);
        }
    }

    #[test]
    fn the_digest_decides_and_latest_is_asked_for_without_any() {
        let digest: Digest = sha256().parse().expect("the digest is valid");
        assert_eq!(digest.hex(), "f".repeat(64));
        assert_eq!(digest.algorithm(), DigestAlgorithm::Sha256);
        let plain = Reference::parse("quay.io/app").expect("the reference is valid");
        let pinned = plain.clone().with_digest(digest);
        let both = pinned.clone().with_tag(Tag::latest());
        for (reference, tag, identifier) in [
            (&plain, Some("latest"), "latest"),
            (&pinned, None, sha256().as_str()),
            (&both, Some("latest"), sha256().as_str()),
            (&both.clone().without_digest(), Some("latest"), "latest"),
            (&pinned.clone().without_digest(), Some("latest"), "latest"),
        ] {
            assert_eq!(reference.tag_or_latest(), tag);
            assert_eq!(reference.identifier(), identifier);
            check_round_trip(reference);
        }
        assert_eq!(pinned.without_digest(), plain);
    }

    fn matching(pattern: &str) -> impl Strategy<Value = String> + use<> {
        prop::string::string_regex(pattern).expect("the pattern is valid")
    }

    fn any_registry() -> impl Strategy<Value = String> {
        let component = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?";
        let port = ":[1-9][0-9]{0,3}";
        prop_oneof![
            matching(&format!("{component}(\\.{component}){{1,3}}({port})?")),
            matching(&format!("{component}{port}")),
            matching(&format!(
                "\\[([0-9a-fA-F]{{1,4}}:){{7}}[0-9a-fA-F]\\]({port})?"
            )),
            matching(
                "(localhost|LocalHost|docker\\.io|INDEX\\.docker\\.io|127\\.0\\.0\\.1)(:443)?"
            ),
        ]
    }

    fn any_path() -> impl Strategy<Value = String> {
        let component = "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}";
        prop_oneof![
            matching(&format!("{component}(/{component}){{0,4}}")),
            matching("(localhost|library|quay\\.io|[0-9a-f]{64})(/app)?"),
        ]
    }

    /// A tag or none, with its `:`.
    fn any_tag() -> impl Strategy<Value = String> {
        prop_oneof!["", ":[0-9]{1,6}", ":[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"]
    }

    /// A digest or none, with its `@`.
    fn any_digest() -> impl Strategy<Value = String> {
        prop_oneof!["", "@sha256:[0-9a-f]{64}", "@sha512:[0-9a-f]{128}"]
    }

    /// Texts near the grammar, made of what its rules turn on.
    fn near_reference() -> impl Strategy<Value = String> {
        let fragment = prop_oneof![
            4 => "[aA0._:/@\\[\\]\n-]",
            1 => "[0-9a-f]{64}|sha256:[0-9a-f]{64}|@sha256:|://|é|localhost|docker\\.io|::1|library/",
        ];
        prop::collection::vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
    }

    fn check_any(text: &str) {
        let parsed = Reference::parse(text);
        assert_eq!(Reference::check(text).as_ref().err(), parsed.as_ref().err());
        match parsed {
            Ok(reference) => check_round_trip(&reference),
            Err(error) => {
                let message = format!("{error}{}", error.hint().unwrap_or_default());
                assert!(!message.chars().any(char::is_control), "{message:?}");
            }
        }
        if let Ok(registry) = text.parse::<Registry>() {
            let reference = Reference::parse_with_default("app", &registry);
            check_round_trip(&reference.unwrap_or_else(|error| panic!("{error}")));
        }
        if let Ok(reference) = Reference::parse_with_default(text, &registry("myhost:5000")) {
            check_round_trip(&reference);
        }
    }

    proptest! {
        #[test]
        fn every_reference_of_the_grammar_parses_and_prints_back(
            registry in any_registry(),
            path in any_path(),
            tag in any_tag(),
            digest in any_digest(),
        ) {
            let reference = Reference::parse(&format!("{registry}/{path}{tag}{digest}"));
            let reference = reference.unwrap_or_else(|error| panic!("{error}"));
            let registry: Registry = registry.parse().expect("the registry is valid");
            prop_assert_eq!(reference.registry(), &registry);
            prop_assert_eq!(reference.tag().map_or("", Tag::as_str), tag.trim_start_matches(':'));
            prop_assert_eq!(
                reference.digest().map_or("", Digest::as_str),
                digest.trim_start_matches('@')
            );
            check_round_trip(&reference);
            for digest_less in [reference.clone().without_digest(), reference.with_tag(Tag::latest())] {
                check_round_trip(&digest_less);
            }
            check_any(&format!("{path}{tag}{digest}"));
        }

        #[test]
        fn any_text_parses_and_prints_back_or_is_refused(text in any::<String>()) {
            check_any(&text);
        }

        #[test]
        fn any_text_near_the_grammar_parses_and_prints_back_or_is_refused(text in near_reference()) {
            check_any(&text);
        }

        #[test]
        fn lengths_are_limited_exactly(length in 0..400_usize) {
            let letters = "a".repeat(length);
            let is_accepted = |text: &str| Reference::check(text).is_ok();
            prop_assert_eq!(is_accepted(&format!("quay.io/{letters}")), (1..=255).contains(&length));
            // Sixty-four times `a` alone is an image id, and `a…:t` is not.
            prop_assert_eq!(is_accepted(&format!("{letters}:t")), (1..=247).contains(&length));
            prop_assert_eq!(is_accepted(&format!("a:{letters}")), (1..=128).contains(&length));
            prop_assert_eq!(is_accepted(&format!("a@sha256:{letters}")), length == 64);
            prop_assert_eq!(is_accepted(&format!("a@sha512:{letters}")), length == 128);
        }
    }
}
