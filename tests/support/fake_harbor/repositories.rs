//! The repositories of a project.

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, listed, require};
use super::server::Asked;
use super::state::{Repository, State, project_of};

fn told(state: &State, repository: &Repository) -> Value {
    let artifacts = state.artifacts.iter();
    let own = artifacts.filter(|one| one.repository == repository.name && one.subject.is_none());
    let project = state.project(project_of(&repository.name));
    json!({
        "id": repository.id,
        "project_id": project.map(|one| one.id).unwrap_or_default(),
        "name": repository.name,
        "description": repository.description,
        "artifact_count": own.count(),
        "pull_count": repository.pulls,
        "creation_time": repository.created,
        "update_time": repository.created,
    })
}

pub fn list(state: &State, asked: &Asked, who: &Who, project: &str) -> Answered {
    require(state, who, project, "repository", "list")?;
    let own = state
        .repositories
        .iter()
        .filter(|one| project_of(&one.name) == project);
    let mut told: Vec<Value> = own.map(|one| told(state, one)).collect();
    told.sort_by(|left, right| left["name"].as_str().cmp(&right["name"].as_str()));
    listed(asked, told)
}

pub fn one(state: &mut State, asked: &Asked, who: &Who, name: &str) -> Answered {
    let action = match asked.method.as_str() {
        "GET" => "read",
        "PUT" => "update",
        "DELETE" => "delete",
        _ => return Err(Answer::not_found("path")),
    };
    require(state, who, project_of(name), "repository", action)?;
    let missing = || Answer::not_found(&format!("repository {name}"));
    let mut found = state.repository(name).cloned().ok_or_else(missing)?;
    match action {
        "read" => Ok(Answer::json(200, told(state, &found))),
        "update" => {
            asked.text("description").clone_into(&mut found.description);
            *state.repository(name).ok_or_else(missing)? = found;
            Ok(Answer::empty(200))
        }
        _ => {
            let own: Vec<_> = state
                .artifacts
                .iter()
                .filter(|one| one.repository == name)
                .collect();
            for artifact in own {
                super::tags::require_mutable(state, artifact)?;
            }
            state.artifacts.retain(|one| one.repository != name);
            state.repositories.retain(|one| one.name != name);
            Ok(Answer::empty(200))
        }
    }
}
