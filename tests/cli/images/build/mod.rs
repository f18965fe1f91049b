//! Custom images, really built by buildah and pushed to a registry.

mod clusters;
mod ended;
mod engines;
mod made;
mod packages;
mod secrets;
mod turns;

use std::fs;

use serde_json::{Value, json};

use crate::builder::{RECORDS, add_storage, call, push_base};
use crate::docker_registry::{DockerRegistry, Pushed};
use crate::field;
use crate::support::{Home, Ran};

const ALL: [(&str, &str); 3] = [("apt-get", RECORDS), ("conda", RECORDS), ("pip", RECORDS)];

/// A home that builds, with a registry that holds `team/base:1`.
struct Place {
    home: Home,
    registry: DockerRegistry,
}

impl Place {
    fn new(programs: &[(&str, &str)]) -> Self {
        let place = Self::empty();
        push_base(&place.home, &place.base(), programs);
        place
    }

    /// One whose registry holds nothing yet.
    fn empty() -> Self {
        let (home, registry) = (Home::new(), DockerRegistry::start());
        add_storage(&home);
        let place = Self { home, registry };
        place.home.write(
            ".config/imgdex/config.toml",
            format!("[build]\npush-prefix = \"{}/custom\"\n", place.host()),
        );
        place
    }

    fn host(&self) -> String {
        self.registry.host()
    }

    fn base(&self) -> String {
        format!("{}/team/base:1", self.registry.host())
    }

    fn create(&self, packages: Value) {
        let image = json!({
            "name": "science", "displayName": "Science \"$HOME\"", "description": "a\nb\\",
            "global": true,
            "imageSpec": {"baseImage": self.base(), "packages": packages},
        });
        self.home.pipe(image.to_string(), "images create").ok();
    }

    fn run(&self, arguments: &str) -> Ran {
        call(&self.home, arguments).run()
    }

    fn snapshot(&self, ran: &Ran) -> String {
        let text = ran.snapshot(&self.home).replace(&self.host(), "<host>");
        let mut words: Vec<String> = Vec::new();
        for word in text.split("sha256:") {
            match words.is_empty() {
                true => words.push(word.to_owned()),
                false => words.push(word.get(64..).unwrap_or(word).to_owned()),
            }
        }
        words.join("<digest>")
    }

    fn status(&self) -> Value {
        field(&self.home, "science", "jobStatus")
    }
}

/// Creates an image that is to be built upon `team/base:1` of a registry.
fn create(home: &Home, host: &str, name: &str) {
    let spec = json!({"baseImage": format!("{host}/team/base:1"), "packages": {"pip": ["x"]}});
    let image = json!({"name": name, "global": true, "imageSpec": spec});
    home.pipe(image.to_string(), "images create").ok();
}

/// Returns whether a process runs that was given this argument.
fn runs(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("processes");
    processes.flatten().any(|process| {
        let line = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        line.split('\0').any(|word| word == argument)
    })
}

/// Pushes an image without layers that has the labels by which a build of that
/// Containerfile is found.
fn push_labelled(
    registry: &DockerRegistry,
    repository: &str,
    tag: &str,
    containerfile: &str,
) -> Pushed {
    let label = |name: &str| {
        let (_, rest) = containerfile
            .split_once(&format!("{name}=\""))
            .expect("a label");
        rest.split('"').next().expect("its text").to_owned()
    };
    let (key, created) = ("imgdex.build-key", "org.opencontainers.image.created");
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Labels": {key: label(key), created: label(created)}},
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    let media_type = "application/vnd.oci.image.config.v1+json";
    let config = registry.blob(repository, media_type, config.to_string().as_bytes());
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{manifest_type}","config":{config},"layers":[]}}"#
    );
    registry.manifest(repository, tag, manifest_type, &manifest)
}
