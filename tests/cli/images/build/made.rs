//! What is built, what is not built again, and what the catalog then says.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ALL, Place, create};
use crate::builder::{RECORDS, buildah, call, file_in, left_over, push_base};
use crate::docker_registry::DockerRegistry;
use crate::support::Home;
use crate::{field, json};

#[test]
fn a_spec_is_built_pushed_and_written_down() {
    let place = Place::new(&ALL);
    let hostile = [
        "pandas>=2",
        "jax[cuda]",
        "$(touch /pwned)",
        "`id` ${HOME} $HOME",
        "a\"b\\c'd <<EOF\\",
        "-r x",
        "; touch /pwned",
    ];
    place.create(json!({
        "apt": ["curl", "git=1:2.39.*"],
        "conda": ["conda-forge::numpy==1.17*"],
        "pip": hostile,
    }));
    let ran = place.run("images build science");
    insta::assert_snapshot!(place.snapshot(&ran), @r"
    exit code: 0
    ----- stdout -----
    id:      science
    url:     <host>/custom/science:1
    digest:  <digest>
    ----- stderr -----
    building `science` with buildah: <host>/custom/science:1
    ");
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    let image = json(place.run("images get science -o json"));
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(
        (&image["url"], &image["isReady"]),
        (&json!(url), &json!(true))
    );
    assert_eq!(image["jobStatus"]["phase"], "Succeeded");
    let seen = json(place.run(&format!("registry inspect {url} -o json")));
    assert_eq!(image["digest"], seen["digest"]);
    let labels = &seen["labels"];
    let label = |name: &str| &labels[format!("org.opencontainers.image.{name}")];
    assert_eq!(label("title"), "Science \"$HOME\"");
    assert_eq!(label("description"), "a b\\");
    assert_eq!(label("revision"), "1");
    assert_eq!(label("base.name"), &json!(place.base()));
    assert_eq!(label("base.digest"), &image["jobStatus"]["baseDigest"]);
    let base = json(place.run(&format!("registry inspect {} -o json", place.base())));
    assert_eq!(label("base.digest"), &base["digest"]);

    let asked = |program: &str| file_in(&place.home, &url, &format!("asked-{program}"));
    insta::assert_snapshot!(asked("apt-get").unwrap_or_default(), @r"
    0 <update>
    0 <install> <-y> <--no-install-recommends> <--> <curl> <git=1:2.39.*>
    0 <clean>
    ");
    insta::assert_snapshot!(asked("conda").unwrap_or_default(), @r"
    0 <install> <-y> <--> <conda-forge::numpy==1.17*>
    0 <clean> <-afy>
    ");
    let words: Vec<String> = hostile.iter().map(|word| format!(" <{word}>")).collect();
    let expected = format!("0 <install> <--no-cache-dir> <-->{}\n", words.concat());
    assert_eq!(asked("pip"), Some(expected));
    assert_eq!(file_in(&place.home, &url, "pwned"), None);
    let environment = file_in(&place.home, &url, "environment-apt-get").unwrap_or_default();
    assert!(
        environment.contains("DEBIAN_FRONTEND=noninteractive"),
        "{environment}"
    );
    let image = format!("docker://{url}");
    buildah(
        &place.home,
        &["pull", "--quiet", "--tls-verify=false", &image],
    );
    let user = [
        "inspect",
        "--type",
        "image",
        "--format",
        "{{.OCIv1.Config.User}}",
        &url,
    ];
    assert_eq!(buildah(&place.home, &user), "1000:100");

    let log = place.run("images build-log science").ok().stdout;
    assert!(log.contains("pip was asked\n"), "{log}");
}

#[test]
fn the_same_is_not_built_twice() {
    let place = Place::new(&ALL);
    place.create(json!({"pip": ["x"]}));
    let url = |revision: u64| json!(format!("{}/custom/science:{revision}", place.host()));
    place.run("images build science").ok();
    let before = json(place.run("images get science -o json"));
    let ran = place.run("images build science");
    insta::assert_snapshot!(place.snapshot(&ran), @r"
    exit code: 0
    ----- stdout -----
    id:      science
    url:     <host>/custom/science:1
    digest:  <digest>
    ----- stderr -----
    `science` is built already of the same base image and packages; `--force` builds it again
    ");
    assert_eq!(json(place.run("images get science -o json")), before);
    // Another place is another push.
    let push = format!("images build science --push {}/other:1", place.host());
    place.run(&push).ok();
    assert_eq!(
        field(&place.home, "science", "url"),
        json!(format!("{}/other:1", place.host()))
    );
    let revision = field(&place.home, "science", "revision")
        .as_u64()
        .expect("a number");
    place.run("images build science --force").ok();
    assert_eq!(field(&place.home, "science", "url"), url(revision));
    // A base image that moved is another build.
    push_base(
        &place.home,
        &place.base(),
        &[("pip", RECORDS), ("new", RECORDS)],
    );
    let revision = field(&place.home, "science", "revision")
        .as_u64()
        .expect("a number");
    place.run("images build science").ok();
    assert_eq!(field(&place.home, "science", "url"), url(revision));
    let mentioned = file_in(
        &place.home,
        url(revision).as_str().expect("a text"),
        "bin/new",
    );
    assert!(mentioned.is_some());
}

#[test]
fn what_changed_is_built_and_nothing_else() {
    let place = Place::new(&ALL);
    let spec = |base: &str| json!({"baseImage": base, "packages": {"pip": ["x"]}});
    let moving = format!("{}/team/moving:1", place.host());
    push_base(&place.home, &moving, &[("pip", RECORDS)]);
    let images = json!([
        {"name": "a", "global": true, "imageSpec": spec(&place.base())},
        {"name": "b", "global": true, "imageSpec": spec(&place.base())},
        {"name": "c", "global": true, "imageSpec": spec(&moving)},
    ]);
    place.home.write("images.json", images.to_string());
    let ran = call(&place.home, "images create -f images.json --build").run();
    insta::assert_snapshot!(place.snapshot(&ran), @r"
    exit code: 0
    ----- stdout -----
    id:  a
    id:  b
    id:  c
    ----- stderr -----
    building `a` with buildah: <host>/custom/a:1
    building `b` with buildah: <host>/custom/b:1
    building `c` with buildah: <host>/custom/c:1
    built `a`: <host>/custom/a:1
    built `b`: <host>/custom/b:1
    built `c`: <host>/custom/c:1
    ");
    let never = json!({"name": "d", "global": true, "imageSpec": spec(&place.base())});
    place.home.pipe(never.to_string(), "images create").ok();
    let nothing = place.run("images build --stale");
    insta::assert_snapshot!(place.snapshot(&nothing), @r"
    exit code: 0
    ----- stderr -----
    left 1 image that imgdex did not build yet: `imgdex images build d` builds it
    3 images are built of what they still are
    ");
    place
        .home
        .pipe(
            r#"{"imageSpec": {"packages": {"apt": ["y"]}}}"#,
            "images update b",
        )
        .ok();
    push_base(&place.home, &moving, &[("pip", RECORDS), ("new", RECORDS)]);
    let ran = place.run("images build --stale");
    insta::assert_snapshot!(place.snapshot(&ran), @r"
    exit code: 0
    ----- stdout -----
    id:      b
    url:     <host>/custom/b:4
    digest:  <digest>
    id:      c
    url:     <host>/custom/c:3
    digest:  <digest>
    ----- stderr -----
    left 1 image that imgdex did not build yet: `imgdex images build d` builds it
    building `b` with buildah: <host>/custom/b:4
    building `c` with buildah: <host>/custom/c:3
    1 image is built of what it still is
    ");
    // What cannot be built keeps nothing else from being built.
    let patch = r#"{"imageSpec": {"packages": {"conda": ["z"]}}}"#;
    place.home.pipe(patch, "images update c").ok();
    place
        .home
        .pipe(
            r#"{"imageSpec": {"packages": {"pip": ["z"]}}}"#,
            "images update a",
        )
        .ok();
    let ran = place.run("images build --stale").fails(3);
    assert!(
        ran.stdout.contains("/custom/a:4") && !ran.stdout.contains("/custom/c"),
        "{ran:?}"
    );
    assert!(
        ran.stderr
            .contains("error: image `c` cannot be built: buildah could"),
        "{ran:?}"
    );
    assert_eq!(field(&place.home, "c", "jobStatus")["phase"], "Failed");
}

#[test]
fn another_base_image_is_stale_until_it_is_built() {
    let place = Place::new(&ALL);
    let other = format!("{}/team/other:1", place.host());
    push_base(&place.home, &other, &[("pip", RECORDS), ("other", RECORDS)]);
    place.create(json!({"pip": ["x"]}));
    place.run("images build science").ok();
    assert_eq!(place.status()["baseImage"], json!(place.base()));
    let upon = |base: &str| {
        let patch = json!({"imageSpec": {"baseImage": base}});
        place
            .home
            .pipe(patch.to_string(), "images update science")
            .ok();
        let stale = field(&place.home, "science", "stale") == true;
        let shown = place.run("images list").ok().stdout;
        assert_eq!(shown.contains("True (stale)"), stale, "{shown}");
        stale
    };
    let is_built_upon = |base: &str| {
        let image = json(place.run("images get science -o json"));
        assert_eq!(image["jobStatus"]["baseImage"], base);
        assert_eq!(image["stale"], json!(null));
        let url = image["url"].as_str().expect("a text");
        let has_other = file_in(&place.home, url, "bin/other").is_some();
        assert_eq!(has_other, base == other);
    };
    assert!(upon(&other));
    assert!(!upon(&place.base()));
    assert!(upon(&other));
    place.run("images build --stale").ok();
    is_built_upon(&other);
    let spec = json!({"baseImage": place.base(), "packages": {"pip": ["x"]}});
    let image = json!({"name": "science", "imageSpec": spec});
    place.home.write("image.json", image.to_string());
    let arguments = "images create -f image.json --update-existing --build";
    place.run(arguments).ok();
    is_built_upon(&place.base());
    // The same image by another name is found, and the entry is of what it still is.
    let digest = &place.status()["baseDigest"];
    let digest = digest.as_str().expect("a text").to_owned();
    let pinned = format!("{}@{digest}", place.base());
    assert!(upon(&pinned));
    let ran = place.run("images build --stale").ok();
    assert!(ran.stderr.contains("is built already"), "{ran:?}");
    is_built_upon(&pinned);
}

#[test]
fn a_log_is_followed_until_the_build_has_ended() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("team/base", "1", "amd64");
    create(&home, &host, "science");
    home.program(
        "buildah",
        "#!/bin/sh\n[ $1 = build ] || exit 0\necho the first word\n\
         i=0; while ! [ -e $HOME/go ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done\n\
         echo the last word\n",
    );
    let build = format!("images build science --push {host}/x:1");
    std::thread::scope(|scope| {
        let building = scope.spawn(|| home.run(&build));
        let log = || home.run("images build-log science").stdout;
        let deadline = Instant::now() + Duration::from_secs(30);
        while !log().contains("the first word") && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let following = scope.spawn(|| home.run("images build-log science --follow").ok());
        std::thread::sleep(Duration::from_millis(500));
        assert!(!following.is_finished(), "the build has not ended");
        home.write("go", "");
        let followed = following.join().expect("it ends").stdout;
        building.join().expect("it ends").fails(1);
        assert!(followed.contains("\nthe last word\n"), "{followed}");
        assert_eq!(followed, log());
    });
}

#[test]
fn images_upon_one_base_are_built_at_once_and_say_which_it_is() {
    let place = Place::new(&ALL);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        let spec = json!({"baseImage": place.base(), "packages": {"pip": [name]}});
        let image = json!({"name": name, "global": true, "imageSpec": spec});
        place.home.pipe(image.to_string(), "images create").ok();
    }
    std::thread::scope(|scope| {
        let build = |name: &str| place.run(&format!("images build {name} --lock-timeout 120"));
        let building: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(move || build(name)))
            .collect();
        for one in building {
            one.join().expect("it ends").ok();
        }
    });
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    let raw = std::process::Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{}/custom/a:1", place.host()))
        .output()
        .expect("skopeo runs");
    let manifest: serde_json::Value = serde_json::from_slice(&raw.stdout).expect("JSON");
    let annotation =
        |name: &str| &manifest["annotations"][format!("org.opencontainers.image.{name}")];
    assert_eq!(annotation("base.name"), &json!(place.base()));
    let status = field(&place.home, "a", "jobStatus");
    assert_eq!(annotation("base.digest"), &status["baseDigest"]);
}
