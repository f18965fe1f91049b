//! `imgdex metadata`: a platform's catalog as its files, here Elyra's runtime
//! images.

mod change;
mod export;
mod export_clean;
mod import;
mod import_invalid;
mod list;
mod platforms;
mod validate;
mod write;

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Home, Ran};
use crate::{field, json, lines, with_images};

/// A file as Elyra writes it, with everything that Elyra knows.
const PANDAS: &str = r#"{
  "display_name": "Pandas 2.3",
  "metadata": {
    "description": "Pandas, with Python 3.13",
    "tags": [
      "pandas",
      "python"
    ],
    "image_name": "amancevice/pandas:2.3.2",
    "pull_policy": "IfNotPresent"
  },
  "schema_name": "runtime-image"
}"#;

/// The flags that make the same image.
const CREATE_PANDAS: [&str; 12] = [
    "metadata",
    "create",
    "--display_name",
    "Pandas 2.3",
    "--description",
    "Pandas, with Python 3.13",
    "--image_name",
    "amancevice/pandas:2.3.2",
    "--pull_policy",
    "IfNotPresent",
    "--tags",
    "pandas,python",
];

/// Returns the file of a runtime image with a reference and nothing more, as Elyra
/// writes it.
fn instance(display_name: &str, image_name: &str) -> String {
    format!(
        "{{\n  \"display_name\": \"{display_name}\",\n  \"metadata\": {{\n    \
         \"image_name\": \"{image_name}\"\n  }},\n  \"schema_name\": \"runtime-image\"\n}}"
    )
}

/// Returns a home with files in `in`: each a name without its ending, and what it
/// holds.
fn with_files(files: &[(&str, &str)]) -> Home {
    let home = Home::new();
    for (name, text) in files {
        home.write(&format!("in/{name}.json"), text);
    }
    home
}

/// Runs the program with arguments that may hold white space.
fn run(home: &Home, arguments: &[&str]) -> Ran {
    home.call_with(arguments).run()
}

/// Returns the entries of the catalog by name.
#[track_caller]
fn listed(home: &Home) -> Vec<String> {
    lines(home.run("metadata list -o name"))
}

/// Returns every file of `FOLDER/runtime-images` with its text.
fn files(home: &Home, folder: &str) -> BTreeMap<String, String> {
    let folder = home.path().join(folder).join("runtime-images");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            let bytes = fs::read(&path).expect("it can be read");
            (
                name.into_owned(),
                String::from_utf8_lossy(&bytes).into_owned(),
            )
        })
        .collect()
}

/// Returns the names of the files of `FOLDER/runtime-images`.
fn file_names(home: &Home, folder: &str) -> Vec<String> {
    files(home, folder).into_keys().collect()
}

/// Returns the file that an export writes of an image.
#[track_caller]
fn file_of(home: &Home, name: &str) -> String {
    home.run("metadata export -d of").ok();
    files(home, "of")
        .remove(&format!("{name}.json"))
        .expect("it is written")
}
