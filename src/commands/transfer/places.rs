//! The two sides of a copy as the command line names them, and what they turn out to be.

use std::path::{Path, PathBuf};

use super::super::store::{store, stored_name};
use crate::app::App;
use crate::domain::reference::{Reference, Registry};
use crate::domain::sif;
use crate::domain::stored::StoredName;
use crate::domain::stored_reference::name_of_reference;
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::store::{find, start_of};
use crate::ops::transfer::Start;

/// Where an image comes from.
#[derive(Debug, Clone)]
pub enum SourceName {
    Endpoint(Endpoint),
    /// A Singularity image.
    File(PathBuf),
}

/// Where an image goes.
#[derive(Debug, Clone)]
pub enum TargetName {
    Endpoint(Endpoint),
    /// Into the store; where no name is given, it is made of the reference.
    Store(Option<StoredName>),
    /// A Singularity image.
    File(PathBuf),
}

/// Returns the end of a copy that a text names.
///
/// # Errors
/// Where it names none.
pub fn endpoint(text: &str) -> Result<Endpoint> {
    Endpoint::parse(text).map_err(|rule| {
        Error::new(Kind::InvalidInput, rule).hint(
            "an image is `HOST/REPOSITORY:TAG`, `oci:DIR:TAG`, `oci-archive:FILE:TAG`, \
             `docker-archive:FILE:REFERENCE`, `store:URI`, `containers-storage:IMAGE` or \
             `docker-daemon:IMAGE`, and a Singularity image `FILE.sif`",
        )
    })
}

/// Returns whether a text is a path rather than a reference: no reference begins with
/// `/` or `.`.
fn is_path(text: &str) -> bool {
    text.starts_with(['/', '.'])
}

/// Returns the source that a text names. A file that exists is meant before an image of
/// Docker Hub of that name.
///
/// # Errors
/// Where it names none.
pub fn source(text: &str) -> Result<SourceName> {
    let ends_so = Path::new(text)
        .extension()
        .is_some_and(|ending| ending == sif::ENDING);
    let has_transport =
        !matches!(Endpoint::parse(text), Ok(Endpoint::Registry(name)) if name == text);
    let is_file = is_path(text) || (!has_transport && ends_so && Path::new(text).is_file());
    Ok(match is_file {
        true => SourceName::File(PathBuf::from(text)),
        false => SourceName::Endpoint(endpoint(text)?),
    })
}

/// Returns the target that a text names. What ends in `.sif` is a file, unless
/// `docker://` stands before it.
///
/// # Errors
/// Where it names none.
pub fn target(text: &str) -> Result<TargetName> {
    let file = PathBuf::from(text);
    let ends_so = file.extension().is_some_and(|ending| ending == sif::ENDING);
    if is_path(text) && !ends_so {
        return Err(Error::new(
            Kind::InvalidInput,
            format!("`{text}` is a path, and nothing says what it is to be"),
        )
        .hint("name `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE` or a `FILE.sif`"));
    }
    Ok(match endpoint(text)? {
        Endpoint::Registry(name) if ends_so && name == text => TargetName::File(file),
        Endpoint::Store(name) => TargetName::Store(Some(stored_name(&name)?)),
        other => TargetName::Endpoint(other),
    })
}

impl SourceName {
    /// Returns what is read; of the store, what its record says.
    ///
    /// # Errors
    /// Where the store has no such image.
    pub fn start(&self, app: &App) -> Result<Start> {
        Ok(match self {
            Self::Endpoint(Endpoint::Store(uri)) => start_of(&find(&*app.read()?, uri)?)?,
            Self::Endpoint(endpoint) => Start::Endpoint(endpoint.clone()),
            Self::File(file) => Start::Sif {
                title: file
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                name: file.display().to_string(),
                file: file.clone(),
            },
        })
    }
}

/// Returns the reference of a place that is in a registry.
pub fn reference_of(endpoint: &Endpoint, default: &Registry) -> Option<Reference> {
    match endpoint {
        Endpoint::Registry(text) => Reference::parse_with_default(text, default).ok(),
        _ => None,
    }
}

/// A place in the store.
#[derive(Debug)]
pub struct Shelf {
    pub store: PathBuf,
    pub name: StoredName,
    /// The reference that the image comes from.
    pub reference: Option<Reference>,
}

impl Shelf {
    /// Returns where the store keeps what comes from there.
    ///
    /// # Errors
    /// Where the store is turned off, and where no name is given and none can be made.
    pub fn of(app: &App, name: Option<StoredName>, reference: Option<Reference>) -> Result<Self> {
        let store = store(app).map_err(|error| match error.kind {
            Kind::Refused => error.hint("or name another place with `--to`"),
            _ => error,
        })?;
        let name = match (name, &reference) {
            (Some(mut name), Some(reference)) if name.tag.is_none() => {
                let made = name_of_reference(reference).ok();
                name.tag = made.and_then(|made| made.tag);
                name
            }
            (Some(name), _) => name,
            (None, Some(reference)) => name_of_reference(reference).map_err(|rule| {
                Error::new(Kind::InvalidInput, rule).hint("give one with `--name COLLECTION/NAME`")
            })?,
            (None, None) => {
                let rule = "nothing says what the store is to call the image";
                return Err(Error::new(Kind::InvalidInput, rule));
            }
        };
        Ok(Self {
            store,
            name,
            reference,
        })
    }

    /// Returns the name of the image of one tag, and where it comes from.
    ///
    /// # Errors
    /// Where it cannot be a name.
    pub fn tagged(&self, tag: &str) -> ops::Result<(StoredName, Option<String>)> {
        let (collection, name) = (&self.name.collection, &self.name.name);
        let name = StoredName::parse(&format!("{collection}/{name}:{tag}"));
        let name = name.map_err(ops::Error::invalid)?;
        let tag = tag.parse().ok();
        let reference = self.reference.clone();
        let url = reference.map(|one| match tag {
            Some(tag) => one.with_tag(tag).to_string(),
            None => one.to_string(),
        });
        Ok((name, url))
    }

    /// Returns the name of the one image, and where it comes from.
    pub fn plain(&self) -> (StoredName, Option<String>) {
        let url = self.reference.as_ref().map(ToString::to_string);
        (self.name.clone(), url)
    }
}
