//! A Harbor, and whoever asks it, looked at from the outside to the inside: what cannot
//! be known at one step is told, and where the next ones need it they are left out.

use std::collections::BTreeSet;

use crate::domain::harbor::{Project, Robot, Role, SystemInfo};
use crate::domain::reference::Registry;
use crate::registry::{self, Account, AccountKind, Client, Harbor, Nature};

/// What was found.
#[derive(Debug)]
pub struct Examination {
    pub nature: registry::Result<Nature>,
    /// Unset where it is no Harbor.
    pub login: Option<registry::Result<Account>>,
    pub info: Option<SystemInfo>,
    /// The one that asks, where it may see itself.
    pub robot: Option<Robot>,
    pub projects: Option<registry::Result<Vec<Project>>>,
    /// Unset where none was asked about.
    pub project: Option<registry::Result<InProject>>,
}

/// What whoever asks may do in a project; unset where that cannot be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InProject {
    pub name: String,
    pub role: Option<Role>,
    pub pull: Option<bool>,
    pub push: Option<bool>,
    pub scan: Option<bool>,
}

/// Looks at a Harbor, and at a project of it where one is named.
pub async fn examine(client: &Client, registry: &Registry, project: Option<&str>) -> Examination {
    let nature = match client.harbor_as_anybody(registry).await {
        Ok(harbor) => harbor.nature().await,
        Err(error) => Err(error),
    };
    let mut found = Examination {
        nature,
        login: None,
        info: None,
        robot: None,
        projects: None,
        project: None,
    };
    if !matches!(found.nature, Ok(Nature::Harbor { .. })) {
        return found;
    }
    let harbor = match client.harbor(registry).await {
        Ok(harbor) => harbor,
        Err(error) => {
            found.login = Some(Err(error));
            if let Ok(anybody) = client.harbor_as_anybody(registry).await {
                found.info = anybody.info().await.ok();
            }
            return found;
        }
    };
    found.info = harbor.info().await.ok();
    let account = harbor.account().await;
    let kind = account.as_ref().ok().map(|account| account.kind.clone());
    found.login = Some(account);
    let Some(kind) = kind else {
        return found;
    };
    let projects = harbor.projects().await;
    let listed = projects.as_ref().ok().and_then(|projects| {
        let mut projects = projects.iter();
        projects.find(|listed| Some(listed.name.as_str()) == project)
    });
    let listed = listed.cloned();
    found.projects = Some(projects);
    if kind == AccountKind::Robot {
        found.robot = harbor.own_robot(listed.as_ref()).await;
    }
    if let Some(name) = project {
        let robot = found.robot.as_ref();
        found.project = Some(in_project(&harbor, name, listed, (&kind, robot)).await);
    }
    found
}

async fn in_project(
    harbor: &Harbor<'_>,
    name: &str,
    listed: Option<Project>,
    (kind, robot): (&AccountKind, Option<&Robot>),
) -> registry::Result<InProject> {
    let project = match listed {
        Some(project) => project,
        // A CLI secret and a robot see it in the list, if at all.
        None => harbor.project(name).await?,
    };
    let granted = match kind {
        // The token service takes no token, and would tell what anybody may do.
        AccountKind::Token => None,
        _ => harbor.grants(name).await?,
    };
    let rights = match kind {
        AccountKind::Local { .. } => harbor.rights(project.project_id).await?,
        _ => None,
    };
    let role = project.role();
    let may = |action: &str| granted.as_ref().map(|granted| granted.contains(action));
    Ok(InProject {
        name: name.to_owned(),
        role,
        pull: may("pull"),
        push: may("push"),
        scan: may_scan(name, kind, (role, rights.as_ref(), robot)),
    })
}

/// Returns whether somebody may scan, by the best that is known of them.
fn may_scan(
    project: &str,
    kind: &AccountKind,
    (role, rights, robot): (Option<Role>, Option<&BTreeSet<String>>, Option<&Robot>),
) -> Option<bool> {
    if let Some(robot) = robot {
        let mut here = robot.permissions.iter().filter(|permission| {
            [project, "*"].contains(&permission.namespace.as_str()) && permission.kind == "project"
        });
        return Some(here.any(|permission| {
            let mut access = permission.access.iter();
            access.any(|access| {
                ["scan", "*"].contains(&access.resource.as_str())
                    && ["create", "*"].contains(&access.action.as_str())
            })
        }));
    }
    match kind {
        AccountKind::Local {
            is_administrator: true,
        } => Some(true),
        AccountKind::Anybody => Some(false),
        AccountKind::Local { .. } | AccountKind::CliSecret => {
            let is_told = rights.is_some_and(|rights| rights.contains("scan:create"));
            // Who is no member by name may be one by a group.
            let by_role = role.map(|role| role >= Role::Maintainer);
            if is_told { Some(true) } else { by_role }
        }
        AccountKind::Robot | AccountKind::Token => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::harbor::{Access, RobotPermission};

    #[test]
    fn who_may_scan_is_known_by_the_best_that_is_told() {
        let robot = |namespace: &str, action: &str| Robot {
            permissions: vec![RobotPermission {
                kind: "project".to_owned(),
                namespace: namespace.to_owned(),
                access: vec![Access {
                    resource: "scan".to_owned(),
                    action: action.to_owned(),
                }],
            }],
            ..Robot::default()
        };
        let of_robot =
            |robot: &Robot| may_scan("apps", &AccountKind::Robot, (None, None, Some(robot)));
        assert_eq!(of_robot(&robot("apps", "create")), Some(true));
        assert_eq!(of_robot(&robot("*", "*")), Some(true));
        assert_eq!(of_robot(&robot("other", "create")), Some(false));
        assert_eq!(of_robot(&robot("apps", "read")), Some(false));
        assert_eq!(
            may_scan("apps", &AccountKind::Robot, (None, None, None)),
            None
        );
        let local = AccountKind::Local {
            is_administrator: false,
        };
        let by_role = |role| may_scan("apps", &local, (Some(role), None, None));
        assert_eq!(by_role(Role::Developer), Some(false));
        assert_eq!(by_role(Role::Maintainer), Some(true));
        let rights = ["scan:create".to_owned()].into();
        let told = may_scan("apps", &local, (Some(Role::Guest), Some(&rights), None));
        assert_eq!(told, Some(true));
    }
}
