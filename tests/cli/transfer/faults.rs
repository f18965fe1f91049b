//! What breaks on the way: the target's tag is then as it was.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::docker_registry::{IMAGE, digest};
use crate::fault_server::{Fault, FaultServer, Reply, Seen};

/// An image of one layer, and what answers for it.
struct Image {
    layer: Vec<u8>,
    manifest: String,
}

impl Image {
    fn new() -> Self {
        let layer: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let descriptor = |kind: &str, bytes: &[u8]| {
            format!(
                r#"{{"mediaType":"{kind}","digest":"{}","size":{}}}"#,
                digest(bytes),
                bytes.len()
            )
        };
        let config = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
        let one = descriptor("application/vnd.oci.image.layer.v1.tar", &layer);
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{one}]}}"#
        );
        Self { layer, manifest }
    }

    fn answer(&self, seen: &Seen) -> Reply {
        if seen.target.contains("/manifests/") {
            return Reply::new(200, self.manifest.clone()).with("Content-Type", IMAGE);
        }
        if seen.target.ends_with(&digest(b"{}")) {
            return Reply::new(200, "{}");
        }
        Reply::new(200, self.layer.clone())
    }
}

/// A registry that has the image, whose layer `break_it` may break.
fn source(break_it: impl Fn(Reply) -> Reply + Send + Sync + 'static) -> FaultServer {
    let image = Image::new();
    let layer = digest(&image.layer);
    FaultServer::start(move |seen| {
        let answer = image.answer(seen);
        if seen.target.ends_with(&layer) && seen.method == "GET" {
            break_it(answer)
        } else {
            answer
        }
    })
}

#[test]
fn a_blob_that_is_another_is_exit_7_and_gives_no_tag() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let server = source(|mut answer| {
        answer.body[7] ^= 1;
        answer
    });
    let (from, to) = (server.host(), registry.host());
    let ran = home.run(&format!("copy {from}/a:1 {to}/a:1")).fails(7);
    assert!(
        ran.stderr.contains("what came is `sha256:"),
        "{}",
        ran.stderr
    );
    home.run(&format!("registry tags {to}/a")).fails(4);

    let ran = home.run(&format!("copy {from}/a:1 oci:layout:1")).fails(7);
    assert!(ran.stderr.contains("sha256:"), "{}", ran.stderr);
    let index = std::fs::read_to_string(home.path().join("layout/index.json"));
    assert!(!index.expect("an index").contains("sha256:"));
}

#[test]
fn a_reset_in_mid_blob_is_gone_on_with() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let asked = AtomicUsize::new(0);
    let server = source(move |answer| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer.breaking(Fault::Truncated(300_000)),
        _ => answer,
    });
    let (from, to) = (server.host(), registry.host());
    let told = copied(&home, &format!("copy {from}/a:1 {to}/a:1"));
    let seen = digest_by_skopeo(&home, &format!("{to}/a:1"));
    assert_eq!(told["digest"], seen.as_str());
    let ranged = server.seen();
    let ranged = ranged
        .iter()
        .filter(|seen| !seen.header("range").is_empty());
    assert_eq!(ranged.count(), 1);
}

#[test]
fn a_target_that_refuses_a_blob_is_sent_no_manifest() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("a", "1", "amd64");
    let server = FaultServer::start(|seen| match seen.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        _ => Reply::new(
            403,
            r#"{"errors":[{"code":"DENIED","message":"quota exceeded"}]}"#,
        ),
    });
    let (from, to) = (registry.host(), server.host());
    let ran = home.run(&format!("copy {from}/a:1 {to}/a:1")).fails(5);
    assert!(ran.stderr.contains("quota exceeded"), "{}", ran.stderr);
    let puts = server.seen();
    assert!(
        !puts
            .iter()
            .any(|seen| seen.target.contains("/manifests/") && seen.method == "PUT")
    );
}

#[test]
fn a_manifest_that_is_taken_as_another_is_a_violation() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("a", "1", "amd64");
    let other = format!("sha256:{}", "0".repeat(64));
    let server = FaultServer::start(move |seen| {
        match (seen.method.as_str(), seen.target.contains("/manifests/")) {
            ("HEAD", true) => Reply::new(404, ""),
            ("HEAD", false) => Reply::new(200, ""),
            _ => Reply::new(201, "").with("Docker-Content-Digest", other.clone()),
        }
    });
    let (from, to) = (registry.host(), server.host());
    let ran = home.run(&format!("copy {from}/a:1 {to}/a:1")).fails(7);
    assert!(
        ran.stderr.contains("the registry took `sha256:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_index_that_contains_itself_ends() {
    // No bytes hash to a digest that they name, so only a registry that lies can say so.
    let home = Home::new();
    let server = FaultServer::start(|seen| {
        let kind = crate::docker_registry::INDEX;
        let own = format!("sha256:{}", "1".repeat(64));
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{kind}","manifests":[{{"mediaType":"{kind}","digest":"{own}","size":10}}]}}"#
        );
        let _ = seen;
        Reply::new(200, index).with("Content-Type", kind)
    });
    let ran = home
        .run(&format!("copy {}/a:1 oci:x", server.host()))
        .fails(7);
    assert!(
        ran.stderr.contains("and not `sha256:1111"),
        "{}",
        ran.stderr
    );
}

#[test]
fn layers_that_may_not_be_handed_on_stay_and_their_addresses_are_not_asked() {
    let home = Home::new();
    let elsewhere = FaultServer::start(|_| Reply::new(200, "secret"));
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let foreign = format!(
        r#"{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:{}","size":5,"urls":["http://{}/layer"]}}"#,
        "5".repeat(64),
        elsewhere.host()
    );
    let config = format!(
        r#"{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{}","size":2}}"#,
        digest(b"{}")
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[{foreign}]}}"#
    );
    let server = FaultServer::start(move |seen| match seen.target.contains("/manifests/") {
        true => Reply::new(200, manifest.clone()).with("Content-Type", kind),
        false => Reply::new(200, "{}"),
    });
    let host = server.host();
    let ran = home.run(&format!("copy {host}/a:1 oci:layout:1")).ok();
    assert!(
        ran.stderr.contains("may not be handed on"),
        "{}",
        ran.stderr
    );
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn nobody_is_asked_where_the_command_line_is_wrong() {
    let home = Home::new();
    for (line, code) in [
        ("copy alpine", 2),
        ("copy Alpine x:1", 2),
        ("copy --all-tags --platform linux/amd64 a b", 2),
        ("pull", 2),
        ("tag alpine:3 not/a/tag", 2),
        ("copy oci-archive: x", 2),
    ] {
        home.run(line).fails(code);
    }
}
