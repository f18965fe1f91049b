//! The files of the platforms beside Elyra: what an import takes of them, and what an
//! export writes.

mod adalab;
mod kubeflow;
mod kubespawner;
mod kustomize;
mod opendatahub;
mod primehub;
mod round_trip;

use serde_json::Value;

use super::*;

/// Returns a home with one file of a platform in `in`.
fn with_file(name: &str, text: &str) -> Home {
    let home = Home::new();
    home.write(&format!("in/{name}"), text);
    home
}

/// Returns what an import of `in` tells.
#[track_caller]
fn import(home: &Home, format: &str) -> String {
    home.run(&format!("metadata import {format} -d in"))
        .ok()
        .stdout
}

/// Returns every file that an export writes, but for its marker.
#[track_caller]
fn exported(home: &Home, format: &str) -> BTreeMap<String, String> {
    exported_with(home, format, "")
}

/// Returns every file that an export with these flags writes, but for its marker.
#[track_caller]
fn exported_with(home: &Home, format: &str, flags: &str) -> BTreeMap<String, String> {
    let name = format!("out-{format}");
    home.run(&format!(
        "metadata export {format} -d {name} --clean {flags}"
    ))
    .ok();
    files_of(home, &name, format)
}

/// Returns every file of `FOLDER/FORMAT`, but for an export's marker.
fn files_of(home: &Home, folder: &str, format: &str) -> BTreeMap<String, String> {
    let folder = home.path().join(folder).join(format);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name != ".imgdex-export" {
            let text = fs::read_to_string(&path).expect("it can be read");
            files.insert(name.into_owned(), text);
        }
    }
    files
}

/// Returns the only file that an export writes.
#[track_caller]
fn only_file(home: &Home, format: &str) -> String {
    let files = exported(home, format);
    assert_eq!(files.len(), 1, "{files:#?}");
    files.into_values().next().unwrap_or_default()
}

/// Asserts that a file comes back as it was, is told to be unchanged, and is valid.
#[track_caller]
fn check_comes_back(home: &Home, format: &str, count: usize) {
    let plural = |count: usize, is: bool| match (count, is) {
        (1, true) => "1 instance is".to_owned(),
        (1, false) => "1 instance".to_owned(),
        (_, true) => format!("{count} instances are"),
        (_, false) => format!("{count} instances"),
    };
    assert_eq!(
        import(home, format),
        format!("Imported {}\n", plural(count, false))
    );
    assert_eq!(exported(home, format), files_of(home, "in", ""), "{format}");
    assert_eq!(
        import(home, format),
        format!("Imported 0 instances\n{} unchanged\n", plural(count, true))
    );
    for folder in ["in".to_owned(), format!("out-{format}/{format}")] {
        home.run(&format!("metadata validate {format} {folder}"))
            .ok();
    }
}

/// Returns everything of the catalog's files as bytes.
fn catalog_bytes(home: &Home) -> Vec<u8> {
    let mut bytes = Vec::new();
    let folder = home.catalog().parent().expect("a folder").to_owned();
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        bytes.extend(fs::read(path).expect("it can be read"));
    }
    bytes
}

/// Returns the fields of an image that a platform's file could have said.
#[track_caller]
fn said(home: &Home, name: &str) -> Value {
    let mut image = json(home.run(&format!("images get {name} -o json")));
    for field in ["id", "author", "createdAt", "updatedAt", "revision"] {
        image.as_object_mut().expect("an object").remove(field);
    }
    image
}

#[test]
fn every_platform_has_a_schema_and_an_empty_catalog() {
    let formats = [
        "adalab",
        "kubeflow",
        "kubespawner",
        "kustomize",
        "opendatahub",
        "primehub",
        "runtime-images",
    ];
    for format in formats {
        let home = Home::new();
        let schema = json(home.run(&format!("metadata schema {format}")));
        assert!(schema["$schema"].is_string(), "{format}");
        assert!(schema["title"].is_string(), "{format}");
        let listed = home.run(&format!("metadata list {format} --json")).ok();
        assert_eq!(listed.stdout, "[]\n", "{format}");
        let ran = home.run(&format!("metadata export {format} -d out")).ok();
        assert_eq!(
            ran.stdout,
            "Exported 0 instances (0 of which are invalid)\n"
        );
    }
}
