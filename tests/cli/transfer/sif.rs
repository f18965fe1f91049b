//! Singularity images as artifacts of registries.

use std::fs;

use crate::docker_registry::{DockerRegistry, digest};
use crate::fault_server::{FaultServer, Reply};
use crate::json;
use crate::store::{files, store, uris};
use crate::support::Home;

/// Returns what such a file begins with, and a text.
fn sif(text: &str) -> Vec<u8> {
    let head = b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0";
    [head, text.as_bytes()].concat()
}

/// Returns a home with `tool.sif`, and its hash.
fn with_sif() -> (Home, String) {
    let home = Home::new();
    let file = sif("01 a container");
    home.write("tool.sif", &file);
    (home, digest(&file)[7..].to_owned())
}

#[test]
fn a_file_is_pushed_as_singularity_pushes_it() {
    let ((home, hash), registry) = (with_sif(), DockerRegistry::start());
    let host = registry.host();
    let ran = json(home.run(&format!("push tool.sif {host}/lab/tool:1 -o json")));
    assert_eq!(ran["source"], "tool.sif");
    let manifest = json(home.run(&format!("registry manifest {host}/lab/tool:1 --raw")));
    assert_eq!(
        manifest,
        serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.sylabs.sif.config.v1+json",
                "digest": digest(b"{}"),
                "size": 2,
            },
            "layers": [{
                "mediaType": "application/vnd.sylabs.sif.layer.v1.sif",
                "digest": format!("sha256:{hash}"),
                "size": 56,
                "annotations": {"org.opencontainers.image.title": "tool.sif"},
            }],
        })
    );
    let again = json(home.run(&format!("push ./tool.sif {host}/lab/tool:1 -o json")));
    assert_eq!(again["digest"], ran["digest"]);
    assert_eq!(again["blobs"]["sent"], 0);
    home.run("copy tool.sif oci:layout:1").ok();
    home.run(&format!("copy oci:layout:1 {host}/lab/other:1"))
        .ok();
    let other = home.run(&format!("registry digest {host}/lab/other:1"));
    assert_eq!(other.ok().stdout.trim(), ran["digest"]);
}

#[test]
fn an_artifact_is_pulled_as_the_file_that_it_is() {
    let ((home, hash), registry) = (with_sif(), DockerRegistry::start());
    let host = registry.host();
    home.run(&format!("push tool.sif {host}/lab/tool:V1")).ok();
    let ran = json(home.run(&format!("pull {host}/lab/tool:V1 -o json")));
    let uri = format!("lab/tool:v1@{hash}");
    assert_eq!(ran["target"], format!("store:{uri}"));
    assert_eq!(ran["blobs"]["sent"], 1);
    let path = store(&home).join(format!("lab/tool/v1@{hash}.sif"));
    let place = home.run("store get lab/tool").ok().stdout;
    assert_eq!(place, format!("{}\n", path.display()));
    assert_eq!(fs::read(&path).expect("there"), sif("01 a container"));
    assert!(files(&store(&home).join("oci/blobs")).is_empty());
    let record = json(home.run("store inspect lab/tool"));
    assert_eq!(record["client"], "oci");
    assert_eq!(record["url"], format!("{host}/lab/tool:V1"));
    assert_eq!(record["metrics"]["sha256"], hash);
    assert_eq!(record["metrics"]["digest"], ran["digest"]);
    let again = json(home.run(&format!("pull {host}/lab/tool:V1 -o json")));
    assert_eq!(again["blobs"]["sent"], 0);
    assert_eq!(again["blobs"]["present"], 1);
    assert_eq!(uris(&home), [uri]);
    home.run("store check").ok();
    home.run("store rename lab/tool lab/other").ok();
    home.run(&format!("push store:lab/other {host}/lab/other:2"))
        .ok();
    home.run("store mv lab/other here.sif").ok();
    home.run("store rmi lab/other").ok();
    assert!(files(&store(&home).join("lab")).is_empty());
    let manifest = json(home.run(&format!("registry manifest {host}/lab/other:2")));
    let title = &manifest["layers"][0]["annotations"]["org.opencontainers.image.title"];
    assert_eq!(title, "other_v1.sif");
}

#[test]
fn an_artifact_is_pulled_into_a_file() {
    let ((home, _), registry) = (with_sif(), DockerRegistry::start());
    let host = registry.host();
    home.run(&format!("push tool.sif {host}/tool:1")).ok();
    registry.image("app", "1", "amd64");
    home.write("new/old.sif", "before");
    home.run(&format!("pull {host}/tool:1 --to new/old.sif"))
        .ok();
    home.run(&format!("copy {host}/tool:1 here.sif")).ok();
    for path in ["new/old.sif", "here.sif"] {
        let found = fs::read(home.path().join(path)).expect("there");
        assert_eq!(found, sif("01 a container"));
    }
    assert_eq!(files(&home.path().join("new")), ["old.sif"]);
    let ran = home.run(&format!("pull {host}/app:1 --to ./app.sif"));
    insta::assert_snapshot!(ran.snapshot(&home).replace(&host, "HOST"), @r"
    exit code: 2
    ----- stderr -----
    error: `HOST/app:1` is no Singularity image, and `./app.sif` is the name of one: take `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`
    ");
    let ran = home.run(&format!("pull {host}/app:1 --to ./app"));
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `./app` is a path, and nothing says what it is to be
    hint: name `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE` or a `FILE.sif`
    ");
    home.run(&format!("pull {host}/tool:1 --to no/where.sif"))
        .fails(10);
}

#[test]
fn what_is_no_such_file_is_refused() {
    let home = Home::new();
    home.write("tool.sif", "not one");
    insta::assert_snapshot!(home.run("push tool.sif localhost:1/a:1").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `tool.sif` is no Singularity image (SIF): of other files, `oci-archive:FILE` and `docker-archive:FILE` are read
    ");
    home.run("push ./absent.sif localhost:1/a:1").fails(4);
    home.run("push . localhost:1/a:1").fails(2);
    std::os::unix::fs::symlink("tool.sif", home.path().join("link.sif")).expect("linked");
    home.run("push ./link.sif localhost:1/a:1").fails(11);
    home.run("store add tool.sif --name lab/tool").ok();
    home.run("push store:lab/tool localhost:1/a:1").fails(2);
}

#[test]
fn a_file_that_changes_while_it_is_pushed_is_not_pushed() {
    let (home, _) = with_sif();
    let path = home.path().join("tool.sif");
    let server = FaultServer::start(move |seen| match seen.method.as_str() {
        // Measured by now.
        "HEAD" => {
            fs::write(&path, sif("01 another one")).expect("written");
            Reply::new(404, "")
        }
        "POST" => Reply::new(202, "").with("Location", "/v2/tool/blobs/uploads/1"),
        "PATCH" => Reply::new(202, "").with("Location", "/v2/tool/blobs/uploads/1"),
        "PUT" => Reply::new(201, ""),
        _ => Reply::new(200, "{}"),
    });
    let host = server.host();
    home.run(&format!("push tool.sif {host}/tool:1")).fails(7);
    let mut put = server.seen();
    put.retain(|seen| seen.method == "PUT");
    assert!(put.iter().all(|seen| !seen.target.contains("/manifests/1")));
}

#[test]
fn a_pull_of_other_bytes_keeps_nothing() {
    let home = Home::new();
    let layer = digest(&sif("right"));
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.sylabs.sif.config.v1+json","digest":"{}","size":2}},"layers":[{{"mediaType":"application/vnd.sylabs.sif.layer.v1.sif","digest":"{layer}","size":47}}]}}"#,
        digest(b"{}")
    );
    let server = FaultServer::start(move |seen| match seen.target.contains("/manifests/") {
        true => Reply::new(200, manifest.clone())
            .with("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
        false if seen.target.contains("/blobs/") => Reply::new(200, sif("wrong")),
        false => Reply::new(200, "{}"),
    });
    let host = server.host();
    home.run(&format!("pull {host}/tool:1")).fails(7);
    home.run(&format!("pull {host}/tool:1 --to tool.sif"))
        .fails(7);
    assert!(uris(&home).is_empty());
    assert_eq!(files(&store(&home)), ["oci/index.json", "oci/oci-layout"]);
    assert!(!home.path().join("tool.sif").exists());
}
