//! Harbor, as the fake plays it.

mod contract;
mod doctor;
mod labels;
mod publish;
mod quirks;
mod robots;
mod scans;
mod tags;

use crate::fake_harbor::{ADMIN, FakeHarbor};
use crate::support::{Call, Home, Ran};

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

/// Returns a run that asks the fake, with an account by environment.
fn call_as<'a>(
    home: &'a Home,
    harbor: &FakeHarbor,
    (name, password): (&str, &str),
    words: &[&str],
) -> Call<'a> {
    home.call_with(words)
        .env("IMGDEX_HARBOR_URL", harbor.url())
        .env("IMGDEX_REGISTRY_HOST", harbor.host())
        .env("IMGDEX_REGISTRY_USERNAME", name)
        .env("IMGDEX_REGISTRY_PASSWORD", password)
}

/// Runs a command line that asks the fake, as who may do everything; it is split at
/// white space.
fn asked(home: &Home, harbor: &FakeHarbor, line: &str) -> Ran {
    let words: Vec<&str> = line.split_whitespace().collect();
    call_as(home, harbor, ADMIN, &words).run()
}
