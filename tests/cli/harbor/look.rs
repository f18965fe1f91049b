//! Looking around: projects and repositories in every form, and what a server says of
//! itself.

use super::{DEV, call, names, run, shown, with_apps};
use crate::fake_harbor::{ADMIN, FakeHarbor, Role};
use crate::json;
use crate::support::Home;

#[test]
fn projects_are_listed_in_every_form() {
    let (home, harbor) = (Home::new(), FakeHarbor::start());
    let show = |more: &str| {
        let ran = call(&home, &harbor, Some(DEV), &format!("projects list {more}")).run();
        shown(&ran, &home, &harbor)
    };
    harbor.user(DEV.0, DEV.1);
    assert_eq!(show("-o json"), "exit code: 0\n----- stdout -----\n[]\n");
    harbor
        .project_with_quota("my.apps", 1 << 30)
        .public_project("open")
        .project("other");
    harbor
        .role(DEV.0, "my.apps", Role::Maintainer)
        .prevent_vulnerable("my.apps", "high");
    harbor.listed("my.apps/web", "1");
    insta::assert_snapshot!(show(""), @r"
    exit code: 0
    ----- stdout -----
    name     public  role        repositories  quota
    -------  ------  ----------  ------------  -----------------
    my.apps  False   Maintainer  1             1000 B of 1.0 GiB
    open     True                0
    ");
    insta::assert_snapshot!(show("--search APP -o json"), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"my.apps","public":false,"role":"Maintainer","repositories":1,"storageUsed":1000,"storageLimit":1073741824,"owner":"admin","createdAt":"2024-01-01T00:00:01.000Z","blocksFrom":"high","scansOnPush":false,"isProxyCache":false}
    ]
    "#);
    insta::assert_snapshot!(show("--public -o yaml"), @r#"
    exit code: 0
    ----- stdout -----
    - name: open
      public: true
      role: null
      repositories: 0
      storageUsed: null
      storageLimit: null
      owner: admin
      createdAt: "2024-01-01T00:00:02.000Z"
      blocksFrom: null
      scansOnPush: false
      isProxyCache: false
    "#);
    insta::assert_snapshot!(show("-o csv"), @r"
    exit code: 0
    ----- stdout -----
    name,public,role,repositories,quota
    my.apps,False,Maintainer,1,1000 B of 1.0 GiB
    open,True,,0,
    ");
    insta::assert_snapshot!(show("-o name"), @r"
    exit code: 0
    ----- stdout -----
    my.apps
    open
    ");
    insta::assert_snapshot!(show("-o wide --search my"), @r"
    exit code: 0
    ----- stdout -----
    name     public  role        repositories  quota
    -------  ------  ----------  ------------  -----------------
    my.apps  False   Maintainer  1             1000 B of 1.0 GiB
    ");
}

#[test]
fn a_project_is_shown_with_its_quota() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.public_project("2024");
    let show = |name: &str| {
        let ran = run(&home, &harbor, &format!("projects get {name}"));
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show("apps"), @r"
    exit code: 0
    ----- stdout -----
    name:          apps
    public:        False
    role:          Developer
    repositories:  0
    quota:         0 B, no limit
    ");
    // A name of digits is no number.
    insta::assert_snapshot!(show("2024"), @r"
    exit code: 0
    ----- stdout -----
    name:          2024
    public:        True
    role:
    repositories:  0
    quota:
    ");
    insta::assert_snapshot!(show("Apps"), @r"
    exit code: 2
    ----- stderr -----
    error: `Apps`: a project's name is of lower-case letters and digits, with `.`, `_` and `-` between them, and at most 255 characters long
    ");
}

#[test]
fn a_project_is_created_once() {
    let (home, harbor) = (Home::new(), with_apps());
    let show = |more: &str| {
        let ran = run(&home, &harbor, &format!("projects create {more}"));
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show("handouts --public --quota 1GiB"), @r"
    exit code: 0
    ----- stdout -----
    name:          handouts
    public:        True
    role:          Project Admin
    repositories:  0
    quota:         0 B of 1.0 GiB
    ");
    insta::assert_snapshot!(show("handouts"), @r"
    exit code: 12
    ----- stderr -----
    error: cannot create the project `handouts`: it is there already; Harbor said: CONFLICT: The project named handouts already exists (X-Request-Id: request-N)
    hint: `imgdex harbor projects get handouts` shows it
    ");
    insta::assert_snapshot!(show("more --quota much"), @r"
    exit code: 2
    ----- stderr -----
    error: --quota: `much`: the units are B, KiB, MiB, GiB, TiB, PiB
    hint: such as 500MiB, 50GiB, 1TiB or -1
    ");
    insta::assert_snapshot!(show("-- -a"), @r"
    exit code: 2
    ----- stderr -----
    error: `-a`: a project's name is of lower-case letters and digits, with `.`, `_` and `-` between them, and at most 255 characters long
    ");
    assert_eq!(
        harbor.get("/projects/handouts").json["metadata"]["public"],
        "true"
    );
    let made = json(run(&home, &harbor, "projects create 2025 -o json"));
    assert_eq!(
        (&made["name"], &made["public"]),
        (&"2025".into(), &false.into())
    );
    assert_eq!(made["role"], "Project Admin");
}

#[test]
fn what_an_oidc_users_secret_serves_is_enough_to_look_around() {
    let (home, harbor) = (Home::new(), with_apps());
    let account = ("olga", "cli-secret");
    harbor
        .oidc_user(account.0, account.1)
        .role(account.0, "apps", Role::Maintainer);
    harbor.image("apps/team/web", "1");
    let ask = |arguments: &str| call(&home, &harbor, Some(account), arguments).run();
    assert_eq!(names(ask("projects list -o name")), "apps open");
    assert_eq!(json(ask("projects get apps -o json"))["role"], "Maintainer");
    assert_eq!(names(ask("repositories apps -o name")), "apps/team/web");
    assert_eq!(names(ask("tags apps/team/web -o name")), "1");
    assert_eq!(json(ask("projects create own -o json"))["name"], "own");
}

#[test]
fn repositories_are_listed_with_what_the_catalog_has_of_them() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    assert_eq!(names(run(&home, &harbor, "repositories apps -o name")), "");
    for repository in ["apps/web", "apps/a/b", "apps/a/b.c", "apps/one-more"] {
        harbor.listed(repository, "1");
    }
    harbor.listed("apps/web", "2");
    if let Some(web) = harbor.state().repository("apps/web") {
        web.description = "\u{1b}[31mred\u{202e}\nsecond".to_owned();
        web.pulls = 7;
    }
    for (name, url) in [
        ("web", "apps/web:1"),
        ("web-2", "apps/web"),
        ("b", "apps/a/b:3"),
    ] {
        home.pipe(
            format!(r#"{{"name":"{name}","url":"{host}/{url}"}}"#),
            "images create",
        )
        .ok();
    }
    home.pipe(
        r#"{"name":"elsewhere","url":"other.example/apps/one-more:1"}"#,
        "images create",
    )
    .ok();
    let show = |more: &str| {
        let ran = run(&home, &harbor, &format!("repositories apps {more}"));
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show(""), @r"
    exit code: 0
    ----- stdout -----
    name           artifacts  pulls  updated                   metadata    description
    -------------  ---------  -----  ------------------------  ----------  -----------------------------
    apps/a/b       1          0      2024-01-01T00:00:06.000Z  b
    apps/a/b.c     1          0      2024-01-01T00:00:09.000Z
    apps/one-more  1          0      2024-01-01T00:00:12.000Z
    apps/web       2          7      2024-01-01T00:00:03.000Z  web, web-2  \u{1b}[31mred\u{202e}\nsecond
    ");
    insta::assert_snapshot!(show("--search WEB -o json"), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"apps/web","artifacts":2,"pulls":7,"updatedAt":"2024-01-01T00:00:03.000Z","metadata":["web","web-2"],"description":"\u001b[31mred\u202e\nsecond","reference":"HOST/apps/web"}
    ]
    "#);
    insta::assert_snapshot!(show("-o csv"), @r#"
    exit code: 0
    ----- stdout -----
    name,artifacts,pulls,updated,metadata,description
    apps/a/b,1,0,2024-01-01T00:00:06.000Z,b,
    apps/a/b.c,1,0,2024-01-01T00:00:09.000Z,,
    apps/one-more,1,0,2024-01-01T00:00:12.000Z,,
    apps/web,2,7,2024-01-01T00:00:03.000Z,"web, web-2","\u{1b}[31mred\u{202e}
    second"
    "#);
    let order = |sort: &str| {
        names(run(
            &home,
            &harbor,
            &format!("repositories apps -o name --sort {sort}"),
        ))
    };
    assert_eq!(
        order("updated"),
        "apps/one-more apps/a/b.c apps/a/b apps/web"
    );
    assert!(order("pulls").starts_with("apps/web "));
    assert!(order("artifacts").starts_with("apps/web "));
}

#[test]
fn nobody_needs_to_be_logged_in_for_what_is_public() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.image("open/web", "1");
    let ask = |arguments: &str| call(&home, &harbor, None, arguments).run();
    assert_eq!(names(ask("projects list -o name")), "open");
    assert_eq!(names(ask("repositories open -o name")), "open/web");
    assert_eq!(names(ask("tags open/web -o name")), "1");
    let info = json(ask("info -o json"));
    assert_eq!(
        (&info["authMode"], &info["version"]),
        (&"db_auth".into(), &serde_json::Value::Null)
    );
    let info = json(call(&home, &harbor, Some(ADMIN), "info -o json").run());
    assert_eq!(info["version"], "v2.16.0-fake");
    insta::assert_snapshot!(shown(&ask("info"), &home, &harbor), @r"
    exit code: 0
    ----- stdout -----
    server:           HOST
    version:
    authMode:         db_auth
    url:
    registry:
    projectCreation:
    readOnly:
    ");
    // No cookie is kept: with one, Harbor wants the token of a form.
    assert!(
        harbor
            .seen()
            .iter()
            .all(|one| one.header("cookie").is_empty())
    );
}

#[test]
fn health_is_told_to_anybody() {
    let (home, harbor) = (Home::new(), with_apps());
    let ask = |account, more: &str| {
        let ran = call(&home, &harbor, account, &format!("health {more}")).run();
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(ask(Some((DEV.0, "wrong")), ""), @r"
    exit code: 0
    ----- stdout -----
    name      status   error
    --------  -------  -----
    core      healthy
    registry  healthy
    ----- stderr -----
    `HOST` is healthy
    ");
    harbor.unhealthy("registry");
    insta::assert_snapshot!(ask(None, ""), @r"
    exit code: 13
    ----- stdout -----
    name      status     error
    --------  ---------  ------------------
    core      healthy
    registry  unhealthy  connection refused
    ----- stderr -----
    `HOST` is not healthy
    ");
    insta::assert_snapshot!(ask(None, "-o json"), @r#"
    exit code: 13
    ----- stdout -----
    [
    {"name":"core","status":"healthy","error":null},
    {"name":"registry","status":"unhealthy","error":"connection refused"}
    ]
    ----- stderr -----
    `HOST` is not healthy
    "#);
}
