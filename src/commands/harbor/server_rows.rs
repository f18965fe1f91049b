//! The rows and fields of what a server says of itself.

use std::borrow::Cow;

use serde::Serialize;

use super::rows::{text, word};
use crate::domain::harbor::{Component, SystemInfo};
use crate::domain::reference::Registry;
use crate::output::records::Record;

/// What a server is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    server: String,
    version: Option<String>,
    auth_mode: Option<String>,
    oidc_provider: Option<String>,
    url: Option<String>,
    registry: Option<String>,
    project_creation: Option<String>,
    self_registration: Option<bool>,
    read_only: Option<bool>,
    time: Option<String>,
}

impl About {
    pub fn new(registry: &Registry, info: SystemInfo) -> Self {
        Self {
            server: registry.to_string(),
            version: info.harbor_version,
            auth_mode: info.auth_mode,
            oidc_provider: info.oidc_provider_name,
            url: info.external_url,
            registry: info.registry_url,
            project_creation: info.project_creation_restriction,
            self_registration: info.self_registration,
            read_only: info.read_only,
            time: info.current_time,
        }
    }
}

impl Record for About {
    const COLUMNS: &'static [&'static str] = &[
        "server",
        "version",
        "authMode",
        "url",
        "registry",
        "projectCreation",
        "readOnly",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.server),
            text(&self.version),
            text(&self.auth_mode),
            text(&self.url),
            text(&self.registry),
            text(&self.project_creation),
            Cow::Borrowed(self.read_only.map_or("", word)),
        ]
    }

    fn label(&self) -> &str {
        &self.server
    }
}

/// A part of a server.
#[derive(Debug, Serialize)]
pub struct Part {
    name: String,
    status: String,
    error: Option<String>,
}

impl From<Component> for Part {
    fn from(component: Component) -> Self {
        Self {
            name: component.name,
            status: component.status,
            error: component.error.filter(|error| !error.is_empty()),
        }
    }
}

impl Record for Part {
    const COLUMNS: &'static [&'static str] = &["name", "status", "error"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            Cow::Borrowed(&self.status),
            text(&self.error),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
