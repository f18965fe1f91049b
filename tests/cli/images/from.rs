//! `images create --from`: what is attached to an image in its registry, or what it says
//! of itself.

use serde_json::json;

use crate::docker_registry::{DockerRegistry, IMAGE, INDEX, Pushed, digest};
use crate::fault_server::{FaultServer, Reply};
use crate::support::{Home, Ran};
use crate::{field, json as json_of, lines};

const DOCUMENT: &str = r#"{"displayName":"My app","description":"Does it","type":"gpu","url":"harbor.example.com/apps/app:1","tags":["t"],"labels":{"a":"1"},"kind":"app","command":"run 'a b'","author":"ada","formats":["adalab","later"],"groups":["research"],"global":true,"revision":7}"#;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// Attaches a document to a manifest, as the specification has it for a registry that
/// keeps no lists of referrers.
fn attach(registry: &DockerRegistry, image: &Pushed, document: &str, picture: Option<&[u8]>) {
    let place = "apps/my_cool_app";
    let kind = "application/vnd.imgdex.image.v1+json";
    let config = registry.blob(place, "application/vnd.oci.empty.v1+json", b"{}");
    let mut layers = vec![registry.blob(place, kind, document.as_bytes())];
    layers.extend(picture.map(|bytes| registry.blob(place, "image/png", bytes)));
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","artifactType":"{kind}","config":{config},"layers":[{}],"subject":{{"mediaType":"{IMAGE}","digest":"{}","size":{}}},"annotations":{{"org.opencontainers.image.created":"2025-10-31T12:00:00Z"}}}}"#,
        layers.join(","),
        image.digest,
        image.size
    );
    let artifact = registry.manifest(place, &digest(text.as_bytes()), IMAGE, &text);
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{IMAGE}","artifactType":"{kind}","digest":"{}","size":{}}}]}}"#,
        artifact.digest, artifact.size
    );
    registry.manifest(place, &image.digest.replace(':', "-"), INDEX, &list);
}

/// Returns a registry with an image, and the reference of that.
fn with_image() -> (DockerRegistry, Pushed, String) {
    let registry = DockerRegistry::start();
    let image = registry.image("apps/my_cool_app", "1.0", "amd64");
    let reference = format!("{}/apps/my_cool_app:1.0", registry.host());
    (registry, image, reference)
}

fn create(home: &Home, rest: &str) -> Ran {
    home.run(&format!("images create --from {rest}"))
}

#[test]
fn what_was_attached_makes_the_image() {
    let (registry, image, reference) = with_image();
    let picture = format!(r#","picture":"{}"}}"#, digest(PNG));
    let document = format!("{}{picture}", &DOCUMENT[..DOCUMENT.len() - 1]);
    attach(&registry, &image, &document, Some(PNG));
    let home = Home::new();
    home.run("groups create research").ok();
    let ran = create(&home, &reference).ok();
    insta::assert_snapshot!(ran.snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id:  my-cool-app-1.0
    ----- stderr -----
    hint: nobody can see `my-cool-app-1.0`: let a group use it with `imgdex images add-group my-cool-app-1.0 GROUP`, or everybody with `"global": true`
    "#);
    let mut made = json_of(home.run("images get my-cool-app-1.0 -o json"));
    for (field, expected) in [
        ("url", json!(reference)),
        ("verifiedAt", made["updatedAt"].clone()),
        ("digest", json!(image.digest)),
        ("picture", json!(digest(PNG))),
    ] {
        assert_eq!(made[field], expected, "{field}");
        made.as_object_mut().expect("an object").remove(field);
    }
    for field in ["createdAt", "updatedAt"] {
        made.as_object_mut().expect("an object").remove(field);
    }
    insta::assert_snapshot!(made, @r#"{"id":"my-cool-app-1.0","name":"my-cool-app-1.0","displayName":"My app","description":"Does it","type":"gpu","revision":1,"urlForGpu":null,"useImagePullSecret":null,"global":false,"groups":[],"isReady":true,"tags":["t"],"labels":{"a":"1"},"kind":"app","command":"run 'a b'","platforms":["linux/amd64"],"author":"ada","formats":["primehub","adalab"],"size":248}"#);
    let (_, hex) = digest(PNG)
        .split_once(':')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("a digest");
    let kept = home
        .path()
        .join(".local/share/imgdex/store/pictures")
        .join(hex);
    assert_eq!(std::fs::read(kept).expect("kept"), PNG);
    let again = create(&home, &reference).fails(12);
    assert!(again.stderr.contains("already exists"), "{again:?}");
}

#[test]
fn an_image_without_metadata_is_what_it_says_of_itself() {
    let (registry, _, plain) = with_image();
    let kind = "application/vnd.oci.image.config.v1+json";
    let config = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"org.opencontainers.image.title":"less","team":"x"},"Entrypoint":["tini","--"],"Cmd":["start app","-v"]}}"#;
    let config = registry.blob("apps/said", kind, config.as_bytes());
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[],"annotations":{{"org.opencontainers.image.title":"Said","org.opencontainers.image.description":"Of itself"}}}}"#
    );
    registry.manifest("apps/said", "1", IMAGE, &text);
    let home = Home::new();
    let host = registry.host();
    let ran = create(
        &home,
        &format!("{plain} --from {host}/apps/said:1 --id plain --id said"),
    )
    .ok();
    assert_eq!(ran.stdout, "id:  plain\nid:  said\n");
    insta::assert_snapshot!(ran.stderr.replace(&host, "HOST"), @r#"
    no metadata is attached to `HOST/apps/my_cool_app:1.0`: what is written is what the image says of itself
    no metadata is attached to `HOST/apps/said:1`: what is written is what the image says of itself
    hint: nobody can see `plain`, `said`: let a group use it with `imgdex images add-group plain GROUP`, or everybody with `"global": true`
    "#);
    assert_eq!(field(&home, "plain", "displayName"), "plain");
    assert_eq!(field(&home, "plain", "isReady"), true);
    for (name, expected) in [
        ("displayName", "Said"),
        ("description", "Of itself"),
        ("command", "tini -- 'start app' -v"),
    ] {
        assert_eq!(field(&home, "said", name), expected);
    }
    assert_eq!(field(&home, "said", "labels")["team"], "x");
    assert_eq!(
        lines(home.run("images list --project apps -o name")),
        ["plain", "said"]
    );
}

#[test]
fn what_exists_is_refused_left_or_updated() {
    let (registry, image, reference) = with_image();
    let home = Home::new();
    create(&home, &format!("{reference} --id app")).ok();
    home.pipe(
        r#"{"global": true, "pullPolicy": "Always"}"#,
        "images update app",
    )
    .ok();
    attach(&registry, &image, DOCUMENT, None);
    let host = registry.host();
    let told = |ran: Ran| ran.snapshot(&home).replace(&host, "HOST");
    insta::assert_snapshot!(told(create(&home, &format!("{reference} --id app"))), @r"
    exit code: 12
    ----- stderr -----
    error: the image cannot be created; nothing was written
    --from: name: image `app` already exists (item 1, `app`)
    hint: change it with `imgdex images update app`, or pass `--skip-existing` or `--update-existing`
    ");
    create(&home, &format!("{reference} --id app --skip-existing")).ok();
    assert_eq!(field(&home, "app", "revision"), 2);
    let dry = create(
        &home,
        &format!("{reference} --id app --update-existing --dry-run"),
    )
    .ok();
    assert!(dry.stderr.contains("0 to create, 1 to update"), "{dry:?}");
    assert_eq!(field(&home, "app", "displayName"), "app");
    let ran = create(
        &home,
        &format!("{reference} --id app --update-existing -o json"),
    )
    .ok();
    let made: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(made["displayName"], "My app");
    assert_eq!(made["global"], true, "what does not travel stays");
    assert_eq!(made["pullPolicy"], "Always");
    assert_eq!(made["formats"], json!(["primehub", "adalab"]));
    assert_eq!(made["revision"], 3);
    // Times are in seconds: that it was looked at later is no change.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    create(&home, &format!("{reference} --id app --update-existing")).ok();
    assert_eq!(field(&home, "app", "revision"), 3, "nothing changed");
    assert_ne!(field(&home, "app", "verifiedAt"), made["verifiedAt"]);
}

#[test]
fn what_cannot_be_had_makes_nothing() {
    let (registry, image, reference) = with_image();
    let home = Home::new();
    let host = registry.host();
    let missing = create(&home, &format!("{reference} --from {host}/apps/other:1")).fails(4);
    insta::assert_snapshot!(missing.stderr.replace(&host, "HOST"), @r"
    error: cannot read the manifest of `HOST/apps/other:1`: it is not there; registry said: MANIFEST_UNKNOWN: manifest unknown
    hint: `imgdex registry tags HOST/apps/other` shows what there is
    ");
    let locked = DockerRegistry::with_password();
    create(&home, &format!("{}/a/b:1", locked.host())).fails(5);
    let server = FaultServer::start(|_| Reply::new(200, "{}"));
    create(&home, &format!("{}/a/b:1", server.host())).fails(7);
    create(&home, "127.0.0.1:1/a/b:1").fails(6);
    attach(
        &registry,
        &image,
        r#"{"kind":"No Word","picture":"/etc/x.png"}"#,
        None,
    );
    let broken = create(&home, &reference).fails(2);
    insta::assert_snapshot!(broken.stderr.replace(&host, "HOST"), @r"
    error: the metadata of `HOST/apps/my_cool_app:1.0` breaks the rules
    the metadata of `HOST/apps/my_cool_app:1.0`:1:9: kind: kind should be `app`, `base`, `internal`, `kernel`, `lab_app`, `notebook`, `runtime` or another lower-case word, but is `No Word`
    hint: describe the image yourself: `imgdex images create` takes JSON from standard input
    ");
    assert!(!home.catalog().exists(), "nothing was written");
}

#[test]
fn the_command_line_is_checked_before_anybody_is_asked() {
    let home = Home::new();
    for arguments in [
        "images create --from a/b -f image.json",
        "images create --id a",
        "images create --from a/b --id Not_A_Name",
        "images create --from a/b --from c/d --id a",
        "images create --from https://a/b",
    ] {
        home.run(arguments).fails(2);
    }
}

#[test]
fn a_gpu_variant_that_is_missing_is_written_down() {
    let (registry, image, reference) = with_image();
    let gpu = format!("{}/apps/my_cool_app:gone", registry.host());
    attach(
        &registry,
        &image,
        &format!(r#"{{"urlForGpu":"{gpu}"}}"#),
        None,
    );
    let home = Home::new();
    create(&home, &format!("{reference} --id app --verify")).fails(13);
    create(&home, &format!("{reference} --id app")).ok();
    assert_eq!(field(&home, "app", "isReady"), false);
    assert_eq!(field(&home, "app", "digest"), image.digest);
    assert_eq!(
        field(&home, "app", "problem"),
        "urlForGpu: missing: it is not there"
    );
}

#[test]
fn metadata_makes_nobody_ask_another_registry() {
    let (registry, image, reference) = with_image();
    let other = FaultServer::start(|_| Reply::new(404, ""));
    let gpu = format!("{}/apps/my_cool_app:gpu", other.host());
    attach(
        &registry,
        &image,
        &format!(r#"{{"urlForGpu":"{gpu}"}}"#),
        None,
    );
    let home = Home::new();
    create(&home, &format!("{reference} --id app")).ok();
    assert!(other.seen().is_empty());
    assert_eq!(field(&home, "app", "urlForGpu"), gpu);
    assert_eq!(field(&home, "app", "isReady"), serde_json::Value::Null);
    create(&home, &format!("{reference} --id other --verify")).fails(13);
    assert!(!other.seen().is_empty(), "somebody wants to know");
}

#[test]
fn a_picture_is_left_out_where_there_is_no_store() {
    let (registry, image, reference) = with_image();
    let document = format!(r#"{{"picture":"{}"}}"#, digest(PNG));
    attach(&registry, &image, &document, Some(PNG));
    let home = Home::new();
    let store = home.path().join(".local/share/imgdex/store");
    create(&home, &format!("{reference} --dry-run")).ok();
    assert!(!store.exists() && !home.catalog().exists());
    let call = home.call(&format!("images create --from {reference} --id app"));
    let ran = call.env("IMGDEX_DISABLE_STORE", "1").run().ok();
    assert!(ran.stderr.contains("is left out"), "{ran:?}");
    assert_eq!(field(&home, "app", "picture"), serde_json::Value::Null);
    assert!(!store.exists());
}

#[test]
fn what_is_attached_goes_along_with_a_copy() {
    let (registry, image, reference) = with_image();
    attach(&registry, &image, DOCUMENT, None);
    let other = DockerRegistry::start();
    let copy = format!("{}/mirror/app:2", other.host());
    let home = Home::new();
    home.run(&format!("copy {reference} {copy} --referrers"))
        .ok();
    let ran = create(&home, &copy).ok();
    assert_eq!(ran.stdout, "id:  app-2\n");
    assert_eq!(field(&home, "app-2", "displayName"), "My app");
    assert_eq!(field(&home, "app-2", "url"), copy);
}
