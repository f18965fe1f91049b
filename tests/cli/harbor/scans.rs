//! Scans: asked for, waited for, kept, and what they find.

use serde_json::json;

use crate::fake_harbor::{ADMIN, Failure, FakeHarbor, Outcome, REPORT, Role, Vulnerability};
use crate::support::{Home, Ran};
use crate::{field, json};

const CANARY: &str = "Canary-Secret1x";

/// Runs a command against the fake, as an account.
fn run_as(home: &Home, harbor: &FakeHarbor, account: (&str, &str), arguments: &str) -> Ran {
    let ran = home
        .call(arguments)
        .env("IMGDEX_HARBOR_URL", harbor.url())
        .env("IMGDEX_REGISTRY_HOST", harbor.host())
        .env("IMGDEX_REGISTRY_USERNAME", account.0)
        .env("IMGDEX_REGISTRY_PASSWORD", account.1)
        .run();
    assert!(!ran.stdout.contains(account.1), "{ran:?}");
    assert!(!ran.stderr.contains(account.1), "{ran:?}");
    ran
}

fn run(home: &Home, harbor: &FakeHarbor, arguments: &str) -> Ran {
    run_as(home, harbor, ADMIN, arguments)
}

fn two() -> Outcome {
    let mut unfixed = Vulnerability::new("CVE-2", "zlib", "Critical");
    unfixed.fix_version = String::new();
    Outcome::Found(vec![
        Vulnerability::new("CVE-9", "curl", "Low"),
        Vulnerability::new("CVE-1", "openssl", "High"),
        unfixed,
    ])
}

/// A project with an image in a nested repository, and its digest.
fn with_web() -> (Home, FakeHarbor, String) {
    let (home, harbor) = (Home::new(), FakeHarbor::start());
    harbor.project("apps");
    let digest = harbor.listed("apps/team/web", "1.0");
    (home, harbor, digest)
}

#[test]
fn a_scan_is_asked_for_and_waited_for() {
    let (home, harbor, digest) = with_web();
    harbor.scan_of(&digest, two()).scans_take(2);
    let asked = run(&home, &harbor, "harbor scan apps/team/web:1.0").ok();
    assert!(asked.stdout.contains("requested"), "{asked:?}");
    // It runs: nobody asks for another.
    let waited = run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --wait -o json",
    );
    let told = &json(waited)[0];
    assert_eq!(told["status"], "Success");
    assert_eq!(told["digest"], digest);
    assert_eq!(told["counts"], json!({"Critical": 1, "High": 1, "Low": 1}));
    assert_eq!((&told["total"], &told["fixable"]), (&json!(3), &json!(2)));
    let posts = harbor.seen().into_iter().filter(|one| one.method == "POST");
    assert_eq!(posts.count(), 1);
}

#[test]
fn a_scan_fails_on_what_is_too_grave() {
    let (home, harbor, digest) = with_web();
    harbor.scan_of(&digest, two());
    let failed = run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --fail-on high",
    )
    .fails(13);
    assert!(
        failed.stdout.contains("1 Critical, 1 High, 1 Low"),
        "{failed:?}"
    );
    assert!(
        failed
            .stderr
            .contains("imgdex harbor vulnerabilities 127.0.0.1"),
        "{failed:?}"
    );
    harbor.scan_of(
        &digest,
        Outcome::Found(vec![Vulnerability::new("CVE-9", "curl", "Low")]),
    );
    // What the first one found is not what the second one finds.
    run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --fail-on medium",
    )
    .ok();
    run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --fail-on none",
    )
    .fails(2);
}

#[test]
fn a_report_of_before_is_not_taken_for_the_new_one() {
    let (home, harbor, digest) = with_web();
    harbor.scan_of(&digest, two());
    run(&home, &harbor, "harbor scan apps/team/web:1.0 --wait").ok();
    let path = "/projects/apps/repositories/team%252Fweb/artifacts/1.0?with_scan_overview=true";
    let before = harbor.get(path).json;
    assert_eq!(before["scan_overview"][REPORT]["scan_status"], "Success");
    harbor.scan_of(&digest, Outcome::Clean);
    // Both the first question and the first after the new scan are answered with it.
    for _ in 0..2 {
        let answer = Failure::Answer(200, Vec::new(), before.to_string());
        harbor.fail_with("GET", "/artifacts/", 1, answer);
    }
    let told = run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --wait -o json",
    );
    assert_eq!(json(told)[0]["total"], 0);
}

#[test]
fn what_cannot_be_scanned_says_why() {
    let (home, harbor, digest) = with_web();
    let scan = "harbor scan apps/team/web:1.0 --wait";
    harbor.scan_of(&digest, Outcome::Unscannable(422));
    let refused = run(&home, &harbor, scan).fails(2);
    assert!(
        refused.stderr.contains("does not support scanning"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("%252F"), "{refused:?}");
    harbor.scan_of(&digest, Outcome::Error);
    let failed = run(&home, &harbor, scan).fails(1);
    assert!(
        failed.stderr.contains("Trivy ended with an error"),
        "{failed:?}"
    );
    harbor
        .user("guest", CANARY)
        .role("guest", "apps", Role::Guest);
    let denied = run_as(&home, &harbor, ("guest", CANARY), scan).fails(5);
    assert!(denied.stderr.contains("the role Maintainer"), "{denied:?}");
    run_as(&home, &harbor, ("guest", "Wrong-Canary1"), scan).fails(5);
    run(&home, &harbor, "harbor scan apps/team/none:1.0").fails(4);
    run(
        &home,
        &harbor,
        "harbor scan https://other.example/a/b:1 apps/team/web:1",
    )
    .fails(2);
    harbor.scan_of(&digest, Outcome::Clean).without_scanner();
    let missing = run(&home, &harbor, scan).fails(1);
    assert!(missing.stderr.contains("no scanner"), "{missing:?}");
}

#[test]
fn a_scan_that_takes_too_long_goes_on_by_itself() {
    let (home, harbor, _) = with_web();
    harbor.scans_take(1000);
    let late = run(
        &home,
        &harbor,
        "harbor scan apps/team/web:1.0 --wait --timeout 1s",
    )
    .fails(6);
    assert!(
        late.stderr
            .contains("did not end within 1 s: it is `Running`"),
        "{late:?}"
    );
    assert!(late.stderr.contains("it goes on"), "{late:?}");
}

#[test]
fn vulnerabilities_are_listed_the_gravest_first() {
    let (home, harbor, digest) = with_web();
    let list = |arguments: &str| {
        run(
            &home,
            &harbor,
            &format!("harbor vulnerabilities apps/team/web:1.0 {arguments}"),
        )
    };
    let never = list("").fails(4);
    assert!(never.stderr.contains("was never scanned"), "{never:?}");
    assert!(
        never.stderr.contains("imgdex harbor scan 127.0.0.1"),
        "{never:?}"
    );
    harbor.scan_of(&digest, two());
    run(&home, &harbor, "harbor scan apps/team/web:1.0 --wait").ok();
    let names = |arguments: &str| list(&format!("{arguments} -o name")).ok().stdout;
    assert_eq!(names(""), "CVE-2\nCVE-1\nCVE-9\n");
    assert_eq!(names("--severity high"), "CVE-2\nCVE-1\n");
    assert_eq!(names("--severity high --fixable"), "CVE-1\n");
    assert_eq!(
        list("-o csv").ok().stdout.lines().nth(1),
        Some("CVE-2,Critical,zlib,1.0,")
    );
    let told = &json(list("-o json"))[1];
    assert_eq!(told["fixVersion"], "1.1");
    assert_eq!(told["description"], "CVE-1 in openssl");
    assert_eq!(told["links"], json!(["https://avd.aquasec.com/nvd/cve-1"]));
    let table = list("").ok();
    assert!(table.stdout.starts_with("id     severity"), "{table:?}");
    assert!(
        table
            .stderr
            .contains("1 Critical, 1 High, 1 Low, 2 fixable"),
        "{table:?}"
    );
    assert!(list("-o yaml").ok().stdout.contains("severity: Critical"));
    harbor.scan_of(&digest, Outcome::Error);
    run(&home, &harbor, "harbor scan apps/team/web:1.0 --wait").fails(1);
    let failed = list("").fails(4);
    assert!(
        failed.stderr.contains("failed, so nothing is known"),
        "{failed:?}"
    );
}

#[test]
fn what_is_found_is_kept_with_the_images_of_the_catalog() {
    let (home, harbor, digest) = with_web();
    let host = harbor.host();
    let bad = harbor.listed("apps/bad", "1");
    harbor
        .scan_of(&digest, two())
        .scan_of(&bad, Outcome::Unscannable(422));
    // A second tag of the same digest.
    harbor.listed("apps/team/web", "1.0");
    let images = json!([
        {"name": "web", "url": format!("{host}/apps/team/web:1.0"),
         "urlForGpu": format!("{host}/apps/team/web@{digest}")},
        {"name": "gone", "url": format!("{host}/apps/gone:1")},
        {"name": "bad", "url": format!("{host}/apps/bad:1")},
        {"name": "old", "url": format!("{host}/apps/old:1"), "archived": true},
        {"name": "far", "url": "quay.io/apps/far:1"},
    ]);
    home.pipe(images.to_string(), "images create").ok();
    let all = run(&home, &harbor, "harbor scan --all-catalog --wait -o json").fails(3);
    let told: serde_json::Value = serde_json::from_str(&all.stdout).expect("JSON");
    let status = |name: &str| {
        let rows = told.as_array().into_iter().flatten();
        let own = rows.filter(|row| row["metadata"] == json!([name]));
        own.map(|row| row["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(status("web"), ["Success", "Success"]);
    assert_eq!(
        (status("gone"), status("bad")),
        (vec![json!("failed")], vec![json!("failed")])
    );
    assert_eq!(told.as_array().map(Vec::len), Some(4));
    assert!(
        all.stderr.contains("2 of 4 could not be scanned"),
        "{all:?}"
    );
    let posts = harbor.seen().into_iter();
    let posts = posts.filter(|one| one.method == "POST" && one.target.contains("web"));
    assert_eq!(posts.count(), 1, "each digest once");
    run(
        &home,
        &harbor,
        "harbor scan --all-catalog --fail-on critical",
    )
    .fails(13);

    let kept = field(&home, "web", "vulnerabilities");
    assert_eq!(kept["counts"], json!({"Critical": 1, "High": 1, "Low": 1}));
    assert_eq!(
        (&kept["digest"], &kept["scanner"]),
        (&json!(digest), &json!("Trivy v0.65.0"))
    );
    assert_eq!(
        field(&home, "web", "vulnerabilitiesForGpu")["digest"],
        digest
    );
    assert_eq!(field(&home, "web", "revision"), 1);
    assert_eq!(
        json(home.run("images history web -o json"))
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let wide = home.run("images list -o wide").ok();
    assert!(
        wide.stdout.contains("1 Critical, 1 High, 1 Low"),
        "{wide:?}"
    );
    let shown = home.run("images get web").ok();
    assert!(
        shown.stdout.contains("1 Critical, 1 High, 1 Low"),
        "{shown:?}"
    );

    // It goes to another catalog and comes back, and no file decides it.
    let listed = home.run("images list -o json").ok().stdout;
    home.pipe(&listed, "--catalog new.db images create").ok();
    let again = json(home.run("--catalog new.db images get web -o json"));
    assert_eq!(again["vulnerabilities"], kept);
    home.write("all.json", home.run("images get web -o json").ok().stdout);
    run(&home, &harbor, "diff -f all.json").ok();
    home.pipe(r#"{"description":"new"}"#, "images update web")
        .ok();
    assert_eq!(field(&home, "web", "vulnerabilities"), kept);
    home.pipe(r#"{"url":"quay.io/a/b:1"}"#, "images update web")
        .ok();
    assert_eq!(field(&home, "web", "vulnerabilities"), json!(null));
}

#[test]
fn an_empty_catalog_has_nothing_to_scan() {
    let (home, harbor, _) = with_web();
    let none = run(&home, &harbor, "harbor scan --all-catalog -o json").ok();
    assert_eq!(none.stdout, "[]\n");
    assert!(!home.catalog().exists());
    run(&home, &harbor, "harbor scan").fails(2);
    run(&home, &harbor, "harbor scan apps/team/web --all-catalog").fails(2);
    let late = run(&home, &harbor, "harbor scan apps/team/web --timeout 0s").fails(2);
    assert!(late.stderr.contains("write a duration"), "{late:?}");
}

/// A project with an index, and the digests of the index and of its two images.
fn with_index() -> (Home, FakeHarbor, String, Vec<String>) {
    let (home, harbor) = (Home::new(), FakeHarbor::start());
    harbor.project("apps");
    let index = harbor.index("apps/team/web", "1.0", &["amd64", "arm64"]);
    let parts = harbor.parts("apps/team/web", &index);
    (home, harbor, index, parts)
}

#[test]
fn an_index_is_scanned_where_each_of_its_images_is() {
    for tells_no_percent in [false, true] {
        let (home, harbor, index, parts) = with_index();
        harbor.state().tells_no_percent = tells_no_percent;
        // The first is clean at once: Harbor says `Success` before the other has begun.
        harbor.scan_of(&parts[1], two()).scan_of_takes(&parts[1], 6);
        let failed = run(
            &home,
            &harbor,
            "harbor scan apps/team/web:1.0 --fail-on high -o json",
        )
        .fails(13);
        let told: serde_json::Value = serde_json::from_str(&failed.stdout).expect("JSON");
        assert_eq!(told[0]["digest"], index);
        assert_eq!(
            (&told[0]["total"], &told[0]["severity"]),
            (&json!(3), &json!("Critical"))
        );
    }
}

#[test]
fn an_index_fails_with_one_of_its_images() {
    let scan = "harbor scan apps/team/web:1.0 --fail-on high --timeout 5s";
    for tells_no_percent in [false, true] {
        let (home, harbor, index, parts) = with_index();
        harbor.state().tells_no_percent = tells_no_percent;
        harbor.scan_of(&parts[1], Outcome::Error);
        let failed = run(&home, &harbor, scan).fails(1);
        let words = format!("@{index}` for linux/arm64 (`{}`) failed", parts[1]);
        assert!(failed.stderr.contains(&words), "{failed:?}");
        // Nothing runs: it is asked for again.
        let posts = || harbor.seen().into_iter().filter(|one| one.method == "POST");
        assert_eq!(posts().count(), 1);
        harbor.scan_of(&parts[1], Outcome::Stopped);
        let stopped = run(&home, &harbor, scan).fails(6);
        assert!(stopped.stderr.contains("linux/arm64"), "{stopped:?}");
        assert!(stopped.stderr.contains("was stopped"), "{stopped:?}");
        assert_eq!(posts().count(), 2);
        harbor
            .scan_of(&parts[1], Outcome::Clean)
            .scan_of_takes(&parts[1], 1000);
        let late = run(&home, &harbor, &scan.replace("5s", "1s")).fails(6);
        assert!(late.stderr.contains("did not end within 1 s"), "{late:?}");
    }
}

#[test]
fn an_image_without_a_platform_keeps_nobody_waiting() {
    let (home, harbor, _, _) = with_index();
    let index = harbor.index("apps/web", "1", &["amd64", "unknown"]);
    let parts = harbor.parts("apps/web", &index);
    harbor.scan_of(&parts[1], Outcome::Error);
    let found = run(
        &home,
        &harbor,
        "harbor scan apps/web:1 --wait --timeout 10s -o json",
    );
    assert_eq!(json(found)[0]["status"], "Success");
}

#[test]
fn the_report_of_an_index_is_of_all_its_images_or_says_that_it_is_not() {
    let (home, harbor, index, parts) = with_index();
    let list = "harbor vulnerabilities apps/team/web:1.0";
    let never = run(&home, &harbor, list).fails(4);
    assert!(never.stderr.contains("was never scanned"), "{never:?}");
    harbor.scan_of(&parts[0], two());
    let one = format!("harbor scan apps/team/web@{} --wait", parts[0]);
    run(&home, &harbor, &one).ok();
    let some = run(&home, &harbor, list).fails(4);
    let words = format!(
        "imgdex harbor vulnerabilities {}/apps/team/web@{}",
        harbor.host(),
        parts[0]
    );
    assert!(some.stderr.contains(&words), "{some:?}");
    assert!(some.stderr.contains("for linux/amd64"), "{some:?}");
    assert!(!some.stderr.contains(&parts[1]), "{some:?}");
    harbor.scan_of(&parts[1], Outcome::Error);
    run(&home, &harbor, "harbor scan apps/team/web:1.0 --wait").fails(1);
    let partial = run(&home, &harbor, list).ok();
    assert!(
        partial.stderr.contains("only 50 % of its images"),
        "{partial:?}"
    );
    let told = json(run(
        &home,
        &harbor,
        "harbor artifacts apps/team/web -o json",
    ));
    assert_eq!(told[0]["digest"], index);
    harbor.scan_of(&parts[1], Outcome::Clean);
    run(&home, &harbor, "harbor scan apps/team/web:1.0 --wait").ok();
    let whole = run(&home, &harbor, list).ok();
    assert!(!whole.stderr.contains("warning"), "{whole:?}");
}

#[test]
fn what_was_found_is_told_where_it_cannot_be_kept() {
    let (home, harbor, digest) = with_web();
    let host = harbor.host();
    let image = json!({"name": "web", "url": format!("{host}/apps/team/web:1.0")});
    home.pipe(image.to_string(), "images create").ok();
    harbor.scan_of(&digest, two());
    let connection = rusqlite::Connection::open(home.catalog()).expect("a database");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let scan = "--lock-timeout 0 harbor scan apps/team/web:1.0 -o json";
    let kept = run(&home, &harbor, &format!("{scan} --wait")).fails(9);
    let told: serde_json::Value = serde_json::from_str(&kept.stdout).expect("JSON");
    assert_eq!(told[0]["total"], 3);
    assert!(kept.stderr.contains("not kept with the images"), "{kept:?}");
    // What is too grave decides.
    let bad = run(&home, &harbor, &format!("{scan} --fail-on high")).fails(13);
    let told: serde_json::Value = serde_json::from_str(&bad.stdout).expect("JSON");
    assert_eq!(told[0]["total"], 3);
    assert!(
        bad.stderr.contains("warning: what was found is not kept"),
        "{bad:?}"
    );
    assert!(
        bad.stderr.contains("high or graver") || bad.stderr.contains("High or graver"),
        "{bad:?}"
    );
    drop(connection);
    assert_eq!(field(&home, "web", "vulnerabilities"), json!(null));
    run(&home, &harbor, &scan.replace("-o json", "--wait")).ok();
    assert_eq!(field(&home, "web", "vulnerabilities")["total"], 3);
}

#[test]
fn an_oidc_users_secret_looks_up_one_artifact() {
    let (home, harbor, _) = with_web();
    harbor
        .oidc_user("olga", CANARY)
        .role("olga", "apps", Role::Maintainer);
    let denied = run_as(
        &home,
        &harbor,
        ("olga", CANARY),
        "harbor scan apps/team/web:1.0",
    )
    .fails(5);
    // It is the scan that is denied, no longer the look before it.
    assert!(denied.stderr.contains("cannot scan"), "{denied:?}");
    run_as(
        &home,
        &harbor,
        ("olga", CANARY),
        "harbor scan apps/team/web:2",
    )
    .fails(5);
    run_as(
        &home,
        &harbor,
        ("olga", CANARY),
        "harbor untag apps/team/web:1.0",
    )
    .ok();
}
