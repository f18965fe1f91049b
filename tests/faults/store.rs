//! Files on their way into the store: full and failing disks, kills, Ctrl-C.

use std::fs;
use std::path::Path;

use crate::disk::fail_every;
use crate::folders::in_read_only;
use crate::strace::{Fault, run_with};
use crate::support::{Home, PROGRAM, Ran};
use crate::{assert_whole, copy, image};

/// Longer than what is read at once.
const BYTES: usize = 3 * 1024 * 1024;

fn content() -> Vec<u8> {
    (0..BYTES).map(|index| (index % 251) as u8).collect()
}

fn with_catalog() -> Home {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    home
}

fn with_file(catalog: &Home) -> Home {
    let home = copy(catalog);
    home.write("tool.sif", content());
    home
}

/// Every file that has a name is whole, every record has its file, and the content
/// is where it was or where the record says.
fn assert_nothing_is_lost(home: &Home, ran: &Ran) {
    let is_whole = |path: &Path| fs::read(path).is_ok_and(|bytes| bytes == content());
    let listed = home.run("store list -o name").ok().stdout;
    let there = home.path().join("tool.sif");
    assert!(!there.exists() || is_whole(&there), "{ran:#?}");
    if listed.is_empty() {
        assert!(there.exists(), "lost: {ran:#?}");
        assert!(!ran.stdout.contains("[new]"), "{ran:#?}");
    } else {
        let path = home.run("store get lab/tool").ok().stdout;
        assert!(is_whole(Path::new(path.trim_end())), "{ran:#?}");
    }
    for path in named_files(&home.path().join(".local/share/imgdex/store")) {
        assert!(is_whole(&path), "half a file: {ran:#?}");
    }
    assert_whole(home);
}

/// Returns the files below a folder but for those that begin with a dot.
fn named_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(named_files(&path));
        } else if path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes()[0] != b'.')
        {
            found.push(path);
        }
    }
    found
}

fn hidden_files(folder: &Path) -> usize {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            let hidden = entry.file_name().as_encoded_bytes()[0] == b'.';
            usize::from(hidden && entry.path().is_file()) + hidden_files(&entry.path())
        })
        .sum()
}

#[test]
fn a_full_or_failing_disk_leaves_the_file_where_it_was() {
    let before = with_catalog();
    let home = || with_file(&before);
    for (call, error) in [
        ("write", "ENOSPC"),
        ("pwrite64", "ENOSPC"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
        ("linkat", "EXDEV"),
        ("rename,?renameat,?renameat2", "EIO"),
        ("mkdir,?mkdirat", "EROFS"),
        ("unlink,?unlinkat", "EACCES"),
    ] {
        for arguments in ["", "--copy"] {
            let command = format!("store add tool.sif --name lab/tool {arguments}");
            fail_every(call, error, &home, &command, &|home, ran| {
                assert!([0, 3, 10].contains(&ran.code), "{call}: {ran:#?}");
                assert_nothing_is_lost(home, ran);
                let store = home.path().join(".local/share/imgdex/store");
                // Where nothing can be removed, what is under work stays.
                let left = hidden_files(&store);
                assert!(left == 0 || call.starts_with("unlink"), "{call}: {ran:#?}");
                if home.path().join("tool.sif").exists() {
                    home.run(&command).ok();
                    home.run("store check").ok();
                }
            });
        }
    }
}

#[test]
fn a_kill_at_any_step_loses_nothing() {
    let before = with_catalog();
    for call in [
        "linkat",
        "rename,?renameat,?renameat2",
        "fsync",
        "pwrite64",
        "unlink,?unlinkat",
    ] {
        for command in [
            "store add tool.sif --name lab/tool",
            "store add tool.sif --name lab/tool --copy",
        ] {
            for number in 1.. {
                let home = with_file(&before);
                let fault = Fault {
                    call,
                    what: "signal=SIGKILL",
                    when: &number.to_string(),
                };
                let ran = run_with(fault, &home, command);
                assert_nothing_is_lost(&home, &ran);
                home.run("store check --repair").ok();
                assert_nothing_is_lost(&home, &ran);
                home.run("store check").ok();
                if ran.code == 0 {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_interrupted_copy_leaves_no_half_file() {
    let before = with_catalog();
    for (signal, code) in [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)] {
        let what = format!("signal={signal}");
        let mut interrupted = 0;
        for number in 1.. {
            let home = with_file(&before);
            let fault = Fault {
                call: "write",
                what: &what,
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, "store add tool.sif --name lab/tool --copy");
            assert_nothing_is_lost(&home, &ran);
            let store = home.path().join(".local/share/imgdex/store");
            assert_eq!(hidden_files(&store), 0, "{ran:#?}");
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, code, "{ran:#?}");
            interrupted += 1;
        }
        assert!(interrupted >= 3, "{interrupted}");
    }
}

/// Runs shell commands, which find the program as `$1`, where the store is a file
/// system of its own that holds so much.
fn with_store_of(home: &Home, size: &str, commands: &str) -> Ran {
    let script = format!(
        "mkdir -p store && mount -t tmpfs -o size={size} tmpfs store || exit 99
         cp tool.sif store/.before
         {commands}"
    );
    let mut command = home.command("unshare");
    command
        .args(["--mount", "bash", "-c", &script, "bash", PROGRAM])
        .env("IMGDEX_STORE", home.path().join("store"));
    let ran = crate::finish(&mut command);
    assert_ne!(
        ran.code, 99,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    ran
}

#[test]
fn a_file_is_moved_to_another_file_system_and_back() {
    let home = with_file(&with_catalog());
    let ran = with_store_of(
        &home,
        "16m",
        "set -e
         $1 store add tool.sif --name lab/tool
         test ! -e tool.sif
         cmp store/.before \"$($1 store get lab/tool)\"
         $1 store check
         $1 store mv lab/tool back.sif
         cmp store/.before back.sif
         find store -type f ! -name .before",
    )
    .ok();
    assert_eq!(ran.stdout.lines().count(), 1, "{ran:#?}");
    home.run("store check").ok();
}

#[test]
fn a_store_that_is_full_leaves_the_file() {
    let home = with_file(&with_catalog());
    for keep in ["", "--copy"] {
        let command = format!(
            "$1 store add tool.sif --name lab/tool {keep}; code=$?
             find store -type f ! -name .before; exit $code"
        );
        let ran = with_store_of(&home, "4m", &command).fails(10);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains("No space left"), "{ran:#?}");
        assert_nothing_is_lost(&home, &ran);
    }
}

#[test]
fn a_store_that_is_read_only_leaves_the_file() {
    let home = with_file(&with_catalog());
    home.write("old.sif", "old");
    home.run("store add old.sif --name lab/old").ok();
    let store = home.path().join(".local/share/imgdex/store");
    let run = |arguments: &str| {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        in_read_only(&home, &store, &words)
    };
    for command in [
        "store add tool.sif --name lab/tool",
        "store add tool.sif --name lab/old --copy",
        "store rename lab/old lab/new",
    ] {
        run(command).fails(10);
    }
    assert!(home.path().join("tool.sif").exists());
    run("store get lab/old").ok();
    run("store check").ok();
    run("store check --repair").ok();
    home.run("store check").ok();
}
