//! Harbor, as the fake plays it.

mod artifacts;
mod contract;
mod doctor;
mod faults;
mod labels;
mod look;
mod pages;
mod publish;
mod quirks;
mod robots;
mod scans;
mod servers;
mod tags;

use crate::fake_harbor::{ADMIN, FakeHarbor, Role};
use crate::support::{Call, Home, Ran};

/// The account that most tests ask as.
const DEV: (&str, &str) = ("dev", "Secret1x");

/// Returns a fake with a private project of `dev`'s and an open one.
fn with_apps() -> FakeHarbor {
    let harbor = FakeHarbor::start();
    harbor.project("apps").public_project("open");
    harbor
        .user(DEV.0, DEV.1)
        .role(DEV.0, "apps", Role::Developer);
    harbor
}

/// Returns a call of `imgdex harbor …` that asks the fake as an account.
fn call<'a>(
    home: &'a Home,
    harbor: &FakeHarbor,
    account: Option<(&str, &str)>,
    arguments: &str,
) -> Call<'a> {
    let host = harbor.host();
    let call = home.call(&format!("harbor {arguments}"));
    let call = call.env("IMGDEX_HARBOR_URL", harbor.url());
    match account {
        None => call,
        Some((name, password)) => call
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", name)
            .env("IMGDEX_REGISTRY_PASSWORD", password),
    }
}

/// Runs `imgdex harbor …` as `dev`.
fn run(home: &Home, harbor: &FakeHarbor, arguments: &str) -> Ran {
    call(home, harbor, Some(DEV), arguments).run()
}

/// Returns how a run ended with the fake's host as `HOST`, and the number of the request
/// as `N`.
fn shown(ran: &Ran, home: &Home, harbor: &FakeHarbor) -> String {
    let text = ran.snapshot(home).replace(&harbor.host(), "HOST");
    let Some((before, rest)) = text.split_once("X-Request-Id: request-") else {
        return text;
    };
    let (_, after) = rest.split_once(')').unwrap_or_default();
    format!("{before}X-Request-Id: request-N){after}")
}

/// Returns the requests to the API that match a part of their line.
fn requests(harbor: &FakeHarbor, part: &str) -> Vec<String> {
    let seen = harbor.seen().into_iter().map(|one| one.line());
    seen.filter(|line| line.contains(part)).collect()
}

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

/// Returns the names that a run printed, on one line.
#[track_caller]
fn names(ran: Ran) -> String {
    ran.ok().stdout.trim_end().replace('\n', " ")
}
