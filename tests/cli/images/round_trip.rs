//! `images list -o json | imgdex --catalog new.db images create` makes an equal
//! catalog but for times, revisions and authors; so does YAML.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::json;
use crate::support::Home;

/// Returns a list without what may differ between two catalogs.
fn comparable(mut list: Value) -> Value {
    for image in list.as_array_mut().expect("a list") {
        let fields = image.as_object_mut().expect("an object");
        for field in ["createdAt", "updatedAt", "revision", "author"] {
            fields.remove(field);
        }
    }
    list
}

/// Copies the catalog into a new one through that form and compares the two.
fn copied(home: &Home, form: &str, filter: &str) -> Result<(), TestCaseError> {
    let before = json(home.run(&format!("images list -o json {filter}")));
    let text = home
        .run(&format!("images list -o {form} {filter}"))
        .ok()
        .stdout;
    let copy = home
        .path()
        .join(format!("copy-{form}{}.db", filter.trim_start_matches('-')));
    let create = format!("--catalog {} images create -q", copy.display());
    let ran = home.pipe(&text, &create);
    prop_assert_eq!(ran.code, 0, "{}\n{}", ran.stderr, text);
    let after = json(home.run(&format!(
        "--catalog {} images list -o json {filter}",
        copy.display()
    )));
    prop_assert_eq!(comparable(before), comparable(after));
    Ok(())
}

#[test]
fn a_catalog_comes_back_equal_through_json_and_yaml() {
    let home = Home::new();
    let images = json!([
        {"name": "plain"},
        {
            "name": "a_b", "formats": ["runtime-images", "primehub"], "tags": ["no", "1.10", " x", "#"],
            "labels": {"date": "2024-01-02", "n": "null"},
            "command": "a  'b'\n\"c\"\t", "pullPolicy": "Never", "kind": "lab_app",
            "picture": "https://example.com/a.png", "pullSecret": "plain-name",
        },
        {
            "name": "seen", "url": "quay.io/a/b:1", "urlForGpu": "quay.io/a/b:2", "isReady": true,
            "digest": format!("sha256:{}", "a".repeat(64)), "digestForGpu": format!("sha256:{}", "b".repeat(64)),
            "platforms": ["linux/amd64"], "size": 9007199254740993u64, "verifiedAt": "2025-01-02T03:04:05Z",
            "problem": "moved", "pinnedTag": "1",
        },
        {"name": "gpu-only", "urlForGpu": "quay.io/a/b:2", "digestForGpu": format!("sha256:{}", "b".repeat(64)), "size": 4, "isReady": false},
        {
            "name": "built", "url": "registry.example.com/x:1", "isReady": true,
            "imageSpec": {"baseImage": "a", "packages": {"pip": ["b"]}, "more": [1]},
            "jobStatus": {"phase": "Succeeded", "log": "x"},
        },
        {"name": "unbuilt", "imageSpec": {"baseImage": "a", "packages": {"conda": ["b=1"]}}},
        {
            "name": "grouped", "displayName": "名前 ✓ \u{202e}", "description": "two\nlines\n",
            "groups": [
                {"id": "11111111-2222-4333-8444-555555555555", "name": "research", "displayName": "Research"},
                {"id": "22222222-2222-4333-8444-555555555555", "name": "Data Science", "displayName": "no"},
            ],
        },
        {
            "name": "unknown-fields", "global": true, "spec": {"z": 1, "a": [true, null, "x", 1.5]},
            "version": 1.10, "text": "null", "empty": {}, "none": null,
        },
    ]);
    home.pipe(images.to_string(), "images create -q").ok();
    for form in ["json", "yaml"] {
        copied(&home, form, "").expect("equal");
    }
}

#[test]
fn numbers_come_back_with_the_digits_that_they_were_written_with() {
    let home = Home::new();
    let text = "{\"name\": \"a\", \"x\": 1.10, \"y\": 123456789012345678901234567890, \"z\": 1E5}";
    home.pipe(text, "images create -q").ok();
    let printed = home.run("images list -o json").ok().stdout;
    let tail = "\"x\":1.10,\"y\":123456789012345678901234567890,\"z\":1E5}";
    assert!(printed.contains(tail), "{printed}");
    home.pipe(printed, "--catalog new.db images create -q").ok();
    assert!(
        home.run("--catalog new.db images list -o json")
            .ok()
            .stdout
            .contains(tail)
    );
}

#[test]
fn archived_images_come_back_archived() {
    let home = Home::new();
    home.pipe(
        "[{\"name\": \"a\", \"archived\": true}, {\"name\": \"b\"}]",
        "images create -q",
    )
    .ok();
    for form in ["json", "yaml"] {
        copied(&home, form, "--archived").expect("equal");
    }
}

#[test]
fn images_that_name_secrets_come_back_where_the_secrets_exist() {
    let home = Home::new();
    home.pipe("{\"name\": \"quay\"}", "secrets create -q").ok();
    home.pipe(
        r#"[{"name": "a", "useImagePullSecret": "image-quay"},
            {"name": "b", "imageSpec": {"baseImage": "x", "pullSecret": "image-quay", "packages": {"apt": ["y"]}}}]"#,
        "images create -q",
    )
    .ok();
    let list = home.run("images list -o json").ok().stdout;
    home.pipe(&list, "--catalog new.db images create").fails(2);
    home.pipe("{\"name\": \"quay\"}", "--catalog new.db secrets create -q")
        .ok();
    home.pipe(&list, "--catalog new.db images create -q").ok();
    let after = json(home.run("--catalog new.db images list -o json"));
    assert_eq!(
        comparable(json(home.run("images list -o json"))),
        comparable(after)
    );
}

/// Texts that a careless printer of JSON or YAML would spoil.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[ -~]{0,30}",
        "(?s:.){0,12}",
        prop::sample::select(vec![
            "no",
            "1.10",
            "2024-01-02",
            "~",
            "null",
            "- a",
            "a: b",
            "# x",
            "'",
            "\"",
            "|",
            "\n",
            " a ",
            "\u{85}",
            "\u{feff}",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn image()(
        display_name in prop::option::of(text()),
        description in prop::option::of(text()),
        image_type in prop::sample::select(vec!["cpu", "gpu", "both"]),
        url in prop::option::of("[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}:[A-Za-z0-9_][A-Za-z0-9_.]{0,7}"),
        global in any::<bool>(),
        is_ready in prop::option::of(any::<bool>()),
        tags in prop::collection::btree_set(text().prop_filter("not empty", |tag| !tag.is_empty()), 0..4),
        labels in prop::collection::btree_map(text().prop_filter("not empty", |key| !key.is_empty()), text(), 0..3),
        command in prop::option::of(text()),
        size in prop::option::of(0..i64::MAX),
        mine in value(),
        key in text(),
    ) -> BTreeMap<String, Value> {
        let mut image = BTreeMap::new();
        // First, so that a key that happens to be one of ours is replaced.
        image.insert(format!("x-{key}"), mine);
        for (field, value) in [
            ("displayName", json!(display_name)), ("description", json!(description)), ("type", json!(image_type)),
            ("url", json!(url)), ("global", json!(global)), ("isReady", json!(is_ready)), ("tags", json!(tags)),
            ("labels", json!(labels)), ("command", json!(command)), ("size", json!(size)),
        ] {
            image.insert(field.to_owned(), value);
        }
        image
    }
}

#[test]
fn any_image_that_keeps_the_rules_comes_back_equal() {
    let mut runner = TestRunner::new(Config {
        cases: 16,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(image(), 1..20), |images| {
            let home = Home::new();
            let named: Vec<Value> = images
                .iter()
                .enumerate()
                .map(|(number, image)| {
                    let mut image: serde_json::Map<String, Value> =
                        image.clone().into_iter().collect();
                    image.insert("name".to_owned(), format!("image-{number}").into());
                    Value::Object(image)
                })
                .collect();
            let text = Value::from(named.clone()).to_string();
            let ran = home.pipe(&text, "images create -q");
            prop_assert_eq!(ran.code, 0, "{}\n{}", ran.stderr, text);
            let listed = json(home.run("images list -o json"));
            for (given, kept) in named.iter().zip(listed.as_array().expect("a list")) {
                for (field, value) in given.as_object().expect("an object") {
                    let unset = value.is_null() || *value == json!([]) || *value == json!({});
                    let is_ours = !field.starts_with("x-");
                    let defaulted =
                        field == "displayName" && value.as_str().is_none_or(str::is_empty);
                    if !(is_ours && (unset || defaulted)) {
                        prop_assert_eq!(&kept[field], value, "{}", field);
                    }
                }
            }
            copied(&home, "json", "")?;
            copied(&home, "yaml", "")
        })
        .expect("every case holds");
}
