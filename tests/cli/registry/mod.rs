//! `imgdex registry` against a real registry, and against one that breaks.

mod canary;
mod credentials;
mod failures;
mod lists;
mod second_opinion;
mod tls;
mod tokens;

use crate::docker_registry::{DockerRegistry, IMAGE, INDEX, digest};
use crate::json;
use crate::support::{Home, Ran};

/// Returns what a run printed, the registry's port as `PORT` and digests by name.
fn shown(ran: &Ran, home: &Home, registry: &DockerRegistry, digests: &[(&str, &str)]) -> String {
    let mut text = ran.snapshot(home).replace(&registry.host(), "HOST");
    for (digest, name) in digests {
        text = text.replace(digest, name);
    }
    text
}

#[test]
fn tags_are_listed_in_every_form() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    for tag in ["1.0", "latest"] {
        registry.image("team/app", tag, "amd64");
    }
    let list = |more: &str| {
        home.run(&format!("registry tags {host}/team/app {more}"))
            .ok()
            .stdout
    };
    assert_eq!(list(""), "name\n------\n1.0\nlatest\n");
    assert_eq!(list("-o name"), "1.0\nlatest\n");
    assert_eq!(list("-o csv"), "name\n1.0\nlatest\n");
    assert_eq!(
        list("-o json"),
        "[\n{\"name\":\"1.0\"},\n{\"name\":\"latest\"}\n]\n"
    );
    assert_eq!(list("-o yaml"), "- name: \"1.0\"\n- name: latest\n");
}

#[test]
fn a_digest_is_printed_alone() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.image("app", "latest", "amd64");
    let run = |more: &str| home.run(&format!("registry digest {host}/app {more}"));
    assert_eq!(run("").ok().stdout, format!("{}\n", pushed.digest));
    let found = json(run("-o json"));
    assert_eq!(found["reference"], format!("{host}/app"));
    assert_eq!(found["digest"], pushed.digest);
    assert_eq!(found["mediaType"], IMAGE);
    assert_eq!(found["size"], pushed.size);
}

#[test]
fn a_manifest_is_printed_and_its_bytes_are_those_of_the_registry() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.image("app", "1", "amd64");
    let raw = home
        .run(&format!("registry manifest {host}/app:1 --raw"))
        .ok()
        .stdout;
    assert_eq!(digest(raw.as_bytes()), pushed.digest);
    let by_digest = format!("registry manifest {host}/app@{} --raw", pushed.digest);
    assert_eq!(home.run(&by_digest).ok().stdout, raw);
    let pretty = json(home.run(&format!("registry manifest {host}/app:1")));
    assert_eq!(
        pretty,
        serde_json::from_str::<serde_json::Value>(&raw).expect("JSON")
    );
    let yaml = home
        .run(&format!("registry manifest {host}/app:1 -o yaml"))
        .ok()
        .stdout;
    assert!(yaml.starts_with("schemaVersion: 2\n"), "{yaml}");
    let name = home
        .run(&format!("registry manifest {host}/app:1 -o name"))
        .ok()
        .stdout;
    assert_eq!(name, format!("{}\n", pushed.digest));
}

#[test]
fn an_image_of_one_platform_is_inspected() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let pushed = registry.image("app", "1", "arm64");
    let ran = home.run(&format!("registry inspect {}/app:1", registry.host()));
    insta::assert_snapshot!(shown(&ran, &home, &registry, &[(&pushed.digest, "DIGEST")]), @r"
    exit code: 0
    ----- stdout -----
    reference:     HOST/app:1
    digest:        DIGEST
    mediaType:     application/vnd.oci.image.manifest.v1+json
    artifactType:
    size:          248
    platform:      linux/arm64
    platforms:     linux/arm64
    created:       <time>
    labels:        a=1
                   b=two\u{1b}[31m
    ");
}

#[test]
fn an_image_of_many_platforms_is_inspected_for_one_of_them() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.index("app", "1", &["arm64", "amd64"]);
    let inspect =
        |more: &str| json(home.run(&format!("registry inspect {host}/app:1 -o json {more}")));
    let found = inspect("");
    assert_eq!(found["digest"], pushed.digest);
    assert_eq!(found["mediaType"], INDEX);
    assert_eq!(found["platform"], "linux/amd64");
    assert_eq!(
        found["platforms"],
        serde_json::json!(["linux/arm64", "linux/amd64"])
    );
    assert_eq!(found["created"], "2024-05-06T07:08:09Z");
    assert_eq!(found["labels"]["a"], "1");
    assert_eq!(inspect("--platform linux/arm64")["platform"], "linux/arm64");
    home.write(".config/imgdex/config.toml", "platform = \"linux/arm64\"\n");
    assert_eq!(inspect("")["platform"], "linux/arm64");
}

#[test]
fn referrers_are_found_behind_their_tag() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let subject = registry.image("app", "1", "amd64");
    let list = |more: &str| home.run(&format!("registry referrers {host}/app:1 {more}"));
    assert_eq!(list("-o json").ok().stdout, "[]\n");
    let referrer = registry.image("app", "sbom", "none");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{IMAGE}","digest":"{}","size":{},"artifactType":"application/spdx+json"}}]}}"#,
        referrer.digest, referrer.size
    );
    registry.manifest("app", &subject.digest.replace(':', "-"), INDEX, &index);
    let found = json(list("-o json"));
    assert_eq!(found[0]["digest"], referrer.digest);
    assert_eq!(found[0]["artifactType"], "application/spdx+json");
    assert_eq!(
        list("--artifact-type application/spdx+json -o name")
            .ok()
            .stdout
            .lines()
            .count(),
        1
    );
    assert_eq!(list("--artifact-type other -o name").ok().stdout, "");
}

#[test]
fn a_deleted_manifest_is_gone_with_its_tags() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    registry.image("app", "2", "amd64");
    registry.image("app", "3", "arm64");
    let ran = home.run(&format!("registry delete {host}/app:1")).ok();
    assert!(
        ran.stderr
            .starts_with(&format!("deleted {host}/app:1 (sha256:")),
        "{ran:#?}"
    );
    let tags = home
        .run(&format!("registry tags {host}/app -o name"))
        .ok()
        .stdout;
    assert_eq!(tags, "3\n");
    home.run(&format!("registry digest {host}/app:1")).fails(4);
    home.run(&format!("registry delete {host}/app:1")).fails(4);
    home.run(&format!("registry delete {host}/app")).fails(2);
}
