//! `imgdex harbor publish`: the whole of it, what it refuses, and that running it again
//! finishes what broke off.

use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::fake_harbor::{Failure, FakeHarbor, Outcome, Role, Vulnerability};
use crate::json;
use crate::support::{Call, Home};

const DEV: (&str, &str) = ("dev", "Secret1x");

/// Returns a Harbor with the project `apps`, in which `dev` is a Maintainer.
fn harbor() -> FakeHarbor {
    let harbor = FakeHarbor::start();
    harbor.project("apps").user(DEV.0, DEV.1);
    harbor.role(DEV.0, "apps", Role::Maintainer);
    harbor
}

/// Returns a home whose store has the image `my_app_image:4.2`.
fn home() -> Home {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("lab/my_app_image", "4.2", "amd64");
    let from = format!("{}/lab/my_app_image:4.2", registry.host());
    home.run(&format!("pull {from} --name library/my_app_image:4.2"))
        .ok();
    home
}

fn as_dev<'a>(home: &'a Home, harbor: &FakeHarbor, arguments: &[&str]) -> Call<'a> {
    home.call_with(arguments)
        .env("IMGDEX_HARBOR_URL", harbor.url())
        .env("IMGDEX_REGISTRY_HOST", harbor.host())
        .env("IMGDEX_REGISTRY_USERNAME", DEV.0)
        .env("IMGDEX_REGISTRY_PASSWORD", DEV.1)
        .env("IMGDEX_AUTHOR", "ada")
}

const PUBLISH: [&str; 20] = [
    "harbor",
    "publish",
    "--source-type",
    "lab",
    "--source-repository",
    "my_app_image",
    "--source-tag",
    "4.2",
    "--project",
    "apps",
    "--repository",
    "my_cool_app",
    "--tag",
    "1.0",
    "--type",
    "app",
    "--name",
    "Cool app",
    "--description",
    "An amazing app.",
];

fn publish<'a>(home: &'a Home, harbor: &FakeHarbor, more: &[&str]) -> Call<'a> {
    as_dev(home, harbor, &[&PUBLISH[..], more].concat())
}

fn artifact(harbor: &FakeHarbor, identifier: &str) -> Option<Value> {
    let path =
        format!("/projects/apps/repositories/my_cool_app/artifacts/{identifier}?with_label=true");
    let told = harbor.get(&path);
    (told.status == 200).then_some(told.json)
}

fn names(home: &Home) -> Vec<String> {
    let listed = home.run("images list -o name").ok().stdout;
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn an_image_is_published_with_all_that_belongs_to_it() {
    let (harbor, home) = (harbor(), home());
    let image = json(publish(&home, &harbor, &["-o", "json"]).run());
    assert_eq!(image["name"], "my-cool-app-1.0");
    let url = format!("{}/apps/my_cool_app:1.0", harbor.host());
    for (field, value) in [
        ("displayName", json!("Cool app")),
        ("description", json!("An amazing app.")),
        ("kind", json!("app")),
        ("author", json!("ada")),
        ("url", json!(url)),
        ("isReady", json!(true)),
        ("formats", json!(["adalab"])),
        ("platforms", json!(["linux/amd64"])),
    ] {
        assert_eq!(image[field], value, "{field}");
    }
    let there = artifact(&harbor, "1.0").expect("it is tagged");
    assert_eq!(there["digest"], image["digest"]);
    assert_eq!(there["labels"][0]["name"], "app");
    let repository = harbor.get("/projects/apps/repositories/my_cool_app").json;
    assert_eq!(repository["description"], "An amazing app.");

    // Elsewhere the metadata is found with the image.
    let elsewhere = Home::new();
    let made = json(
        as_dev(
            &elsewhere,
            &harbor,
            &["images", "create", "--from", &url, "-o", "json"],
        )
        .run(),
    );
    let made = made.as_array().map_or(&made, |list| &list[0]);
    for field in [
        "displayName",
        "description",
        "kind",
        "author",
        "url",
        "digest",
    ] {
        assert_eq!(made[field], image[field], "{field}");
    }

    // Again: nothing is new, nothing is sent, and no revision is made.
    harbor.forget_seen();
    let again = publish(&home, &harbor, &["-o", "json"]).run().ok();
    assert!(again.stderr.contains("nothing is new"), "{}", again.stderr);
    let again: Value = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!(again["revision"], 1);
    let writes: Vec<String> = harbor
        .seen()
        .iter()
        .filter(|seen| {
            seen.target.starts_with("/v2/") && seen.method != "GET" && seen.method != "HEAD"
        })
        .map(|seen| seen.line())
        .collect();
    assert_eq!(writes, Vec::<String>::new());
    // To read a manifest there would count as a pull.
    let is_pull = |seen: &&crate::fake_harbor::Seen| {
        seen.method == "GET" && seen.target.contains("/my_cool_app/manifests/1.0")
    };
    assert_eq!(harbor.seen().iter().filter(is_pull).count(), 0);
}

#[test]
fn a_source_that_is_the_target_only_gets_metadata() {
    let (harbor, home) = (harbor(), Home::new());
    let digest = harbor.image("apps/my_cool_app", "1.0");
    let arguments = [
        "harbor",
        "publish",
        "--source-type",
        "registry",
        "--source-repository",
        "apps/my_cool_app",
        "--source-tag",
        "1.0",
        "--project",
        "apps",
        "--repository",
        "my_cool_app",
        "--tag",
        "1.0",
        "--type",
        "base_image",
        "--name",
        "Base",
        "-o",
        "json",
    ];
    let image = json(as_dev(&home, &harbor, &arguments).run());
    assert_eq!(
        (&image["digest"], &image["kind"]),
        (&json!(digest), &json!("base"))
    );
    let pushed = harbor.seen();
    let tagged = pushed
        .iter()
        .filter(|seen| seen.method == "PUT" && seen.target.contains("/manifests/1.0"));
    assert_eq!(tagged.count(), 0, "the tag was there");
}

/// Requests of a publication, in their order, each with how many of its kind pass before.
const STEPS: [(&str, &str, u32); 14] = [
    ("GET", "/v2/", 0),
    ("GET", "/api/v2.0/projects", 0),
    ("HEAD", "/v2/apps/my_cool_app/manifests/1.0", 0),
    ("GET", "/api/v2.0/labels", 0),
    ("POST", "/api/v2.0/labels", 0),
    ("POST", "/v2/apps/my_cool_app/blobs/uploads", 0),
    ("PUT", "/v2/apps/my_cool_app/blobs/uploads", 0),
    ("PUT", "/v2/apps/my_cool_app/manifests/sha256", 0),
    // The metadata.
    ("PUT", "/v2/apps/my_cool_app/manifests/sha256", 1),
    ("PUT", "/api/v2.0/projects/apps/repositories/my_cool_app", 0),
    ("POST", "/artifacts/sha256", 0),
    // The first was asked twice: as nobody, and with a token.
    ("HEAD", "/v2/apps/my_cool_app/manifests/1.0", 2),
    ("PUT", "/v2/apps/my_cool_app/manifests/1.0", 0),
    ("HEAD", "/v2/apps/my_cool_app/manifests/1.0", 3),
];

/// Publishes with one step broken, looks that nothing half done is shown, and publishes
/// again.
fn broken_and_mended(home: &Home, (method, fragment, pass): (&str, &str, u32), failure: &Failure) {
    let place = format!("{method} {fragment} after {pass}: {failure:?}");
    let harbor = harbor();
    let catalog = tempfile::tempdir().expect("a folder");
    let catalog = catalog.path().join("catalog.db").display().to_string();
    // It has the records of the store, in which the source is.
    std::fs::copy(home.catalog(), &catalog).expect("copied");
    let run = || {
        // A label that was asked for must be there.
        let call = publish(home, &harbor, &["--label", "app"]);
        call.env("IMGDEX_CATALOG", &catalog).run()
    };
    let listed = || {
        let call = home
            .call("images list -o name")
            .env("IMGDEX_CATALOG", &catalog);
        call.run().ok().stdout
    };
    harbor.fail_always(method, fragment, pass, failure.clone());
    let ran = run();
    assert!(ran.code != 0, "{place}: {ran:#?}");
    assert!(
        ran.stderr.starts_with("error: ") || ran.stderr.contains("\nerror: "),
        "{place}: {ran:#?}"
    );
    assert!(!ran.stderr.contains(DEV.1), "{place}");
    assert_eq!(listed(), "", "{place}");
    let is_read_back = (method, pass) == ("HEAD", 3);
    assert_eq!(artifact(&harbor, "1.0").is_some(), is_read_back, "{place}");
    harbor.mend();
    let ran = run();
    assert_eq!(ran.code, 0, "{place}: {ran:#?}");
    assert_eq!(listed(), "my-cool-app-1.0\n", "{place}");
    let there = artifact(&harbor, "1.0").expect("it is tagged");
    assert_eq!(there["labels"].as_array().map(Vec::len), Some(1), "{place}");
}

fn break_each(failure: &Failure) {
    let home = home();
    std::thread::scope(|scope| {
        // What ends without an answer to HEAD still had a status, as the fake does it.
        let is_reset = *failure == Failure::Reset;
        for step in STEPS
            .into_iter()
            .filter(|step| !is_reset || step.0 != "HEAD")
        {
            let home = &home;
            scope.spawn(move || broken_and_mended(home, step, failure));
        }
    });
}

#[test]
fn whatever_is_refused_the_same_command_finishes_it() {
    break_each(&Failure::status(403));
}

#[test]
fn whatever_is_out_of_order_the_same_command_finishes_it() {
    break_each(&Failure::status(500));
}

#[test]
fn whatever_is_not_taken_the_same_command_finishes_it() {
    break_each(&Failure::status(422));
}

#[test]
fn wherever_the_connection_ends_the_same_command_finishes_it() {
    break_each(&Failure::Reset);
}

#[test]
fn wherever_it_is_killed_the_same_command_finishes_it() {
    let home = home();
    std::thread::scope(|scope| {
        for (method, fragment, pass) in STEPS {
            let home = &home;
            scope.spawn(move || killed_and_finished(home, (method, fragment, pass)));
        }
    });
}

fn killed_and_finished(home: &Home, (method, fragment, pass): (&str, &str, u32)) {
    let place = format!("{method} {fragment} after {pass}");
    let harbor = harbor();
    let catalog = tempfile::tempdir().expect("a folder");
    let catalog = catalog.path().join("catalog.db").display().to_string();
    std::fs::copy(home.catalog(), &catalog).expect("copied");
    let call = || publish(home, &harbor, &[]).env("IMGDEX_CATALOG", &catalog);
    harbor.fail_always(method, fragment, pass, Failure::Silence);
    let is_there = || {
        let seen = harbor.seen();
        let met = seen
            .iter()
            .filter(|seen| seen.method == method && seen.target.contains(fragment));
        met.count() > usize::try_from(pass).unwrap_or(usize::MAX)
    };
    assert!(call().killed_when(is_there), "{place}: it came that far");
    let listed = home
        .call("images list -o name")
        .env("IMGDEX_CATALOG", &catalog);
    assert_eq!(listed.run().ok().stdout, "", "{place}");
    harbor.mend();
    call().run().ok();
    let there = artifact(&harbor, "1.0").expect("it is tagged");
    assert_eq!(there["labels"].as_array().map(Vec::len), Some(1), "{place}");
}

#[test]
fn an_answer_that_is_lost_was_given_all_the_same() {
    let home = home();
    for (method, fragment, survives) in [
        (
            "PUT",
            "/api/v2.0/projects/apps/repositories/my_cool_app",
            true,
        ),
        ("PUT", "/v2/apps/my_cool_app/manifests/1.0", true),
        // What must not be done twice is not asked for again.
        ("POST", "/artifacts/sha256", false),
    ] {
        let harbor = harbor();
        harbor.lose_answer(method, fragment, 1);
        let ran = publish(&home, &harbor, &[]).run();
        if survives {
            ran.ok();
        } else {
            let ran = ran.fails(6);
            assert!(ran.stderr.contains("is not known"), "{}", ran.stderr);
            publish(&home, &harbor, &[]).run().ok();
        }
        home.run("images delete my-cool-app-1.0").ok();
    }
}

/// Returns the fields of the published image in the catalog.
fn image(home: &Home) -> Value {
    json(home.run("images get my-cool-app-1.0 -o json"))
}

#[test]
fn what_was_chosen_once_stays_when_the_same_is_published_again() {
    let (harbor, home) = (harbor(), home());
    publish(&home, &harbor, &["--cmd", "serve --port 80"])
        .run()
        .ok();
    home.run("images archive my-cool-app-1.0").ok();
    publish(&home, &harbor, &[]).run().ok();
    assert_eq!(
        (&image(&home)["command"], &image(&home)["archived"]),
        (&json!("serve --port 80"), &json!(true))
    );
    home.run("images restore my-cool-app-1.0").ok();
    home.run("images pin my-cool-app-1.0").ok();
    let pinned = image(&home);
    publish(&home, &harbor, &[]).run().ok();
    assert_eq!(
        (&image(&home)["url"], &image(&home)["pinnedTag"]),
        (&pinned["url"], &json!("1.0"))
    );
    // The tag goes away, and something else is to have its metadata.
    let tag = "/projects/apps/repositories/my_cool_app/artifacts/1.0/tags/1.0";
    assert_eq!(harbor.api("DELETE", tag, None).status, 200);
    harbor.image("apps/other", "2");
    let mut other = PUBLISH.to_vec();
    (other[3], other[5], other[7]) = ("registry", "apps/other", "2");
    let ran = as_dev(&home, &harbor, &other).run().fails(12);
    assert!(
        ran.stderr.contains("which is pinned to sha256:"),
        "{}",
        ran.stderr
    );
    assert_eq!(artifact(&harbor, "1.0"), None);
    other.push("--overwrite");
    as_dev(&home, &harbor, &other).run().ok();
    let url = format!("{}/apps/my_cool_app:1.0", harbor.host());
    assert_eq!(
        (&image(&home)["url"], &image(&home)["pinnedTag"]),
        (&json!(url), &Value::Null)
    );
}

#[test]
fn the_variant_of_another_image_is_not_taken() {
    let (harbor, home) = (harbor(), home());
    let url = format!("{}/apps/my_cool_app:1.0", harbor.host());
    home.pipe(
        json!({"name": "cool", "urlForGpu": url}).to_string(),
        "images create",
    )
    .ok();
    let ran = publish(&home, &harbor, &[]).run().fails(12);
    assert!(
        ran.stderr.contains("it is `urlForGpu` of the image `cool`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_refused_publication_makes_no_catalog() {
    let (harbor, home) = (harbor(), Home::new());
    publish(&home, &harbor, &[]).run().fails(4);
    assert!(!home.catalog().exists());
}

#[test]
fn robots_and_developers_publish_what_they_may() {
    let home = home();
    let harbor = harbor();
    harbor
        .user("di", "Secret2x")
        .role("di", "apps", Role::Developer);
    let (robot, secret) = harbor.robot("apps", "ci", &["pull", "push"]);
    let (reader, other) = harbor.robot("apps", "reader", &["pull"]);
    let run = |(name, password): (&str, &str), more: &[&str]| {
        let call = publish(&home, &harbor, more);
        call.env("IMGDEX_REGISTRY_USERNAME", name)
            .env("IMGDEX_REGISTRY_PASSWORD", password)
            .run()
    };
    // Labels are for others to make.
    let ran = run(("di", "Secret2x"), &[]).ok();
    assert!(
        ran.stderr
            .contains("the label `app` of its type is left out"),
        "{}",
        ran.stderr
    );
    let ran = run(("di", "Secret2x"), &["--label", "new"]).fails(5);
    assert!(
        ran.stderr
            .contains("there is no label `new` in the project `apps`"),
        "{}",
        ran.stderr
    );
    home.run("images delete my-cool-app-1.0").ok();
    let ran = run((&robot, &secret), &[]).fails(5);
    assert!(
        ran.stderr.contains("`--keep-description`"),
        "{}",
        ran.stderr
    );
    assert_eq!(names(&home), Vec::<String>::new());
    let ran = run((&robot, &secret), &["--keep-description"]).ok();
    assert!(ran.stderr.contains("is left out"), "{}", ran.stderr);
    assert_eq!(names(&home), ["my-cool-app-1.0"]);
    let ran = run((&reader, &other), &["--overwrite"]).fails(5);
    assert!(
        ran.stderr.contains("its permissions do not have it"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_secret_for_the_command_line_is_told_what_it_cannot_do() {
    let (harbor, home) = (harbor(), home());
    harbor.oidc_user("mail@example.com", "Cli1Secret").role(
        "mail@example.com",
        "apps",
        Role::Developer,
    );
    let run = |more: &[&str]| {
        let call =
            publish(&home, &harbor, more).env("IMGDEX_REGISTRY_USERNAME", "mail@example.com");
        call.env("IMGDEX_REGISTRY_PASSWORD", "Cli1Secret").run()
    };
    harbor.forget_seen();
    for more in [
        &[][..],
        &["--keep-description", "--wait-scan"],
        &["--keep-description", "--label", "a"],
    ] {
        let ran = run(more).fails(5);
        assert!(
            ran.stderr.contains("with the CLI secret of an OIDC user"),
            "{}",
            ran.stderr
        );
    }
    assert!(
        harbor
            .seen()
            .iter()
            .all(|seen| seen.method != "POST" && seen.method != "PUT")
    );
    run(&["--keep-description"]).ok();
    assert_eq!(names(&home), ["my-cool-app-1.0"]);
}

#[test]
fn a_tag_that_is_another_image_stays_unless_it_is_to_move() {
    let (harbor, home) = (harbor(), home());
    let other = harbor.image("apps/my_cool_app", "1.0");
    let ran = publish(&home, &harbor, &[]).run().fails(12);
    assert!(
        ran.stderr.contains("is another image already"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--overwrite"), "{}", ran.stderr);
    assert_eq!(names(&home), Vec::<String>::new());
    publish(&home, &harbor, &["--overwrite"]).run().ok();
    assert_ne!(
        artifact(&harbor, "1.0").expect("it is there")["digest"],
        other
    );
}

#[test]
fn metadata_that_is_there_is_replaced_only_where_that_is_wanted() {
    let (harbor, home) = (harbor(), home());
    publish(&home, &harbor, &[]).run().ok();
    let mut changed = PUBLISH.to_vec();
    changed[17] = "Cooler app";
    let ran = as_dev(&home, &harbor, &changed).run().fails(12);
    let line = ran.stderr.lines().find(|line| line.starts_with("error: "));
    assert_eq!(
        line,
        Some(
            "error: `apps/my_cool_app:1.0` has metadata already: the image `my-cool-app-1.0`, \
             which differs in displayName"
        )
    );
    changed.extend(["--overwrite", "-o", "json"]);
    let image = json(as_dev(&home, &harbor, &changed).run());
    assert_eq!(
        (&image["displayName"], &image["revision"]),
        (&json!("Cooler app"), &json!(2))
    );
    // Only the newest is found with the image.
    let url = format!("{}/apps/my_cool_app:1.0", harbor.host());
    let elsewhere = Home::new();
    let made = json(
        as_dev(
            &elsewhere,
            &harbor,
            &["images", "create", "--from", &url, "-o", "json"],
        )
        .run(),
    );
    let made = made.as_array().map_or(&made, |list| &list[0]);
    assert_eq!(made["displayName"], "Cooler app");
}

#[test]
fn who_may_not_push_is_told_before_anything_is_sent() {
    let home = home();
    let harbor = harbor();
    harbor.project("others").public_project("open");
    harbor.project("read").role(DEV.0, "read", Role::Guest);
    let to = |project: &'static str| {
        let mut arguments = PUBLISH.to_vec();
        arguments[9] = project;
        as_dev(&home, &harbor, &arguments).run()
    };
    let host = harbor.host();
    let says = |ran: &crate::support::Ran, what: &str| {
        assert!(ran.stderr.contains(what), "{what}\n{}", ran.stderr);
    };
    let ran = to("missing").fails(4);
    says(
        &ran,
        &format!("the project `missing` does not exist on `{host}`"),
    );
    says(&ran, "`imgdex harbor projects create missing`");
    for (project, why) in [
        ("others", "it is no member"),
        ("open", "it has no role there"),
        ("read", "it has the role Guest there"),
    ] {
        let ran = to(project).fails(5);
        says(
            &ran,
            &format!(
                "the project `{project}` exists on `{host}`, and `dev` may not push to it: {why}"
            ),
        );
        says(
            &ran,
            "pushing needs the role Developer, Maintainer or Project Admin",
        );
    }
    let posted = harbor
        .seen()
        .iter()
        .any(|seen| seen.method == "POST" || seen.method == "PUT");
    assert!(!posted, "nothing was sent");
    let ran = home
        .call_with(&PUBLISH)
        .env("IMGDEX_HARBOR_URL", harbor.url())
        .run()
        .fails(5);
    says(&ran, "nobody is logged in");
}

#[test]
fn a_scan_that_finds_too_much_holds_the_tag_back() {
    let (harbor, home) = (harbor(), home());
    let held = ["--wait-scan", "--fail-on", "high"];
    // The digest is what the scan will be of.
    let image = json(publish(&home, &harbor, &["-o", "json"]).run());
    let digest = image["digest"].as_str().expect("a digest").to_owned();
    home.run("images delete my-cool-app-1.0").ok();
    let path = "/projects/apps/repositories/my_cool_app/artifacts/1.0/tags/1.0";
    assert_eq!(harbor.api("DELETE", path, None).status, 200);
    harbor.scans_take(2);
    harbor.scan_of(
        &digest,
        Outcome::Found(vec![Vulnerability::new("CVE-1", "zlib", "Critical")]),
    );
    let ran = publish(&home, &harbor, &held).run().fails(13);
    assert!(
        ran.stderr
            .contains("is not published: its scan found 1 Critical"),
        "{}",
        ran.stderr
    );
    assert_eq!((artifact(&harbor, "1.0"), names(&home)), (None, Vec::new()));
    harbor.scan_of(
        &digest,
        Outcome::Found(vec![Vulnerability::new("CVE-2", "zlib", "Low")]),
    );
    publish(&home, &harbor, &held).run().ok();
    assert!(artifact(&harbor, "1.0").is_some());
    assert_eq!(names(&home), ["my-cool-app-1.0"]);
}

#[test]
fn a_tag_that_somebody_takes_meanwhile_is_not_moved() {
    let (harbor, home) = (harbor(), home());
    harbor.scans_take(6);
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| publish(&home, &harbor, &["--wait-scan"]).run());
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let is_scanned = || {
            harbor
                .seen()
                .iter()
                .any(|seen| seen.target.ends_with("/scan"))
        };
        while !is_scanned() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        harbor.image("apps/my_cool_app", "1.0");
        run.join().expect("it ends")
    });
    let ran = ran.fails(12);
    assert!(
        ran.stderr.contains("is another image already"),
        "{}",
        ran.stderr
    );
    assert_eq!(names(&home), Vec::<String>::new());
    // What refused the tag changed nothing that others see.
    let repository = harbor.get("/projects/apps/repositories/my_cool_app").json;
    assert_ne!(repository["description"], "An amazing app.");
}

#[test]
fn a_signal_ends_the_wait_for_a_scan() {
    let (harbor, home) = (harbor(), home());
    home.run("copy store:my_app_image:4.2 oci-archive:image.tar:4.2")
        .ok();
    harbor.scans_take(1000);
    let mut arguments = PUBLISH.to_vec();
    arguments[5] = "oci-archive:image.tar";
    arguments.push("--wait-scan");
    let call = as_dev(&home, &harbor, &arguments);
    let is_scanned = || {
        harbor
            .seen()
            .iter()
            .any(|seen| seen.target.ends_with("/scan"))
    };
    call.signalled_when(rustix::process::Signal::INT, is_scanned)
        .fails(130);
    assert_eq!((artifact(&harbor, "1.0"), names(&home)), (None, Vec::new()));
    // No scratch folder is left.
    let left = std::fs::read_dir(home.path()).expect("a folder").flatten();
    let left: Vec<_> = left
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().contains("imgdex-copy"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_published_is_told_with_the_option() {
    let (harbor, home) = (harbor(), home());
    let with = |at: usize, value: &'static str| {
        let mut arguments = PUBLISH.to_vec();
        arguments[at] = value;
        as_dev(&home, &harbor, &arguments).run()
    };
    for (at, value, code, says) in [
        (
            5,
            "no_such_image",
            4,
            "there is no image `no_such_image:4.2` on this machine",
        ),
        (9, "Apps", 2, "--project: `Apps`: a project's name"),
        (11, "My App", 2, "--repository: "),
        (13, "a b", 2, "--tag: "),
        (15, "apps", 2, "--type: `apps` is none of app, base"),
        (17, "", 2, "--name: it should not be empty"),
    ] {
        let ran = with(at, value).fails(code);
        assert!(ran.stderr.contains(says), "{says}\n{}", ran.stderr);
    }
    harbor.forget_seen();
    let ran = publish(&home, &harbor, &["--group", "nobody"])
        .run()
        .fails(2);
    assert!(ran.stderr.contains("nobody"), "{}", ran.stderr);
    let ran = publish(&home, &harbor, &["--picture", "./no.png"])
        .run()
        .fails(2);
    assert!(ran.stderr.contains("--picture: "), "{}", ran.stderr);
    assert_eq!(harbor.seen().len(), 0, "nobody was asked");
    assert_eq!(names(&home), Vec::<String>::new());
}
