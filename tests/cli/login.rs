//! `imgdex login` and `imgdex logout`.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::docker_registry::DockerRegistry;
use crate::fault_server::{FaultServer, Reply};
use crate::support::{Home, PROGRAM};

const FILE: &str = ".config/containers/auth.json";

fn text(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path().join(name)).unwrap_or_default()
}

#[test]
fn a_login_is_checked_kept_used_and_forgotten() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.run(&format!("registry digest {host}/app:1")).fails(5);
    let login = format!("login https://{host}/ -u me --password-stdin");
    let ran = home.pipe("hunter2\n", &login).ok();
    insta::assert_snapshot!(ran.snapshot(&home).replace(&host, "HOST"), @r"
    exit code: 0
    ----- stderr -----
    warning: the credentials are kept in `<home>/.config/containers/auth.json`, which is not encrypted
    logged in to `HOST` as `me`
    ");
    let path = home.path().join(FILE);
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!text(&home, FILE).contains("hunter2"));
    home.run(&format!("registry digest {host}/app:1")).ok();
    let ran = home.run(&format!("logout {host}")).ok();
    assert_eq!(ran.stderr, format!("logged out of `{host}`\n"));
    home.run(&format!("registry digest {host}/app:1")).fails(5);
    home.run(&format!("logout {host}")).fails(4);
}

#[test]
fn a_wrong_password_is_not_kept() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let login = format!("login {} -u me --password-stdin", registry.host());
    let ran = home.pipe("swordfish", &login).fails(5);
    assert!(ran.stderr.contains("refused the credentials"), "{ran:#?}");
    assert!(!ran.stderr.contains("swordfish"), "{ran:#?}");
    assert_eq!(text(&home, FILE), "");
    // Nobody is there to say whether it is right.
    home.pipe("hunter2", "login 127.0.0.1:1 -u me --password-stdin")
        .fails(6);
    assert_eq!(text(&home, FILE), "");
}

#[test]
fn a_login_goes_where_it_is_told() {
    let registry = DockerRegistry::with_password();
    let login = format!("login {} -u me --password-stdin", registry.host());
    let check = |more: &str, variable: Option<(&str, &str)>, file: &str| {
        let home = Home::new();
        let mut call = home.call(&format!("{login} {more}")).stdin("hunter2");
        if let Some((name, value)) = variable {
            std::fs::create_dir(home.path().join("run")).expect("a folder");
            call = call.env(name, home.path().join(value).display().to_string());
        }
        call.run().ok();
        assert!(
            text(&home, file).contains("bWU6aHVudGVyMg=="),
            "{more} {variable:?}"
        );
    };
    check("", None, FILE);
    check("--docker", None, ".docker/config.json");
    check("--authfile own.json", None, "own.json");
    check("", Some(("REGISTRY_AUTH_FILE", "named.json")), "named.json");
    check(
        "",
        Some(("XDG_RUNTIME_DIR", "run")),
        "run/containers/auth.json",
    );
    check(
        "--docker",
        Some(("DOCKER_CONFIG", "run")),
        "run/config.json",
    );
}

#[test]
fn a_helper_that_the_file_names_keeps_the_password() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.program(
        "docker-credential-test",
        "#!/bin/sh\ncase \"$1\" in\n  store) cat > \"$HOME/kept\" ;;\n  get) cat > /dev/null; [ -f \
         \"$HOME/kept\" ] && cat \"$HOME/kept\" || { echo 'credentials not found'; exit 1; } ;;\n  \
         erase) rm -f \"$HOME/kept\" ;;\nesac\n",
    );
    home.write(FILE, r#"{"credsStore":"test"}"#);
    let run = |command: String| home.pipe("hunter2", &command);
    let ran = run(format!("login {host} -u me --password-stdin")).ok();
    assert!(
        ran.stderr.contains("kept by `docker-credential-test`"),
        "{ran:#?}"
    );
    assert_eq!(text(&home, FILE), r#"{"credsStore":"test"}"#);
    assert!(text(&home, "kept").contains("\"Secret\":\"hunter2\""));
    run(format!("registry digest {host}/app:1")).ok();
    run(format!("logout {host}")).ok();
    assert_eq!(text(&home, "kept"), "");
    run(format!("registry digest {host}/app:1")).fails(5);
}

#[test]
fn a_registry_that_does_not_ask_is_said_to_have_checked_nothing() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let login = format!("login {} --token-stdin", registry.host());
    let ran = home.pipe("token", &login).ok();
    assert!(ran.stderr.contains("did not ask who it is"), "{ran:#?}");
    assert!(text(&home, FILE).contains("\"identitytoken\": \"token\""));
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let home = Home::new();
    for command in [
        "login h.example -u me --password hunter2",
        "login h.example -u me -p hunter2",
        "login h.example -u me --password",
    ] {
        let ran = home.run(command).fails(2);
        assert!(ran.stderr.contains("--password-stdin"), "{ran:#?}");
        assert!(!ran.stderr.contains("hunter2"), "{ran:#?}");
    }
}

#[test]
fn what_is_missing_without_a_terminal_is_named() {
    let home = Home::new();
    let check = |command: &str, input: &str, words: &str| {
        let ran = home.pipe(input, command).fails(2);
        assert!(ran.stderr.contains(words), "{command}: {ran:#?}");
    };
    check("login h.example", "", "without a user name");
    check("login h.example -u me", "", "without a password");
    check("login h.example -u me --password-stdin", "\n", "is empty");
    check("login h.example -u a:b --password-stdin", "x", "no `:`");
    check(
        "login h.example --password-stdin",
        "x",
        "without a user name",
    );
    check(
        "login h.example -u me --token-stdin",
        "x",
        "cannot be used with",
    );
    check("logout Not/a/host", "", "error");
    for command in ["login", "logout", "registry repositories"] {
        let command = format!("{command} https://h.example:5000/team");
        check(&command, "", "the registry is `h.example:5000`");
    }
}

#[test]
fn a_half_written_file_is_not_written_over() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    home.write(FILE, r#"{"auths":{"a":{"auth":"c2Vjcm"#);
    let login = format!("login {} -u me --password-stdin", registry.host());
    let ran = home.pipe("hunter2", &login).fails(2);
    assert!(!ran.stderr.contains("c2Vjcm"), "{ran:#?}");
    assert_eq!(text(&home, FILE), r#"{"auths":{"a":{"auth":"c2Vjcm"#);
}

/// Runs a command on a terminal that shows what is typed, types each text once
/// the words before it are shown, and returns how it ended and what was shown.
pub fn typed(home: &Home, command: &str, dialogue: &[(&str, &str)]) -> (i32, String) {
    let mut child = home
        .command("script")
        .args([
            "-qec",
            &format!("trap : INT; stty cols 200; {PROGRAM} {command}"),
            "/dev/null",
        ])
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut shown = Vec::new();
    let mut byte = [0];
    for (words, answer) in dialogue {
        while !String::from_utf8_lossy(&shown).ends_with(words) {
            assert_eq!(stdout.read(&mut byte).expect("it is read"), 1, "{words}");
            shown.push(byte[0]);
        }
        stdin.write_all(answer.as_bytes()).expect("typed");
        stdin.flush().expect("typed");
    }
    stdout.read_to_end(&mut shown).expect("it is read");
    let code = child.wait().expect("it ends").code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn on_a_terminal_what_is_missing_is_asked_for_and_the_password_is_not_shown() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let command = format!("login {}", registry.host());
    let dialogue = [("User name: ", "me\n"), ("Password: ", "hunter2\n")];
    let (code, shown) = typed(&home, &command, &dialogue);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("logged in to"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn an_empty_password_that_is_typed_is_not_shown_to_anybody() {
    let (home, server) = (Home::new(), FaultServer::start(|_| Reply::new(401, "")));
    let command = format!("login {} -u me", server.host());
    let (code, shown) = typed(&home, &command, &[("Password: ", "\n")]);
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("without a password"), "{shown}");
    assert!(server.seen().is_empty());
}

#[test]
fn an_identity_token_for_a_registry_with_passwords_is_told() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let host = registry.host();
    let ran = home.pipe("token", &format!("login {host} --token-stdin"));
    insta::assert_snapshot!(ran.snapshot(&home).replace(&host, "HOST"), @r"
    exit code: 5
    ----- stderr -----
    error: cannot log in to `HOST`: `HOST` asks for a user name and a password, and takes no identity token
    hint: `imgdex login HOST -u NAME --password-stdin`
    ");
    assert_eq!(text(&home, FILE), "");
}

#[test]
fn logins_at_once_are_all_kept() {
    let home = Home::new();
    let servers: Vec<FaultServer> = (0..12)
        .map(|_| FaultServer::start(|_| Reply::new(200, "{}")))
        .collect();
    let hosts: Vec<String> = servers.iter().map(FaultServer::host).collect();
    std::thread::scope(|scope| {
        for host in &hosts {
            let login = format!("login {host} -u me --password-stdin");
            let home = &home;
            scope.spawn(move || home.pipe("hunter2", &login).ok());
        }
    });
    let kept = text(&home, FILE);
    for host in &hosts {
        assert!(kept.contains(&format!("\"{host}\"")), "{host}: {kept}");
    }
}

#[test]
fn an_interrupt_at_the_password_gives_the_terminal_back() {
    let home = Home::new();
    let dialogue = [("Password: ", "\u{3}")];
    let command = "login h.example -u me; echo code $?; stty -a";
    let (_, shown) = typed(&home, command, &dialogue);
    assert!(shown.contains("code 130"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
}
