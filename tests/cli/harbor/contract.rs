//! The fake Harbor against the contract of the real one.

use serde_json::json;

use crate::fake_harbor::{FakeHarbor, Outcome, Role, Vulnerability, contract};

/// The account whose rights are few.
const GUEST: (&str, &str) = ("guest", "Secret1x");

#[test]
fn every_answer_of_the_fake_is_as_harbor_promises() {
    match contract() {
        None => println!("skipped: Harbor's contract is not at hand (HARBOR_SWAGGER)"),
        Some(contract) => assert!(contract.operations() > 100),
    }
    let harbor = FakeHarbor::start();
    harbor
        .project("apps")
        .public_project("open")
        .public_project("2024");
    harbor
        .user(GUEST.0, GUEST.1)
        .role(GUEST.0, "apps", Role::Guest)
        .immutable("apps", "release-*");
    let digest = harbor.image("apps/team/web", "1.0");
    let index = harbor.index("apps/team/web", "all", &["amd64", "arm64"]);
    let check = |method: &str, path: &str, body: Option<serde_json::Value>, status: u16| {
        let told = harbor.api(method, path, body);
        assert_eq!(told.status, status, "{method} {path}: {told:#?}");
        assert!(!told.header("x-request-id").is_empty(), "{told:#?}");
        told.json
    };
    let get = |path: &str| check("GET", path, None, 200);
    system(&harbor);
    projects(&harbor);
    let artifacts = "/projects/apps/repositories/team%252Fweb/artifacts";
    let one = format!("{artifacts}/1.0");
    get("/projects/apps/repositories?sort=-name&q=name=~team");
    get("/projects/apps/repositories/team%252Fweb");
    let described = json!({"description": "**web**"});
    check(
        "PUT",
        "/projects/apps/repositories/team%252Fweb",
        Some(described),
        200,
    );
    let all = "with_tag=true&with_label=true&with_scan_overview=true&with_immutable_status=true&with_accessory=true";
    get(&format!("{artifacts}?{all}&sort=-push_time&q=tags=*"));
    for (q, count) in [
        ("tags=nil", 0),
        ("tags=~al", 1),
        ("tags=1.0", 1),
        ("type=~IMA", 2),
    ] {
        let found = get(&format!("{artifacts}?q={q}"));
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{q}");
    }
    let found = get("/projects/apps/artifacts?q=repository_name=apps/team/web,tags=all");
    assert_eq!(found[0]["digest"], index);
    let part = found[0]["references"][0]["child_digest"].as_str();
    let part = format!("{artifacts}/{}", part.expect("a digest"));
    check("DELETE", &part, None, 412);
    assert_eq!(
        found[0]["references"][1]["platform"]["architecture"],
        "arm64"
    );

    get(&format!("{one}/tags?with_immutable_status=true"));
    let tags = format!("{one}/tags");
    check("POST", &tags, Some(json!({"name": "release-1"})), 201);
    check("POST", &tags, Some(json!({"name": "release-1"})), 409);
    check("DELETE", &format!("{tags}/release-1"), None, 412);
    check("POST", &tags, Some(json!({"name": "again"})), 201);
    check("DELETE", &format!("{tags}/again"), None, 200);
    check("DELETE", &format!("{tags}/again"), None, 404);

    let id = harbor.project_id("apps");
    let label = json!({"name": "stable", "scope": "p", "project_id": id, "color": "#00ff00"});
    check("POST", "/labels", Some(label.clone()), 201);
    check("POST", "/labels", Some(label), 409);
    check(
        "POST",
        "/labels",
        Some(json!({"name": "all", "scope": "g"})),
        201,
    );
    get("/labels?scope=g");
    let labels = get(&format!("/labels?scope=p&project_id={id}&name=stable"));
    let label = labels[0]["id"].clone();
    check(
        "POST",
        &format!("{one}/labels"),
        Some(json!({"id": label})),
        200,
    );
    check(
        "POST",
        &format!("{one}/labels"),
        Some(json!({"id": label})),
        409,
    );
    get(&format!("{artifacts}?q=labels=({label})&with_label=true"));
    check("DELETE", &format!("{one}/labels/{label}"), None, 200);

    scans(&harbor, &digest, &one);
    let copy = format!("/projects/open/repositories/copied/artifacts?from=apps/team/web@{digest}");
    check("POST", &copy, None, 201);
    let copied = get("/projects/open/repositories/copied/artifacts/release-1");
    assert_eq!(copied["digest"], digest);
    robots(&harbor, id);
    check(
        "DELETE",
        "/projects/open/repositories/copied/artifacts/1.0",
        None,
        200,
    );
    check(
        "GET",
        "/projects/open/repositories/copied/artifacts/1.0",
        None,
        404,
    );
    check("DELETE", "/projects/open/repositories/copied", None, 200);
    check("DELETE", &one, None, 412);
}

fn system(harbor: &FakeHarbor) {
    for path in [
        "/health",
        "/ping",
        "/systeminfo",
        "/statistics",
        "/search?q=app",
        "/quotas?reference=project&reference_id=2",
        "/users/current",
        "/users/current/permissions",
    ] {
        assert_eq!(harbor.get(path).status, 200, "{path}");
    }
    assert_eq!(
        harbor.api_as(None, "GET", "/users/current", None).status,
        401
    );
}

fn projects(harbor: &FakeHarbor) {
    let told = harbor.get("/projects?page=1&page_size=2&with_detail=true");
    assert_eq!(told.header("x-total-count"), "3");
    assert!(told.header("link").contains("page=2"), "{told:#?}");
    let told = harbor.api("HEAD", "/projects?project_name=apps", None);
    assert_eq!(told.status, 200);
    let new = json!({"project_name": "new", "metadata": {"public": "false"}, "storage_limit": -1});
    assert_eq!(
        harbor.api("POST", "/projects", Some(new.clone())).status,
        201
    );
    assert_eq!(
        harbor.api("POST", "/projects", Some(new)).code(),
        "CONFLICT"
    );
    for more in [
        "",
        "/summary",
        "/members?entityname=gue",
        "/scanner",
        "/immutabletagrules",
        "/artifacts",
        "/repositories",
    ] {
        let told = harbor.get(&format!("/projects/apps{more}"));
        assert_eq!(told.status, 200, "{more}: {told:#?}");
    }
    let refused = harbor.api_as(Some(GUEST), "GET", "/quotas", None);
    assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"));
    // A name of digits is an id unless a header says that it is a name.
    assert_eq!(harbor.get("/projects/2024").status, 404);
    let named = [("X-Is-Resource-Name", "true")];
    let told = harbor.send("GET", "/api/v2.0/projects/2024", &named, b"");
    assert_eq!(told.json["name"], "2024");
}

fn scans(harbor: &FakeHarbor, digest: &str, one: &str) {
    let found = vec![
        Vulnerability::new("CVE-2024-1", "openssl", "Critical"),
        Vulnerability::new("CVE-2024-2", "zlib", "Low"),
    ];
    harbor.scan_of(digest, Outcome::Found(found)).scans_take(2);
    let report = format!("{one}/additions/vulnerabilities");
    assert_eq!(harbor.get(&report).json, json!({}));
    let kind = json!({"scan_type": "vulnerability"});
    let told = harbor.api("POST", &format!("{one}/scan"), Some(kind.clone()));
    assert_eq!(told.status, 202);
    for status in ["Pending", "Running", "Success"] {
        let told = harbor.get(&format!("{one}?with_scan_overview=true")).json;
        let overview = &told["scan_overview"][crate::fake_harbor::REPORT];
        assert_eq!(overview["scan_status"], status);
    }
    let told = harbor.get(&report).json;
    let all = &told[crate::fake_harbor::REPORT]["vulnerabilities"];
    assert_eq!(all[0]["id"], "CVE-2024-1");
    harbor.scan_of(digest, Outcome::Unscannable(422));
    let told = harbor.api("POST", &format!("{one}/scan"), Some(kind));
    assert_eq!(told.status, 422);
}

fn robots(harbor: &FakeHarbor, project: i64) {
    let robot = json!({
        "name": "ci", "description": "", "level": "project", "duration": 30,
        "permissions": [{"kind": "project", "namespace": "apps", "access": [
            {"resource": "repository", "action": "pull"},
            {"resource": "repository", "action": "push"}]}],
    });
    let made = harbor.api("POST", "/robots", Some(robot.clone()));
    assert_eq!(made.status, 201, "{made:#?}");
    assert_eq!(made.json["name"], "robot$apps+ci");
    let refused = harbor.api_as(Some(GUEST), "POST", "/robots", Some(robot));
    assert_eq!(refused.status, 403);
    let list = harbor.get(&format!("/robots?q=Level=project,ProjectID={project}"));
    assert_eq!(list.json[0]["id"], made.json["id"]);
    let secret = made.json["secret"].as_str().expect("a secret");
    let robot = Some(("robot$apps+ci", secret));
    assert_eq!(
        harbor.api_as(robot, "GET", "/users/current", None).status,
        412
    );
    let one = format!("/robots/{}", made.json["id"]);
    assert_eq!(harbor.get(&one).status, 200);
    let told = harbor.api("PATCH", &one, Some(json!({"secret": ""})));
    assert_ne!(told.json["secret"], secret);
    assert_eq!(harbor.api("DELETE", &one, None).status, 200);
}

#[test]
fn what_goes_against_the_contract_is_noticed() {
    if contract().is_none() {
        println!("skipped: Harbor's contract is not at hand (HARBOR_SWAGGER)");
        return;
    }
    let harbor = FakeHarbor::start();
    harbor.get("/projects?pages=2");
    harbor.api(
        "POST",
        "/projects",
        Some(json!({"project_name": "a", "color": 1})),
    );
    harbor.get("/no/such/path");
    assert_eq!(harbor.take_violations().len(), 3);
}
