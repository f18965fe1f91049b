//! Settings: flag > environment > config file > default.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Home, PROGRAM, Ran};
use crate::{FIRST, json, with_images};

const FILE: &str = include_str!("../../examples/config.toml");

fn setting(list: &Value, name: &str) -> (String, String) {
    let found = list
        .as_array()
        .expect("a list")
        .iter()
        .find(|setting| setting["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} in {list}"));
    let text = |key: &str| found[key].as_str().unwrap_or("null").to_owned();
    (text("value"), text("origin"))
}

#[test]
fn without_anything_every_setting_has_its_default() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("config show -o csv").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    name,value,origin
    catalog,<home>/.local/share/imgdex/catalog.db,default
    config,<home>/.config/imgdex/config.toml,default
    output,csv,flag --output
    color,auto,default
    lock-timeout,60,default
    author,tester,environment USER
    platform,,default
    default-registry,docker.io,default
    store.path,<home>/.local/share/imgdex/store,default
    store.disabled,false,default
    verify.connections-per-host,8,default
    verify.max-age,,default
    harbor.context,,default
    harbor.url,,default
    build.engine,,default
    build.push-prefix,,default
    build.push-secret,,default
    secrets.helper,,default
    ");
}

#[test]
fn every_setting_of_the_example_file_is_shown_with_where_it_came_from() {
    let home = Home::new();
    home.write(".config/imgdex/config.toml", FILE);
    insta::assert_snapshot!(home.run("config show -o csv").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    name,value,origin
    catalog,<home>/.local/share/imgdex/catalog.db,default
    config,<home>/.config/imgdex/config.toml,default
    output,csv,flag --output
    color,auto,default
    lock-timeout,60,default
    author,tester,environment USER
    platform,linux/amd64,config file
    default-registry,docker.io,config file
    store.path,/srv/images,config file
    store.disabled,false,config file
    verify.connections-per-host,8,config file
    verify.max-age,24h,config file
    "registry.""registry.example.com"".realm",https://auth.example.com,config file
    "registry.""registry.example.com"".ca-file",/etc/ssl/example.pem,config file
    "registry.""registry.example.com"".insecure",false,config file
    "registry.""registry.example.com"".plain-http",false,config file
    "registry.""registry.example.com"".connections",8,config file
    harbor.context,prod,config file
    harbor.url,https://harbor.example.com,config file
    harbor.contexts.prod.url,https://harbor.example.com,config file
    build.engine,buildah,config file
    build.push-prefix,registry.example.com/custom,config file
    build.push-secret,image-my-image-registry,config file
    secrets.helper,pass,config file
    "#);
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file() {
    let home = with_images(FIRST);
    home.write("other.toml", "output = \"name\"\ndefault-registry = \"quay.io\"\n[store]\npath = \"/srv/a\"\ndisabled = true\n");
    let list = json(
        home.call("config show -o json")
            .env("IMGDEX_CONFIG", "other.toml")
            .run(),
    );
    assert_eq!(
        setting(&list, "config"),
        ("other.toml".into(), "environment IMGDEX_CONFIG".into())
    );
    assert_eq!(
        setting(&list, "output"),
        ("json".into(), "flag --output".into())
    );
    assert_eq!(
        setting(&list, "default-registry"),
        ("quay.io".into(), "config file".into())
    );
    assert_eq!(
        setting(&list, "store.disabled"),
        ("true".into(), "config file".into())
    );
    let ran = home
        .call("config show -o json --config other.toml --catalog a.db")
        .env("IMGDEX_CONFIG", "gone.toml")
        .env("IMGDEX_CATALOG", "b.db")
        .env("IMGDEX_STORE", "/srv/b")
        .env("IMGDEX_REGISTRY", "ghcr.io")
        .env("IMGDEX_DISABLE_STORE", "yes")
        .env("IMGDEX_AUTHOR", "me")
        .run();
    let list = json(ran);
    assert_eq!(
        setting(&list, "config"),
        ("other.toml".into(), "flag --config".into())
    );
    assert_eq!(
        setting(&list, "catalog"),
        ("a.db".into(), "flag --catalog".into())
    );
    assert_eq!(
        setting(&list, "store.path"),
        ("/srv/b".into(), "environment IMGDEX_STORE".into())
    );
    assert_eq!(
        setting(&list, "default-registry"),
        ("ghcr.io".into(), "environment IMGDEX_REGISTRY".into())
    );
    assert_eq!(
        setting(&list, "store.disabled").1,
        "environment IMGDEX_DISABLE_STORE"
    );
    assert_eq!(
        setting(&list, "author"),
        ("me".into(), "environment IMGDEX_AUTHOR".into())
    );
    let ran = home.run("--config other.toml images list").ok();
    assert_eq!(ran.stdout, "my-first-image\n", "the form of the file");
    let ran = home.run("--config other.toml -o csv images list").ok();
    assert!(ran.stdout.starts_with("id,name,"), "the flag wins");
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest_known_one() {
    let home = Home::new();
    home.write(
        ".config/imgdex/config.toml",
        "output = \"table\"\n\n[verify]\nmax-agee = \"24h\"\n[stor]\npath = \"/x\"\n",
    );
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the config file `<home>/.config/imgdex/config.toml` is not valid
    <home>/.config/imgdex/config.toml:5:2: stor: unknown field; did you mean `store`?
    <home>/.config/imgdex/config.toml:4:1: verify.max-agee: unknown field; did you mean `max-age`?
    ");
    insta::assert_snapshot!(home.run("images list -o json").snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    {"error":{"kind":"invalid-input","message":"the config file `<home>/.config/imgdex/config.toml` is not valid\n<home>/.config/imgdex/config.toml:5:2: stor: unknown field; did you mean `store`?\n<home>/.config/imgdex/config.toml:4:1: verify.max-agee: unknown field; did you mean `max-age`?","hint":null,"cause":null}}
    "#);
}

#[test]
fn bad_values_and_broken_files_are_told_with_their_place() {
    let check = |text: &str| {
        let home = Home::new();
        home.write("c.toml", text);
        home.run("--config c.toml images list").fails(2).stderr
    };
    let told = [
        check("output = \"tabel\"\n"),
        check("output = \n"),
        check("[verify]\nconnections-per-host = 0\nmax-age = \"soon\"\n"),
        check("[harbor]\ncontext = \"prod\"\n"),
        check("[build]\nengine = \"make\"\n"),
        check("[registry.\"https://x\"]\ninsecure = 1\n"),
        check("[secrets]\nhelper = 1\n"),
        check("platform = \"linux\"\n"),
    ];
    insta::assert_snapshot!(told.concat(), @r#"
    error: the config file `c.toml` is not valid
    c.toml:1:10: output: should be one of table, wide, json, yaml, csv, name, but is `tabel`
    error: the config file `c.toml` is not valid
    c.toml:1:10: string values must be quoted, expected literal string
    error: the config file `c.toml` is not valid
    c.toml:2:24: verify.connections-per-host: connections-per-host should be a number from 1 to 1000, but is `0`
    c.toml:3:11: verify.max-age: should be a duration such as `30m`, `24h` or `7d`, but is `soon`
    error: the config file `c.toml` is not valid
    c.toml:2:11: harbor.context: there is no `[harbor.contexts.prod]`
    error: the config file `c.toml` is not valid
    c.toml:2:10: build.engine: should be one of buildah, podman, docker, kubernetes, but is `make`
    error: the config file `c.toml` is not valid
    c.toml:1:11: registry."https://x": registry host `https://`: a reference is not a URL
    c.toml:2:12: registry."https://x".insecure: insecure should be true or false, but is `1`
    error: the config file `c.toml` is not valid
    c.toml:2:10: secrets.helper: helper should be a string, but is a number
    error: the config file `c.toml` is not valid
    c.toml:1:12: platform: should be `os/arch` or `os/arch/variant`, but is `linux`
    "#);
}

#[test]
fn a_config_file_that_was_named_must_exist() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("--config gone.toml images list").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read the config file `gone.toml`: No such file or directory (os error 2)
    ");
    home.call("images list")
        .env("IMGDEX_CONFIG", "gone.toml")
        .run()
        .fails(4);
    home.run("images list").ok();
    home.run("--config gone.toml completions bash").ok();
}

#[test]
fn folders_follow_the_xdg_variables_where_they_are_absolute() {
    let home = Home::new();
    home.write("conf/imgdex/config.toml", "output = \"json\"\n");
    let ran = home
        .call("images list")
        .env(
            "XDG_CONFIG_HOME",
            home.path().join("conf").display().to_string(),
        )
        .run();
    assert_eq!(ran.ok().stdout, "[]\n");
    let ran = home
        .call("images list")
        .env("XDG_CONFIG_HOME", "conf")
        .run();
    assert!(
        ran.ok().stdout.starts_with("id  "),
        "a relative one is no folder"
    );
}

/// A path that is no text.
const NO_TEXT: &[u8] = b"caf\xe9.db";

fn run_with(home: &Home, edit: impl FnOnce(&mut std::process::Command)) -> Ran {
    let mut command = home.command(PROGRAM);
    command.stdin(Stdio::null());
    edit(&mut command);
    Ran::of(&command.output().expect("the program starts"))
}

#[test]
fn a_path_that_is_not_utf_8_is_refused_and_no_other_is_used() {
    let home = Home::new();
    let path = OsStr::from_bytes(NO_TEXT);
    for variable in [
        "IMGDEX_CATALOG",
        "IMGDEX_CONFIG",
        "IMGDEX_STORE",
        "HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
    ] {
        let ran = run_with(&home, |command| {
            command.env(variable, path).args(["groups", "create", "a"]);
        });
        assert_eq!(
            ran.fails(2).stderr,
            format!(
                "error: the value of the variable `{variable}` is not UTF-8\n\
                 hint: set `{variable}` to a path or word that is\n"
            )
        );
    }
    let ran = run_with(&home, |command| {
        command.arg("--catalog").arg(path);
        command.args(["groups", "create", "a"]);
    });
    assert!(ran.stderr.starts_with("error: --catalog: "), "{ran:?}");
    ran.fails(2);
    let left = std::fs::read_dir(home.path()).expect("a folder").count();
    assert_eq!(left, 0, "no catalog was made");
    // What is none of ours is left alone, by completions too.
    let ran = run_with(&home, |command| {
        command.env("OTHER", path).args(["groups", "create", "a"]);
    });
    ran.ok();
    let ran = run_with(&home, |command| {
        command.env("OTHER", path).env("IMGDEX_COMPLETE", "bash");
        command.env("_CLAP_COMPLETE_INDEX", "3");
        command.args(["--", "imgdex", "groups", "get", ""]);
    });
    assert!(ran.clone().ok().stdout.contains('a'), "{ran:?}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_form_that_the_file_names_is_that_of_errors_too() {
    let home = Home::new();
    home.write(".config/imgdex/config.toml", "output = \"json\"\n");
    let ran = home.run("images get gone").fails(4);
    let told: Value = serde_json::from_str(&ran.stderr).expect("JSON");
    assert_eq!(told["error"]["kind"], "not-found");
    let ran = home.run("-o table images get gone").fails(4);
    assert!(ran.stderr.starts_with("error: "), "the flag wins: {ran:?}");
}

#[test]
fn a_config_file_without_end_or_that_is_no_file_is_refused() {
    let home = Home::new();
    home.write("long.toml", "#".repeat(1024 * 1024 + 1));
    let check = |path: &str| {
        let ran = home.run(&format!("--config {path} images list"));
        ran.fails(2).stderr
    };
    let told = [check("/dev/zero"), check("."), check("long.toml")];
    insta::assert_snapshot!(told.concat(), @r"
    error: cannot read the config file `/dev/zero`: it is not a regular file
    error: cannot read the config file `.`: it is not a regular file
    error: cannot read the config file `long.toml`: it is larger than 1 MiB
    ");
}
