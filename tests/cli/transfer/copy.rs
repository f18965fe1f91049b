//! Between registries.

use super::*;
use crate::token_server::{PASSWORD, TokenServer};

#[test]
fn an_index_is_copied_whole_and_again_costs_nothing() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    let pushed = one.index("team/app", "1", &["amd64", "arm64"]);
    let (from, to) = (one.host(), other.host());
    let line = format!("copy {from}/team/app:1 {to}/mirror/app:2");
    let told = copied(&home, &line);
    assert_eq!(told["digest"], pushed.digest);
    assert_eq!(told["manifests"], 3);
    assert_eq!(told["blobs"]["sent"], 4);
    let seen = digest_by_skopeo(&home, &format!("{to}/mirror/app:2"));
    assert_eq!(seen, pushed.digest);

    let told = copied(&home, &line);
    assert_eq!(told["blobs"]["sent"], 0);
    assert_eq!(told["blobs"]["present"], 0, "no blob is even asked for");
    let told = copied(&home, &format!("{line} --force"));
    assert_eq!(told["blobs"]["present"], 4);
    assert_eq!(told["blobs"]["sent"], 0);
}

#[test]
fn skopeo_copies_on_what_was_copied() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    one.image("app", "1", "amd64");
    let to = other.host();
    home.run(&format!("copy {}/app:1 {to}/app:1", one.host()))
        .ok();
    let target = home.path().join("got").display().to_string();
    skopeo(
        &home,
        &[
            "copy",
            "--src-tls-verify=false",
            &format!("docker://{to}/app:1"),
            &format!("dir:{target}"),
        ],
    );
    assert!(exists(&home, "got/manifest.json"));
}

#[test]
fn one_registry_takes_blobs_from_itself() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.index("a", "1", &["amd64", "arm64"]);
    let host = registry.host();
    let told = copied(&home, &format!("copy {host}/a:1 {host}/b/c:1"));
    assert_eq!(told["blobs"]["mounted"], 4);
    assert_eq!(told["blobs"]["sentBytes"], 0);
}

#[test]
fn one_platform_is_copied_and_one_that_is_not_there_is_told() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let index = registry.index("a", "1", &["amd64", "arm64"]);
    let host = registry.host();
    let line = format!("copy {host}/a:1 {host}/b:1 --platform");
    let told = copied(&home, &format!("{line} linux/arm64"));
    assert_ne!(told["digest"], index.digest);
    assert_eq!(told["manifests"], 1);
    let config = skopeo(
        &home,
        &[
            "inspect",
            "--config",
            "--tls-verify=false",
            &format!("docker://{host}/b:1"),
        ],
    );
    assert!(config.contains("arm64"), "{config}");

    let ran = home.run(&format!("{line} linux/s390x")).fails(4);
    assert!(
        ran.stderr
            .contains("has no image for `linux/s390x`, but for: linux/amd64, linux/arm64"),
        "{}",
        ran.stderr
    );
    // What is no index has one platform, too.
    let ran = home.run(&format!(
        "copy {host}/b:1 {host}/c:1 --platform linux/amd64"
    ));
    assert!(ran.fails(4).stderr.contains("but for: linux/arm64"));
}

#[test]
fn all_tags_of_a_repository_are_copied() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    for tag in ["1", "2", "latest"] {
        one.image("app", tag, "amd64");
    }
    let (from, to) = (one.host(), other.host());
    let ran = home.run(&format!("copy --all-tags {from}/app {to}/app -o json"));
    assert_eq!(json(ran).as_array().map(Vec::len), Some(3));
    let tags = home.run(&format!("registry tags {to}/app -o name")).ok();
    assert_eq!(tags.stdout, "1\n2\nlatest\n");

    let ran = home.run(&format!("copy --all-tags {from}/app:1 {to}/app"));
    assert!(
        ran.fails(2)
            .stderr
            .contains("name both sides without a tag")
    );
}

#[test]
fn a_digest_is_copied_as_what_it_is() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let pushed = registry.image("a", "1", "amd64");
    let host = registry.host();
    let digest = &pushed.digest;
    let told = copied(
        &home,
        &format!("copy {host}/a@{digest} {host}/b:x@{digest}"),
    );
    assert_eq!(told["digest"], pushed.digest);
    let tags = home.run(&format!("registry tags {host}/b -o name")).ok();
    assert_eq!(tags.stdout, "x\n");
    let other = format!("sha256:{}", "0".repeat(64));
    let ran = home.run(&format!("copy {host}/a:1 {host}/b@{other}"));
    assert!(ran.fails(12).stderr.contains("its digest is another"));
}

#[test]
fn what_refers_to_an_image_comes_along_where_it_is_wanted() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    let pushed = one.image("app", "1", "amd64");
    let config = one.blob("app", "application/vnd.oci.empty.v1+json", b"{}");
    let layer = one.blob("app", "application/spdx+json", b"a list");
    let signature = format!(
        r#"{{"schemaVersion":2,"mediaType":"{image}","artifactType":"application/spdx+json","config":{config},"layers":[{layer}],"subject":{{"mediaType":"{image}","digest":"{}","size":{}}}}}"#,
        pushed.digest,
        pushed.size,
        image = crate::docker_registry::IMAGE,
    );
    // This registry keeps no lists of referrers: a push by us makes the tag for it.
    home.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let digest = crate::docker_registry::digest(signature.as_bytes());
    for bytes in [signature.as_bytes(), b"{}", b"a list"] {
        let hex = crate::docker_registry::digest(bytes);
        let hex = hex.strip_prefix("sha256:").expect("a digest");
        home.write(&format!("layout/blobs/sha256/{hex}"), bytes);
    }
    home.write(
        "layout/index.json",
        format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{}","digest":"{digest}","size":{}}}]}}"#,
            crate::docker_registry::IMAGE,
            signature.len()
        ),
    );
    let (from, to) = (one.host(), other.host());
    home.run(&format!("push oci:layout {from}/app@{digest}"))
        .ok();
    let listed = home.run(&format!("registry referrers {from}/app:1 -o json"));
    assert_eq!(json(listed)[0]["digest"], digest.as_str());

    let told = copied(&home, &format!("copy {from}/app:1 {to}/without:1"));
    assert_eq!(told["referrers"], 0);
    let told = copied(&home, &format!("copy --referrers {from}/app:1 {to}/with:1"));
    assert_eq!(told["referrers"], 1);
    let listed = json(home.run(&format!("registry referrers {to}/with:1 -o json")));
    assert_eq!(listed[0]["digest"], digest.as_str());
    assert_eq!(listed[0]["artifactType"], "application/spdx+json");
    let listed = json(home.run(&format!("registry referrers {to}/without:1 -o json")));
    assert_eq!(listed, serde_json::json!([]));

    // By way of a layout, too.
    copied(
        &home,
        &format!("copy --referrers {from}/app:1 oci:through:1"),
    );
    copied(
        &home,
        &format!("copy --referrers oci:through:1 {to}/third:1"),
    );
    let listed = json(home.run(&format!("registry referrers {to}/third:1 -o json")));
    assert_eq!(listed[0]["digest"], digest.as_str());
}

#[test]
fn a_tag_is_given_without_pulling() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let pushed = registry.index("app", "1", &["amd64"]);
    let host = registry.host();
    let told = copied(&home, &format!("tag {host}/app:1 stable"));
    assert_eq!(told["digest"], pushed.digest);
    let seen = digest_by_skopeo(&home, &format!("{host}/app:stable"));
    assert_eq!(seen, pushed.digest);
    let ran = home.run(&format!("tag {host}/app:1 {host}/app:2")).fails(2);
    assert!(ran.stderr.contains("imgdex copy"), "{}", ran.stderr);
    let ran = home.run(&format!("tag {host}/app:none x")).fails(4);
    assert!(ran.stderr.contains("registry tags"), "{}", ran.stderr);
}

#[test]
fn docker_manifests_stay_what_they_are() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    one.image("app", "1", "amd64");
    let (from, to) = (one.host(), other.host());
    skopeo(
        &home,
        &[
            "copy",
            "--format=v2s2",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &format!("docker://{from}/app:1"),
            &format!("docker://{from}/app:docker"),
        ],
    );
    let told = copied(&home, &format!("copy {from}/app:docker {to}/app:docker"));
    assert_eq!(
        told["mediaType"],
        "application/vnd.docker.distribution.manifest.v2+json"
    );
    let seen = digest_by_skopeo(&home, &format!("{to}/app:docker"));
    assert_eq!(told["digest"], seen.as_str());
}

#[test]
fn a_registry_that_wants_a_password_is_read_from_and_written_to() {
    let home = Home::new();
    let (open, closed) = (DockerRegistry::start(), DockerRegistry::with_password());
    open.image("app", "1", "amd64");
    let (from, to) = (open.host(), closed.host());
    let ran = home.run(&format!("copy {from}/app:1 {to}/app:1")).fails(5);
    assert!(
        ran.stderr.contains(&format!("imgdex login {to}")),
        "{}",
        ran.stderr
    );
    home.pipe("hunter2", &format!("login {to} -u me --password-stdin"))
        .ok();
    home.run(&format!("copy {from}/app:1 {to}/app:1")).ok();
    home.run(&format!("copy {to}/app:1 {from}/back:1")).ok();
    let told = copied(&home, &format!("copy {to}/app:1 {to}/other:1"));
    assert_eq!(told["blobs"]["mounted"], 2);
}

#[test]
fn tokens_are_asked_for_with_all_that_a_copy_needs() {
    let (home, tokens) = (Home::new(), TokenServer::start());
    let registry = tokens.registry();
    registry.index("team/app", "1", &["amd64", "arm64"]);
    let host = registry.host();
    let call = |line: &str| {
        home.call(line)
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", "me")
            .env("IMGDEX_REGISTRY_PASSWORD", PASSWORD)
            .run()
    };
    let told = json(call(&format!(
        "copy {host}/team/app:1 {host}/team/other:1 -o json"
    )));
    assert_eq!(told["blobs"]["mounted"], 4);
    assert_eq!(
        tokens.asked(),
        [
            "me repository:team/app:pull",
            "me repository:team/other:pull,push",
            "me repository:team/other:pull,push repository:team/app:pull",
        ]
    );
}

#[test]
fn signatures_of_platforms_come_along_though_the_index_is_there() {
    let home = Home::new();
    let (one, other) = (DockerRegistry::start(), DockerRegistry::start());
    one.index("app", "1", &["amd64", "arm64"]);
    let (from, to) = (one.host(), other.host());
    let index = json(home.run(&format!("registry manifest {from}/app:1 -o json")));
    let subject = index["manifests"][1].to_string();
    let config = one.blob("app", "application/vnd.oci.empty.v1+json", b"{}");
    let kind = crate::docker_registry::IMAGE;
    let signature = format!(
        r#"{{"schemaVersion":2,"mediaType":"{kind}","artifactType":"application/x","config":{config},"layers":[{config}],"subject":{subject}}}"#
    );
    let pushed = one.manifest("app", "signature", kind, &signature);
    let hex = index["manifests"][1]["digest"].as_str().expect("a digest");
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{kind}","digest":"{}","size":{}}}]}}"#,
        crate::docker_registry::INDEX,
        pushed.digest,
        pushed.size
    );
    one.manifest(
        "app",
        &hex.replace(':', "-"),
        crate::docker_registry::INDEX,
        &list,
    );
    copied(&home, &format!("copy {from}/app:1 {to}/app:1"));
    let told = copied(&home, &format!("copy --referrers {from}/app:1 {to}/app:1"));
    assert_eq!(told["referrers"], 1);
    let listed = json(home.run(&format!("registry referrers {to}/app@{hex} -o json")));
    assert_eq!(listed[0]["digest"], pushed.digest);
}

#[test]
fn a_mount_that_is_refused_sends_nothing_that_is_there() {
    use crate::fault_server::{FaultServer, Reply};
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("a", "1", "amd64");
    let host = registry.host();
    let manifest = home
        .run(&format!("registry manifest {host}/a:1 --raw"))
        .ok();
    let server = FaultServer::start(move |seen| {
        match (seen.method.as_str(), seen.target.contains("/manifests/")) {
            ("GET", true) => Reply::new(200, manifest.stdout.clone())
                .with("Content-Type", crate::docker_registry::IMAGE),
            ("HEAD", true) => Reply::new(404, ""),
            ("HEAD", false) => Reply::new(200, ""),
            ("POST", _) => Reply::new(202, "").with("Location", "/v2/b/blobs/uploads/1"),
            _ => Reply::new(201, ""),
        }
    });
    let there = server.host();
    let told = copied(&home, &format!("copy {there}/a:1 {there}/b:1"));
    assert_eq!(told["blobs"]["present"], 2);
    assert_eq!(told["blobs"]["sent"], 0);
}
