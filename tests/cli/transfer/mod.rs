//! Images from one place to another, between real registries and files that skopeo
//! reads and writes.

mod archives;
mod copy;
mod faults;
mod sif;
mod tools;

use std::path::Path;

use serde_json::Value;

use crate::docker_registry::DockerRegistry;
use crate::json;
use crate::support::Home;

/// Runs skopeo and returns what it printed.
#[track_caller]
fn skopeo(home: &Home, arguments: &[&str]) -> String {
    let done = home
        .command("skopeo")
        .arg("--insecure-policy")
        .args(arguments)
        .output()
        .expect("skopeo is installed (`tests/run.sh` does it)");
    assert!(done.status.success(), "{arguments:?}: {done:?}");
    String::from_utf8(done.stdout).expect("text")
}

/// Returns the digest of what a registry's tag points to, as skopeo sees it.
#[track_caller]
fn digest_by_skopeo(home: &Home, reference: &str) -> String {
    let said = skopeo(
        home,
        &[
            "inspect",
            "--raw",
            "--tls-verify=false",
            &format!("docker://{reference}"),
        ],
    );
    crate::docker_registry::digest(said.as_bytes())
}

/// Runs a copy and returns what it tells.
#[track_caller]
fn copied(home: &Home, arguments: &str) -> Value {
    json(home.run(&format!("{arguments} -o json")))
}

fn exists(home: &Home, path: &str) -> bool {
    Path::new(home.path()).join(path).exists()
}
