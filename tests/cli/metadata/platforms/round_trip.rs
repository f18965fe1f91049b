//! What an export wrote, an import into an empty catalog takes, and an export of that
//! writes again, byte for byte.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;

const FORMATS: [&str; 6] = [
    "adalab",
    "kubeflow",
    "kubespawner",
    "opendatahub",
    "primehub",
    "runtime-images",
];

#[test]
fn an_export_is_written_again_by_the_catalog_that_took_it() {
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&prop::collection::vec(image(), 1..5), |images| {
            for format in FORMATS {
                check(&images, format)?;
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn check(images: &[Value], format: &str) -> Result<(), TestCaseError> {
    let home = Home::new();
    let named: String = images
        .iter()
        .enumerate()
        .map(|(index, image)| {
            let mut image = image.clone();
            image["name"] =
                format!("{}-{index}", image["name"].as_str().unwrap_or_default()).into();
            format!("{image}\n")
        })
        .collect();
    home.pipe(&named, "images create").ok();
    home.run(&format!("metadata export {format} --all -d first"))
        .ok();
    home.run(&format!(
        "--catalog other/catalog.db metadata import {format} -d first"
    ))
    .ok();
    home.run(&format!(
        "--catalog other/catalog.db metadata export {format} -d second"
    ))
    .ok();
    let first = files_of(&home, "first", format);
    prop_assert_eq!(files_of(&home, "second", format), first, "{}", format);
    // And the catalog that wrote it finds nothing new in it.
    let again = home.run(&format!("metadata import {format} -d first")).ok();
    let count = images.len();
    let exported = home.run(&format!("metadata export {format} -d third")).ok();
    prop_assert_eq!(
        files_of(&home, "third", format),
        files_of(&home, "first", format),
        "{}",
        exported.stderr
    );
    prop_assert!(
        count > 0 && !again.stdout.contains("could not"),
        "{}",
        again.stdout
    );
    Ok(())
}

/// Any image that all platforms can hold in some way.
fn image() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("yes".to_owned()),
        Just("1.10".to_owned()),
        Just("- # : 'x' \"y\"".to_owned()),
        Just("two\nlines\n".to_owned()),
        Just(" spaced\t".to_owned()),
        Just("予報 \u{1f4c8}".to_owned()),
        "[ -~]{1,16}",
    ];
    (
        "[a-z][a-z0-9-]{0,6}",
        text.clone(),
        prop::option::of(text.clone()),
        prop::sample::select(vec!["cpu", "gpu", "both"]),
        prop::sample::select(vec![
            "quay.io/example/lab:1.10",
            "quay.io/example/lab:2",
            "alpine:3",
            "localhost:5000/a/b:x_y",
        ]),
        prop::sample::select(vec!["Always", "IfNotPresent", "Never"]),
        prop::option::of(prop::sample::select(vec!["runtime", "notebook", "app"])),
        prop::collection::btree_set("[a-z]{1,4}", 0..3),
        prop::option::of("[a-z]{1,4}( [a-z]{1,4})?"),
    )
        .prop_map(
            |(name, display, description, kind_of, url, policy, kind, tags, command)| {
                let mut image = serde_json::json!({
                    "name": name, "displayName": display, "type": kind_of, "url": url,
                    "pullPolicy": policy, "tags": tags,
                });
                for (key, value) in [
                    ("description", description),
                    ("kind", kind.map(str::to_owned)),
                    ("command", command),
                ] {
                    if let Some(value) = value {
                        image[key] = value.into();
                    }
                }
                image
            },
        )
}

#[test]
fn a_field_of_a_platform_s_name_that_fits_into_no_file_is_told_and_left_behind() {
    let home = Home::new();
    home.pipe(
        r#"{"name": "a", "url": "x.io/y/z:1", "adalab": {"sha256": []},
            "primehub": {"status": "x"}, "kubespawner": {"kubespawner_override": "x"},
            "opendatahub": {"imageStream": "s", "tag": "t", "stream": {"metadata": {"annotations": 5}}},
            "kubeflow": {"workspaceKind": []}, "runtime-images": {"metadata": 7}}"#,
        "images create",
    )
    .ok();
    for format in FORMATS {
        let ran = home
            .run(&format!("metadata export {format} --all -d out"))
            .ok();
        let is_told = ran
            .stderr
            .contains(&format!("image `a`: {format} has no place for {format}\n"));
        let is_misfit = ["adalab", "primehub", "opendatahub"].contains(&format);
        assert_eq!(is_told, is_misfit, "{format}: {ran:#?}");
        home.run(&format!("metadata validate {format} out/{format}"))
            .ok();
    }
}
