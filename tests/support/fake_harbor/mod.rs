//! A Harbor on loopback for tests: its API, its token service and its registry
//! (Debian's `docker-registry` behind it), with the state that a test arranges,
//! the quirks of the real one, and what breaks where a test says.
//!
//! ```ignore
//! let harbor = FakeHarbor::start();
//! harbor.project("apps").user("dev", "Secret1x").role("dev", "apps", Role::Developer);
//! let digest = harbor.image("apps/team/web", "1.0");
//! harbor.fail("PUT", "/v2/apps/team/web/manifests/", 500, 1);
//! // … run the program against `harbor.host()` …
//! let artifact = harbor.get("/projects/apps/repositories/team%252Fweb/artifacts/1.0");
//! assert_eq!(artifact.json["digest"], digest);
//! ```
//!
//! The account `admin` (`Harbor12345`) is there from the start and is the one that
//! `get` and `api` ask as. Where Harbor's contract is at hand (`HARBOR_SWAGGER`),
//! every question and answer of the API is held against it, and the fake panics
//! at its end over what does not fit.

#![allow(dead_code)]

mod accounts;
mod answers;
mod api;
mod artifacts;
mod client;
mod content;
mod contract;
mod faults;
mod labels;
mod manifests;
mod projects;
mod registry;
mod repositories;
mod robots;
mod scans;
mod server;
mod setup;
mod state;
mod system;
mod tags;

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::extract::Request;
use tokio::sync::oneshot;

pub use accounts::Role;
pub use client::basic;
pub use contract::contract;
pub use faults::Failure;
pub use scans::{Outcome, REPORT, Vulnerability};
pub use server::Seen;
pub use state::State;

use crate::docker_registry::DockerRegistry;
use crate::token_server::authorization;
use server::Shared;

/// The account that may do everything, and its password.
pub const ADMIN: (&str, &str) = ("admin", "Harbor12345");

/// The fake; it stops when the value is dropped.
pub struct FakeHarbor {
    shared: Arc<Shared>,
    registry: DockerRegistry,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl FakeHarbor {
    /// Starts a Harbor with nothing in it but `admin`.
    pub fn start() -> Self {
        // Others of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket of ours");
        let host = listener.local_addr().expect("an address").to_string();
        let realm = format!("http://{host}/service/token");
        let registry = DockerRegistry::with_tokens(&realm, authorization);
        let mut state = State::default();
        "robot$".clone_into(&mut state.robot_prefix);
        registry.folder().clone_into(&mut state.registry_folder);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            host,
            registry: registry.host(),
            client: client.build().expect("a client"),
            contract: contract(),
        });
        let (stop, stopped) = oneshot::channel();
        let own = Arc::clone(&shared);
        let serving = thread::spawn(move || serve(listener, own, stopped));
        let harbor = Self {
            shared,
            registry,
            stop: Some(stop),
            serving: Some(serving),
        };
        harbor.sysadmin(ADMIN.0, ADMIN.1);
        harbor
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.shared.host.clone()
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.host)
    }

    /// Returns the requests that came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Forgets the requests that came so far.
    pub fn forget_seen(&self) {
        self.state().seen.clear();
    }

    /// Returns all that the fake holds, to be looked at and changed. Nothing is
    /// answered while it is held.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Returns what went against the contract so far.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Forgets and returns what went against the contract, for a test that means it.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.state().violations)
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
        let routes = Router::new()
            .fallback(move |request: Request| server::serve(Arc::clone(&shared), request));
        tokio::select! {
            _ = axum::serve(listener, routes) => {}
            _ = stopped => {}
        }
    });
    // Connections that are still open end with the runtime.
    runtime.shutdown_background();
}

impl Drop for FakeHarbor {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A thread that ended already needs no word.
            let _ = stop.send(());
        }
        let ended = self.serving.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        assert!(ended.is_none_or(|ended| ended.is_ok()), "the fake panicked");
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "against Harbor's contract:\n{}",
            violations.join("\n")
        );
    }
}
