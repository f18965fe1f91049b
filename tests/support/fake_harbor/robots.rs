//! Robot accounts.

use serde_json::{Value, json};

use super::accounts::{Robot, Role, Who};
use super::answers::{Answer, Answered, filters, listed, refusal};
use super::server::Asked;
use super::state::State;

pub fn answer(state: &mut State, asked: &Asked, who: &Who, parts: &[&str]) -> Answered {
    match (asked.method.as_str(), parts) {
        ("GET", []) => list(state, asked, who),
        ("POST", []) => create(state, asked, who),
        (method @ ("GET" | "PATCH" | "DELETE"), [id]) => {
            let missing = || Answer::not_found(&format!("robot {id}"));
            let mut robots = state.robots.iter();
            let at = robots
                .position(|one| one.id.to_string() == *id)
                .ok_or_else(missing)?;
            let least = if method == "GET" {
                Role::Maintainer
            } else {
                Role::ProjectAdmin
            };
            require_role(who, state.robots[at].project.as_deref(), least)?;
            match method {
                "GET" => Ok(Answer::json(200, told(state, &state.robots[at]))),
                "PATCH" => refresh(state, asked, at),
                _ => {
                    state.robots.remove(at);
                    Ok(Answer::empty(200))
                }
            }
        }
        _ => Err(Answer::not_found("path")),
    }
}

/// Goes on only for a sysadmin, or who has such a role in the robot's project.
fn require_role(who: &Who, project: Option<&str>, least: Role) -> Result<(), Answer> {
    let role = project.and_then(|project| who.role(project));
    if who.is_sysadmin() || role.is_some_and(|role| role >= least) {
        Ok(())
    } else {
        Err(refusal(who))
    }
}

fn told(state: &State, robot: &Robot) -> Value {
    json!({
        "id": robot.id,
        "name": robot.name,
        "description": robot.description,
        "level": if robot.project.is_some() { "project" } else { "system" },
        "duration": robot.duration,
        "editable": true,
        "disable": robot.disabled,
        "expires_at": robot.expires_at,
        "permissions": robot.permissions,
        "creator_type": if state.robots.iter().any(|one| one.id == robot.creator) { "robot" } else { "local" },
        "creator_ref": robot.creator,
        "creation_time": robot.created,
        "update_time": robot.created,
    })
}

fn list(state: &State, asked: &Asked, who: &Who) -> Answered {
    let (mut level, mut id) = (None, None);
    let mut others = Vec::new();
    for (name, value) in filters(asked.query("q"))? {
        match name.as_str() {
            "Level" => level = Some(value),
            "ProjectID" => id = Some(value),
            _ => others.push((name, value)),
        }
    }
    let mut project = None;
    match level.as_deref() {
        Some("project") => {
            let mut projects = state.projects.iter();
            let found = projects.find(|one| id.as_ref() == Some(&one.id.to_string()));
            let missing = || Answer::bad("must with project ID when to query project robots");
            project = Some(found.ok_or_else(missing)?.name.clone());
        }
        // No column is called so: it decides who may ask, and leaves out nobody.
        Some("system") => {}
        Some(_) => return Err(Answer::bad("bad request error level input")),
        None => id = Some("0".to_owned()),
    }
    require_role(who, project.as_deref(), Role::Maintainer)?;
    let is_meant = |robot: &&Robot| match &id {
        None => true,
        Some(id) => {
            let project = robot
                .project
                .as_deref()
                .and_then(|name| state.project(name));
            project.map_or(0, |project| project.id).to_string() == *id
        }
    };
    let meant = state.robots.iter().filter(is_meant);
    let mut all: Vec<Value> = meant.map(|one| told(state, one)).collect();
    for (name, wanted) in others {
        all.retain(|one| super::answers::fits(&one[&name], &wanted));
    }
    listed(&asked.without_q(), all)
}

/// Whether a name is `^[a-z0-9]+(?:[._-][a-z0-9]+)*$`.
fn is_name(name: &str) -> bool {
    let mut words = name.split(['.', '_', '-']);
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    words.all(|word| !word.is_empty() && word.bytes().all(fine))
}

fn create(state: &mut State, asked: &Asked, who: &Who) -> Answered {
    let permissions = asked.body["permissions"].clone();
    let project = match asked.text("level") {
        "system" => None,
        "project" => Some(
            permissions[0]["namespace"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        ),
        other => {
            return Err(Answer::bad(&format!(
                "bad request error level input: {other}"
            )));
        }
    };
    require_role(who, project.as_deref(), Role::ProjectAdmin)?;
    let name = asked.text("name");
    if !is_name(name) {
        return Err(Answer::bad(
            "robot name is not in lower case or contains illegal characters",
        ));
    }
    let duration = asked.body["duration"].as_i64().unwrap_or_default();
    if duration == 0 || duration < -1 {
        return Err(Answer::bad(&format!(
            "bad request error duration input: {duration}"
        )));
    }
    if permissions.as_array().is_none_or(Vec::is_empty) {
        return Err(Answer::bad("bad request empty permission"));
    }
    let missing = |name: &String| Answer::not_found(&format!("project {name}"));
    if let Some(project) = project
        .as_ref()
        .filter(|name| state.project(name).is_none())
    {
        return Err(missing(project));
    }
    let prefix = &state.robot_prefix;
    let full = match &project {
        Some(project) => format!("{prefix}{project}+{name}"),
        None => format!("{prefix}{name}"),
    };
    if state.robots.iter().any(|one| one.name == full) {
        return Err(Answer::conflict(&format!("robot account {full}")));
    }
    let (id, created) = (state.id(), state.now());
    let started: jiff::Timestamp = created.parse().expect("a time");
    let robot = Robot {
        id,
        name: full,
        description: asked.text("description").to_owned(),
        secret: generated(id),
        project,
        duration,
        expires_at: if duration == -1 {
            -1
        } else {
            started.as_second() + duration * 86_400
        },
        disabled: asked.body["disable"] == true,
        permissions,
        creator: match who {
            Who::Account(account) => account.id,
            _ => 0,
        },
        created,
    };
    let body = json!({
        "id": id,
        "name": robot.name,
        "secret": robot.secret,
        "creation_time": robot.created,
        "expires_at": robot.expires_at,
    });
    state.robots.push(robot);
    Ok(Answer::json(201, body).with("Location", format!("/api/v2.0/robots/{id}")))
}

fn generated(id: i64) -> String {
    format!("Generated{id:023}")
}

fn refresh(state: &mut State, asked: &Asked, at: usize) -> Answered {
    let asked_for = asked.text("secret").to_owned();
    let has = |kind: fn(&char) -> bool| asked_for.chars().any(|one| kind(&one));
    let is_strong = (8..=128).contains(&asked_for.len())
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit);
    if !asked_for.is_empty() && !is_strong {
        return Err(Answer::bad(
            "the secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 number",
        ));
    }
    let id = state.id();
    let robot = &mut state.robots[at];
    if asked_for.is_empty() {
        robot.secret = generated(id);
        // Only what was generated is told.
        return Ok(Answer::json(200, json!({"secret": robot.secret})));
    }
    robot.secret = asked_for;
    Ok(Answer::json(200, json!({})))
}
