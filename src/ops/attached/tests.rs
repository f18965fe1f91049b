//! Metadata attached to images of a real registry, and of one that does as it likes.

#[path = "../../../tests/support/docker_registry.rs"]
mod docker_registry;

use docker_registry::DockerRegistry;

use super::*;
use crate::domain::attached::Artifact;
use crate::domain::manifest::{OCI_INDEX, OCI_MANIFEST, digest_of};
use crate::domain::reference::DigestAlgorithm;
use crate::registry::fault_server::{FaultServer, Reply, Seen};
use crate::registry::{Network, Settings, Work};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

fn network() -> Network {
    let finder = Arc::new(|_: &_, _: Option<&_>| None);
    Network::start(Settings::default(), finder, Work::default()).expect("a runtime")
}

fn reference(host: &str, rest: &str) -> Reference {
    Reference::parse(&format!("{host}/{rest}")).expect("a reference")
}

fn metadata(description: &str) -> Metadata {
    Metadata {
        display_name: Some("App".to_owned()),
        description: Some(description.to_owned()),
        ..Metadata::default()
    }
}

fn put(network: &Network, to: &Reference, metadata: &Metadata, now: &str) -> Attached {
    let attached = network.wait(attach(&network.client, to, metadata, now));
    attached.expect("attached")
}

fn get(network: &Network, of: &Reference) -> Option<Metadata> {
    let found = network.wait(described(&network.client, of));
    let found = found.expect("it is there");
    found.is_attached.then_some(found.metadata)
}

fn referrers(network: &Network, of: &Reference) -> Vec<Digest> {
    let found = network.wait(super::super::registry::referrers(&network.client, of, None));
    let found = found.expect("listed").into_iter();
    found
        .map(|found| found.digest.parse().expect("a digest"))
        .collect()
}

#[test]
fn what_was_attached_last_is_found_and_nothing_else_is_left() {
    let registry = DockerRegistry::start();
    let image = registry.image("apps/app", "1", "amd64");
    let network = network();
    let app = reference(&registry.host(), "apps/app:1");
    assert_eq!(get(&network, &app), None);

    let first = put(&network, &app, &metadata("one"), "2025-10-31T12:00:00Z");
    assert!(!first.was_there);
    assert_eq!(get(&network, &app), Some(metadata("one")));
    let again = put(&network, &app, &metadata("one"), "2025-11-01T12:00:00Z");
    assert!(again.was_there);
    assert_eq!(again.digest, first.digest);

    let mut second = metadata("two");
    second.picture = Some(digest_of(PNG, DigestAlgorithm::Sha256).to_string());
    second.picture_bytes = Some(PNG.to_vec());
    // A clock that goes wrong does not hide what was attached last.
    let by_digest = app
        .clone()
        .with_digest(image.digest.parse().expect("a digest"));
    let replaced = put(&network, &by_digest, &second, "2025-10-30T12:00:00Z");
    assert!(!replaced.was_there);
    assert_eq!(get(&network, &app), Some(second));
    assert_eq!(referrers(&network, &app), [replaced.digest]);
}

#[test]
fn the_metadata_of_an_index_is_its_own_or_that_of_its_usual_platform() {
    let registry = DockerRegistry::start();
    registry.index("apps/app", "1", &["arm64", "amd64"]);
    let network = network();
    let app = reference(&registry.host(), "apps/app:1");
    let one = reference(&registry.host(), "apps/app:1-amd64");
    let other = reference(&registry.host(), "apps/app:1-arm64");
    put(&network, &other, &metadata("arm"), "2025-10-31T12:00:00Z");
    assert_eq!(get(&network, &app), None);
    put(&network, &one, &metadata("amd"), "2025-10-31T12:00:00Z");
    assert_eq!(get(&network, &app), Some(metadata("amd")));
    put(&network, &app, &metadata("all"), "2025-10-31T12:00:00Z");
    assert_eq!(get(&network, &app), Some(metadata("all")));
    assert_eq!(get(&network, &one), Some(metadata("amd")));
}

/// A registry with an image `a:1` and artifacts that refer to it; it deletes nothing.
struct Holding {
    server: FaultServer,
}

impl Holding {
    /// Returns one that answers so, where `answer` says it, before anything else.
    fn with(artifacts: Vec<Artifact>, answer: fn(&Seen) -> Option<Reply>) -> Self {
        let list: Vec<String> = artifacts
            .iter()
            .map(|made| made.manifest.as_referrer().to_json())
            .collect();
        let list = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}]}}"#,
            list.join(",")
        );
        let server = FaultServer::start(move |seen| {
            if let Some(reply) = answer(seen) {
                return reply;
            }
            let target = seen.target.as_str();
            let manifest = |bytes: &[u8]| Reply::new(200, bytes).with("Content-Type", OCI_MANIFEST);
            if target.contains("/referrers/") {
                return Reply::new(200, list.clone()).with("Content-Type", OCI_INDEX);
            }
            if seen.method == "DELETE" {
                return Reply::new(405, "");
            }
            if seen.method == "PUT" {
                return Reply::new(201, "").with("OCI-Subject", "x");
            }
            if target.ends_with("/manifests/1") || target.ends_with(image().digest.as_str()) {
                return manifest(IMAGE.as_bytes());
            }
            if target.ends_with(EMPTY) {
                return Reply::new(200, "{}");
            }
            for made in &artifacts {
                if target.ends_with(made.manifest.descriptor.digest.as_str()) {
                    return manifest(&made.manifest.bytes);
                }
                for (blob, bytes) in &made.blobs {
                    if target.ends_with(blob.digest.as_str()) {
                        return Reply::new(200, bytes.clone());
                    }
                }
            }
            Reply::new(404, "")
        });
        Self { server }
    }

    fn image(&self) -> Reference {
        reference(&self.server.host(), "a:1")
    }
}

/// What the config of the image is called, which says nothing.
const EMPTY: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

const IMAGE: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

fn image() -> Descriptor {
    let manifest = Manifest::checked(IMAGE.as_bytes().to_vec(), None, &[]);
    manifest.expect("a manifest").descriptor
}

fn made(description: &str, created: &str) -> Artifact {
    artifact(&metadata(description), &image(), created).expect("made")
}

#[test]
fn the_newest_counts_where_nothing_can_be_deleted() {
    let holding = Holding::with(
        vec![
            made("old", "2025-10-31T12:00:00Z"),
            made("new", "2025-10-31T14:00:00+01:00"),
            made("never", "yesterday"),
        ],
        |_| None,
    );
    let (network, app) = (network(), holding.image());
    assert_eq!(get(&network, &app), Some(metadata("new")));
    let same = put(&network, &app, &metadata("new"), "2025-11-01T00:00:00Z");
    assert!(same.was_there);
    // That an older one says the same does not make it count.
    let older = put(&network, &app, &metadata("old"), "2025-11-01T00:00:00Z");
    assert!(!older.was_there);
    let seen = holding.server.seen();
    let count = |method: &str| seen.iter().filter(|seen| seen.method == method).count();
    assert_eq!((count("PUT"), count("DELETE")), (1, 3));
}

fn told(holding: &Holding) -> String {
    let network = network();
    let error = network
        .wait(described(&network.client, &holding.image()))
        .expect_err("refused");
    let port = holding.server.port().to_string();
    let lines = match &error {
        Error::Input { faults, .. } => faults.iter().map(|fault| format!("\n{fault}")).collect(),
        Error::Registry(error) => format!(": {}", error.cause.as_deref().unwrap_or("-")),
        _ => String::new(),
    };
    format!("{error}{lines}").replace(&port, "PORT")
}

/// Returns an artifact with this document in place of its own.
fn with_document(document: &str) -> Artifact {
    let mut made = made("x", "2025-10-31T12:00:00Z");
    let digest = digest_of(document.as_bytes(), DigestAlgorithm::Sha256);
    let text = String::from_utf8(made.manifest.bytes).expect("UTF-8");
    let old = made.blobs[1].0.clone();
    let text = text.replace(old.digest.as_str(), digest.as_str());
    let text = text.replace(
        &format!("\"size\":{}", old.size),
        &format!("\"size\":{}", document.len()),
    );
    made.manifest = Manifest::checked(text.into_bytes(), None, &[]).expect("a manifest");
    made.blobs[1].0.digest = digest;
    made.blobs[1].1 = document.as_bytes().to_vec();
    made
}

#[test]
fn metadata_that_breaks_a_rule_is_told_at_its_place() {
    let holding = Holding::with(
        vec![with_document(r#"{"kind":"No Word","groups":["x"]}"#)],
        |_| None,
    );
    insta::assert_snapshot!(told(&holding), @r"
    the metadata of `127.0.0.1:PORT/a:1` breaks the rules
    the metadata of `127.0.0.1:PORT/a:1`:1:9: kind: kind should be `app`, `base`, `internal`, `kernel`, `lab_app`, `notebook`, `runtime` or another lower-case word, but is `No Word`
    ");
    let holding = Holding::with(vec![with_document("{} x")], |_| None);
    assert!(told(&holding).contains("`:1:4: "), "{}", told(&holding));
}

#[test]
fn other_bytes_than_were_attached_are_not_read() {
    let holding = Holding::with(vec![made("x", "2025-10-31T12:00:00Z")], |seen| {
        let is_blob = seen.target.contains("/blobs/");
        is_blob.then(|| Reply::new(200, r#"{"displayName":"App","description":"y"}"#))
    });
    insta::assert_snapshot!(told(&holding), @"cannot read the blob `sha256:ab8dedc68d3fcdd97b3f2007ed8b55487009a365371901ba6776d7a5711eb28b` of `127.0.0.1:PORT/a:1`: what came is not what was asked for");
}

#[test]
fn what_a_list_calls_ours_and_is_not_is_passed_over() {
    let mut other = made("x", "2025-10-31T12:00:00Z");
    let text = String::from_utf8(other.manifest.bytes).expect("UTF-8");
    let text = text.replacen(
        image().digest.as_str(),
        &format!("sha256:{}", "b".repeat(64)),
        1,
    );
    other.manifest = Manifest::checked(text.into_bytes(), None, &[]).expect("a manifest");
    let holding = Holding::with(vec![other], |_| None);
    assert_eq!(get(&network(), &holding.image()), None);
    let gone = Holding::with(vec![made("x", "2025-10-31T12:00:00Z")], |seen| {
        let is_artifact = seen.target.contains("/manifests/sha256:");
        is_artifact.then(|| Reply::new(404, ""))
    });
    assert_eq!(get(&network(), &gone.image()), None);
    let cannot = Holding::with(Vec::new(), |seen| {
        let is_list = seen.target.contains("/referrers/");
        is_list.then(|| Reply::new(405, ""))
    });
    assert_eq!(get(&network(), &cannot.image()), None);
}
