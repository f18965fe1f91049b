//! Layouts and archives, as ends of a copy, and as skopeo reads and writes them.

use super::*;

#[test]
fn a_registry_a_layout_and_archives_hold_the_same_image() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let pushed = registry.index("app", "1", &["amd64", "arm64"]);
    let host = registry.host();
    let told = copied(&home, &format!("pull {host}/app:1 --to oci:layout:one"));
    assert_eq!(told["digest"], pushed.digest);
    for line in [
        "copy oci:layout:one oci-archive:image.tar:two",
        "copy oci-archive:image.tar:two oci:second:three",
        "copy oci:second oci:layout:again",
    ] {
        let told = copied(&home, line);
        assert_eq!(told["digest"], pushed.digest, "{line}");
    }
    let told = copied(&home, &format!("push oci-archive:image.tar {host}/back:1"));
    assert_eq!(told["digest"], pushed.digest);
    let seen = digest_by_skopeo(&home, &format!("{host}/back:1"));
    assert_eq!(seen, pushed.digest);
    for place in ["oci:layout:again", "oci-archive:image.tar:two"] {
        let seen = skopeo(
            &home,
            &["inspect", "--raw", place_in(&home, place).as_str()],
        );
        let seen = crate::docker_registry::digest(seen.as_bytes());
        assert_eq!(seen, pushed.digest, "{place}");
    }
    assert!(left_over(&home).is_empty(), "{:?}", left_over(&home));
}

/// Returns a place of the home's folder as other tools are told it.
fn place_in(home: &Home, place: &str) -> String {
    let (transport, rest) = place.split_once(':').expect("a transport");
    format!("{transport}:{}/{rest}", home.path().display())
}

/// Returns the names of ours that a finished command should not leave.
fn left_over(home: &Home) -> Vec<String> {
    let names = std::fs::read_dir(home.path()).expect("a folder");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".imgdex"))
        .collect()
}

#[test]
fn an_archive_of_docker_goes_both_ways() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("app", "1", "amd64");
    let host = registry.host();
    let archive = place_in(&home, "docker-archive:by-skopeo.tar:team/app:1");
    skopeo(
        &home,
        &[
            "copy",
            "--src-tls-verify=false",
            &format!("docker://{host}/app:1"),
            &archive,
        ],
    );
    home.run(&format!("push docker-archive:by-skopeo.tar {host}/from:1"))
        .ok();
    digest_by_skopeo(&home, &format!("{host}/from:1"));
    home.run(&format!(
        "pull {host}/from:1 --to docker-archive:ours.tar:team/app:2"
    ))
    .ok();
    let seen = skopeo(
        &home,
        &[
            "inspect",
            "--config",
            &place_in(&home, "docker-archive:ours.tar"),
        ],
    );
    assert!(seen.contains("amd64"), "{seen}");
    // An archive of docker has one platform: this machine's, where none is chosen.
    registry.index("many", "1", &["amd64", "arm64"]);
    home.run(&format!("pull {host}/many:1 --to docker-archive:many.tar"))
        .ok();
    registry.index("rare", "1", &["s390x", "riscv64"]);
    let ran = home
        .run(&format!("pull {host}/rare:1 --to docker-archive:rare.tar"))
        .fails(4);
    assert!(
        ran.stderr.contains("but for: linux/s390x"),
        "{}",
        ran.stderr
    );
    assert!(!exists(&home, "rare.tar"));
    assert!(left_over(&home).is_empty(), "{:?}", left_over(&home));
}

#[test]
fn what_skopeo_wrote_into_a_layout_is_read() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.image("app", "1", "amd64");
    let host = registry.host();
    skopeo(
        &home,
        &[
            "copy",
            "--src-tls-verify=false",
            &format!("docker://{host}/app:1"),
            &place_in(&home, "oci:theirs:x"),
        ],
    );
    let told = copied(&home, &format!("push oci:theirs:x {host}/again:1"));
    let seen = digest_by_skopeo(&home, &format!("{host}/again:1"));
    assert_eq!(told["digest"], seen.as_str());
}

#[test]
fn places_that_are_not_there_or_ambiguous_are_told() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "1", "amd64");
    registry.image("app", "2", "arm64");
    home.run(&format!("copy {host}/app:1 oci:two:a")).ok();
    home.run(&format!("copy {host}/app:2 oci:two:b")).ok();
    let fails = |line: &str, code: i32, words: &str| {
        let ran = home.run(line).fails(code);
        assert!(ran.stderr.contains(words), "{line}: {}", ran.stderr);
    };
    fails(&format!("push oci:two {host}/x:1"), 2, "`a`");
    fails(&format!("push oci:two:c {host}/x:1"), 4, "`a`");
    fails(&format!("push oci:none {host}/x:1"), 4, "none");
    fails(
        &format!("push oci-archive:none.tar {host}/x:1"),
        4,
        "none.tar",
    );
    fails(
        &format!("push docker-archive:none.tar {host}/x:1"),
        4,
        "none.tar",
    );
    fails(
        "push oci:two:a oci:three",
        2,
        "is not an image of a registry",
    );
    fails(
        &format!("pull oci:two:a --to {host}/x:1"),
        2,
        "not an image",
    );
    fails(&format!("copy oci: {host}/x:1"), 2, "names no folder");
    home.write("full/notes.txt", "mine");
    fails(&format!("copy {host}/app:1 oci:full"), 11, "not empty");
    fails(&format!("copy {host}/none:1 oci:new"), 4, "it is not there");
}

#[test]
fn what_was_pulled_is_not_pulled_again() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    registry.index("app", "1", &["amd64", "arm64"]);
    let host = registry.host();
    let line = format!("pull {host}/app:1 --to oci:layout:1");
    assert_eq!(copied(&home, &line)["blobs"]["sent"], 4);
    let told = copied(&home, &line);
    assert_eq!(told["blobs"]["sent"], 0);
    assert_eq!(told["blobs"]["present"], 4);
}

#[test]
fn all_tags_keep_their_names_in_an_archive() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let host = registry.host();
    for tag in ["1", "2", "latest"] {
        registry.image("app", tag, "amd64");
    }
    home.run(&format!("copy --all-tags {host}/app oci-archive:all.tar"))
        .ok();
    home.run(&format!("copy --all-tags oci-archive:all.tar {host}/back"))
        .ok();
    let tags = home.run(&format!("registry tags {host}/back -o name")).ok();
    assert_eq!(tags.stdout, "1\n2\nlatest\n");
    let ran = home.run(&format!("copy --all-tags {host}/app docker-archive:x.tar"));
    ran.fails(2);
}

#[test]
fn an_archive_stays_as_it_was_where_not_everything_can_be_copied() {
    let home = Home::new();
    let registry = DockerRegistry::start();
    let host = registry.host();
    registry.image("app", "1", "amd64");
    home.run(&format!("copy {host}/app:1 oci-archive:image.tar:1"))
        .ok();
    let before = std::fs::read(home.path().join("image.tar")).expect("it is there");
    let server =
        crate::fault_server::FaultServer::start(|seen| match seen.target.contains("/tags/list") {
            true => crate::fault_server::Reply::new(200, r#"{"tags":["a","b"]}"#),
            false => crate::fault_server::Reply::new(404, ""),
        });
    let line = format!(
        "copy --all-tags {}/app oci-archive:image.tar",
        server.host()
    );
    home.run(&line).fails(4);
    let ran = home.run(&format!(
        "copy --all-tags {host}/none oci-archive:image.tar"
    ));
    ran.fails(4);
    let after = std::fs::read(home.path().join("image.tar")).expect("it is there");
    assert!(before == after);
}
