//! Jobs of a cluster: written here, done elsewhere, and found again.

use serde_json::{Value, json};

use super::{create, push_labelled};
use crate::docker_registry::{DockerRegistry, Pushed};
use crate::support::{Home, Ran};
use crate::{field, json};

/// A home where nothing is installed that builds, and a registry with `team/base:1`.
struct Place {
    home: Home,
    registry: DockerRegistry,
    nothing: String,
}

impl Place {
    fn new() -> Self {
        let (home, registry) = (Home::new(), DockerRegistry::start());
        registry.image("team/base", "1", "amd64");
        let nothing = home.path().join("nothing").display().to_string();
        Self {
            home,
            registry,
            nothing,
        }
    }

    fn create(&self, name: &str) {
        create(&self.home, &self.registry.host(), name);
    }

    fn run(&self, arguments: &str) -> Ran {
        self.home.call(arguments).env("PATH", &self.nothing).run()
    }

    /// Writes a Job, and returns it with its Containerfile.
    fn job(&self, arguments: &str) -> (Value, String) {
        let command = format!("images build {arguments} --engine kubernetes -o json");
        let list = json(self.run(&command));
        let text = list["items"][0]["data"]["Containerfile"].as_str();
        (list["items"][1].clone(), text.expect("a text").to_owned())
    }

    /// Pushes what the Job with that Containerfile would push.
    fn push(&self, repository: &str, tag: &str, containerfile: &str) -> Pushed {
        push_labelled(&self.registry, repository, tag, containerfile)
    }

    fn phase(&self, name: &str) -> Value {
        field(&self.home, name, "jobStatus")["phase"].clone()
    }
}

#[test]
fn what_a_job_pushes_is_found_without_an_engine_or_a_prefix() {
    let place = Place::new();
    place.create("science");
    let host = place.registry.host();
    let (job, text) = place.job(&format!("science --push {host}/x:1"));
    assert_eq!(place.phase("science"), "Pending");
    let name = job["metadata"]["name"].as_str().expect("a name").to_owned();
    let ran = place.run("images build science");
    let told = ran.snapshot(&place.home).replace(&host, "<host>");
    insta::assert_snapshot!(told.replace(&name, "<job>"), @r"
    exit code: 13
    ----- stderr -----
    error: image `science` is to be built by the Job of a cluster, which has not pushed `<host>/x:1` yet
    hint: `kubectl logs job/<job> --follow` shows how far it is
    hint: `imgdex images build science --force` builds it once more
    ");
    assert_eq!(place.phase("science"), "Pending");
    let first = place.push("x", "1", &text);
    place.run("images build science").ok();
    assert_eq!(place.phase("science"), "Succeeded");
    assert_eq!(
        field(&place.home, "science", "url"),
        json!(format!("{host}/x:1"))
    );
    assert_eq!(field(&place.home, "science", "digest"), json!(first.digest));

    // What was pushed before is not what is to be built once more.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (again, text) = place.job(&format!("science --push {host}/x:1 --force"));
    assert_ne!(again["metadata"]["name"], json!(name));
    place.run("images build science").fails(13);
    assert_eq!(field(&place.home, "science", "digest"), json!(first.digest));
    let second = place.push("x", "1", &text);
    assert_ne!(first.digest, second.digest);
    place.run("images build science").ok();
    assert_eq!(
        field(&place.home, "science", "digest"),
        json!(second.digest)
    );
    assert_eq!(
        field(&place.home, "science", "jobStatus")["created"],
        Value::Null
    );
}

#[test]
fn some_jobs_are_one_list_and_what_changed_is_built_by_them() {
    let place = Place::new();
    let host = place.registry.host();
    place.home.write(
        ".config/imgdex/config.toml",
        format!("[build]\nengine = \"kubernetes\"\npush-prefix = \"{host}/custom\"\n"),
    );
    for name in ["a", "b", "c"] {
        place.create(name);
    }
    let list = json(place.run("images build a b -o json"));
    let kinds = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().expect("a list").iter();
        items
            .map(|item| item["kind"].as_str().expect("a kind").to_owned())
            .collect()
    };
    assert_eq!(kinds(&list), ["ConfigMap", "Job", "ConfigMap", "Job"]);
    for (index, name) in [(0, "a"), (2, "b")] {
        let text = list["items"][index]["data"]["Containerfile"].as_str();
        place.push(&format!("custom/{name}"), "1", text.expect("a text"));
        place.run(&format!("images build {name}")).ok();
    }
    let nothing = place.run("images build --stale -o json").ok();
    let empty: Value = serde_json::from_str(&nothing.stdout).expect("JSON");
    assert_eq!(empty["items"], json!([]));
    let nothing = place.run("images build --stale").ok();
    assert!(
        nothing
            .stderr
            .contains("2 images are built of what they still are")
    );
    assert_eq!(nothing.stdout, "");
    let patch = r#"{"imageSpec": {"packages": {"pip": ["y"]}}}"#;
    place.home.pipe(patch, "images update b").ok();
    let ran = place.run("images build --stale -o name").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        matches!(lines[..], [map, job] if map.starts_with("configmap/imgdex-build-b-")
            && job.starts_with("job/imgdex-build-b-")),
        "{ran:?}"
    );
    assert_eq!(
        (place.phase("a"), place.phase("b")),
        (json!("Succeeded"), json!("Pending"))
    );
    // Asked for again, it is waited for, and found once it is there.
    let waits = place.run("images build --stale -o json").ok();
    assert!(
        waits
            .stderr
            .contains("image `b` is to be built by the Job of a cluster")
    );
    assert_eq!(json(waits)["items"], json!([]));
    let status = field(&place.home, "b", "jobStatus");
    let target = status["target"].as_str().expect("a target");
    let tag = target.rsplit(':').next().expect("a tag");
    let key = status["wantedKey"].as_str().expect("a key");
    let labels = format!(
        "imgdex.build-key=\"{key}\" org.opencontainers.image.created=\"2026-01-01T00:00:00Z\""
    );
    place.push("custom/b", tag, &labels);
    place.run("images build --stale").ok();
    assert_eq!(place.phase("b"), "Succeeded");
    assert_eq!(field(&place.home, "b", "url"), json!(target));
}

#[test]
fn a_cluster_needs_no_value_that_is_kept_here_but_the_right_kind_of_secret() {
    let place = Place::new();
    let host = place.registry.host();
    place.create("science");
    for (name, kind) in [("puller", "kubernetes"), ("key", "opaque")] {
        let secret = json!({"name": name, "type": kind, "registryHost": host, "username": "me"});
        place.home.pipe(secret.to_string(), "secrets create").ok();
    }
    let build = format!("images build science --engine kubernetes --push {host}/x:1 --push-secret");
    let ran = place.run(&format!("{build} image-puller")).ok();
    assert!(ran.stdout.contains("secretName: puller"), "{ran:?}");
    let opaque = json(place.run("secrets list -o json"));
    let id = opaque
        .as_array()
        .expect("a list")
        .iter()
        .find(|secret| secret["name"] == "key")
        .and_then(|secret| secret["id"].as_str())
        .expect("an id")
        .to_owned();
    let ran = place.run(&format!("{build} {id} --force")).fails(2);
    assert!(
        ran.stderr.contains("only with one of type `kubernetes`"),
        "{ran:?}"
    );
}

#[test]
fn a_job_that_was_not_delivered_is_not_waited_for() {
    let place = Place::new();
    place.create("science");
    let host = place.registry.host();
    let build = format!("images build science --push {host}/x:1 --engine kubernetes");
    let words: Vec<&str> = build.split(' ').collect();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let ended = place
        .home
        .command(crate::support::PROGRAM)
        .args(&words)
        .stdout(full.expect("a full disk"))
        .status()
        .expect("it runs");
    assert_eq!(ended.code(), Some(10));
    assert_eq!(place.phase("science"), Value::Null);
}

#[test]
fn what_a_job_pushes_is_found_though_its_base_image_has_moved_on() {
    let place = Place::new();
    place.create("science");
    let host = place.registry.host();
    let (_, text) = place.job(&format!("science --push {host}/x:1"));
    place.push("x", "1", &text);
    place.registry.image("team/base", "1", "arm64");
    place.registry.index("team/base", "1", &["amd64", "arm64"]);
    // Who asks for a Job again gets what the first one made, and no other Job.
    let again = place.run("images build science --engine kubernetes -o json");
    assert_eq!(json(again)["items"], json!([]));
    assert_eq!(place.phase("science"), "Succeeded");
    let url = json!(format!("{host}/x:1"));
    assert_eq!(field(&place.home, "science", "url"), url);
    // It is not of what the base image is now.
    let stale = place.run(&format!("images build science --push {host}/x:2"));
    assert!(stale.fails(4).stderr.contains("no program is installed"));
}
