//! Many processes at one catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::{Home, PROGRAM};
use crate::{Holder, Writing, assert_whole, image, images, names};

const PROCESSES: usize = 64;

#[test]
fn sixty_four_processes_create_one_catalog_at_once() {
    let home = Home::new();
    let start = std::sync::Barrier::new(PROCESSES);
    thread::scope(|scope| {
        for number in 1..=PROCESSES {
            let (home, start) = (&home, &start);
            scope.spawn(move || {
                start.wait();
                let name = format!("image-{number}");
                let created = home.pipe(image(&name), "images create").ok();
                assert_eq!(created.stdout, format!("id:  {name}\n"));
            });
        }
    });
    let there: BTreeSet<String> = names(&home).into_iter().collect();
    assert_eq!(there.len(), PROCESSES, "{there:?}");
    assert_whole(&home);
}

#[test]
fn sixty_four_writers_of_a_hundred_images_each_lose_nothing() {
    const WRITES: usize = 100;
    let home = Home::new();
    thread::scope(|scope| {
        for writer in 1..=PROCESSES {
            let home = &home;
            scope.spawn(move || {
                for number in 1..=WRITES {
                    let name = format!("image-{writer}-{number}");
                    let created = home.pipe(image(&name), "images create").ok();
                    assert_eq!(created.stdout, format!("id:  {name}\n"));
                }
            });
        }
    });
    let there: BTreeSet<String> = names(&home).into_iter().collect();
    assert_eq!(there.len(), PROCESSES * WRITES);
    assert_whole(&home);
}

#[test]
fn writers_of_one_image_change_it_one_after_another() {
    const WRITES: usize = 10;
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    thread::scope(|scope| {
        for writer in 0..8 {
            let home = &home;
            scope.spawn(move || {
                for number in 0..WRITES {
                    let patch = format!("{{\"labels\": {{\"w{writer}-{number}\": \"1\"}}}}");
                    home.pipe(patch, "images update base").ok();
                }
            });
        }
    });
    let shown = home.run("images get base -o json").ok();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("it is JSON");
    // A merge patch reads the image first: none may have read an old one.
    let labels = shown["labels"].as_object().expect("it has labels");
    assert_eq!(labels.len(), 8 * WRITES);
    assert_whole(&home);
}

#[test]
fn a_reader_sees_a_batch_whole_or_not_at_all() {
    const BATCHES: usize = 25;
    const SIZE: usize = 60;
    let home = Home::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for form in ["name", "table"] {
            let (home, done) = (&home, &done);
            scope.spawn(move || {
                let mut last = false;
                // Once more after the last batch.
                while !last {
                    last = done.load(Ordering::SeqCst);
                    let listed = home.run(&format!("images list -o {form}")).ok();
                    let mut batches: BTreeMap<&str, usize> = BTreeMap::new();
                    for line in listed
                        .stdout
                        .lines()
                        .filter(|line| line.starts_with("batch"))
                    {
                        let name = line.split_whitespace().next().expect("a name");
                        let (batch, _) = name.rsplit_once('-').expect("a number");
                        *batches.entry(batch).or_default() += 1;
                    }
                    assert!(batches.values().all(|count| *count == SIZE), "{batches:?}");
                    assert!(!last || batches.len() == BATCHES, "{batches:?}");
                }
            });
        }
        for batch in 1..=BATCHES {
            let text = images(&format!("batch{batch}"), SIZE);
            home.pipe(text, "images create").ok();
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_listing_that_is_under_way_is_of_one_moment() {
    for form in ["name", "table", "json"] {
        let home = Home::new();
        home.pipe(images("old", 6000), "images create").ok();
        let before = home.run(&format!("images list -o {form}")).ok();
        let mut child = home
            .command(PROGRAM)
            .args(["images", "list", "-o", form])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut reader = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut text = String::new();
        // The listing is far longer than the pipe: it waits in its middle.
        reader.read_line(&mut text).expect("it is text");
        home.run("images delete old-6000 --yes").ok();
        home.pipe(images("new", 10), "images create").ok();
        reader.read_to_string(&mut text).expect("it is text");
        assert!(child.wait().expect("it ends").success());
        assert!(text == before.stdout, "{form} shows two moments");
        assert_eq!(names(&home).len(), 6009);
    }
}

#[test]
fn a_stopped_writer_makes_others_say_that_the_catalog_is_locked() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let stopped = Holder::begin(&home);
    stopped.signal(Signal::STOP);

    let refused = home
        .pipe(image("other"), "images create --lock-timeout 0.3")
        .fails(9);
    assert!(
        refused
            .stderr
            .contains("locked by another process for 0.3 s"),
        "{refused:#?}"
    );
    assert_eq!(refused.stdout, "");
    for command in [
        "images delete base --yes --lock-timeout 0.1",
        "groups create research --lock-timeout 0.1",
        "catalog compact --lock-timeout 0.1",
    ] {
        home.run(command).fails(9);
    }
    // Readers do not wait for it, and see nothing of it.
    assert_eq!(names(&home), ["base"]);
    assert!(!home.run("images get base").ok().stdout.contains("held"));
    assert_whole(&home);

    stopped.signal(Signal::CONT);
    stopped.commit();
    home.pipe(image("other"), "images create").ok();
    assert_eq!(names(&home), ["base", "other"]);
    assert!(home.run("images get base").ok().stdout.contains("held"));
    assert_whole(&home);
}

#[test]
fn a_stopped_writer_that_is_killed_leaves_the_lock_and_nothing_else() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let stopped = Holder::begin(&home);
    stopped.signal(Signal::STOP);
    home.pipe(image("other"), "images create --lock-timeout 0")
        .fails(9);
    drop(stopped);
    home.pipe(image("other"), "images create --lock-timeout 0")
        .ok();
    assert_eq!(names(&home), ["base", "other"]);
    assert!(!home.run("images get base").ok().stdout.contains("held"));
    assert_whole(&home);
}

#[test]
fn a_waiting_writer_goes_on_when_the_lock_is_free() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let first = Holder::begin(&home);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| home.pipe(image("other"), "images create"));
        first.commit();
        waiting.join().expect("it ends").ok();
    });
    assert_eq!(names(&home), ["base", "other"]);
}

#[test]
fn a_slow_sender_of_many_images_keeps_nobody_waiting() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let slow = Writing::begin(&home, "slow");
    home.pipe(image("other"), "images create --lock-timeout 0")
        .ok();
    slow.end().ok();
    assert_eq!(names(&home).len(), Writing::IMAGES + 2);
    assert_whole(&home);
}
