//! Images that a test puts there, and what it asks the API for.

use serde_json::{Value, json};

use super::client::{Told, basic, send};
use super::{ADMIN, FakeHarbor, manifests};
use crate::docker_registry::{IMAGE, INDEX};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

impl FakeHarbor {
    /// Puts a small image there, of its own for each repository and tag, and
    /// returns its digest. No request of this is seen.
    pub fn image(&self, repository: &str, tag: &str) -> String {
        self.image_for(
            repository,
            Some(tag),
            "amd64",
            &format!("{repository}:{tag}"),
        )
    }

    /// Puts an image with that content there, so that several may be one.
    pub fn image_with(&self, repository: &str, tag: &str, content: &str) -> String {
        self.image_for(repository, Some(tag), "amd64", content)
    }

    fn image_for(
        &self,
        repository: &str,
        tag: Option<&str>,
        architecture: &str,
        content: &str,
    ) -> String {
        let content = format!("{content} for {architecture}");
        let diff_id = crate::docker_registry::digest(content.as_bytes());
        let config = json!({
            "created": "2024-05-06T07:08:09Z",
            "os": "linux",
            "architecture": architecture,
            "config": {"Labels": {"a": "1"}},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        });
        let layer = self.registry.blob(repository, LAYER, content.as_bytes());
        let parsed = |text: String| serde_json::from_str::<Value>(&text).expect("a descriptor");
        let described = self
            .registry
            .blob(repository, CONFIG, config.to_string().as_bytes());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": parsed(described), "layers": [parsed(layer)],
        });
        self.put(repository, tag, IMAGE, &manifest, &config)
    }

    /// Puts an image of several architectures there and returns its digest.
    pub fn index(&self, repository: &str, tag: &str, architectures: &[&str]) -> String {
        let entry = |architecture: &&str| {
            let content = format!("{repository}:{tag}");
            let digest = self.image_for(repository, None, architecture, &content);
            let mut state = self.state();
            let image = state
                .artifact(repository, &digest)
                .expect("it was put there");
            json!({
                "mediaType": IMAGE, "digest": digest, "size": image.manifest_size,
                "platform": {"os": "linux", "architecture": architecture},
            })
        };
        let entries: Vec<Value> = architectures.iter().map(entry).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        self.put(repository, Some(tag), INDEX, &index, &Value::Null)
    }

    fn put(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        manifest: &Value,
        config: &Value,
    ) -> String {
        let text = manifest.to_string();
        let digest = crate::docker_registry::digest(text.as_bytes());
        let reference = tag.unwrap_or(&digest);
        self.registry
            .manifest(repository, reference, media_type, &text);
        let artifact = manifests::read(repository, media_type, manifest, text.as_bytes(), config);
        self.state().add_artifact(artifact, tag);
        digest
    }

    /// Makes a robot of a project that may do these things in its repositories, and
    /// returns its full name and its secret.
    pub fn robot(&self, project: &str, name: &str, actions: &[&str]) -> (String, String) {
        let access = actions.iter();
        let access = access.map(|action| json!({"resource": "repository", "action": action}));
        let wanted = json!({
            "name": name, "level": "project", "duration": -1,
            "permissions": [{
                "kind": "project", "namespace": project,
                "access": access.collect::<Vec<_>>(),
            }],
        });
        let made = self.api("POST", "/robots", Some(wanted)).json;
        self.state().seen.pop();
        let text = |name: &str| made[name].as_str().expect("it was made").to_owned();
        (text("name"), text("secret"))
    }

    /// Asks the API as `admin`; the path begins after `/api/v2.0`.
    pub fn get(&self, path: &str) -> Told {
        self.api("GET", path, None)
    }

    /// Asks the API as `admin`, with a body where one is given.
    pub fn api(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        self.api_as(Some(ADMIN), method, path, body)
    }

    /// Asks the API as somebody, or as nobody.
    pub fn api_as(
        &self,
        account: Option<(&str, &str)>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Told {
        let authorization = account.map(|(name, password)| basic(name, password));
        let mut headers = Vec::new();
        if let Some(authorization) = &authorization {
            headers.push(("Authorization", authorization.as_str()));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        self.send(
            method,
            &format!("/api/v2.0{path}"),
            &headers,
            body.as_bytes(),
        )
    }

    /// Sends any request.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        send(&self.shared.host, method, target, headers, body)
    }
}
