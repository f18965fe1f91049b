//! Whether somebody may publish in a project, before anything is sent there.

use super::Publication;
use crate::domain::harbor::Project;
use crate::ops::{Error, Result};
use crate::registry::{AccountKind, Harbor, Reason};

/// Who may push.
const PUSHERS: &str = "pushing needs the role Developer, Maintainer or Project Admin";

/// Returns the project, if whoever asks may push to it, as far as the server tells.
///
/// # Errors
/// Where it does not exist, or may not be pushed to: which of the two is said.
pub async fn project(harbor: &Harbor<'_>, publication: &Publication) -> Result<Project> {
    let (name, host) = (&publication.project, &publication.registry);
    let account = harbor.account().await?;
    let who = match &account.name {
        Some(name) => format!("`{name}`"),
        None if account.kind == AccountKind::Token => "the account of the token".to_owned(),
        None => {
            return Err(Error::Denied {
                what: format!("cannot publish in `{name}` on `{host}`: nobody is logged in"),
                hint: format!("`imgdex login {host}`; {PUSHERS}"),
            });
        }
    };
    let absent = || Error::NotFound {
        what: format!("the project `{name}` does not exist on `{host}`"),
        hint: format!("`imgdex harbor projects create {name}`, or take another one"),
    };
    let project = match harbor.project(name).await {
        Ok(project) => project,
        Err(error) if error.reason == Reason::NotFound => {
            return Err(absent());
        }
        // Only who is a member may look at one that is not public.
        Err(error) if error.reason == Reason::Denied => {
            return Err(match harbor.project_exists(name).await? {
                Some(false) => absent(),
                Some(true) => Error::Denied {
                    what: format!(
                        "the project `{name}` exists on `{host}`, and {who} may not push to it: it \
                         is no member"
                    ),
                    hint: format!("{PUSHERS}: ask its administrator for one"),
                },
                None => error.into(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    if project.registry_id.is_some_and(|id| id > 0) {
        return Err(Error::Refused {
            what: format!(
                "the project `{name}` on `{host}` is a cache of another registry: nothing is \
                 pushed to it"
            ),
            hint: "take another project: `imgdex harbor projects list`".to_owned(),
        });
    }
    // What its tokens allow is true of every kind of account.
    let grants = harbor.grants(name).await?;
    if grants.is_some_and(|grants| !grants.contains("push")) {
        let role = match project.role() {
            Some(role) => format!("it has the role {} there", role.name()),
            None if account.kind == AccountKind::Robot => {
                "its permissions do not have it".to_owned()
            }
            None => "it has no role there".to_owned(),
        };
        return Err(Error::Denied {
            what: format!(
                "the project `{name}` exists on `{host}`, and {who} may not push to it: {role}"
            ),
            hint: format!("{PUSHERS}: ask its administrator for one"),
        });
    }
    if account.kind == AccountKind::CliSecret
        && (publication.description.is_some()
            || !publication.labels.is_empty()
            || publication.scan.is_some())
    {
        return Err(Error::Denied {
            what: format!(
                "{who} logged in with the CLI secret of an OIDC user, which may push to `{name}` \
                 but set no descriptions and labels, and ask for no scans"
            ),
            hint: format!(
                "`imgdex login {host}` with a robot account or a local user, or do without: \
                 `--keep-description`, no `--label` and no `--wait-scan`"
            ),
        });
    }
    Ok(project)
}

/// Adds to a refusal who may push.
pub fn explained(error: Error, publication: &Publication) -> Error {
    let Error::Registry(error) = error else {
        return error;
    };
    // The source may be somewhere else.
    let target = format!("{}/{}", publication.registry, publication.path());
    if error.reason != Reason::Denied || !error.message.contains(&target) {
        return error.into();
    }
    let (project, host) = (&publication.project, &publication.registry);
    let cause = error.cause.clone().unwrap_or_default();
    Error::Denied {
        what: format!(
            "the project `{project}` exists on `{host}`, and this account may not push to it: \
             {cause}"
        ),
        hint: format!("{PUSHERS}, or a robot that may push to `{project}`"),
    }
}
