//! Images in the storages of other programs.

use std::fs;
use std::os::unix::fs::symlink;

use crate::builder::{add_storage, buildah, installed};
use crate::docker_registry::DockerRegistry;
use crate::json;
use crate::store::files;
use crate::support::{Call, Home};

/// Returns a home with a storage of its own, and folders of programs in which there is
/// only the one that they are called after.
fn with_storage() -> Home {
    let home = Home::new();
    add_storage(&home);
    for program in ["buildah", "skopeo"] {
        let folder = home.path().join("only").join(program);
        fs::create_dir_all(&folder).expect("made");
        symlink(installed(program), folder.join(program)).expect("linked");
    }
    home
}

/// Returns a run that sees the storage, and of the programs only this one.
fn call<'a>(home: &'a Home, program: &str, arguments: &str) -> Call<'a> {
    let place = home.path().display().to_string();
    home.call(arguments)
        .env("CONTAINERS_STORAGE_CONF", format!("{place}/storage.conf"))
        .env("PATH", format!("{place}/only/{program}"))
        .env("TMPDIR", format!("{place}/temporary"))
}

/// Makes an image in the storage of a home.
fn build(home: &Home, name: &str) {
    home.write("file", "in the image");
    let container = buildah(home, &["from", "scratch"]);
    buildah(home, &["copy", &container, "file", "/file"]);
    buildah(home, &["commit", "--quiet", &container, name]);
    buildah(home, &["rm", &container]);
}

#[test]
fn an_image_that_was_built_here_is_pushed_and_one_of_a_registry_is_put_beside_it() {
    let (home, registry) = (with_storage(), DockerRegistry::start());
    let host = registry.host();
    build(&home, "localhost/app:1");
    registry.image("theirs", "1", "amd64");
    // In what follows, an image must hold what it says that it does.
    home.run(&format!("copy {host}/theirs:1 oci:theirs:1")).ok();
    for program in ["buildah", "skopeo"] {
        let push = format!("push containers-storage:localhost/app:1 {host}/{program}:1 -o json");
        let pushed = json(call(&home, program, &push).run());
        assert_eq!(pushed["blobs"]["sent"], 2, "{program}: {pushed}");
        let keep = format!("copy containers-storage:localhost/app:1 store:{program}");
        call(&home, program, &keep).run().ok();
        let back = format!("copy {host}/{program}:1 containers-storage:localhost/{program}:2");
        call(&home, program, &back).run().ok();
        let id = |image: &str| buildah(&home, &["inspect", "-f", "{{.FromImageID}}", image]);
        assert_eq!(
            id(&format!("localhost/{program}:2")),
            id("localhost/app:1"),
            "{program}"
        );
    }
    assert!(files(&home.path().join("temporary")).is_empty());
    let absent = format!("push containers-storage:localhost/absent:1 {host}/x:1");
    let ran = call(&home, "buildah", &absent).run();
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = "error: cannot read `containers-storage:localhost/absent:1`";
    assert!(ran.stderr.starts_with(told), "{ran:?}");
    assert!(ran.stderr.contains("buildah said: "), "{ran:?}");
}

#[test]
fn what_programs_are_asked_is_no_option_and_holds_no_secret() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.run(&format!("pull {host}/app:1 --to oci:there:1"))
        .ok();
    let script = "#!/bin/sh\n\
        echo \"$0 $*\" >> $HOME/asked\n\
        env >> $HOME/environment\n\
        [ $1 = load ] && exit 0\n\
        for word; do [ \"$before\" = -o ] && cp -r $HOME/there $word; before=$word; done\n";
    home.program("podman", script);
    let run = |arguments: &str| {
        home.call(arguments)
            .env("TMPDIR", home.path().display().to_string())
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", "me")
            .env("IMGDEX_REGISTRY_PASSWORD", "hunter2")
            .run()
    };
    run(&format!("push containers-storage:app:1 {host}/again:1")).ok();
    run("copy oci:there containers-storage:app:2").ok();
    let asked = fs::read_to_string(home.path().join("asked")).expect("asked");
    let lines: Vec<&str> = asked.lines().collect();
    let podman = home.path().join("programs/podman").display().to_string();
    let place = format!("{}/.imgdex-copy-", home.path().display());
    let save = format!("{podman} save --quiet --format oci-dir -o {place}");
    assert!(lines[0].starts_with(&save), "{asked}");
    assert!(lines[0].ends_with("/image -- app:1"), "{asked}");
    let load = format!("{podman} load --quiet -i {place}");
    assert!(lines[1].starts_with(&load), "{asked}");
    let environment = fs::read_to_string(home.path().join("environment")).expect("written");
    assert!(!environment.contains("hunter2"), "{environment}");
    for image in ["--help", "-x:1", "a b", "$(id)"] {
        let source = format!("containers-storage:{image}");
        home.call_with(&["copy", &source, "oci:here"])
            .run()
            .fails(2);
        home.call_with(&["copy", "oci:there", &source])
            .run()
            .fails(2);
    }
    home.run("copy --all-tags oci:there containers-storage:app")
        .fails(2);
    let asked_now = fs::read_to_string(home.path().join("asked")).expect("asked");
    assert_eq!(asked_now, asked);
}

#[test]
fn docker_hands_over_and_takes_archives() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.run(&format!("copy {host}/app:1 docker-archive:saved.tar:app:1"))
        .ok();
    home.program(
        "docker",
        "#!/bin/sh\n\
         [ $1 = save ] && [ \"$4 $5\" = '-- app:1' ] && exec cp $HOME/saved.tar $3\n\
         [ $1 = load ] && exec cp $4 $HOME/loaded.tar\n\
         exit 1\n",
    );
    let pushed = json(home.run(&format!("push docker-daemon:app:1 {host}/again:1 -o json")));
    assert_eq!(pushed["blobs"]["present"], 0);
    home.run(&format!("pull {host}/app:1 --to docker-daemon:new:2"))
        .ok();
    home.run("copy docker-archive:loaded.tar:new:2 oci:there:1")
        .ok();
}

#[test]
fn a_program_that_is_missing_or_fails_is_named() {
    let home = Home::new();
    fs::create_dir(home.path().join("nothing")).expect("made");
    let nothing = home.path().join("nothing").display().to_string();
    let run = |arguments: &str| {
        let ran = home.call(arguments).env("PATH", &nothing).run();
        ran.snapshot(&home)
    };
    insta::assert_snapshot!(run("copy containers-storage:app:1 oci:here"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read `containers-storage:app:1`: no program is installed that can
    hint: install podman, buildah or skopeo, such as with `apt-get install skopeo`
    ");
    insta::assert_snapshot!(run("copy docker-daemon:app:1 oci:here"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read `docker-daemon:app:1`: no program is installed that can
    hint: install docker or skopeo, such as with `apt-get install skopeo`
    ");
    home.program(
        "docker",
        "#!/bin/sh\necho 'No such \\033[31mimage: app:1' >&2\nexit 1\n",
    );
    let ran = home.run("copy docker-daemon:app:1 oci:here");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 1
    ----- stderr -----
    error: cannot read `docker-daemon:app:1`: docker said: No such \u{1b}[31mimage: app:1
    ");
}
