//! Every example of the README and of `--help` is run, as its reader would.

#[path = "support/builder.rs"]
mod builder;
#[path = "support/docker_registry.rs"]
mod docker_registry;
#[path = "support/fake_harbor/mod.rs"]
#[allow(unused_imports, reason = "other tests arrange more")]
mod fake_harbor;
#[path = "support/fault_server.rs"]
mod fault_server;
mod support;
#[path = "support/token_server.rs"]
mod token_server;

use std::os::unix::fs::symlink;
use std::path::Path;

use docker_registry::DockerRegistry;
use fake_harbor::{ADMIN, FakeHarbor, Outcome, Vulnerability};
use support::{Home, PROGRAM, Ran};

/// A command of a document and what it is said to print.
#[derive(Debug, PartialEq)]
struct Example {
    command: String,
    printed: String,
}

/// Returns the examples of the `console` blocks of a Markdown text: commands
/// after `$ `, with their here-documents, and what they print.
fn examples(markdown: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next().filter(|line| *line != "```") {
            if let Some(command) = line.strip_prefix("$ ") {
                let mut command = format!("{command}\n");
                if command.contains("<<EOF") {
                    for line in lines.by_ref() {
                        command.push_str(&format!("{line}\n"));
                        if line == "EOF" {
                            break;
                        }
                    }
                }
                examples.push(Example {
                    command,
                    printed: String::new(),
                });
            } else {
                let example = examples.last_mut().expect("a command before its output");
                example.printed.push_str(&format!("{line}\n"));
            }
        }
    }
    examples
}

/// Runs a command line in a shell that finds `imgdex` and the examples, with
/// both streams as a terminal would show them.
fn shell(home: &Home, command: &str) -> Ran {
    let (name, begin) = if command.contains("completions zsh") {
        ("zsh", "autoload -U compinit && compinit -u")
    } else {
        ("bash", "set -o pipefail")
    };
    let program = Path::new(PROGRAM).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = home
        .command(name)
        .env("PATH", format!("{}:{path}", program.display()))
        .env("TOKEN", "not-a-real-token")
        .arg("-c")
        .arg(format!("exec 2>&1\n{begin}\n{command}"))
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the shell runs");
    Ran::of(&output)
}

fn home_with_examples() -> Home {
    let home = Home::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    symlink(examples, home.path().join("examples")).expect("linked");
    home
}

#[test]
fn every_example_of_the_readme_prints_what_it_says() {
    let readme = include_str!("../README.md");
    let examples = examples(readme);
    assert!(examples.len() >= 25, "only {} examples", examples.len());
    let home = home_with_examples();
    for Example { command, printed } in examples {
        let ran = shell(&home, &command);
        let mut shown = ran.snapshot(&home);
        shown = match shown.split_once("----- stdout -----\n") {
            Some((_, text)) => text.to_owned(),
            None => String::new(),
        };
        if ran.code != 0 {
            shown.push_str(&format!("[exit {}]\n", ran.code));
        }
        assert_eq!(shown, printed, "of\n$ {command}");
    }
}

#[test]
fn the_first_command_of_the_readme_does_the_main_job() {
    let readme = include_str!("../README.md");
    let arguments = readme
        .lines()
        .find_map(|line| line.strip_prefix("cargo run --release -- "))
        .expect("the README says how to begin");
    let home = home_with_examples();
    assert_eq!(home.run(arguments).ok().stdout, "id:  my-first-image\n");
}

/// Returns every command with its examples out of its help.
fn help_examples(home: &Home, command: &[&str], found: &mut Vec<String>) {
    let mut arguments = command.to_vec();
    arguments.push("--help");
    let help = home.call_with(&arguments).run().ok().stdout;
    let (before, after) = help.split_once("Examples:\n").unwrap_or((&help, ""));
    let mut lines = after.lines();
    let mut any = false;
    while let Some(line) = lines.next() {
        let Some(mut example) = line.strip_prefix("  ").map(str::to_owned) else {
            continue;
        };
        while example.ends_with('\\') || (example.contains("<<EOF") && !example.ends_with("EOF\n"))
        {
            let Some(next) = lines.next() else { break };
            let next = next.strip_prefix("  ").unwrap_or(next);
            example.push_str(&format!("\n{next}"));
            if next == "EOF" {
                example.push('\n');
            }
        }
        any = true;
        found.push(example);
    }
    let verbs: Vec<&str> = before
        .split_once("Commands:\n")
        .map(|(_, list)| list)
        .unwrap_or_default()
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        any || !verbs.is_empty(),
        "`{command:?} --help` has no example"
    );
    for verb in verbs {
        help_examples(home, &[command, &[verb]].concat(), found);
    }
}

/// Writes an empty database of sregistry where it keeps its own.
fn sregistry(home: &Home) {
    let path = home.path().join(".singularity/sregistry.db");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    rusqlite::Connection::open(path)
        .and_then(|database| {
            database.execute_batch(
                "CREATE TABLE collection (id, name, token, created_at);
                 CREATE TABLE container (id, created_at, metrics, name, tag, image, url, uri,
                   client, version, collection_id);",
            )
        })
        .expect("it is SQL");
}

/// Returns a Harbor that has what the examples name, but for what this one makes.
fn harbor_of(example: &str) -> FakeHarbor {
    let harbor = FakeHarbor::start();
    for project in ["apps", "handouts", "lab", "released"] {
        if !example.contains(&format!("projects create {project}")) {
            harbor.project(project);
        }
    }
    if example.contains("projects create apps") {
        return harbor;
    }
    for tag in ["1.0", "4.2", "4.2-rc1", "old", "older"] {
        let digest = harbor.image("apps/my_cool_app", tag);
        let low = Vulnerability::new("CVE-2026-1", "zlib", "Low");
        harbor.scan_of(&digest, Outcome::Found(vec![low]));
    }
    harbor.scans_take(1);
    for label in ["approved", "tested", "retired"] {
        if !example.contains(&format!("labels create {label}")) {
            let project = harbor.project_id("apps");
            let label = serde_json::json!({"name": label, "scope": "p", "project_id": project});
            harbor.api("POST", "/labels", Some(label));
        }
    }
    if !example.contains("robots create ci") {
        harbor.robot("apps", "ci", &["pull"]);
    }
    harbor
}

/// Returns a command that asks a Harbor as one that asks this one.
fn at_harbor(harbor: &FakeHarbor, command: &str) -> String {
    let (host, url) = (harbor.host(), harbor.url());
    let (name, password) = ADMIN;
    let command = command
        .replace("https://harbor.example.com", &url)
        .replace("harbor.example.com", &host);
    let mut before = String::new();
    if command.contains("harbor publish") {
        before = format!(
            "imgdex pull {host}/apps/my_cool_app:4.2 --name library/my_app_image:4.2
imgdex pull {host}/apps/my_cool_app:4.2 --to oci:build:dev
"
        );
        // The tag is free that the example gives.
        let free = "/projects/apps/repositories/my_cool_app/artifacts/1.0/tags/1.0";
        if !command.contains("--source-tag 1.0") {
            harbor.api("DELETE", free, None);
        }
    }
    if command.contains("harbor vulnerabilities") {
        for tag in ["1.0", "4.2"] {
            before.push_str(&format!(
                "imgdex harbor scan apps/my_cool_app:{tag} --wait\n"
            ));
        }
    }
    if command.contains("--all-catalog") {
        before.push_str(&format!(
            "imgdex images create --from {host}/apps/my_cool_app:4.2\n"
        ));
    }
    if command.contains("--force") {
        before.push_str("touch ci.secret\n");
    }
    format!(
        "export IMGDEX_HARBOR_URL={url} IMGDEX_REGISTRY_HOST={host} \
         IMGDEX_REGISTRY_USERNAME={name} IMGDEX_REGISTRY_PASSWORD={password}
{before}{command}"
    )
}

fn asks_harbor(command: &str) -> bool {
    ["imgdex harbor ", "harbor.example.com", "doctor --server"]
        .iter()
        .any(|asks| command.contains(asks))
}

/// Returns the commands of the `sh` blocks of a Markdown text.
fn sh_commands(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```sh\n").skip(1);
    let text: String = blocks
        .filter_map(|block| block.split_once("```").map(|(text, _)| text))
        .collect();
    let text = text.replace("\\\n", " ");
    let commands = text.lines().filter(|line| !line.is_empty());
    commands.map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_readme_works() {
    let registry = DockerRegistry::start();
    let commands = sh_commands(include_str!("../README.md"));
    let ours: Vec<&String> = commands
        .iter()
        .filter(|command| command.contains("imgdex"))
        .collect();
    assert!(ours.len() >= 30, "only {}", ours.len());
    for command in ours {
        check(command, &registry);
    }
    let others: Vec<&String> = commands
        .iter()
        .filter(|command| !command.contains("imgdex"))
        .collect();
    // The one is tried by a test of its own, the other is what tries them all.
    assert_eq!(
        others,
        [
            "cargo run --release -- images create -f examples/image.json",
            "bash tests/run.sh"
        ]
    );
}

/// Returns a command that asks a registry as one that asks this one, which
/// holds what the examples name.
fn at(home: &Home, registry: &DockerRegistry, command: String) -> String {
    let asks = [
        "imgdex registry ",
        "imgdex login ",
        "imgdex logout ",
        "imgdex images verify",
        "imgdex images create --from ",
        "imgdex images pin",
        "imgdex images build",
        "imgdex images create -f images.yaml --build",
        "imgdex copy ",
        "imgdex pull ",
        "imgdex push ",
        "imgdex tag ",
        "imgdex store record ",
        "imgdex store refresh",
        "imgdex store get jupyter/",
    ];
    if !asks.iter().any(|asks| command.contains(asks)) {
        return command;
    }
    for (repository, tag) in [
        ("alpine", "3"),
        ("jupyter/base-notebook", "latest"),
        ("team/app", "1"),
        ("amancevice/pandas", "2.3.2"),
    ] {
        registry.index(repository, tag, &["amd64", "arm64"]);
    }
    let host = registry.host();
    let command = command
        .replace("quay.io/", &format!("{host}/"))
        .replace("registry.example.com", &host);
    let before = if command.starts_with("imgdex logout ") {
        format!("echo token | imgdex login {host} --token-stdin\n")
    } else if command.contains("store get jupyter/") {
        format!("imgdex pull {host}/jupyter/base-notebook --name jupyter/base-notebook\n")
    } else if command.contains("verify vision") {
        let image = format!(r#"{{"name": "vision", "global": true, "url": "{host}/alpine:3"}}"#);
        home.pipe(image, "images create").ok();
        String::new()
    } else if command.starts_with("imgdex images pin ") {
        "imgdex images verify\n".to_owned()
    } else if command.contains("images create") && command.contains("--build") {
        let settings = format!("[build]\npush-prefix = \"{host}/custom\"\n");
        home.write(".config/imgdex/config.toml", settings);
        String::new()
    } else if command.starts_with("imgdex images build") {
        builder::add_storage(home);
        let base = format!("{host}/team/base:1");
        builder::push_base(home, &base, &[("pip", builder::RECORDS)]);
        let image = format!(
            r#"{{"name": "science", "global": true, "imageSpec":
                {{"baseImage": "{base}", "packages": {{"pip": ["pandas>=2"]}}}}}}"#
        );
        home.pipe(image, "images create").ok();
        let settings = "export CONTAINERS_STORAGE_CONF=$PWD/storage.conf BUILDAH_ISOLATION=chroot";
        match command.contains("build-log") || command.contains("--stale") {
            true => format!("{settings}\nimgdex images build science --push {host}/x:1\n"),
            false => format!("{settings}\n"),
        }
    } else if command.starts_with("imgdex store refresh") {
        "imgdex store record alpine:3 --name lab/notebook\n".to_owned()
    } else if command.starts_with("imgdex push docker-daemon:") {
        // There is no docker: what it does with an archive stands in for it.
        "imgdex pull alpine:3 --platform linux/amd64 --to docker-archive:saved.tar\n\
         mkdir -p bin; printf '#!/bin/sh\\nexec cp saved.tar $3\\n' > bin/docker\n\
         chmod +x bin/docker; PATH=$PWD/bin:$PATH\n"
            .to_owned()
    } else if command.starts_with("imgdex push ") {
        format!(
            "imgdex pull {host}/jupyter/base-notebook --to oci:notebook:latest\n\
             imgdex pull alpine:3 --platform linux/amd64 --to docker-archive:alpine.tar\n"
        )
    } else {
        String::new()
    };
    format!("export IMGDEX_REGISTRY={host} TOKEN=token\n{before}{command}")
}

/// Runs an example where there is what it needs, and checks that it works.
#[track_caller]
fn check(example: &str, registry: &DockerRegistry) {
    let home = home_with_examples();
    let image = r#"{"name": "base", "global": true}"#;
    home.pipe(image, "images create").ok();
    home.pipe(
        r#"{"name": "old-notebook", "archived": true}"#,
        "images create",
    )
    .ok();
    home.run("groups create research").ok();
    // The example that makes a secret makes this one.
    if !example.contains("create --name quay") {
        home.pipe("secret", "secrets create --name quay --password-stdin")
            .ok();
    }
    home.write("image.json", r#"{"name": "new"}"#)
        .write("images.yaml", "name: new")
        .write("change.yaml", "description: new")
        .write("secret.json", r#"{"name": "new"}"#)
        .write("catalog/image.yaml", "name: new")
        .write(
            "metadata/pandas.json",
            r#"{"display_name": "Pandas", "schema_name": "runtime-image",
                "metadata": {"image_name": "amancevice/pandas:2.3.2"}}"#,
        )
        .write(
            "manifests/jupyter.yaml",
            "apiVersion: image.openshift.io/v1\nkind: ImageStream\nmetadata:\n  name: jupyter\n  \
             labels:\n    opendatahub.io/notebook-image: 'true'\nspec:\n  tags:\n    \
             - name: '1.0'\n      from:\n        kind: DockerImage\n        name: quay.io/a/b:1\n",
        )
        .write(
            "profile_list.yaml",
            "- display_name: R\n  slug: r\n  kubespawner_override:\n    image: quay.io/a/r:1\n",
        )
        .write("tool.sif", b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0")
        .write("commands.txt", "images list\n")
        .write("tool.json", r#"{"licence": "MIT"}"#)
        .write("kept.sif", "an older tool")
        .write(".config/fish/completions/x", "");
    home.run("store add kept.sif --name lab/old").ok();
    sregistry(&home);
    home.run("metadata import --directory metadata").ok();
    let words: Vec<&str> = example.split_whitespace().collect();
    let needs_another_program = ["kubectl", "jq", "man"]
        .iter()
        .any(|program| words.windows(2).any(|pair| pair == ["|", *program]));
    let command = if needs_another_program {
        let (ours, _) = example.rsplit_once('|').expect("a pipe");
        ours.to_owned()
    } else {
        example.to_owned()
    };
    let harbor = asks_harbor(&command).then(|| harbor_of(&command));
    let command = match &harbor {
        Some(harbor) => at_harbor(harbor, &command),
        None => at(&home, registry, command),
    };
    let ran = shell(&home, &command);
    let differs = command.contains("diff") && ran.code == 13;
    let doctor = command.contains("doctor") && ran.code == 13;
    assert!(
        ran.code == 0 || differs || doctor,
        "of\n$ {command}\n{}",
        ran.snapshot(&home)
    );
}

#[test]
fn every_example_of_the_help_is_a_command_that_works() {
    let mut found = Vec::new();
    let registry = DockerRegistry::start();
    help_examples(&home_with_examples(), &[], &mut found);
    assert!(
        found.len() >= 40,
        "only {} examples: {found:#?}",
        found.len()
    );
    for example in found {
        check(&example, &registry);
    }
}

#[test]
fn examples_are_found_with_their_here_documents() {
    let text = "x\n```console\n$ a <<EOF\n1\nEOF\nout\n$ b\n```\n```sh\n$ c\n```\n";
    let of = |command: &str, printed: &str| Example {
        command: command.to_owned(),
        printed: printed.to_owned(),
    };
    assert_eq!(
        examples(text),
        [of("a <<EOF\n1\nEOF\n", "out\n"), of("b\n", "")]
    );
}
