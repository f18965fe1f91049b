//! `imgdex doctor --server`, for every kind of account and of answer.

use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::fake_harbor::{ADMIN, Failure, FakeHarbor, Role};
use crate::support::{Home, Ran};

const CANARY: &str = "Canary-Secret1x";

fn doctor(home: &Home, harbor: &FakeHarbor, account: (&str, &str), arguments: &str) -> Ran {
    let ran = home
        .call(&format!("doctor --server {} {arguments}", harbor.url()))
        .env("IMGDEX_REGISTRY_HOST", harbor.host())
        .env("IMGDEX_REGISTRY_USERNAME", account.0)
        .env("IMGDEX_REGISTRY_PASSWORD", account.1)
        .run();
    assert!(!ran.stdout.contains(account.1), "{ran:?}");
    assert!(!ran.stderr.contains(account.1), "{ran:?}");
    ran
}

fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn with_apps() -> (Home, FakeHarbor) {
    let (home, harbor) = (Home::new(), FakeHarbor::start());
    harbor.project("apps").public_project("open");
    (home, harbor)
}

#[test]
fn a_local_user_is_told_roles_and_rights() {
    let (home, harbor) = with_apps();
    harbor
        .user("dev", CANARY)
        .role("dev", "apps", Role::Developer);
    let found = doctor(&home, &harbor, ("dev", CANARY), "--project apps -o json").ok();
    let found = told(&found);
    assert_eq!(found["kind"], "harbor");
    assert_eq!(found["version"], "v2.16.0-fake");
    assert_eq!(
        (&found["login"], &found["account"]),
        (&json!("accepted"), &json!("local user"))
    );
    assert_eq!(found["health"], "healthy");
    assert_eq!(found["credential"], "the environment (IMGDEX_REGISTRY_…)");
    assert_eq!(
        found["project"],
        json!({"name": "apps", "role": "Developer", "pull": true, "push": true, "scan": false})
    );
    assert_eq!(found["expires"], Value::Null);
    assert!(
        found["clockSkew"]
            .as_i64()
            .is_some_and(|skew| skew.abs() < 60),
        "{found}"
    );
    let table = doctor(&home, &harbor, ("dev", CANARY), "--project open").ok();
    assert!(
        table.stdout.contains("a role in `apps` (Developer)"),
        "{table:?}"
    );
    assert!(
        table
            .stdout
            .contains("`open`: may pull, may not push, scan: unknown"),
        "{table:?}"
    );
    doctor(&home, &harbor, ("dev", CANARY), "--project none").fails(4);
    doctor(&home, &harbor, ("dev", CANARY), "--project No/Name").fails(2);
    let names = doctor(&home, &harbor, ("dev", CANARY), "-o name")
        .ok()
        .stdout;
    assert!(names.starts_with("server\nhealth\nclock\n"), "{names}");
}

#[test]
fn an_administrator_may_do_everything() {
    let (home, harbor) = with_apps();
    let found = doctor(&home, &harbor, ADMIN, "--project apps -o json").ok();
    let found = told(&found);
    assert_eq!(found["account"], "administrator");
    assert_eq!(found["project"]["scan"], true);
    assert!(
        doctor(&home, &harbor, ADMIN, "-o yaml")
            .ok()
            .stdout
            .contains("account: administrator")
    );
}

#[test]
fn a_cli_secret_is_told_from_a_bad_password() {
    let (home, harbor) = with_apps();
    harbor
        .oidc_user("ada", CANARY)
        .role("ada", "apps", Role::Maintainer);
    let found = doctor(&home, &harbor, ("ada", CANARY), "--project apps -o json").ok();
    let found = told(&found);
    assert_eq!(found["account"], "OIDC CLI secret");
    assert_eq!(found["project"]["push"], true);
    let shown = doctor(&home, &harbor, ("ada", CANARY), "").ok();
    assert!(
        shown
            .stdout
            .contains("need a robot account or a local user"),
        "{shown:?}"
    );
    // It copies through `/v2/`, where the secret serves.
    assert!(
        shown.stdout.contains("pulls, copies and lists"),
        "{shown:?}"
    );
}

#[test]
fn a_robot_is_told_what_it_may_do_where_it_may_see_it() {
    let (home, harbor) = with_apps();
    let made = harbor.api(
        "POST",
        "/robots",
        Some(
            json!({"name": "ci", "level": "project", "duration": 30, "permissions": [
            {"kind": "project", "namespace": "apps", "access": [
                {"resource": "repository", "action": "pull"},
                {"resource": "repository", "action": "push"}]}]}),
        ),
    );
    let text = |key: &str| made.json[key].as_str().unwrap_or_default().to_owned();
    let (name, secret) = (text("name"), text("secret"));
    assert_eq!(name, "robot$apps+ci");
    let found = doctor(&home, &harbor, (&name, &secret), "--project apps -o json").ok();
    let found = told(&found);
    assert_eq!(
        (&found["account"], &found["username"]),
        (&json!("robot"), &json!(name))
    );
    assert_eq!(found["project"]["pull"], true);
    assert_eq!(found["project"]["push"], true);
    let shown = doctor(&home, &harbor, (&name, &secret), "").ok();
    assert!(
        shown.stdout.contains("this robot may not look at robots"),
        "{shown:?}"
    );
    assert!(
        shown.stdout.contains("imgdex harbor robots list"),
        "{shown:?}"
    );

    // One that Harbor lets look at robots sees itself.
    let path = "/api/v2.0/robots?";
    let list = |expires: i64| {
        let robots = json!([{"id": 9, "name": name, "level": "system", "disable": false,
            "expires_at": expires, "permissions": [{"kind": "project", "namespace": "*",
            "access": [{"resource": "scan", "action": "create"}]}]}]);
        let total = vec![("X-Total-Count", "1".to_owned())];
        harbor.fail_with(
            "GET",
            path,
            1,
            Failure::Answer(200, total, robots.to_string()),
        );
    };
    list(4_102_444_800);
    let found = doctor(&home, &harbor, (&name, &secret), "--project apps -o json").ok();
    let found = told(&found);
    assert_eq!(found["expires"], "2100-01-01T00:00:00Z");
    assert_eq!(found["project"]["scan"], true);
    assert_eq!(
        found["permissions"],
        json!([{"project": "*", "access": ["scan:create"]}])
    );
    list(1_600_000_000);
    let late = doctor(&home, &harbor, (&name, &secret), "").fails(13);
    assert!(
        late.stdout.contains("the robot expired at 2020-09-13T"),
        "{late:?}"
    );
    list(-1);
    let found = doctor(&home, &harbor, (&name, &secret), "-o json").ok();
    assert_eq!(told(&found)["expires"], "never");
}

#[test]
fn a_bad_password_is_not_hidden_by_what_anybody_sees() {
    let (home, harbor) = with_apps();
    harbor.user("dev", "Secret1x");
    let refused = doctor(&home, &harbor, ("dev", CANARY), "-o json").fails(5);
    let found = told(&refused);
    assert_eq!(
        (&found["login"], &found["account"]),
        (&json!("refused"), &Value::Null)
    );
    assert_eq!(found["projects"], json!([]));
    let shown = doctor(&home, &harbor, ("dev", CANARY), "").fails(5);
    assert!(
        shown.stdout.contains("refused the user name `dev`"),
        "{shown:?}"
    );
    assert!(
        shown.stdout.contains("what it shows to anybody"),
        "{shown:?}"
    );
    assert!(shown.stderr.contains("imgdex login"), "{shown:?}");
}

#[test]
fn nobody_logged_in_sees_what_is_public() {
    let (home, harbor) = with_apps();
    home.write(
        ".config/imgdex/config.toml",
        format!(
            "[harbor]\ncontext = \"lab\"\n[harbor.contexts.lab]\nurl = \"{}\"\n",
            harbor.url()
        ),
    );
    let check = |arguments: &str| {
        let config = home.path().join(".config/imgdex/config.toml");
        home.call(&format!("doctor {arguments} --config {}", config.display()))
            .env("IMGDEX_REGISTRY_HOST", "other.example")
            .env("IMGDEX_REGISTRY_USERNAME", "dev")
            .env("IMGDEX_REGISTRY_PASSWORD", CANARY)
            .run()
    };
    for arguments in ["--server", "--context lab", "--project open"] {
        let found = check(&format!("{arguments} -o json")).ok();
        let found = told(&found);
        assert_eq!(
            (&found["login"], &found["account"]),
            (&json!("none"), &json!("anonymous"))
        );
        assert_eq!(
            found["projects"],
            json!([{"name": "open", "public": true, "role": null}])
        );
    }
    let shown = check("--server").ok();
    assert!(
        shown
            .stdout
            .contains("IMGDEX_REGISTRY_HOST is other.example"),
        "{shown:?}"
    );
    check("--server --project apps").fails(5);
    assert!(
        Home::new()
            .run("doctor --server")
            .fails(2)
            .stderr
            .contains("which Harbor is meant")
    );
}

#[test]
fn the_file_and_the_helper_that_a_credential_is_from_are_named() {
    let (home, harbor) = with_apps();
    harbor.user("dev", CANARY);
    let pair = base64(&format!("dev:{CANARY}"));
    let host = harbor.host();
    home.write(
        "auth.json",
        json!({"auths": {&host: {"auth": pair}}}).to_string(),
    );
    let file = home.path().join("auth.json").display().to_string();
    let server = harbor.url();
    let found = home
        .run(&format!(
            "doctor --server {server} --authfile {file} -o json"
        ))
        .ok();
    assert_eq!(told(&found)["credential"], format!("`{file}`"));
    home.program(
        "docker-credential-fake",
        &format!("#!/bin/sh\ncat > /dev/null\n{}", answer_of_helper()),
    );
    home.write(
        "auth.json",
        json!({"credHelpers": {&host: "fake"}}).to_string(),
    );
    let found = home
        .run(&format!(
            "doctor --server {server} --authfile {file} -o json"
        ))
        .ok();
    let expected = format!("the helper `docker-credential-fake`, which `{file}` names");
    assert_eq!(told(&found)["credential"], expected);
    assert_eq!(told(&found)["login"], "accepted");
    assert!(
        !found.stdout.contains(CANARY) && !found.stderr.contains(CANARY),
        "{found:?}"
    );
}

fn answer_of_helper() -> String {
    let answer = json!({"ServerURL": "x", "Username": "dev", "Secret": CANARY});
    format!("echo '{answer}'\n")
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn what_is_no_harbor_or_does_not_answer_is_said() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let plain = home
        .run(&format!(
            "doctor --server http://{} -o json",
            registry.host()
        ))
        .fails(7);
    assert_eq!(told(&plain)["kind"], "registry");
    assert!(
        plain.stderr.contains("is a registry, but no Harbor"),
        "{plain:?}"
    );
    let silent = home
        .run("doctor --server http://127.0.0.1:1 -o json")
        .fails(6);
    assert_eq!(told(&silent)["reachable"], false);
    let (home, harbor) = with_apps();
    let sick = r#"{"status":"unhealthy","components":[{"name":"core","status":"healthy"},
        {"name":"trivy","status":"unhealthy","error":"down"}]}"#;
    let skewed = vec![("Date", "Tue, 01 Jan 2030 00:00:00 GMT".to_owned())];
    harbor.fail_with(
        "GET",
        "/health",
        1,
        Failure::Answer(200, skewed, sick.to_owned()),
    );
    let found = doctor(&home, &harbor, ADMIN, "").fails(13);
    assert!(
        found.stdout.contains("it is unhealthy: `trivy`"),
        "{found:?}"
    );
    assert!(found.stdout.contains("ahead of this machine"), "{found:?}");
    harbor.fail("GET", "/health", 500, 20);
    doctor(&home, &harbor, ADMIN, "").fails(6);
}
