//! Which handler answers a path below `/api/v2.0`.

use super::accounts::Who;
use super::answers::{Answer, Answered};
use super::server::Asked;
use super::state::State;
use super::{artifacts, labels, projects, repositories, robots, scans, system, tags};

/// Returns a part of a path as Harbor reads it: decoded once by the router and
/// once more by the handler. What has a slash after the first is not found.
fn part(text: &str) -> Result<String, Answer> {
    let once = crate::token_server::decoded(&text.replace('+', "%2B"));
    if once.contains('/') {
        return Err(Answer::not_found("path"));
    }
    Ok(crate::token_server::decoded(&once.replace('+', "%2B")))
}

/// Whether the CLI secret of an account of OIDC serves there.
fn serves_oidc(method: &str, parts: &[&str]) -> bool {
    matches!(
        (method, parts),
        ("GET", ["systeminfo" | "labels" | "projects"])
            | ("POST", ["projects"])
            | ("GET", ["projects", _, "repositories" | "artifacts"])
            | ("GET", ["projects", _, "repositories", _, "artifacts"])
            | (
                "DELETE",
                ["projects", _, "repositories", _, "artifacts", _, "tags", _]
            )
    )
}

pub fn answer(state: &mut State, asked: &Asked) -> Answered {
    let path = asked.path.strip_prefix("/api/v2.0/");
    let path = path.ok_or_else(|| Answer::not_found("path"))?;
    let parts: Vec<String> = path.split('/').map(part).collect::<Result<_, _>>()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let who = match &asked.who {
        Who::Account(account) if account.oidc && !serves_oidc(&asked.method, &parts) => {
            &Who::Anonymous
        }
        other => other,
    };
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["projects", project, "repositories", rest @ ..])
        | ("PUT" | "POST" | "DELETE", ["projects", project, "repositories", rest @ ..]) => {
            in_repository(state, asked, who, project, rest)
        }
        (_, ["projects", rest @ ..]) => projects::answer(state, asked, who, rest),
        (_, ["labels"]) => labels::answer(state, asked, who),
        ("DELETE", ["labels", id]) => labels::delete(state, who, id),
        (_, ["robots", rest @ ..]) => robots::answer(state, asked, who, rest),
        ("GET", rest) => system::answer(state, asked, who, rest),
        _ => Err(Answer::not_found("path")),
    }
}

fn in_repository(
    state: &mut State,
    asked: &Asked,
    who: &Who,
    project: &str,
    rest: &[&str],
) -> Answered {
    let Some((repository, rest)) = rest.split_first() else {
        return repositories::list(state, asked, who, project);
    };
    let name = format!("{project}/{repository}");
    let method = asked.method.as_str();
    match (method, rest) {
        (_, []) => repositories::one(state, asked, who, &name),
        ("GET", ["artifacts"]) => artifacts::list(state, asked, who, &name),
        ("POST", ["artifacts"]) => artifacts::copy(state, asked, who, &name),
        ("GET", ["artifacts", reference]) => artifacts::get(state, asked, who, &name, reference),
        ("DELETE", ["artifacts", reference]) => artifacts::delete(state, who, &name, reference),
        (_, ["artifacts", reference, "tags", rest @ ..]) => {
            tags::answer(state, asked, who, (&name, reference), rest)
        }
        (_, ["artifacts", reference, "labels", rest @ ..]) => {
            labels::of_artifact(state, asked, who, (&name, reference), rest)
        }
        ("POST", ["artifacts", reference, "scan"]) => scans::start(state, who, &name, reference),
        ("GET", ["artifacts", reference, "additions", "vulnerabilities"]) => {
            scans::report(state, asked, who, &name, reference)
        }
        _ => Err(Answer::not_found("path")),
    }
}
