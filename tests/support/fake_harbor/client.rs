//! A small client for the API, so that tests see what the fake holds.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// An answer of the fake.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The body, `Null` where it is not JSON.
    pub json: Value,
    pub text: String,
}

impl Told {
    /// Returns a header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Returns the code of the first error.
    pub fn code(&self) -> &str {
        self.json["errors"][0]["code"].as_str().unwrap_or_default()
    }
}

/// Returns the header of an account with its password.
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Sends one request and reads the answer to its end.
pub fn send(host: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(host).expect("it listens");
    let text = [format!("{head}\r\n").as_bytes(), body].concat();
    stream.write_all(&text).expect("it reads");
    let mut answer = Vec::new();
    // A connection that is reset has no answer, which the status 0 says.
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let pairs = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    Told {
        status: status.unwrap_or_default(),
        headers: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        json: serde_json::from_str(body).unwrap_or_default(),
        text: body.to_owned(),
    }
}
