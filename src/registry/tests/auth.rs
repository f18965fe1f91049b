//! Faults of registries that ask who it is.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Mutex;
use std::task::Poll;

use super::*;

/// Returns a registry that gives tokens itself: `token` answers `/token`.
fn registry(token: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |seen| {
        if seen.target.starts_with("/token") {
            return token(seen);
        }
        match seen.header("authorization").strip_prefix("Bearer good") {
            Some(_) => good(),
            None => {
                let host = seen.header("host");
                let challenge = format!(
                    "Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:a:pull\""
                );
                Reply::new(401, "").with("WWW-Authenticate", challenge)
            }
        }
    })
}

fn try_as(server: &FaultServer, credential: Option<Credential>) -> String {
    let network = network(settings(&server.host(), plain()), credential);
    match network.wait(network.client.manifest(&reference(server, "a:1"))) {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            assert!(!format!("{error:?}").contains("bWU6"), "{error:?}");
            told(&error).replace(&server.port().to_string(), "PORT")
        }
    }
}

fn targets(server: &FaultServer) -> Vec<String> {
    let line = |seen: &Seen| format!("{} {}", seen.method, seen.target);
    server.seen().iter().map(line).collect()
}

const CANNOT: &str = "cannot read the manifest of `127.0.0.1:PORT/a:1`";

#[test]
fn a_token_is_asked_for_and_shown() {
    let server = registry(|_| Reply::new(200, r#"{"token":"good"}"#));
    assert_eq!(try_as(&server, Some(user())), "ok");
    let manifest = "GET /v2/a/manifests/1";
    let token = "GET /token?service=s&scope=repository%3Aa%3Apull&account=me";
    assert_eq!(targets(&server), [manifest, token, manifest]);
    assert_eq!(
        server.seen()[1].header("authorization"),
        "Basic bWU6aHVudGVyMg=="
    );
    assert_eq!(server.seen()[2].header("authorization"), "Bearer good");
}

#[test]
fn a_token_is_kept_as_long_as_it_lasts_and_for_its_repository() {
    let check = |body: &'static str, expected: usize| {
        let server = registry(move |_| Reply::new(200, body));
        let network = network(settings(&server.host(), plain()), None);
        for name in ["a:1", "a:2", "b:1"] {
            let asked = network.wait(network.client.manifest(&reference(&server, name)));
            asked.expect("a manifest");
        }
        let tokens = targets(&server);
        let tokens = tokens.iter().filter(|line| line.contains("/token")).count();
        assert_eq!(tokens, expected, "{body}");
        // Only the first request was made without a token.
        assert_eq!(server.seen().len(), 4 + expected, "{body}");
    };
    check(r#"{"token":"good","expires_in":300}"#, 2);
    check(r#"{"token":"good","expires_in":99999999999999999999}"#, 2);
    check(r#"{"token":"good","expires_in":-1}"#, 3);
}

#[test]
fn those_who_need_one_token_at_once_ask_for_one() {
    let server = registry(|_| Reply::new(200, r#"{"token":"good"}"#));
    let network = network(settings(&server.host(), plain()), None);
    let asked = reference(&server, "a:1");
    let client = &network.client;
    let ask = || Box::pin(async { client.manifest(&asked).await.is_ok() });
    let mut waiting = vec![ask(), ask(), ask()];
    // Each is polled by turns, as far as it comes.
    network.wait(std::future::poll_fn(|context| {
        waiting.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(went_well) => {
                assert!(went_well);
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
    let tokens = targets(&server);
    assert_eq!(
        tokens.iter().filter(|line| line.contains("/token")).count(),
        1,
        "{tokens:?}"
    );
}

#[test]
fn a_kept_token_that_was_taken_back_is_asked_for_again_once() {
    let used = Mutex::new(HashSet::new());
    let count = Mutex::new(0);
    let server = FaultServer::start(move |seen| {
        let host = seen.header("host");
        if seen.target.starts_with("/token") {
            let mut count = count.lock().expect("a count");
            *count += 1;
            return Reply::new(200, format!(r#"{{"token":"t{count}","expires_in":300}}"#));
        }
        // Every token serves once.
        let shown = seen.header("authorization").to_owned();
        if !shown.is_empty() && used.lock().expect("a set").insert(shown) {
            return good();
        }
        let challenge = format!("Bearer realm=\"http://{host}/token\"");
        Reply::new(401, "").with("WWW-Authenticate", challenge)
    });
    let network = network(settings(&server.host(), plain()), None);
    for _ in 0..3 {
        let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
        asked.expect("a manifest");
    }
    assert_eq!(server.seen().len(), 3 + 3 + 3);
}

#[test]
fn a_401_loop_ends() {
    let server = registry(|_| Reply::new(200, r#"{"token":"bad"}"#));
    assert_eq!(
        try_as(&server, Some(user())),
        format!("Denied: {CANNOT}: `127.0.0.1:PORT` refused the credentials (401 Unauthorized)")
    );
    assert_eq!(server.seen().len(), 3);
    let basic = || Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"");
    let server = FaultServer::start(move |_| basic());
    assert_eq!(
        try_as(&server, Some(user())),
        format!("Denied: {CANNOT}: `127.0.0.1:PORT` refused the credentials (401 Unauthorized)")
    );
    assert_eq!(server.seen().len(), 2);
    assert_eq!(
        try_as(&server, None),
        format!(
            "Denied: {CANNOT}: `127.0.0.1:PORT` wants credentials, and there are none for it (401 \
             Unauthorized)"
        )
    );
}

#[test]
fn a_narrower_scope_than_asked_is_named() {
    let server = FaultServer::start(|seen| {
        let host = seen.header("host");
        if seen.target.starts_with("/token") {
            return Reply::new(200, r#"{"token":"narrow"}"#);
        }
        let error = match seen.header("authorization") {
            "" => "",
            _ => ",error=\"insufficient_scope\"",
        };
        let challenge =
            format!("Bearer realm=\"http://{host}/token\",scope=\"repository:a:pull\"{error}");
        Reply::new(401, "").with("WWW-Authenticate", challenge)
    });
    assert_eq!(
        try_as(&server, Some(user())),
        format!(
            "Denied: {CANNOT}: the token that was given does not allow `repository:a:pull` (401 \
             Unauthorized)"
        )
    );
}

#[test]
fn a_hostile_or_missing_realm_is_sent_nothing() {
    let thief = FaultServer::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let check = |challenge: String, rule: &str| {
        let server =
            FaultServer::start(move |_| Reply::new(401, "").with("WWW-Authenticate", &*challenge));
        let told = try_as(&server, Some(user()));
        assert!(
            told.starts_with(&format!("Denied: {CANNOT}: {rule}")),
            "{told}"
        );
        assert_eq!(server.seen().len(), 1);
    };
    let port = thief.port();
    check(
        format!("Bearer realm=\"http://localhost:{port}/token\""),
        &format!(
            "`127.0.0.1:PORT` wants its password given to `http://localhost:{port}`, which is \
             another host or has no TLS; nothing was sent"
        ),
    );
    check(
        "Bearer service=\"s\"".to_owned(),
        "`127.0.0.1:PORT` asks for a token and does not say whose",
    );
    assert!(thief.seen().is_empty());
}

#[test]
fn a_pinned_realm_is_asked() {
    let tokens = FaultServer::start(|_| Reply::new(200, r#"{"access_token":"good"}"#));
    let realm = format!("http://localhost:{}", tokens.port());
    let named = format!("Bearer realm=\"{realm}/token\"");
    let server = FaultServer::start(move |seen| match seen.header("authorization") {
        "Bearer good" => good(),
        _ => Reply::new(401, "").with("WWW-Authenticate", named.clone()),
    });
    let said = HostSettings {
        realm: Some(realm),
        ..plain()
    };
    let network = network(settings(&server.host(), said), Some(user()));
    network
        .wait(network.client.manifest(&reference(&server, "a:1")))
        .expect("a manifest");
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn what_is_no_token_is_refused() {
    let check = |reply: Reply, expected: &str| {
        let server = registry(move |_| reply.clone());
        assert_eq!(try_as(&server, Some(user())), format!("{expected}"));
    };
    let none = "the token service `127.0.0.1` gave an answer that holds no token";
    check(
        Reply::new(200, "<html>hunter2"),
        &format!("Violation: {CANNOT}: {none}"),
    );
    check(
        Reply::new(200, r#"{"expires_in":1}"#),
        &format!("Violation: {CANNOT}: {none}"),
    );
    let large = format!(r#"{{"token":"{}"}}"#, "x".repeat(1024 * 1024));
    check(
        Reply::new(200, large),
        &format!("Violation: {CANNOT}: `127.0.0.1:PORT` answered with more than 1 MiB"),
    );
    check(
        Reply::new(401, r#"{"details":"incorrect username or password"}"#),
        &format!(
            "Denied: {CANNOT}: the token service `127.0.0.1` gave no token (401 Unauthorized); \
             registry said: incorrect username or password"
        ),
    );
    check(
        Reply::new(200, "{\"token\":\"good\\r\\nX: y\"}"),
        &format!("Denied: {CANNOT}: the credentials hold characters that cannot be sent"),
    );
}

#[test]
fn an_identity_token_is_changed_for_a_token_and_goes_nowhere_else() {
    let server = registry(|seen| match seen.body.contains("refresh_token=hunter2") {
        true => Reply::new(200, r#"{"access_token":"good"}"#),
        false => Reply::new(400, ""),
    });
    let credential = Credential::IdentityToken(SecretString::from("hunter2"));
    assert_eq!(try_as(&server, Some(credential)), "ok");
    let seen = server.seen();
    assert_eq!(
        (seen[1].method.as_str(), seen[1].target.as_str()),
        ("POST", "/token")
    );
    assert_eq!(
        seen[1].body,
        "grant_type=refresh_token&service=s&scope=repository%3Aa%3Apull&client_id=imgdex&\
         refresh_token=hunter2"
    );
    assert!(!seen[2].header("authorization").contains("hunter2"));
}

#[test]
fn a_registry_token_is_shown_to_the_registry_alone() {
    let server = registry(|_| Reply::new(500, ""));
    let credential = Credential::RegistryToken(SecretString::from("good"));
    assert_eq!(try_as(&server, Some(credential)), "ok");
    assert!(targets(&server).iter().all(|line| !line.contains("/token")));
}

#[test]
fn forbidden_is_denied() {
    let server = FaultServer::start(|_| {
        Reply::new(
            403,
            r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#,
        )
    });
    assert_eq!(
        try_as(&server, None),
        format!(
            "Denied: {CANNOT}: `127.0.0.1:PORT` wants credentials, and there are none for it (403 \
             Forbidden); registry said: DENIED: not yours"
        )
    );
}

#[test]
fn who_has_only_what_anybody_is_given_is_told_to_log_in() {
    let server = FaultServer::start(|seen| {
        let host = seen.header("host");
        match (
            seen.target.starts_with("/token"),
            seen.header("authorization"),
        ) {
            (true, _) => Reply::new(200, r#"{"token":"good"}"#),
            (false, "") => Reply::new(401, "").with(
                "WWW-Authenticate",
                format!("Bearer realm=\"http://{host}/token\""),
            ),
            (false, _) => Reply::new(403, ""),
        }
    });
    let network = network(settings(&server.host(), plain()), None);
    let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
    let error = asked.expect_err("refused");
    let told = told(&error);
    assert!(
        told.contains("wants credentials, and there are none for it"),
        "{told}"
    );
    let login = format!("`imgdex login {}`; in CI, set ", server.host());
    assert!(error.hint.is_some_and(|hint| hint.starts_with(&login)));
}

#[test]
fn a_registry_that_repeats_what_it_was_shown_is_not_quoted_in_that() {
    let server = FaultServer::start(|seen| match seen.header("authorization") {
        "" => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        shown => {
            let words = format!("not hunter2, and not {shown}");
            Reply::new(
                403,
                format!(r#"{{"errors":[{{"code":"DENIED","message":"{words}"}}]}}"#),
            )
        }
    });
    let told = try_as(&server, Some(user()));
    let said = "registry said: DENIED: not <redacted>, and not Basic <redacted>";
    assert!(told.ends_with(said), "{told}");
}
