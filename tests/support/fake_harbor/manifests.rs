//! What Harbor reads from a manifest that was pushed.

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::server::Shared;
use super::state::Artifact;
use crate::docker_registry::digest;
use crate::token_server::authorization;

/// Returns the size of a manifest with what it names.
pub fn size(manifest: &Value, bytes: &[u8]) -> i64 {
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let parts = manifest["manifests"].as_array().into_iter().flatten();
    let own = layers.chain(parts).chain([&manifest["config"]]);
    let named: i64 = own.filter_map(|one| one["size"].as_i64()).sum();
    named + i64::try_from(bytes.len()).expect("a size")
}

/// Records the artifact of a manifest and returns its subject.
pub async fn record(
    shared: &Shared,
    (repository, reference): (&str, &str),
    media_type: &str,
    bytes: &Bytes,
) -> Option<String> {
    let manifest: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let config = config_of(shared, repository, &manifest).await;
    let artifact = read(repository, media_type, &manifest, bytes, &config);
    let subject = artifact.subject.clone();
    let tag = (!reference.starts_with("sha256:")).then_some(reference);
    shared.state().add_artifact(artifact, tag);
    subject
}

async fn config_of(shared: &Shared, repository: &str, manifest: &Value) -> Value {
    let Some(digest) = manifest["config"]["digest"].as_str() else {
        return Value::Null;
    };
    let url = format!("http://{}/v2/{repository}/blobs/{digest}", shared.registry);
    let request = shared
        .client
        .get(url)
        .header("authorization", authorization(repository));
    match request.send().await {
        Ok(answer) => {
            let bytes = answer.bytes().await.unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or_default()
        }
        Err(_) => Value::Null,
    }
}

/// Returns the artifact of a manifest.
pub fn read(
    repository: &str,
    media_type: &str,
    manifest: &Value,
    bytes: &[u8],
    config: &Value,
) -> Artifact {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let config_type = text(&manifest["config"]["mediaType"]);
    let artifact_type = match manifest["artifactType"].as_str() {
        Some(given) => given.to_owned(),
        None if config_type.is_empty() => media_type.to_owned(),
        None => config_type.clone(),
    };
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let mut icons =
        layers.filter(|one| one["annotations"]["io.goharbor.artifact.v1alpha1.icon"].is_string());
    Artifact {
        repository: repository.to_owned(),
        digest: digest(bytes),
        kind: kind_of(&config_type),
        media_type: if config_type.is_empty() {
            media_type.to_owned()
        } else {
            config_type
        },
        manifest_media_type: media_type.to_owned(),
        artifact_type,
        icon: icons
            .next()
            .map(|one| text(&one["digest"]))
            .unwrap_or_default(),
        size: size(manifest, bytes),
        manifest_size: bytes.len(),
        extra: extra(config),
        annotations: manifest["annotations"].clone(),
        references: references(manifest),
        subject: manifest["subject"]["digest"].as_str().map(str::to_owned),
        ..Artifact::default()
    }
}

/// Returns what Harbor calls an artifact whose configuration has that type.
fn kind_of(config_type: &str) -> String {
    let vendor = config_type.strip_prefix("application/vnd.");
    match config_type {
        "" | "application/vnd.oci.image.config.v1+json" => "IMAGE".to_owned(),
        "application/vnd.docker.container.image.v1+json" => "IMAGE".to_owned(),
        "application/vnd.cncf.helm.config.v1+json" => "CHART".to_owned(),
        _ => match vendor.and_then(|rest| rest.split_once(".config.")) {
            Some((name, _)) => name.rsplit('.').next().unwrap_or(name).to_uppercase(),
            None => "UNKNOWN".to_owned(),
        },
    }
}

fn extra(config: &Value) -> Value {
    let names = ["architecture", "os", "author", "created", "config"];
    let known = names.into_iter().filter_map(|name| {
        let value = config.get(name)?;
        Some((name.to_owned(), value.clone()))
    });
    Value::Object(known.collect())
}

fn references(manifest: &Value) -> Vec<(String, Value)> {
    let entries = manifest["manifests"].as_array().into_iter().flatten();
    let told = entries.map(|entry| {
        let names = ["architecture", "os", "os.version", "os.features", "variant"];
        let platform: Map<String, Value> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), entry["platform"].get(name)?.clone())))
            .collect();
        let mut told = json!({"child_digest": entry["digest"], "platform": platform});
        if let Some(annotations) = entry.get("annotations") {
            told["annotations"] = annotations.clone();
        }
        (
            entry["digest"].as_str().unwrap_or_default().to_owned(),
            told,
        )
    });
    told.collect()
}
