//! What is done with secrets: the description goes into the catalog, the value
//! to its keeper.
//!
//! A new value is kept before the catalog says where it is, and forgotten after
//! the catalog no longer does: between the two, a value may be kept that no
//! catalog speaks of, but none is spoken of that is not kept.
//!
//! A keeper may take long: a helper may ask a person, and the file of values be
//! locked. So none is waited for in a write transaction, which would keep all
//! others from the catalog; where the transaction that follows fails, the value
//! from before is put back.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Error, Result};
use crate::catalog::{self, Catalog};
use crate::credentials::{self, Before, Keeper, Owner, ValuesFile};
use crate::domain::change::{Actor, Subject};
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
    pub file: ValuesFile,
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
    if input.document.value.is_some() {
        secret.kept_in = Some(keepers.current.name());
    }
    if catalog.secrets()?.iter().any(|known| known.id == secret.id) {
        return Err(Error::Catalog(catalog::Error::Exists {
            subject: Subject::Secret,
            name: secret.id,
        }));
    }
    let kept = Kept::put(keepers, catalog, &secret, input.document.value.as_ref())?;
    let work = || -> Result<()> {
        let writer = catalog.begin(actor)?;
        writer.insert_secret(&secret)?;
        Ok(writer.commit()?)
    };
    kept.unless_failed(work())?;
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
    let value = input.document.value.as_ref();
    let changed = |before: &Secret| -> Result<Secret> {
        let mut secret = input
            .document
            .applied_to(before, input.node)
            .map_err(|faults| rejected(input.name, faults))?;
        if value.is_some() {
            secret.kept_in = Some(keepers.current.name());
        }
        Ok(secret)
    };
    let known = catalog.secret(word)?;
    let kept = Kept::put(keepers, catalog, &changed(&known)?, value)?;
    let work = || -> Result<(Secret, Secret, bool)> {
        let writer = catalog.begin(actor)?;
        // Another process may have changed it while the keeper was waited for.
        let before = writer.secret(&known.id)?;
        let secret = changed(&before)?;
        let differs = writer.update_secret(&secret, value.is_some())?;
        writer.commit()?;
        Ok((before, secret, differs))
    };
    let (before, secret, differs) = kept.unless_failed(work())?;
    if secret.kept_in != before.kept_in {
        forget(keepers, &catalog.id()?, &before)?;
    }
    Ok((secret, differs))
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
    let delete_all = |catalog: &mut Catalog, rehearse: bool| -> Result<Vec<Secret>> {
        let writer = catalog.begin(actor.clone())?;
        let deleted = words
            .iter()
            .map(|word| writer.delete_secret(word))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        if !rehearse {
            writer.commit()?;
        }
        Ok(deleted)
    };
    // Values go first, so that none stays that no secret speaks of: after it is
    // known that the secrets can go, and back again where they then do not.
    let secrets = delete_all(catalog, true)?;
    let mut forgotten = Vec::new();
    let mut outcome = Ok(());
    for secret in &secrets {
        match take_value(keepers, &catalog_id, secret) {
            Ok(value) => forgotten.push((secret, value)),
            Err(error) => {
                outcome = Err(Error::from(error));
                break;
            }
        }
    }
    let outcome = outcome.and_then(|()| delete_all(catalog, false).map(|_| ()));
    if outcome.is_err() {
        for (secret, value) in forgotten {
            if let (Some(keeper), Some(value)) = (keepers.of(secret), value) {
                // The failure that is told of is the first one.
                let username = secret.username.as_deref().unwrap_or_default();
                let _ = keeper.put(owner(&catalog_id, secret), username, &value);
            }
        }
    }
    outcome
}

/// Forgets the value of a secret and returns it.
fn take_value(
    keepers: &Keepers,
    catalog: &str,
    secret: &Secret,
) -> std::result::Result<Option<SecretString>, credentials::Error> {
    let Some(keeper) = keepers.of(secret) else {
        return Ok(None);
    };
    let value = keeper.get(owner(catalog, secret))?;
    keeper.remove(owner(catalog, secret))?;
    Ok(value)
}

fn owner<'a>(catalog: &'a str, secret: &'a Secret) -> Owner<'a> {
    Owner {
        catalog,
        secret: &secret.id,
    }
}

/// Returns a secret as a Kubernetes resource, in JSON, with its value.
///
/// # Errors
/// For an unknown one, and for one whose value is not kept here.
pub fn export(catalog: &Catalog, keepers: &Keepers, word: &str) -> Result<Zeroizing<String>> {
    let (secret, value) = value_of(catalog, keepers, word)?;
    Ok(kubernetes::secret_resource(&secret, &value))
}

/// Returns a secret with its value.
///
/// # Errors
/// For an unknown one, and for one whose value is not kept here.
pub(super) fn value_of(
    catalog: &Catalog,
    keepers: &Keepers,
    word: &str,
) -> Result<(Secret, SecretString)> {
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
    Ok((secret, value))
}

/// A value that is kept before the catalog says so.
struct Kept<'a> {
    keeper: &'a Keeper,
    catalog: String,
    secret: String,
    username: String,
    value: Option<&'a SecretString>,
    before: Option<SecretString>,
}

impl<'a> Kept<'a> {
    /// Keeps a value, if there is one.
    fn put(
        keepers: &'a Keepers,
        catalog: &Catalog,
        secret: &Secret,
        value: Option<&'a SecretString>,
    ) -> Result<Self> {
        let mut kept = Self {
            keeper: &keepers.current,
            catalog: catalog.id()?,
            secret: secret.id.clone(),
            username: secret.username.clone().unwrap_or_default(),
            value,
            before: None,
        };
        if let Some(value) = value {
            kept.before = kept.keeper.put(kept.owner(), &kept.username, value)?;
        }
        Ok(kept)
    }

    fn owner(&self) -> Owner<'_> {
        Owner {
            catalog: &self.catalog,
            secret: &self.secret,
        }
    }

    /// Puts what was kept before back where the catalog could not be changed.
    fn unless_failed<T>(self, result: Result<T>) -> Result<T> {
        if let (Err(_), Some(value)) = (&result, self.value) {
            let before = Before {
                username: &self.username,
                value: self.before.as_ref(),
            };
            // The failure that is told is the one that came first.
            let _ = self.keeper.put_back(self.owner(), value, &before);
        }
        result
    }
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
