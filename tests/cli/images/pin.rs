//! `images pin`: references by the digest that was verified.

use serde_json::Value;

use crate::docker_registry::DockerRegistry;
use crate::support::Home;
use crate::{field, json, with_images};

/// Returns a home with an image of two references, verified.
fn verified(registry: &DockerRegistry) -> Home {
    let host = registry.host();
    registry.image("app", "1", "amd64");
    registry.image("app", "1-gpu", "arm64");
    let home = with_images(&format!(
        "{{\"name\": \"app\", \"url\": \"{host}/app:1\", \"urlForGpu\": \"{host}/app:1-gpu\"}}"
    ));
    home.run("images verify").ok();
    home
}

#[test]
fn what_was_verified_is_pinned_and_the_tag_is_kept() {
    let registry = DockerRegistry::start();
    let (home, host) = (verified(&registry), registry.host());
    let (digest, gpu) = (
        field(&home, "app", "digest"),
        field(&home, "app", "digestForGpu"),
    );
    let (digest, gpu) = (digest.as_str().expect("one"), gpu.as_str().expect("one"));
    let ran = home.run("images pin app -o csv").ok();
    let shown = ran.snapshot(&home).replace(&host, "HOST");
    let shown = shown.replace(digest, "DIGEST").replace(gpu, "GPU");
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    ----- stdout -----
    name,url,urlForGpu,pinnedTag
    app,HOST/app@DIGEST,HOST/app@GPU,1
    ----- stderr -----
    `app`: pinnedTag is the tag of url; that of urlForGpu, `1-gpu`, is only in its history (`--keep-tag` keeps both in the references)
    ");
    assert_eq!(field(&home, "app", "url"), format!("{host}/app@{digest}"));
    assert_eq!(
        field(&home, "app", "urlForGpu"),
        format!("{host}/app@{gpu}")
    );
    assert_eq!(field(&home, "app", "pinnedTag"), "1");
    assert_eq!(
        field(&home, "app", "digest"),
        digest,
        "what was seen is still true"
    );
    assert_eq!(field(&home, "app", "isReady"), true);
    assert_eq!(field(&home, "app", "revision"), 2);
    let history = json(home.run("images history app -o json"));
    assert_eq!(history[1]["action"], "pin");
    assert_eq!(
        history[1]["changes"]["url"]["before"],
        format!("{host}/app:1")
    );

    let again = home.run("images pin app -o name").ok();
    assert_eq!(
        (again.stdout.as_str(), again.stderr.as_str()),
        ("app\n", "`app` is pinned already\n")
    );
    assert_eq!(field(&home, "app", "revision"), 2);
    // The tag moves, and the image does not.
    registry.image("app", "1", "s390x");
    home.run("images verify").ok();
    assert_eq!(field(&home, "app", "digest"), digest);
    assert_eq!(field(&home, "app", "problem"), Value::Null);
}

#[test]
fn the_tag_can_stay_in_the_reference() {
    let registry = DockerRegistry::start();
    let (home, host) = (verified(&registry), registry.host());
    let digest = field(&home, "app", "digest");
    let digest = digest.as_str().expect("one");
    home.run("images pin app --keep-tag").ok();
    assert_eq!(field(&home, "app", "url"), format!("{host}/app:1@{digest}"));
    assert_eq!(field(&home, "app", "pinnedTag"), "1");
    home.run("images pin app").ok();
    assert_eq!(field(&home, "app", "url"), format!("{host}/app@{digest}"));
    home.run("images pin app --keep-tag").ok();
    assert_eq!(field(&home, "app", "url"), format!("{host}/app:1@{digest}"));
}

#[test]
fn the_spelling_of_the_repository_stays() {
    let registry = DockerRegistry::start();
    let image = registry.image("app", "latest", "amd64");
    let home = with_images("{\"name\": \"app\", \"url\": \"app\"}");
    home.call("images verify")
        .env("IMGDEX_REGISTRY", registry.host())
        .run()
        .ok();
    home.run("images pin app").ok();
    assert_eq!(field(&home, "app", "url"), format!("app@{}", image.digest));
    assert_eq!(field(&home, "app", "pinnedTag"), "latest");
}

#[test]
fn what_was_not_verified_is_not_pinned_nor_anything_beside_it() {
    let registry = DockerRegistry::start();
    let home = verified(&registry);
    let host = registry.host();
    let images = format!(
        "[{{\"name\": \"new\", \"url\": \"{host}/app:1\"}}, {{\"name\": \"bare\"}},
          {{\"name\": \"gone\", \"url\": \"{host}/app:gone\", \"digest\": \"sha256:{}\"}}]",
        "a".repeat(64)
    );
    home.pipe(images, "images create").ok();
    let shown = |arguments: &str, code: i32| {
        let ran = home.run(&format!("images pin {arguments}")).fails(code);
        ran.snapshot(&home).replace(&host, "HOST")
    };
    insta::assert_snapshot!(shown("app new", 13), @r"
    exit code: 13
    ----- stderr -----
    error: image `new` cannot be pinned: url `HOST/app:1` was not verified yet
    hint: `imgdex images verify new` asks the registry
    ");
    assert_eq!(field(&home, "app", "pinnedTag"), Value::Null, "all or none");
    home.run("images verify gone").fails(13);
    insta::assert_snapshot!(shown("gone", 13), @r"
    exit code: 13
    ----- stderr -----
    error: image `gone` cannot be pinned: missing: it is not there
    hint: `imgdex images verify gone` asks the registry
    ");
    insta::assert_snapshot!(shown("bare", 2), @r"
    exit code: 2
    ----- stderr -----
    error: image `bare` has no reference that could be pinned
    ");
    home.run("images pin nobody").fails(4);
    home.run("images pin").fails(2);
    let fresh = Home::new();
    fresh.run("images pin app").fails(4);
    assert!(!fresh.catalog().exists());
}
