//! Images on their way into a layout: kills, full disks, interrupts, many at once.

use std::fs;
use std::process::Stdio;

use crate::docker_registry::DockerRegistry;
use crate::strace::{Fault, run_with};
use crate::support::{Home, PROGRAM, Ran};

/// Runs the program where the folder `disk` is a disk of 1 MiB.
fn in_small_disk(home: &Home, arguments: &str) -> Ran {
    let script = "mkdir -p disk && mount -t tmpfs -o size=1m,mode=700 tmpfs disk || exit 99
        exec \"$@\"";
    let mut command = home.command("unshare");
    command
        .args(["--mount", "sh", "-c", script, "sh", PROGRAM])
        .args(arguments.split_whitespace());
    let ran = crate::finish(&mut command);
    assert_ne!(
        ran.code, 99,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    ran
}

/// Fails unless the layout has the image whole, or not at all.
#[track_caller]
fn assert_all_or_nothing(home: &Home, what: &str) -> bool {
    let index = fs::read_to_string(home.path().join("layout/index.json")).unwrap_or_default();
    let is_there = index.contains("sha256:");
    if is_there {
        // Every blob is hashed on the way.
        let ran = home.run("copy oci:layout:1 oci:second:1");
        assert_eq!(ran.code, 0, "{what}: {ran:#?}");
    }
    is_there
}

#[test]
fn a_kill_at_any_step_leaves_an_image_whole_or_not_at_all_and_the_next_pull_finishes() {
    let registry = DockerRegistry::start();
    registry.index("app", "1", &["amd64", "arm64"]);
    let line = format!("pull {}/app:1 --to oci:layout:1", registry.host());
    for call in ["write", "renameat2", "renameat", "rename"] {
        let mut killed = 0;
        for number in 1.. {
            let home = Home::new();
            let fault = Fault {
                call,
                what: "signal=SIGKILL",
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, &line);
            let what = format!("{call} {number}");
            assert_all_or_nothing(&home, &what);
            if ran.code == 0 {
                break;
            }
            killed += 1;
            home.run(&line).ok();
            assert!(assert_all_or_nothing(&home, &what));
        }
        // Of the ways to rename one is used.
        assert!(killed > 5 || call.starts_with("rename"), "{call}: {killed}");
    }
}

#[test]
fn a_full_disk_is_exit_10_and_names_no_image() {
    let registry = DockerRegistry::start();
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let config = registry.blob("big", "application/vnd.oci.image.config.v1+json", b"{}");
    let layer = registry.blob("big", "application/vnd.oci.image.layer.v1.tar", &bytes);
    let kind = crate::docker_registry::IMAGE;
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[{layer}]}}"#
    );
    registry.manifest("big", "1", kind, &text);
    let home = Home::new();
    for target in ["oci:disk/layout:1", "oci-archive:disk/image.tar:1"] {
        let line = format!("pull {}/big:1 --to {target}", registry.host());
        let ran = in_small_disk(&home, &line).fails(10);
        assert!(ran.stderr.contains("No space left"), "{}", ran.stderr);
    }
}

#[test]
fn an_interrupt_ends_a_pull_and_the_next_one_goes_on() {
    let registry = DockerRegistry::start();
    registry.index("app", "1", &["amd64"]);
    let line = format!("pull {}/app:1 --to oci:layout:1", registry.host());
    let signals = [
        ("signal=SIGINT", 130),
        ("signal=SIGTERM", 143),
        ("signal=SIGHUP", 143),
    ];
    for (signal, code) in signals {
        let home = Home::new();
        let fault = Fault {
            // A blob gets its place: how often something is written is left to chance.
            call: "/^rename",
            what: signal,
            when: "1",
        };
        let ran = run_with(fault, &home, &line);
        assert_eq!(ran.code, code, "{ran:#?}");
        assert_eq!(ran.stdout, "");
        assert_all_or_nothing(&home, signal);
        home.run(&line).ok();
        assert!(assert_all_or_nothing(&home, signal));
    }
}

#[test]
fn what_is_made_of_a_scratch_folder_leaves_none_behind() {
    let registry = DockerRegistry::start();
    registry.image("app", "1", "amd64");
    let line = format!(
        "pull {}/app:1 --to oci-archive:image.tar:1",
        registry.host()
    );
    for number in [5, 20, 40, 60] {
        let home = Home::new();
        let fault = Fault {
            call: "write",
            what: "signal=SIGINT",
            when: &number.to_string(),
        };
        let ran = run_with(fault, &home, &line);
        assert!([0, 130].contains(&ran.code), "{ran:#?}");
        let left: Vec<_> = fs::read_dir(home.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().contains("imgdex-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        let is_there = home.path().join("image.tar").exists();
        assert_eq!(is_there, ran.code == 0, "{ran:#?}");
    }
}

#[test]
fn many_pulls_into_one_layout_lose_nothing() {
    let registry = DockerRegistry::start();
    let home = Home::new();
    let mut children = Vec::new();
    for number in 0..8 {
        let tag = format!("{}", number % 4);
        if number < 4 {
            registry.index("app", &tag, &["amd64", "arm64"]);
        }
        let mut command = home.command(PROGRAM);
        command
            .args(["pull", &format!("{}/app:{tag}", registry.host()), "--to"])
            .arg(format!("oci:layout:t{number}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        children.push(command.spawn().expect("it starts"));
    }
    for child in &mut children {
        assert!(child.wait().expect("it ends").success());
    }
    for number in 0..8 {
        home.run(&format!("copy oci:layout:t{number} oci:other:t{number}"))
            .ok();
    }
}
