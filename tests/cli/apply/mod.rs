//! `imgdex apply` and `diff`: a folder of documents as the source of truth.

mod agreement;
mod asked;
mod refused;

use serde_json::{Value, json};

use crate::support::{Home, PROGRAM, Ran};
use crate::{RESEARCH, field, json, lines};

fn home() -> Home {
    let home = Home::new();
    home.write("catalog/groups.yaml", format!("kind: group\nname: research\ndisplayName: Research\nid: {RESEARCH}\n---\nkind: group\nname: teaching\n"))
        .write("catalog/secrets/quay.json", "{\"kind\": \"secret\", \"name\": \"quay\", \"type\": \"kubernetes\", \"registryHost\": \"quay.io\"}")
        .write("catalog/a.yml", "name: a\nurl: quay.io/x/a:1.10\nuseImagePullSecret: image-quay\ngroups: [research]\n")
        .write("catalog/b.json", "{\"kind\": \"image\", \"name\": \"b\", \"url\": \"quay.io/x/b:1\", \"global\": true, \"tags\": [\"t\"], \"mine\": {\"x\": 1}}")
        .write("catalog/README.md", "not read")
        .write("catalog/.git/config.json", "not read {");
    home
}

#[test]
fn a_folder_is_applied_and_a_second_time_changes_nothing() {
    let home = home();
    insta::assert_snapshot!(home.run("apply -f catalog").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    group/research created
    group/teaching created
    secret/image-quay created
    image/a created
    image/b created
    ----- stderr -----
    5 changed, 0 unchanged
    ");
    insta::assert_snapshot!(home.run("images list -o wide --limit 0").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName  description  type  isReady  url  urlForGpu  useImagePullSecret  pullSecret  global  groups  kind  tags  author  problem  vulnerabilities  updatedAt
    ");
    let before = [
        home.run("images list -o json"),
        home.run("groups list -o json"),
        home.run("secrets list -o json"),
    ];
    let changes = json(home.run("catalog info -o json"))["changes"].clone();
    insta::assert_snapshot!(home.run("apply -f catalog").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    0 changed, 5 unchanged
    ");
    let after = [
        home.run("images list -o json"),
        home.run("groups list -o json"),
        home.run("secrets list -o json"),
    ];
    assert_eq!(before, after);
    assert_eq!(json(home.run("catalog info -o json"))["changes"], changes);
    assert_eq!(
        lines(home.run("images list-groups a -o name")),
        ["research"]
    );
    assert_eq!(
        field(&home, "b", "kind"),
        Value::Null,
        "`kind: image` says what the document is"
    );
}

#[test]
fn what_a_file_says_anew_is_changed_and_what_it_no_longer_says_is_reset() {
    let home = home();
    home.run("apply -f catalog").ok();
    home.write(
        "catalog/b.json",
        "{\"name\": \"b\", \"url\": \"quay.io/x/b:2\"}",
    );
    insta::assert_snapshot!(home.run("apply -f catalog").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    image/b configured
    ----- stderr -----
    1 changed, 4 unchanged
    ");
    for (name, expected) in [
        ("global", Value::from(false)),
        ("tags", Value::Null),
        ("mine", Value::Null),
        ("url", "quay.io/x/b:2".into()),
    ] {
        assert_eq!(field(&home, "b", name), expected, "{name}");
    }
}

#[test]
fn observed_fields_are_ignored() {
    let home = Home::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    home.pipe(format!("{{\"name\": \"a\", \"url\": \"quay.io/x/a:1\", \"isReady\": true, \"digest\": \"{digest}\", \"size\": 5}}"), "images create").ok();
    home.write("a.yaml", "name: a\nurl: quay.io/x/a:1\nisReady: false\ndigest: null\nsize: 9\ncreatedAt: x\nrevision: 77\nverifiedAt: y\nproblem: z\nplatforms: [p]\n");
    home.run("diff -f a.yaml").ok();
    home.run("apply -f a.yaml").ok();
    assert_eq!(field(&home, "a", "revision"), 1);
    assert_eq!(field(&home, "a", "digest"), digest.as_str());
    assert_eq!(field(&home, "a", "isReady"), true);
    let fresh = Home::new();
    fresh.write(
        "a.yaml",
        "name: a\nurl: quay.io/x/a:1\nisReady: true\nsize: 9\nproblem: z\n",
    );
    fresh.run("apply -f a.yaml").ok();
    for name in ["isReady", "size", "problem"] {
        assert_eq!(field(&fresh, "a", name), Value::Null, "{name}");
    }
}

#[test]
fn a_list_that_was_printed_applies_without_a_change() {
    let home = home();
    home.run("apply -f catalog").ok();
    home.pipe(
        "{\"name\": \"by-hand\", \"description\": \"x\"}",
        "images create",
    )
    .ok();
    for form in ["json", "yaml"] {
        let list = home.run(&format!("images list -o {form}")).ok().stdout;
        let ran = home.pipe(&list, "apply -f -").ok();
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("", "0 changed, 3 unchanged\n")
        );
        home.pipe(&list, "diff -f -").ok();
    }
}

#[test]
fn an_image_whose_last_build_is_not_good_applies_as_it_was_printed() {
    let spec = json!({"baseImage": "a", "packages": {"pip": ["b"]}});
    let never = json!({"name": "custom", "global": true, "imageSpec": spec});
    for phase in ["Succeeded", "Failed", "Cancelled", "Running", "Pending"] {
        let home = Home::new();
        let mut built = never.clone();
        built["url"] = "registry.example.com/custom:1".into();
        built["jobStatus"] = json!({
            "phase": phase, "image": "registry.example.com/custom:1", "key": "k",
            "baseDigest": "sha256:a", "message": "m", "target": "t",
        });
        home.pipe(built.to_string(), "images create").ok();
        let printed = home.run("images get custom -o json").ok().stdout;
        home.write("folder/custom.json", &printed);
        home.run("diff -f folder").ok();
        let ran = home.run("apply -f folder").ok();
        assert_eq!(ran.stderr, "0 changed, 1 unchanged\n", "{phase}");
        assert_eq!(home.run("images get custom -o json").stdout, printed);
        // In another catalog nobody is at work on it, whether it is new there or to be built.
        for (catalog, before) in [("new", None), ("other", Some(&never))] {
            let run = |arguments: &str| home.run(&format!("--catalog {catalog}.db {arguments}"));
            if let Some(before) = before {
                let create = format!("--catalog {catalog}.db images create");
                home.pipe(before.to_string(), &create).ok();
            }
            run("apply -f folder").ok();
            run("diff -f folder").ok();
            let image = json(run("images get custom -o json"));
            assert_eq!(image["url"], built["url"], "{phase}");
            assert_eq!(image["imageSpec"], built["imageSpec"]);
            assert_eq!(image["jobStatus"]["phase"], "Succeeded");
            assert_eq!(image["jobStatus"]["key"], "k");
        }
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let home = home();
    insta::assert_snapshot!(home.run("apply -f catalog --dry-run").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    group/research created
    group/teaching created
    secret/image-quay created
    image/a created
    image/b created
    ----- stderr -----
    5 changed, 0 unchanged (dry run: nothing was written)
    ");
    assert!(!home.catalog().exists());
    home.pipe("{\"name\": \"a\"}", "images create").ok();
    home.run("apply -f catalog --dry-run").ok();
    assert_eq!(lines(home.run("images list -o name")), ["a"]);
    assert_eq!(field(&home, "a", "revision"), 1);
}

#[test]
fn pruning_deletes_only_what_apply_made() {
    let home = home();
    home.pipe("{\"name\": \"by-hand\"}", "images create").ok();
    home.run("apply -f catalog").ok();
    std::fs::remove_file(home.path().join("catalog/b.json")).expect("removed");
    home.run("apply -f catalog").ok();
    assert_eq!(
        lines(home.run("images list -o name")),
        ["by-hand", "a", "b"],
        "only --prune deletes"
    );
    home.run("diff -f catalog").ok();
    home.run("diff -f catalog --prune").fails(13);
    home.run("apply -f catalog --prune --dry-run").ok();
    assert_eq!(lines(home.run("images list -o name")).len(), 3);
    insta::assert_snapshot!(home.run("apply -f catalog --prune").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    image/b pruned
    ----- stderr -----
    1 changed, 4 unchanged
    ");
    assert_eq!(lines(home.run("images list -o name")), ["by-hand", "a"]);
    assert_eq!(lines(home.run("groups list -o name")).len(), 2);
    home.run("diff -f catalog --prune").ok();
}

#[test]
fn an_image_that_was_made_by_hand_and_is_applied_is_not_pruned() {
    let home = home();
    home.pipe("{\"name\": \"b\"}", "images create").ok();
    home.run("apply -f catalog").ok();
    std::fs::remove_file(home.path().join("catalog/b.json")).expect("removed");
    home.run("apply -f catalog --prune").ok();
    assert_eq!(lines(home.run("images list -o name")), ["b", "a"]);
}

#[test]
fn a_diff_is_unified_and_empty_after_an_apply() {
    let home = home();
    insta::assert_snapshot!(home.run("diff -f catalog").snapshot(&home), @r"
    exit code: 13
    ----- stdout -----
    --- /dev/null
    +++ catalog/groups.yaml
    @@ -0,0 +1,3 @@
    +kind: group
    +name: research
    +displayName: Research
    --- /dev/null
    +++ catalog/groups.yaml
    @@ -0,0 +1,3 @@
    +kind: group
    +name: teaching
    +displayName: teaching
    --- /dev/null
    +++ catalog/secrets/quay.json
    @@ -0,0 +1,6 @@
    +kind: secret
    +name: quay
    +displayName: quay
    +type: kubernetes
    +registryHost: quay.io
    +username: null
    --- /dev/null
    +++ catalog/a.yml
    @@ -0,0 +1,10 @@
    +name: a
    +displayName: a
    +type: both
    +url: quay.io/x/a:1.10
    +useImagePullSecret: image-quay
    +global: false
    +groups:
    +  - research
    +formats:
    +  - primehub
    --- /dev/null
    +++ catalog/b.json
    @@ -0,0 +1,11 @@
    +name: b
    +displayName: b
    +type: both
    +url: quay.io/x/b:1
    +global: true
    +tags:
    +  - t
    +formats:
    +  - primehub
    +mine:
    +  x: 1
    ");
    assert!(!home.catalog().exists());
    home.run("apply -f catalog").ok();
    insta::assert_snapshot!(home.run("diff -f catalog").snapshot(&home), @r"exit code: 0");
    home.pipe(
        "{\"description\": \"changed by hand\", \"tags\": [\"u\"]}",
        "images update b",
    )
    .ok();
    insta::assert_snapshot!(home.run("diff -f catalog").snapshot(&home), @r"
    exit code: 13
    ----- stdout -----
    --- catalog/b
    +++ catalog/b.json
    @@ -1,11 +1,10 @@
     name: b
     displayName: b
    -description: changed by hand
     type: both
     url: quay.io/x/b:1
     global: true
     tags:
    -  - u
    +  - t
     formats:
       - primehub
     mine:
    ");
    home.run("apply -f catalog").ok();
    home.run("diff -f catalog").ok();
    home.run("diff -f catalog/b.json").ok();
}

#[test]
fn what_was_applied_is_printed_in_the_form_that_is_asked_for() {
    let home = home();
    assert_eq!(
        lines(home.run("apply -f catalog -o name")),
        [
            "group/research",
            "group/teaching",
            "secret/image-quay",
            "image/a",
            "image/b"
        ]
    );
    let home = self::home();
    let applied = json(home.run("apply -f catalog -o json"));
    assert_eq!(
        applied[3],
        serde_json::json!({"kind": "image", "name": "a", "action": "created"})
    );
}

#[test]
fn what_can_be_read_only_once_is_applied_too() {
    let home = Home::new();
    // Standard input is a pipe here, as what a shell's `<(…)` names.
    let ran = home
        .pipe("name: a\n---\nname: b\n", "apply -f /dev/stdin")
        .ok();
    assert_eq!(ran.stdout, "image/a created\nimage/b created\n");
    home.pipe("name: a\n", "diff -f /dev/stdin").ok();
    home.pipe("name: a\ntags: [t]\n", "diff -f /dev/stdin")
        .fails(13);
    let script = "mkfifo c.yaml && { printf 'name: c\\n' > c.yaml & } && \"$0\" apply -f c.yaml";
    let output = home
        .command("sh")
        .args(["-c", script, PROGRAM])
        .output()
        .expect("sh runs");
    assert_eq!(Ran::of(&output).ok().stdout, "image/c created\n");
}

#[test]
fn an_image_belongs_to_the_set_that_declared_it_last() {
    let home = Home::new();
    let both = "name: one\nglobal: true\n---\nname: two\nglobal: true\n";
    home.pipe(both, "apply -f -").ok();
    let two = "name: two\nglobal: true\n";
    home.pipe(two, "apply -f - --set other").ok();
    let one = "name: one\nglobal: true\n";
    home.pipe(one, "apply -f - --prune").ok();
    assert_eq!(home.run("images list -o name").stdout, "one\ntwo\n");
    home.pipe(one, "apply -f - --prune --set other").ok();
    assert_eq!(home.run("images list -o name").stdout, "one\n");
}
