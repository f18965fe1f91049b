//! Secrets' descriptions: whose they are and where they serve, never a value.

use serde::Serialize;

use super::name::check_resource_name;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretType {
    /// Pulls images from a registry.
    Kubernetes,
    /// Anything else, such as a key for git.
    Opaque,
}

impl SecretType {
    /// The names as they are written in JSON.
    pub const NAMES: [&str; 2] = ["kubernetes", "opaque"];

    /// Returns the type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "kubernetes" => Some(Self::Kubernetes),
            "opaque" => Some(Self::Opaque),
            _ => None,
        }
    }

    /// Returns the name as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Opaque => "opaque",
        }
    }

    /// Returns the id of a secret of this type and name, as PrimeHub makes it.
    #[must_use]
    pub fn id_of(self, name: &str) -> String {
        match self {
            Self::Kubernetes => format!("image-{name}"),
            Self::Opaque => format!("gitsync-secret-{name}"),
        }
    }
}

/// The description of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    pub id: String,
    pub name: String,
    pub display_name: String,
    #[serde(rename = "type")]
    pub secret_type: SecretType,
    pub registry_host: Option<String>,
    pub username: Option<String>,
    /// Where the value is kept: `file`, `helper:NAME`, or unset where there is none.
    pub kept_in: Option<String>,
}

impl Secret {
    /// Returns every rule that the description breaks, as field and message.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if let Err(rule) = check_resource_name("name", &self.name) {
            faults.push(("name", rule));
        }
        for (field, value) in [
            ("displayName", Some(&self.display_name)),
            ("registryHost", self.registry_host.as_ref()),
            ("username", self.username.as_ref()),
        ] {
            if value.is_some_and(|text| text.chars().any(char::is_control)) {
                faults.push((field, format!("{field} should hold no control characters")));
            }
        }
        if let Some(host) = &self.registry_host
            && host.contains('@')
        {
            faults.push((
                "registryHost",
                "registryHost should hold no user name or password".to_owned(),
            ));
        }
        faults
    }
}
