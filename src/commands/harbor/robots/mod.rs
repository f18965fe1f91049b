//! `imgdex harbor robots`.

mod create;
mod secret;

use std::borrow::Cow;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::scope::{AnyScope, flags};
use super::server::Where;
use crate::app::App;
use crate::commands::{Status, confirmed, quoted};
use crate::domain::harbor::{Robot, RobotPermission, known_time, meant, near};
use crate::domain::name::shorten;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::{Scope, robots};
use crate::output::records::{Record, write_list};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(List),
    Create(create::Create),
    Refresh(create::Refresh),
    Delete(Delete),
}

/// List robots: accounts for machines
///
/// Without a project, all that you may see are listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor robots list --project apps
  imgdex harbor robots list --system -o json")]
pub struct List {
    #[command(flatten)]
    scope: AnyScope,
    #[command(flatten)]
    place: Where,
}

/// Delete robots: they can log in no more
///
/// A robot is named as it logs in, without prefix and project, or by its id. Asks first,
/// on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor robots delete ci --project apps
  imgdex harbor robots delete 'robot$apps+ci' --yes")]
pub struct Delete {
    /// The robots' names or ids
    #[arg(value_name = "NAME|ID", required = true)]
    names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    scope: AnyScope,
    #[command(flatten)]
    place: Where,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::List(list) => list.run(app),
        Verb::Create(create) => create.run(app),
        Verb::Refresh(refresh) => refresh.run(app),
        Verb::Delete(delete) => delete.run(app),
    }
}

impl List {
    fn run(self, app: &mut App) -> Result<Status> {
        let scope = self.scope.scope()?;
        let asked = self.place.open(app)?;
        let found = asked.ask(app, async |harbor| robots(harbor, &scope).await)?;
        let now = jiff::Timestamp::now().as_second();
        let rows: Vec<RobotRow> = found
            .into_iter()
            .map(|robot| RobotRow::new(robot, now))
            .collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(Status::Done)
    }
}

impl Delete {
    fn run(self, app: &mut App) -> Result<Status> {
        let scope = self.scope.scope()?;
        let asked = self.place.open(app)?;
        let found = asked.ask(app, async |harbor| robots(harbor, &scope).await)?;
        let mut chosen: Vec<&Robot> = Vec::new();
        for name in &self.names {
            let robot = one(&found, name, (&scope, "delete"))?;
            if chosen.iter().all(|known| known.id != robot.id) {
                chosen.push(robot);
            }
        }
        let names: Vec<String> = chosen.iter().map(|robot| robot.name.clone()).collect();
        let host = asked.server.registry.to_string();
        if !confirmed(
            app,
            self.yes,
            &format!("Delete {} on `{host}`?", quoted(&names)),
        )? {
            return Ok(Status::Done);
        }
        for robot in chosen {
            asked.ask(app, async |harbor| harbor.delete_robot(robot).await)?;
            app.console.note(&format!("deleted `{}`", robot.name));
        }
        Ok(Status::Done)
    }
}

/// Returns the one robot that a word means; the verb is for messages.
fn one<'a>(robots: &'a [Robot], word: &str, (scope, verb): (&Scope, &str)) -> Result<&'a Robot> {
    let shown = shorten(word);
    match meant(robots, word).as_slice() {
        [robot] => Ok(robot),
        [] => {
            let place = match scope {
                Scope::Project(name) => format!(" in the project `{name}`"),
                Scope::System => " of the whole server".to_owned(),
                Scope::Everywhere => " that you may see".to_owned(),
            };
            let message = format!("there is no robot `{shown}`{place}");
            let failure = Error::new(Kind::NotFound, message);
            Err(match near(robots, word).filter(|_| !word.is_empty()) {
                Some(robot) => failure.hint(format!(
                    "did you mean `{}`? `imgdex harbor robots {verb} {}{}`",
                    robot.name,
                    as_word(&robot.name),
                    flags(scope)
                )),
                None => failure.hint(format!(
                    "`imgdex harbor robots list{}` shows what there is",
                    flags(scope)
                )),
            })
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|robot| format!("`{}` (id {})", robot.name, robot.id))
                .collect();
            let message = format!("`{shown}` may be any of {}", names.join(", "));
            Err(Error::new(Kind::InvalidInput, message)
                .hint("name it whole, in single quotes, or by its id"))
        }
    }
}

/// Returns a name as a shell takes it for one word: a `$` would begin a variable.
fn as_word(name: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "+-._/:@".contains(one);
    match name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', r"'\''")),
    }
}

/// Returns a time that Harbor tells in seconds; -1 is never.
fn time_of(seconds: Option<i64>) -> Option<String> {
    let seconds = seconds.filter(|seconds| *seconds > 0)?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.to_string())
}

/// Returns a robot's last moment for people.
fn expires(seconds: Option<i64>) -> String {
    match seconds {
        Some(..0) => "never".to_owned(),
        seconds => time_of(seconds).unwrap_or_default(),
    }
}

/// A robot.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RobotRow {
    id: i64,
    name: String,
    level: String,
    permissions: Vec<Allowed>,
    /// Unset for one that never does.
    expires_at: Option<String>,
    is_expired: bool,
    is_disabled: bool,
    description: String,
    created_at: Option<String>,
    #[serde(skip)]
    words: String,
    #[serde(skip)]
    expires: String,
}

/// What a robot may do in a project.
#[derive(Debug, Serialize)]
struct Allowed {
    /// `*` is every project.
    namespace: String,
    kind: String,
    access: Vec<String>,
}

impl From<RobotPermission> for Allowed {
    fn from(permission: RobotPermission) -> Self {
        let access = permission.access.iter().map(ToString::to_string);
        Self {
            access: access.collect(),
            namespace: permission.namespace,
            kind: permission.kind,
        }
    }
}

impl RobotRow {
    fn new(robot: Robot, now: i64) -> Self {
        let permissions: Vec<Allowed> = robot.permissions.into_iter().map(Allowed::from).collect();
        let words = permissions
            .iter()
            .map(|one| format!("{} ({})", one.namespace, one.access.join(" ")));
        let is_expired = robot.expires_at.is_some_and(|at| at > 0 && at <= now);
        let expires = expires(robot.expires_at);
        Self {
            words: words.collect::<Vec<_>>().join(", "),
            permissions,
            expires: match (robot.disable, is_expired) {
                (true, _) => "disabled".to_owned(),
                (false, true) => format!("expired {expires}"),
                (false, false) => expires,
            },
            expires_at: time_of(robot.expires_at),
            is_expired,
            is_disabled: robot.disable,
            created_at: known_time(&robot.creation_time).map(str::to_owned),
            id: robot.id,
            name: robot.name,
            level: robot.level,
            description: robot.description,
        }
    }
}

impl Record for RobotRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "permissions", "expires", "description"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Owned(self.id.to_string()),
            Cow::Borrowed(&self.name),
            Cow::Borrowed(&self.words),
            Cow::Borrowed(&self.expires),
            Cow::Borrowed(&self.description),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_a_shell_where_they_must_be() {
        assert_eq!(as_word("robot$apps+ci"), "'robot$apps+ci'");
        assert_eq!(as_word("robot-apps+ci"), "robot-apps+ci");
        assert_eq!(as_word("a'b"), r"'a'\''b'");
    }

    #[test]
    fn what_a_server_says_of_time_is_never_too_much() {
        let check = |seconds: Option<i64>, words: &str| assert_eq!(expires(seconds), words);
        check(Some(-1), "never");
        check(Some(1_700_000_000), "2023-11-14T22:13:20Z");
        check(Some(i64::MAX), "");
        check(Some(i64::MIN), "never");
        check(Some(0), "");
        check(None, "");
    }
}
