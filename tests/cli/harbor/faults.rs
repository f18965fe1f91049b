//! What goes wrong with a Harbor, and how it is told.

use serde_json::json;

use super::{DEV, call, requests, run, shown, with_apps};
use crate::fake_harbor::{ADMIN, Failure, Role};
use crate::support::Home;

#[test]
fn a_project_that_is_not_there_is_told_from_one_that_is_closed() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.project("closed");
    let show = |account, arguments: &str| {
        let ran = call(&home, &harbor, account, arguments).run();
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show(Some(DEV), "projects get none"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot look up the project `none`: the project `none` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(Some(DEV), "repositories none"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the repositories of the project `none`: the project `none` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(Some(ADMIN), "tags none/web"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the artifacts of `none/web`: the project `none` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(Some(DEV), "artifacts 2024/web"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the artifacts of `2024/web`: the project `2024` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(Some(DEV), "projects get closed"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot look up the project `closed`: the project `closed` exists, and `dev` may not look into it
    hint: it needs a role in the project, or an administrator: it is not public
    ");
    insta::assert_snapshot!(show(Some(DEV), "repositories closed"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `closed`: the project `closed` exists, and `dev` may not look into it
    hint: it needs a role in the project: it is not public
    ");
    insta::assert_snapshot!(show(Some(DEV), "artifacts closed/web"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the artifacts of `closed/web`: the project `closed` exists, and `dev` may not look into it
    hint: it needs a role in the project: it is not public
    ");
    insta::assert_snapshot!(show(None, "repositories closed"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `closed`: `HOST` wants credentials, and there are none for it; Harbor said: UNAUTHORIZED: unauthorized (X-Request-Id: request-N)
    hint: `imgdex login HOST`; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
    // Without a login, nobody is told which of the two it is.
    insta::assert_snapshot!(show(None, "repositories none"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `none`: `HOST` wants credentials, and there are none for it; Harbor said: UNAUTHORIZED: unauthorized (X-Request-Id: request-N)
    hint: `imgdex login HOST`; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
    insta::assert_snapshot!(show(Some(DEV), "tags apps/none"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the artifacts of `apps/none`: `apps/none` is not on `HOST`; Harbor said: NOT_FOUND: repository apps/none not found (X-Request-Id: request-N)
    hint: `imgdex harbor repositories apps` shows what is there
    ");
}

#[test]
fn a_newer_harbor_tells_only_administrators_which_projects_are_not_there() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.project("closed").newer_head();
    let show = |account, arguments: &str| {
        let ran = call(&home, &harbor, Some(account), arguments).run();
        shown(&ran, &home, &harbor)
    };
    insta::assert_snapshot!(show(DEV, "projects get none"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot look up the project `none`: the project `none` does not exist on `HOST`, or `dev` may not look into it
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(DEV, "repositories closed"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `closed`: the project `closed` does not exist on `HOST`, or `dev` may not look into it
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(ADMIN, "tags none/web"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the artifacts of `none/web`: the project `none` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show(ADMIN, "projects get none"), @r"
    exit code: 4
    ----- stderr -----
    error: cannot look up the project `none`: the project `none` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    ");
    // What is seen in the list is there, whatever else is refused.
    harbor.fail("HEAD", "/projects", 403, 9);
    harbor.fail("GET", "/apps/repositories", 403, 9);
    insta::assert_snapshot!(show(DEV, "repositories apps"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `apps`: the project `apps` exists, and `dev` may not look into it
    hint: it needs a role in the project: it is not public
    ");
    let robot = harbor.robot("apps", "ci", &["pull"]);
    let robot = (robot.0.as_str(), robot.1.as_str());
    insta::assert_snapshot!(show(robot, "repositories none"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of the project `none`: the project `none` does not exist on `HOST`, or `robot$apps+ci` may not look into it
    hint: `imgdex harbor projects list` shows the projects
    ");
}

#[test]
fn what_harbor_says_is_told_as_its_words() {
    let check = |status: u16, code: i32| {
        let (home, harbor) = (Home::new(), with_apps());
        let text = format!(
            r#"{{"errors":[{{"code":"CODE","message":"\u001b[31m{} {status}"}}]}}"#,
            DEV.1
        );
        let id = vec![("X-Request-Id", "abc-1".to_owned())];
        let answer = Failure::Answer(status, id, text);
        harbor.fail_with("GET", "/repositories", 9, answer);
        let ran = run(&home, &harbor, "repositories apps").fails(code);
        let words =
            format!(r"Harbor said: CODE: \u{{1b}}[31m<redacted> {status} (X-Request-Id: abc-1)");
        assert!(ran.stderr.contains(&words), "{ran:#?}");
        assert!(ran.stdout.is_empty());
        requests(&harbor, "/repositories").len()
    };
    for (status, code) in [(400, 2), (404, 4), (409, 12), (412, 12), (413, 2), (422, 2)] {
        assert_eq!(check(status, code), 1, "{status}");
    }
    assert_eq!(check(418, 7), 1);
    assert_eq!(check(501, 6), 1);
}

#[test]
fn a_policy_is_a_check_that_failed() {
    let (home, harbor) = (Home::new(), with_apps());
    let body =
        r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"current image is vulnerable"}]}"#;
    let answer = Failure::Answer(412, Vec::new(), body.to_owned());
    harbor.fail_with("GET", "/repositories", 1, answer);
    let ran = run(&home, &harbor, "repositories apps");
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 13
    ----- stderr -----
    error: cannot list the repositories of the project `apps`: a policy of the project forbids it; Harbor said: PROJECTPOLICYVIOLATION: current image is vulnerable
    ");
}

#[test]
fn what_is_broken_is_asked_again() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.image("apps/web", "1");
    harbor
        .fail("GET", "/repositories", 500, 1)
        .too_many("GET", "/artifacts", 1, 1)
        .reset("GET", "/projects?", 1);
    assert_eq!(
        run(&home, &harbor, "repositories apps -o name").ok().stdout,
        "apps/web\n"
    );
    assert_eq!(
        run(&home, &harbor, "tags apps/web -o name").ok().stdout,
        "1\n"
    );
    assert_eq!(
        run(&home, &harbor, "projects list -o name").ok().stdout,
        "apps\nopen\n"
    );
    assert_eq!(requests(&harbor, "/artifacts?").len(), 2);
    let at_once = vec![
        ("Retry-After", "0".to_owned()),
        ("X-Request-Id", "request-9".to_owned()),
    ];
    let body = r#"{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}"#;
    let answer = Failure::Answer(500, at_once, body.to_owned());
    harbor.fail_with("GET", "/repositories", 9, answer);
    let ran = run(&home, &harbor, "repositories apps -o json").fails(6);
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r#"
    exit code: 6
    ----- stderr -----
    {"error":{"kind":"unavailable","message":"cannot list the repositories of the project `apps`","hint":"try again later, or look at the network and at HTTPS_PROXY and NO_PROXY","cause":"`HOST`: asked 5 times, it answered 500 Internal Server Error each time and asks to wait 0 s; Harbor said: UNKNOWN: internal server error (X-Request-Id: request-N)"}}
    "#);
    harbor.too_many("GET", "/systeminfo", 3600, 1);
    let ran = run(&home, &harbor, "info").fails(6);
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 6
    ----- stderr -----
    error: cannot ask `HOST` what it is: `HOST`: it answered 429 Too Many Requests and asks to wait 60 s; Harbor said: TOO_MANY_REQUEST: too many requests
    hint: try again later, or look at the network and at HTTPS_PROXY and NO_PROXY
    ");
}

#[test]
fn a_project_is_not_created_twice_where_the_answer_was_lost() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.lose_answer("POST", "/projects", 1);
    let ran = run(&home, &harbor, "projects create lost");
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 6
    ----- stderr -----
    error: cannot create the project `lost`: `HOST`: connection closed before message completed; whether it was done is not known
    hint: `imgdex harbor projects get lost` shows whether it was done: look before trying again
    ");
    assert_eq!(requests(&harbor, "POST ").len(), 1);
    assert_eq!(harbor.get("/projects/lost").status, 200);
    run(&home, &harbor, "projects create lost").fails(12);
    // Nothing was done where it asks to wait.
    harbor.too_many("POST", "/projects", 0, 1);
    run(&home, &harbor, "projects create later").ok();
    harbor.fail("POST", "/projects", 500, 1);
    let ran = run(&home, &harbor, "projects create broken");
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 6
    ----- stderr -----
    error: cannot create the project `broken`: `HOST` answered 500 Internal Server Error; Harbor said: BROKEN: broken on purpose (500)
    hint: `imgdex harbor projects get broken` shows whether it was done: look before trying again
    ");
}

#[test]
fn a_project_that_cannot_be_shown_is_created_all_the_same() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.fail("GET", "/projects/blind", 403, 9);
    harbor.fail("GET", "/projects?name=", 403, 9);
    let ran = run(&home, &harbor, "projects create blind --public");
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 0
    ----- stdout -----
    name:          blind
    public:        True
    role:
    repositories:  0
    quota:
    ");
}

#[test]
fn who_may_not_create_projects_is_told_what_it_needs() {
    let (home, harbor) = (Home::new(), with_apps());
    let robot = harbor.robot("apps", "ci", &["pull"]);
    let robot = (robot.0.as_str(), robot.1.as_str());
    let ran = call(&home, &harbor, Some(robot), "projects create new").run();
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 5
    ----- stderr -----
    error: cannot create the project `new`: `robot$apps+ci` may not do this; Harbor said: FORBIDDEN: forbidden (X-Request-Id: request-N)
    hint: it needs an administrator of Harbor, or a setting of the server that lets everybody create projects
    ");
    let ran = call(&home, &harbor, None, "projects create new").run();
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 5
    ----- stderr -----
    error: cannot create the project `new`: `HOST` wants credentials, and there are none for it; Harbor said: UNAUTHORIZED: unauthorized (X-Request-Id: request-N)
    hint: `imgdex login HOST`; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
    harbor
        .oidc_user("olga", "cli-secret")
        .role("olga", "apps", Role::Guest);
    let ran = call(
        &home,
        &harbor,
        Some(("olga", "cli-secret")),
        "projects get none",
    )
    .run();
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 5
    ----- stderr -----
    error: cannot look up the project `none`: the project `none` does not exist on `HOST`, or `olga` may not look into it
    hint: `imgdex harbor projects list` shows the projects
    ");
}

#[test]
fn a_harbor_that_is_away_is_unavailable() {
    let home = Home::new();
    let ran = home
        .run("harbor health --server http://127.0.0.1:1")
        .fails(6);
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 6
    ----- stderr -----
    error: cannot ask `127.0.0.1:1` how it is: `127.0.0.1:1`: Connection refused (os error 111)
    hint: try again later, or look at the network and at HTTPS_PROXY and NO_PROXY
    ");
}

#[test]
fn lists_that_are_null_are_empty() {
    let (home, harbor) = (Home::new(), with_apps());
    let null = |body: &str| Failure::Answer(200, Vec::new(), body.to_owned());
    harbor
        .fail_with("GET", "/repositories?", 1, null("null"))
        .fail_with(
            "GET",
            "/artifacts?",
            1,
            null(
                &json!([{"digest": "sha256:a", "tags": null,
            "labels": null, "extra_attrs": null, "references": null, "scan_overview": null}])
                .to_string(),
            ),
        )
        .fail_with(
            "GET",
            "/projects?",
            1,
            null(r#"[{"name":"a","project_id":1,"metadata":null}]"#),
        );
    assert_eq!(
        run(&home, &harbor, "repositories apps -o json").ok().stdout,
        "[]\n"
    );
    let ran = run(&home, &harbor, "artifacts apps/web -o csv").ok();
    assert_eq!(ran.stdout.lines().nth(1), Some("sha256:a,,0,,,,"));
    assert_eq!(
        run(&home, &harbor, "projects list -o name").ok().stdout,
        "a\n"
    );
}

#[test]
fn a_summary_that_is_missing_leaves_the_quota_open() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.fail("GET", "/apps/summary", 404, 1);
    let ran = run(&home, &harbor, "projects list -o csv").ok();
    assert_eq!(ran.stdout.lines().nth(1), Some("apps,False,Developer,0,"));
    harbor.forget_seen();
    // Nobody tells anybody of quotas.
    call(&home, &harbor, None, "projects list").run().ok();
    assert!(requests(&harbor, "/summary").is_empty());
}
