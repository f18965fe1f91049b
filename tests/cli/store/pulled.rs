//! Images of registries in the store: pulled, listed, handed on, checked and removed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{files, store, uris};
use crate::docker_registry::{DockerRegistry, Pushed};
use crate::json;
use crate::support::{Home, Ran};

fn hex(pushed: &Pushed) -> &str {
    pushed.digest.strip_prefix("sha256:").expect("a digest")
}

/// Returns a run as a snapshot with the registry as `HOST` and digests by name.
fn shown(home: &Home, registry: &DockerRegistry, ran: &Ran, names: &[(&Pushed, &str)]) -> String {
    let mut text = ran.snapshot(home).replace(&registry.host(), "HOST");
    for (pushed, name) in names {
        text = text.replace(hex(pushed), name);
    }
    text
}

/// Returns the digests of the entries of the store's layout, by their names.
fn entries(home: &Home) -> Vec<(String, String)> {
    let text = fs::read(store(home).join("oci/index.json")).expect("an index");
    let index: Value = serde_json::from_slice(&text).expect("JSON");
    let entries = index["manifests"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .iter()
        .map(|entry| {
            let name = &entry["annotations"]["org.opencontainers.image.ref.name"];
            (text(name), text(&entry["digest"]))
        })
        .collect()
}

fn blobs(home: &Home) -> usize {
    files(&store(home).join("oci/blobs")).len()
}

#[test]
fn an_image_is_pulled_into_the_store_and_other_tools_read_it_there() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.index("lab/tools/app", "V1", &["amd64", "arm64"]);
    let ran = json(home.run(&format!("pull {host}/lab/tools/app:V1 -o json")));
    let uri = format!("lab/tools/app:v1@{}", hex(&pushed));
    assert_eq!(ran["target"], format!("store:{uri}"));
    assert_eq!(ran["digest"], pushed.digest);
    assert_eq!(ran["blobs"]["sent"], 4);
    assert_eq!(uris(&home), std::slice::from_ref(&uri));
    assert_eq!(
        entries(&home),
        [(hex(&pushed).to_owned(), pushed.digest.clone())]
    );
    let record = json(home.run("store inspect lab/tools/app"));
    let layout = store(&home).join("oci");
    let manifest = layout.join("blobs/sha256").join(hex(&pushed));
    assert_eq!(record["client"], "oci");
    assert_eq!(record["url"], format!("{host}/lab/tools/app:V1"));
    assert_eq!(record["version"], hex(&pushed));
    assert_eq!(record["image"], manifest.display().to_string());
    let found = &record["metrics"];
    assert_eq!(found["digest"], pushed.digest);
    assert_eq!(
        found["platforms"],
        serde_json::json!(["linux/amd64", "linux/arm64"])
    );
    assert_eq!(found["labels"]["a"], "1");
    assert_eq!(found["size"], 496);
    let listed = json(home.run("store list -o json"));
    assert_eq!(listed[0]["location"], "local");
    let place = home.run("store get lab/tools/app:v1").ok().stdout;
    assert_eq!(
        place,
        format!("oci:{}:{}\n", layout.display(), hex(&pushed))
    );
    let seen = Command::new("skopeo")
        .args(["inspect", "--raw", place.trim()])
        .output()
        .expect("skopeo is installed (`tests/run.sh` does it)");
    assert_eq!(
        crate::docker_registry::digest(&seen.stdout),
        pushed.digest,
        "{seen:?}"
    );
    home.run("store check").ok();
}

#[test]
fn pulling_what_is_there_sends_nothing_and_what_is_newer_becomes_a_version() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let old = registry.image("app", "latest", "amd64");
    let pull = || json(home.run(&format!("pull {host}/app -o json")));
    pull();
    home.run("store labels app --key stage --value tested").ok();
    assert_eq!(pull()["blobs"]["sent"], 0);
    assert_eq!(uris(&home).len(), 1);
    let new = registry.image("app", "latest", "arm64");
    assert_eq!(pull()["blobs"]["sent"], 2);
    let both = [&old, &new].map(|one| format!("library/app:latest@{}", hex(one)));
    assert_eq!(uris(&home), both);
    let get = home.run("store get app").ok().stdout;
    assert!(get.ends_with(&format!(":{}\n", hex(&new))), "{get}");
    let older = json(home.run(&format!("store inspect app@{}", hex(&old))));
    assert_eq!(older["labels"]["stage"], "tested");
    // The tag stands for what was pulled last.
    registry.image("app", "latest", "amd64");
    pull();
    let get = home.run("store get app").ok().stdout;
    assert!(get.ends_with(&format!(":{}\n", hex(&old))), "{get}");
}

#[test]
fn a_name_can_be_chosen_and_two_records_share_an_image() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.image("app", "1", "amd64");
    home.run(&format!("pull {host}/app:1")).ok();
    home.run(&format!("pull {host}/app:1 --name Lab/Mine")).ok();
    home.run(&format!("pull {host}/app:1 --to store:lab/yours:2"))
        .ok();
    home.run(&format!("copy {host}/app:1 store:lab/theirs@1.0"))
        .ok();
    let version = hex(&pushed);
    assert_eq!(
        uris(&home),
        [
            format!("library/app:1@{version}"),
            format!("lab/mine:1@{version}"),
            format!("lab/yours:2@{version}"),
            "lab/theirs:1@1.0".to_owned(),
        ]
    );
    assert_eq!(entries(&home).len(), 1);
    let ran = home.run("store rmi lab/mine lab/theirs");
    insta::assert_snapshot!(shown(&home, &registry, &ran, &[(&pushed, "<app>")]), @r"
    exit code: 0
    ----- stderr -----
    removed `lab/mine:1@<app>`
    removed `lab/theirs:1@1.0`
    `<home>/.local/share/imgdex/store/oci/blobs/sha256/<app>` stays: another record has it too
    ");
    assert_eq!(blobs(&home), 3);
    home.run("store check").ok();
    home.run("store rmi app lab/yours").ok();
    assert_eq!((blobs(&home), entries(&home).len()), (0, 0));
    home.run("store check").ok();
}

#[test]
fn an_image_is_removed_with_what_only_it_needed() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    // Of one registry and platform: config and layer are the same.
    registry.image("one", "1", "amd64");
    registry.index("two", "1", &["amd64", "arm64"]);
    home.run(&format!("pull {host}/one:1")).ok();
    home.run(&format!("pull {host}/two:1")).ok();
    let before = blobs(&home);
    home.run("store rmi two").ok();
    assert_eq!(before - blobs(&home), 4);
    let place = home.run("store get one").ok().stdout;
    home.run(&format!("copy {} oci:whole:1", place.trim())).ok();
    home.run("store rm one").ok();
    assert_eq!((blobs(&home), uris(&home).len()), (3, 0));
}

#[test]
fn an_image_of_the_layout_is_renamed_labelled_and_not_moved() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let pushed = registry.image("app", "1", "amd64");
    home.run(&format!("pull {}/app:1", registry.host())).ok();
    let place = home.run("store get app").ok().stdout;
    home.run("store rename app lab/app:2").ok();
    home.run("store labels lab/app --key a --value b").ok();
    assert_eq!(home.run("store get lab/app:2").ok().stdout, place);
    let ran = home.run("store mv lab/app app.tar");
    insta::assert_snapshot!(shown(&home, &registry, &ran, &[(&pushed, "<app>")]), @r"
    exit code: 11
    ----- stderr -----
    error: `lab/app:2@<app>` is an image of the store's layout, and no file that could be moved
    hint: `imgdex copy store:lab/app:2@<app> oci-archive:FILE` makes a file of it
    ");
    home.run("store check").ok();
}

#[test]
fn what_is_gone_from_the_layout_is_told_and_what_has_no_record_gets_one() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let (one, two) = (
        registry.image("lab/one", "1", "amd64"),
        registry.image("lab/two", "1", "arm64"),
    );
    let three = registry.image("lab/three", "1", "s390x");
    for name in ["one", "two", "three"] {
        home.run(&format!("pull {host}/lab/{name}:1")).ok();
    }
    let names = [(&one, "<one>"), (&two, "<two>"), (&three, "<three>")];
    let folder = store(&home).join("oci/blobs/sha256");
    fs::remove_file(folder.join(hex(&one))).expect("removed");
    let layer = crate::docker_registry::digest(b"layer of arm64");
    fs::remove_file(folder.join(&layer[7..])).expect("removed");
    home.run("store rm lab/three").ok();
    let left = files(&folder);
    let ran = home.run("store check -o csv");
    insta::assert_snapshot!(shown(&home, &registry, &ran, &names), @r"
    exit code: 13
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/one:1@<one>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<one>,
    blobs gone,lab/two:1@<two>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<two>,
    no record,lab/three:1@<three>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<three>,
    ----- stderr -----
    hint: `imgdex store check --repair` makes them agree; with `--search DIR` it looks for moved files there too
    ");
    let ran = home.run("store check --repair -o csv");
    insta::assert_snapshot!(shown(&home, &registry, &ran, &names), @r"
    exit code: 0
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/one:1@<one>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<one>,dropped
    blobs gone,lab/two:1@<two>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<two>,dropped
    no record,lab/three:1@<three>,<home>/.local/share/imgdex/store/oci/blobs/sha256/<three>,recorded
    ");
    assert_eq!(files(&folder), left);
    home.run("store check").ok();
    let record = json(home.run("store inspect lab/three"));
    assert_eq!(record["url"], format!("{host}/lab/three:1"));
    // What is left is used where it is pulled again.
    let again = json(home.run(&format!("pull {host}/lab/two:1 -o json")));
    assert_eq!(again["blobs"]["sent"], 1);
    home.run("store check").ok();
}

#[test]
fn an_image_that_another_tool_put_into_the_layout_is_recorded() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    registry.image("app", "1", "amd64");
    let other = registry.image("other", "1", "arm64");
    let host = registry.host();
    home.run(&format!("pull {host}/app:1")).ok();
    let target = format!("oci:{}:mine", store(&home).join("oci").display());
    home.run(&format!("copy {host}/other:1 {target}")).ok();
    home.run("store check").fails(13);
    home.run("store check --repair").ok();
    assert_eq!(
        uris(&home)[1],
        format!("library/mine:latest@{}", hex(&other))
    );
    let place = home.run("store get mine").ok().stdout;
    home.run(&format!("copy {} oci:there", place.trim())).ok();
    home.run("store rmi mine").ok();
    assert_eq!(entries(&home).len(), 1);
}

#[test]
fn nothing_is_pulled_into_a_store_that_is_turned_off() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    registry.image("app", "1", "amd64");
    let host = registry.host();
    let call = home.call(&format!("pull {host}/app:1"));
    let ran = call.env("IMGDEX_DISABLE_STORE", "1").run();
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: the store is turned off: nothing is kept or recorded
    hint: unset `IMGDEX_DISABLE_STORE`, and take `disabled` out of `[store]` in the config file, to turn it on
    hint: or name another place with `--to`
    ");
    assert!(!store(&home).exists());
    let call = home.call(&format!("pull {host}/app:1 --to oci:here"));
    call.env("IMGDEX_DISABLE_STORE", "1").run().ok();
    let ran = home.run(&format!("pull {host}/oci/app:1"));
    insta::assert_snapshot!(shown(&home, &registry, &ran, &[]), @r"
    exit code: 2
    ----- stderr -----
    error: no name in the store can be made of `HOST/oci/app:1`: `oci/app:1` is not the name of an image: the store keeps something else in `oci`; take another collection
    hint: give one with `--name COLLECTION/NAME`
    ");
    home.run(&format!("pull {host}/absent:1")).fails(4);
    assert!(uris(&home).is_empty());
}

#[test]
fn every_tag_of_a_repository_goes_into_the_store() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    registry.image("app", "2", "arm64");
    home.run(&format!("copy --all-tags {host}/app store:lab/app"))
        .ok();
    let tags: Vec<String> = uris(&home)
        .iter()
        .map(|uri| uri.split('@').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(tags, ["lab/app:1", "lab/app:2"]);
    let url = |tag: &str| json(home.run(&format!("store inspect lab/app:{tag}")))["url"].clone();
    assert_eq!(url("2"), format!("{host}/app:2"));
    home.run(&format!("copy --all-tags {host}/app store:lab/app:1"))
        .fails(2);
}

#[test]
fn an_image_of_the_store_is_copied_and_pushed() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.index("app", "1", &["amd64", "arm64"]);
    home.run(&format!("pull {host}/app:1")).ok();
    home.run(&format!("push store:app {host}/team/app:2")).ok();
    home.run("copy store:app oci-archive:app.tar:1").ok();
    home.run("copy store:library/app:1 oci:layout:1").ok();
    home.run("copy oci-archive:app.tar store:lab/again").ok();
    let digest = home.run(&format!("registry digest {host}/team/app:2"));
    assert_eq!(digest.ok().stdout.trim(), pushed.digest);
    assert!(Path::exists(&home.path().join("layout/index.json")));
    let again = json(home.run("store inspect lab/again"));
    assert_eq!(again["version"], hex(&pushed));
    assert_eq!(again["url"], Value::Null);
    home.run("store record --url https://example.com/x.sif")
        .ok();
    let ran = home.run(&format!("push store:x {host}/x:1"));
    insta::assert_snapshot!(shown(&home, &registry, &ran, &[]), @r"
    exit code: 2
    ----- stderr -----
    error: the source of `library/x:latest` is no registry, but `https://example.com/x.sif`: download it, and add it with `imgdex store add FILE --name library/x:latest`
    ");
    home.run(&format!("push store:absent {host}/x:1")).fails(4);
}
