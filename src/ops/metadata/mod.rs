//! Catalogs as the files of the platforms that read them: import, export, and
//! single entries.

mod entry;
mod export;
mod import;
mod left_out;
mod list;
mod outgoing;
mod read;
mod target;
mod validate;

pub use entry::{Given, Removed, check, create, document, duplicate, remove, update};
pub use export::{ExportOptions, ExportReport, Told, export};
pub use import::{ImportOptions, ImportReport, import, references};
use left_out::LeftOut;
pub use list::{Listed, for_each};
pub use outgoing::Digests;
pub use validate::validate;

use crate::catalog::{self, Writer};
use crate::domain::image::{Image, ImageConfig};
use crate::domain::platform::Platform;
use crate::domain::secret::SecretType;

/// Returns whether an image belongs to a platform's catalog.
fn belongs(image: &Image, platform: Platform) -> bool {
    image
        .config
        .formats
        .iter()
        .any(|format| format == platform.name())
}

/// Links the pull secrets that a file names to those of the catalog, by id or by
/// name; others stay plain names.
fn link_secrets(writer: &Writer<'_>, config: &mut ImageConfig) -> Result<(), catalog::Error> {
    let find = |word: &str| match writer.secret(word) {
        Ok(secret) if secret.secret_type == SecretType::Kubernetes => Ok(Some(secret.id)),
        Ok(_) | Err(catalog::Error::NotFound { .. } | catalog::Error::Rejected(_)) => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(name) = &config.pull_secret
        && config.use_image_pull_secret.is_none()
        && let Some(id) = find(name)?
    {
        config.use_image_pull_secret = Some(id);
        config.pull_secret = None;
    }
    if let Some(secret) = config
        .spec
        .as_mut()
        .and_then(|spec| spec.pull_secret.as_mut())
        && let Some(id) = find(secret)?
    {
        *secret = id;
    }
    Ok(())
}
