//! Who asks: credentials of the environment and of other tools' files.

use crate::docker_registry::DockerRegistry;
use crate::support::Home;

#[test]
fn credentials_come_from_every_place_that_is_known() {
    let registry = DockerRegistry::with_password();
    let host = registry.host();
    registry.image("team/app", "1", "amd64");
    let command = format!("registry digest {host}/team/app:1");
    let text = |key: &str| format!(r#"{{"auths":{{"{key}":{{"auth":"bWU6aHVudGVyMg=="}}}}}}"#);

    let home = Home::new();
    let ran = home.run(&command).fails(5);
    assert!(
        ran.stderr
            .contains("wants credentials, and there are none for it"),
        "{ran:#?}"
    );

    home.call(&command)
        .env("IMGDEX_REGISTRY_HOST", format!("https://{host}/"))
        .env("IMGDEX_REGISTRY_USERNAME", "me")
        .env("IMGDEX_REGISTRY_PASSWORD", "hunter2")
        .run()
        .ok();
    home.write("named.json", text(&host));
    home.run(&format!("{command} --authfile named.json")).ok();
    let named = home.path().join("named.json").display().to_string();
    home.call(&command)
        .env("REGISTRY_AUTH_FILE", &named)
        .run()
        .ok();
    home.call(&command)
        .env("DOCKER_AUTH_CONFIG", text(&host))
        .run()
        .ok();
    for file in [
        "run/containers/auth.json",
        ".config/containers/auth.json",
        ".docker/config.json",
    ] {
        let home = Home::new();
        home.write(file, text(&format!("{host}/team")));
        let runtime = home.path().join("run").display().to_string();
        home.call(&command)
            .env("XDG_RUNTIME_DIR", runtime)
            .run()
            .ok();
    }
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let host = registry.host();
    let ran = home
        .call(&format!("registry tags {host}/app"))
        .env("IMGDEX_REGISTRY_HOST", &host)
        .env("IMGDEX_REGISTRY_USERNAME", "me")
        .env("IMGDEX_REGISTRY_PASSWORD", "swordfish")
        .run()
        .fails(5);
    assert!(ran.stderr.contains("refused the credentials"), "{ran:#?}");
    assert!(!ran.stderr.contains("swordfish"), "{ran:#?}");
}

#[test]
fn a_file_that_is_named_and_missing_is_told() {
    let home = Home::new();
    let ran = home
        .run("registry tags 127.0.0.1:1/app --authfile missing.json")
        .fails(4);
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: there is no file of credentials `missing.json`
    hint: name another with `--authfile`
    ");
}

#[test]
fn a_helper_that_fails_and_a_broken_file_keep_nobody_from_asking() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.write(
        ".docker/config.json",
        r#"{"credsStore":"imgdex-test-missing"}"#,
    );
    home.write(
        ".config/containers/auth.json",
        r#"{"auths":{"a":{"auth":"c2Vjcm"#,
    );
    // Nobody is asked who it is, so that nobody looks.
    let ran = home.run(&format!("registry digest {host}/app:1")).ok();
    assert_eq!(ran.stderr, "");
    let registry = DockerRegistry::with_password();
    let host = registry.host();
    let ran = home.run(&format!("registry digest {host}/app:1")).fails(5);
    let ran = ran.snapshot(&home).replace(&host, "HOST");
    insta::assert_snapshot!(ran, @r"
    exit code: 5
    ----- stderr -----
    warning: `<home>/.config/containers/auth.json` is passed over: it is no file of credentials (line 1, column 29)
    warning: the credential helper `docker-credential-imgdex-test-missing` is not installed; `HOST` is asked without credentials of it
    error: cannot look `HOST/app:1` up: `HOST` wants credentials, and there are none for it (401 Unauthorized)
    hint: `imgdex login HOST`; in CI, set IMGDEX_REGISTRY_HOST=HOST, IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD
    ");
}

#[test]
fn what_a_helper_prints_is_not_shown() {
    let registry = DockerRegistry::with_password();
    let host = registry.host();
    let check = |script: &str, rule: &str| {
        let home = Home::new();
        home.program("docker-credential-test", script);
        home.write(
            ".docker/config.json",
            r#"{"credHelpers":{"HOST":"test"}}"#.replace("HOST", &host),
        );
        let ran = home.run(&format!("registry tags {host}/app -v")).fails(5);
        assert!(ran.stderr.contains(rule), "{ran:#?}");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:#?}");
    };
    check(
        "#!/bin/sh\ncat > /dev/null; echo hunter2; echo hunter2 >&2; exit 1\n",
        "could not look the value up",
    );
    check(
        "#!/bin/sh\ncat > /dev/null; echo 'hunter2 {\"Secret\":\"hunter2\"}'\n",
        "gave an answer that is not of its protocol",
    );
    check(
        "#!/bin/sh\ncat > /dev/null; printf '%s' '{\"Username\":\"me\",\"Secret\":\"hunter2\\n\"}'\n",
        "refused the credentials",
    );
}

#[test]
fn a_host_with_a_line_end_is_nobody_s() {
    // What a helper reads ends with the line: a second one could ask for another
    // host's secret.
    let home = Home::new();
    home.program(
        "docker-credential-test",
        "#!/bin/sh\ncat > \"$HOME/asked\"\n",
    );
    home.write(".config/containers/auth.json", r#"{"credsStore":"test"}"#);
    for host in [
        "h.example\nevil.example",
        "h.example\r",
        "h\r\n.example:5000",
    ] {
        for command in [
            &["login", host, "-u", "me", "--password-stdin"][..],
            &["logout", host],
            &["registry", "tags", &format!("{host}/app")],
            &["registry", "search", host, "text"],
        ] {
            let ran = home.call_with(command).stdin("hunter2").run().fails(2);
            assert!(!ran.stderr.contains('\r'), "{ran:#?}");
        }
    }
    assert!(!home.path().join("asked").exists());

    let registry = DockerRegistry::with_password();
    let host = registry.host();
    let auth = "bWU6aHVudGVyMg==";
    let text = [
        format!(r#"{{"auths":{{"{host}\r\n":{{"auth":"{auth}"}}}}}}"#),
        format!(r#"{{"auths":{{"{host}\n/app":{{"auth":"{auth}"}}}}}}"#),
        format!(r#"{{"credHelpers":{{"{host}\nevil.example":"test"}}}}"#),
    ];
    for text in text {
        home.write("auth.json", &text);
        let tags = format!("registry tags {host}/app --authfile auth.json");
        let ran = home.run(&tags).fails(5);
        assert!(
            ran.stderr.contains("there are none for it"),
            "{text} {ran:#?}"
        );
    }
}
