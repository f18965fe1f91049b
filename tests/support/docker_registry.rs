//! Debian's `docker-registry` on a free port of this machine, for one test, and
//! a few requests of our own to fill it.

#![allow(dead_code)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Who may use a registry with passwords.
const USERS: [&str; 3] = ["me", "robot$apps+ci", "me@example.com"];

/// `hunter2`, the password of each, as the registry's file of users has it
/// (bcrypt, the fewest rounds).
const HASH: &str = "$2b$04$PucH/4n1Gtx5k8pUWeVfEuA9/AvsMMpoI8BoMee7p6h.EZlK/NLDe";

pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Who gives tokens, and for whom.
pub const ISSUER: &str = "imgdex tests";
pub const SERVICE: &str = "registry of the tests";

/// Returns the header that shows who asks for a repository.
pub type Authorization = fn(&str) -> String;

/// A certificate with its key and its authority, in PEM.
#[derive(Debug, Clone)]
pub struct Certified {
    pub certificate: String,
    pub key: String,
    pub authority: String,
}

/// The registry; it ends with the value.
pub struct DockerRegistry {
    child: Child,
    port: u16,
    /// The header that shows who asks for a repository, where the registry wants
    /// one.
    authorization: Option<Authorization>,
    /// The authority of its certificate, where it speaks TLS.
    tls: Option<String>,
    folder: TempDir,
}

/// What was pushed.
#[derive(Debug, Clone)]
pub struct Pushed {
    pub digest: String,
    pub size: usize,
}

impl DockerRegistry {
    /// Starts a registry that anybody may use.
    pub fn start() -> Self {
        Self::with("", None, None)
    }

    /// Starts one that wants to see `me` and `hunter2`.
    pub fn with_password() -> Self {
        let auth = "auth:\n  htpasswd:\n    realm: here\n    path: FOLDER/users\n";
        Self::with(auth, Some(|_| "Basic bWU6aHVudGVyMg==".to_owned()), None)
    }

    /// Starts one that wants a token, which `realm` gives.
    pub fn with_tokens(realm: &str, authorization: Authorization) -> Self {
        let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tokens.cert.pem");
        let auth = format!(
            "auth:\n  token:\n    realm: {realm}\n    service: {SERVICE}\n    issuer: \
             {ISSUER}\n    rootcertbundle: {certificate}\n"
        );
        Self::with(&auth, Some(authorization), None)
    }

    /// Starts one that speaks TLS with this certificate.
    pub fn with_tls(certified: &Certified) -> Self {
        Self::with("", None, Some(certified))
    }

    fn with(auth: &str, authorization: Option<Authorization>, tls: Option<&Certified>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("imgdex-registry-")
            .tempdir()
            .expect("a folder can be made");
        let place = folder.path().display().to_string();
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
        };
        write(
            "users",
            &USERS.map(|name| format!("{name}:{HASH}\n")).concat(),
        );
        let mut secured = String::new();
        if let Some(certified) = tls {
            write("certificate.pem", &certified.certificate);
            write("key.pem", &certified.key);
            secured = format!(
                "  tls:\n    certificate: {place}/certificate.pem\n    key: {place}/key.pem\n"
            );
        }
        // Another process may take the port before the registry does: try again.
        for _ in 0..10 {
            let port = free_port();
            let config = format!(
                "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: \
                 {place}/data\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n{secured}{}",
                auth.replace("FOLDER", &place)
            );
            write("config.yml", &config);
            let mut child = Command::new("docker-registry")
                .arg("serve")
                .arg(folder.path().join("config.yml"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("docker-registry is installed (`tests/run.sh` does it)");
            if listens(&mut child, port) {
                return Self {
                    child,
                    port,
                    authorization,
                    tls: tls.map(|certified| certified.authority.clone()),
                    folder,
                };
            }
        }
        panic!("the registry does not start");
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the folder with its configuration and its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Uploads a blob and returns its descriptor as JSON.
    pub fn blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", b"");
        let location = begun
            .lines()
            .find_map(|line| line.strip_prefix("Location: "))
            .expect("a place to upload to");
        let (_, path) = location.split_once("/v2/").expect("a path");
        let target = format!("/v2/{path}&digest={digest}");
        let done = self.send("PUT", &target, "application/octet-stream", bytes);
        assert!(done.starts_with("HTTP/1.1 201"), "{done}");
        format!(
            r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#,
            bytes.len()
        )
    }

    /// Puts a manifest under a tag or its digest.
    pub fn manifest(&self, repository: &str, tag: &str, media_type: &str, text: &str) -> Pushed {
        let target = format!("/v2/{repository}/manifests/{tag}");
        let done = self.send("PUT", &target, media_type, text.as_bytes());
        assert!(done.starts_with("HTTP/1.1 201"), "{done}");
        Pushed {
            digest: digest(text.as_bytes()),
            size: text.len(),
        }
    }

    /// Pushes an image of one layer for linux and that architecture.
    pub fn image(&self, repository: &str, tag: &str, architecture: &str) -> Pushed {
        let content = format!("layer of {architecture}");
        let diff_id = digest(content.as_bytes());
        let config = format!(
            r#"{{"created":"2024-05-06T07:08:09Z","os":"linux","architecture":"{architecture}","config":{{"Labels":{{"a":"1","b":"two\u001b[31m"}}}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
        );
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = self.blob(repository, kind, config.as_bytes());
        let kind = "application/vnd.oci.image.layer.v1.tar";
        let layer = self.blob(repository, kind, content.as_bytes());
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{layer}]}}"#
        );
        self.manifest(repository, tag, IMAGE, &text)
    }

    /// Pushes an image for some architectures.
    pub fn index(&self, repository: &str, tag: &str, architectures: &[&str]) -> Pushed {
        let entry = |architecture: &&str| {
            let image = self.image(repository, &format!("{tag}-{architecture}"), architecture);
            format!(
                r#"{{"mediaType":"{IMAGE}","digest":"{}","size":{},"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#,
                image.digest, image.size
            )
        };
        let entries: Vec<String> = architectures.iter().map(entry).collect();
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            entries.join(",")
        );
        self.manifest(repository, tag, INDEX, &text)
    }

    fn send(&self, method: &str, target: &str, media_type: &str, body: &[u8]) -> String {
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.host(),
            body.len()
        );
        if !media_type.is_empty() {
            let _ = write!(head, "Content-Type: {media_type}\r\n");
        }
        if let Some(authorization) = self.authorization {
            let _ = write!(
                head,
                "Authorization: {}\r\n",
                authorization(repository_of(target))
            );
        }
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let text = [format!("{head}\r\n").as_bytes(), body].concat();
        let answer = match &self.tls {
            None => exchanged(stream, &text),
            Some(authority) => exchanged(secured(stream, authority), &text),
        };
        String::from_utf8_lossy(&answer).replace("\r\n", "\n")
    }
}

/// Returns the repository of `/v2/REPOSITORY/blobs/…` and the like.
fn repository_of(target: &str) -> &str {
    let path = target.strip_prefix("/v2/").unwrap_or_default();
    let end = ["/blobs/", "/manifests/"].map(|part| path.find(part));
    &path[..end.into_iter().flatten().min().unwrap_or(path.len())]
}

fn exchanged(mut stream: impl Read + Write, text: &[u8]) -> Vec<u8> {
    stream.write_all(text).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    answer
}

fn secured(stream: TcpStream, authority: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    StreamOwned::new(connection, stream)
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the digest of bytes, `sha256:…`.
pub fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("an address").port()
}

/// Returns whether it is this process that listens: somebody else may have taken the
/// port, and the registry is about to find out.
fn is_its_own(child: &Child, port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let address = format!("0100007F:{port:04X}");
    let listening = sockets.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1) == Some(&address.as_str()) && fields.get(3) == Some(&"0A");
        is_it.then(|| format!("socket:[{}]", fields[9]))
    });
    let Some(listening) = listening else {
        return false;
    };
    let files = fs::read_dir(format!("/proc/{}/fd", child.id()));
    files.into_iter().flatten().flatten().any(|file| {
        fs::read_link(file.path()).is_ok_and(|target| target.to_str() == Some(&listening))
    })
}

/// Waits until the registry listens; false where it ended instead.
fn listens(child: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() && is_its_own(child, port) {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
