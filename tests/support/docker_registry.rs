//! Debian's `docker-registry` on a free port of this machine, for one test, and
//! a few requests of our own to fill it.

#![allow(dead_code)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// `me:hunter2`, as the registry's file of users has it (bcrypt, the fewest
/// rounds).
const USERS: &str = "me:$2b$04$PucH/4n1Gtx5k8pUWeVfEuA9/AvsMMpoI8BoMee7p6h.EZlK/NLDe\n";

pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The registry; it ends with the value.
pub struct DockerRegistry {
    child: Child,
    port: u16,
    /// The header that shows who asks, where the registry wants one.
    authorization: Option<&'static str>,
    _folder: TempDir,
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
        Self::with("", None)
    }

    /// Starts one that wants to see `me` and `hunter2`.
    pub fn with_password() -> Self {
        let auth = "auth:\n  htpasswd:\n    realm: here\n    path: FOLDER/users\n";
        Self::with(auth, Some("Basic bWU6aHVudGVyMg=="))
    }

    fn with(auth: &str, authorization: Option<&'static str>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("imgdex-registry-")
            .tempdir()
            .expect("a folder can be made");
        let place = folder.path().display().to_string();
        fs::write(folder.path().join("users"), USERS).expect("written");
        // Another process may take the port before the registry does: try again.
        for _ in 0..10 {
            let port = free_port();
            let config = format!(
                "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: \
                 {place}/data\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n{}",
                auth.replace("FOLDER", &place)
            );
            let path = folder.path().join("config.yml");
            fs::write(&path, config).expect("written");
            let mut child = Command::new("docker-registry")
                .arg("serve")
                .arg(&path)
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
                    _folder: folder,
                };
            }
        }
        panic!("the registry does not start");
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
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
        let config = format!(
            r#"{{"created":"2024-05-06T07:08:09Z","os":"linux","architecture":"{architecture}","config":{{"Labels":{{"a":"1","b":"two\u001b[31m"}}}},"rootfs":{{"type":"layers","diff_ids":[]}}}}"#
        );
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = self.blob(repository, kind, config.as_bytes());
        let kind = "application/vnd.oci.image.layer.v1.tar";
        let layer = self.blob(
            repository,
            kind,
            format!("layer of {architecture}").as_bytes(),
        );
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
        if let Some(value) = self.authorization {
            let _ = write!(head, "Authorization: {value}\r\n");
        }
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream
            .write_all(format!("{head}\r\n").as_bytes())
            .and_then(|()| stream.write_all(body))
            .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        String::from_utf8_lossy(&answer).replace("\r\n", "\n")
    }
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

/// Waits until the registry listens; false where it ended instead.
fn listens(child: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        thread::yield_now();
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
