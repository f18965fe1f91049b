//! Builds that come to another end.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Place, create, runs};
use crate::builder::{call, installed, left_over};
use crate::docker_registry::DockerRegistry;
use crate::support::{Home, PROGRAM, Ran};
use crate::token_server::{Policy, TokenServer};
use crate::{field, json};

#[test]
fn a_build_that_fails_leaves_the_last_good_one_standing() {
    let fails = "#!/bin/sh\nfor word; do last=$word; done\n\
                 [ $last = absent ] || exit 0\nexec >&2\n\
                 i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); done\n\
                 printf 'no \\033[31mpackage %s\\n' $last; sleep 0.3; exit 7\n";
    let place = Place::new(&[("pip", fails)]);
    place.create(json!({"pip": ["x"]}));
    place.run("images build science").ok();
    let patch = r#"{"imageSpec": {"packages": {"pip": ["absent"]}}}"#;
    place.home.pipe(patch, "images update science").ok();
    let ran = place.run("images build science").fails(1);
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        told[1],
        "error: image `science` cannot be built: buildah could not build (exit status: 7)"
    );
    assert!(told.contains(&"no \\u{1b}[31mpackage absent"), "{told:#?}");
    assert!(!told.contains(&"line 3"), "{told:#?}");
    let hint = "hint: `imgdex images build-log science` shows all of it";
    assert_eq!(told.last(), Some(&hint));
    let log = place.run("images build-log science").ok().stdout;
    assert!(
        log.contains("\nline 3\n") && log.contains("no \\u{1b}[31mpackage"),
        "{log}"
    );
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    let image = json(place.run("images get science -o json"));
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(image["jobStatus"]["phase"], "Failed");
    assert_eq!(
        (&image["url"], &image["isReady"]),
        (&json!(url), &json!(true))
    );
    assert_eq!(image["stale"], true);
    insta::assert_snapshot!(place.run("images list").stdout, @r#"
    id       name     displayName      description  type  isReady
    -------  -------  ---------------  -----------  ----  ------------
    science  science  Science "$HOME"  a\nb\        both  True (stale)
    "#);
    // What is printed is accepted back, and the rest of it can be changed.
    let all = place.run("images list -o json").stdout;
    place
        .home
        .pipe(&all, "--catalog other.db images create")
        .ok();
    let again = json(place.run("--catalog other.db images get science -o json"));
    for name in ["url", "isReady", "jobStatus", "stale", "digest"] {
        assert_eq!(again[name], image[name], "{name}");
    }
    place
        .home
        .pipe(r#"{"type": "cpu"}"#, "images update science")
        .ok();
    place
        .home
        .pipe(
            r#"{"imageSpec": {"packages": {"pip": ["x"]}}}"#,
            "images update science",
        )
        .ok();
    assert_eq!(field(&place.home, "science", "stale"), Value::Null);
    place.run("images build science").ok();
    assert_eq!(place.status()["phase"], "Succeeded");
    assert_eq!(place.status()["message"], Value::Null);
    assert_eq!(field(&place.home, "science", "url"), json!(url));
}

/// The signals that end a build, and the exit codes that they stand for.
const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)];

#[test]
fn a_build_that_is_interrupted_leaves_nothing_behind() {
    let sleeps = "#!/bin/sh\n[ $1 = update ] || exit 0\necho begun\nexec sleep 4242\n";
    let place = Place::new(&[("apt-get", sleeps)]);
    place.create(json!({"apt": ["x"]}));
    for (signal, code) in SIGNALS {
        let begun = || {
            place.status()["phase"] == "Running"
                && (place.run("images build-log science").stdout).contains("\nbegun\n")
                && runs("4242")
        };
        let ran = call(&place.home, "images build science").signalled_when(signal, || {
            let is_begun = begun();
            if is_begun {
                let other = place.run("images build science --lock-timeout 1").fails(9);
                let told = "is being built by another process";
                assert!(other.stderr.contains(told), "{other:?}");
            }
            is_begun
        });
        assert_cancelled(&place, &ran.fails(code), "4242");
    }
}

#[test]
fn a_build_is_interrupted_at_every_step() {
    let place = Place::new(&[("pip", "#!/bin/sh\n")]);
    place.create(json!({"pip": ["x"]}));
    let buildah = installed("buildah").display().to_string();
    let blocked = place.home.path().join("blocked");
    for verb in ["pull", "build", "push"] {
        let script = format!(
            "#!/bin/sh\n{buildah} \"$@\" || exit\n\
             [ $1 = {verb} ] || exit 0\ntouch $HOME/blocked; exec sleep 4545\n"
        );
        place.home.program("buildah", &script);
        for (signal, code) in SIGNALS {
            let ran = call(&place.home, "images build science --force")
                .signalled_when(signal, || blocked.exists());
            fs::remove_file(&blocked).expect("it came so far");
            assert_cancelled(&place, &ran.fails(code), "4545");
        }
    }
}

#[track_caller]
fn assert_cancelled(place: &Place, ran: &Ran, argument: &str) {
    let told = "error: stopped before image `science` was built\n";
    assert!(ran.stderr.ends_with(told), "{ran:?}");
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    assert_eq!(place.status()["phase"], "Cancelled");
    assert!(!runs(argument), "what the engine started runs on");
}

#[test]
fn a_build_that_is_to_outlive_its_terminal_does() {
    let place = Place::new(&[("pip", "#!/bin/sh\n")]);
    place.create(json!({"pip": ["x"]}));
    let script = format!(
        "#!/bin/sh\n[ $1 = build ] && {{ kill -HUP $PPID; touch $HOME/sent; sleep 0.3; }}\n\
         exec {} \"$@\"\n",
        installed("buildah").display()
    );
    place.home.program("buildah", &script);
    let folder = |name: &str| place.home.path().join(name);
    let mut command = place.home.command("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh", PROGRAM])
        .args(["images", "build", "science"])
        .env("CONTAINERS_STORAGE_CONF", folder("storage.conf"))
        .env("BUILDAH_ISOLATION", "chroot")
        .env("TMPDIR", folder("temporary"));
    Ran::of(&command.output().expect("it runs")).ok();
    assert!(folder("sent").exists());
    assert_eq!(place.status()["phase"], "Succeeded");
}

/// Runs a script in which `$1` is the program, and `small` a folder on a disk of that size.
fn with_small_disk(place: &Place, size: &str, script: &str) -> Ran {
    let script = format!("mount -t tmpfs -o mode=700,size={size} tmpfs small || exit 99\n{script}");
    let folder = |name: &str| place.home.path().join(name);
    fs::create_dir_all(folder("small")).expect("made");
    let mut command = place.home.command("unshare");
    command
        .args(["--mount", "sh", "-c", &script, "sh", PROGRAM])
        .env("CONTAINERS_STORAGE_CONF", folder("storage.conf"))
        .env("BUILDAH_ISOLATION", "chroot")
        .env("TMPDIR", folder("temporary"));
    Ran::of(&command.output().expect("it runs"))
}

#[test]
fn a_log_that_fills_the_disk_keeps_no_build_from_ending_well() {
    let prints = "#!/bin/sh\ni=0; while [ $i -lt 3072 ]; do\n\
                  printf '%1023d\\n' $i; i=$((i+1)); done\nsleep 0.3\n";
    let place = Place::new(&[("pip", prints)]);
    let spec = json!({"baseImage": place.base(), "packages": {"pip": ["x"]}});
    let image = json!({"name": "science", "global": true, "imageSpec": spec});
    place.home.write("image.json", image.to_string());
    let build = "export IMGDEX_CATALOG=$PWD/small/catalog.db\n\
                 $1 images create -f image.json && $1 images build science --no-progress\n\
                 code=$?\n$1 images get science; $1 images build-log science | grep -v '^ *[0-9]*$'\n\
                 exit $code";
    let ran = with_small_disk(&place, "1m", build).ok();
    for told in ["Succeeded", " bytes are left out here]"] {
        assert!(ran.stdout.contains(told), "{told}: {ran:#?}");
    }
    assert_eq!(left_over(&place.home), Vec::<String>::new());
}

#[test]
fn what_a_build_needs_and_cannot_write_is_exit_10() {
    let place = Place::new(&[("pip", "#!/bin/sh\n")]);
    place.create(json!({"pip": ["x"]}));
    let build = "head -c 2097152 /dev/zero > small/all 2> /dev/null\n\
                 TMPDIR=$PWD/small $1 images build science --no-progress\n\
                 code=$?; ls -A small; exit $code";
    let ran = with_small_disk(&place, "1m", build).fails(10);
    assert!(ran.stderr.contains("cannot write `"), "{ran:#?}");
    assert!(ran.stderr.contains("No space left"), "{ran:#?}");
    assert_eq!(ran.stdout, "all\n");
    assert_eq!(left_over(&place.home), Vec::<String>::new());
}

#[test]
fn what_a_killed_build_left_is_removed_by_the_next_one() {
    let sleeps = "#!/bin/sh\nfor word; do last=$word; done\n\
                  [ $last = slow ] || exit 0\necho begun; exec sleep 4343\n";
    let place = Place::new(&[("apt-get", sleeps)]);
    place.create(json!({"apt": ["slow"]}));
    let log = || place.run("images build-log science").stdout;
    let killed =
        call(&place.home, "images build science").killed_when(|| log().contains("\nbegun\n"));
    assert!(killed, "it did not begin");
    // The engine outlives who started it, and goes with the next build.
    assert_eq!(place.status()["phase"], "Running");
    assert!(!left_over(&place.home).is_empty());
    let patch = r#"{"imageSpec": {"packages": {"apt": ["quick"]}}}"#;
    place.home.pipe(patch, "images update science").ok();
    place.run("images build science").ok();
    assert_eq!(place.status()["phase"], "Succeeded");
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    assert!(!runs("4343"), "the package manager runs on");
}

#[test]
fn what_was_built_and_not_pushed_is_removed_by_the_next_build() {
    let place = Place::new(&[("pip", "#!/bin/sh\n")]);
    place.create(json!({"pip": ["x"]}));
    let buildah = installed("buildah").display().to_string();
    let script = format!(
        "#!/bin/sh\n[ $1 = push ] || exec {buildah} \"$@\"\n\
         touch $HOME/blocked; sleep 4444; exit 1\n"
    );
    place.home.program("buildah", &script);
    let blocked = || place.home.path().join("blocked").exists();
    let killed =
        call(&place.home, "images build science").killed_when(|| blocked() && runs("4444"));
    assert!(killed, "it did not begin");
    let images = |found: Vec<String>| found.iter().filter(|one| one.contains("<none>")).count();
    assert_eq!(images(left_over(&place.home)), 1);
    place
        .home
        .program("buildah", &format!("#!/bin/sh\nexec {buildah} \"$@\"\n"));
    place.run("images build science").ok();
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    assert!(!runs("4444"), "what the engine started runs on");
}

#[test]
fn what_an_engine_did_not_remove_is_removed_by_the_next_build() {
    let place = Place::new(&[("pip", "#!/bin/sh\n")]);
    place.create(json!({"pip": ["x"]}));
    let buildah = installed("buildah").display().to_string();
    let script = format!(
        "#!/bin/sh\n[ $1 = rmi ] && [ ! -e $HOME/mended ] && exit 1\nexec {buildah} \"$@\"\n"
    );
    place.home.program("buildah", &script);
    place.run("images build science").ok();
    let left = left_over(&place.home);
    let is_built = |one: &&String| one.contains("<none>");
    assert_eq!(left.iter().filter(is_built).count(), 1, "{left:?}");
    // Credentials go all the same.
    let temporary = place.home.path().join("temporary");
    let folder = left.iter().find(|one| one.starts_with("imgdex-build-"));
    let files = fs::read_dir(temporary.join(folder.expect("it is kept"))).expect("a folder");
    let files: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
    assert_eq!(files, ["id"]);
    place.home.write("mended", "");
    place.run("images build science --force").ok();
    assert_eq!(left_over(&place.home), Vec::<String>::new());
}

#[test]
fn an_engine_that_is_killed_leaves_nothing_and_is_told_of() {
    let sleeps = "#!/bin/sh\necho begun\nexec sleep 4949\n";
    let place = Place::new(&[("pip", sleeps)]);
    place.create(json!({"pip": ["x"]}));
    let script = format!(
        "#!/bin/sh\n[ $1 = build ] || exec {buildah} \"$@\"\n\
         {buildah} \"$@\" & \n\
         until grep -q '^begun' {log}; do sleep 0.05; done\n\
         kill -KILL $!; kill -KILL $$\n",
        buildah = installed("buildah").display(),
        log = "$HOME/.local/share/imgdex/catalog.db.builds/science/log",
    );
    place.home.program("buildah", &script);
    let ran = place.run("images build science").fails(1);
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        told[1],
        "error: image `science` cannot be built: buildah could not build (signal: 9 (SIGKILL))"
    );
    let hint = "hint: it was killed by somebody else, as the system does where memory runs out \
                (`dmesg` tells): build again with more memory, or fewer packages at once; \
                `imgdex images build-log science` shows all of it";
    assert_eq!(told.last(), Some(&hint));
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    assert_eq!(place.status()["phase"], "Failed");
    assert!(!runs("4949"), "what the engine started runs on");
}

#[test]
fn what_cannot_be_built_is_told() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("team/base", "1", "amd64");
    let images = json!([
        {"name": "science", "global": true, "imageSpec":
            {"baseImage": format!("{host}/team/base:1"), "packages": {"pip": ["x"]}}},
        {"name": "absent", "global": true, "imageSpec":
            {"baseImage": format!("{host}/team/absent:1"), "packages": {"pip": ["x"]}}},
        {"name": "plain", "global": true, "url": "alpine"},
    ]);
    home.pipe(images.to_string(), "images create").ok();
    fs::create_dir(home.path().join("nothing")).expect("made");
    let nothing = home.path().join("nothing").display().to_string();
    let run = |arguments: &str| {
        let ran = home.call(arguments).env("PATH", &nothing).run();
        ran.snapshot(&home).replace(&host, "<host>")
    };
    insta::assert_snapshot!(run(&format!("images build science --push {host}/x:1")), @r"
    exit code: 4
    ----- stderr -----
    error: no program is installed that builds images: none of buildah, podman and docker
    hint: install one, such as with `apt-get install buildah`, or write the Job of a cluster with `--engine kubernetes`
    ");
    insta::assert_snapshot!(run(&format!("images build science --engine podman --push {host}/x:1")), @r"
    exit code: 4
    ----- stderr -----
    error: `podman` is not installed, and is to build images
    hint: install it, such as with `apt-get install podman`, or name another with `--engine`
    ");
    insta::assert_snapshot!(run(&format!("images build science --engine docker --push {host}/x:1")), @r"
    exit code: 4
    ----- stderr -----
    error: `docker` is not installed, and is to build images
    hint: install it, such as with `apt-get install docker.io` (and `docker-cli`, where that is another package; its daemon has to run), or name another with `--engine`
    ");
    insta::assert_snapshot!(run("images build plain"), @r"
    exit code: 2
    ----- stderr -----
    error: image `plain` cannot be built: it has no `imageSpec` (a base image and packages): give it one with `imgdex images update plain`
    ");
    insta::assert_snapshot!(run("images build scienc"), @r"
    exit code: 4
    ----- stderr -----
    error: image `scienc` does not exist
    hint: did you mean `science`?
    ");
    insta::assert_snapshot!(run("images build-log science"), @r"
    exit code: 4
    ----- stderr -----
    error: image `science` has no log of a build: it was not built here
    hint: `imgdex images build science` builds it
    ");
    home.program("buildah", "#!/bin/sh\nexit 1\n");
    let run = |arguments: &str| home.run(arguments).snapshot(&home).replace(&host, "<host>");
    insta::assert_snapshot!(run("images build science"), @r"
    exit code: 2
    ----- stderr -----
    error: image `science` cannot be built: where it is to be pushed to was not said
    hint: name it with `--push REGISTRY/REPOSITORY:TAG`
    hint: or set `push-prefix` in `[build]` of the config file
    ");
    insta::assert_snapshot!(run(&format!("images build absent --push {host}/x:1")), @r"
    exit code: 4
    ----- stderr -----
    error: image `absent` cannot be built: cannot read the manifest of `<host>/team/absent:1`: it is not there; registry said: MANIFEST_UNKNOWN: manifest unknown
    hint: `imgdex registry tags <host>/team/absent` shows what there is
    ");
    assert_eq!(field(&home, "science", "jobStatus"), Value::Null);
}

#[test]
fn a_base_image_for_other_machines_is_told_before_a_build() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.index("team/base", "other", &["arm64", "s390x"]);
    registry.index("team/base", "ours", &["s390x", "amd64"]);
    let image = |name: &str| {
        let base = format!("{host}/team/base:{name}");
        json!({"name": name, "global": true, "imageSpec":
            {"baseImage": base, "packages": {"pip": ["x"]}}})
    };
    let images = json!([image("other"), image("ours")]);
    home.pipe(images.to_string(), "images create").ok();
    home.program("buildah", "#!/bin/sh\ntouch $HOME/ran\n");
    let run = |arguments: &str| {
        let ran = home.run(arguments);
        ran.snapshot(&home).replace(&host, "<host>")
    };
    let build = format!("images build other --push {host}/x:1");
    insta::assert_snapshot!(run(&build), @r"
    exit code: 4
    ----- stderr -----
    error: image `other` cannot be built: base image `<host>/team/base:other` has no image for `linux/amd64`, but for: linux/arm64, linux/s390x
    hint: name another base image with `imgdex images update`, or build it in a cluster of such machines with `--engine kubernetes`
    ");
    assert!(!home.path().join("ran").exists());
    assert_eq!(field(&home, "other", "jobStatus"), Value::Null);
    let pull = home.run(&format!(
        "pull {host}/team/base:other --platform linux/amd64"
    ));
    assert_eq!(pull.fails(4).stdout, "");
    // It is printed for whatever machine, and what a cluster is of is not known here.
    let printed = home.run("images build other --print").ok();
    assert_eq!(printed.stderr, "");
    assert!(printed.stdout.contains("/team/base@sha256:"), "{printed:?}");
    let job = format!("{build} --engine kubernetes");
    assert!(home.run(&job).ok().stdout.contains("FROM "));
    // The engine is begun with what is for this machine.
    home.run(&format!("images build ours --push {host}/x:1"))
        .fails(1);
    assert!(home.path().join("ran").exists());
}

#[test]
fn nothing_is_created_that_could_then_not_be_built() {
    let home = Home::new();
    let image = r#"{"name": "a", "imageSpec": {"baseImage": "b", "packages": {"pip": ["c"]}}}"#;
    let ran = home.pipe(image, "images create --build");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: an image cannot be built: where it is to be pushed to was not said
    hint: set `push-prefix` in `[build]` of the config file, or leave `--build` out
    ");
    assert!(!home.catalog().exists());
}

#[test]
fn what_may_not_be_pushed_is_told_before_it_is_built() {
    let (home, base) = (Home::new(), DockerRegistry::start());
    base.image("team/base", "1", "amd64");
    let tokens = TokenServer::with(Policy {
        only: Some("pull"),
        ..Policy::default()
    });
    let target = tokens.registry();
    let host = target.host();
    home.pipe("hunter2", &format!("login {host} -u me --password-stdin"))
        .ok();
    create(&home, &base.host(), "science");
    home.program("buildah", "#!/bin/sh\ntouch $HOME/ran\n");
    let ran = home.run(&format!("images build science --push {host}/x:1"));
    // The registry names the actions in whatever order.
    let told = ran.snapshot(&home).replace("push,pull", "pull,push");
    insta::assert_snapshot!(told.replace(&host, "<host>"), @r"
    exit code: 5
    ----- stderr -----
    error: image `science` cannot be built: cannot push to `<host>/x:1`: the token that was given does not allow `repository:x:pull,push` (401 Unauthorized); registry said: UNAUTHORIZED: authentication required
    hint: `imgdex login <host>` as somebody else; in CI, set IMGDEX_REGISTRY_HOST=<host>, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
    assert!(!home.path().join("ran").exists());
    assert_eq!(field(&home, "science", "jobStatus"), Value::Null);
    // What was begun to find that out is given up.
    let free = DockerRegistry::start();
    home.run(&format!("images build science --push {}/x:1", free.host()))
        .fails(1);
    let uploads = free
        .folder()
        .join("data/docker/registry/v2/repositories/x/_uploads");
    for upload in fs::read_dir(&uploads).expect("one was begun").flatten() {
        assert!(!upload.path().join("startedat").exists(), "{upload:?}");
    }
}
