//! Labels, and artifacts that have them.

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, listed, refusal, require};
use super::artifacts::found;
use super::server::Asked;
use super::state::{Label, State, project_of};

pub fn told(label: &Label) -> Value {
    json!({
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "color": label.color,
        "scope": if label.project == 0 { "g" } else { "p" },
        "project_id": label.project,
        "creation_time": label.created,
        "update_time": label.created,
    })
}

fn name_of_project(state: &State, id: i64) -> Option<String> {
    let mut projects = state.projects.iter();
    projects
        .find(|one| one.id == id)
        .map(|one| one.name.clone())
}

pub fn answer(state: &mut State, asked: &Asked, who: &Who) -> Answered {
    let of_body = asked.method == "POST";
    let (scope, project) = if of_body {
        let project = asked.body["project_id"].as_i64().unwrap_or_default();
        (asked.text("scope"), project)
    } else {
        (
            asked.query("scope"),
            asked.query("project_id").parse().unwrap_or_default(),
        )
    };
    let action = if of_body { "create" } else { "list" };
    let project = match scope {
        "g" if of_body && !who.is_sysadmin() => return Err(refusal(who)),
        "g" if who.is_anonymous() => return Err(refusal(who)),
        "g" => 0,
        "p" => {
            let name = name_of_project(state, project);
            let name = name.ok_or_else(|| Answer::not_found(&format!("project {project}")))?;
            require(state, who, &name, "label", action)?;
            project
        }
        _ => return Err(Answer::bad(&format!("invalid scope: {scope}"))),
    };
    match asked.method.as_str() {
        "GET" => {
            let own = state
                .labels
                .iter()
                .filter(|one| one.project == project && one.name.contains(asked.query("name")));
            listed(asked, own.map(told).collect())
        }
        "POST" => create(state, asked, project),
        _ => Err(Answer::not_found("path")),
    }
}

/// Deletes a label, and takes it off everything.
pub fn delete(state: &mut State, who: &Who, id: &str) -> Answered {
    let missing = || Answer::not_found(&format!("label {id}"));
    let mut labels = state.labels.iter();
    let at = labels
        .position(|one| one.id.to_string() == id)
        .ok_or_else(missing)?;
    match name_of_project(state, state.labels[at].project) {
        Some(name) => require(state, who, &name, "label", "delete")?,
        None if who.is_sysadmin() => {}
        None => return Err(refusal(who)),
    }
    let label = state.labels.remove(at);
    for artifact in &mut state.artifacts {
        artifact.labels.retain(|one| *one != label.id);
    }
    Ok(Answer::empty(200))
}

fn create(state: &mut State, asked: &Asked, project: i64) -> Answered {
    let name = asked.text("name");
    if name.is_empty() {
        return Err(Answer::bad("label name cannot be empty"));
    }
    let mut all = state.labels.iter();
    if all.any(|one| one.name == name && one.project == project) {
        return Err(Answer::conflict(&format!("label {name}")));
    }
    let (id, created) = (state.id(), state.now());
    state.labels.push(Label {
        id,
        name: name.to_owned(),
        description: asked.text("description").to_owned(),
        color: asked.text("color").to_owned(),
        project,
        created,
    });
    Ok(Answer::created(format!("/api/v2.0/labels/{id}")))
}

pub fn of_artifact(
    state: &mut State,
    asked: &Asked,
    who: &Who,
    (repository, reference): (&str, &str),
    rest: &[&str],
) -> Answered {
    let project = project_of(repository);
    let adds = match (asked.method.as_str(), rest) {
        ("POST", []) => true,
        ("DELETE", [_]) => false,
        _ => return Err(Answer::not_found("path")),
    };
    let action = if adds { "create" } else { "delete" };
    require(state, who, project, "artifact-label", action)?;
    let digest = found(state, repository, reference)?.digest;
    let id = match rest {
        [id] => id.parse().unwrap_or_default(),
        _ => asked.body["id"].as_i64().unwrap_or_default(),
    };
    let own = state.project(project).map(|one| one.id).unwrap_or_default();
    let mut labels = state.labels.iter();
    if !labels.any(|one| one.id == id && (one.project == 0 || one.project == own)) {
        return Err(Answer::not_found(&format!("label {id}")));
    }
    let missing = || Answer::not_found(&format!("artifact {reference}"));
    let artifact = state.artifact(repository, &digest).ok_or_else(missing)?;
    let has = artifact.labels.contains(&id);
    match (adds, has) {
        (true, true) => return Err(Answer::conflict(&format!("label {id}"))),
        (true, false) => artifact.labels.push(id),
        (false, true) => artifact.labels.retain(|one| *one != id),
        (false, false) => return Err(Answer::not_found(&format!("label {id} of the artifact"))),
    }
    Ok(Answer::empty(200))
}
