//! `--verify` of what writes images: nothing goes in that cannot be had.

use super::unpadded;
use crate::docker_registry::DockerRegistry;
use crate::fault_server::{FaultServer, Reply};
use crate::support::{Home, Ran};
use crate::{field, lines};

#[test]
fn what_is_created_can_be_verified_before_it_is_in() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    let pushed = registry.image("app", "1", "amd64");
    let home = Home::new();
    let good = format!("{{\"name\": \"good\", \"url\": \"{host}/app:1\"}}\n");
    let both = format!("{good}{{\"name\": \"gone\", \"urlForGpu\": \"{host}/app:2\"}}\n");
    let refused = |ran: Ran| ran.snapshot(&home).replace(&host, "HOST");
    insta::assert_snapshot!(refused(home.pipe(&both, "images create --verify").fails(13)), @r"
    exit code: 13
    ----- stderr -----
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:2:31: urlForGpu: `HOST/app:2`: missing: it is not there (item 2, `gone`)
    ");
    assert!(!home.catalog().exists(), "nothing is in");
    home.write("both.jsonl", &both);
    home.run("images create --verify -f both.jsonl").fails(13);

    home.pipe(&good, "images create --verify").ok();
    assert_eq!(field(&home, "good", "isReady"), true);
    assert_eq!(field(&home, "good", "digest"), pushed.digest);
    assert_eq!(field(&home, "good", "size"), 248);
    assert_eq!(field(&home, "good", "revision"), 1);
    home.pipe(&good, "images create --verify").fails(12);
    home.pipe(&good, "images create --verify --skip-existing")
        .ok();
    registry.image("app", "2", "arm64");
    home.pipe(&both, "images create --verify --update-existing")
        .ok();
    assert_eq!(field(&home, "gone", "isReady"), true);

    home.write(".config/imgdex/config.toml", "platform = \"linux/amd64\"\n");
    let arm = format!("{{\"name\": \"arm\", \"url\": \"{host}/app:2\"}}");
    let ran = home.pipe(&arm, "images create --verify").fails(13);
    assert!(ran.stderr.contains("wrong platform"), "{ran:#?}");
    home.pipe("", "images create --verify").fails(2);
}

#[test]
fn what_is_created_is_not_verified_where_it_is_not_valid() {
    let server = FaultServer::start(|_| Reply::new(503, "").with("Retry-After", "60"));
    let host = server.host();
    let home = Home::new();
    let image = format!("{{\"name\": \"a\", \"url\": \"{host}/a:1\"}}");
    let bad = format!("{image}\n{{\"name\": \"B\"}}\n");
    home.pipe(bad, "images create --verify").fails(2);
    assert_eq!(server.seen().len(), 0, "nobody was asked");
    home.pipe(&image, "images create --verify").fails(6);
    assert!(!home.catalog().exists());
    let denied = FaultServer::start(|_| Reply::new(403, ""));
    let image = format!("{{\"name\": \"a\", \"url\": \"{}/a:1\"}}", denied.host());
    home.pipe(image, "images create --verify").fails(5);
}

#[test]
fn runtime_images_can_be_verified_before_they_are_in() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "1", "amd64");
    let home = Home::new();
    let create = |name: &str, tag: &str| {
        let reference = format!("{host}/app:{tag}");
        home.call_with(&[
            "metadata",
            "create",
            "runtime-images",
            "--display_name",
            name,
            "--image_name",
            &reference,
            "--verify",
        ])
        .run()
    };
    create("good", "1").ok();
    assert_eq!(field(&home, "good", "isReady"), true);
    insta::assert_snapshot!(create("gone", "2").snapshot(&home).replace(&host, "HOST"), @r"
    exit code: 13
    ----- stderr -----
    error: runtime image `gone` cannot be created; nothing was written
    <arguments>: url: `HOST/app:2`: missing: it is not there
    ");
    home.run("images get gone").fails(4);
}

#[test]
fn an_import_leaves_out_what_cannot_be_had() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "1", "amd64");
    let home = Home::new();
    let instance = |tag: &str| {
        format!(
            "{{\"display_name\": \"{tag}\", \"schema_name\": \"runtime-image\",
               \"metadata\": {{\"image_name\": \"{host}/app:{tag}\"}}}}"
        )
    };
    home.write("in/one.json", instance("1"));
    home.write("in/two.json", instance("2"));
    let run = |more: &str, code: i32| {
        let ran = home.run(&format!("metadata import -d in --verify {more}"));
        unpadded(&ran.fails(code), &home, &host)
    };
    let strict = run("--strict", 2);
    assert!(strict.contains("missing: it is not there"), "{strict}");
    assert!(!home.catalog().exists() || lines(home.run("images list -o name")).is_empty());
    insta::assert_snapshot!(run("", 3), @r"
    exit code: 3
    ----- stdout -----
    Imported 1 instance
    1 instance could not be imported

    The following files could not be imported:
    File Reason
    two.json url: `HOST/app:2`: missing: it is not there
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    assert_eq!(field(&home, "one", "isReady"), true);
    assert_eq!(lines(home.run("images list -o name")), ["one"]);
    registry.image("app", "2", "amd64");
    home.run("metadata import -d in --verify").ok();
    assert_eq!(field(&home, "two", "isReady"), true);
    let again = home.run("metadata import -d in --verify").ok();
    assert!(
        again.stdout.contains("2 instances are unchanged"),
        "{again:#?}"
    );
}
