//! Custom images: what is built of an image's spec, and what the catalog then says.

mod ask;
mod log;
mod make;
mod names;
mod record;
mod scratch;

pub use ask::{ask_base, is_built, look, read_back, unasked_base};
pub use log::{LeftOver, Log, Turn, forget_log, is_being_built, open_log, sweep};
pub use make::{Making, Side, check, end as end_left_over, make};
pub use record::{Begun, Done, Ending, begin, end, pending, succeed, wanted};

use super::{Error, Result};
use crate::build::{Base, Manager, Recipe, containerfile};
use crate::catalog::Catalog;
use crate::domain::credential::Credential;
use crate::domain::image::Image;
use crate::domain::name::shorten;
use crate::domain::reference::{Reference, Registry};
use crate::domain::secret::Secret;
use crate::domain::spec::ImageSpec;
use crate::ops::secrets::{Keepers, value_of};

/// Returns what is to be built of an image.
///
/// # Errors
/// Where it has no spec.
pub fn spec_of(image: &Image) -> Result<&ImageSpec> {
    let name = &image.config.name;
    image.config.spec.as_ref().ok_or_else(|| {
        Error::invalid(format!(
            "image `{name}` cannot be built: it has no `imageSpec` (a base image and \
             packages): give it one with `imgdex images update {name}`"
        ))
    })
}

/// Returns the failure of who finds another image in place of the one that was read.
fn is_another(name: &str) -> Error {
    Error::Exists {
        what: format!("image `{name}` is no more the one whose build began"),
        hint: format!("`imgdex images history {name}` shows what became of it"),
    }
}

/// Returns the Containerfile of an image.
///
/// # Errors
/// Where it has no spec, or one that no Containerfile can say.
pub fn written(image: &Image, base: &Base, created: &str, secrets: &[Manager]) -> Result<String> {
    let config = &image.config;
    let recipe = Recipe {
        spec: spec_of(image)?,
        base,
        name: &config.name,
        title: &config.display_name,
        description: config.description.as_deref(),
        created,
        revision: image.revision,
        secrets,
    };
    containerfile(&recipe)
        .map_err(|rule| Error::invalid(format!("image `{}` cannot be built: {rule}", config.name)))
}

/// Returns where an image is pushed to: `PREFIX/NAME:REVISION`.
///
/// # Errors
/// Where that is no reference.
pub fn target(prefix: &str, image: &Image) -> Result<Reference> {
    let name = &image.config.name;
    let text = format!("{}/{name}:{}", prefix.trim_end_matches('/'), image.revision);
    Reference::parse(&text).map_err(|error| {
        Error::invalid(format!(
            "image `{name}` has no place below `{}` (push-prefix): {error}; name one with `--push \
             REF`",
            shorten(prefix)
        ))
    })
}

/// Returns whether a secret is of a registry.
#[must_use]
pub fn serves(secret: &Secret, registry: &Registry) -> bool {
    let host = secret.registry_host.as_deref().unwrap_or("docker.io");
    crate::credentials::ecosystem::host_of(host) == registry.to_string()
}

/// Returns the credential that a secret of the catalog is for a registry.
///
/// # Errors
/// For an unknown secret, one of another registry, and one whose value is not kept here.
pub fn credential(
    catalog: &Catalog,
    keepers: &Keepers,
    word: &str,
    registry: &Registry,
) -> Result<Credential> {
    let (secret, value) = value_of(catalog, keepers, word)?;
    // A password goes to nobody but whom it is for.
    if !serves(&secret, registry) {
        let host = secret.registry_host.as_deref().unwrap_or("docker.io");
        return Err(Error::Refused {
            what: format!(
                "secret `{}` serves `{}`, and is not sent to `{registry}`",
                secret.id,
                shorten(host)
            ),
            hint: format!(
                "if it is of that registry: `imgdex secrets update {} --registry-host {registry}`",
                secret.id
            ),
        });
    }
    Ok(Credential::Basic {
        username: secret.username.unwrap_or_default(),
        password: value,
    })
}
