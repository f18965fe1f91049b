//! What Harbor tells of itself, of the one who asks and of all projects.

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, listed, refusal};
use super::projects::{repository_count, told as told_project};
use super::server::Asked;
use super::state::{State, project_of};

pub fn answer(state: &State, asked: &Asked, who: &Who, parts: &[&str]) -> Answered {
    let body = match parts {
        ["health"] => health(state),
        ["ping"] => json!("Pong"),
        ["systeminfo"] => information(asked, who),
        ["statistics"] => statistics(state, who),
        ["search"] => search(state, asked, who),
        ["quotas"] => return quotas(state, asked, who),
        ["users", "current"] => return user(who),
        ["users", "current", "permissions"] => return permissions(who),
        _ => return Err(Answer::not_found("path")),
    };
    Ok(Answer::json(200, body))
}

fn health(state: &State) -> Value {
    let component = |name: &str| {
        if state.unhealthy.as_deref() == Some(name) {
            json!({"name": name, "status": "unhealthy", "error": "connection refused"})
        } else {
            json!({"name": name, "status": "healthy"})
        }
    };
    let status = match state.unhealthy {
        Some(_) => "unhealthy",
        None => "healthy",
    };
    json!({"status": status, "components": [component("core"), component("registry")]})
}

fn information(asked: &Asked, who: &Who) -> Value {
    let mut told = json!({
        "auth_mode": "db_auth",
        "primary_auth_mode": false,
        "self_registration": false,
        "banner_message": "",
    });
    // The version is for those who are known.
    if !who.is_anonymous() {
        told["harbor_version"] = json!("v2.16.0-fake");
        told["registry_url"] = json!(asked.seen.header("host"));
        told["external_url"] = json!(format!("http://{}", asked.seen.header("host")));
        told["project_creation_restriction"] = json!("everyone");
        told["read_only"] = json!(false);
        told["has_ca_root"] = json!(false);
    }
    told
}

fn statistics(state: &State, who: &Who) -> Value {
    let count = |public: bool| {
        let projects = state.projects.iter();
        let own: Vec<_> = projects
            .filter(|one| one.public == public && who.sees(state, &one.name))
            .collect();
        let repositories: usize = own
            .iter()
            .map(|one| repository_count(state, &one.name))
            .sum();
        (own.len(), repositories)
    };
    let ((public, in_public), (private, in_private)) = (count(true), count(false));
    let mut told = json!({
        "private_project_count": private,
        "private_repo_count": in_private,
        "public_project_count": public,
        "public_repo_count": in_public,
    });
    if who.is_sysadmin() {
        told["total_project_count"] = json!(public + private);
        told["total_repo_count"] = json!(in_public + in_private);
        let used = state.projects.iter().map(|one| state.used(&one.name));
        told["total_storage_consumption"] = json!(used.sum::<i64>());
    }
    told
}

fn search(state: &State, asked: &Asked, who: &Who) -> Value {
    let wanted = asked.query("q");
    // A robot finds only what everybody finds.
    let sees = |name: &str| match who {
        Who::Robot(_) => Who::Anonymous.sees(state, name),
        _ => who.sees(state, name),
    };
    let projects = state.projects.iter();
    let projects = projects.filter(|one| one.name.contains(wanted) && sees(&one.name));
    let projects: Vec<Value> = projects.map(|one| told_project(state, one, who)).collect();
    let repositories = state.repositories.iter();
    let repositories = repositories.filter(|one| one.name.contains(wanted));
    let repositories: Vec<Value> = repositories
        .filter_map(|one| {
            let project = state.project(project_of(&one.name))?;
            let count = state
                .artifacts
                .iter()
                .filter(|it| it.repository == one.name)
                .count();
            sees(&project.name).then(|| {
                json!({
                    "project_id": project.id,
                    "project_name": project.name,
                    "project_public": project.public,
                    "repository_name": one.name,
                    "pull_count": one.pulls,
                    "artifact_count": count,
                })
            })
        })
        .collect();
    json!({"project": projects, "repository": repositories})
}

fn quotas(state: &State, asked: &Asked, who: &Who) -> Answered {
    if !who.is_sysadmin() {
        return Err(refusal(who));
    }
    let wanted = asked.query("reference_id");
    let projects = state.projects.iter();
    let projects = projects.filter(|one| wanted.is_empty() || one.id.to_string() == wanted);
    let quotas = projects.map(|one| {
        json!({
            "id": one.id,
            "ref": {"id": one.id, "name": one.name, "owner_name": "admin"},
            "hard": {"storage": one.storage_limit},
            "used": {"storage": state.used(&one.name)},
            "creation_time": one.created,
            "update_time": one.created,
        })
    });
    listed(asked, quotas.collect())
}

fn user(who: &Who) -> Answered {
    match who {
        Who::Anonymous => Err(refusal(who)),
        Who::Robot(_) => Err(Answer::error(
            412,
            "PRECONDITION",
            "get current user not available for security context: robot",
        )),
        Who::Account(account) => Ok(Answer::json(
            200,
            json!({
                "user_id": account.id,
                "username": account.name,
                "realname": account.name,
                "email": format!("{}@example.com", account.name),
                "comment": "",
                "sysadmin_flag": account.sysadmin,
                "admin_role_in_auth": false,
            }),
        )),
    }
}

fn permissions(who: &Who) -> Answered {
    match who {
        Who::Anonymous => Err(refusal(who)),
        _ => Ok(Answer::json(
            200,
            json!([{"resource": "/project", "action": "list"}]),
        )),
    }
}
