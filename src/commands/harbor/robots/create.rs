//! `imgdex harbor robots create` and `refresh`: what makes a new secret.

use clap::Args;

use super::super::scope::{AnyScope, OneScope, checked, flags};
use super::super::server::Where;
use super::secret::{Destination, Told};
use super::{as_word, one};
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::{Lifetime, Permission, rights_of, robot_name};
use crate::domain::name::shorten;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::{Scope, robots};
use crate::registry::{self, NewRobot, Reason};

/// Create a robot: an account for a machine
///
/// Its secret is told only once: on standard output, unless it goes to a file, into a
/// Kubernetes Secret or becomes the login of this machine. Permissions are `pull`,
/// `push`, `list`, `read`, `scan`, `stop-scan`, `tag`, `untag`, `delete`, `label`,
/// `unlabel`, `update`, `publish` for all that `imgdex harbor publish` does, or
/// RESOURCE:ACTION as Harbor has them. The server puts a prefix and the project before
/// the name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor robots create ci --project apps --permission publish
  imgdex harbor robots create ci --project apps --permission push --expires 90d
  imgdex harbor robots create ci --project apps --secret-file ci.secret
  imgdex harbor robots create puller --project apps --output-secret pull-apps | kubectl apply -f -
  imgdex harbor robots create mirror --system --in apps lab --permission push --permission scan")]
pub struct Create {
    /// Its name, without prefix and project
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    scope: OneScope,
    /// The projects that a robot of the whole server may work in [default: all]
    #[arg(
        long = "in",
        value_name = "PROJECT",
        num_args = 1..,
        conflicts_with = "project"
    )]
    projects: Vec<String>,
    /// What it may do [default: pull]
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<Permission>,
    /// For how long: such as 30d, 2w, 1y, or never
    #[arg(long, value_name = "TIME", default_value = "30d")]
    expires: Lifetime,
    /// What it is for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    description: String,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    place: Where,
}

/// Give a robot a new secret; the old one no longer works
///
/// A robot is named as it logs in, without prefix and project, or by its id. The secret
/// goes where `create` would put it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor robots refresh ci --project apps
  imgdex harbor robots refresh 'robot$apps+ci' --secret-file ci.secret --force")]
pub struct Refresh {
    /// The robot's name or id
    #[arg(value_name = "NAME|ID")]
    name: String,
    #[command(flatten)]
    scope: AnyScope,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    place: Where,
}

impl Create {
    pub fn run(self, app: &mut App) -> Result<Status> {
        robot_name(&self.name).map_err(|rule| {
            let message = format!("`{}`: {rule}", shorten(&self.name));
            Error::new(Kind::InvalidInput, message)
        })?;
        let scope = self.scope.scope()?;
        for project in self.projects.iter().filter(|name| *name != "*") {
            checked(project)?;
        }
        let permissions = match self.permissions.is_empty() {
            true => "pull".parse().into_iter().collect(),
            false => self.permissions,
        };
        let project = match &scope {
            Scope::Project(name) => Some(name.clone()),
            _ => None,
        };
        let namespaces = match &project {
            Some(name) => vec![name.clone()],
            None if self.projects.is_empty() => vec!["*".to_owned()],
            None => self.projects,
        };
        let robot = NewRobot {
            name: self.name,
            description: self.description,
            project,
            namespaces,
            access: rights_of(permissions),
            duration: self.expires.duration(),
        };
        let asked = self.place.open(app)?;
        let prepared = self.destination.prepare(app)?;
        if self.expires == Lifetime::Never {
            app.console.warn(
                "warning: this robot never expires: whoever has its secret is let in until \
                 somebody deletes it",
            );
        }
        prepared.obtain(
            app,
            &asked,
            async |harbor| harbor.create_robot(&robot).await,
            |made| {
                let made = made.map_err(|error| not_created(error, &robot.name, &scope))?;
                Ok(Told {
                    id: made.id,
                    done: "created",
                    again: again(&made.name, &scope),
                    name: made.name,
                    secret: made.secret,
                    expires_at: made.expires_at,
                })
            },
        )
    }
}

/// Returns the command that makes a new secret.
fn again(name: &str, scope: &Scope) -> String {
    format!(
        "imgdex harbor robots refresh {}{}",
        as_word(name),
        flags(scope)
    )
}

/// Returns why there is no robot, or none that is known of.
fn not_created(error: registry::Error, name: &str, scope: &Scope) -> Error {
    let (reason, in_doubt) = (error.reason, error.in_doubt);
    let mut failure = Error::from(error);
    if in_doubt {
        failure.hints = vec![
            format!(
                "it may be there all the same: `imgdex harbor robots list{}` shows it",
                flags(scope)
            ),
            match scope {
                Scope::System => "where it is there, `imgdex harbor robots refresh NAME --system` \
                                  gives it a secret: with the NAME that the list shows"
                    .to_owned(),
                _ => format!(
                    "where it is there, `{}` gives it a secret",
                    again(name, scope)
                ),
            },
        ];
        return failure;
    }
    match reason {
        Reason::Conflict => failure.hint(match scope {
            Scope::System => "`imgdex harbor robots refresh NAME --system` gives it a new secret: \
                              with the NAME that `imgdex harbor robots list --system` shows"
                .to_owned(),
            _ => format!("`{}` gives it a new secret", again(name, scope)),
        }),
        Reason::NotFound => {
            failure.hint("`imgdex harbor projects list` shows the projects".to_owned())
        }
        Reason::Invalid => failure.hint(
            "look at `--permission`: not every Harbor knows every resource and action".to_owned(),
        ),
        _ => failure,
    }
}

/// Returns why there is no new secret, or none that is known of.
fn not_refreshed(error: registry::Error, again: &str) -> Error {
    let in_doubt = error.in_doubt;
    let mut failure = Error::from(error);
    if in_doubt {
        failure.hints = vec![format!(
            "the old secret may be void: `{again}` makes another"
        )];
    }
    failure
}

impl Refresh {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let scope = self.scope.scope()?;
        let asked = self.place.open(app)?;
        let prepared = self.destination.prepare(app)?;
        let found = asked.ask(app, async |harbor| robots(harbor, &scope).await)?;
        let robot = one(&found, &self.name, (&scope, "refresh"))?;
        let again = again(&robot.name, &scope);
        prepared.obtain(
            app,
            &asked,
            async |harbor| harbor.refresh_robot(robot).await,
            |secret| {
                let secret = secret.map_err(|error| not_refreshed(error, &again))?;
                Ok(Told {
                    id: robot.id,
                    name: robot.name.clone(),
                    secret,
                    expires_at: robot.expires_at,
                    done: "given a new secret",
                    again,
                })
            },
        )
    }
}
