//! Registries that break: one fault is of one reference.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{digest_of, statuses, there, with_urls};
use crate::fault_server::{Fault, FaultServer, Reply};
use crate::{field, lines, with_images};

#[test]
fn one_fault_among_five_thousand_is_one_fault() {
    const MOST: usize = 8;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        FaultServer::start(move |seen| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let reply = match seen.target.rsplit('/').next() {
                Some("t2500") => Reply::new(500, "").with("Retry-After", "0"),
                _ => there("a"),
            };
            now.fetch_sub(1, Ordering::SeqCst);
            reply
        })
    };
    let host = server.host();
    let images: Vec<String> = (0..5000)
        .map(|number| format!("{{\"name\": \"i{number}\", \"url\": \"{host}/app:t{number}\"}}\n"))
        .collect();
    let home = with_images(&images.concat());
    let ran = home.run("images verify --shallow -o name").fails(6);
    assert_eq!(ran.stdout, "i2500\n");
    assert_eq!(
        ran.stderr.lines().last(),
        Some("5000 references of 5000 images: 4999 ready, 1 unreachable")
    );
    let most = most.load(Ordering::SeqCst);
    assert!((2..=MOST).contains(&most), "{most} at once");
    assert_eq!(
        lines(home.run("images list --not-ready -o name")),
        ["i2500"]
    );
    assert_eq!(field(&home, "i2500", "isReady"), serde_json::Value::Null);
}

#[test]
fn the_config_says_how_many_are_asked_at_once() {
    let check = |config: &str, expected: usize| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            FaultServer::start(move |_| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                there("a")
            })
        };
        let host = server.host();
        let images: Vec<String> = (0..100)
            .map(|number| {
                format!("{{\"name\": \"i{number}\", \"url\": \"{host}/app:{number}\"}}\n")
            })
            .collect();
        let home = with_images(&images.concat());
        home.write(".config/imgdex/config.toml", config.replace("HOST", &host));
        home.run("images verify --shallow").ok();
        let most = most.load(Ordering::SeqCst);
        assert!(most <= expected, "{config}: {most}");
    };
    check("[verify]\nconnections-per-host = 1\n", 1);
    check(
        "[verify]\nconnections-per-host = 9\n[registry.\"HOST\"]\nconnections = 1\n",
        1,
    );
}

#[test]
fn a_fault_has_its_status_and_exit_code() {
    let check = |reply: fn() -> Reply, code: i32, status: &str, ready: bool| {
        let server = FaultServer::start(move |seen| match seen.target.as_str() {
            target if target.ends_with("/good") => there("a"),
            _ => reply(),
        });
        let host = server.host();
        let home = with_images(&format!(
            "[{{\"name\": \"bad\", \"url\": \"{host}/a:bad\", \"isReady\": true}},
              {{\"name\": \"good\", \"url\": \"{host}/a:good\"}}]"
        ));
        let ran = home.run("images verify --shallow -o json").fails(code);
        assert_eq!(
            statuses(&ran),
            [format!("bad {status}"), "good ready".to_owned()]
        );
        assert_eq!(field(&home, "bad", "isReady"), ready, "{status}");
        assert_eq!(field(&home, "good", "isReady"), true, "{status}");
        let problem = field(&home, "bad", "problem");
        let problem = problem.as_str().expect("a problem");
        assert!(problem.starts_with(&format!("{status}: ")), "{problem}");
    };
    let busy = || Reply::new(503, "").with("Retry-After", "0");
    check(|| Reply::new(404, ""), 13, "missing", false);
    check(|| Reply::new(401, ""), 5, "denied", true);
    check(|| Reply::new(403, ""), 5, "denied", true);
    check(busy, 6, "unreachable", true);
    check(
        || Reply::new(429, "").with("Retry-After", "60"),
        6,
        "unreachable",
        true,
    );
    check(
        || Reply::new(200, "").breaking(Fault::Reset),
        6,
        "unreachable",
        true,
    );
    check(
        || Reply::new(200, "<html>").with("Content-Type", "text/html"),
        7,
        "invalid",
        true,
    );
    // A proxy's page, where no registry is.
    check(
        || Reply::new(404, "<html>").with("Content-Type", "text/html"),
        6,
        "unreachable",
        true,
    );
}

#[test]
fn a_broken_registry_is_not_asked_five_times_for_each_of_many() {
    let server = FaultServer::start(|_| Reply::new(500, ""));
    let host = server.host();
    let images: Vec<String> = (0..200)
        .map(|number| format!("{{\"name\": \"i{number}\", \"url\": \"{host}/a:{number}\"}}\n"))
        .collect();
    let home = with_images(&images.concat());
    let ran = home.run("images verify").fails(6);
    assert_eq!(
        ran.stderr.lines().last(),
        Some("200 references of 200 images: 200 unreachable")
    );
    let asked = server.seen().len();
    // Those in flight at first have all their tries, each of the others has one.
    assert!((200..=200 + 8 * 5).contains(&asked), "{asked}");
    assert!(!ran.stdout.contains("asked for others"), "each was asked");
}

#[test]
fn a_page_of_a_registry_tells_what_is_missing() {
    let server = FaultServer::start(|seen| match seen.target.as_str() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(404, "<html>").with("Content-Type", "text/html"),
    });
    let home = with_urls(&[("a", format!("{}/a:1", server.host()))]);
    let ran = home.run("images verify -o json").fails(13);
    assert_eq!(statuses(&ran), ["a missing"]);
}

#[test]
fn the_gravest_fault_decides_the_exit_code() {
    let server = FaultServer::start(|seen| match seen.target.rsplit('/').next() {
        Some("missing") => Reply::new(404, ""),
        Some("denied") => Reply::new(403, ""),
        Some("busy") => Reply::new(503, "").with("Retry-After", "60"),
        _ => Reply::new(200, "<html>").with("Content-Type", "text/html"),
    });
    let host = server.host();
    let home = with_urls(
        &["missing", "denied", "busy", "invalid"].map(|name| (name, format!("{host}/a:{name}"))),
    );
    home.run("images verify").fails(13);
    home.run("images verify denied busy invalid").fails(5);
    home.run("images verify busy invalid").fails(6);
    home.run("images verify invalid").fails(7);
}

#[test]
fn a_registry_that_is_gone_is_not_waited_for_again_and_again() {
    let server = FaultServer::start(|_| there("a"));
    let good = server.host();
    // Nobody may listen on port 1 without being asked to.
    let images: Vec<String> = (0..1000)
        .map(|number| format!("{{\"name\": \"i{number}\", \"url\": \"127.0.0.1:1/a:{number}\"}}\n"))
        .collect();
    let home = with_images(&images.concat());
    let image = format!("{{\"name\": \"good\", \"url\": \"{good}/a:1\"}}");
    home.pipe(image, "images create").ok();
    let ran = home.run("images verify --shallow").fails(6);
    assert_eq!(
        ran.stderr.lines().last(),
        Some("1001 references of 1001 images: 1 ready, 1000 unreachable")
    );
    let not_asked = ran
        .stdout
        .matches("it did not answer when it was asked for others");
    assert_eq!(
        not_asked.count(),
        1000 - 8,
        "only those in flight were tried"
    );
    assert_eq!(field(&home, "good", "isReady"), true);
}

#[test]
fn a_registry_that_only_counts_reads_makes_nothing_unreachable() {
    let server = FaultServer::start(|seen| match seen.method.as_str() {
        "HEAD" => there("a"),
        _ => Reply::new(429, "").with("Retry-After", "0"),
    });
    let home = with_urls(&[("a", format!("{}/a:1", server.host()))]);
    home.run("images verify").ok();
    assert_eq!(field(&home, "a", "isReady"), true);
    assert_eq!(field(&home, "a", "digest"), digest_of("a"));
    // What runs where nobody knows is not said to fit.
    home.run("images verify --platform linux/amd64").fails(6);
}
