//! Custom images, really built by buildah and pushed to a registry.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::builder::{
    RECORDS, add_storage, buildah, call, file_in, installed, left_over, push_base,
};
use crate::docker_registry::DockerRegistry;
use crate::support::{Home, PROGRAM, Ran};
use crate::{field, json};

const ALL: [(&str, &str); 3] = [("apt-get", RECORDS), ("conda", RECORDS), ("pip", RECORDS)];

/// A home that builds, with a registry that holds `team/base:1`.
struct Place {
    home: Home,
    registry: DockerRegistry,
}

impl Place {
    fn new(programs: &[(&str, &str)]) -> Self {
        let (home, registry) = (Home::new(), DockerRegistry::start());
        add_storage(&home);
        let place = Self { home, registry };
        push_base(&place.home, &place.base(), programs);
        place.home.write(
            ".config/imgdex/config.toml",
            format!("[build]\npush-prefix = \"{}/custom\"\n", place.host()),
        );
        place
    }

    fn host(&self) -> String {
        self.registry.host()
    }

    fn base(&self) -> String {
        format!("{}/team/base:1", self.registry.host())
    }

    fn create(&self, packages: Value) {
        let image = json!({
            "name": "science", "displayName": "Science \"$HOME\"", "description": "a\nb\\",
            "global": true,
            "imageSpec": {"baseImage": self.base(), "packages": packages},
        });
        self.home.pipe(image.to_string(), "images create").ok();
    }

    fn run(&self, arguments: &str) -> Ran {
        call(&self.home, arguments).run()
    }

    fn snapshot(&self, ran: &Ran) -> String {
        let text = ran.snapshot(&self.home).replace(&self.host(), "<host>");
        let mut words: Vec<String> = Vec::new();
        for word in text.split("sha256:") {
            match words.is_empty() {
                true => words.push(word.to_owned()),
                false => words.push(word.get(64..).unwrap_or(word).to_owned()),
            }
        }
        words.join("<digest>")
    }

    fn status(&self) -> Value {
        field(&self.home, "science", "jobStatus")
    }
}

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

#[test]
fn a_build_that_is_interrupted_leaves_nothing_behind() {
    let sleeps = "#!/bin/sh\n[ $1 = update ] || exit 0\necho begun\nexec sleep 4242\n";
    let place = Place::new(&[("apt-get", sleeps)]);
    place.create(json!({"apt": ["x"]}));
    for (signal, code, phase) in [("INT", 130, "Cancelled"), ("TERM", 143, "Cancelled")] {
        let mut command = place.home.command(PROGRAM);
        let child = command
            .args(["images", "build", "science"])
            .env(
                "CONTAINERS_STORAGE_CONF",
                place.home.path().join("storage.conf"),
            )
            .env("BUILDAH_ISOLATION", "chroot")
            .env("TMPDIR", place.home.path().join("temporary"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        let begun = || {
            place.status()["phase"] == "Running"
                && (place.run("images build-log science").stdout).contains("\nbegun\n")
        };
        while !begun() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(place.status()["phase"], "Running");
        let other = place.run("images build science").fails(9);
        assert!(
            other.stderr.contains("is being built by another process"),
            "{other:?}"
        );
        let id = child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status();
        assert!(kill.expect("it runs").success());
        let ran = Ran::of(&child.wait_with_output().expect("it ends")).fails(code);
        let told = "error: stopped before image `science` was built\n";
        assert!(ran.stderr.ends_with(told), "{ran:?}");
        assert_eq!(left_over(&place.home), Vec::<String>::new());
        assert_eq!(place.status()["phase"], phase);
        assert!(!runs("4242"), "the package manager runs on");
    }
}

/// Returns whether a process runs that was given this argument.
fn runs(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("processes");
    processes.flatten().any(|process| {
        let line = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        line.split('\0').any(|word| word == argument)
    })
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
fn a_secret_is_there_only_while_the_package_manager_runs() {
    let shows = "#!/bin/sh\ncat $PIP_CONFIG_FILE > /shown\n";
    let place = Place::new(&[("pip", shows)]);
    place
        .home
        .write("pip.conf", "index-url = https://me:hunter2@index.example\n");
    place.create(json!({"pip": ["x"]}));
    place
        .run("images build science --secret id=pip,src=pip.conf")
        .ok();
    let url = format!("{}/custom/science:1", place.host());
    let shown = file_in(&place.home, &url, "shown").unwrap_or_default();
    assert!(shown.contains("hunter2"), "{shown}");
    assert_eq!(file_in(&place.home, &url, "run/secrets/pip"), None);
    let log = place.run("images build-log science").ok().stdout;
    assert!(!log.contains("hunter2"), "{log}");
    place
        .run("images build science --secret id=pip,src=absent")
        .fails(4);
    place
        .run("images build science --secret id=npm,src=pip.conf")
        .fails(2);
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
    left 1 image that no build made yet: `imgdex images build ID` builds it
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
    left 1 image that no build made yet: `imgdex images build ID` builds it
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
fn each_registry_sees_its_own_secret_and_nobody_else_any() {
    let (home, base, target) = (
        Home::new(),
        DockerRegistry::with_password(),
        DockerRegistry::with_password(),
    );
    add_storage(&home);
    let (base, target) = (base.host(), target.host());
    let both = json!({"auths": {
        &base: {"auth": "bWU6aHVudGVyMg=="},
        &target: {"auth": "bWU6aHVudGVyMg=="},
    }});
    home.write(".docker/config.json", both.to_string());
    push_base(&home, &format!("{base}/team/base:1"), &[("pip", RECORDS)]);
    fs::remove_file(home.path().join(".docker/config.json")).expect("removed");
    for (name, host) in [("base", &base), ("target", &target)] {
        let create = format!(
            "secrets create --name {name} --registry-host {host} --username me --password-stdin"
        );
        home.pipe("hunter2", &create).ok();
    }
    let spec = json!({
        "baseImage": format!("{base}/team/base:1"), "pullSecret": "image-base",
        "packages": {"pip": ["x"]},
    });
    let image = json!({"name": "science", "global": true, "imageSpec": spec});
    home.pipe(image.to_string(), "images create").ok();
    let build = format!("images build science --push {target}/x:1");
    call(&home, &build).run().fails(5);
    let ran = call(&home, &format!("{build} --push-secret image-base"))
        .run()
        .fails(11);
    insta::assert_snapshot!(ran.stderr.replace(&base, "<base>").replace(&target, "<target>"), @r"
    error: secret `image-base` serves `<base>`, and is not sent to `<target>`
    hint: if it is of that registry: `imgdex secrets update image-base --registry-host <target>`
    ");
    let build = format!("{build} --push-secret image-target");

    let really = installed("buildah").display().to_string();
    home.program(
        "buildah",
        &format!(
            "#!/bin/sh\nfor word; do\n\
             [ \"$before\" = --authfile ] && stat -c %a $word >> $HOME/seen && \
             grep -o '127[0-9.:]*' $word >> $HOME/seen\nbefore=$word\ndone\n\
             echo \"$*\" >> $HOME/asked\nenv >> $HOME/environment\nexec {really} \"$@\"\n"
        ),
    );
    let ran = call(&home, &build)
        .env("IMGDEX_REGISTRY_HOST", "elsewhere.example")
        .env("IMGDEX_REGISTRY_USERNAME", "me")
        .env("IMGDEX_REGISTRY_PASSWORD", "hunter2")
        .run()
        .ok();
    assert_eq!(
        field(&home, "science", "url"),
        json!(format!("{target}/x:1"))
    );
    let read = |name: &str| fs::read_to_string(home.path().join(name)).expect("written");
    assert_eq!(read("seen"), format!("600\n{base}\n600\n{target}\n"));
    let log = call(&home, "images build-log science").run().ok().stdout;
    let history = call(&home, "images history science -o json")
        .run()
        .ok()
        .stdout;
    for text in [read("asked"), read("environment"), log, history, ran.stderr] {
        assert!(
            !text.contains("hunter2") && !text.contains("bWU6aHVudGVyMg"),
            "{text}"
        );
    }
}

#[test]
fn a_cluster_is_given_a_job_and_what_it_pushed_is_found() {
    let place = Place::new(&ALL);
    let create = format!(
        "secrets create --name puller --registry-host {} --username me --password-stdin",
        place.host()
    );
    place.home.pipe("hunter2", &create).ok();
    let spec = json!({
        "baseImage": place.base(), "pullSecret": "image-puller",
        "packages": {"pip": ["pandas>=2", "$(touch /pwned)"]},
    });
    let image = json!({"name": "science", "global": true, "imageSpec": spec});
    place.home.pipe(image.to_string(), "images create").ok();
    let build = "images build science --engine kubernetes";
    place
        .run(&format!("{build} --secret id=pip,src=storage.conf"))
        .fails(2);
    let ran = place.run(build).ok();
    assert!(!ran.stdout.contains("hunter2"), "{ran:?}");
    insta::assert_snapshot!(ran.stderr, @r"
    hint: the cluster needs the secret `puller`: `imgdex secrets export puller --format kubernetes --reveal | kubectl apply -f -`
    hint: once the job is done, `imgdex images build science` finds what it pushed
    ");
    let documents: Vec<Value> = ran
        .stdout
        .split("---\n")
        .skip(1)
        .map(|text| serde_saphyr::from_str(text).expect("YAML"))
        .collect();
    assert_eq!(
        (documents.len(), &documents[0]["kind"]),
        (2, &json!("ConfigMap"))
    );
    let job = &documents[1];
    assert_eq!(
        (&job["kind"], &job["apiVersion"]),
        (&json!("Job"), &json!("batch/v1"))
    );
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][2]["secret"]["secretName"], "puller");
    assert_eq!(place.status()["phase"], "Pending");
    assert_eq!(field(&place.home, "science", "isReady"), false);

    // What the pod does, done here.
    let container = &pod["containers"][0];
    let text = documents[0]["data"]["Containerfile"]
        .as_str()
        .expect("a text");
    place.home.write("pod/build/Containerfile", text);
    place.home.write("pod/pull/config.json", "{}");
    let folder = place.home.path().join("pod").display().to_string();
    let local = |text: &Value| {
        let text = text.as_str().expect("a text");
        let text = text.replace("/tmp/", "/run/imgdex/");
        text.replace("/run/imgdex", &folder)
    };
    let mut pod = std::process::Command::new("/bin/sh");
    pod.arg("-c")
        .arg(local(&container["command"][2]))
        .arg("imgdex-build");
    for argument in container["args"].as_array().expect("a list") {
        pod.arg(argument.as_str().expect("a text"));
    }
    for variable in container["env"].as_array().expect("a list") {
        pod.env(
            variable["name"].as_str().expect("a name"),
            local(&variable["value"]),
        );
    }
    let ended = pod
        .env("HOME", place.home.path())
        .env(
            "CONTAINERS_STORAGE_CONF",
            place.home.path().join("storage.conf"),
        )
        .output()
        .expect("it runs");
    assert!(ended.status.success(), "{ended:?}");

    place.run("images build science").ok();
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(place.status()["phase"], "Succeeded");
    assert_eq!(field(&place.home, "science", "url"), json!(url));
    let asked = file_in(&place.home, &url, "asked-pip");
    let expected = "0 <install> <--no-cache-dir> <--> <pandas>=2> <$(touch /pwned)>\n";
    assert_eq!(asked.as_deref(), Some(expected));
    let again = json(place.run(&format!("{build} --force -o json")));
    assert_eq!(
        (&again["kind"], &again["items"][1]["kind"]),
        (&json!("List"), &json!("Job"))
    );
}

/// What docker is asked, done by buildah in its place; `push` may be another script.
fn docker(home: &Home, push: &str) {
    let buildah = installed("buildah").display().to_string();
    let script = "#!/bin/sh\necho \"$*\" >> $HOME/asked\n\
        [ $1 = --config ] && { stat -c %a $2/config.json >> $HOME/seen; shift 2; }\n\
        case $1 in\n\
        pull) exec BUILDAH pull --tls-verify=false -- $3 ;;\n\
        push) PUSH ;;\n\
        build) shift; exec BUILDAH build --tls-verify=false \"$@\" ;;\n\
        *) exec BUILDAH \"$@\" ;;\nesac\n";
    let script = script.replace("PUSH", push).replace("BUILDAH", &buildah);
    home.program("docker", &script);
}

#[test]
fn docker_builds_and_what_somebody_else_pushed_is_not_taken_for_it() {
    let place = Place::new(&[("pip", RECORDS)]);
    place.create(json!({"pip": ["x"]}));
    docker(
        &place.home,
        "exec BUILDAH push --tls-verify=false -- $3 docker://$3",
    );
    place.run("images build science --engine docker").ok();
    let read = |name: &str| fs::read_to_string(place.home.path().join(name)).expect("written");
    let asked = read("asked").replace(&place.host(), "<host>");
    let verbs: Vec<String> = asked
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let verb = usize::from(words[0] == "--config") * 2;
            format!("{} … {}", words[verb], words[words.len() - 1])
        })
        .collect();
    assert_eq!(verbs[0].split('@').next(), Some("pull … <host>/team/base"));
    assert!(
        verbs[1].starts_with("build … ") && verbs[1].ends_with("/context"),
        "{asked}"
    );
    let rest = ["tag", "push", "rmi"].map(|verb| format!("{verb} … <host>/custom/science:1"));
    assert_eq!(verbs[2..], rest);
    assert_eq!(read("seen"), "600\n600\n");
    assert_eq!(place.status()["phase"], "Succeeded");

    // Another image comes to stand where this one was pushed to.
    let theirs = format!("docker://{}", place.base());
    buildah(
        &place.home,
        &["pull", "--quiet", "--tls-verify=false", &theirs],
    );
    let push = format!(
        "exec BUILDAH push --tls-verify=false -- {} docker://$3",
        place.base()
    );
    docker(&place.home, &push);
    let ran = place
        .run("images build science --engine docker --force")
        .fails(7);
    let told = "was pushed, but the registry has another image there";
    assert!(ran.stderr.contains(told), "{ran:?}");
    assert_eq!(place.status()["phase"], "Failed");
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(field(&place.home, "science", "url"), json!(url));
}
