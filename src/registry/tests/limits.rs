//! What a registry may cost, and where what is shown to it may go.

use super::*;
use crate::domain::manifest::Descriptor;
use crate::registry::fault_server::Fault;

/// Returns a registry that gives tokens at this address and takes any.
fn registry(realm: impl Fn(&str) -> String + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |seen| match seen.header("authorization") {
        "" => {
            let realm = realm(seen.header("host"));
            Reply::new(401, "").with("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))
        }
        _ => good(),
    })
}

/// Returns a service that sends whoever wants a token to another server.
fn moved(to: &FaultServer) -> FaultServer {
    let there = format!("http://{}/elsewhere", to.host());
    FaultServer::start(move |_| Reply::new(307, "").with("Location", there.clone()))
}

fn manifest_as(server: &FaultServer, credential: Credential) -> Result<(), Error> {
    let network = network(settings(&server.host(), plain()), Some(credential));
    let asked = network.wait(network.client.manifest(&reference(server, "a:1")));
    asked.map(|_| ())
}

#[test]
fn a_password_does_not_follow_a_token_service_that_redirects() {
    let other = FaultServer::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let tokens = moved(&other);
    let realm = format!("http://{}/token", tokens.host());
    let server = registry(move |_| realm.clone());
    manifest_as(&server, user()).expect("the redirect is followed");
    assert!(!tokens.seen()[0].header("authorization").is_empty());
    assert_eq!(other.seen()[0].target, "/elsewhere");
    assert_eq!(other.seen()[0].header("authorization"), "");
}

#[test]
fn an_identity_token_does_not_follow_a_token_service_that_redirects() {
    let other = FaultServer::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let tokens = moved(&other);
    let realm = format!("http://{}/token", tokens.host());
    let server = registry(move |_| realm.clone());
    let identity = Credential::IdentityToken(SecretString::from("hunter2"));
    let error = manifest_as(&server, identity).expect_err("refused");
    let told = told(&error);
    assert!(told.starts_with("Violation"), "{told}");
    assert!(told.contains("redirects a request that changes"), "{told}");
    assert!(other.seen().is_empty());
}

#[test]
fn what_is_shown_does_not_come_back_with_a_redirect() {
    let home = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let back = std::sync::Arc::clone(&home);
    let other = FaultServer::start(move |_| {
        let host = back.lock().expect("nobody panicked").clone();
        Reply::new(307, "").with("Location", format!("http://{host}/back"))
    });
    let there = format!("http://{}/x", other.host());
    let server = FaultServer::start(move |seen| {
        match (seen.target.as_str(), seen.header("authorization")) {
            ("/back", _) => good(),
            (_, "") => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
            _ => Reply::new(307, "").with("Location", there.clone()),
        }
    });
    *home.lock().expect("nobody panicked") = server.host();
    manifest_as(&server, user()).expect("the redirects are followed");
    let last = server.seen().pop().expect("it was asked");
    assert_eq!(
        (last.target.as_str(), last.header("authorization")),
        ("/back", "")
    );
}

#[test]
fn a_config_over_4_mib_or_of_another_digest_is_not_read() {
    let check = |reply: fn() -> Reply, rule: &str| {
        let server = FaultServer::start(move |_| reply());
        let network = anybody(&server);
        let config = Descriptor {
            media_type: "application/vnd.oci.image.config.v1+json".to_owned(),
            digest: digest("{}").parse().expect("a digest"),
            size: 2,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        };
        let asked = network.wait(network.client.config(&reference(&server, "a:1"), &config));
        let told = asked.map_or_else(|error| told(&error), |_| "ok".to_owned());
        assert!(told.contains(rule), "{told}");
    };
    check(|| Reply::new(200, "{}"), "ok");
    check(|| Reply::new(200, "[]"), "Violation");
    check(|| Reply::new(200, "{ }"), "Violation");
    let endless = || Reply::new(200, vec![b' '; 65536]).breaking(Fault::Endless);
    check(endless, "answered with more than 4 MiB");
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = listener.local_addr().expect("an address").to_string();
    let mut settings = settings(&host, plain());
    settings.timing.total = Duration::from_millis(300);
    let network = network(settings, None);
    let asked = Reference::parse(&format!("{host}/a:1")).expect("a reference");
    let error = network
        .wait(network.client.manifest(&asked))
        .expect_err("nobody answers");
    let told = told(&error);
    assert!(told.starts_with("Unavailable"), "{told}");
    assert!(told.contains("no whole answer within"), "{told}");
}
