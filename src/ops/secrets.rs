//! What is done with secrets: the description goes into the catalog, the value
//! to its keeper.
//!
//! A new value is kept before the catalog says where it is, and forgotten after
//! the catalog no longer does: between the two, a value may be kept that no
//! catalog speaks of, but none is spoken of that is not kept.

use std::path::PathBuf;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Error, Result};
use crate::catalog::Catalog;
use crate::credentials::{self, Keeper, Owner};
use crate::domain::change::Actor;
use crate::domain::secret::Secret;
use crate::formats::document::{Fault, Node};
use crate::formats::kubernetes;
use crate::formats::secret::SecretDocument;

/// Where values are kept.
#[derive(Debug, Clone)]
pub struct Keepers {
    /// Keeps new values.
    pub current: Keeper,
    /// The file, which may keep older ones.
    pub file: PathBuf,
}

impl Keepers {
    fn of(&self, secret: &Secret) -> Option<Keeper> {
        Keeper::from_name(secret.kept_in.as_deref()?, self.file.clone())
    }
}

/// A secret's document and the tree that its faults point into.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// A path, `<stdin>` or `<command line>`.
    pub name: &'a str,
    pub node: &'a Node,
    pub document: &'a SecretDocument,
}

/// Adds a secret.
///
/// # Errors
/// For broken rules, for one that exists, and where the value cannot be kept;
/// nothing is written then.
pub fn create(
    catalog: &mut Catalog,
    actor: Actor,
    keepers: &Keepers,
    input: Input<'_>,
) -> Result<Secret> {
    let mut secret = input
        .document
        .to_new(input.node)
        .map_err(|faults| rejected(input.name, faults))?;
    let id = catalog.id()?;
    let writer = catalog.begin(actor)?;
    if input.document.value.is_some() {
        secret.kept_in = Some(keepers.current.name());
    }
    writer.insert_secret(&secret)?;
    keep(keepers, &id, &secret, input.document.value.as_ref())?;
    writer.commit()?;
    Ok(secret)
}

/// Changes a secret; returns it and whether anything changed.
///
/// # Errors
/// For an unknown one, for broken rules, and where the value cannot be kept.
pub fn update(
    catalog: &mut Catalog,
    actor: Actor,
    keepers: &Keepers,
    word: &str,
    input: Input<'_>,
) -> Result<(Secret, bool)> {
    let catalog_id = catalog.id()?;
    let writer = catalog.begin(actor)?;
    let before = writer.secret(word)?;
    let mut secret = input
        .document
        .applied_to(&before, input.node)
        .map_err(|faults| rejected(input.name, faults))?;
    let value = input.document.value.as_ref();
    if value.is_some() {
        secret.kept_in = Some(keepers.current.name());
    }
    let changed = writer.update_secret(&secret, value.is_some())?;
    keep(keepers, &catalog_id, &secret, value)?;
    writer.commit()?;
    if secret.kept_in != before.kept_in {
        forget(keepers, &catalog_id, &before)?;
    }
    Ok((secret, changed))
}

/// Deletes secrets that no image uses: all of them or none.
///
/// # Errors
/// For an unknown one, and for one in use.
pub fn delete(
    catalog: &mut Catalog,
    actor: Actor,
    keepers: &Keepers,
    words: &[String],
) -> Result<()> {
    let catalog_id = catalog.id()?;
    let writer = catalog.begin(actor)?;
    let mut deleted = Vec::new();
    for word in words {
        deleted.push(writer.delete_secret(word)?);
    }
    writer.commit()?;
    for secret in &deleted {
        forget(keepers, &catalog_id, secret)?;
    }
    Ok(())
}

/// Returns a secret as a Kubernetes resource, in JSON, with its value.
///
/// # Errors
/// For an unknown one, and for one whose value is not kept here.
pub fn export(catalog: &Catalog, keepers: &Keepers, word: &str) -> Result<Zeroizing<String>> {
    let secret = catalog.secret(word)?;
    let missing = || Error::NotFound {
        what: format!(
            "the value of secret `{}` is not kept on this machine",
            secret.id
        ),
        hint: format!(
            "set it with `imgdex secrets update {} --password-stdin`",
            secret.id
        ),
    };
    let keeper = keepers.of(&secret).ok_or_else(missing)?;
    let catalog_id = catalog.id()?;
    let value = keeper
        .get(Owner {
            catalog: &catalog_id,
            secret: &secret.id,
        })?
        .ok_or_else(missing)?;
    Ok(kubernetes::secret_resource(&secret, &value))
}

fn keep(
    keepers: &Keepers,
    catalog: &str,
    secret: &Secret,
    value: Option<&SecretString>,
) -> std::result::Result<(), credentials::Error> {
    let Some(value) = value else {
        return Ok(());
    };
    let owner = Owner {
        catalog,
        secret: &secret.id,
    };
    let username = secret.username.as_deref().unwrap_or_default();
    keepers.current.put(owner, username, value)
}

fn forget(
    keepers: &Keepers,
    catalog: &str,
    secret: &Secret,
) -> std::result::Result<(), credentials::Error> {
    match keepers.of(secret) {
        Some(keeper) => keeper.remove(Owner {
            catalog,
            secret: &secret.id,
        }),
        None => Ok(()),
    }
}

fn rejected(file: &str, found: Vec<Fault>) -> Error {
    Error::Input {
        summary: "the secret is not valid; nothing was written".to_owned(),
        faults: found
            .into_iter()
            .map(|fault| super::ItemFault {
                file: file.to_owned(),
                fault,
                item: None,
                exists: false,
            })
            .collect(),
        unlisted: 0,
    }
}
