//! The grammar of references: which texts are one, and where its parts begin and end.
//!
//! It is that of <https://github.com/distribution/reference>, made stricter where the same text means
//! different things to different tools. Everything here borrows from the text, looks at each byte a
//! bounded number of times, and allocates only to say what is wrong. Not here: the values that are
//! kept, which are in `super`.

use std::net::Ipv6Addr;

use super::error::shown;
use super::{DOCKER_HUB, DOCKER_HUB_ENDPOINT, LIBRARY};
use super::{Digest, DigestAlgorithm, Part, Reference, ReferenceError, Registry, Repository, Tag};

const DOCKER_HUB_NAMES: [&str; 3] = [DOCKER_HUB, "index.docker.io", DOCKER_HUB_ENDPOINT];
const ALGORITHMS: [DigestAlgorithm; 2] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512];
const LOCALHOST: &str = "localhost";
const MAX_PATH_LENGTH: usize = 255;
const MAX_TAG_LENGTH: usize = 128;
const MAX_PORT_DIGITS: usize = 5;
const IMAGE_ID_LENGTH: usize = 64;

const NOT_EMPTY: &str = "must not be empty";
const HOST_RULE: &str = "only ASCII letters, digits and `-` between dots, \
                         each part starting and ending with a letter or digit";
const ONE_WORD_RULE: &str = "a host other than `localhost` has a `.` or a port";
const IPV6_RULE: &str = "an IPv6 address stands in brackets, without a zone";
const SCHEME_RULE: &str = "a reference is not a URL";
const CREDENTIALS_RULE: &str = "a reference has no user name or password";
const PORT_RULE: &str = "a number from 1 to 65535";
const PATH_RULE: &str = "only lower-case ASCII letters and digits between slashes, \
                         joined by `.`, `_`, `__` or any number of `-`";
const PATH_LENGTH_RULE: &str = "at most 255 characters, with the `library/` of `docker.io`";
const IMAGE_ID_RULE: &str = "an image id or a digest alone is not a repository";
const BARE_HOST_RULE: &str = "a registry host and port alone are not a repository";
const TAG_RULE: &str = "only ASCII letters, digits, `_`, `.` and `-`, \
                        not starting with `.` or `-`, at most 128 characters";
const DIGEST_RULE: &str = "`sha256:` with 64 or `sha512:` with 128 lower-case hexadecimal digits";

/// The parts of a valid reference, borrowed from its text.
pub(super) struct Parts<'a> {
    /// Nothing if the text names no registry; then it is that of `default`.
    registry: Option<Authority<'a>>,
    /// Nothing for `docker.io`.
    default: Option<&'a Registry>,
    path: &'a str,
    /// Whether `library/` belongs before the path.
    in_library: bool,
    tag: Option<&'a str>,
    digest: Option<(DigestAlgorithm, &'a str)>,
}

impl<'a> Parts<'a> {
    pub(super) fn parse(
        text: &'a str,
        default: Option<&'a Registry>,
    ) -> Result<Self, ReferenceError> {
        refuse_scheme(text)?;
        // The digest is judged first: what stands before an `@` may be a password, and must not be
        // quoted by the message about another part.
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(parse_digest(text, digest)?)),
            None => (text, None),
        };
        let (registry, remainder) = match name.split_once('/') {
            Some((first, remainder)) if names_registry(first) => {
                (Some(Authority::parse_before(first, remainder)?), remainder)
            }
            _ => (None, name),
        };
        let (path, tag) = match remainder.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (remainder, None),
        };
        if registry.is_none() {
            refuse_lookalikes(text, path, tag)?;
        }
        let is_docker_hub = match &registry {
            Some(authority) => authority.is_docker_hub(),
            None => default.is_none_or(Registry::is_docker_hub),
        };
        let in_library = is_docker_hub && !path.contains('/');
        check_path(path)?;
        if in_library && LIBRARY.len() + path.len() > MAX_PATH_LENGTH {
            return Err(path_too_long(path));
        }
        tag.map_or(Ok(()), check_tag)?;
        Ok(Self {
            registry,
            default,
            path,
            in_library,
            tag,
            digest,
        })
    }

    pub(super) fn into_reference(self) -> Reference {
        let prefix = if self.in_library { LIBRARY } else { "" };
        Reference {
            registry: match self.registry {
                Some(authority) => authority.into_registry(),
                None => self.default.cloned().unwrap_or_else(Registry::docker_hub),
            },
            repository: Repository([prefix, self.path].concat()),
            tag: self.tag.map(|tag| Tag(tag.to_owned())),
            digest: self.digest.map(|(algorithm, text)| Digest {
                algorithm,
                text: text.to_owned(),
            }),
        }
    }
}

/// A valid `host[:port]`, as written.
pub(super) struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses a text that is nothing but a registry.
    pub(super) fn parse_alone(text: &'a str) -> Result<Self, ReferenceError> {
        refuse_scheme(text)?;
        if text.contains('@') {
            return Err(credentials_error(text));
        }
        let authority = Self::parse(text)?;
        if authority.is_ambiguous() {
            let hint = format!("add its port, as in `{}:443`", shown(text));
            return Err(ReferenceError::new(Part::Host, text, ONE_WORD_RULE).with_hint(hint));
        }
        Ok(authority)
    }

    /// Parses the registry `first` of a reference that goes on with `/` and `remainder`.
    fn parse_before(first: &'a str, remainder: &str) -> Result<Self, ReferenceError> {
        let authority = Self::parse(first)?;
        if authority.is_ambiguous() {
            let hint = format!(
                "write a repository in lower case, as in `{0}/…`, and a host of one word with its \
                 port, as in `{1}:443/…`",
                shown(&first.to_ascii_lowercase()),
                shown(first),
            );
            return Err(ReferenceError::new(Part::Host, first, ONE_WORD_RULE).with_hint(hint));
        }
        if remainder.is_empty() {
            return Err(ReferenceError::new(Part::Repository, "", NOT_EMPTY)
                .with_hint(repository_missing(first)));
        }
        Ok(authority)
    }

    fn parse(text: &'a str) -> Result<Self, ReferenceError> {
        let host_length = if text.starts_with('[') {
            text.find(']').map(|bracket| bracket + 1)
        } else {
            text.find(':')
        };
        let (host, rest) = text.split_at(host_length.unwrap_or(text.len()));
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port).ok_or_else(|| {
                if text.parse::<Ipv6Addr>().is_ok() {
                    return ReferenceError::new(Part::Host, text, IPV6_RULE)
                        .with_hint(format!("write it as `[{text}]`"));
                }
                ReferenceError::new(Part::Port, port, PORT_RULE)
            })?),
            None if rest.is_empty() => None,
            None => return Err(ReferenceError::new(Part::Host, text, HOST_RULE)),
        };
        check_host(host)?;
        Ok(Self { host, port })
    }

    /// Returns whether this, once in lower case, would be read as the first part of a path.
    fn is_ambiguous(&self) -> bool {
        self.port.is_none()
            && !self.host.contains(['.', ':'])
            && !self.host.eq_ignore_ascii_case(LOCALHOST)
    }

    fn is_docker_hub(&self) -> bool {
        let is_host = |name: &&str| self.host.eq_ignore_ascii_case(name);
        self.port.is_none() && DOCKER_HUB_NAMES.iter().any(is_host)
    }

    pub(super) fn into_registry(self) -> Registry {
        if self.is_docker_hub() {
            return Registry::docker_hub();
        }
        Registry {
            host: self.host.to_ascii_lowercase(),
            port: self.port,
        }
    }
}

/// Returns whether the text before the first `/` is a registry, or already part of the path.
///
/// Upper case is not allowed in a path, so it makes a host (`splitDockerDomain` in
/// `distribution/reference`).
fn names_registry(first: &str) -> bool {
    first == LOCALHOST
        || first
            .bytes()
            .any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

fn parse_port(text: &str) -> Option<u16> {
    // `parse` alone would take a sign, too.
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits_only && *port != 0)
}

fn check_host(host: &str) -> Result<(), ReferenceError> {
    if host.is_empty() {
        return Err(ReferenceError::new(Part::Host, host, NOT_EMPTY));
    }
    if let Some(address) = host.strip_prefix('[') {
        // The parser of the standard library takes `::ffff:1.2.3.4`, too, which the grammar does not.
        let is_address = address
            .strip_suffix(']')
            .is_some_and(|address| !address.contains('.') && address.parse::<Ipv6Addr>().is_ok());
        return if is_address {
            Ok(())
        } else {
            Err(ReferenceError::new(Part::Host, host, IPV6_RULE))
        };
    }
    if host.split('.').all(is_domain_component) {
        return Ok(());
    }
    let error = ReferenceError::new(Part::Host, host, HOST_RULE);
    let with_hyphens = host.replace('_', "-");
    if with_hyphens != host && with_hyphens.split('.').all(is_domain_component) {
        let hint = format!("a host has no `_`: is it `{}`?", shown(&with_hyphens));
        return Err(error.with_hint(hint));
    }
    Err(error)
}

fn is_domain_component(component: &str) -> bool {
    let is_alphanumeric = |character: char| character.is_ascii_alphanumeric();
    component.starts_with(is_alphanumeric)
        && component.ends_with(is_alphanumeric)
        && component
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(super) fn check_path(path: &str) -> Result<(), ReferenceError> {
    if path.is_empty() {
        return Err(ReferenceError::new(Part::Repository, path, NOT_EMPTY));
    }
    if path.len() > MAX_PATH_LENGTH {
        return Err(path_too_long(path));
    }
    if path.split('/').all(is_path_component) {
        return Ok(());
    }
    let error = ReferenceError::new(Part::Repository, path, PATH_RULE);
    let lower_case = path.to_ascii_lowercase();
    if lower_case != path && lower_case.split('/').all(is_path_component) {
        return Err(error.with_hint(format!("write it in lower case: `{lower_case}`")));
    }
    Err(error)
}

fn path_too_long(path: &str) -> ReferenceError {
    ReferenceError::new(Part::Repository, path, PATH_LENGTH_RULE)
}

fn is_path_component(component: &str) -> bool {
    let is_alphanumeric =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    component.starts_with(is_alphanumeric)
        && component.ends_with(is_alphanumeric)
        && component.split(is_alphanumeric).all(|separator| {
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

pub(super) fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    if tag.is_empty() {
        return Err(ReferenceError::new(Part::Tag, tag, NOT_EMPTY));
    }
    let is_valid = tag.len() <= MAX_TAG_LENGTH
        && !tag.starts_with(['.', '-'])
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if is_valid {
        Ok(())
    } else {
        Err(ReferenceError::new(Part::Tag, tag, TAG_RULE))
    }
}

pub(super) fn check_digest(digest: &str) -> Result<DigestAlgorithm, ReferenceError> {
    if digest.is_empty() {
        return Err(ReferenceError::new(Part::Digest, digest, NOT_EMPTY));
    }
    digest_algorithm(digest).ok_or_else(|| ReferenceError::new(Part::Digest, digest, DIGEST_RULE))
}

/// Returns the algorithm of a valid digest.
fn digest_algorithm(digest: &str) -> Option<DigestAlgorithm> {
    ALGORITHMS.into_iter().find(|algorithm| {
        strip_algorithm(digest, *algorithm)
            .is_some_and(|hex| hex.len() == algorithm.hex_length() && is_hex(hex))
    })
}

/// Returns whether all are lower-case hexadecimal digits.
fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks the `digest` after the first `@` of `text`.
fn parse_digest<'a>(
    text: &str,
    digest: &'a str,
) -> Result<(DigestAlgorithm, &'a str), ReferenceError> {
    match check_digest(digest) {
        Ok(algorithm) => Ok((algorithm, digest)),
        // A broken digest holds hardly a `/`; what follows a password does.
        Err(_) if digest.contains(['/', '@']) && !names_algorithm(digest) => {
            Err(credentials_error(text))
        }
        Err(error) => Err(error),
    }
}

fn names_algorithm(digest: &str) -> bool {
    ALGORITHMS
        .iter()
        .any(|algorithm| strip_algorithm(digest, *algorithm).is_some())
}

fn strip_algorithm(digest: &str, algorithm: DigestAlgorithm) -> Option<&str> {
    digest.strip_prefix(algorithm.as_str())?.strip_prefix(':')
}

/// Refuses `https://…` and its like, quoting no more than the scheme: what follows may hold a
/// password.
fn refuse_scheme(text: &str) -> Result<(), ReferenceError> {
    let Some((before, _)) = text.split_once("://") else {
        return Ok(());
    };
    let is_outside = |character: char| {
        !character.is_ascii_alphanumeric() && !matches!(character, '+' | '-' | '.')
    };
    let scheme = before.rsplit(is_outside).next().unwrap_or_default();
    let scheme = format!("{scheme}://");
    let hint = format!("write it without `{}`", shown(&scheme));
    Err(ReferenceError::new(Part::Host, &scheme, SCHEME_RULE).with_hint(hint))
}

/// Returns the error for `user:password@host/…`, quoting only what follows the last `@`.
fn credentials_error(text: &str) -> ReferenceError {
    let rest = text.rsplit('@').next().unwrap_or_default();
    ReferenceError::new(Part::Host, rest, CREDENTIALS_RULE)
        .with_hint("write it without what stands before the `@`".to_owned())
}

/// Refuses what the grammar takes for a repository of the default registry, but people mean
/// otherwise: an image id, a digest, and a host with a port. `alpine:5000` has no host, and
/// `node.js:20260101` no port.
fn refuse_lookalikes(text: &str, path: &str, tag: Option<&str>) -> Result<(), ReferenceError> {
    if text.len() == IMAGE_ID_LENGTH && is_hex(text) || digest_algorithm(text).is_some() {
        return Err(
            ReferenceError::new(Part::Repository, text, IMAGE_ID_RULE).with_hint(
                "that looks like an image id: write `NAME:TAG` or `NAME@sha256:…`".to_owned(),
            ),
        );
    }
    let is_port = |tag: &str| {
        (1..=MAX_PORT_DIGITS).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_host = || {
        (path.eq_ignore_ascii_case(LOCALHOST) || path.contains('.'))
            && path.split('.').all(is_domain_component)
    };
    let authority = text.split('@').next().unwrap_or_default();
    let is_ipv6 = authority.starts_with('[') && Authority::parse(authority).is_ok();
    if tag.is_some_and(is_port) && is_host() || is_ipv6 {
        return Err(
            ReferenceError::new(Part::Repository, authority, BARE_HOST_RULE)
                .with_hint(repository_missing(authority)),
        );
    }
    Ok(())
}

fn repository_missing(authority: &str) -> String {
    format!("a repository is missing: `{}/NAME`", shown(authority))
}
