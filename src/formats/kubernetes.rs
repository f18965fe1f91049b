//! Kubernetes' own resources: a pull secret as `kubectl apply` takes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::secret::{Secret, SecretType};

/// Returns the JSON text of a `Secret` resource with the value in it: of type
/// `kubernetes.io/dockerconfigjson` for one that pulls images, else `Opaque`.
///
/// The resource has the secret's name, which is what exported catalogs refer to.
#[must_use]
pub fn secret_resource(secret: &Secret, value: &SecretString) -> Zeroizing<String> {
    let (kind, key, content) = match secret.secret_type {
        SecretType::Kubernetes => (
            "kubernetes.io/dockerconfigjson",
            ".dockerconfigjson",
            docker_config(secret, value),
        ),
        SecretType::Opaque => (
            "Opaque",
            "value",
            Zeroizing::new(value.expose_secret().to_owned()),
        ),
    };
    let resource = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret.name,
            "annotations": { "imgdex/display-name": secret.display_name },
        },
        "type": kind,
        "data": { key: STANDARD.encode(content.as_bytes()) },
    });
    Zeroizing::new(resource.to_string())
}

fn docker_config(secret: &Secret, value: &SecretString) -> Zeroizing<String> {
    let username = secret.username.as_deref().unwrap_or_default();
    let password = value.expose_secret();
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let host = registry_key(secret.registry_host.as_deref());
    let config = json!({
        "auths": {
            host: {
                "username": username,
                "password": password,
                "auth": STANDARD.encode(pair.as_bytes()),
            }
        }
    });
    Zeroizing::new(config.to_string())
}

/// Returns the host as the configs of Docker and Kubernetes key it: Docker Hub
/// has kept the name of its first API.
fn registry_key(host: Option<&str>) -> &str {
    match host.unwrap_or_default().trim_end_matches('/') {
        ""
        | "docker.io"
        | "index.docker.io"
        | "registry-1.docker.io"
        | "https://docker.io"
        | "https://index.docker.io"
        | "https://index.docker.io/v1" => "https://index.docker.io/v1/",
        other => other,
    }
}
