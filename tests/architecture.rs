//! The floors and the never-rules of `ARCHITECTURE.md`, enforced by reading the
//! sources: which modules a file names in its `use` lines and paths, which
//! macros it calls, how long it is. What stands under `#[cfg(test)]` is free.

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file before its tests.
const MOST_LINES: usize = 400;

/// Which of our modules each may name, itself excepted.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("process", &[]),
    ("catalog", &["domain"]),
    ("credentials", &["domain"]),
    ("registry", &["domain"]),
    ("store", &["domain"]),
    ("formats", &["domain"]),
    ("build", &["domain", "process"]),
    (
        "ops",
        &[
            "domain",
            "catalog",
            "credentials",
            "registry",
            "store",
            "formats",
            "build",
            "process",
        ],
    ),
    ("output", &["domain", "formats", "ops", "error"]),
    ("config", &["domain", "formats", "error"]),
    (
        "error",
        &[
            "domain",
            "catalog",
            "credentials",
            "registry",
            "store",
            "formats",
            "build",
            "ops",
        ],
    ),
    (
        "app",
        &[
            "domain",
            "catalog",
            "credentials",
            "registry",
            "store",
            "formats",
            "build",
            "ops",
            "output",
            "config",
            "error",
        ],
    ),
    (
        "commands",
        &[
            "domain",
            "catalog",
            "credentials",
            "registry",
            "store",
            "formats",
            "build",
            "ops",
            "output",
            "config",
            "error",
            "app",
        ],
    ),
];

/// Crates that one module alone may name.
const OWNED_CRATES: &[(&str, &str)] = &[
    ("rusqlite", "catalog"),
    ("reqwest", "registry"),
    ("rustls", "registry"),
    ("rustls_native_certs", "registry"),
    ("tokio", "registry"),
    ("futures_util", "registry"),
    ("hyper", "registry"),
    ("clap", "commands"),
    ("clap_complete", "commands"),
    ("clap_mangen", "commands"),
    ("rustyline", "commands"),
];

/// Crates that do I/O, tell the time or roll dice, which the domain never does.
const NOT_IN_DOMAIN: &[&str] = &[
    "chrono", "jiff", "rand", "rustix", "tempfile", "time", "tokio", "uuid",
];

/// Modules of the standard library that the domain does not name.
const NOT_IN_DOMAIN_STD: &[&str] = &["env", "fs", "io", "net", "os", "process", "thread", "time"];

/// Values that are named after a module that does I/O but do none.
const PLAIN_VALUES: &[&str] = &[
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::time::Duration",
];

/// A source, with its place below `src`.
struct Source {
    /// Such as `catalog/images/read.rs`.
    path: String,
    text: String,
}

/// Returns everything that a source breaks, one line each.
fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    if !source.text.starts_with("//!") {
        faults.push("it does not open with `//!`".to_owned());
    }
    let code = without_tests(&without_comments_and_texts(&source.text));
    let lines = lines_before_tests(&source.text);
    if lines > MOST_LINES {
        faults.push(format!(
            "it has {lines} lines before its tests, over {MOST_LINES}"
        ));
    }
    let module = module_of(&source.path);
    let top = module.first().map_or("", String::as_str);
    let tokens = tokens(&code);
    for path in paths(&tokens, &module) {
        faults.extend(path_fault(&source.path, top, &path));
    }
    for pair in tokens.windows(2) {
        let printing = ["print", "println", "eprint", "eprintln", "dbg"];
        if pair[1] == "!" && printing.contains(&pair[0].as_str()) && source.path != "main.rs" {
            faults.push(format!("it calls `{}!`", pair[0]));
        }
        if pair[0] == "static" && pair[1] == "mut" {
            faults.push("it has a `static mut`".to_owned());
        }
    }
    for global in [
        "lazy_static",
        "thread_local",
        "OnceLock",
        "LazyLock",
        "OnceCell",
    ] {
        if tokens.iter().any(|token| token == global) {
            faults.push(format!("it keeps global state: `{global}`"));
        }
    }
    faults
}

/// Returns what is wrong with naming `path` in a file of that top module.
fn path_fault(file: &str, top: &str, path: &[String]) -> Option<String> {
    let shown = path.join("::");
    let first = path.first()?.as_str();
    if first == "crate" {
        let named = path.get(1)?.as_str();
        let (_, allowed) = FLOORS.iter().find(|(module, _)| *module == top)?;
        let ours = FLOORS.iter().any(|(module, _)| *module == named);
        return (ours && named != top && !allowed.contains(&named))
            .then(|| format!("`{top}` names `{shown}`"));
    }
    if let Some((_, owner)) = OWNED_CRATES.iter().find(|(name, _)| *name == first) {
        // Only the parsing of the arguments begins before there is a command.
        let of_parsing = shown == "clap::Parser"
            || path
                .get(1)
                .is_some_and(|part| part == "error" || part == "Error");
        let parsing = file == "lib.rs" && first == "clap" && of_parsing;
        return (top != *owner && !parsing).then(|| format!("`{file}` names `{shown}`"));
    }
    if path.ends_with(&["process".to_owned(), "exit".to_owned()]) && file != "main.rs" {
        return Some(format!("it ends the process: `{shown}`"));
    }
    if top != "domain" || PLAIN_VALUES.contains(&shown.as_str()) {
        return None;
    }
    let does_io = NOT_IN_DOMAIN.contains(&first)
        || (first == "std" && NOT_IN_DOMAIN_STD.contains(&path.get(1)?.as_str()));
    does_io.then(|| format!("`domain` names `{shown}`"))
}

/// Returns the module that a file is, as the names below the root.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let mut names: Vec<String> = path.split('/').map(str::to_owned).collect();
    if ["mod", "lib", "main"].contains(&names.last().map_or("", String::as_str)) {
        names.pop();
    }
    names
}

/// Returns the text with comments, strings and characters blanked out, the line
/// ends kept.
fn without_comments_and_texts(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = match characters[at] {
            '/' if characters.get(at + 1) == Some(&'/') => end_of_line(&characters, at),
            '/' if characters.get(at + 1) == Some(&'*') => end_of_comment(&characters, at),
            '"' => end_of_string(&characters, at),
            'r' if is_raw_string(&characters, at) => end_of_raw_string(&characters, at),
            '\'' => end_of_character(&characters, at),
            _ => at,
        };
        if end == at {
            code.push(characters[at]);
            at += 1;
        } else {
            let blanked = characters[at..end].iter();
            code.extend(blanked.map(|&one| if one == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn end_of_line(characters: &[char], at: usize) -> usize {
    let length = characters[at..].iter().position(|&one| one == '\n');
    length.map_or(characters.len(), |length| at + length)
}

fn end_of_comment(characters: &[char], at: usize) -> usize {
    let length = characters[at..]
        .windows(2)
        .position(|two| two == ['*', '/']);
    length.map_or(characters.len(), |length| at + length + 2)
}

fn end_of_string(characters: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < characters.len() && characters[end] != '"' {
        end += if characters[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(characters.len())
}

fn is_raw_string(characters: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| characters[before]);
    let inside_a_word =
        before.is_some_and(|one| (one.is_alphanumeric() && one != 'b') || one == '_');
    let rest = characters[at + 1..].iter().find(|&&one| one != '#');
    !inside_a_word && rest == Some(&'"')
}

fn end_of_raw_string(characters: &[char], at: usize) -> usize {
    let hashes = characters[at + 1..]
        .iter()
        .take_while(|&&one| one == '#')
        .count();
    let mut end = at + hashes + 2;
    while end < characters.len() {
        let closing = characters[end] == '"'
            && characters[end + 1..]
                .iter()
                .take_while(|&&one| one == '#')
                .count()
                >= hashes;
        if closing {
            return end + 1 + hashes;
        }
        end += 1;
    }
    characters.len()
}

/// A character, and not the beginning of a lifetime.
fn end_of_character(characters: &[char], at: usize) -> usize {
    match (characters.get(at + 1), characters.get(at + 2)) {
        (Some('\\'), _) => {
            let length = characters[at + 3..].iter().position(|&one| one == '\'');
            length.map_or(at, |length| at + 3 + length + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Returns the code without what stands under `#[cfg(test)]`: the rest of the
/// file after a module of tests, or one declaration.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        if lines
            .next()
            .is_some_and(|next| next.trim_end().ends_with('{'))
        {
            break;
        }
    }
    kept
}

fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|two| two[0] == "#[cfg(test)]" && two[1].trim_end().ends_with('{'));
    tests.unwrap_or(lines.len())
}

/// Returns the words of the code, `::`, and every other character by itself.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut joined = false;
    for character in code.chars() {
        let is_word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut() {
            Some(last) if joined && is_word => last.push(character),
            Some(last) if character == ':' && last == ":" && !joined => last.push(':'),
            _ if character.is_whitespace() => {}
            _ => tokens.push(character.to_string()),
        }
        joined = is_word;
    }
    tokens
}

/// Returns every path that the code names, those of `use` lines written out,
/// with `self` and `super` resolved for a file that is that module.
fn paths(tokens: &[String], module: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let after_a_path = at > 0 && tokens[at - 1] == "::";
        if tokens[at] == "use" {
            at = tree(tokens, at + 1, &[], &mut paths);
        } else if !after_a_path && tokens.get(at + 1).is_some_and(|next| next == "::") {
            at = tree(tokens, at, &[], &mut paths).max(at + 1);
        } else {
            at += 1;
        }
    }
    paths.iter().map(|path| resolved(path, module)).collect()
}

/// Reads one tree of a `use` line, or one path, and returns the place after it.
fn tree(
    tokens: &[String],
    mut at: usize,
    before: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => at += 1,
            "{" if at > 0 && (tokens[at - 1] == "::" || tokens[at - 1] == "use") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = if tokens[at] == "," {
                        at + 1
                    } else {
                        tree(tokens, at, &path, paths).max(at + 1)
                    };
                }
                return at + 1;
            }
            word if word.starts_with(|one: char| one.is_alphanumeric() || one == '_')
                && (path.len() == before.len() || tokens[at - 1] == "::") =>
            {
                path.push(token.clone());
                at += 1;
            }
            "as" => at += 2,
            _ => break,
        }
    }
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if path.len() > before.len() || !before.is_empty() {
        paths.push(path);
    }
    // Whatever stood there was no path: go on after it.
    at + usize::from(
        tokens
            .get(at)
            .is_some_and(|token| token == "*" || token == ";"),
    )
}

fn resolved(path: &[String], module: &[String]) -> Vec<String> {
    let supers = path.iter().take_while(|name| *name == "super").count();
    let from_here = path.first().is_some_and(|name| name == "self");
    if supers == 0 && !from_here {
        return path.to_vec();
    }
    let mut resolved = vec!["crate".to_owned()];
    resolved.extend_from_slice(&module[..module.len().saturating_sub(supers)]);
    resolved.extend_from_slice(&path[supers + usize::from(from_here)..]);
    resolved
}

fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources can be listed") {
            let path: PathBuf = entry.expect("the sources can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(root).expect("it is below");
                found.push(Source {
                    path: below.display().to_string(),
                    text: fs::read_to_string(&path).expect("the source can be read"),
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

#[test]
fn the_sources_keep_the_rules_of_the_house() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(
        sources.len() > 40,
        "only {} sources were found",
        sources.len()
    );
    let found: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            let told = |fault| format!("src/{}: {fault}", source.path);
            faults(source).into_iter().map(told)
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_of_ours_has_a_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let root = fs::read_to_string(root).expect("the root can be read");
    let modules: Vec<&str> = root
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .collect();
    assert!(modules.contains(&"domain"), "{modules:?}");
    for module in modules {
        assert!(
            FLOORS.iter().any(|(name, _)| *name == module),
            "`{module}` has no floor"
        );
    }
}

#[test]
fn the_page_on_the_architecture_stays_short() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    if let Ok(text) = fs::read_to_string(path) {
        assert!(
            text.lines().count() <= 150,
            "ARCHITECTURE.md is over 150 lines"
        );
    }
}

/// Checks a made-up source that has one fault, or none.
#[track_caller]
fn check(path: &str, code: &str, expected: &str) {
    let text = format!("//! A made-up source.\n\n{code}\n");
    let source = Source {
        path: path.to_owned(),
        text,
    };
    let found = faults(&source);
    let expected: Vec<&str> = Some(expected)
        .filter(|text| !text.is_empty())
        .into_iter()
        .collect();
    assert_eq!(found, expected, "{path}: {code}");
}

#[test]
fn the_checker_sees_what_crosses_a_floor() {
    let check_all = |path: &str, cases: &[(&str, &str)]| {
        for (code, expected) in cases {
            check(path, code, expected);
        }
    };
    check_all(
        "domain/image.rs",
        &[
            ("use super::group::Group;\nuse crate::domain::name;", ""),
            (
                "use crate::catalog::Catalog;",
                "`domain` names `crate::catalog::Catalog`",
            ),
            ("use super::super::ops;", "`domain` names `crate::ops`"),
            (
                "use super::{super::formats, name};",
                "`domain` names `crate::formats`",
            ),
            (
                "fn f() { crate::output::text::cut() }",
                "`domain` names `crate::output::text::cut`",
            ),
            (
                "use std::{fmt, fs::File};",
                "`domain` names `std::fs::File`",
            ),
            ("use std::io::{self};", "`domain` names `std::io`"),
            (
                "fn f() { std::env::var(\"A\") }",
                "`domain` names `std::env::var`",
            ),
            (
                "use std::net::TcpStream;",
                "`domain` names `std::net::TcpStream`",
            ),
            ("use std::net::{Ipv4Addr, Ipv6Addr};", ""),
            (
                "use std::time::SystemTime;",
                "`domain` names `std::time::SystemTime`",
            ),
            ("use jiff::Timestamp;", "`domain` names `jiff::Timestamp`"),
            (
                "fn f() { uuid::Uuid::new_v4() }",
                "`domain` names `uuid::Uuid::new_v4`",
            ),
            (
                "// use std::fs;\nconst A: &str = \"crate::catalog::Catalog\";",
                "",
            ),
            (
                "const A: &str = r#\"use std::fs; \" \"#; const B: char = '\"';",
                "",
            ),
            ("fn f<'a>(a: &'a str) -> Vec<crate::domain::Tag> {}", ""),
            ("#[cfg(test)]\nmod tests {\n    use std::fs;\n}", ""),
            (
                "#[cfg(test)]\nmod samples;\nuse std::fs;",
                "`domain` names `std::fs`",
            ),
        ],
    );
    check_all(
        "catalog/images/read.rs",
        &[
            ("use rusqlite::Row;\nuse crate::domain::image::Image;", ""),
            (
                "use crate::formats::image;",
                "`catalog` names `crate::formats::image`",
            ),
            (
                "use super::super::super::credentials;",
                "`catalog` names `crate::credentials`",
            ),
            (
                "use clap::Args;",
                "`catalog/images/read.rs` names `clap::Args`",
            ),
        ],
    );
    check_all(
        "credentials/file.rs",
        &[
            ("use std::fs;\nuse super::Error;", ""),
            (
                "use crate::catalog::Catalog;",
                "`credentials` names `crate::catalog::Catalog`",
            ),
        ],
    );
    check_all(
        "registry/auth.rs",
        &[
            ("use reqwest::Client;", ""),
            (
                "use crate::store::Layout;",
                "`registry` names `crate::store::Layout`",
            ),
            (
                "use crate::catalog::Catalog;",
                "`registry` names `crate::catalog::Catalog`",
            ),
        ],
    );
    check_all(
        "ops/images/mod.rs",
        &[
            ("use crate::{catalog, credentials, formats};", ""),
            (
                "use crate::{catalog, output};",
                "`ops` names `crate::output`",
            ),
            ("use crate::app::App;", "`ops` names `crate::app::App`"),
            (
                "use rusqlite::Connection;",
                "`ops/images/mod.rs` names `rusqlite::Connection`",
            ),
            (
                "fn f() { reqwest::get() }",
                "`ops/images/mod.rs` names `reqwest::get`",
            ),
            (
                "use tokio::runtime::Runtime;",
                "`ops/images/mod.rs` names `tokio::runtime::Runtime`",
            ),
        ],
    );
    check_all(
        "output/table.rs",
        &[
            ("use crate::{domain, error, formats, ops};", ""),
            (
                "use crate::catalog::Catalog;",
                "`output` names `crate::catalog::Catalog`",
            ),
            (
                "use crate::commands::Status;",
                "`output` names `crate::commands::Status`",
            ),
        ],
    );
}

#[test]
fn the_checker_sees_clap_outside_the_command_line() {
    check("commands/apply.rs", "use clap::Args;", "");
    check("lib.rs", "use clap::Parser;", "");
    check("lib.rs", "fn f(error: clap::error::ErrorKind) {}", "");
    check(
        "lib.rs",
        "use clap::Command;",
        "`lib.rs` names `clap::Command`",
    );
    check(
        "app.rs",
        "use clap::Parser;",
        "`app.rs` names `clap::Parser`",
    );
    check(
        "output/text.rs",
        "use clap_complete::Shell;",
        "`output/text.rs` names `clap_complete::Shell`",
    );
}

#[test]
fn the_checker_sees_printing_exits_and_global_state() {
    check(
        "ops/apply.rs",
        "fn f() { println!(\"a\") }",
        "it calls `println!`",
    );
    check(
        "output/failure.rs",
        "fn f() { eprintln!() }",
        "it calls `eprintln!`",
    );
    check(
        "output/failure.rs",
        "fn f() { print!() }",
        "it calls `print!`",
    );
    check("output/failure.rs", "fn f() { writeln!(out) }", "");
    check(
        "main.rs",
        "fn f() { eprintln!(); std::process::exit(1) }",
        "",
    );
    check(
        "commands/man.rs",
        "fn f() { std::process::exit(1) }",
        "it ends the process: `std::process::exit`",
    );
    check(
        "lib.rs",
        "use std::process;\nfn f() { process::exit(1) }",
        "it ends the process: `process::exit`",
    );
    check("app.rs", "static mut A: u8 = 0;", "it has a `static mut`");
    check(
        "app.rs",
        "use std::sync::OnceLock;",
        "it keeps global state: `OnceLock`",
    );
    check(
        "app.rs",
        "lazy_static! {}",
        "it keeps global state: `lazy_static`",
    );
    check("app.rs", "fn f(a: &'static str) {}", "");
}

#[test]
fn the_checker_counts_lines_and_looks_for_the_opening_comment() {
    let of = |text: String| {
        faults(&Source {
            path: "ops/a.rs".to_owned(),
            text,
        })
    };
    assert_eq!(
        of("fn a() {}\n".to_owned()),
        ["it does not open with `//!`"]
    );
    let body = "fn a() {}\n";
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", body.repeat(900));
    assert!(of(format!("//! A.\n{}{tests}", body.repeat(399))).is_empty());
    assert_eq!(
        of(format!("//! A.\n{}{tests}", body.repeat(400))),
        ["it has 401 lines before its tests, over 400"]
    );
}
