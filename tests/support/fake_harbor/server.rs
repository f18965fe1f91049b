//! The thread that serves: records what comes, breaks what should break, and
//! asks the API, the token service or the registry.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt;
use reqwest::Client;
use serde_json::Value;

use super::accounts::{Who, basic_pair};
use super::answers::Answer;
use super::contract::Contract;
use super::faults::{Failure, failure_of};
use super::state::State;
use super::{api, registry};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub method: String,
    /// With its query, as it was sent.
    pub target: String,
    /// `Basic`, `Bearer`, or nothing.
    pub authorization: String,
    /// The account of a Basic header, or the one a token was given to.
    pub account: String,
    pub headers: Vec<(String, String)>,
    /// The text of a JSON body.
    pub body: String,
}

impl Seen {
    /// Returns a header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Returns the method and the target.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What all that serve share.
pub struct Shared {
    pub state: Mutex<State>,
    /// `127.0.0.1:PORT` of the fake.
    pub host: String,
    /// `127.0.0.1:PORT` of the registry behind it.
    pub registry: String,
    pub client: Client,
    pub contract: Option<&'static Contract>,
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no handler panicked")
    }
}

/// A request of the API, taken apart.
#[derive(Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    query: Vec<(String, String)>,
    pub seen: Seen,
    pub body: Value,
    pub who: Who,
}

impl Asked {
    /// Returns a parameter of the query, empty where it is not there.
    pub fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Returns the same without `q`, where it was looked at already.
    pub fn without_q(&self) -> Self {
        let mut asked = self.clone();
        asked.query.retain(|(name, _)| name != "q");
        asked
    }

    pub fn flag(&self, name: &str) -> bool {
        self.query(name) == "true"
    }

    /// Returns a text of the body, empty where it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// Returns the address of another page, with nothing in it escaped.
    pub fn path_of_page(&self, page: usize, size: usize) -> String {
        let others = self.query.iter();
        let others = others.filter(|(name, _)| name != "page" && name != "page_size");
        let others: String = others
            .map(|(name, value)| format!("&{name}={value}"))
            .collect();
        format!("{}?page={page}&page_size={size}{others}", self.path)
    }
}

pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs
        .map(|(name, value)| {
            let decoded = crate::token_server::decoded;
            (decoded(name), decoded(value))
        })
        .collect()
}

/// Answers one request.
pub async fn serve(shared: Arc<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let mut seen = Seen {
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: headers.collect(),
        ..Seen::default()
    };
    let is_json = seen.header("content-type").contains("json");
    let is_upload = seen.target.starts_with("/v2/") && !seen.target.contains("/manifests/");
    let (bytes, streamed) = if is_upload {
        (Bytes::new(), body)
    } else {
        match axum::body::to_bytes(body, 16 << 20).await {
            Ok(bytes) => (bytes, Body::empty()),
            Err(_) => return broken(),
        }
    };
    if is_json {
        seen.body = String::from_utf8_lossy(&bytes).into_owned();
    }
    let failure = {
        let mut state = shared.state();
        name_account(&mut seen, &state);
        state.seen.push(seen.clone());
        failure_of(&mut state.faults, &seen.method, &seen.target)
    };
    match failure {
        Some(Failure::Answer(status, headers, body)) => {
            drain(streamed).await;
            return finished(status, &headers, body);
        }
        Some(Failure::Reset) => return broken(),
        Some(Failure::Silence) => return std::future::pending().await,
        Some(Failure::LostAnswer | Failure::Late(_)) | None => {}
    }
    let response = if seen.target.starts_with("/v2/") {
        let body = if is_upload {
            streamed
        } else {
            Body::from(bytes.clone())
        };
        registry::answer(&shared, &seen, &bytes, body).await
    } else if seen.target.starts_with("/service/token") {
        registry::token(&shared, &seen)
    } else {
        api_answer(&shared, seen)
    };
    if let Some(Failure::Late(milliseconds)) = failure {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if failure == Some(Failure::LostAnswer) {
        // What streams is done only when it was read to its end.
        let _ = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        return broken();
    }
    response
}

/// Reads a body to its end, since a client that still sends sees no answer.
pub async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    while let Some(Ok(_)) = stream.next().await {}
}

fn name_account(seen: &mut Seen, state: &State) {
    let header = seen.header("authorization").to_owned();
    if let Some((kind, rest)) = header.split_once(' ') {
        kind.clone_into(&mut seen.authorization);
        seen.account = match kind {
            "Basic" => basic_pair(&header).map(|(name, _)| name),
            _ => state.tokens.get(rest).map(|(name, _)| name.clone()),
        }
        .unwrap_or_default();
    }
}

fn api_answer(shared: &Shared, seen: Seen) -> Response {
    let mut state = shared.state();
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    if state.refuses_double_encoding && path.contains("%252F") {
        let headers = [("Content-Type", "text/html".to_owned())];
        return finished(400, &headers, "<html>400 Bad Request</html>".to_owned());
    }
    let who = Who::of_basic(&state, seen.header("authorization")).unwrap_or(Who::Anonymous);
    let asked = Asked {
        method: seen.method.clone(),
        path: path.to_owned(),
        query: query_pairs(query),
        body: serde_json::from_str(&seen.body).unwrap_or(Value::Null),
        who,
        seen,
    };
    let writes = !["GET", "HEAD"].contains(&asked.method.as_str());
    // Only a browser has both, and none of the tests is one.
    let answer = if writes && !asked.seen.header("cookie").is_empty() {
        Answer::error(403, "FORBIDDEN", "CSRF token not found in request")
    } else {
        turn_page(&mut state, &asked);
        api::answer(&mut state, &asked).unwrap_or_else(|refused| refused)
    };
    if let Some(contract) = shared.contract {
        let found = contract.violations(&asked, &answer);
        state.violations.extend(found);
    }
    let mut headers = answer.headers;
    headers.push(("X-Request-Id", format!("request-{}", state.seen.len())));
    headers.push(("Set-Cookie", "sid=of-the-fake; Path=/; HttpOnly".to_owned()));
    let body = match answer.body {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(body) => {
            headers.push(("Content-Type", "application/json".to_owned()));
            body.to_string()
        }
    };
    finished(answer.status, &headers, body)
}

/// Makes the change that waits for this page of a list, or for a request of a method.
fn turn_page(state: &mut State, asked: &Asked) {
    let page: usize = asked.query("page").parse().unwrap_or(1);
    let mut changes = state.changes.iter();
    let waits = changes.position(|(part, wanted, _)| {
        let (method, part) = part.split_once(' ').unwrap_or(("GET", part));
        *wanted == page && asked.method == method && asked.seen.target.contains(part)
    });
    if let Some(at) = waits {
        let (_, _, change) = state.changes.remove(at);
        change(state);
    }
}

pub fn finished(status: u16, headers: &[(&'static str, String)], body: String) -> Response {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder
        .body(Body::from(body))
        .expect("headers of the tests are headers")
}

/// Ends the connection: nothing of the head is sent before the body fails.
fn broken() -> Response {
    let failing = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("broken on purpose"))
    });
    Response::new(Body::from_stream(failing))
}
