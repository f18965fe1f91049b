//! `--search` finds a literal text, and the index behind it stays true.

use rusqlite::Connection;
use serde_json::json;

use crate::support::Home;

/// Descriptions; the image of each is called `i0`, `i1`, ….
const TEXTS: [&str; 26] = [
    "100% pure",
    "100 pure",
    "snake_case_name",
    "snakeXcaseXname",
    "a * star",
    "say \"hello\" now",
    "it's here",
    "rock AND roll",
    "rock roll",
    "either OR both",
    "NEAR(one two)",
    "NOT this",
    "minus -dash --double",
    "back\\slash",
    "col:umn text:rock",
    "^caret and (paren) {brace} [bracket]",
    "plus+plus a.b.c",
    "Grüße aus ZÜRICH",
    "ΟΔΟΣΑ",
    "日本語のイメージ",
    "emoji 🦀🐍 here",
    "tab\tand\nline",
    "before\0after the zero",
    "question? mark; semi",
    "null NULL nil",
    "'; DROP TABLE images; --",
];

const SEARCHES: [&str; 62] = [
    "%",
    "_",
    "*",
    "\"",
    "'",
    "-",
    "--",
    "\\",
    "?",
    ";",
    "(",
    ")",
    "^",
    "+",
    ":",
    "é",
    "日",
    "🦀",
    "a",
    "Z",
    "e_",
    "0%",
    "%%",
    "__",
    "%pure",
    "100% ",
    "100%",
    "e_c",
    "_case",
    "snake%",
    "* s",
    "\"hello\"",
    "say \"",
    "it's",
    "' '",
    "AND",
    "and",
    "rock AND roll",
    "OR",
    "or b",
    "NEAR(",
    "NEAR(one two)",
    "near(one",
    "NOT this",
    "not THIS",
    "-dash",
    "--double",
    "text:rock",
    "^caret",
    "(paren)",
    "{brace}",
    "[bracket]",
    "plus+",
    "a.b",
    "grüße",
    "ZÜRICH",
    "zürich",
    "ΟΔΟΣ",
    "οδοσ",
    "日本語",
    "🦀🐍 h",
    "after the",
];

/// Other searches that find nothing, or everything.
const OTHERS: [&str; 8] = [
    "rock OR xyz",
    "pure*",
    "r?ck",
    "[a-z]",
    "x'y",
    "DROP TABLE",
    " ",
    "\t",
];

/// Returns whether the text is there, whatever the case of its letters.
fn contains(text: &str, searched: &str) -> bool {
    let fold = |text: &str| -> String { text.chars().flat_map(char::to_lowercase).collect() };
    fold(text).contains(&fold(searched))
}

fn found(home: &Home, searched: &str) -> Vec<String> {
    let search = format!("--search={searched}");
    let ran = home
        .call_with(&["images", "list", "-o", "name", &search])
        .run()
        .ok();
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_search_finds_the_text_itself_and_nothing_else() {
    let home = Home::new();
    let images: Vec<_> = TEXTS
        .iter()
        .enumerate()
        .map(|(number, text)| {
            json!({"name": format!("i{number}"), "description": text, "global": true})
        })
        .collect();
    home.pipe(json!(images).to_string(), "images create").ok();
    let mut hits = 0;
    for searched in SEARCHES.iter().chain(&OTHERS) {
        let wanted: Vec<String> = TEXTS
            .iter()
            .enumerate()
            // What is searched is also the name, which is the display name too.
            .filter(|(number, text)| {
                contains(text, searched) || contains(&format!("i{number}"), searched)
            })
            .map(|(number, _)| format!("i{number}"))
            .collect();
        assert_eq!(found(&home, searched), wanted, "{searched:?}");
        hits += wanted.len();
    }
    assert!(hits > 100, "{hits}");
    // The whole text of every image finds it.
    for (number, text) in TEXTS.iter().enumerate() {
        // A zero cannot be part of an argument.
        if !text.contains('\0') {
            let name = format!("i{number}");
            assert!(found(&home, text).contains(&name), "{text:?}");
        }
    }
}

/// Asks the index itself which rows hold the text.
fn indexed(home: &Home, text: &str) -> usize {
    let connection = Connection::open(home.catalog()).expect("it opens");
    let mut statement = connection
        .prepare("SELECT rowid FROM image_search WHERE image_search MATCH ?1")
        .expect("it is SQL");
    let rows = statement
        .query_map([format!("\"{text}\"")], |row| row.get::<_, i64>(0))
        .expect("it runs");
    rows.count()
}

#[test]
fn the_index_follows_every_change() {
    let home = Home::new();
    let image = json!({
        "name": "base", "displayName": "Aardvark", "description": "Badger",
        "url": "quay.io/team/camel:1", "urlForGpu": "quay.io/team/dingo:1",
        "tags": ["elk"], "global": true,
    });
    home.pipe(image.to_string(), "images create").ok();
    home.pipe(crate::images("other", 3), "images create").ok();
    for text in ["aardvark", "BADGER", "camel:1", "dingo", "elk", "base"] {
        assert_eq!(found(&home, text), ["base"], "{text}");
    }

    let patch = json!({
        "displayName": "Ferret", "description": null, "url": "quay.io/team/gecko:1",
        "urlForGpu": null, "tags": ["hyena"],
    });
    home.pipe(patch.to_string(), "images update base").ok();
    for (old, new) in [
        ("aar", "fer"),
        ("bad", "eck"),
        ("cam", "hye"),
        ("din", "bas"),
        ("elk", "gec"),
    ] {
        assert!(found(&home, old).is_empty(), "{old}");
        assert_eq!(indexed(&home, old), 0, "{old}");
        assert_eq!(found(&home, new), ["base"], "{new}");
        assert_eq!(indexed(&home, new), 1, "{new}");
    }

    home.run("images duplicate base ibex").ok();
    assert_eq!(found(&home, "gecko"), ["base", "ibex"]);
    home.run("images delete base --yes").ok();
    assert_eq!(found(&home, "gecko"), ["ibex"]);
    assert_eq!(indexed(&home, "gec"), 1);

    home.run("images archive ibex").ok();
    assert!(found(&home, "gecko").is_empty());
    home.run("images restore ibex").ok();
    assert_eq!(found(&home, "gecko"), ["ibex"]);

    home.run("catalog compact").ok();
    assert_eq!(found(&home, "gecko"), ["ibex"]);
    assert_eq!(found(&home, "other-2"), ["other-2"]);
    assert_eq!(indexed(&home, "gec"), 1);
    // What was compacted can still be changed.
    home.run("images delete ibex --yes").ok();
    assert_eq!(indexed(&home, "gec"), 0);
    crate::assert_whole(&home);

    // A change that fails changes nothing.
    let bad = format!("{}{}", crate::image("jackal"), crate::image("other-1"));
    home.pipe(bad, "images create").fails(12);
    assert_eq!(indexed(&home, "jac"), 0);
    assert!(found(&home, "jackal").is_empty());
}
