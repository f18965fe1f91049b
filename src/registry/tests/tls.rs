//! Faults of TLS: what is not trusted is not spoken to, and never without TLS.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::*;

struct Made {
    config: ServerConfig,
    pem: String,
    key: String,
}

/// Returns a server's certificate, which is its own authority.
fn certificate(name: &str, until: i32) -> Made {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a pair");
    Made {
        config,
        pem: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// Asks a server of this certificate; `trusted` is written where its
/// authority is looked for.
fn ask_tls(made: Made, trust: impl FnOnce(&Path, &str, &str) -> Settings) -> String {
    let server = FaultServer::start_tls(made.config, |_| good());
    let folder = tempfile::tempdir().expect("a folder");
    let settings = trust(folder.path(), &server.host(), &made.pem);
    let network = network(settings, None);
    let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
    match asked {
        Ok(_) => "ok".to_owned(),
        Err(error) => told(&error).replace(&server.port().to_string(), "PORT"),
    }
}

fn by_file(folder: &Path, host: &str, pem: &str) -> Settings {
    let path = folder.join("ca.pem");
    std::fs::write(&path, pem).expect("written");
    let said = HostSettings {
        ca_file: Some(path),
        ..HostSettings::default()
    };
    settings(host, said)
}

fn by_folder(folder: &Path, host: &str, pem: &str) -> Settings {
    std::fs::create_dir(folder.join(host)).expect("a folder");
    std::fs::write(folder.join(host).join("ca.crt"), pem).expect("written");
    Settings {
        certificates: vec![folder.to_path_buf()],
        ..settings(host, HostSettings::default())
    }
}

#[test]
fn a_named_authority_is_trusted() {
    assert_eq!(ask_tls(certificate("127.0.0.1", 2090), by_file), "ok");
    assert_eq!(ask_tls(certificate("127.0.0.1", 2090), by_folder), "ok");
}

#[test]
fn a_bad_certificate_is_refused_and_nothing_is_asked_without_tls() {
    let begin = "Violation: cannot read the manifest of `127.0.0.1:PORT/a:1`: the certificate of \
                 `127.0.0.1:PORT` is not valid: ";
    let check = |made: Made, trust: fn(&Path, &str, &str) -> Settings, rule: &str| {
        let told = ask_tls(made, trust);
        assert!(told.starts_with(begin) && told.contains(rule), "{told}");
    };
    check(certificate("127.0.0.1", 2021), by_file, "expired");
    check(
        certificate("other.example", 2090),
        by_file,
        "not valid for name",
    );
    let nobody = |_: &Path, host: &str, _: &str| settings(host, HostSettings::default());
    check(
        certificate("127.0.0.1", 2090),
        nobody,
        "no authority that is trusted",
    );
}

#[test]
fn any_certificate_will_do_where_the_user_said_so() {
    let insecure = |_: &Path, host: &str, _: &str| {
        let said = HostSettings {
            insecure: true,
            ..HostSettings::default()
        };
        settings(host, said)
    };
    assert_eq!(ask_tls(certificate("other.example", 2021), insecure), "ok");
}

/// Returns the server's certificate, and what asks its clients for this one.
fn wanting(client: &Made) -> Made {
    let made = certificate("127.0.0.1", 2090);
    let read = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(read(&client.pem)).expect("an authority");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(
            vec![read(&made.pem)],
            PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key"),
        )
        .expect("a pair");
    Made { config, ..made }
}

#[test]
fn a_client_s_pair_is_shown_where_the_folder_holds_one() {
    let client = certificate("client.example", 2090);
    let with = |cert: bool, key: bool| {
        let client = &client;
        ask_tls(wanting(client), move |folder, host, pem| {
            let settings = by_folder(folder, host, pem);
            let write = |name: &str, text: &str| {
                std::fs::write(folder.join(host).join(name), text).expect("written");
            };
            if cert {
                write("client.cert", &client.pem);
            }
            if key {
                write("client.key", &client.key);
            }
            settings
        })
    };
    assert_eq!(with(true, true), "ok");
    let told = with(true, false);
    assert!(told.starts_with("Settings: "), "{told}");
    assert!(told.ends_with("/client.key` is missing"), "{told}");
    // The server hangs up on who shows none.
    let told = with(false, false);
    assert!(told.starts_with("Unavailable: "), "{told}");
}

#[test]
fn a_file_that_holds_no_certificate_is_named() {
    let empty = |folder: &Path, host: &str, _: &str| by_file(folder, host, "nothing");
    let told = ask_tls(certificate("127.0.0.1", 2090), empty);
    assert!(
        told.starts_with("Settings: cannot use the certificates of `"),
        "{told}"
    );
    assert!(
        told.ends_with("/ca.pem`: it holds no certificate"),
        "{told}"
    );
}

#[test]
fn a_registry_of_this_machine_without_tls_is_found_out() {
    let server = FaultServer::start(|_| good());
    let network = network(settings(&server.host(), HostSettings::default()), None);
    for _ in 0..2 {
        let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
        asked.expect("a manifest");
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn another_machine_is_never_asked_without_tls() {
    let proxy = FaultServer::start(|_| good());
    let mut settings = settings("registry.invalid", HostSettings::default());
    settings.proxies.http = Some(format!("http://{}", proxy.host()));
    let network = network(settings, None);
    let asked = Reference::parse("registry.invalid/a:1").expect("a reference");
    let error = network
        .wait(network.client.manifest(&asked))
        .expect_err("no such host");
    assert!(told(&error).starts_with("Unavailable"), "{error:?}");
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_token_service_on_another_port_is_trusted_as_its_registry_is() {
    let made = certificate("127.0.0.1", 2090);
    let token = || Reply::new(200, r#"{"token":"good"}"#);
    let tokens = FaultServer::start_tls(made.config.clone(), move |_| token());
    let challenge = format!("Bearer realm=\"https://{}/token\"", tokens.host());
    let server = FaultServer::start_tls(made.config, move |seen| {
        match seen.header("authorization") {
            "Bearer good" => good(),
            _ => Reply::new(401, "").with("WWW-Authenticate", challenge.clone()),
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let settings = by_file(folder.path(), &server.host(), &made.pem);
    let network = network(settings, Some(user()));
    network
        .wait(network.client.manifest(&reference(&server, "a:1")))
        .expect("a manifest");
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn a_redirect_out_of_tls_is_not_followed() {
    let made = certificate("127.0.0.1", 2090);
    let plain = FaultServer::start(|_| good());
    let there = format!("http://{}/x", plain.host());
    let server = FaultServer::start_tls(made.config, move |_| {
        Reply::new(307, "").with("Location", there.clone())
    });
    let folder = tempfile::tempdir().expect("a folder");
    let network = network(by_file(folder.path(), &server.host(), &made.pem), None);
    let asked = network.wait(network.client.manifest(&reference(&server, "a:1")));
    let told = told(&asked.expect_err("refused"));
    assert!(
        told.starts_with("Violation") && told.contains("leads out of TLS"),
        "{told}"
    );
    assert!(plain.seen().is_empty());
}
