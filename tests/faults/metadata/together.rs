//! Several imports and exports at once.

use std::thread;

use super::*;
use crate::assert_whole;

#[test]
fn two_cleaning_exports_to_one_folder_end_as_one_of_them() {
    for _ in 0..8 {
        let homes = [Home::new(), Home::new()];
        let shared = Home::new();
        let out = shared.path().display().to_string();
        for (home, prefix) in homes.iter().zip(["one", "two"]) {
            write_instances(home, "in", prefix, 30, "1");
            write_instances(home, "in", "both", 10, prefix);
            home.run("metadata import -d in").ok();
        }
        let start = std::sync::Barrier::new(2);
        thread::scope(|scope| {
            for home in &homes {
                let (start, out) = (&start, &out);
                scope.spawn(move || {
                    start.wait();
                    let ran = home
                        .call_with(&["metadata", "export", "--clean", "-d", out])
                        .run();
                    let ran = ran.ok();
                    assert!(ran.stdout.starts_with("Exported 40 instances"), "{ran:#?}");
                });
            }
        });
        let there = exported(&shared, ".");
        let is_one = ["one", "two"].iter().any(|prefix| {
            let wanted = |number| {
                (
                    format!("{prefix}{number}.json"),
                    instance(&format!("{prefix}{number}"), "1"),
                )
            };
            let both = |number| {
                (
                    format!("both{number}.json"),
                    instance(&format!("both{number}"), prefix),
                )
            };
            let all: BTreeMap<String, String> =
                (1..=30).map(wanted).chain((1..=10).map(both)).collect();
            there.len() == 41
                && all.iter().all(|(name, text)| {
                    there
                        .get(name)
                        .is_some_and(|bytes| bytes == text.as_bytes())
                })
        });
        assert!(is_one, "{:?}", there.keys());
    }
}

#[test]
fn sixteen_exports_and_imports_at_once_lose_nothing() {
    const COUNT: usize = 100;
    let home = Home::new();
    write_instances(&home, "in", "image", COUNT, "1");
    home.run("metadata import -d in").ok();
    home.run("metadata export -d out").ok();
    let start = std::sync::Barrier::new(16);
    thread::scope(|scope| {
        for number in 0..16 {
            let (home, start) = (&home, &start);
            scope.spawn(move || {
                write_instances(
                    home,
                    &format!("in{number}"),
                    &format!("set{number}-"),
                    5,
                    "1",
                );
                start.wait();
                match number % 4 {
                    0 => {
                        home.run("metadata export -d out").ok();
                    }
                    1 => {
                        home.run("metadata export --clean -d out").ok();
                    }
                    2 => {
                        home.run(&format!("metadata import -d in{number}")).ok();
                    }
                    // Reads what others are exporting: each file is whole.
                    _ => {
                        let ran = home.run("metadata import -d out --overwrite");
                        assert!([0, 3].contains(&ran.code), "{ran:#?}");
                        let vanished = ran.stdout.matches("cannot be read: No such file").count();
                        let rows = ran
                            .stdout
                            .lines()
                            .filter(|line| line.contains(".json  "))
                            .count();
                        assert_eq!(vanished, rows, "{ran:#?}");
                    }
                }
            });
        }
    });
    assert_eq!(listed(&home).len(), COUNT + 4 * 5);
    assert_whole(&home);
    home.run("metadata export -d out --clean").ok();
    assert_eq!(exported(&home, "out").len(), COUNT + 4 * 5 + 1);
    home.run("metadata import -d out --strict").ok();
}

#[test]
fn an_export_that_waits_too_long_says_so() {
    use rustix::fs::{FlockOperation, flock};
    let home = Home::new();
    write_instances(&home, "in", "a", 3, "1");
    home.run("metadata import -d in").ok();
    home.run("metadata export -d out").ok();
    let before = exported(&home, "out");
    let folder = std::fs::File::open(home.path().join("out/runtime-images")).expect("there");
    flock(&folder, FlockOperation::LockExclusive).expect("it is free");
    let ran = home
        .run("metadata export -d out --clean --lock-timeout 0.2")
        .fails(9);
    assert!(ran.stderr.contains("another export"), "{ran:#?}");
    assert!(exported(&home, "out") == before);
    drop(folder);
    home.run("metadata export -d out --lock-timeout 0").ok();
}

#[test]
fn an_export_makes_its_folder_again_where_another_took_it_away() {
    let home = Home::new();
    write_instances(&home, "in", "image", 3, "1");
    home.run("metadata import -d in").ok();
    let folder = home.path().join("out/runtime-images");
    std::fs::create_dir_all(&folder).expect("made");
    // Another export holds the lock …
    let held = std::fs::File::open(&folder).expect("opened");
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    let child = home
        .command(crate::support::PROGRAM)
        .args(["metadata", "export", "-d", "out"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let waits = || {
        let open = std::fs::read_dir(format!("/proc/{}/fd", child.id())).expect("listed");
        open.flatten()
            .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|path| path == folder))
    };
    while !waits() {
        thread::yield_now();
    }
    // … and comes to nothing: it takes away what it had made.
    std::fs::remove_dir(&folder).expect("removed");
    drop(held);
    let ran = Ran::of(&child.wait_with_output().expect("ended")).ok();
    assert_eq!(
        ran.stdout,
        "Exported 3 instances (0 of which are invalid)\n"
    );
    assert_eq!(exported(&home, "out").len(), 4);
}
