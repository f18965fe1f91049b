//! Blobs on their way to a registry.

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::blobs::{blob, place, sha256, told};
use super::*;
use crate::domain::reference::Digest;
use crate::registry::fault_server::Fault;
use crate::registry::{How, Job, Progress, State, Supply, Target};

/// A place for uploads that answers as `answer` says, and keeps what comes.
fn send(
    server: &FaultServer,
    bytes: Vec<u8>,
    digest: Digest,
    mount: Option<&str>,
) -> std::result::Result<How, String> {
    let size = bytes.len() as u64;
    let supply = Supply::File(Arc::new(move |from| {
        let mut cursor = Cursor::new(bytes.clone());
        cursor.set_position(from);
        Ok(Box::new(cursor) as Box<dyn Read + Send>)
    }));
    let progress = Progress::new(digest, size);
    let job = Job {
        source: supply,
        target: Target::Registry {
            to: place(server),
            mount: mount.map(|name| name.parse().expect("a repository")),
        },
        progress: Arc::clone(&progress),
    };
    anybody(server)
        .transfer(vec![job], &mut || true)
        .map_err(told)?;
    match progress.state() {
        State::Done(how) => Ok(how),
        other => Err(format!("{other:?}")),
    }
}

fn push(server: &FaultServer) -> std::result::Result<How, String> {
    send(server, blob(), sha256(&blob()), None)
}

fn of(server: &FaultServer, method: &str) -> Vec<Seen> {
    let mut seen = server.seen();
    seen.retain(|seen| seen.method == method);
    seen
}

/// Begins uploads at `/up`, and lets `put` answer what comes there.
fn taker(put: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |seen| match seen.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        "POST" => Reply::new(202, "").with("Location", "/up?state=1"),
        _ => put(seen),
    })
}

#[test]
fn a_blob_is_sent_in_one_request_with_its_digest() {
    let server = taker(|_| Reply::new(201, ""));
    assert_eq!(push(&server), Ok(How::Sent));
    let put = &of(&server, "PUT")[0];
    let digest = sha256(&blob()).to_string().replace(':', "%3A");
    assert_eq!(put.target, format!("/up?state=1&digest={digest}"));
    assert_eq!(put.header("content-length"), "800000");
    assert_eq!(put.header("content-range"), "");
}

#[test]
fn a_blob_that_is_there_is_not_sent() {
    let server = FaultServer::start(|_| Reply::new(200, ""));
    assert_eq!(push(&server), Ok(How::Present));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_mount_costs_one_request_and_one_that_is_refused_falls_through() {
    let server = FaultServer::start(|_| Reply::new(201, ""));
    let mounted = send(&server, blob(), sha256(&blob()), Some("other"));
    assert_eq!(mounted, Ok(How::Mounted));
    let target = &server.seen()[0].target;
    assert!(target.contains("?mount=sha256:") && target.ends_with("&from=other"));

    for refusal in [202, 404, 405, 403] {
        let server = FaultServer::start(move |seen| match seen.method.as_str() {
            "POST" if seen.target.contains("mount=") => {
                Reply::new(refusal, "").with("Location", "/up")
            }
            "POST" => Reply::new(202, "").with("Location", "/up"),
            "HEAD" => Reply::new(404, ""),
            _ => Reply::new(201, ""),
        });
        let sent = send(&server, blob(), sha256(&blob()), Some("other"));
        assert_eq!(sent, Ok(How::Sent), "{refusal}");
        let posts = if refusal == 202 { 1 } else { 2 };
        assert_eq!(of(&server, "POST").len(), posts, "{refusal}");
    }
}

#[test]
fn an_upload_that_breaks_off_goes_on_where_the_registry_lost_it() {
    for first in [Fault::Reset, Fault::None] {
        let puts = AtomicUsize::new(0);
        let server = taker(move |seen| match seen.method.as_str() {
            "GET" => Reply::new(204, "")
                .with("Range", "0-299999")
                .with("Location", "/up?state=2"),
            _ if puts.fetch_add(1, Ordering::SeqCst) == 0 => {
                // What is not reset says that it has other bytes.
                Reply::new(416, "").breaking(first)
            }
            _ => Reply::new(201, ""),
        });
        assert_eq!(push(&server), Ok(How::Sent), "{first:?}");
        let last = &of(&server, "PUT")[1];
        assert!(last.target.starts_with("/up?state=2&digest="));
        assert_eq!(last.header("content-length"), "500000");
        assert_eq!(last.header("content-range"), "300000-799999");
    }
}

#[test]
fn an_upload_whose_place_is_lost_begins_anew_and_what_is_there_is_not_sent_again() {
    let begun = AtomicUsize::new(0);
    let server = FaultServer::start(move |seen| match seen.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        "POST" => {
            let count = begun.fetch_add(1, Ordering::SeqCst);
            Reply::new(202, "").with("Location", format!("/up{count}"))
        }
        "PUT" if seen.target.starts_with("/up0") => Reply::new(404, ""),
        _ => Reply::new(201, ""),
    });
    assert_eq!(push(&server), Ok(How::Sent));
    assert_eq!(of(&server, "POST").len(), 2);

    // The answer of an upload that was taken got lost.
    let heads = AtomicUsize::new(0);
    let server = FaultServer::start(move |seen| match seen.method.as_str() {
        "HEAD" if heads.fetch_add(1, Ordering::SeqCst) == 0 => Reply::new(404, ""),
        "HEAD" => Reply::new(200, ""),
        "POST" => Reply::new(202, "").with("Location", "/up"),
        "GET" => Reply::new(404, ""),
        _ => Reply::new(201, "").breaking(Fault::Reset),
    });
    assert_eq!(push(&server), Ok(How::Sent));
    assert_eq!(of(&server, "PUT").len(), 1);
}

#[test]
fn a_registry_that_takes_no_large_body_gets_pieces() {
    let whole: Vec<u8> = (0..10_000_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    let got = Arc::new(Mutex::new(0));
    let sum = Arc::clone(&got);
    let server = FaultServer::start(move |seen| {
        let length: usize = seen.header("content-length").parse().unwrap_or(0);
        match seen.method.as_str() {
            "HEAD" => Reply::new(404, ""),
            "POST" => Reply::new(202, "")
                .with("Location", "/up")
                .with("OCI-Chunk-Min-Length", "18000000"),
            _ if length > 20_000_000 => Reply::new(413, ""),
            method => {
                *sum.lock().expect("nobody panicked") += length;
                let status = if method == "PUT" { 201 } else { 202 };
                Reply::new(status, "").with("Location", "/up")
            }
        }
    });
    let digest = sha256(&whole);
    assert_eq!(send(&server, whole, digest, None), Ok(How::Sent));
    assert_eq!(*got.lock().expect("nobody panicked"), 40_000_000);
    let ranges: Vec<String> = of(&server, "PATCH")
        .iter()
        .map(|seen| seen.header("content-range").to_owned())
        .collect();
    assert_eq!(ranges, ["0-17999999", "18000000-35999999"]);
    let last = of(&server, "PUT").pop().expect("a last piece");
    assert_eq!(last.header("content-range"), "36000000-39999999");
}

#[test]
fn bytes_that_are_not_their_digest_never_become_a_blob_elsewhere() {
    let server = taker(|_| Reply::new(201, ""));
    let told = send(&server, vec![0; 800_000], sha256(&blob()), None);
    let told = told.expect_err("it is another blob");
    assert!(told.starts_with("Violation"), "{told}");
    // The fault server notes a request only when all of its body has come.
    assert_eq!(of(&server, "PUT").len(), 0);
}

#[test]
fn no_credential_goes_to_another_host_that_takes_uploads() {
    let other = FaultServer::start(|_| Reply::new(201, ""));
    let elsewhere = format!("http://{}/up", other.host());
    let server = FaultServer::start(move |seen| match seen.method.as_str() {
        _ if seen.header("authorization").is_empty() => {
            Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"here\"")
        }
        "HEAD" => Reply::new(404, ""),
        _ => Reply::new(202, "").with("Location", elsewhere.clone()),
    });
    let bytes = blob();
    let job = Job {
        progress: Progress::new(sha256(&bytes), bytes.len() as u64),
        source: Supply::File(Arc::new(move |_| {
            Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>)
        })),
        target: Target::Registry {
            to: place(&server),
            mount: None,
        },
    };
    let network = network(settings(&server.host(), plain()), Some(user()));
    let done = network.transfer(vec![job], &mut || true);
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(other.seen().len(), 1);
    assert_eq!(other.seen()[0].header("authorization"), "");
}

#[test]
fn an_upload_is_not_led_to_a_private_place_nor_out_of_http() {
    for (location, rule) in [
        (
            "https://10.0.0.1/up",
            "which is on this machine or a private network",
        ),
        (
            "http://registry.example.com/up",
            "which would be asked without TLS",
        ),
        ("ftp://127.0.0.1/up", "something that is not http"),
        ("http://", "leads to no address"),
    ] {
        let server = FaultServer::start(move |seen| match seen.method.as_str() {
            "HEAD" => Reply::new(404, ""),
            _ => Reply::new(202, "").with("Location", location),
        });
        let told = push(&server).expect_err(location);
        assert!(
            told.starts_with("Violation") && told.contains(rule),
            "{told}"
        );
    }
}

#[test]
fn an_answer_to_an_upload_that_never_ends_is_not_waited_for() {
    let server = FaultServer::start(|seen| match seen.method.as_str() {
        "HEAD" | "GET" => Reply::new(404, ""),
        "POST" => Reply::new(202, "").with("Location", "/up"),
        _ => Reply::new(201, "x".repeat(500)).breaking(Fault::Drip(50)),
    });
    let mut settings = settings(&server.host(), plain());
    settings.timing.total = Duration::from_millis(100);
    let bytes = blob();
    let job = Job {
        progress: Progress::new(sha256(&bytes), bytes.len() as u64),
        source: Supply::File(Arc::new(move |from| {
            let mut cursor = Cursor::new(bytes.clone());
            cursor.set_position(from);
            Ok(Box::new(cursor) as Box<dyn Read + Send>)
        })),
        target: Target::Registry {
            to: place(&server),
            mount: None,
        },
    };
    let done = network(settings, None).transfer(vec![job], &mut || true);
    let told = done.map_err(told).expect_err("it never ends");
    assert!(told.contains("its answer came to no end"), "{told}");
}
