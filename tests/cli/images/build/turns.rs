//! Several at one image: who builds it, who waits, and what happens to it meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{create, push_labelled, runs};
use crate::docker_registry::{DockerRegistry, digest};
use crate::fault_server::{FaultServer, Reply};
use crate::support::{Home, Ran};
use crate::{field, json};

/// A `buildah` that waits in `build` until `go` is there.
const WAITS: &str = "#!/bin/sh\n[ $1 = build ] || exit 0\necho begun\n\
    touch $HOME/begun\n\
    i=0; while ! [ -e $HOME/go ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done\nexit 3\n";

fn home_with(registry: &DockerRegistry, buildah: &str) -> Home {
    let home = Home::new();
    registry.image("team/base", "1", "amd64");
    home.write(
        ".config/imgdex/config.toml",
        format!("[build]\npush-prefix = \"{}/custom\"\n", registry.host()),
    );
    create(&home, &registry.host(), "science");
    home.program("buildah", buildah);
    home
}

/// Builds an image, does something once that has begun, and returns how the build ends.
fn meanwhile(home: &Home, act: impl FnOnce()) -> Ran {
    std::thread::scope(|scope| {
        let building = scope.spawn(|| home.run("images build science"));
        let deadline = Instant::now() + Duration::from_secs(30);
        while !home.path().join("begun").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        act();
        home.write("go", "");
        building.join().expect("it ends")
    })
}

#[test]
fn who_comes_second_waits_and_looks_again() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, WAITS);
    let ran = meanwhile(&home, || {
        let began = Instant::now();
        let ran = home.run("images build science --lock-timeout 1").fails(9);
        assert!(began.elapsed() >= Duration::from_secs(1), "it did not wait");
        insta::assert_snapshot!(ran.snapshot(&home), @r"
        exit code: 9
        ----- stderr -----
        waiting for another process that builds `science`
        error: image `science` is being built by another process
        hint: wait for it or stop it, or wait longer with `--lock-timeout 300`
        ");
    });
    ran.fails(1);
}

#[test]
fn an_image_that_is_deleted_and_made_anew_is_another_one() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, WAITS);
    let ran = meanwhile(&home, || {
        home.run("images delete science --yes").ok();
        // Creation is told in seconds.
        std::thread::sleep(Duration::from_millis(1100));
        create(&home, &registry.host(), "science");
        home.run("images build science --lock-timeout 0").fails(9);
        home.run("images build-log science").fails(4);
    });
    ran.fails(1);
    assert_eq!(field(&home, "science", "jobStatus"), Value::Null);
    home.run("images build-log science").fails(4);
    // Where nobody builds, the log goes with the image.
    home.run("images build science").fails(1);
    home.run("images build-log science").ok();
    home.run("images delete science --yes").ok();
    let folder = home.catalog().with_extension("db.builds").join("science");
    assert!(!folder.exists());
}

#[test]
fn several_failures_are_several_objects() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, "#!/bin/sh\nexit 3\n");
    create(&home, &registry.host(), "other");
    let ran = home
        .run("images build science other -o json --no-progress")
        .fails(1);
    let errors: Vec<Value> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let message = |error: &Value| error["error"]["message"].as_str().map(str::to_owned);
    let told: Vec<String> = errors.iter().filter_map(message).collect();
    assert_eq!(told.len(), 2, "{ran:?}");
    assert!(told[0].contains("`science` cannot be built"), "{told:?}");
    assert!(told[1].contains("`other` cannot be built"), "{told:?}");
}

#[test]
fn a_secret_of_another_registry_is_not_in_the_way() {
    let (base, free) = (DockerRegistry::with_password(), DockerRegistry::start());
    free.image("team/base", "1", "amd64");
    let home = Home::new();
    create(&home, &free.host(), "science");
    home.program("buildah", "#!/bin/sh\nexit 3\n");
    let secret = format!(
        "secrets create --name good --registry-host {} --username me --password-stdin",
        base.host()
    );
    home.pipe("wrong", &secret).ok();
    home.write(
        ".config/imgdex/config.toml",
        "[build]\npush-secret = \"image-good\"\n",
    );
    let elsewhere = home.run(&format!("images build science --push {}/x:1", free.host()));
    assert!(
        elsewhere
            .fails(1)
            .stderr
            .contains("`push-secret` (`image-good`) is of another registry"),
    );
    // Where it is of the registry, what helps is another value.
    let ran = home
        .run(&format!("images build science --push {}/x:1", base.host()))
        .fails(5);
    let hint = "hint: it was asked with the secret `image-good`: `imgdex secrets update image-good \
                --password-stdin` gives that another value\n";
    assert!(ran.stderr.ends_with(hint), "{ran:?}");
}

#[test]
fn a_containerfile_is_printed_without_its_registry_but_not_of_what_is_not_there() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, "");
    let patch = |base: &str| {
        let patch = json!({"imageSpec": {"baseImage": base}});
        home.pipe(patch.to_string(), "images update science").ok();
    };
    patch("127.0.0.1:1/team/base:1");
    let ran = home.run("images build science --print").ok();
    assert!(
        ran.stdout.contains("FROM 127.0.0.1:1/team/base:1\n"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("digest and user are not known"),
        "{ran:?}"
    );
    patch(&format!("{}/team/absent:1", registry.host()));
    let ran = home.run("images build science --print").fails(4);
    assert_eq!(ran.stdout, "");
}

#[test]
fn one_base_image_is_asked_for_once() {
    let config = r#"{"architecture":"amd64","os":"linux","config":{"User":"1000"}}"#;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": manifest_type, "layers": [],
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(config.as_bytes()), "size": config.len()},
    })
    .to_string();
    let server = FaultServer::start(move |seen| match seen.target.as_str() {
        "/v2/" => Reply::new(200, "{}"),
        path if path.contains("/manifests/") => {
            Reply::new(200, manifest.as_str()).with("content-type", manifest_type)
        }
        path if path.contains("/blobs/") => Reply::new(200, config),
        _ => Reply::new(404, ""),
    });
    let (home, target) = (Home::new(), DockerRegistry::start());
    home.write(
        ".config/imgdex/config.toml",
        format!("[build]\npush-prefix = \"{}/custom\"\n", target.host()),
    );
    for name in ["a", "b", "c"] {
        create(&home, &server.host(), name);
    }
    let list = json(home.run("images build a b c --engine kubernetes -o json"));
    assert_eq!(list["items"].as_array().map(Vec::len), Some(6));
    let asked = server.seen();
    let asked = asked
        .iter()
        .filter(|seen| seen.target.contains("/manifests/"));
    assert_eq!(asked.count(), 1);
}

#[test]
fn what_a_killed_build_left_goes_even_where_nothing_is_built_after_it() {
    let registry = DockerRegistry::start();
    // What it starts is found by the name of the build.
    let sleeps = "#!/bin/sh\n[ $1 = build ] || exit 0\ntouch $HOME/begun\nsleep 4646\nexit 0\n";
    let home = home_with(&registry, sleeps);
    create(&home, &registry.host(), "other");
    let temporary = home.path().join("temporary");
    fs::create_dir_all(&temporary).expect("made");
    let call = |command: &str| {
        let place = temporary.display().to_string();
        home.call(command).env("TMPDIR", place)
    };
    for (last, is_deleted) in [("science", false), ("other", false), ("other", true)] {
        let _ = fs::remove_file(home.path().join("begun"));
        let begun = || home.path().join("begun").exists() && runs("4646");
        assert!(call("images build science --force").killed_when(begun));
        assert!(runs("4646") && fs::read_dir(&temporary).expect("a folder").count() > 0);
        if is_deleted {
            home.run("images delete science --yes").ok();
        }
        // This one is there already: no engine is asked for.
        let text = home
            .run(&format!("images build {last} --print"))
            .ok()
            .stdout;
        push_labelled(&registry, &format!("custom/{last}"), "1", &text);
        let build = format!(
            "images build {last} --push {}/custom/{last}:1",
            registry.host()
        );
        let ran = call(&build).run().ok();
        assert!(ran.stderr.contains("is built already"), "{ran:?}");
        assert!(!runs("4646"), "the engine runs on");
        let left: Vec<_> = fs::read_dir(&temporary)
            .expect("a folder")
            .flatten()
            .collect();
        assert!(left.is_empty(), "{left:?}");
        if last == "other" && !is_deleted {
            let status = field(&home, "science", "jobStatus");
            assert_eq!(status["phase"], "Cancelled");
            assert_eq!(status["message"], "imgdex was killed while it was built");
        }
    }
    let folder = home.catalog().with_extension("db.builds").join("science");
    assert!(!folder.exists());
}

/// A `buildah` that waits in `build` until `go` is there, and in `push` until `pushed` is.
const PUSHES: &str = "#!/bin/sh\necho $1 >> $HOME/asked\ncase $1 in\n\
    build)\nfor word; do case $before in -f) file=$word;; --iidfile) id=$word;; esac\n\
    before=$word; done\necho sha256:x > $id\ncp $file $HOME/Containerfile\n\
    touch $HOME/begun; i=0\n\
    while ! [ -e $HOME/go ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done ;;\n\
    push) touch $HOME/pushes; i=0\n\
    while ! [ -e $HOME/pushed ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done ;;\nesac\n";

/// Builds an image with [`PUSHES`], pushes in its place what has the labels of its
/// Containerfile, and does something meanwhile.
fn pushed_meanwhile(home: &Home, registry: &DockerRegistry, act: impl FnOnce()) -> Ran {
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(30);
            while !home.path().join("pushes").exists() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
            let text = fs::read_to_string(home.path().join("Containerfile")).expect("a text");
            push_labelled(registry, "custom/science", "1", &text);
            home.write("pushed", "");
        });
        let ran = meanwhile(home, act);
        pushing.join().expect("it ends");
        ran
    })
}

#[test]
fn what_was_pushed_of_an_image_that_is_no_more_is_told() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, PUSHES);
    let host = registry.host();
    let ran = pushed_meanwhile(&home, &registry, || {
        home.run("images delete science --yes").ok();
    });
    insta::assert_snapshot!(ran.fails(4).snapshot(&home).replace(&host, "<host>"), @r"
    exit code: 4
    ----- stderr -----
    building `science` with buildah: <host>/custom/science:1
    error: `<host>/custom/science:1` was pushed, but image `science` does not exist
    hint: `imgdex images list` shows what there is
    hint: `imgdex registry delete <host>/custom/science:1` removes what was pushed
    ");
}

#[test]
fn many_at_one_image_build_it_once() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, PUSHES);
    let others = std::thread::scope(|scope| {
        let mut others = Vec::new();
        let first = pushed_meanwhile(&home, &registry, || {
            for _ in 0..4 {
                others.push(scope.spawn(|| home.run("images build science --no-progress")));
            }
            std::thread::sleep(Duration::from_millis(400));
        });
        first.ok();
        let others = others
            .into_iter()
            .map(|other| other.join().expect("it ends"));
        others.collect::<Vec<Ran>>()
    });
    for other in others {
        let other = other.ok();
        assert!(
            other.stderr.contains("`science` is built already"),
            "{other:?}"
        );
    }
    let asked = fs::read_to_string(home.path().join("asked")).expect("it was asked");
    assert_eq!(asked.lines().filter(|verb| *verb == "push").count(), 1);
    assert_eq!(field(&home, "science", "jobStatus")["phase"], "Succeeded");
}

#[test]
fn what_somebody_else_built_stands_where_a_build_of_it_fails() {
    let registry = DockerRegistry::start();
    let home = home_with(&registry, "#!/bin/sh\nexit 3\n");
    let host = registry.host();
    let spec = json!({"baseImage": format!("{host}/team/base:1"), "packages": {"pip": ["x"]}});
    let image = json!({
        "name": "foreign", "global": true, "imageSpec": spec, "url": format!("{host}/old:1"),
        "isReady": true, "jobStatus": {"phase": "Succeeded"},
    });
    home.pipe(image.to_string(), "images create").ok();
    home.run("images build foreign").fails(1);
    assert_eq!(field(&home, "foreign", "jobStatus")["phase"], "Failed");
    assert_eq!(
        field(&home, "foreign", "url"),
        json!(format!("{host}/old:1"))
    );
    assert_eq!(field(&home, "foreign", "stale"), true);
    home.pipe(r#"{"type": "cpu"}"#, "images update foreign")
        .ok();
    let all = home.run("images get foreign -o json").ok().stdout;
    home.pipe(&all, "--catalog other.db images create").ok();
}
