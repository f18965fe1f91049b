//! Who asks, and what they may do.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::state::State;

/// What an account is in a project, from the least on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    LimitedGuest,
    Guest,
    Developer,
    Maintainer,
    ProjectAdmin,
}

impl Role {
    /// Returns the id and the name that Harbor has for it.
    pub fn told(self) -> (i64, &'static str) {
        match self {
            Self::ProjectAdmin => (1, "projectAdmin"),
            Self::Developer => (2, "developer"),
            Self::Guest => (3, "guest"),
            Self::Maintainer => (4, "maintainer"),
            Self::LimitedGuest => (5, "limitedGuest"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: i64,
    pub name: String,
    pub password: String,
    pub sysadmin: bool,
    /// Its password is the CLI secret of an account of OIDC.
    pub oidc: bool,
    pub roles: BTreeMap<String, Role>,
}

#[derive(Debug, Clone)]
pub struct Robot {
    pub id: i64,
    /// With the prefix and the project.
    pub name: String,
    pub description: String,
    pub secret: String,
    /// The project of a robot of one project.
    pub project: Option<String>,
    pub duration: i64,
    pub expires_at: i64,
    pub disabled: bool,
    pub permissions: Value,
    pub creator: i64,
    pub created: String,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Who {
    Anonymous,
    Account(Account),
    Robot(Robot),
}

impl Who {
    /// Returns who a Basic header names, if the password is right.
    pub fn of_basic(state: &State, header: &str) -> Option<Self> {
        let (name, password) = basic_pair(header)?;
        let mut accounts = state.accounts.iter();
        let found = accounts.find(|one| one.name == name && one.password == password);
        if let Some(account) = found {
            return Some(Self::Account(account.clone()));
        }
        let mut robots = state.robots.iter();
        let found = robots.find(|one| one.name == name && one.secret == password && !one.disabled);
        found.cloned().map(Self::Robot)
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "",
            Self::Account(account) => &account.name,
            Self::Robot(robot) => &robot.name,
        }
    }

    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }

    pub fn is_sysadmin(&self) -> bool {
        matches!(self, Self::Account(account) if account.sysadmin)
    }

    pub fn role(&self, project: &str) -> Option<Role> {
        match self {
            Self::Account(account) if account.sysadmin => Some(Role::ProjectAdmin),
            Self::Account(account) => account.roles.get(project).copied(),
            _ => None,
        }
    }

    /// Whether it may do that in a project that exists.
    pub fn may(&self, state: &State, project: &str, resource: &str, action: &str) -> bool {
        let Some(found) = state.project(project) else {
            return false;
        };
        if found.public && least_role(resource, action) == Some(Role::LimitedGuest) {
            return true;
        }
        match self {
            Self::Robot(robot) => robot.may(project, resource, action),
            _ => match (self.role(project), least_role(resource, action)) {
                (Some(role), Some(least)) => role >= least,
                _ => false,
            },
        }
    }

    /// Whether the project is in its list of projects.
    pub fn sees(&self, state: &State, project: &str) -> bool {
        self.may(state, project, "project", "read")
    }
}

impl Robot {
    fn may(&self, project: &str, resource: &str, action: &str) -> bool {
        let permissions = self.permissions.as_array().into_iter().flatten();
        let mut here = permissions.filter(|one| {
            one["kind"] == "project" && (one["namespace"] == project || one["namespace"] == "*")
        });
        // Seeing the project comes with any permission in it.
        here.any(|one| {
            resource == "project"
                || one["access"].as_array().is_some_and(|all| {
                    all.iter().any(|access| {
                        (access["resource"] == resource || access["resource"] == "*")
                            && (access["action"] == action || access["action"] == "*")
                    })
                })
        })
    }
}

/// Returns the least role that may do something, after Harbor's table of roles.
fn least_role(resource: &str, action: &str) -> Option<Role> {
    Some(match (resource, action) {
        ("member", "list") => Role::Guest,
        ("robot", "read" | "list") => Role::Maintainer,
        ("robot" | "member", _) | ("project", "update" | "delete") => Role::ProjectAdmin,
        ("immutable-tag", _) => Role::Maintainer,
        (_, "read" | "list" | "pull") => Role::LimitedGuest,
        ("repository", "push" | "update") | ("artifact" | "tag" | "artifact-label", "create") => {
            Role::Developer
        }
        ("artifact-label", "delete") => Role::Developer,
        ("repository" | "artifact" | "tag", "delete") | ("label" | "scan", _) => Role::Maintainer,
        _ => return None,
    })
}

/// Returns the name and the password of a Basic header.
pub fn basic_pair(header: &str) -> Option<(String, String)> {
    let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
