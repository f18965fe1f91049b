//! Tags and artifacts, in every form and with all that their names can be.

use super::{DEV, call, names, run, shown, with_apps};
use crate::fake_harbor::{FakeHarbor, Outcome, Vulnerability};
use crate::json;
use crate::support::{Home, Ran};

/// Returns how a run ended, with digests as `DIGEST` and times as `<time>`.
fn plain(ran: &Ran, home: &Home, harbor: &FakeHarbor) -> String {
    let text = shown(ran, home, harbor);
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("sha256:") {
        plain.push_str(&rest[..at]);
        plain.push_str("DIGEST");
        rest = &rest[at + "sha256:".len() + 64..];
    }
    plain.push_str(rest);
    let columns = plain.replace("-".repeat(71).as_str(), "------");
    columns.replace(&" ".repeat(71 - "digest".len()), "")
}

#[test]
fn tags_are_listed_with_what_the_catalog_has_of_them() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    let one = harbor.image("apps/a/b.c", "1.0");
    harbor.image_with("apps/a/b.c", "latest", "apps/a/b.c:1.0");
    harbor.image("apps/a/b.c", "2.0");
    harbor.immutable("apps", "1.*");
    home.pipe(
        format!(r#"{{"name":"by-tag","url":"{host}/apps/a/b.c"}}"#),
        "images create",
    )
    .ok();
    home.pipe(
        format!(r#"{{"name":"by-digest","url":"{host}/apps/a/b.c@{one}"}}"#),
        "images create",
    )
    .ok();
    let show = |more: &str| {
        let ran = run(&home, &harbor, &format!("tags apps/a/b.c {more}"));
        plain(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show(""), @r"
    exit code: 0
    ----- stdout -----
    name    digest  size  pushed                    pulled  metadata
    ------  ------  ----  ------------------------  ------  -----------------
    1.0     DIGEST  633   2024-01-01T00:00:05.000Z          by-digest
    2.0     DIGEST  633   2024-01-01T00:00:08.000Z
    latest  DIGEST  633   2024-01-01T00:00:06.000Z          by-digest, by-tag
    ");
    insta::assert_snapshot!(show("--search 1.0 -o json"), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"1.0","digest":"DIGEST","size":633,"pushedAt":"2024-01-01T00:00:05.000Z","pulledAt":null,"immutable":true,"metadata":["by-digest"],"reference":"HOST/apps/a/b.c:1.0"}
    ]
    "#);
    insta::assert_snapshot!(show("--newest 1 -o yaml"), @r#"
    exit code: 0
    ----- stdout -----
    - name: "2.0"
      digest: DIGEST
      size: 633
      pushedAt: "2024-01-01T00:00:08.000Z"
      pulledAt: null
      immutable: false
      metadata: []
      reference: "HOST/apps/a/b.c:2.0"
    "#);
    let order = |more: &str| {
        names(run(
            &home,
            &harbor,
            &format!("tags apps/a/b.c -o name {more}"),
        ))
    };
    assert_eq!(order(""), "1.0 2.0 latest");
    assert_eq!(order("--sort pushed"), "2.0 latest 1.0");
    assert_eq!(order("--newest 2"), "2.0 latest");
    assert_eq!(order("--search x"), "");
    assert!(!order("--sort size").is_empty() && !order("--sort pulled").is_empty());
    insta::assert_snapshot!(show("--search 2 -o csv"), @r"
    exit code: 0
    ----- stdout -----
    name,digest,size,pushed,pulled,metadata
    2.0,DIGEST,633,2024-01-01T00:00:08.000Z,,
    ");
}

#[test]
fn a_pinned_image_shows_under_its_digest_and_its_tag() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    let login = |arguments: &str| {
        home.call(arguments)
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", DEV.0)
            .env("IMGDEX_REGISTRY_PASSWORD", DEV.1)
            .run()
            .ok()
    };
    harbor.image("apps/web", "1");
    harbor.image_with("apps/web", "same", "apps/web:1");
    home.pipe(
        format!(r#"{{"name":"web","url":"{host}/apps/web:1","urlForGpu":"{host}/apps/web:1"}}"#),
        "images create",
    )
    .ok();
    login("images verify web");
    login("images pin web");
    let metadata = || {
        let tags = json(run(&home, &harbor, "tags apps/web -o json"));
        let tags = tags.as_array().cloned().unwrap_or_default();
        let each = tags.iter().map(|tag| {
            let names = tag["metadata"].as_array().map_or(0, Vec::len);
            format!("{}:{names}", tag["name"].as_str().unwrap_or_default())
        });
        each.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(metadata(), "1:1 same:1");
    // The tag goes elsewhere, and the pin with it and with what it was.
    harbor.image_with("apps/web", "1", "something else");
    assert_eq!(metadata(), "1:1 same:1");
    let found = json(run(&home, &harbor, "repositories apps -o json"));
    assert_eq!(found[0]["metadata"], serde_json::json!(["web"]));
    let found = json(run(&home, &harbor, "artifacts apps/web -o json"));
    assert_eq!(found[1]["metadata"], serde_json::json!(["web"]));
}

#[test]
fn artifacts_are_listed_with_all_tags_platforms_and_scans() {
    let (home, harbor) = (Home::new(), with_apps());
    let bad = harbor.image("apps/a/b", "1.0");
    harbor.image_with("apps/a/b", "latest", "apps/a/b:1.0");
    harbor.index("apps/a/b", "multi", &["amd64", "arm64"]);
    let bare = harbor.listed("apps/a/b", "gone");
    harbor.state().remove_tag("apps/a/b", "gone");
    let found = vec![
        Vulnerability::new("CVE-2024-1", "openssl", "Critical"),
        Vulnerability::new("CVE-2024-2", "zlib", "Low"),
    ];
    harbor.scan_of(&bad, Outcome::Found(found));
    let scan = "/projects/apps/repositories/a%252Fb/artifacts/1.0/scan";
    let kind = serde_json::json!({"scan_type": "vulnerability"});
    assert_eq!(harbor.api("POST", scan, Some(kind)).status, 202);
    let id = harbor.project_id("apps");
    let label = serde_json::json!({"name": "stable", "scope": "p", "project_id": id});
    harbor.api("POST", "/labels", Some(label));
    let id = harbor.get(&format!("/labels?scope=p&project_id={id}")).json[0]["id"].clone();
    let labels = "/projects/apps/repositories/a%252Fb/artifacts/multi/labels";
    let put = harbor.api("POST", labels, Some(serde_json::json!({"id": id})));
    assert_eq!(put.status, 200);
    let list = |more: &str| run(&home, &harbor, &format!("artifacts apps/a/b {more}"));
    insta::assert_snapshot!(plain(&list(""), &home, &harbor), @r"
    exit code: 0
    ----- stdout -----
    digest  tags         size  platforms                 pushed                    pulled  scan
    ------  -----------  ----  ------------------------  ------------------------  ------  -----------------
    DIGEST               1000  linux/amd64               2024-01-01T00:00:11.000Z
    DIGEST  multi        1281  linux/amd64, linux/arm64  2024-01-01T00:00:09.000Z
    DIGEST  1.0, latest  631   linux/amd64               2024-01-01T00:00:04.000Z          1 Critical, 1 Low
    ");
    insta::assert_snapshot!(plain(&list("--tag ates --newest 1 -o json"), &home, &harbor), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"digest":"DIGEST","tags":["1.0","latest"],"size":631,"platforms":["linux/amd64"],"pushedAt":"2024-01-01T00:00:04.000Z","pulledAt":null,"type":"IMAGE","mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.oci.image.config.v1+json","labels":[],"scan":{"status":"Success","severity":"Critical","total":2,"fixable":2,"counts":{"Critical":1,"Low":1},"finishedAt":"2024-01-01T00:00:18.000Z"},"metadata":[],"reference":"HOST/apps/a/b@DIGEST"}
    ]
    "#);
    insta::assert_snapshot!(plain(&list("--label stable -o yaml"), &home, &harbor), @r#"
    exit code: 0
    ----- stdout -----
    - digest: DIGEST
      tags:
        - multi
      size: 1281
      platforms:
        - linux/amd64
        - linux/arm64
      pushedAt: "2024-01-01T00:00:09.000Z"
      pulledAt: null
      type: IMAGE
      mediaType: "application/vnd.oci.image.index.v1+json"
      artifactType: "application/vnd.oci.image.index.v1+json"
      labels:
        - stable
      scan: null
      metadata: []
      reference: "HOST/apps/a/b@DIGEST"
    "#);
    insta::assert_snapshot!(plain(&list("-o csv"), &home, &harbor), @r#"
    exit code: 0
    ----- stdout -----
    digest,tags,size,platforms,pushed,pulled,scan
    DIGEST,,1000,linux/amd64,2024-01-01T00:00:11.000Z,,
    DIGEST,multi,1281,"linux/amd64, linux/arm64",2024-01-01T00:00:09.000Z,,
    DIGEST,"1.0, latest",631,linux/amd64,2024-01-01T00:00:04.000Z,,"1 Critical, 1 Low"
    "#);
    let host = harbor.host();
    let reference = |digest: &str| format!("{host}/apps/a/b@{digest}");
    assert_eq!(names(list("--untagged -o name")), reference(&bare));
    let count = |more: &str| list(&format!("{more} -o name")).ok().stdout.lines().count();
    assert_eq!(count(""), 3);
    assert_eq!(count("--platform linux/arm64"), 1);
    assert_eq!(count("--platform linux/amd64"), 3);
    assert_eq!(count("--platform windows/amd64"), 0);
    assert_eq!(count("--label none"), 0);
    assert_eq!(count("--tag LATEST"), 0);
    assert_eq!(count("--newest 2"), 2);
    assert_eq!(names(list("--newest 1 -o name")), reference(&bare));
    for sort in ["name", "pushed", "pulled", "size"] {
        assert_eq!(count(&format!("--sort {sort}")), 3);
    }
    insta::assert_snapshot!(plain(&list("--tag a,b=*"), &home, &harbor), @r"
    exit code: 2
    ----- stderr -----
    error: --tag: no tag holds `a,b=*`
    hint: tags are of letters, digits, `.`, `_` and `-`
    ");
    insta::assert_snapshot!(plain(&list("--platform linux"), &home, &harbor), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'linux' for '--platform <OS/ARCH[/VARIANT]>': write it as `os/arch` or `os/arch/variant`

    For more information, try '--help'.
    ");
}

#[test]
fn a_project_of_digits_and_a_repository_of_dots_and_slashes_are_names() {
    let (home, harbor) = (Home::new(), FakeHarbor::start());
    harbor.public_project("2024").public_project("my.apps");
    harbor.image("2024/a.b/c_d/e-f", "1");
    harbor.image("my.apps/a/b", "1");
    let ask = |arguments: &str| names(call(&home, &harbor, None, arguments).run());
    assert_eq!(ask("repositories 2024 -o name"), "2024/a.b/c_d/e-f");
    assert_eq!(ask("tags 2024/a.b/c_d/e-f -o name"), "1");
    // `my.apps` could be a host, unless one is known.
    assert_eq!(ask("tags my.apps/a/b -o name"), "1");
    let host = harbor.host();
    assert_eq!(ask(&format!("tags {host}/my.apps/a/b -o name")), "1");
}

#[test]
fn a_front_end_that_stops_slashes_is_gone_round() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.image("apps/a/b", "1");
    harbor.image("apps/b", "2");
    harbor.refuse_double_encoding();
    assert_eq!(names(run(&home, &harbor, "tags apps/a/b -o name")), "1");
    let found = json(run(&home, &harbor, "artifacts apps/a/b -o json"));
    assert_eq!(found[0]["tags"], serde_json::json!(["1"]));
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!(names(run(&home, &harbor, "tags apps/b -o name")), "2");
}
