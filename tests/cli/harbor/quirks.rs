//! What Harbor does that nobody expects, and what breaks on purpose.

use serde_json::json;

use super::{DEV, push, with_apps};
use crate::docker_registry::IMAGE;
use crate::fake_harbor::{ADMIN, Failure, Role, basic};
use crate::json;
use crate::support::Home;

#[test]
fn a_wrong_password_is_nobodys() {
    let harbor = with_apps();
    let names = |account| {
        let told = harbor.api_as(account, "GET", "/projects", None);
        assert_eq!(told.status, 200);
        let all = told.json.as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Some((DEV.0, "wrong"))), ["open"]);
    assert_eq!(names(Some(DEV)), ["apps", "open"]);
    let refused = harbor.api_as(Some((DEV.0, "wrong")), "GET", "/projects/apps", None);
    assert_eq!((refused.status, refused.code()), (401, "UNAUTHORIZED"));
    let login = |password: &str| {
        let header = basic(DEV.0, password);
        harbor
            .send("GET", "/v2/", &[("Authorization", &header)], b"")
            .status
    };
    assert_eq!((login(DEV.1), login("wrong")), (200, 401));
    let cookie = [
        ("Authorization", &*basic(ADMIN.0, ADMIN.1)),
        ("Cookie", "sid=1"),
    ];
    let told = harbor.send("DELETE", "/api/v2.0/robots/1", &cookie, b"");
    assert_eq!(told.status, 403);
}

#[test]
fn slashes_of_repositories_are_encoded_twice() {
    let harbor = with_apps();
    harbor.image("apps/a/b", "1");
    let status = |path: &str| {
        harbor
            .get(&format!("/projects/apps/repositories/{path}"))
            .status
    };
    assert_eq!((status("a%252Fb"), status("a%2Fb")), (200, 404));
    harbor.refuse_double_encoding();
    assert_eq!(status("a%252Fb"), 400);
}

#[test]
fn pages_have_a_limit_and_may_change_while_they_are_read() {
    let harbor = with_apps();
    for at in 0..12 {
        harbor.listed("apps/many", &format!("t{at}"));
    }
    harbor.on_page("/artifacts", 2, |state| {
        state.remove_artifact("apps/many", "t0");
    });
    let list = |query: &str| harbor.get(&format!("/projects/apps/artifacts?{query}"));
    assert_eq!(list("page_size=101").status, 422);
    assert_eq!(list("page=1").header("x-total-count"), "12");
    let second = list("page=2");
    assert_eq!(second.header("x-total-count"), "11");
    assert_eq!(second.json.as_array().map(Vec::len), Some(1));
}

#[test]
fn what_should_break_breaks() {
    let harbor = with_apps();
    harbor
        .fail("GET", "/health", 503, 1)
        .fail_at("GET", "/ping", 2, Failure::Reset)
        .too_many("GET", "/systeminfo", 7, 1)
        .lose_answer("POST", "/projects", 1);
    assert_eq!(harbor.get("/health").status, 503);
    assert_eq!(harbor.get("/health").status, 200);
    let pings = [0; 3].map(|_| harbor.get("/ping").status);
    assert_eq!(pings, [200, 0, 200]);
    assert_eq!(harbor.get("/systeminfo").header("retry-after"), "7");
    let new = json!({"project_name": "lost"});
    assert_eq!(harbor.api("POST", "/projects", Some(new)).status, 0);
    assert_eq!(harbor.get("/projects/lost").status, 200);
}

#[test]
fn what_is_pushed_is_an_artifact() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    let digest = harbor.index("open/base", "1", &["amd64", "arm64"]);
    home.run(&format!("copy {host}/open/base:1 oci:base:1"))
        .ok();
    let told = json(push(
        &home,
        &harbor,
        DEV,
        "push oci:base:1",
        "apps/team/web:1.0",
    ));
    assert_eq!(told["digest"], digest);
    let artifact = harbor
        .get("/projects/apps/repositories/team%252Fweb/artifacts/1.0")
        .json;
    assert_eq!(artifact["digest"], digest);
    assert_eq!(artifact["references"].as_array().map(Vec::len), Some(2));
    let pushes = harbor.seen().into_iter().filter(|one| one.method == "PUT");
    assert!(pushes.into_iter().all(|one| one.account == DEV.0));
    let failed = push(&home, &harbor, DEV, "push oci:base:1", "missing/web:1.0");
    assert_ne!(failed.code, 0);
    let refused = push(&home, &harbor, DEV, "push oci:base:1", "open/web:1.0");
    assert_ne!(refused.code, 0);
    // A copy inside is a copy in the registry, and what is deleted is gone there.
    let path = "/projects/open/repositories/web/artifacts?from=apps/team/web:1.0";
    assert_eq!(harbor.api("POST", path, None).status, 201);
    home.run(&format!("copy {host}/open/web:1.0 oci:back:1"))
        .ok();
    let path = "/projects/open/repositories/web/artifacts/1.0/tags/1.0";
    assert_eq!(harbor.api("DELETE", path, None).status, 200);
    let gone = harbor.send("GET", "/v2/open/web/manifests/1.0", &[], b"");
    assert_eq!((gone.status, gone.code()), (404, "NOT_FOUND"));
}

#[test]
fn what_refers_to_an_image_is_its_accessory() {
    let harbor = with_apps();
    let digest = harbor.image("apps/web", "1");
    let header = basic(DEV.0, DEV.1);
    let accept = [("Authorization", &*header), ("Accept", IMAGE)];
    let pulled = harbor.send("GET", "/v2/apps/web/manifests/1", &accept, b"");
    let mut manifest = pulled.json;
    manifest["artifactType"] = json!("application/vnd.example.note");
    manifest["subject"] = json!({"mediaType": IMAGE, "digest": digest, "size": 1});
    let text = manifest.to_string();
    let note = crate::docker_registry::digest(text.as_bytes());
    let headers = [("Authorization", &*header), ("Content-Type", IMAGE)];
    let put = |reference: &str, text: &str| {
        let target = format!("/v2/apps/web/manifests/{reference}");
        harbor.send("PUT", &target, &headers, text.as_bytes())
    };
    let told = put(&note, &text);
    assert_eq!((told.status, told.header("oci-subject")), (201, &*digest));
    let target = format!("/v2/apps/web/referrers/{digest}");
    let told = harbor.send("GET", &target, &headers[..1], b"");
    assert_eq!(told.json["manifests"][0]["digest"], note);
    let list = harbor.get("/projects/apps/repositories/web/artifacts?with_accessory=true");
    assert_eq!(list.json.as_array().map(Vec::len), Some(1));
    assert_eq!(list.json[0]["accessories"][0]["digest"], note);
    let told = harbor.get("/projects/apps/repositories/web");
    assert_eq!(told.json["pull_count"], 1);
    let delete = harbor.send("DELETE", "/v2/apps/web/manifests/1", &headers[..1], b"");
    assert_eq!(delete.status, 401);
    let admin = basic(ADMIN.0, ADMIN.1);
    let headers_of_admin = [("Authorization", &*admin)];
    let delete = harbor.send("DELETE", "/v2/apps/web/manifests/1", &headers_of_admin, b"");
    assert_eq!(delete.code(), "UNSUPPORTED");
    // What a rule keeps stays where it is.
    harbor
        .immutable("apps", "1*")
        .prevent_vulnerable("apps", "High");
    let told = put("1", &text);
    assert_eq!((told.status, told.code()), (412, "PRECONDITION"));
    let told = harbor.send("GET", "/v2/apps/web/manifests/1", &headers[..1], b"");
    assert_eq!((told.status, told.code()), (412, "PROJECTPOLICYVIOLATION"));
}

#[test]
fn secrets_of_oidc_and_of_robots_serve_where_they_do() {
    let harbor = with_apps();
    harbor
        .oidc_user("sso", "cli-secret")
        .role("sso", "apps", Role::Maintainer);
    let sso = Some(("sso", "cli-secret"));
    let status = |account, path: &str| harbor.api_as(account, "GET", path, None).status;
    assert_eq!(status(sso, "/projects/apps/repositories"), 200);
    assert_eq!(status(sso, "/projects/apps"), 401);
    assert_eq!(status(sso, "/users/current"), 401);
    let header = basic("sso", "cli-secret");
    let target = "/service/token?service=harbor-registry&scope=repository:apps/x:pull,push";
    let told = harbor.send("GET", target, &[("Authorization", &header)], b"");
    let bearer = format!("Bearer {}", told.json["token"].as_str().expect("a token"));
    let begun = "/v2/apps/x/blobs/uploads/";
    let told = harbor.send("POST", begun, &[("Authorization", &bearer)], b"");
    assert_eq!(told.status, 202);
    assert!(
        told.header("location").contains(&harbor.host()),
        "{told:#?}"
    );
    assert_eq!(harbor.send("POST", begun, &[], b"").status, 401);
    assert_eq!(harbor.send("GET", "/service/token", &[], b"").status, 401);

    harbor.robot_prefix("robot-");
    let (name, secret) = harbor.robot("apps", "ci", &["pull", "push"]);
    assert_eq!(name, "robot-apps+ci");
    let (home, pushed) = (Home::new(), harbor.image("open/base", "1"));
    home.run(&format!("copy {}/open/base:1 oci:base:1", harbor.host()))
        .ok();
    let robot = (&*name, &*secret);
    let told = json(push(&home, &harbor, robot, "push oci:base:1", "apps/web:1"));
    assert_eq!(told["digest"], pushed);
}
