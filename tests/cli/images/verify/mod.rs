//! `images verify`, against a real registry and against one that breaks.

mod faults;
mod first;
mod meanwhile;

use std::sync::Arc;

use crate::docker_registry::{DockerRegistry, INDEX};
use crate::fault_server::{FaultServer, Reply, Seen};
use crate::support::{Home, Ran};
use crate::{field, json, lines, with_images};

/// Returns a home whose catalog holds images with these references.
fn with_urls(urls: &[(&str, String)]) -> Home {
    let images: Vec<String> = urls
        .iter()
        .map(|(name, url)| format!("{{\"name\": \"{name}\", \"url\": \"{url}\"}}\n"))
        .collect();
    with_images(&images.concat())
}

fn digest_of(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

/// Returns the answer that a manifest of that digest is there.
fn there(digit: &str) -> Reply {
    Reply::new(200, "")
        .with("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        .with("Docker-Content-Digest", digest_of(digit))
}

/// Returns a run without what pads its table: a registry's port has any length.
fn unpadded(ran: &Ran, home: &Home, host: &str) -> String {
    let text = ran.snapshot(home).replace(host, "HOST");
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    let is_rule =
        |line: &String| !line.is_empty() && line.bytes().all(|byte| b"- ".contains(&byte));
    let lines: Vec<String> = lines.filter(|line| !is_rule(line)).collect();
    lines.join("\n")
}

/// Returns the one status that is reported of each image's first reference.
fn statuses(ran: &Ran) -> Vec<String> {
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let rows = rows.as_array().expect("a list");
    rows.iter()
        .map(|row| format!("{} {}", text(row, "name"), text(row, "status")))
        .collect()
}

#[test]
fn the_catalog_learns_what_the_registry_says() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    let one = registry.image("team/one", "1", "amd64");
    let many = registry.index("team/many", "latest", &["amd64", "arm64"]);
    let home = with_urls(&[
        ("one", format!("{host}/team/one:1")),
        ("many", format!("{host}/team/many")),
        ("gone", format!("{host}/team/one:2")),
    ]);
    let ran = home.run("images verify").fails(13);
    insta::assert_snapshot!(unpadded(&ran, &home, &host), @r"
    exit code: 13
    ----- stdout -----
    name reference status problem
    gone HOST/team/one:2 missing it is not there
    ----- stderr -----
    3 references of 3 images: 2 ready, 1 missing
    ");
    assert_eq!(field(&home, "one", "isReady"), true);
    assert_eq!(field(&home, "one", "digest"), one.digest);
    assert_eq!(field(&home, "one", "size"), 248);
    assert_eq!(
        field(&home, "one", "platforms"),
        serde_json::json!(["linux/amd64"])
    );
    assert!(field(&home, "one", "verifiedAt").is_string());
    assert_eq!(field(&home, "many", "digest"), many.digest);
    assert_eq!(field(&home, "many", "size"), 496, "of both platforms");
    assert_eq!(
        field(&home, "many", "platforms"),
        serde_json::json!(["linux/amd64", "linux/arm64"])
    );
    assert_eq!(field(&home, "gone", "isReady"), false);
    assert_eq!(field(&home, "gone", "problem"), "missing: it is not there");
    assert_eq!(lines(home.run("images list --not-ready -o name")), ["gone"]);
    assert_eq!(
        field(&home, "one", "revision"),
        1,
        "nobody changed anything"
    );
    assert_eq!(
        json(home.run("images history one -o json"))
            .as_array()
            .map(Vec::len),
        Some(1)
    );

    registry.image("team/one", "2", "arm64");
    home.run("images verify gone").ok();
    assert_eq!(field(&home, "gone", "isReady"), true);
    assert_eq!(field(&home, "gone", "problem"), serde_json::Value::Null);
    assert_eq!(
        home.run("images list --not-ready -o json").ok().stdout,
        "[]\n"
    );
}

#[test]
fn a_moved_tag_is_told_once() {
    let registry = DockerRegistry::start();
    let first = registry.image("app", "1", "amd64");
    let home = with_urls(&[("app", format!("{}/app:1", registry.host()))]);
    home.run("images verify").ok();
    let second = registry.image("app", "1", "arm64");
    let ran = home.run("images verify").ok();
    let shown = unpadded(&ran, &home, &registry.host());
    let shown = shown
        .replace(&first.digest, "FIRST")
        .replace(&second.digest, "SECOND");
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    ----- stdout -----
    name reference status problem
    app HOST/app:1 moved from `FIRST` to `SECOND`
    ----- stderr -----
    1 reference of 1 image: 1 moved
    ");
    assert_eq!(field(&home, "app", "isReady"), true);
    assert_eq!(field(&home, "app", "digest"), second.digest);
    assert_eq!(
        field(&home, "app", "platforms"),
        serde_json::json!(["linux/arm64"])
    );
    let problem = format!("moved: from `{}` to `{}`", first.digest, second.digest);
    assert_eq!(field(&home, "app", "problem"), problem);
    assert_eq!(home.run("images verify -o name").ok().stdout, "");
    assert_eq!(field(&home, "app", "problem"), serde_json::Value::Null);
}

#[test]
fn the_reference_for_gpus_counts_too() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "1", "amd64");
    let gpu = registry.index("app", "1-gpu", &["amd64"]);
    let home = with_images(&format!(
        "[{{\"name\": \"both\", \"url\": \"{host}/app:1\", \"urlForGpu\": \"{host}/app:1-gpu\"}},
          {{\"name\": \"half\", \"url\": \"{host}/app:1\", \"urlForGpu\": \"{host}/app:2-gpu\"}},
          {{\"name\": \"gpu\", \"urlForGpu\": \"{host}/app:1-gpu\"}}]"
    ));
    let ran = home.run("images verify -o json").fails(13);
    assert_eq!(
        statuses(&ran),
        [
            "both ready",
            "both ready",
            "half ready",
            "half missing",
            "gpu ready"
        ]
    );
    assert_eq!(field(&home, "both", "isReady"), true);
    assert_eq!(field(&home, "both", "digestForGpu"), gpu.digest);
    assert_eq!(field(&home, "half", "isReady"), false);
    assert_eq!(
        field(&home, "half", "problem"),
        "urlForGpu: missing: it is not there"
    );
    assert_eq!(field(&home, "gpu", "isReady"), true);
    assert_eq!(field(&home, "gpu", "size"), 248);
}

#[test]
fn a_wrong_platform_is_not_ready() {
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "arm", "arm64");
    registry.index("app", "many", &["amd64", "arm64"]);
    let home = with_urls(&[
        ("arm", format!("{host}/app:arm")),
        ("many", format!("{host}/app:many")),
    ]);
    let check = |arguments: &str| {
        let ran = home
            .run(&format!("images verify {arguments} -o json"))
            .fails(13);
        assert_eq!(statuses(&ran), ["arm wrong platform", "many ready"]);
        assert_eq!(field(&home, "arm", "isReady"), false);
        assert_eq!(
            field(&home, "arm", "problem"),
            "wrong platform: it has linux/arm64, and not linux/amd64"
        );
    };
    check("--platform linux/amd64");
    home.run("images verify").ok();
    assert_eq!(field(&home, "arm", "isReady"), true);
    home.write(".config/imgdex/config.toml", "platform = \"linux/amd64\"\n");
    check("");
    home.run("images verify --platform linux/arm64").ok();
    for bad in ["linux", "a/b/c/d", "/x"] {
        home.run(&format!("images verify --platform {bad}"))
            .fails(2);
    }
}

#[test]
fn a_new_digest_is_looked_into_once_and_a_known_one_never() {
    let registry = DockerRegistry::start();
    let server = {
        let manifest = Arc::new(registry.host());
        let upstream = Arc::clone(&manifest);
        FaultServer::start(move |seen| forward(&upstream, seen))
    };
    let host = server.host();
    for tag in ["1", "2", "3"] {
        registry.image("app", tag, "amd64");
    }
    let home = with_urls(&[
        ("a", format!("{host}/app:1")),
        ("b", format!("{host}/app:2")),
        ("c", format!("{host}/app:3")),
        ("same", format!("{host}/app:1")),
    ]);
    let asked = |method: &str| {
        let seen = server.seen();
        seen.iter().filter(|seen| seen.method == method).count()
    };
    home.run("images verify --shallow").ok();
    assert_eq!(
        (asked("HEAD"), asked("GET")),
        (3, 0),
        "{:#?}",
        server.seen()
    );
    assert_eq!(field(&home, "a", "isReady"), true);
    assert_eq!(field(&home, "a", "size"), serde_json::Value::Null);
    home.run("images verify").ok();
    assert_eq!(
        (asked("HEAD"), asked("GET")),
        (6, 2),
        "{:#?}",
        server.seen()
    );
    assert_eq!(field(&home, "c", "size"), 248);
    home.run("images verify").ok();
    assert_eq!((asked("HEAD"), asked("GET")), (9, 2));
    assert_eq!(
        field(&home, "same", "platforms"),
        serde_json::json!(["linux/amd64"])
    );
}

/// Asks a registry for what a server was asked for.
fn forward(host: &str, seen: &Seen) -> Reply {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(host).expect("it listens");
    let request = format!(
        "{} {} HTTP/1.1\r\nHost: {host}\r\nAccept: {}\r\nConnection: close\r\n\r\n",
        seen.method,
        seen.target,
        seen.header("accept")
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut reply = Reply::new(status.expect("a status"), &answer[end + 4..]);
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(": ")
            && !["content-length", "connection"].contains(&name.to_ascii_lowercase().as_str())
        {
            reply = reply.with(name, value);
        }
    }
    reply
}

#[test]
fn what_was_verified_of_late_is_not_asked_again() {
    let server = FaultServer::start(|seen| match seen.target.rsplit('/').next() {
        Some("gone") => Reply::new(404, ""),
        _ => there("a"),
    });
    let host = server.host();
    let home = with_images(&format!(
        "[{{\"name\": \"new\", \"url\": \"{host}/a:1\"}},
          {{\"name\": \"gone\", \"url\": \"{host}/a:gone\"}},
          {{\"name\": \"old\", \"url\": \"{host}/a:2\", \"digest\": \"{}\",
            \"verifiedAt\": \"2020-01-01T00:00:00Z\"}}]",
        digest_of("a")
    ));
    let asked = || server.seen().len();
    home.run("images verify --shallow").fails(13);
    assert_eq!(asked(), 3);
    let ran = home
        .run("images verify --shallow --max-age 24h -o json")
        .fails(13);
    assert_eq!(
        statuses(&ran),
        ["new skipped", "gone missing", "old skipped"]
    );
    assert_eq!(asked(), 4, "what was wrong is asked for again");
    assert_eq!(field(&home, "new", "isReady"), true);
    home.write(".config/imgdex/config.toml", "[verify]\nmax-age = \"7d\"\n");
    home.run("images verify new old --shallow").ok();
    assert_eq!(asked(), 4);
    home.run("images verify new old --shallow --max-age 0s")
        .ok();
    assert_eq!(asked(), 6);
    for bad in ["24", "1w", "soon", "-1h"] {
        home.run(&format!("images verify --max-age={bad}")).fails(2);
    }
}

#[test]
fn only_what_is_named_or_not_archived_is_asked_for() {
    let server = FaultServer::start(|_| there("a"));
    let host = server.host();
    let home = with_images(&format!(
        "[{{\"name\": \"old\", \"url\": \"{host}/a:1\", \"archived\": true}},
          {{\"name\": \"spec\", \"imageSpec\": {{\"baseImage\": \"a\", \"packages\": {{\"pip\": [\"b\"]}}}}}},
          {{\"name\": \"bare\"}},
          {{\"name\": \"app\", \"url\": \"{host}/a:2\"}}]"
    ));
    let ran = home.run("images verify --shallow -o json").ok();
    assert_eq!(statuses(&ran), ["app ready"]);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(field(&home, "spec", "isReady"), false, "it is not built");
    assert_eq!(field(&home, "bare", "isReady"), serde_json::Value::Null);
    let ran = home
        .run("images verify old spec old --shallow -o json")
        .ok();
    assert_eq!(statuses(&ran), ["old ready", "spec skipped"]);
    assert_eq!(field(&home, "spec", "isReady"), false);
    insta::assert_snapshot!(home.run("images verify ap old").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `ap` does not exist
    hint: did you mean `app`?
    ");
}

#[test]
fn nothing_to_verify_makes_no_catalog() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("images verify").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    name  reference  status  problem
    ----- stderr -----
    there is nothing to verify
    ");
    assert_eq!(home.run("images verify -o json").ok().stdout, "[]\n");
    assert!(!home.catalog().exists());
    home.run("images verify a").fails(4);
}

#[test]
fn a_reference_without_a_registry_is_asked_for_at_the_default_one() {
    let registry = DockerRegistry::start();
    registry.image("app", "latest", "amd64");
    let home = with_images(
        "[{\"name\": \"a\", \"url\": \"app\"}, {\"name\": \"b\", \"url\": \"app:latest\"}]",
    );
    let ran = home
        .call("images verify -o json")
        .env("IMGDEX_REGISTRY", registry.host())
        .run()
        .ok();
    assert_eq!(statuses(&ran), ["a ready", "b ready"]);
    assert_eq!(
        field(&home, "a", "url"),
        "app",
        "it stays as it was written"
    );
}

#[test]
fn an_index_with_attestations_has_only_its_platforms() {
    let registry = DockerRegistry::start();
    let image = registry.image("app", "amd64", "amd64");
    let other = registry.image("app", "other", "none");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let entry = |digest: &str, platform: &str| {
        format!(
            "{{\"mediaType\":\"{kind}\",\"digest\":\"{digest}\",\"size\":7,\"platform\":{platform}}}"
        )
    };
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{},{}]}}",
        entry(
            &image.digest,
            "{\"os\":\"linux\",\"architecture\":\"amd64\"}"
        ),
        entry(
            &other.digest,
            "{\"os\":\"unknown\",\"architecture\":\"unknown\"}"
        ),
    );
    registry.manifest("app", "1", INDEX, &index);
    let home = with_urls(&[("app", format!("{}/app:1", registry.host()))]);
    home.run("images verify").ok();
    assert_eq!(field(&home, "app", "size"), 248);
    assert_eq!(
        field(&home, "app", "platforms"),
        serde_json::json!(["linux/amd64"])
    );
}

#[test]
fn the_password_of_a_registry_is_used() {
    let registry = DockerRegistry::with_password();
    registry.image("app", "1", "amd64");
    let home = with_urls(&[("app", format!("{}/app:1", registry.host()))]);
    home.run("images verify").fails(5);
    assert_eq!(field(&home, "app", "isReady"), serde_json::Value::Null);
    home.call("images verify")
        .env("IMGDEX_REGISTRY_HOST", registry.host())
        .env("IMGDEX_REGISTRY_USERNAME", "me")
        .env("IMGDEX_REGISTRY_PASSWORD", "hunter2")
        .run()
        .ok();
    assert_eq!(field(&home, "app", "isReady"), true);
}
