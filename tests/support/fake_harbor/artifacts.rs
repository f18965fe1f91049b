//! The artifacts of a repository or a project.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, filters, fits, listed, require};
use super::server::Asked;
use super::state::{Artifact, NEVER, State, project_of};
use super::{labels, scans, tags};

/// Returns a copy of an artifact, by digest or tag.
pub fn found(state: &mut State, repository: &str, reference: &str) -> Result<Artifact, Answer> {
    let found = state.artifact(repository, reference).cloned();
    found.ok_or_else(|| Answer::not_found(&format!("artifact {repository}:{reference}")))
}

fn told(state: &mut State, asked: &Asked, artifact: &Artifact) -> Value {
    let project = state.project(project_of(&artifact.repository));
    let project = project.map(|one| one.id).unwrap_or_default();
    let repository = state.repository(&artifact.repository);
    let repository = repository.map(|one| one.id).unwrap_or_default();
    let own_path = format!(
        "/api/v2.0/projects/{}/repositories/{}/artifacts/{}/additions/vulnerabilities",
        project_of(&artifact.repository),
        artifact
            .repository
            .split_once('/')
            .map(|(_, name)| name.replace('/', "%252F"))
            .unwrap_or_default(),
        artifact.digest
    );
    let mut told = json!({
        "id": artifact.id,
        "type": artifact.kind,
        "media_type": artifact.media_type,
        "manifest_media_type": artifact.manifest_media_type,
        "artifact_type": artifact.artifact_type,
        "project_id": project,
        "repository_id": repository,
        "repository_name": artifact.repository,
        "digest": artifact.digest,
        "size": artifact.size,
        "icon": artifact.icon,
        "push_time": artifact.pushed,
        "pull_time": artifact.pulled.as_deref().unwrap_or(NEVER),
        "extra_attrs": artifact.extra.as_object().cloned().unwrap_or_default(),
        "annotations": artifact.annotations.as_object().cloned().unwrap_or_default(),
        "addition_links": {"vulnerabilities": {"href": own_path, "absolute": false}},
    });
    if !artifact.references.is_empty() {
        let entry = |(digest, entry): &(String, Value)| {
            let mut entry = entry.clone();
            let child = state.artifact(&artifact.repository, digest);
            entry["parent_id"] = json!(artifact.id);
            entry["child_id"] = json!(child.map(|one| one.id).unwrap_or_default());
            entry
        };
        told["references"] = artifact.references.iter().map(entry).collect();
    }
    // Tags are told unless they are declined; all else only if it is asked for.
    if asked.query("with_tag") != "false" && !artifact.tags.is_empty() {
        let with_immutable = asked.flag("with_immutable_status");
        let own = artifact.tags.iter();
        told["tags"] = own
            .map(|tag| tags::told(state, artifact, tag, with_immutable))
            .collect();
    }
    if asked.flag("with_label") && !artifact.labels.is_empty() {
        let own = state
            .labels
            .iter()
            .filter(|one| artifact.labels.contains(&one.id));
        told["labels"] = own.map(labels::told).collect();
    }
    if asked.flag("with_scan_overview")
        && let Some(overview) = scans::overview(state, artifact)
    {
        told["scan_overview"] = overview;
    }
    if asked.flag("with_accessory") {
        let all = state.artifacts.iter().filter(|one| {
            one.repository == artifact.repository && one.subject.as_ref() == Some(&artifact.digest)
        });
        let all: Vec<Value> = all.map(|one| accessory(one, artifact)).collect();
        if !all.is_empty() {
            told["accessories"] = Value::Array(all);
        }
    }
    told
}

fn accessory(one: &Artifact, subject: &Artifact) -> Value {
    let kind = match one.artifact_type.as_str() {
        "application/vnd.dev.cosign.artifact.sig.v1+json" => "signature.cosign",
        "application/vnd.cncf.notary.signature" => "signature.notation",
        "application/vnd.goharbor.harbor.sbom.v1" => "sbom.harbor",
        _ => "accessory.base",
    };
    json!({
        "id": one.id,
        "artifact_id": one.id,
        "subject_artifact_id": subject.id,
        "subject_artifact_digest": subject.digest,
        "subject_artifact_repo": subject.repository,
        "size": one.size,
        "digest": one.digest,
        "type": kind,
        "icon": "",
        "creation_time": one.pushed,
    })
}

pub fn list(state: &mut State, asked: &Asked, who: &Who, repository: &str) -> Answered {
    require(state, who, project_of(repository), "artifact", "list")?;
    if state.repository(repository).is_none() {
        return Err(Answer::not_found(&format!("repository {repository}")));
    }
    let all = state.artifacts.iter();
    let own = all
        .filter(|one| one.repository == repository)
        .cloned()
        .collect();
    chosen(state, asked, own)
}

pub fn list_of_project(state: &mut State, asked: &Asked, project: &str) -> Answered {
    let all = state.artifacts.iter();
    let own = all
        .filter(|one| project_of(&one.repository) == project)
        .cloned()
        .collect();
    chosen(state, asked, own)
}

/// Lists what is neither an accessory nor an untagged part of an index, the
/// newest first.
fn chosen(state: &mut State, asked: &Asked, mut own: Vec<Artifact>) -> Answered {
    let parts: Vec<(String, String)> = own
        .iter()
        .flat_map(|one| {
            one.references
                .iter()
                .map(|(digest, _)| (one.repository.clone(), digest.clone()))
        })
        .collect();
    own.retain(|one| {
        let is_part = parts.contains(&(one.repository.clone(), one.digest.clone()));
        one.subject.is_none() && (!one.tags.is_empty() || !is_part)
    });
    let mut others = Vec::new();
    for (name, wanted) in filters(asked.query("q"))? {
        match name.as_str() {
            "tags" => own.retain(|one| has_tag(one, &wanted)),
            "labels" => own.retain(|one| {
                let ids = wanted.trim_matches(['(', ')', '{', '}']);
                ids.split(' ')
                    .all(|id| one.labels.iter().any(|own| own.to_string() == id))
            }),
            _ => others.push((name, wanted)),
        }
    }
    own.sort_by(|left, right| (&right.pushed, right.id).cmp(&(&left.pushed, left.id)));
    let mut told: Vec<Value> = own.iter().map(|one| told(state, asked, one)).collect();
    for (name, wanted) in others {
        told.retain(|one| fits(&one[&name], &wanted));
    }
    listed(&asked.without_q(), told)
}

fn has_tag(artifact: &Artifact, wanted: &str) -> bool {
    match wanted {
        "*" => !artifact.tags.is_empty(),
        "nil" => artifact.tags.is_empty(),
        _ => artifact
            .tags
            .iter()
            .any(|tag| fits(&json!(tag.name), wanted)),
    }
}

pub fn get(
    state: &mut State,
    asked: &Asked,
    who: &Who,
    repository: &str,
    reference: &str,
) -> Answered {
    require(state, who, project_of(repository), "artifact", "read")?;
    let artifact = found(state, repository, reference)?;
    Ok(Answer::json(200, told(state, asked, &artifact)))
}

pub fn delete(state: &mut State, who: &Who, repository: &str, reference: &str) -> Answered {
    require(state, who, project_of(repository), "artifact", "delete")?;
    let artifact = found(state, repository, reference)?;
    let mut others = state.artifacts.iter();
    if others.any(|one| one.repository == repository && one.refers_to(&artifact.digest)) {
        let message = "the deleting artifact is referenced by others";
        let code = "VIOLATE_FOREIGN_KEY_CONSTRAINT";
        return Err(Answer::error(412, code, message));
    }
    tags::require_mutable(state, &artifact)?;
    state.remove_artifact(repository, &artifact.digest);
    Ok(Answer::empty(200))
}

/// Copies an artifact with its parts, its accessories and every tag.
pub fn copy(state: &mut State, asked: &Asked, who: &Who, repository: &str) -> Answered {
    require(state, who, project_of(repository), "artifact", "create")?;
    let from = asked.query("from").to_owned();
    let split = from.split_once('@').or_else(|| from.rsplit_once(':'));
    let (source, reference) = split.ok_or_else(|| Answer::bad("invalid source"))?;
    require(state, who, project_of(source), "artifact", "read")?;
    let artifact = found(state, source, reference)?;
    for tag in &artifact.tags {
        let held = state
            .artifact(repository, &tag.name)
            .map(|one| one.digest.clone());
        if held.is_some_and(|held| held != artifact.digest)
            && state.is_immutable(repository, &tag.name)
        {
            return Err(tags::immutable(repository, &tag.name));
        }
    }
    let all = state.artifacts.iter().filter(|one| {
        one.repository == source
            && (one.digest == artifact.digest
                || one.subject.as_ref() == Some(&artifact.digest)
                || artifact.refers_to(&one.digest))
    });
    let all: Vec<Artifact> = all.cloned().collect();
    for mut one in all {
        let own_tags = std::mem::take(&mut one.tags);
        repository.clone_into(&mut one.repository);
        one.labels.clear();
        one.pulled = None;
        state.add_artifact(one.clone(), None);
        for tag in own_tags {
            state.add_artifact(one.clone(), Some(&tag.name));
        }
    }
    copy_links(&state.registry_folder, source, repository);
    Ok(Answer::created(format!(
        "{}/{}",
        asked.path, artifact.digest
    )))
}

/// Gives a repository of the registry all that another has, apart from tags.
fn copy_links(registry: &Path, from: &str, to: &str) {
    let folder = |name: &str| {
        registry
            .join("data/docker/registry/v2/repositories")
            .join(name)
    };
    for part in ["_layers", "_manifests/revisions"] {
        let (source, target) = (folder(from).join(part), folder(to).join(part));
        if source.exists() {
            copy_folder(&source, &target);
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("files can be copied");
        }
    }
}
