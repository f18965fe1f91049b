//! A registry that wants tokens, and the service that gives them.

use crate::docker_registry::DockerRegistry;
use crate::support::{Home, Ran};
use crate::token_server::{IDENTITY, PASSWORD, Policy, TokenServer};

fn shown(ran: &Ran, home: &Home, registry: &DockerRegistry) -> String {
    ran.snapshot(home).replace(&registry.host(), "HOST")
}

#[test]
fn anybody_may_look_at_what_is_public_with_one_token_however_many_requests() {
    let (home, tokens) = (Home::new(), TokenServer::start());
    let registry = tokens.registry();
    registry.index("public/app", "1", &["amd64", "arm64"]);
    let host = registry.host();
    // The index, a manifest and a config.
    let inspect = format!("registry inspect {host}/public/app:1 -o name");
    home.run(&inspect).ok();
    assert_eq!(tokens.asked(), ["- repository:public/app:pull"]);
    assert_eq!(tokens.seen()[0].header("authorization"), "");
}

#[test]
fn who_is_denied_is_told_to_log_in() {
    let (home, tokens) = (Home::new(), TokenServer::start());
    let registry = tokens.registry();
    registry.image("team/app", "1", "amd64");
    let ran = home.run(&format!("registry digest {}/team/app:1", registry.host()));
    insta::assert_snapshot!(shown(&ran, &home, &registry), @r"
    exit code: 5
    ----- stderr -----
    error: cannot look `HOST/team/app:1` up: the token that anybody is given does not allow `repository:team/app:pull` (401 Unauthorized)
    hint: `imgdex login HOST`; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
}

#[test]
fn credentials_of_every_place_are_changed_for_a_token() {
    let tokens = TokenServer::start();
    let registry = tokens.registry();
    registry.image("team/app", "1", "amd64");
    let host = registry.host();
    let command = format!("registry digest {host}/team/app:1");
    let text = |key: &str| format!(r#"{{"auths":{{"{key}":{{"auth":"bWU6aHVudGVyMg=="}}}}}}"#);
    let mut asked = 0;
    let mut as_me = |ran: Ran| {
        ran.ok();
        let found = tokens.asked();
        assert_eq!(found[asked..], ["me repository:team/app:pull"]);
        asked = found.len();
    };
    let home = Home::new();
    as_me(
        home.call(&command)
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", "me")
            .env("IMGDEX_REGISTRY_PASSWORD", PASSWORD)
            .run(),
    );
    home.write("named.json", text(&host));
    as_me(home.run(&format!("{command} --authfile named.json")));
    as_me(
        home.call(&command)
            .env("REGISTRY_AUTH_FILE", "named.json")
            .run(),
    );
    let inline = home.call(&command).env("DOCKER_AUTH_CONFIG", text(&host));
    as_me(inline.run());
    for file in [
        "run/containers/auth.json",
        ".config/containers/auth.json",
        ".docker/config.json",
    ] {
        let home = Home::new();
        home.write(file, text(&format!("{host}/team")));
        as_me(home.call(&command).env("XDG_RUNTIME_DIR", "run").run());
    }
    let home = Home::new();
    home.program(
        "docker-credential-test",
        "#!/bin/sh\ncat > /dev/null\necho '{\"Username\":\"me\",\"Secret\":\"hunter2\"}'\n",
    );
    home.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    as_me(home.run(&command));
}

#[test]
fn a_token_that_ran_out_is_asked_for_again_and_one_that_never_served_is_not() {
    let home = Home::new();
    let tokens = TokenServer::with(Policy {
        expires_in: 1,
        ..Policy::default()
    });
    let registry = tokens.registry();
    registry.image("public/app", "1", "amd64");
    home.run(&format!(
        "registry inspect {}/public/app:1",
        registry.host()
    ))
    .ok();
    // One for the manifest, and one for the config.
    assert_eq!(tokens.asked().len(), 2);

    let tokens = TokenServer::with(Policy {
        lasts: -3600,
        ..Policy::default()
    });
    let registry = tokens.registry();
    let command = format!("registry tags {}/public/app", registry.host());
    let ran = home.run(&command).fails(5);
    let rule = "wants credentials, and there are none for it";
    assert!(ran.stderr.contains(rule), "{ran:#?}");
    assert_eq!(tokens.asked().len(), 1);
}

#[test]
fn a_token_for_less_than_was_asked_is_told() {
    let home = Home::new();
    let tokens = TokenServer::with(Policy {
        only: Some("pull"),
        ..Policy::default()
    });
    let registry = tokens.registry();
    registry.image("team/app", "1", "amd64");
    let host = registry.host();
    home.pipe(PASSWORD, &format!("login {host} -u me --password-stdin"))
        .ok();
    let ran = home.run(&format!("registry delete {host}/team/app:1 --yes"));
    insta::assert_snapshot!(shown(&ran, &home, &registry), @r"
    exit code: 5
    ----- stderr -----
    error: cannot delete `HOST/team/app:1`: the token that was given does not allow `repository:team/app:delete` (401 Unauthorized); registry said: UNAUTHORIZED: authentication required
    hint: `imgdex login HOST` as somebody else; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
    let asked = tokens.asked();
    let last = asked.last().expect("a token was asked for");
    assert_eq!(last, "me repository:team/app:pull,delete");
}

#[test]
fn an_identity_token_is_changed_for_tokens() {
    let (home, tokens) = (Home::new(), TokenServer::start());
    let registry = tokens.registry();
    registry.image("team/app", "1", "amd64");
    let host = registry.host();
    let login = format!("login {host} --token-stdin");
    home.pipe("not-the-token", &login).fails(5);
    home.pipe(format!("{IDENTITY}\n"), &login).ok();
    home.run(&format!("registry digest {host}/team/app:1")).ok();
    assert_eq!(
        tokens.asked(),
        ["? -", "me -", "me repository:team/app:pull"]
    );
    // It is given to the service alone, and not in an address.
    let seen = tokens.seen();
    assert!(seen.iter().all(|seen| !seen.target.contains(IDENTITY)));
    assert!(
        seen.iter()
            .all(|seen| seen.header("authorization").is_empty())
    );
}

#[test]
fn names_of_robots_and_of_people_are_shown_as_they_are() {
    let tokens = TokenServer::start();
    for registry in [tokens.registry(), DockerRegistry::with_password()] {
        registry.image("team/app", "1", "amd64");
        let host = registry.host();
        for name in ["robot$apps+ci", "me@example.com"] {
            let home = Home::new();
            let login = ["login", &host, "-u", name, "--password-stdin"];
            let ran = home.call_with(&login).stdin(PASSWORD).run().ok();
            let told = format!("logged in to `{host}` as `{name}`\n");
            assert!(ran.stderr.ends_with(&told), "{ran:#?}");
            home.run(&format!("registry digest {host}/team/app:1")).ok();
        }
    }
    assert_eq!(
        tokens.asked(),
        [
            "robot$apps+ci -",
            "robot$apps+ci repository:team/app:pull",
            "me@example.com -",
            "me@example.com repository:team/app:pull",
        ]
    );
}

#[test]
fn the_list_of_repositories_has_a_scope_of_its_own() {
    let (home, tokens) = (Home::new(), TokenServer::start());
    let registry = tokens.registry();
    registry.image("team/app", "1", "amd64");
    let host = registry.host();
    let list = format!("registry repositories {host}");
    let ran = home.run(&list);
    insta::assert_snapshot!(shown(&ran, &home, &registry), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of `HOST`: the token that anybody is given does not allow `registry:catalog:*` (401 Unauthorized); registry said: UNAUTHORIZED: authentication required
    hint: many registries, Harbor among them, show this list to administrators only: `imgdex login HOST` as one of them, or look at one repository with `imgdex registry tags HOST/REPOSITORY`; on a Harbor, `imgdex harbor projects list --server HOST` and `imgdex harbor repositories PROJECT` show what you may see
    ");
    home.pipe(PASSWORD, &format!("login {host} -u me --password-stdin"))
        .ok();
    let ran = home.run(&format!("{list} -o csv")).ok();
    assert_eq!(
        ran.stdout,
        format!("name,reference\nteam/app,{host}/team/app\n")
    );
    let asked = tokens.asked();
    assert_eq!(asked.last().expect("a token"), "me registry:catalog:*");
}
