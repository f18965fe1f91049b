//! Faults of HTTP: broken answers, limits, retries, redirects, proxies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::registry::fault_server::Fault;
use crate::registry::settings::Proxies;

const CANNOT: &str = "cannot read the manifest of `127.0.0.1:PORT/a:1`";

/// Answers so for the first times, and well after that.
fn first(times: usize, reply: Reply) -> (Arc<AtomicUsize>, impl Fn(&Seen) -> Reply) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let answer = move |_: &Seen| {
        if counted.fetch_add(1, Ordering::SeqCst) < times {
            reply.clone()
        } else {
            good()
        }
    };
    (count, answer)
}

#[test]
fn a_page_for_people_is_no_manifest() {
    let html = || Reply::new(200, "<html>please log in</html>").with("Content-Type", "text/html");
    assert_eq!(
        ask(move |_| html()),
        format!("Violation: {CANNOT}: what came is no manifest, but `text/html`")
    );
}

#[test]
fn a_truncated_body_and_a_reset_are_asked_again() {
    for fault in [Fault::Truncated(20), Fault::Reset] {
        let (count, answer) = first(2, good().breaking(fault));
        assert!(ask(answer).starts_with("ok "), "{fault:?}");
        assert_eq!(count.load(Ordering::SeqCst), 3, "{fault:?}");
        let (count, answer) = first(99, good().breaking(fault));
        let told = ask(answer);
        assert!(
            told.starts_with(&format!("Unavailable: {CANNOT}: `127.0.0.1:PORT`: ")),
            "{told}"
        );
        assert_eq!(count.load(Ordering::SeqCst), 5, "{fault:?}");
    }
}

#[test]
fn a_content_length_that_is_too_small_cuts_the_bytes_that_are_hashed() {
    let told = ask(|_| {
        let said = digest(&manifest());
        good()
            .with("Docker-Content-Digest", said)
            .breaking(Fault::Length(9))
    });
    assert!(
        told.starts_with(&format!("Violation: {CANNOT}: what came is `sha256:")),
        "{told}"
    );
}

#[test]
fn bytes_that_are_not_their_digest_are_refused() {
    let other = format!("sha256:{}", "0".repeat(64));
    let header = other.clone();
    let told = ask(move |_| good().with("Docker-Content-Digest", header.clone()));
    let found = digest(&manifest());
    assert_eq!(
        told,
        format!("Violation: {CANNOT}: what came is `{found}`, and not `{other}`")
    );
    let server = FaultServer::start(|_| good());
    let network = anybody(&server);
    let asked = reference(&server, &format!("a@{other}"));
    let error = network
        .wait(network.client.manifest(&asked))
        .expect_err("refused");
    assert!(
        super::told(&error).contains("and not `sha256:000"),
        "{error:?}"
    );
    let asked = reference(&server, &format!("a@{found}"));
    network
        .wait(network.client.manifest(&asked))
        .expect("the bytes that were asked for");
}

#[test]
fn a_manifest_over_4_mib_is_not_read() {
    let told = ask(|_| good().breaking(Fault::Length(4 * 1024 * 1024 + 1)));
    let rule = "`127.0.0.1:PORT` answered with more than 4 MiB";
    assert_eq!(told, format!("Violation: {CANNOT}: {rule}"));
    let endless = || Reply::new(200, vec![b' '; 65536]).breaking(Fault::Endless);
    assert_eq!(
        ask(move |_| endless()),
        format!("Violation: {CANNOT}: {rule}")
    );
}

#[test]
fn an_endless_error_is_told_by_its_status() {
    let told = ask(|_| Reply::new(404, vec![b' '; 65536]).breaking(Fault::Endless));
    assert_eq!(told, format!("NotFound: {CANNOT}: it is not there"));
}

#[test]
fn a_compressed_answer_is_not_unpacked() {
    let told = ask(|_| good().with("Content-Encoding", "gzip"));
    let rule = "`127.0.0.1:PORT` compressed its answer, which nobody asked for";
    assert_eq!(told, format!("Violation: {CANNOT}: {rule}"));
}

#[test]
fn a_busy_registry_is_asked_again_when_it_says() {
    for status in [429, 500, 502, 503, 504] {
        for after in ["0", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            let (count, answer) = first(2, Reply::new(status, "").with("Retry-After", after));
            assert!(ask(answer).starts_with("ok "), "{status} {after}");
            assert_eq!(count.load(Ordering::SeqCst), 3);
        }
    }
}

#[test]
fn a_wait_past_the_deadline_is_not_waited() {
    let (count, answer) = first(9, Reply::new(503, "").with("Retry-After", "999999"));
    assert_eq!(
        ask(answer),
        format!(
            "Unavailable: {CANNOT}: `127.0.0.1:PORT`: it answered 503 Service Unavailable and asks \
             to wait 60 s"
        )
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_registry_that_stays_busy_is_quoted() {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
    let (count, answer) = first(99, Reply::new(429, body));
    assert_eq!(
        ask(answer),
        format!(
            "Unavailable: {CANNOT}: `127.0.0.1:PORT`: asked 5 times, it answered 429 Too Many \
             Requests each time; registry said: TOOMANYREQUESTS: slow down"
        )
    );
    assert_eq!(count.load(Ordering::SeqCst), 5);
}

#[test]
fn one_byte_at_a_time_is_not_waited_for() {
    let server = FaultServer::start(|_| good().breaking(Fault::Drip(50)));
    let mut settings = settings(&server.host(), plain());
    settings.timing.total = Duration::from_millis(300);
    let network = network(settings, None);
    let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
    let told = super::told(&asked.expect_err("too slow"));
    assert!(told.contains("no whole answer within"), "{told}");
    assert!(told.starts_with("Unavailable"), "{told}");
}

#[test]
fn nobody_there_is_unavailable() {
    let server = FaultServer::start(|_| good());
    let (asked, network) = (reference(&server, "a:1"), anybody(&server));
    drop(server);
    let mut told = String::new();
    // The port is closed some moments after the server.
    for _ in 0..100 {
        if let Err(error) = network.wait(network.client.manifest(&asked)) {
            told = super::told(&error);
            break;
        }
    }
    assert!(
        told.starts_with("Unavailable") && told.contains("refused"),
        "{told}"
    );
}

#[test]
fn redirects_without_an_end_end() {
    let told = ask(|seen| Reply::new(307, "").with("Location", seen.target.clone()));
    assert_eq!(
        told,
        format!("Violation: {CANNOT}: `127.0.0.1:PORT` redirects without end")
    );
}

#[test]
fn no_credential_follows_a_redirect_to_another_origin() {
    let other = FaultServer::start(|_| good());
    let there = format!("http://{}/elsewhere", other.host());
    let server = FaultServer::start(move |seen| match seen.header("authorization") {
        "" => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        _ => Reply::new(307, "").with("Location", there.clone()),
    });
    let network = network(settings(&server.host(), plain()), Some(user()));
    network
        .wait(network.client.manifest(&reference(&server, "a:1")))
        .expect("the redirect is followed");
    assert_eq!(
        server.seen()[1].header("authorization"),
        "Basic bWU6aHVudGVyMg=="
    );
    assert_eq!(other.seen().len(), 1);
    assert_eq!(other.seen()[0].header("authorization"), "");
}

#[test]
fn redirects_lead_to_no_private_place_and_to_no_other_scheme() {
    let check = |location: &'static str, rule: &str| {
        let told = ask(move |_| Reply::new(302, "").with("Location", location));
        assert_eq!(
            told,
            format!("Violation: {CANNOT}: `127.0.0.1:PORT` leads {rule}")
        );
    };
    let private = "which is on this machine or a private network";
    check("https://10.0.0.1/x", &format!("to `10.0.0.1`, {private}"));
    check(
        "https://169.254.169.254/x",
        &format!("to `169.254.169.254`, {private}"),
    );
    check(
        "https://[fd00::1]:8/x",
        &format!("to `[fd00::1]:8`, {private}"),
    );
    check(
        "http://192.0.2.1/x",
        "to `192.0.2.1`, which would be asked without TLS",
    );
    check("ftp://192.0.2.1/x", "to something that is not http");
    check("file:///etc/passwd", "to no address");
    check("http://", "to no address");
}

#[test]
fn a_proxy_is_used_but_for_excepted_hosts_and_its_password_is_not_told() {
    let proxy = FaultServer::start(|_| good());
    let ask = |none_for: Option<&str>| {
        let mut settings = settings("registry.invalid", plain());
        settings.proxies = Proxies {
            http: Some(format!("http://me:hunter2@{}", proxy.host())),
            https: None,
            none_for: none_for.map(str::to_owned),
        };
        let network = network(settings, None);
        let asked = Reference::parse("registry.invalid/a:1").expect("a reference");
        network.wait(network.client.manifest(&asked))
    };
    ask(None).expect("the proxy answers");
    let seen = proxy.seen();
    assert_eq!(seen[0].target, "http://registry.invalid/v2/a/manifests/1");
    assert_eq!(
        seen[0].header("proxy-authorization"),
        "Basic bWU6aHVudGVyMg=="
    );
    let error = ask(Some("other.example,.invalid")).expect_err("there is no such host");
    assert!(
        super::told(&error).contains("cannot be looked up"),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(proxy.seen().len(), 1);
}

#[test]
fn a_warning_is_kept_once() {
    let warning = "299 - \"this tag goes away\"";
    let server = FaultServer::start(move |_| good().with("Warning", warning));
    let network = anybody(&server);
    for _ in 0..2 {
        network
            .wait(network.client.manifest(&reference(&server, "a:1")))
            .expect("a manifest");
    }
    let notice = format!("registry said: this tag goes away (`{}`)", server.host());
    assert_eq!(network.client.notices(), [notice]);
}

#[test]
fn a_head_is_one_request_unless_it_says_too_little() {
    let check = |reply: fn() -> Reply, requests: usize| {
        let server = FaultServer::start(move |_| reply());
        let network = anybody(&server);
        let head = network.wait(network.client.head(&reference(&server, "a:1")));
        let head = head.expect("an answer");
        assert_eq!(head.digest.to_string(), digest(&manifest()));
        assert_eq!(head.media_type, OCI);
        assert_eq!(head.size, Some(manifest().len() as u64));
        assert_eq!(server.seen().len(), requests);
    };
    check(
        || good().with("Docker-Content-Digest", digest(&manifest())),
        1,
    );
    check(good, 2);
    check(|| good().with("Docker-Content-Digest", "nonsense"), 2);
}

#[test]
fn a_delete_whose_answer_was_lost_is_done() {
    let lost = || Reply::new(202, "").breaking(Fault::Reset);
    let gone = || Reply::new(404, "");
    let check = |replies: Vec<Reply>, expected: &str| {
        let count = AtomicUsize::new(0);
        let server = FaultServer::start(move |_| {
            let at = count.fetch_add(1, Ordering::SeqCst);
            replies[at.min(replies.len() - 1)].clone()
        });
        let network = anybody(&server);
        let digest = digest("{}").parse().expect("a digest");
        let done = network.wait(network.client.delete(&reference(&server, "a:1"), &digest));
        let told = done.map_or_else(
            |error| format!("{:?}", error.reason),
            |()| "done".to_owned(),
        );
        assert_eq!(told, expected);
        assert!(server.seen().iter().all(|seen| seen.method == "DELETE"));
    };
    check(vec![Reply::new(202, "")], "done");
    check(vec![lost(), gone()], "done");
    check(vec![gone()], "NotFound");
    check(vec![Reply::new(405, "")], "Unsupported");
    check(
        vec![Reply::new(307, "").with("Location", "/x")],
        "Violation",
    );
}
