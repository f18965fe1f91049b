//! Harbor, as the fake plays it.

mod contract;
mod publish;
mod quirks;
mod scans;

use crate::fake_harbor::FakeHarbor;
use crate::support::{Home, Ran};

/// Runs a push to a repository of the fake, with an account by environment.
fn push(
    home: &Home,
    harbor: &FakeHarbor,
    (name, password): (&str, &str),
    what: &str,
    target: &str,
) -> Ran {
    let host = harbor.host();
    home.call(&format!("{what} {host}/{target} -o json"))
        .env("IMGDEX_REGISTRY_HOST", &host)
        .env("IMGDEX_REGISTRY_USERNAME", name)
        .env("IMGDEX_REGISTRY_PASSWORD", password)
        .run()
}
