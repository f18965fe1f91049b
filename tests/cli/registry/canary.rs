//! A password is looked for everywhere that it must not be.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::docker_registry::DockerRegistry;
use crate::fault_server::{FaultServer, Reply, Seen};
use crate::support::{Home, Ran};
use crate::token_server::{PASSWORD, TokenServer};

/// The file that a login writes here, and that of the helper's values.
const KEPT: [&str; 3] = ["kept-by-file.json", "named.json", "kept-by-helper"];

/// Returns every spelling of the password: as it is, in base64 with its user, and
/// in base64 wherever it begins in a longer text.
fn spellings() -> Vec<String> {
    let mut spellings = vec![PASSWORD.to_owned()];
    for name in ["me", "robot$apps+ci"] {
        let pair = format!("{name}:{PASSWORD}");
        spellings.push(STANDARD.encode(&pair).trim_end_matches('=').to_owned());
        spellings.push(URL_SAFE.encode(&pair).trim_end_matches('=').to_owned());
    }
    for before in 0..3 {
        let text = [&[0; 3][..before], PASSWORD.as_bytes()].concat();
        let encoded = STANDARD.encode(&text);
        // Only those characters that nothing but the password decides.
        let (first, end) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
        spellings.push(encoded[first..end].to_owned());
    }
    spellings
}

fn holds(bytes: &[u8]) -> Option<String> {
    let found = |spelling: &String| {
        let spelling = spelling.as_bytes();
        bytes.windows(spelling.len()).any(|part| part == spelling)
    };
    spellings().into_iter().find(found)
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    if let Some(spelling) = holds(bytes) {
        let text = String::from_utf8_lossy(bytes);
        panic!("{what} holds `{spelling}`:\n{text}");
    }
}

/// Returns every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns a server that wants the password and sends who shows it to another.
fn redirecting(to: &FaultServer) -> FaultServer {
    let there = format!("http://localhost:{}", to.port());
    FaultServer::start(move |seen| match seen.header("authorization") {
        "" => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        _ if seen.target == "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(307, "").with("Location", format!("{there}{}", seen.target)),
    })
}

/// Returns a server that wants its token asked for at another.
fn hostile(to: &FaultServer) -> FaultServer {
    let challenge = format!("Bearer realm=\"http://localhost:{}/token\"", to.port());
    FaultServer::start(move |_| Reply::new(401, "").with("WWW-Authenticate", challenge.clone()))
}

/// Returns a server that repeats what it is shown.
fn repeating() -> FaultServer {
    FaultServer::start(|seen| match seen.header("authorization") {
        "" => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        shown => {
            let pair = shown.strip_prefix("Basic ").expect("a pair");
            let pair = STANDARD.decode(pair).expect("base64");
            let pair = String::from_utf8(pair).expect("text");
            let body = format!(
                r#"{{"errors":[{{"code":"DENIED","message":"{pair} as {shown} may not"}}]}}"#
            );
            Reply::new(403, body).with("Warning", "299 - \"go away\"")
        }
    })
}

/// How the program is given the password.
#[derive(Debug, Clone, Copy)]
enum Given {
    Environment,
    Authfile,
    Login,
    Helper,
}

/// Runs a command as one who has the password.
fn run(home: &Home, host: &str, given: Given, command: &str) -> Ran {
    let auths = format!(
        r#"{{"auths":{{"{host}":{{"auth":"{}"}}}}}}"#,
        STANDARD.encode(format!("me:{PASSWORD}"))
    );
    let call = home.call(&format!("{command} -v"));
    let call = match given {
        Given::Environment => call
            .env("IMGDEX_REGISTRY_HOST", host)
            .env("IMGDEX_REGISTRY_USERNAME", "me")
            .env("IMGDEX_REGISTRY_PASSWORD", PASSWORD),
        Given::Authfile => {
            home.write("named.json", auths);
            call.env("REGISTRY_AUTH_FILE", "named.json")
        }
        Given::Login => call.env("REGISTRY_AUTH_FILE", "kept-by-file.json"),
        Given::Helper => call.env("REGISTRY_AUTH_FILE", "helper.json"),
    };
    call.run()
}

#[test]
fn a_password_is_nowhere_but_where_it_belongs() {
    let tokens = TokenServer::start();
    let registries = [DockerRegistry::with_password(), tokens.registry()];
    let tags = r#"{"name":"team/app","tags":["1"]}"#;
    let second = FaultServer::start(move |_| Reply::new(200, tags));
    let servers = [redirecting(&second), hostile(&second), repeating()];
    let mut hosts: Vec<String> = registries.iter().map(DockerRegistry::host).collect();
    hosts.extend(servers.iter().map(FaultServer::host));

    let home = Home::new();
    let first = &hosts[0];
    let image = format!(r#"{{"name":"app","global":true,"url":"{first}/team/app:1"}}"#);
    home.pipe(image, "images create").ok();
    // As long as somebody reads, what is written stays in the file beside, too.
    let reader = rusqlite::Connection::open(home.catalog()).expect("a catalog");
    let count = "SELECT count(*) FROM images";
    reader
        .query_row(count, (), |row| row.get::<_, i64>(0))
        .expect("it is read");
    home.program(
        "docker-credential-canary",
        "#!/bin/sh\n{ echo \"$0 $*\"; tr '\\0' ' ' < /proc/$PPID/cmdline; echo; } >> \
         \"$HOME/arguments\"\ncase \"$1\" in\n  store) cat > \"$HOME/kept-by-helper\" ;;\n  \
         get) cat > /dev/null; cat \"$HOME/kept-by-helper\" ;;\nesac\n",
    );
    home.write("helper.json", r#"{"credsStore":"canary"}"#);

    let mut printed = Vec::new();
    for host in &hosts {
        for file in ["kept-by-file.json", "helper.json"] {
            for user in ["me", "robot$apps+ci"] {
                let login = ["login", "-v", host, "-u", user, "--password-stdin"];
                let call = home.call_with(&login).env("REGISTRY_AUTH_FILE", file);
                printed.push(call.stdin(PASSWORD).run());
            }
        }
        for given in [
            Given::Environment,
            Given::Authfile,
            Given::Login,
            Given::Helper,
        ] {
            for command in [
                format!("registry tags {host}/team/app"),
                format!("registry inspect {host}/team/app:1 -o json"),
                format!("registry repositories {host}"),
                format!("registry delete {host}/team/app:1 --yes -o json"),
                "images update app --description new".to_owned(),
                "config show".to_owned(),
                "doctor".to_owned(),
            ] {
                printed.push(run(&home, host, given, &command));
            }
        }
    }
    for command in [
        "images list -o json",
        "images history app -o json",
        "metadata export --all --directory exported",
        "metadata export primehub --all --directory exported",
        "catalog backup backup.db",
    ] {
        printed.push(home.run(command).ok());
    }

    // It was used, and it went to another host.
    let shown = |seen: &Seen| holds(seen.header("authorization").as_bytes()).is_some();
    assert!(servers[0].seen().iter().any(shown));
    assert!(servers[2].seen().iter().any(shown));
    assert!(tokens.seen().iter().any(shown));
    assert!(!second.seen().is_empty());
    for kept in KEPT {
        let text = fs::read(home.path().join(kept)).expect(kept);
        assert!(holds(&text).is_some(), "{kept}");
    }
    let arguments = fs::read_to_string(home.path().join("arguments")).expect("it was run");
    assert!(arguments.contains("docker-credential-canary get"));
    assert!(arguments.contains("docker-credential-canary store"));
    assert!(arguments.contains("--password-stdin"));
    assert!(home.catalog().with_extension("db-wal").exists());

    for ran in &printed {
        clean(
            "what was printed",
            format!("{}\n{}", ran.stdout, ran.stderr).as_bytes(),
        );
    }
    for seen in second.seen() {
        clean("what another host saw", format!("{seen:?}").as_bytes());
    }
    for server in &servers {
        for seen in server.seen() {
            clean("an address", seen.target.as_bytes());
        }
    }
    for seen in tokens.seen() {
        clean("an address", seen.target.as_bytes());
    }
    for path in files(home.path()) {
        if !KEPT.iter().any(|kept| path.ends_with(kept)) {
            clean(
                &path.display().to_string(),
                &fs::read(&path).expect("it is read"),
            );
        }
    }
    drop(reader);
}

#[test]
fn a_password_is_found_wherever_it_begins_in_base64() {
    for before in ["", "a", "ab", "abc", "robot:"] {
        for after in ["", "z", "yz"] {
            let text = format!("{before}{PASSWORD}{after}");
            assert!(holds(STANDARD.encode(&text).as_bytes()).is_some(), "{text}");
        }
    }
    assert_eq!(holds(STANDARD.encode("me:swordfish").as_bytes()), None);
}
