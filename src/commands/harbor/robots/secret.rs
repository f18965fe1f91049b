//! Where the secret of a robot goes, which Harbor tells only once. It is made sure that
//! it can go there before Harbor is asked for it.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

use super::super::server::Asked;
use super::{expires, time_of};
use crate::app::App;
use crate::app::network::{Choices, LoginFile};
use crate::commands::Status;
use crate::commands::login::log_in;
use crate::credentials::{self, NewFile, login};
use crate::domain::credential::Credential;
use crate::domain::name::check_resource_name;
use crate::domain::secret::{Secret, SecretType};
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Position, json, write_json_pretty, write_yaml};
use crate::formats::kubernetes::secret_resource;
use crate::output::format::Format;
use crate::output::records::{Record, write_one};
use crate::registry::{self, Harbor};

/// Where the secret goes; to standard output where nothing is said.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the secret goes")]
pub struct Destination {
    /// Into this new file, which only you can read
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
    /// Replace the file where it is there
    #[arg(long, requires = "secret_file")]
    force: bool,
    /// Log in to this Harbor as the robot from now on, in the file of credentials that
    /// `imgdex login` writes, or in another
    #[arg(long, value_name = "AUTHFILE", num_args = 0..=1, require_equals = true)]
    login: Option<Option<PathBuf>>,
    /// Into a pull Secret of Kubernetes of this name, printed or in the file
    #[arg(long, value_name = "NAME")]
    output_secret: Option<String>,
}

/// Places that are there for a secret.
pub struct Prepared {
    file: Option<NewFile>,
    login: Option<LoginFile>,
    /// The name of a pull Secret.
    resource: Option<String>,
}

/// What Harbor told of a robot.
pub struct Told {
    pub id: i64,
    pub name: String,
    pub secret: SecretString,
    /// Seconds since 1970; -1 is never.
    pub expires_at: Option<i64>,
    /// What was done to it.
    pub done: &'static str,
    /// The command that makes a new secret.
    pub again: String,
}

impl Destination {
    /// Makes sure that the secret can go where it is to.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn prepare(self, app: &App) -> Result<Prepared> {
        if let Some(name) = &self.output_secret {
            check_resource_name("--output-secret", name)
                .map_err(|rule| Error::new(Kind::InvalidInput, rule))?;
        }
        if self.secret_file.as_deref() == Some(Path::new("-")) {
            let message = "--secret-file: `-` is no file";
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("without it, the secret is printed; a file of this name is `./-`"));
        }
        let is_printed = self.secret_file.is_none();
        let fault = match (app.format, &self.output_secret) {
            (Format::Name | Format::Csv, Some(_)) if is_printed => {
                Some("a Secret of Kubernetes is printed as YAML or JSON only")
            }
            (Format::Name, None) if is_printed && self.login.is_none() => {
                Some("`-o name` prints no secret, which is never told again")
            }
            _ => None,
        };
        if let Some(rule) = fault {
            return Err(Error::new(Kind::InvalidInput, rule)
                .hint("let it go into a file: `--secret-file PATH`")
                .hint("or leave out `-o`, or use `-o json`"));
        }
        let login = self.login.map(|file| match file {
            Some(path) => LoginFile::Named(path),
            None => LoginFile::Containers,
        });
        if let Some(place) = &login {
            login::check(&app.login_file(place)?)?;
        }
        let file = match &self.secret_file {
            Some(path) => Some(NewFile::make(path, self.force).map_err(not_made)?),
            None => None,
        };
        Ok(Prepared {
            file,
            login,
            resource: self.output_secret,
        })
    }
}

fn not_made(error: credentials::Error) -> Error {
    let is_there = matches!(&error, credentials::Error::File { source, .. }
        if source.kind() == io::ErrorKind::AlreadyExists);
    let mut failure = Error::from(error);
    if is_there {
        failure.kind = Kind::Conflict;
        return failure.hint("name another, or replace it with `--force`");
    }
    failure
}

impl Prepared {
    /// Asks for a secret and hands it over. From the question on a signal ends the
    /// command only after that: an end in between would lose the secret.
    ///
    /// # Errors
    /// Those of `told`, which explains the answer, and of handing it over; and where
    /// there was a signal.
    pub fn obtain<T>(
        self,
        app: &mut App,
        asked: &Asked,
        question: impl AsyncFnOnce(&Harbor<'_>) -> registry::Result<T>,
        told: impl FnOnce(registry::Result<T>) -> Result<Told>,
    ) -> Result<Status> {
        let interrupt = app.interrupt.clone();
        let answer = asked.ask(app, async |harbor| {
            let hold = interrupt.hold();
            Ok(match hold.go_on() {
                true => Some((question(harbor).await, hold)),
                false => None,
            })
        })?;
        let Some((answer, hold)) = answer else {
            let message = "stopped before it was done";
            return Err(Error::new(interrupt.kind(), message));
        };
        let told = told(answer)?;
        let status = self.deliver(app, asked, &told)?;
        if hold.go_on() {
            return Ok(status);
        }
        let message = format!(
            "stopped when the robot `{}` was {}, and its secret where it was to go",
            told.name, told.done
        );
        Err(Error::new(interrupt.kind(), message))
    }

    /// Hands the secret over, and prints what is to be known of the robot.
    ///
    /// # Errors
    /// Where that fails all the same; a new secret must be made then.
    fn deliver(self, app: &mut App, asked: &Asked, told: &Told) -> Result<Status> {
        let in_file = self.file.is_some();
        let text = match &self.resource {
            Some(name) => {
                let host = asked.server.registry.to_string();
                Some(resource(app.format, name, &host, told)?)
            }
            None => None,
        };
        if let Some(file) = self.file {
            let path = file.path().to_path_buf();
            let kept = match &text {
                Some(text) => file.keep(text),
                None => file.keep(&line_of(&told.secret)),
            };
            kept.map_err(|error| lost(error.into(), told))?;
            app.console.warn(&format!(
                "warning: the secret is in `{}`, which is not encrypted",
                path.display()
            ));
        }
        let is_kept = in_file || self.login.is_some();
        let printed = match &text {
            Some(text) if !in_file => app.console.out().write_all(text),
            _ if is_kept => write_one(app.console.out(), app.format, &Kept::of(told)),
            _ => write_one(app.console.out(), app.format, &Shown::of(told)),
        };
        let printed = printed.and_then(|()| app.console.flush());
        match printed {
            Err(error) if !is_kept => {
                let failure = Error::new(Kind::Io, "cannot write the output").because(&error);
                return Err(lost(failure, told));
            }
            other => other?,
        }
        app.console
            .note(&format!("the robot `{}` was {}", told.name, told.done));
        if !is_kept {
            app.console.hint(&format!(
                "the secret is never shown again; `{}` makes a new one",
                told.again
            ));
        }
        if let Some(place) = &self.login {
            log_in_as(app, asked, told, place).map_err(|error| match in_file {
                true => error,
                false => lost(error, told),
            })?;
        }
        Ok(Status::Done)
    }
}

fn log_in_as(app: &mut App, asked: &Asked, told: &Told, place: &LoginFile) -> Result<()> {
    let credential = Credential::Basic {
        username: told.name.clone(),
        password: told.secret.clone(),
    };
    let choices = Choices {
        authfile: None,
        ..asked.choices.clone()
    };
    let registry = &asked.server.registry;
    log_in(app, registry, &choices, &credential, place)?;
    let line = format!("logged in to `{registry}` as `{}`", told.name);
    app.console.note(&line);
    Ok(())
}

/// Returns the failure to hand over a secret that nobody has now.
fn lost(error: Error, told: &Told) -> Error {
    let mut failure = Error::new(
        error.kind,
        format!(
            "the robot `{}` was {}, but its secret is lost",
            told.name, told.done
        ),
    );
    failure.cause = Some(error.line());
    failure.hints = error.hints;
    failure.hint(format!("`{}` makes a new one", told.again))
}

fn line_of(secret: &SecretString) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(format!("{}\n", secret.expose_secret()).into_bytes())
}

/// Returns a pull Secret as it is printed.
fn resource(format: Format, name: &str, host: &str, told: &Told) -> Result<Zeroizing<Vec<u8>>> {
    let description = Secret {
        id: SecretType::Kubernetes.id_of(name),
        name: name.to_owned(),
        display_name: told.name.clone(),
        secret_type: SecretType::Kubernetes,
        registry_host: Some(host.to_owned()),
        username: Some(told.name.clone()),
        kept_in: None,
    };
    let whole = secret_resource(&description, &told.secret);
    let tree = json::parse(whole.as_bytes(), Position::START).map_err(|_| {
        let failure = Error::new(Kind::Failure, "cannot print a Secret of Kubernetes");
        lost(failure, told)
    })?;
    let mut text = Zeroizing::new(Vec::new());
    match format {
        Format::Json => write_json_pretty(&tree, 0, &mut text),
        _ => write_yaml(&tree, 0, &mut text),
    }
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    Ok(text)
}

/// A robot with its secret. It has no `Debug`, so that none is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: i64,
    name: &'a str,
    secret: &'a str,
    /// Unset for one that never does.
    expires_at: Option<String>,
    #[serde(skip)]
    expires: String,
}

impl<'a> Shown<'a> {
    fn of(told: &'a Told) -> Self {
        Self {
            id: told.id,
            name: &told.name,
            secret: told.secret.expose_secret(),
            expires_at: time_of(told.expires_at),
            expires: expires(told.expires_at),
        }
    }
}

impl Record for Shown<'_> {
    const COLUMNS: &'static [&'static str] = &["name", "secret", "expires"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(self.name),
            Cow::Borrowed(self.secret),
            Cow::Borrowed(&self.expires),
        ]
    }

    fn label(&self) -> &str {
        self.name
    }
}

/// A robot whose secret went elsewhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    id: i64,
    name: &'a str,
    expires_at: Option<String>,
    #[serde(skip)]
    expires: String,
}

impl<'a> Kept<'a> {
    fn of(told: &'a Told) -> Self {
        Self {
            id: told.id,
            name: &told.name,
            expires_at: time_of(told.expires_at),
            expires: expires(told.expires_at),
        }
    }
}

impl Record for Kept<'_> {
    const COLUMNS: &'static [&'static str] = &["name", "expires"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![Cow::Borrowed(self.name), Cow::Borrowed(&self.expires)]
    }

    fn label(&self) -> &str {
        self.name
    }
}
