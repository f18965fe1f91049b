//! Ctrl-C and its like.

use rustix::process::Signal;

use crate::strace::{Fault, run_with};
use crate::support::Home;
use crate::{Writing, assert_whole, copy, image, images, names};

const SIGNALS: [(Signal, &str, i32); 3] = [
    (Signal::INT, "SIGINT", 130),
    (Signal::TERM, "SIGTERM", 143),
    (Signal::HUP, "SIGHUP", 143),
];

#[test]
fn an_interrupted_creation_writes_nothing() {
    for (signal, _, code) in SIGNALS {
        let home = Home::new();
        home.pipe(image("base"), "images create").ok();
        let writing = Writing::begin(&home, "new");
        writing.signal(signal);
        let ran = writing.wait().fails(code);
        assert_eq!(ran.stdout, "");
        assert_eq!(names(&home), ["base"]);
        assert_whole(&home);
        home.pipe(images("new", 5), "images create --lock-timeout 0")
            .ok();
    }
}

#[test]
fn an_interrupted_first_creation_writes_nothing() {
    for (signal, _, code) in SIGNALS {
        let home = Home::new();
        let writing = Writing::begin(&home, "new");
        writing.signal(signal);
        writing.wait().fails(code);
        assert!(names(&home).is_empty());
        assert!(!home.catalog().exists(), "not even a catalog");
    }
}

#[test]
fn an_interrupted_backup_leaves_no_file() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    for (_, signal, code) in SIGNALS {
        let what = format!("signal={signal}");
        let mut interrupted = 0;
        for number in 1.. {
            let home = copy(&before);
            let fault = Fault {
                call: "pwrite64",
                what: &what,
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, "catalog backup copy.db");
            let left: Vec<String> = std::fs::read_dir(home.path())
                .expect("the folder can be read")
                .map(|entry| entry.expect("it can be read").file_name())
                .filter_map(|name| name.into_string().ok())
                .filter(|name| name.contains("copy") || name.contains("backup"))
                .collect();
            if ran.code == 0 {
                assert_eq!(left, ["copy.db"]);
                break;
            }
            assert_eq!(ran.code, code, "at write {number}: {ran:#?}");
            assert!(left.is_empty(), "{left:?} at write {number}");
            interrupted += 1;
        }
        assert!(interrupted > 20, "{interrupted}");
    }
}

#[test]
fn an_interrupt_at_any_write_leaves_all_or_nothing() {
    let before = Home::new();
    before.pipe(image("old"), "images create").ok();
    for (_, signal, code) in SIGNALS {
        let what = format!("signal={signal}");
        for number in 1.. {
            let home = copy(&before);
            home.write("new.json", images("new", 5));
            let fault = Fault {
                call: "pwrite64",
                what: &what,
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, "images create -f new.json");
            assert_whole(&home);
            let there = names(&home).len();
            if ran.code == 0 {
                assert_eq!(there, 6);
                break;
            }
            assert_eq!(ran.code, code, "at write {number}: {ran:#?}");
            assert!(there == 1 || there == 6, "{there} images");
            assert_eq!(ran.stdout, "");
        }
    }
}
