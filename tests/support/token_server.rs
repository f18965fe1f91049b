//! A token service on loopback, as Docker's registry asks for one
//! (<https://distribution.github.io/distribution/spec/auth/jwt/>): it knows some
//! users, lets anybody pull what is below `public/`, and tells what it was asked.

#![allow(dead_code)]

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::docker_registry::{DockerRegistry, ISSUER, SERVICE};
use crate::fault_server::{FaultServer, Reply, Seen};

const KEY: &str = include_str!("tokens.key.pem");

const CERTIFICATE: &str = include_str!("tokens.cert.pem");

/// Users that may do everything; each has this password.
const USERS: [&str; 3] = ["me", "robot$apps+ci", "me@example.com"];
pub const PASSWORD: &str = "hunter2";

/// The identity token of `me`.
pub const IDENTITY: &str = "identity-of-me";

/// How tokens are given.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// What is said of how long a token serves, in seconds.
    pub expires_in: i64,
    /// How long it serves, in seconds from now.
    pub lasts: i64,
    /// The only action that is granted, whatever is asked for.
    pub only: Option<&'static str>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expires_in: 300,
            lasts: 300,
            only: None,
        }
    }
}

/// The service; it stops when the value is dropped.
pub struct TokenServer {
    server: FaultServer,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    pub fn start() -> Self {
        Self::with(Policy::default())
    }

    pub fn with(policy: Policy) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let server = FaultServer::start(move |seen| {
            let (line, reply) = answer(seen, policy);
            log.lock().expect("nobody panicked").push(line);
            reply
        });
        Self { server, asked }
    }

    /// Starts a registry that wants tokens of this service.
    pub fn registry(&self) -> DockerRegistry {
        let realm = format!("http://{}/token", self.server.host());
        DockerRegistry::with_tokens(&realm, authorization)
    }

    /// Returns who asked for what: `me repository:app:pull`, and `-` for anybody
    /// and nothing.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    /// Returns the requests that came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

/// Returns the header that allows everything in a repository.
pub fn authorization(repository: &str) -> String {
    let scope = format!("repository:{repository}:pull,push,delete");
    format!("Bearer {}", signed(granted(Some("me"), &scope, None), 300))
}

fn answer(seen: &Seen, policy: Policy) -> (String, Reply) {
    let (_, query) = seen.target.split_once('?').unwrap_or_default();
    let is_form = seen.method == "POST";
    let asked = if is_form { &seen.body } else { query };
    let parameters = parameters_of(asked);
    let get = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    // "scope" may come several times (distribution, "Token Authentication").
    let scopes = parameters.iter().filter(|(name, _)| name == "scope");
    let scopes: Vec<&str> = scopes.map(|(_, scope)| scope.as_str()).collect();
    let scope = &*scopes.join(" ");
    let who = match (is_form, seen.header("authorization").strip_prefix("Basic ")) {
        (true, _) if get("grant_type") == "refresh_token" && get("refresh_token") == IDENTITY => {
            Some("me".to_owned())
        }
        (false, None) => None,
        (false, Some(pair)) => {
            let pair = STANDARD.decode(pair).expect("base64");
            let pair = String::from_utf8(pair).expect("text");
            let (name, password) = pair.split_once(':').expect("a pair");
            if !USERS.contains(&name) || password != PASSWORD {
                let body = r#"{"details":"incorrect username or password"}"#;
                return (format!("?{name} {scope}"), Reply::new(401, body));
            }
            Some(name.to_owned())
        }
        _ => return ("? -".to_owned(), Reply::new(401, "{}")),
    };
    let token = signed(granted(who.as_deref(), scope, policy.only), policy.lasts);
    let name = if is_form { "access_token" } else { "token" };
    let body = json!({ name: token, "expires_in": policy.expires_in }).to_string();
    let dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
    let line = format!("{} {}", dash(who.as_deref().unwrap_or("")), dash(scope));
    let reply = Reply::new(200, body).with("Content-Type", "application/json");
    (line, reply)
}

/// Returns the parameters of a query or of a form.
fn parameters_of(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.expect("two digits"));
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("hexadecimal digits")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("text")
}

/// Returns what a user, or anybody, may do of what is asked for.
fn granted(who: Option<&str>, scope: &str, only: Option<&str>) -> serde_json::Value {
    let all = scope
        .split(' ')
        .filter_map(|one| granted_of(who, one, only));
    all.collect()
}

fn granted_of(who: Option<&str>, scope: &str, only: Option<&str>) -> Option<serde_json::Value> {
    // `repository:NAME:ACTIONS`; a name may hold a port, and so a `:`.
    let parts = scope.split_once(':').and_then(|(kind, rest)| {
        let (name, actions) = rest.rsplit_once(':')?;
        Some((kind, name, actions))
    });
    let (kind, name, actions) = parts?;
    let allowed = |action: &&str| {
        only.is_none_or(|only| only == *action)
            && (who.is_some() || (name.starts_with("public/") && *action == "pull"))
    };
    let actions: Vec<&str> = actions.split(',').filter(allowed).collect();
    (!actions.is_empty()).then(|| json!({"type": kind, "name": name, "actions": actions}))
}

/// Returns a token of RS256, whose certificate stands in its header.
pub fn signed(access: serde_json::Value, lasts: i64) -> String {
    let certificate =
        CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("a certificate");
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(&certificate)]});
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    let now = i64::try_from(now.as_secs()).expect("a time");
    let claims = json!({
        "iss": ISSUER,
        "aud": SERVICE,
        "sub": "",
        "iat": now - 7200,
        "nbf": now - 7200,
        "exp": now + lasts,
        "jti": "1",
        "access": access,
    });
    let encoded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("a key");
    let key = RsaKeyPair::from_pkcs8(key.secret_der()).expect("a key of RSA");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
