//! How failures of registries end: exit codes and words.

use crate::docker_registry::DockerRegistry;
use crate::fault_server::{FaultServer, Reply};
use crate::support::Home;

#[test]
fn what_is_not_there_is_told() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    registry.image("app", "1", "amd64");
    let host = registry.host();
    let show = |command: &str| {
        let ran = home.run(command).fails(4);
        ran.snapshot(&home).replace(&host, "HOST")
    };
    insta::assert_snapshot!(show(&format!("registry manifest {host}/app:2")), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read the manifest of `HOST/app:2`: it is not there; registry said: MANIFEST_UNKNOWN: manifest unknown
    hint: `imgdex registry tags HOST/app` shows what there is
    ");
    insta::assert_snapshot!(show(&format!("registry tags {host}/none -o json")), @r#"
    exit code: 4
    ----- stderr -----
    {"error":{"kind":"not-found","message":"cannot list the tags of `HOST/none`","hint":null,"cause":"it is not there; registry said: NAME_UNKNOWN: repository name not known to registry"}}
    "#);
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    let check = |reply: fn() -> Reply, code: i32, kind: &str| {
        let (home, server) = (Home::new(), FaultServer::start(move |_| reply()));
        let ran = home
            .run(&format!("registry inspect {}/a:1 -o json", server.host()))
            .fails(code);
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("JSON");
        assert_eq!(error["error"]["kind"], kind, "{ran:#?}");
        assert_eq!(ran.stdout, "");
    };
    check(|| Reply::new(404, ""), 4, "not-found");
    check(|| Reply::new(403, ""), 5, "denied");
    check(
        || Reply::new(503, "").with("Retry-After", "0"),
        6,
        "unavailable",
    );
    check(
        || Reply::new(503, "").with("Retry-After", "60"),
        6,
        "unavailable",
    );
    check(
        || Reply::new(200, "<html>").with("Content-Type", "text/html"),
        7,
        "violation",
    );
}

#[test]
fn a_registry_that_is_not_there_is_unavailable() {
    let home = Home::new();
    // Nobody may listen on port 1 without being asked to.
    let ran = home.run("registry digest 127.0.0.1:1/a:1").fails(6);
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 6
    ----- stderr -----
    error: cannot look `127.0.0.1:1/a:1` up: `127.0.0.1:1`: Connection refused (os error 111)
    hint: try again later, or look at the network and at HTTPS_PROXY and NO_PROXY
    ");
}

#[test]
fn a_hostile_realm_is_answered_with_the_line_to_add() {
    let home = Home::new();
    let server = FaultServer::start(|_| {
        Reply::new(401, "").with(
            "WWW-Authenticate",
            "Bearer realm=\"https://evil.example/t\"",
        )
    });
    let host = server.host();
    let ran = home.run(&format!("registry tags {host}/a")).fails(5);
    insta::assert_snapshot!(ran.snapshot(&home).replace(&host, "HOST"), @r#"
    exit code: 5
    ----- stderr -----
    error: cannot list the tags of `HOST/a`: `HOST` wants its password given to `https://evil.example`, which is another host or has no TLS; nothing was sent
    hint: if that is right, add to the config file: `[registry."HOST"]`, `realm = "https://evil.example"`
    "#);
}

#[test]
fn the_line_that_is_shown_for_a_token_service_is_the_one_to_add() {
    let home = Home::new();
    let tokens = FaultServer::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    // Another name, and so another host.
    let realm = format!("http://localhost:{}", tokens.port());
    let challenge = format!("Bearer realm=\"{realm}/token\"");
    let server = FaultServer::start(move |seen| match seen.header("authorization") {
        "Bearer good" => Reply::new(200, r#"{"name":"a","tags":["1"]}"#),
        _ => Reply::new(401, "").with("WWW-Authenticate", challenge.clone()),
    });
    let command = format!("registry tags {}/a -o name", server.host());
    let ran = home.run(&command).fails(5);
    assert!(tokens.seen().is_empty());
    let shown: Vec<&str> = ran.stderr.split('`').collect();
    let table = shown.iter().position(|text| text.starts_with("[registry."));
    let at = table.unwrap_or_else(|| panic!("{ran:#?}"));
    let config = format!("{}\n{}\n", shown[at], shown[at + 2]);
    home.write(".config/imgdex/config.toml", config);
    assert_eq!(home.run(&command).ok().stdout, "1\n");
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn names_and_warnings_of_a_registry_are_not_obeyed_by_the_terminal() {
    let home = Home::new();
    let server = FaultServer::start(|seen| {
        let names = r#"["\u001b[31mred","a\u202eb","\u0007\r\nx"]"#;
        let key = match seen.target.starts_with("/v2/_catalog") {
            true => "repositories",
            false => "tags",
        };
        let reply = Reply::new(200, format!(r#"{{"{key}":{names}}}"#));
        reply.with("Warning", "299 - \"\t\u{9b}31m\"")
    });
    let host = server.host();
    for command in [format!("tags {host}/a"), format!("repositories {host}")] {
        for format in ["table", "name", "csv", "json", "yaml"] {
            let ran = home.run(&format!("registry {command} -o {format}")).ok();
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            let obeyed = |one: char| one != '\n' && (one.is_control() || one == '\u{202e}');
            assert!(!shown.contains(obeyed), "{command} {format}: {ran:#?}");
        }
    }
}

#[test]
fn what_a_registry_says_is_not_obeyed_by_the_terminal() {
    let home = Home::new();
    let body = r#"{"errors":[{"code":"DENIED","message":"\u001b[31mred\u202e"}]}"#;
    let server = FaultServer::start(move |_| Reply::new(403, body));
    let ran = home
        .run(&format!("registry tags {}/a", server.host()))
        .fails(5);
    assert!(
        ran.stderr
            .contains(r"registry said: DENIED: \u{1b}[31mred\u{202e}"),
        "{ran:#?}"
    );
}

#[test]
fn a_repository_with_a_tag_and_a_bad_reference_are_bad_input() {
    let home = Home::new();
    home.run("registry tags alpine:3").fails(2);
    home.run("registry digest Alpine").fails(2);
    home.call("registry tags alpine")
        .env("IMGDEX_REGISTRY", "not a host")
        .run()
        .fails(2);
}
