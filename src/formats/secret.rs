//! Secrets as documents. A value is taken out at once, into a type that cannot
//! be printed.

use secrecy::SecretString;

use super::decode::Decoder;
use super::document::{Fault, Node};
use super::locate;
use crate::domain::image_rules::FieldFault;
use crate::domain::name::shorten;
use crate::domain::secret::{Secret, SecretType};

/// A secret as a document describes it; what is unset stays as it is in an
/// update.
#[derive(Debug, Default)]
pub struct SecretDocument {
    /// What the id should be, which is made of the type and the name.
    pub id: Option<String>,
    pub name: Option<String>,
    /// The name where it is empty; null says that too.
    pub display_name: Option<String>,
    pub secret_type: Option<SecretType>,
    /// Set to nothing by null.
    pub registry_host: Option<Option<String>>,
    pub username: Option<Option<String>>,
    pub value: Option<SecretString>,
}

const FIELDS: [&str; 8] = [
    "id",
    "name",
    "displayName",
    "type",
    "registryHost",
    "username",
    "password",
    "secret",
];

/// Whether a document may hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Taken,
    /// Files in git hold descriptions only.
    Refused,
}

/// Returns the secret that an object describes.
///
/// # Errors
/// Every fault of the object, each at its place. No message holds a value.
pub fn secret_of(node: &Node, values: Values) -> Result<SecretDocument, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let mut secret = SecretDocument::default();
    for entry in decoder.object("", node) {
        let (field, node) = (entry.key.as_str(), &entry.node);
        match field {
            "kind" | "keptIn" => {}
            "id" => secret.id = decoder.text(field, node),
            "name" => secret.name = decoder.text(field, node),
            "displayName" => {
                secret.display_name = Some(decoder.text(field, node).unwrap_or_default());
            }
            "type" => {
                secret.secret_type =
                    decoder.choice(field, node, &SecretType::NAMES, SecretType::from_name);
            }
            "registryHost" => secret.registry_host = Some(decoder.text(field, node)),
            "username" => secret.username = Some(decoder.text(field, node)),
            "password" | "secret" if values == Values::Taken => {
                secret.value = decoder.text(field, node).map(SecretString::from);
            }
            "password" | "secret" => decoder.faults.push(entry.node.fault(
                field,
                "a file that is applied holds no value; set it with `imgdex secrets update ID \
                 --password-stdin`",
            )),
            _ => decoder.unknown("", entry, &FIELDS),
        }
    }
    if decoder.faults.is_empty() {
        Ok(secret)
    } else {
        Err(decoder.faults)
    }
}

impl SecretDocument {
    /// Returns the description of a new secret.
    ///
    /// # Errors
    /// Every rule that it breaks, at its place in `node`.
    pub fn to_new(&self, node: &Node) -> Result<Secret, Vec<Fault>> {
        let name = self.name.clone().unwrap_or_default();
        let secret_type = self.secret_type.unwrap_or(SecretType::Kubernetes);
        let secret = Secret {
            id: secret_type.id_of(&name),
            display_name: shown(self.display_name.as_deref().unwrap_or_default(), &name),
            name,
            secret_type,
            registry_host: self.registry_host.clone().flatten(),
            username: self.username.clone().flatten(),
            kept_in: None,
        };
        check_same("id", self.id.as_deref(), &secret.id, node)?;
        checked(secret, node)
    }

    /// Returns the description of a secret as this document changes it. The
    /// name and the type, which the id is made of, stay.
    ///
    /// # Errors
    /// Every rule that it breaks, at its place in `node`.
    pub fn applied_to(&self, before: &Secret, node: &Node) -> Result<Secret, Vec<Fault>> {
        let secret_type = self.secret_type.map(SecretType::name);
        check_same("id", self.id.as_deref(), &before.id, node)?;
        check_same("name", self.name.as_deref(), &before.name, node)?;
        check_same("type", secret_type, before.secret_type.name(), node)?;
        let mut secret = before.clone();
        if let Some(display_name) = &self.display_name {
            secret.display_name = shown(display_name, &secret.name);
        }
        if let Some(host) = &self.registry_host {
            secret.registry_host.clone_from(host);
        }
        if let Some(username) = &self.username {
            secret.username.clone_from(username);
        }
        checked(secret, node)
    }
}

/// Returns the name that is shown: the name itself where there is no other.
fn shown(display_name: &str, name: &str) -> String {
    if display_name.is_empty() {
        name.to_owned()
    } else {
        display_name.to_owned()
    }
}

/// Refuses another id, or another name or type, which the id is made of.
fn check_same(
    field: &str,
    given: Option<&str>,
    known: &str,
    node: &Node,
) -> Result<(), Vec<Fault>> {
    match given {
        Some(given) if given != known => {
            let message = format!("{field} should be `{known}`, but is `{}`", shorten(given));
            Err(vec![locate(FieldFault::new(field, message), node)])
        }
        _ => Ok(()),
    }
}

fn checked(secret: Secret, node: &Node) -> Result<Secret, Vec<Fault>> {
    let faults = secret.faults();
    if faults.is_empty() {
        return Ok(secret);
    }
    Err(faults
        .into_iter()
        .map(|(field, message)| locate(FieldFault::new(field, message), node))
        .collect())
}
