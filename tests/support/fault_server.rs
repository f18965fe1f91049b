//! A server on loopback that answers what a test says, and breaks where it says.
//! It ends with the value; its connections end by themselves.

#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a connection lives at most while nothing comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub method: String,
    /// With its query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    /// Returns a header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub fault: Fault,
}

/// How an answer breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The connection ends after so many bytes of the body.
    Truncated(usize),
    /// `Content-Length` says so many bytes, whatever the body has.
    Length(usize),
    /// The connection ends without an answer.
    Reset,
    /// A byte of the body at a time, with that many milliseconds between.
    Drip(u64),
    /// The body again and again, without an end.
    Endless,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn breaking(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The server; it stops when the value is dropped.
pub struct FaultServer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
}

impl FaultServer {
    /// Starts a server without TLS.
    pub fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(handler))
    }

    /// Starts a server with TLS.
    pub fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(Arc::new(config)), Arc::new(handler))
    }

    fn serve(tls: Option<Arc<ServerConfig>>, handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, handler, log) = (tls.clone(), Arc::clone(&handler), Arc::clone(&log));
                thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    match tls {
                        None => converse(stream, &handler, &log),
                        Some(config) => {
                            if let Ok(connection) = ServerConnection::new(config) {
                                converse(StreamOwned::new(connection, stream), &handler, &log);
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen, stop }
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the requests that came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panicked").clone()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the one that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Reads one request, answers it and hangs up.
fn converse(mut stream: impl Read + Write, handler: &Handler, log: &Mutex<Vec<Seen>>) {
    let Some(seen) = request(&mut stream) else {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        return;
    };
    log.lock().expect("nobody panicked").push(seen.clone());
    let reply = handler(&seen);
    // A client that hung up is a part of some tests.
    let _ = answer(&mut stream, &seen, &reply);
    let _ = stream.flush();
}

fn request(stream: &mut impl Read) -> Option<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 64 * 1024 || stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
        if head.len() == 1 && !byte[0].is_ascii_uppercase() {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let mut seen = Seen {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Seen::default()
    };
    for line in lines {
        if let Some((name, value)) = line.split_once(':') {
            seen.headers
                .push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let mut body = Vec::new();
    if seen.header("transfer-encoding") == "chunked" {
        loop {
            let size = usize::from_str_radix(&line(stream)?, 16).ok()?;
            let mut chunk = vec![0; size];
            stream.read_exact(&mut chunk).ok()?;
            body.append(&mut chunk);
            line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else {
        body.resize(seen.header("content-length").parse().unwrap_or(0), 0);
        stream.read_exact(&mut body).ok()?;
    }
    seen.body = String::from_utf8_lossy(&body).into_owned();
    Some(seen)
}

/// Reads a line of less than 64 bytes.
fn line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if line.len() > 64 || stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        line.push(byte[0]);
    }
    String::from_utf8(line)
        .ok()
        .map(|line| line.trim_end().to_owned())
}

fn answer(stream: &mut impl Write, seen: &Seen, reply: &Reply) -> std::io::Result<()> {
    if reply.fault == Fault::Reset {
        return Ok(());
    }
    let length = match reply.fault {
        Fault::Length(length) => length,
        _ => reply.body.len(),
    };
    let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", reply.status);
    if reply.fault != Fault::Endless {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if seen.method == "HEAD" {
        return Ok(());
    }
    match reply.fault {
        Fault::Truncated(bytes) => stream.write_all(&reply.body[..bytes.min(reply.body.len())]),
        Fault::Drip(pause) => reply.body.iter().try_for_each(|byte| {
            stream.write_all(&[*byte])?;
            stream.flush()?;
            thread::sleep(Duration::from_millis(pause));
            Ok(())
        }),
        Fault::Endless => loop {
            stream.write_all(&reply.body)?;
        },
        _ => stream.write_all(&reply.body),
    }
}
