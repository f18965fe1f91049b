//! Projects, their members and their rules.

use serde_json::{Map, Value, json};

use super::accounts::{Role, Who};
use super::answers::{Answer, Answered, fits, listed, refusal, require};
use super::artifacts;
use super::server::Asked;
use super::state::{Project, State, project_of};

pub fn answer(state: &mut State, asked: &Asked, who: &Who, parts: &[&str]) -> Answered {
    let method = asked.method.as_str();
    let (named, rest) = match (method, parts) {
        ("GET", []) => return list(state, asked, who),
        ("HEAD", []) => return exists(state, asked, who),
        ("POST", []) => return create(state, asked, who),
        ("GET", [named, rest @ ..]) => (*named, rest),
        _ => return Err(Answer::not_found("path")),
    };
    let project = resolved(state, asked, who, named)?;
    let may = |resource: &str, action: &str| require(state, who, &project.name, resource, action);
    match rest {
        [] => {
            may("project", "read")?;
            Ok(Answer::json(200, told(state, &project, who)))
        }
        ["summary"] => {
            may("project", "read")?;
            Ok(Answer::json(200, summary(state, &project, who)))
        }
        ["members"] => {
            may("member", "list")?;
            members(state, asked, &project)
        }
        ["scanner"] => {
            may("scanner", "read")?;
            scanner(state)
        }
        ["immutabletagrules"] => {
            may("immutable-tag", "list")?;
            rules(state, asked, &project)
        }
        ["artifacts"] => {
            may("artifact", "list")?;
            artifacts::list_of_project(state, asked, &project.name)
        }
        _ => Err(Answer::not_found("path")),
    }
}

/// Returns the project that a path names: digits are an id, unless a header says
/// that they are a name.
fn resolved(state: &State, asked: &Asked, who: &Who, named: &str) -> Result<Project, Answer> {
    let is_name = asked.seen.header("x-is-resource-name") == "true"
        || !named.bytes().all(|byte| byte.is_ascii_digit());
    let mut projects = state.projects.iter();
    let found = projects.find(|one| {
        if is_name {
            one.name == named
        } else {
            one.id.to_string() == named
        }
    });
    match found {
        Some(project) => Ok(project.clone()),
        None if who.is_sysadmin() && !is_name => {
            Err(Answer::not_found(&format!("project {named}")))
        }
        None => Err(refusal(who)),
    }
}

pub fn repository_count(state: &State, project: &str) -> usize {
    let repositories = state.repositories.iter();
    repositories
        .filter(|one| project_of(&one.name) == project)
        .count()
}

pub fn told(state: &State, project: &Project, who: &Who) -> Value {
    let mut metadata = Map::new();
    metadata.insert("public".to_owned(), json!(project.public.to_string()));
    if let Some(severity) = &project.prevent {
        metadata.insert("prevent_vul".to_owned(), json!("true"));
        metadata.insert("severity".to_owned(), json!(severity));
    }
    let mut told = json!({
        "project_id": project.id,
        "owner_id": 1,
        "owner_name": "admin",
        "name": project.name,
        "creation_time": project.created,
        "update_time": project.created,
        "repo_count": repository_count(state, &project.name),
        "metadata": metadata,
        "cve_allowlist": {
            "id": project.id, "project_id": project.id, "items": [],
            "creation_time": project.created, "update_time": project.created,
        },
    });
    if let Some(role) = who.role(&project.name) {
        told["current_user_role_id"] = json!(role.told().0);
        told["current_user_role_ids"] = json!([role.told().0]);
    }
    told
}

fn list(state: &State, asked: &Asked, who: &Who) -> Answered {
    let public = asked.query("public");
    let projects = state.projects.iter().filter(|one| {
        who.sees(state, &one.name)
            && one.name.contains(asked.query("name"))
            && (public.is_empty() || public == one.public.to_string())
    });
    let mut told: Vec<Value> = projects.map(|one| told(state, one, who)).collect();
    told.sort_by(|left, right| left["name"].as_str().cmp(&right["name"].as_str()));
    listed(asked, told)
}

fn exists(state: &State, asked: &Asked, who: &Who) -> Answered {
    let name = asked.query("project_name");
    // Newer versions look at who asks before they look for the project.
    if who.is_anonymous() || (state.newer_head && !who.sees(state, name)) {
        return Ok(Answer::empty(refusal(who).status));
    }
    match state.project(name) {
        Some(_) => Ok(Answer::empty(200)),
        None => Ok(Answer::empty(404)),
    }
}

fn create(state: &mut State, asked: &Asked, who: &Who) -> Answered {
    if !matches!(who, Who::Account(_)) {
        return Err(refusal(who));
    }
    let name = asked.text("project_name");
    let fine =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(fine) {
        return Err(Answer::bad("project name is not in lower case"));
    }
    if state.project(name).is_some() {
        return Err(Answer::conflict(&format!("The project named {name}")));
    }
    let public = asked.body["metadata"]["public"] == "true" || asked.body["public"] == true;
    let limit = asked.body["storage_limit"].as_i64().unwrap_or(-1);
    let id = state.add_project(name, public, limit);
    if !who.is_sysadmin() {
        state.give_role(who.name(), name, Role::ProjectAdmin);
    }
    let place = match asked.seen.header("x-resource-name-in-location") {
        "true" => name.to_owned(),
        _ => id.to_string(),
    };
    Ok(Answer::created(format!("/api/v2.0/projects/{place}")))
}

fn summary(state: &State, project: &Project, who: &Who) -> Value {
    let mut told = json!({"repo_count": repository_count(state, &project.name)});
    if who.role(&project.name).is_some() {
        let count = |role: Role| {
            let roles = state
                .accounts
                .iter()
                .filter_map(|one| one.roles.get(&project.name));
            json!(roles.filter(|one| **one == role).count())
        };
        told["project_admin_count"] = count(Role::ProjectAdmin);
        told["maintainer_count"] = count(Role::Maintainer);
        told["developer_count"] = count(Role::Developer);
        told["guest_count"] = count(Role::Guest);
        told["limited_guest_count"] = count(Role::LimitedGuest);
        told["quota"] = json!({
            "hard": {"storage": project.storage_limit},
            "used": {"storage": state.used(&project.name)},
        });
    }
    told
}

fn members(state: &State, asked: &Asked, project: &Project) -> Answered {
    let accounts = state.accounts.iter().filter_map(|account| {
        let (role_id, role_name) = account.roles.get(&project.name)?.told();
        fits(
            &json!(account.name),
            &format!("~{}", asked.query("entityname")),
        )
        .then(|| {
            json!({
                "id": account.id,
                "project_id": project.id,
                "entity_id": account.id,
                "entity_name": account.name,
                "entity_type": "u",
                "role_id": role_id,
                "role_name": role_name,
            })
        })
    });
    listed(asked, accounts.collect())
}

fn scanner(state: &State) -> Answered {
    if state.without_scanner {
        return Err(Answer::not_found("scanner"));
    }
    let told = json!({
        "uuid": "00000000-0000-0000-0000-000000000001",
        "name": "Trivy",
        "description": "",
        "url": "http://trivy-adapter:8080",
        "disabled": false,
        "is_default": true,
        "auth": "",
        "adapter": "Trivy",
        "vendor": "Aqua Security",
        "version": "v0.65.0",
        "health": "healthy",
        "capabilities": {"support_vulnerability": true, "support_sbom": true},
    });
    Ok(Answer::json(200, told))
}

fn rules(state: &State, asked: &Asked, project: &Project) -> Answered {
    let own = state.immutable.iter().enumerate();
    let own = own.filter(|(_, (name, _))| *name == project.name);
    let rules = own.map(|(at, (_, pattern))| {
        json!({
            "id": at + 1,
            "priority": 0,
            "disabled": false,
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [
                {"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
            "scope_selectors": {"repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        })
    });
    listed(asked, rules.collect())
}
