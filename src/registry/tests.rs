//! The client against servers that break, one test per fault.

mod auth;
mod blobs;
mod http;
mod limits;
mod lists;
mod tls;
mod uploads;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::fault_server::{FaultServer, Reply, Seen};
use super::settings::{Settings, Timing};
use super::{Error, HostSettings, Network, Work};
use crate::domain::credential::Credential;
use crate::domain::manifest::digest_of;
use crate::domain::reference::{DigestAlgorithm, Reference};

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// Returns settings that wait for nobody for long.
fn settings(host: &str, said: HostSettings) -> Settings {
    Settings {
        hosts: BTreeMap::from([(host.to_owned(), said)]),
        timing: Timing {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            total: Duration::from_secs(5),
            pause: Duration::from_millis(1),
            stall: Duration::from_secs(5),
        },
        ..Settings::default()
    }
}

fn plain() -> HostSettings {
    HostSettings {
        plain_http: Some(true),
        ..HostSettings::default()
    }
}

fn network(settings: Settings, credential: Option<Credential>) -> Network {
    let finder = Arc::new(move |_: &_, _: Option<&_>| credential.clone());
    Network::start(settings, finder, Work::default()).expect("a runtime")
}

/// Returns a client of the server that asks as anybody, without TLS.
fn anybody(server: &FaultServer) -> Network {
    network(settings(&server.host(), plain()), None)
}

fn user() -> Credential {
    Credential::Basic {
        username: "me".to_owned(),
        password: SecretString::from("hunter2"),
    }
}

fn reference(server: &FaultServer, rest: &str) -> Reference {
    Reference::parse(&format!("{}/{rest}", server.host())).expect("a reference")
}

/// Returns a manifest, valid and as short as one is.
fn manifest() -> String {
    let digest = format!("sha256:{}", "a".repeat(64));
    let blob = format!(r#"{{"mediaType":"application/x","digest":"{digest}","size":7}}"#);
    format!(r#"{{"schemaVersion":2,"mediaType":"{OCI}","config":{blob},"layers":[{blob}]}}"#)
}

fn digest(text: &str) -> String {
    let digest = digest_of(text.as_bytes(), DigestAlgorithm::Sha256);
    digest.to_string()
}

fn good() -> Reply {
    Reply::new(200, manifest()).with("Content-Type", OCI)
}

/// Returns what the error tells, on one line.
fn told(error: &Error) -> String {
    let cause = error.cause.as_deref().unwrap_or("-");
    format!("{:?}: {}: {cause}", error.reason, error.message)
}

/// Asks for the manifest of `a:1` of a server that answers like this, and
/// returns what is told, the server's port as `PORT`.
fn ask(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> String {
    let server = FaultServer::start(handler);
    let network = anybody(&server);
    let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
    let told = match asked {
        Ok(manifest) => format!("ok {}", manifest.descriptor.size),
        Err(error) => told(&error),
    };
    told.replace(&server.port().to_string(), "PORT")
}
