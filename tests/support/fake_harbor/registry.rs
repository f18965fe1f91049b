//! `/service/token` and `/v2/`: what Harbor decides itself before and after the
//! registry behind it is asked.

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::{Value, json};

use super::accounts::Who;
use super::manifests;
use super::server::{Seen, Shared, drain, finished, query_pairs};
use super::state::{State, project_of};
use super::{scans, tags};
use crate::docker_registry::INDEX;
use crate::token_server::{authorization, signed};

/// What a path below `/v2/` is about.
struct Place<'a> {
    repository: &'a str,
    /// `manifests`, `blobs`, `tags` or `referrers`.
    kind: &'a str,
    reference: &'a str,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2/")?;
        let kinds = ["manifests", "blobs", "tags", "referrers"].into_iter();
        let mut found = kinds.filter_map(|kind| {
            let (repository, reference) = rest.split_once(&format!("/{kind}/"))?;
            Some(Self {
                repository,
                kind,
                reference,
            })
        });
        found.next()
    }
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
    told(status, &[], body)
}

fn told(status: u16, more: &[(&'static str, String)], body: String) -> Response {
    let mut headers = vec![
        ("Docker-Distribution-Api-Version", "registry/2.0".to_owned()),
        ("X-Request-Id", "request-of-the-registry".to_owned()),
    ];
    headers.extend_from_slice(more);
    if !more.iter().any(|(name, _)| *name == "Content-Type") {
        headers.push(("Content-Type", "application/json".to_owned()));
    }
    finished(status, &headers, body)
}

/// Returns the answer that says where tokens are given.
fn challenge(shared: &Shared, scope: &str) -> Response {
    let realm = format!("http://{}/service/token", shared.host);
    let mut value = format!("Bearer realm=\"{realm}\",service=\"harbor-registry\"");
    if !scope.is_empty() {
        value.push_str(&format!(",scope=\"{scope}\""));
    }
    let body =
        r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to access repository"}]}"#;
    told(401, &[("Www-Authenticate", value)], body.to_owned())
}

/// Gives a token for what the account may do of what is asked.
pub fn token(shared: &Shared, seen: &Seen) -> Response {
    let mut state = shared.state();
    let (_, query) = seen.target.split_once('?').unwrap_or_default();
    let pairs = query_pairs(query);
    let scopes = pairs.iter().filter(|(name, _)| name == "scope");
    let scopes: Vec<&str> = scopes.flat_map(|(_, scope)| scope.split(' ')).collect();
    let who = Who::of_basic(&state, seen.header("authorization")).unwrap_or(Who::Anonymous);
    if who.is_anonymous() && scopes.is_empty() {
        return error(401, "UNAUTHORIZED", "unauthorized");
    }
    let granted = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: Vec<&str> = actions
            .split(',')
            .filter(|action| kind == "repository" && may(&state, &who, name, action))
            .collect();
        (!actions.is_empty()).then(|| json!({"type": kind, "name": name, "actions": actions}))
    });
    let access = Value::Array(granted.collect());
    let token = signed(access.clone(), 1800);
    let held = (who.name().to_owned(), access);
    state.tokens.insert(token.clone(), held);
    let body = json!({"token": token, "access_token": "", "expires_in": 1800});
    finished(
        200,
        &[("Content-Type", "application/json".to_owned())],
        body.to_string(),
    )
}

fn may(state: &State, who: &Who, repository: &str, action: &str) -> bool {
    let (resource, action) = match action {
        "delete" => ("artifact", "delete"),
        other => ("repository", other),
    };
    who.may(state, project_of(repository), resource, action)
}

/// Whether the one who asks may do that in a repository.
fn is_permitted(state: &State, seen: &Seen, repository: &str, action: &str) -> bool {
    let header = seen.header("authorization");
    if let Some(token) = header.strip_prefix("Bearer ") {
        return state.tokens.get(token).is_some_and(|(_, access)| {
            access.as_array().into_iter().flatten().any(|one| {
                one["name"] == repository
                    && one["actions"]
                        .as_array()
                        .is_some_and(|all| all.contains(&json!(action)))
            })
        });
    }
    let who = if header.is_empty() {
        Some(Who::Anonymous)
    } else {
        Who::of_basic(state, header)
    };
    who.is_some_and(|who| may(state, &who, repository, action))
}

/// Lists all repositories to those who may do everything, and refuses everybody else.
fn catalog(shared: &Shared, seen: &Seen) -> Response {
    let state = shared.state();
    let mut accounts = state.accounts.iter();
    if !accounts.any(|one| one.sysadmin && one.name == seen.account) {
        drop(state);
        return challenge(shared, "registry:catalog:*");
    }
    let names: Vec<&String> = state.repositories.iter().map(|one| &one.name).collect();
    told(200, &[], json!({ "repositories": names }).to_string())
}

/// Answers what is asked below `/v2/`.
pub async fn answer(shared: &Shared, seen: &Seen, bytes: &Bytes, body: Body) -> Response {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    if path == "/v2/" {
        return is_known(shared, seen);
    }
    if path == "/v2/_catalog" {
        return catalog(shared, seen);
    }
    let Some(place) = Place::of(path) else {
        return error(404, "NOT_FOUND", "page not found");
    };
    let forwarded = match decided(shared, seen, &place, query, bytes) {
        Err(response) => {
            drain(body).await;
            return *response;
        }
        Ok(target) => target,
    };
    let is_push = seen.method == "PUT" && place.kind == "manifests";
    let mut response = forward(shared, seen, &place, &forwarded, body).await;
    if is_push && response.status() == 201 {
        let media_type = seen.header("content-type");
        let named = (place.repository, place.reference);
        let subject = manifests::record(shared, named, media_type, bytes).await;
        if let Some(subject) = subject.and_then(|subject| subject.parse().ok()) {
            response.headers_mut().insert("OCI-Subject", subject);
        }
    }
    response
}

fn is_known(shared: &Shared, seen: &Seen) -> Response {
    let state = shared.state();
    let header = seen.header("authorization");
    let token = header.strip_prefix("Bearer ");
    let known = token.is_some_and(|token| state.tokens.contains_key(token));
    if known || Who::of_basic(&state, header).is_some() {
        return told(200, &[], "{}".to_owned());
    }
    challenge(shared, "")
}

type Decided = Result<String, Box<Response>>;

/// Returns the path to ask the registry for, or the answer that needs none.
fn decided(shared: &Shared, seen: &Seen, place: &Place<'_>, query: &str, bytes: &Bytes) -> Decided {
    let mut state = shared.state();
    let (repository, project) = (place.repository, project_of(place.repository));
    if state.project(project).is_none() && !seen.account.is_empty() {
        let message = format!("project {project} not found");
        return Err(Box::new(error(404, "NOT_FOUND", &message)));
    }
    let method = seen.method.as_str();
    let (action, scope) = match (method, place.kind) {
        ("GET" | "HEAD", _) => ("pull", "pull"),
        ("DELETE", "manifests") => ("delete", "delete"),
        _ => ("push", "pull,push"),
    };
    if !is_permitted(&state, seen, repository, action) {
        let scope = format!("repository:{repository}:{scope}");
        return Err(Box::new(challenge(shared, &scope)));
    }
    let pairs = query_pairs(query);
    let from = pairs.iter().find(|(name, _)| name == "from");
    if let Some((_, from)) = from
        && !is_permitted(&state, seen, from, "pull")
    {
        let scope = format!("repository:{repository}:pull,push repository:{from}:pull");
        return Err(Box::new(challenge(shared, &scope)));
    }
    match (method, place.kind) {
        ("GET", "tags") => Err(Box::new(tag_list(&state, repository))),
        ("GET", "referrers") => Err(Box::new(referrers(&state, place, &pairs))),
        ("GET" | "HEAD", "manifests") => pulled(&mut state, method, place),
        ("DELETE", "manifests") => Err(Box::new(deleted(&mut state, place))),
        ("PUT", "manifests") => {
            may_be_pushed(&mut state, place, bytes)?;
            Ok(seen.target.clone())
        }
        _ => Ok(seen.target.clone()),
    }
}

fn pulled(state: &mut State, method: &str, place: &Place<'_>) -> Decided {
    let missing = || {
        let message = format!(
            "artifact {}:{} not found",
            place.repository, place.reference
        );
        Box::new(error(404, "NOT_FOUND", &message))
    };
    let found = state.artifact(place.repository, place.reference).cloned();
    let found = found.ok_or_else(missing)?;
    if method == "GET" {
        if let Some(message) = scans::policy_violation(state, &found) {
            return Err(Box::new(error(412, "PROJECTPOLICYVIOLATION", &message)));
        }
        let now = state.now();
        if let Some(artifact) = state.artifact(place.repository, &found.digest) {
            artifact.pulled = Some(now);
        }
        if let Some(repository) = state.repository(place.repository) {
            repository.pulls += 1;
        }
    }
    Ok(format!(
        "/v2/{}/manifests/{}",
        place.repository, found.digest
    ))
}

fn deleted(state: &mut State, place: &Place<'_>) -> Response {
    if !place.reference.starts_with("sha256:") {
        return error(405, "UNSUPPORTED", "The operation is unsupported.");
    }
    let Some(found) = state.artifact(place.repository, place.reference).cloned() else {
        return error(404, "NOT_FOUND", "artifact not found");
    };
    if let Err(refused) = tags::require_mutable(state, &found) {
        return told(412, &[], refused.body.unwrap_or_default().to_string());
    }
    state.remove_artifact(place.repository, place.reference);
    told(202, &[], String::new())
}

fn may_be_pushed(state: &mut State, place: &Place<'_>, bytes: &Bytes) -> Result<(), Box<Response>> {
    let (repository, tag) = (place.repository, place.reference);
    let digest = crate::docker_registry::digest(bytes);
    let held = state
        .artifact(repository, tag)
        .map(|one| one.digest.clone());
    if held.is_some_and(|held| held != digest) && state.is_immutable(repository, tag) {
        let body = tags::immutable(repository, tag).body.unwrap_or_default();
        return Err(Box::new(told(412, &[], body.to_string())));
    }
    let limit = state
        .project(project_of(repository))
        .map_or(-1, |one| one.storage_limit);
    let manifest = serde_json::from_slice(bytes).unwrap_or_default();
    let (more, used) = (
        manifests::size(&manifest, bytes),
        state.used(project_of(repository)),
    );
    if limit >= 0 && used + more > limit {
        let message = format!(
            "adding {more} B of storage resource, which when updated to current usage of {used} B \
             will exceed the configured upper limit of {limit} B."
        );
        return Err(Box::new(error(403, "DENIED", &message)));
    }
    Ok(())
}

fn tag_list(state: &State, repository: &str) -> Response {
    let own = state
        .artifacts
        .iter()
        .filter(|one| one.repository == repository);
    let mut tags: Vec<&str> = own
        .flat_map(|one| one.tags.iter().map(|tag| tag.name.as_str()))
        .collect();
    tags.sort_unstable();
    if !state.repositories.iter().any(|one| one.name == repository) {
        let message = format!("repository {repository} not found");
        return error(404, "NOT_FOUND", &message);
    }
    told(
        200,
        &[],
        json!({"name": repository, "tags": tags}).to_string(),
    )
}

fn referrers(state: &State, place: &Place<'_>, query: &[(String, String)]) -> Response {
    let wanted = query.iter().find(|(name, _)| name == "artifactType");
    let own = state.artifacts.iter().filter(|one| {
        one.repository == place.repository
            && one.subject.as_deref() == Some(place.reference)
            && wanted.is_none_or(|(_, kind)| *kind == one.artifact_type)
    });
    let entries = own.map(|one| {
        json!({
            "mediaType": one.manifest_media_type,
            "digest": one.digest,
            "size": one.manifest_size,
            "artifactType": one.artifact_type,
            "annotations": one.annotations,
        })
    });
    let body = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": entries.collect::<Vec<_>>(),
    });
    let mut headers = vec![("Content-Type", INDEX.to_owned())];
    if wanted.is_some() {
        headers.push(("OCI-Filters-Applied", "artifactType".to_owned()));
    }
    told(200, &headers, body.to_string())
}

/// Asks the registry, as one that it lets do everything.
async fn forward(
    shared: &Shared,
    seen: &Seen,
    place: &Place<'_>,
    target: &str,
    body: Body,
) -> Response {
    let method = seen.method.parse().expect("a method that came");
    let mut request = shared
        .client
        .request(method, format!("http://{}{target}", shared.registry));
    for (name, value) in &seen.headers {
        let own = ["authorization", "connection", "transfer-encoding"];
        if !own.contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    let from = query_pairs(target.split_once('?').unwrap_or_default().1);
    let from = from.iter().find(|(name, _)| name == "from");
    let authorization = match from {
        None => authorization(place.repository),
        Some((_, from)) => {
            let access = json!([
                {"type": "repository", "name": place.repository, "actions": ["pull", "push"]},
                {"type": "repository", "name": from, "actions": ["pull"]},
            ]);
            format!("Bearer {}", signed(access, 300))
        }
    };
    request = request.header("authorization", authorization);
    if !["GET", "HEAD"].contains(&seen.method.as_str()) {
        request = request.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    }
    match request.send().await {
        Err(problem) => error(502, "BAD_GATEWAY", &format!("the registry: {problem}")),
        Ok(answer) => {
            let mut response = Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                if !["connection", "transfer-encoding"].contains(&name.as_str()) {
                    response = response.header(name, value);
                }
            }
            let body = Body::from_stream(answer.bytes_stream());
            response.body(body).expect("headers that came")
        }
    }
}
