//! `imgdex metadata` when things go wrong around its files: what is no regular
//! file, disks that are full, processes that are killed, several at once.

mod export;
mod export_folder;
mod import;
mod import_stopped;
mod together;

use std::collections::BTreeMap;
use std::path::Path;

use crate::strace::{Fault, run_with};
use crate::support::{Home, Ran};

/// Returns the file of a runtime image, as Elyra writes it.
fn instance(name: &str, tag: &str) -> String {
    format!(
        "{{\n  \"display_name\": \"{name}\",\n  \"metadata\": {{\n    \
         \"image_name\": \"quay.io/team/{name}:{tag}\"\n  }},\n  \
         \"schema_name\": \"runtime-image\"\n}}"
    )
}

/// Writes files `PREFIX1.json`, `PREFIX2.json`, … to a folder.
fn write_instances(home: &Home, folder: &str, prefix: &str, count: usize, tag: &str) {
    for number in 1..=count {
        let name = format!("{prefix}{number}");
        home.write(&format!("{folder}/{name}.json"), instance(&name, tag));
    }
}

/// Returns the names of the runtime images.
#[track_caller]
fn listed(home: &Home) -> Vec<String> {
    let listed = home.run("metadata list -o name").ok();
    listed.stdout.lines().map(str::to_owned).collect()
}

/// Returns the files of an export by their names; a folder in it is no file of an
/// export.
#[track_caller]
fn exported(home: &Home, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = home.path().join(folder).join("runtime-images");
    if folder.exists() {
        crate::contents(&folder)
    } else {
        BTreeMap::new()
    }
}

/// Copies a folder of files, and the marker with them.
fn copy_folder(from: &Path, home: &Home, to: &str) {
    for (name, bytes) in crate::contents(from) {
        home.write(&format!("{to}/{name}"), bytes);
    }
}

/// Runs the program in homes that are all alike, something happening at its first,
/// second, third … call, until it comes to its end without having met it; no call
/// is left out. Returns how often it happened.
fn at_every(
    call: &str,
    what: &str,
    home: &dyn Fn() -> Home,
    arguments: &str,
    judge: &dyn Fn(&Home, &Ran),
) -> usize {
    for number in 1.. {
        let home = home();
        let fault = Fault {
            call,
            what,
            when: &number.to_string(),
        };
        let ran = run_with(fault, &home, arguments);
        let trace = std::fs::read(home.path().join("trace")).expect("there is a trace");
        let happened = if what.contains("error=") {
            String::from_utf8_lossy(&trace).contains("(INJECTED)")
        } else {
            ran.code != 0
        };
        // It is the program that is judged, not the one that loads it.
        if ran.code != 127 || !ran.stderr.contains("shared libraries") {
            judge(&home, &ran);
        }
        if !happened {
            ran.ok();
            return number - 1;
        }
    }
    unreachable!("the numbers do not end")
}
