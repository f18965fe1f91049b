//! Where images come from and go to, as the command line spells it: `oci:DIR:TAG` and
//! the others, in the words of skopeo.

use std::fmt;

use super::name::shorten;
use super::reference::{Digest, Reference, Tag};

/// A source or target of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A reference, as it was written, without `docker://`.
    Registry(String),
    /// A folder. The tag may be a digest.
    Layout { folder: String, tag: Option<String> },
    /// A tar of such a folder. The tag may be a digest.
    OciArchive { file: String, tag: Option<String> },
    DockerArchive {
        file: String,
        /// As it was written.
        reference: Option<String>,
    },
    /// The uri of an image in the store.
    Store(String),
    /// A reference in the storage of podman.
    ContainersStorage(String),
    /// A reference in the storage of docker.
    DockerDaemon(String),
}

const OCI: &str = "oci:";
const OCI_ARCHIVE: &str = "oci-archive:";
const DOCKER_ARCHIVE: &str = "docker-archive:";
const STORE: &str = "store:";
const CONTAINERS_STORAGE: &str = "containers-storage:";
const DOCKER_DAEMON: &str = "docker-daemon:";
const DOCKER: &str = "docker://";

impl Endpoint {
    /// Returns the endpoint that a text spells; what begins with no transport is a
    /// reference. A transport always wins: `oci:latest` is the folder `latest`, and
    /// `docker://oci:latest` the tag of a repository.
    ///
    /// In `oci:DIR:TAG` and `oci-archive:FILE:TAG` the tag is what follows the last
    /// colon, unless it holds a `/`: then the colon is part of the path. A digest stands
    /// for a tag, after `:` or `@`. In `docker-archive:FILE:REF` the reference, which has
    /// colons of its own, follows the first colon.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let needed = |rest: &str, what: &str| match rest {
            "" => Err(format!("`{}` names no {what}", shorten(text))),
            rest => Ok(rest.to_owned()),
        };
        if let Some(rest) = text.strip_prefix(OCI) {
            let (folder, tag) = path_and_tag(rest)?;
            let folder = needed(folder, "folder")?;
            return Ok(Self::Layout { folder, tag });
        }
        if let Some(rest) = text.strip_prefix(OCI_ARCHIVE) {
            let (file, tag) = path_and_tag(rest)?;
            let file = needed(file, "file")?;
            return Ok(Self::OciArchive { file, tag });
        }
        if let Some(rest) = text.strip_prefix(DOCKER_ARCHIVE) {
            let (file, reference) = match rest.split_once(':') {
                Some((file, reference)) => (file, Some(reference)),
                None => (rest, None),
            };
            if let Some(reference) = reference {
                Reference::check(reference)
                    .map_err(|error| format!("`{}`: {error}", shorten(text)))?;
            }
            return Ok(Self::DockerArchive {
                file: needed(file, "file")?,
                reference: reference.map(str::to_owned),
            });
        }
        if let Some(rest) = text.strip_prefix(STORE) {
            return Ok(Self::Store(needed(rest, "image of the store")?));
        }
        if let Some(rest) = text.strip_prefix(CONTAINERS_STORAGE) {
            return Ok(Self::ContainersStorage(needed(rest, "image")?));
        }
        if let Some(rest) = text.strip_prefix(DOCKER_DAEMON) {
            return Ok(Self::DockerDaemon(needed(rest, "image")?));
        }
        let reference = text.strip_prefix(DOCKER).unwrap_or(text);
        Ok(Self::Registry(needed(reference, "image")?))
    }
}

impl Endpoint {
    /// Returns whether it holds one image of one platform at most.
    #[must_use]
    pub fn is_one_image(&self) -> bool {
        matches!(
            self,
            Self::DockerArchive { .. } | Self::ContainersStorage(_) | Self::DockerDaemon(_)
        )
    }
}

/// Splits a path from a tag or a digest.
fn path_and_tag(text: &str) -> Result<(&str, Option<String>), String> {
    // A digest has a colon of its own.
    for algorithm in ["sha256:", "sha512:"] {
        if let Some(at) = text.rfind(algorithm)
            && let Some((path, digest)) = text.split_at_checked(at)
            && digest.parse::<Digest>().is_ok()
            && let Some(path) = path.strip_suffix([':', '@'])
        {
            return Ok((path, Some(digest.to_owned())));
        }
    }
    match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => match tag.parse::<Tag>() {
            Ok(tag) => Ok((path, Some(tag.to_string()))),
            Err(error) => Err(format!("`{}`: {error}", shorten(text))),
        },
        _ => Ok((text, None)),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, place, rest) = match self {
            // A repository may be called as a transport is.
            Self::Registry(reference)
                if !matches!(Self::parse(reference), Ok(Self::Registry(_))) =>
            {
                (DOCKER, reference, None)
            }
            Self::Registry(reference) => ("", reference, None),
            Self::Layout { folder, tag } => (OCI, folder, tag.as_ref()),
            Self::OciArchive { file, tag } => (OCI_ARCHIVE, file, tag.as_ref()),
            Self::DockerArchive { file, reference } => (DOCKER_ARCHIVE, file, reference.as_ref()),
            Self::Store(uri) => (STORE, uri, None),
            Self::ContainersStorage(reference) => (CONTAINERS_STORAGE, reference, None),
            Self::DockerDaemon(reference) => (DOCKER_DAEMON, reference, None),
        };
        write!(formatter, "{transport}{place}")?;
        match rest {
            Some(rest) => write!(formatter, ":{rest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[track_caller]
    fn check(text: &str, expected: Endpoint) {
        assert_eq!(Endpoint::parse(text).as_ref(), Ok(&expected), "{text}");
        let printed = expected.to_string();
        assert_eq!(Endpoint::parse(&printed), Ok(expected), "{printed}");
    }

    #[track_caller]
    fn check_layout(text: &str, folder: &str, tag: Option<&str>) {
        let (folder, tag) = (folder.to_owned(), tag.map(str::to_owned));
        check(&format!("oci:{text}"), Endpoint::Layout { folder, tag });
    }

    #[test]
    fn a_layout_has_a_folder_and_perhaps_a_tag() {
        let digest = format!("sha256:{}", "a".repeat(64));
        check_layout("latest", "latest", None);
        check_layout("a/b", "a/b", None);
        check_layout("/a/b:1.0", "/a/b", Some("1.0"));
        check_layout("a:b:c", "a:b", Some("c"));
        check_layout("a:b/c", "a:b/c", None);
        check_layout(&format!("a:{digest}"), "a", Some(&digest));
        check_layout(&format!("a@{digest}"), "a", Some(&digest));
        check_layout("sha256:a", "sha256", Some("a"));
        check_layout("ä b", "ä b", None);
        assert!(Endpoint::parse("oci:").is_err());
        assert!(Endpoint::parse("oci::tag").is_err());
        assert!(Endpoint::parse("oci:a:").is_err());
        assert!(Endpoint::parse("oci:a:-b").is_err());
    }

    #[test]
    fn archives_have_a_file_and_perhaps_an_image() {
        let file = "a.tar".to_owned();
        let tag = some("1");
        check("oci-archive:a.tar:1", Endpoint::OciArchive { file, tag });
        for reference in [None, some("alpine"), some("localhost:5000/app:1")] {
            let file = "/a/b.tar".to_owned();
            let text = match &reference {
                Some(reference) => format!("docker-archive:{file}:{reference}"),
                None => format!("docker-archive:{file}"),
            };
            check(&text, Endpoint::DockerArchive { file, reference });
        }
        assert!(Endpoint::parse("docker-archive:a.tar:").is_err());
        assert!(Endpoint::parse("docker-archive:a.tar:A B").is_err());
        assert!(Endpoint::parse("docker-archive:").is_err());
    }

    #[test]
    fn what_has_no_transport_is_a_reference() {
        let registry = |text: &str| Endpoint::Registry(text.to_owned());
        check("alpine:3", registry("alpine:3"));
        check("docker://alpine:3", registry("alpine:3"));
        check("docker://oci:3", registry("oci:3"));
        check("localhost:5000/oci:3", registry("localhost:5000/oci:3"));
        check("store:a/b:1", Endpoint::Store("a/b:1".to_owned()));
        let text = "containers-storage:alpine:3";
        check(text, Endpoint::ContainersStorage("alpine:3".to_owned()));
        let text = "docker-daemon:alpine:3";
        check(text, Endpoint::DockerDaemon("alpine:3".to_owned()));
        assert!(Endpoint::parse("").is_err());
        assert!(Endpoint::parse("docker://").is_err());
        assert!(Endpoint::parse("store:").is_err());
    }
}
