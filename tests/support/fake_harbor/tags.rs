//! The tags of an artifact.

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, listed, require};
use super::artifacts::found;
use super::server::Asked;
use super::state::{Artifact, NEVER, State, Tag, project_of};

pub fn told(state: &State, artifact: &Artifact, tag: &Tag, with_immutable: bool) -> Value {
    let repositories = state.repositories.iter();
    let mut own = repositories.filter(|one| one.name == artifact.repository);
    json!({
        "id": tag.id,
        "repository_id": own.next().map(|one| one.id).unwrap_or_default(),
        "artifact_id": artifact.id,
        "name": tag.name,
        "push_time": tag.pushed,
        "pull_time": artifact.pulled.as_deref().unwrap_or(NEVER),
        "immutable": with_immutable && state.is_immutable(&artifact.repository, &tag.name),
    })
}

/// Goes on only if no tag of the artifact is immutable.
pub fn require_mutable(state: &State, artifact: &Artifact) -> Result<(), Answer> {
    let mut tags = artifact.tags.iter();
    match tags.find(|tag| state.is_immutable(&artifact.repository, &tag.name)) {
        None => Ok(()),
        Some(tag) => Err(immutable(&artifact.repository, &tag.name)),
    }
}

/// Returns what is answered where a tag is configured as immutable.
pub fn immutable(repository: &str, tag: &str) -> Answer {
    let message =
        format!("Failed to process request due to '{repository}:{tag}' configured as immutable.");
    Answer::error(412, "PRECONDITION", &message)
}

pub fn answer(
    state: &mut State,
    asked: &Asked,
    who: &Who,
    (repository, reference): (&str, &str),
    rest: &[&str],
) -> Answered {
    let project = project_of(repository);
    match (asked.method.as_str(), rest) {
        ("GET", []) => {
            require(state, who, project, "tag", "list")?;
            let artifact = found(state, repository, reference)?;
            let with_immutable = asked.flag("with_immutable_status");
            let tags = artifact.tags.iter();
            listed(
                asked,
                tags.map(|tag| told(state, &artifact, tag, with_immutable))
                    .collect(),
            )
        }
        ("POST", []) => {
            require(state, who, project, "tag", "create")?;
            let artifact = found(state, repository, reference)?;
            let name = asked.text("name");
            if name.is_empty() {
                return Err(Answer::bad("invalid tag name"));
            }
            if state.artifact(repository, name).is_some() {
                return Err(Answer::conflict(&format!("tag {name}")));
            }
            state.add_artifact(artifact, Some(name));
            Ok(Answer::created(format!("{}/{name}", asked.path)))
        }
        ("DELETE", [name]) => {
            require(state, who, project, "tag", "delete")?;
            let artifact = found(state, repository, reference)?;
            if artifact.tag(name).is_none() {
                return Err(Answer::not_found(&format!("tag {name}")));
            }
            if state.is_immutable(repository, name) {
                return Err(immutable(repository, name));
            }
            state.remove_tag(repository, name);
            Ok(Answer::empty(200))
        }
        _ => Err(Answer::not_found("path")),
    }
}
