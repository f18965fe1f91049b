//! What the environment decides: where the catalog is, and who the author.

use crate::support::Home;
use crate::{FIRST, field, json};

#[test]
fn the_author_is_who_the_environment_says() {
    let home = Home::new();
    let create = |name: &str, variables: &[(&str, &str)]| {
        let mut call = home
            .call("images create -q")
            .stdin(format!("{{\"name\": \"{name}\"}}"));
        for (variable, value) in variables {
            call = call.env(variable, value);
        }
        call.run().ok();
        field(&home, name, "author")
    };
    assert_eq!(create("a", &[]), "tester");
    assert_eq!(create("b", &[("LOGNAME", "log")]), "log");
    assert_eq!(
        create("c", &[("LOGNAME", "log"), ("IMGDEX_AUTHOR", "me")]),
        "me"
    );
    home.pipe("{\"name\": \"d\", \"author\": \"ada\"}", "images create")
        .ok();
    assert_eq!(field(&home, "d", "author"), "ada");
    home.pipe("{\"description\": \"x\"}", "images update d")
        .ok();
    let history = json(home.run("images history d -o json"));
    assert_eq!(history[0]["author"], "tester");
}

#[test]
fn a_catalog_is_made_at_the_first_write_and_a_missing_one_reads_as_empty() {
    let home = Home::new();
    assert_eq!(home.run("images list -o json").ok().stdout, "[]\n");
    home.run("images get a").fails(4);
    home.run("groups list").ok();
    assert!(!home.catalog().exists());
    home.pipe(FIRST, "--catalog deep/down/other.db images create")
        .ok();
    assert!(home.path().join("deep/down/other.db").exists());
    let ran = home
        .call("images list -o name")
        .env("IMGDEX_CATALOG", "deep/down/other.db")
        .run();
    assert_eq!(ran.ok().stdout, "my-first-image\n");
    let ran = home
        .call("images list --catalog gone.db -o name")
        .env("IMGDEX_CATALOG", "deep/down/other.db")
        .run();
    assert_eq!(ran.ok().stdout, "");
    let ran = home
        .call("images create")
        .env(
            "XDG_DATA_HOME",
            home.path().join("data").display().to_string(),
        )
        .stdin(FIRST)
        .run();
    ran.ok();
    assert!(home.path().join("data/imgdex/catalog.db").exists());
}
