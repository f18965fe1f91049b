//! Exports that are interrupted, killed, or meet a full disk: the files of the
//! export before stay whole.

use std::path::Path;

use super::*;
use crate::strace::trace;
use crate::support::PROGRAM;
use crate::{copy, finish};

const LEFT: &str = ".imgdex-export.tmp";

/// An export in `out` of images `old1`, `same1`, …, and a catalog that has changed
/// since: `new1`, … instead of `old1`, …, and new references of the others.
struct Changed {
    home: Home,
    /// What an export without `--clean`, and with it, comes to.
    old: BTreeMap<String, Vec<u8>>,
    new: BTreeMap<String, Vec<u8>>,
    clean: BTreeMap<String, Vec<u8>>,
}

impl Changed {
    fn new() -> Self {
        let home = Home::new();
        write_instances(&home, "in", "old", 2, "1");
        write_instances(&home, "in", "same", 2, "1");
        home.run("metadata import -d in").ok();
        home.run("metadata export -d out").ok();
        home.write("out/runtime-images/README.md", "mine");
        let old = exported(&home, "out");
        home.run("images delete old1 old2 --yes").ok();
        write_instances(&home, "next", "new", 2, "1");
        write_instances(&home, "next", "same", 2, "2");
        home.run("metadata import -d next --overwrite").ok();
        let changed = Self {
            home,
            old,
            new: BTreeMap::new(),
            clean: BTreeMap::new(),
        };
        let after = |flags: &str| {
            let home = changed.copy();
            home.run(&format!("metadata export {flags} -d out")).ok();
            exported(&home, "out")
        };
        Self {
            new: after(""),
            clean: after("--clean"),
            ..changed
        }
    }

    fn copy(&self) -> Home {
        let home = copy(&self.home);
        copy_folder(
            &self.home.path().join("out/runtime-images"),
            &home,
            "out/runtime-images",
        );
        home
    }

    fn wanted(&self, arguments: &str) -> &BTreeMap<String, Vec<u8>> {
        if arguments.contains("--clean") {
            &self.clean
        } else {
            &self.new
        }
    }

    /// Fails unless every file of the folder is one of the old export or of the
    /// new one, to the last byte, and the next export leaves the new one alone.
    #[track_caller]
    fn assert_whole_files(&self, home: &Home, arguments: &str, ran: &Ran) {
        for (name, bytes) in files_of(home) {
            let is_old = self.old.get(&name) == Some(&bytes);
            let is_new = [&self.new, &self.clean]
                .iter()
                .any(|new| new.get(&name) == Some(&bytes));
            assert!(is_old || is_new, "{name} is neither old nor new: {ran:#?}");
        }
        home.run("metadata export -d out --clean").ok();
        assert!(
            exported(home, "out") == self.clean,
            "after {arguments}: {ran:#?}"
        );
    }
}

/// Returns the files of the export, without what an export that was killed left.
fn files_of(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let folder = home.path().join("out/runtime-images");
    let left = folder.join(LEFT);
    let aside = home.path().join("left");
    let _ = std::fs::remove_dir_all(&aside);
    if !left.exists() {
        return exported(home, "out");
    }
    std::fs::rename(&left, &aside).expect("it can be moved");
    let files = exported(home, "out");
    std::fs::rename(&aside, &left).expect("it can be moved back");
    files
}

const EXPORTS: [&str; 2] = ["metadata export -d out", "metadata export --clean -d out"];

#[test]
fn an_export_killed_at_any_call_leaves_whole_files() {
    let changed = Changed::new();
    for arguments in EXPORTS {
        let mut kills = 0;
        for call in [
            "write",
            "openat",
            "mkdir",
            "mkdirat",
            "rename",
            "renameat",
            "renameat2",
            "unlink",
            "unlinkat",
            "rmdir",
            "fsync",
            "flock",
            "pwrite64",
            "ftruncate",
        ] {
            kills += at_every(
                call,
                "signal=SIGKILL",
                &|| changed.copy(),
                arguments,
                &|home, ran| changed.assert_whole_files(home, arguments, ran),
            );
        }
        assert!(kills > 40, "{kills}");
    }
}

#[test]
fn an_export_that_fails_anywhere_leaves_the_old_one_byte_for_byte() {
    let changed = Changed::new();
    for arguments in EXPORTS {
        for (call, error) in [
            ("write", "ENOSPC"),
            ("openat", "ENOSPC"),
            ("openat", "EMFILE"),
            ("mkdir", "ENOSPC"),
            ("mkdirat", "ENOSPC"),
            ("rename", "ENOSPC"),
            ("renameat", "ENOSPC"),
            ("renameat2", "ENOSPC"),
            ("renameat2", "EIO"),
            ("fsync", "EIO"),
            ("flock", "ENOLCK"),
            ("getdents64", "EIO"),
        ] {
            at_every(
                call,
                &format!("error={error}"),
                &|| changed.copy(),
                arguments,
                &|home, ran| {
                    // Where it was the sweeping that failed, the next export sweeps.
                    let there = match ran.code {
                        0 => files_of(home),
                        _ => exported(home, "out"),
                    };
                    let printing_failed = ran.stderr.contains("cannot write the output");
                    match ran.code {
                        0 => assert!(there == *changed.wanted(arguments), "{call}: {ran:#?}"),
                        // It was done, and could not be told.
                        10 if printing_failed => {
                            assert!(there == *changed.wanted(arguments), "{call}: {ran:#?}");
                        }
                        10 => {
                            assert_eq!(ran.stdout, "", "{call}: {ran:#?}");
                            let names: Vec<&String> = there.keys().collect();
                            assert!(there == changed.old, "{call} {error}: {names:?} {ran:#?}");
                        }
                        _ => panic!("{call} {error}: {ran:#?}"),
                    }
                },
            );
        }
    }
}

#[test]
fn a_file_system_that_exchanges_no_files_is_written_to_all_the_same() {
    let changed = Changed::new();
    for arguments in EXPORTS {
        for error in ["EINVAL", "ENOSYS", "EOPNOTSUPP"] {
            let home = changed.copy();
            let fault = Fault {
                call: "renameat2",
                what: &format!("error={error}"),
                when: "1+",
            };
            run_with(fault, &home, arguments).ok();
            assert!(
                exported(&home, "out") == *changed.wanted(arguments),
                "{error}"
            );
        }
    }
}

#[test]
fn an_interrupted_export_leaves_the_old_one_or_ends_well() {
    let changed = Changed::new();
    for (signal, code) in [("SIGINT", 130), ("SIGTERM", 143)] {
        for call in [
            "write",
            "openat",
            "renameat2",
            "fsync",
            "unlinkat",
            "flock",
            "mkdirat",
        ] {
            let home = || changed.copy();
            let what = format!("signal={signal}");
            // However late it comes, it may end well: so the calls are counted first.
            let counted = home();
            let (ran, lines) = trace(&counted, &format!("?{call}"), EXPORTS[1]);
            ran.ok();
            let calls = lines
                .iter()
                .filter(|line| line.contains(&format!("{call}(")))
                .count();
            for number in 1..=calls {
                let home = home();
                let fault = Fault {
                    call,
                    what: &what,
                    when: &number.to_string(),
                };
                let ran = run_with(fault, &home, EXPORTS[1]);
                let there = exported(&home, "out");
                if ran.code == 0 {
                    assert!(there == changed.clean, "{call} {number}: {ran:#?}");
                } else {
                    assert_eq!(ran.code, code, "{call} {number}: {ran:#?}");
                    // Ended by the signal when all of it was in its place already.
                    let is_done = there == changed.clean;
                    assert!(
                        is_done || there == changed.old,
                        "{call} {number}: {:?} {ran:#?}",
                        there.keys()
                    );
                }
            }
        }
    }
}

#[test]
fn an_export_that_is_said_to_be_done_is_on_the_disk() {
    let changed = Changed::new();
    for arguments in EXPORTS {
        let home = changed.copy();
        let (ran, lines) = trace(
            &home,
            "write,fsync,?rename,?renameat,renameat2,unlinkat",
            arguments,
        );
        ran.ok();
        let first = |word: &str| lines.iter().position(|line| line.contains(word));
        let last = |word: &str| lines.iter().rposition(|line| line.contains(word));
        let in_place = lines
            .iter()
            .rposition(|line| line.contains("rename"))
            .expect("files come to their places");
        let done = first("write(1, \"Exported").expect("it is said");
        // The bytes before the names, and the names before the word.
        let renamed = first("rename").expect("a rename");
        let synced = (lines[..renamed].iter())
            .filter(|line| line.contains("fsync("))
            .count();
        assert!(synced > 2, "{lines:#?}");
        assert!(
            in_place < last("fsync(").expect("a sync of the folder"),
            "{lines:#?}"
        );
        assert!(last("fsync(").expect("a sync") < done, "{lines:#?}");
    }
}

#[test]
fn a_full_file_system_keeps_the_export_that_it_holds() {
    let home = Home::new();
    write_instances(&home, "in", "image", 60, "1");
    home.run("metadata import -d in").ok();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=1m,mode=700 tmpfs disk || exit 99
        "$1" metadata export -d disk/out || exit 1
        mkdir copy && cp disk/out/runtime-images/* disk/out/runtime-images/.imgdex-export copy || exit 2
        dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null
        for flags in "" --clean; do
            "$1" metadata export $flags -d disk/out 2>>stderr; echo "code $?"
            ls -A disk/out/runtime-images | wc -l
            diff -r copy disk/out/runtime-images && echo same
        done
        dd if=/dev/null of=disk/filler bs=4k seek=160 2>/dev/null
        "$1" metadata export --clean -d disk/out 2>>stderr; echo "code $?"
        diff -r copy disk/out/runtime-images && echo same
        rm disk/filler
        "$1" metadata export --clean -d disk/out; echo "code $?"
        diff -r copy disk/out/runtime-images && echo same
    "#;
    let mut command = home.command("unshare");
    command.args(["--mount", "sh", "-c", script, "sh", PROGRAM]);
    let ran = finish(&mut command);
    assert_ne!(
        ran.code, 99,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    let ran = ran.ok();
    let refused = "code 10\n61\nsame\n";
    assert!(
        ran.stdout.starts_with(&format!(
            "Exported 60 instances (0 of which are invalid)\n{refused}{refused}code 10\nsame\n"
        )),
        "{ran:#?}"
    );
    assert!(ran.stdout.ends_with("code 0\nsame\n"), "{ran:#?}");
    let stderr = std::fs::read_to_string(home.path().join("stderr")).expect("there");
    assert!(stderr.contains("No space left on device"), "{stderr}");
}

#[test]
fn a_failed_first_export_leaves_no_folder() {
    let changed = Changed::new();
    for (call, error) in [
        ("write", "ENOSPC"),
        ("openat", "ENOSPC"),
        ("mkdir", "ENOSPC"),
        ("mkdirat", "ENOSPC"),
        ("renameat2", "EIO"),
    ] {
        at_every(
            call,
            &format!("error={error}"),
            &|| copy(&changed.home),
            "metadata export -d new/folder",
            &|home, ran| {
                let is_there = Path::new(home.path()).join("new").exists();
                match ran.code {
                    0 => assert!(is_there),
                    10 if ran.stderr.contains("cannot write the output") => assert!(is_there),
                    10 => assert!(!is_there, "{call}: {ran:#?}"),
                    _ => panic!("{ran:#?}"),
                }
            },
        );
    }
}
