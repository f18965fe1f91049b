//! The program from outside: one file per noun, with exit code, standard output
//! and standard error in one snapshot.

#[path = "../support/builder.rs"]
mod builder;
#[path = "../support/docker_registry.rs"]
mod docker_registry;
#[path = "../support/fake_harbor/mod.rs"]
mod fake_harbor;
#[path = "../support/fault_server.rs"]
mod fault_server;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_server.rs"]
mod token_server;

mod apply;
mod catalog;
mod config;
mod groups;
mod harbor;
mod help;
mod images;
mod login;
mod metadata;
mod output;
mod prompt;
mod registry;
mod secrets;
mod shell;
mod store;
mod transfer;

use serde_json::Value;
use support::{Home, Ran};

/// The id of a group of these tests.
const RESEARCH: &str = "11111111-2222-4333-8444-555555555555";

/// The image of the documentation's first example.
const FIRST: &str = r#"{
  "name": "my-first-image",
  "displayName": "Learning how to create an image from SDK",
  "description": "base-notebook with python 3.7",
  "type": "both",
  "url": "infuseai/docker-stacks:base-notebook-63fdf50a",
  "urlForGpu": "infuseai/docker-stacks:base-notebook-63fdf50a-gpu",
  "global": true
}"#;

/// Returns a home whose catalog holds what the JSON or YAML describes.
#[track_caller]
fn with_images(text: &str) -> Home {
    let home = Home::new();
    home.pipe(text, "images create").ok();
    home
}

/// Returns what a successful run printed, as JSON.
#[track_caller]
fn json(ran: Ran) -> Value {
    let ran = ran.ok();
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

/// Returns one field of an image.
#[track_caller]
fn field(home: &Home, image: &str, field: &str) -> Value {
    let image = json(home.run(&format!("images get {image} -o json")));
    image.get(field).cloned().unwrap_or_default()
}

/// Returns the lines of a successful run's answer.
#[track_caller]
fn lines(ran: Ran) -> Vec<String> {
    ran.ok().stdout.lines().map(str::to_owned).collect()
}
