//! `imgdex login` and `imgdex logout`.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Status;
use crate::app::App;
use crate::app::network::{Choices, LoginFile};
use crate::credentials::login::{self, Kept};
use crate::credentials::{self, ecosystem::host_of};
use crate::domain::credential::Credential;
use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};

/// Bytes of the longest password or token that is read.
const LONGEST: u64 = 64 * 1024;

/// Log in to a registry
///
/// The credentials are shown to the registry first, and kept only where it takes
/// them: in the file that podman and skopeo read, or with the credential helper
/// that this file names. What is missing is asked for, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo \"$TOKEN\" | imgdex login registry.example.com --username me --password-stdin
  echo \"$TOKEN\" | imgdex login --docker registry.example.com -u me --password-stdin")]
pub struct Login {
    /// The registry [default: the default registry]
    #[arg(value_name = "HOST")]
    host: Option<String>,
    /// Who logs in
    #[arg(short, long, value_name = "NAME", conflicts_with = "token_stdin")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "token_stdin")]
    password_stdin: bool,
    /// Read an identity token from standard input
    #[arg(long)]
    token_stdin: bool,
    /// Refused: everybody on this machine could read it
    #[arg(short, long, hide = true, num_args = 0..=1, value_name = "VALUE")]
    password: Option<Option<String>>,
    #[command(flatten)]
    place: Place,
    /// Certificates in PEM to trust beside the system's
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Do not verify the registry's certificate
    #[arg(long)]
    insecure: bool,
    /// Speak to the registry without TLS
    #[arg(long, conflicts_with_all = ["ca_file", "insecure"])]
    plain_http: bool,
}

/// Forget the credentials for a registry
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex logout registry.example.com")]
pub struct Logout {
    /// The registry
    #[arg(value_name = "HOST")]
    host: String,
    #[command(flatten)]
    place: Place,
}

/// Which file is written.
#[derive(Debug, Args)]
struct Place {
    /// The file of credentials [env: REGISTRY_AUTH_FILE]
    #[arg(long, value_name = "PATH", conflicts_with = "docker")]
    authfile: Option<PathBuf>,
    /// Use Docker's `config.json`
    #[arg(long)]
    docker: bool,
}

impl From<Place> for LoginFile {
    fn from(place: Place) -> Self {
        match place.authfile {
            Some(path) => Self::Named(path),
            None if place.docker => Self::Docker,
            None => Self::Containers,
        }
    }
}

impl Login {
    pub fn run(self, app: &mut App) -> Result<Status> {
        if self.password.is_some() {
            let message = "`--password` would show the password to everybody on this machine";
            let hint = "pipe it: `echo \"$TOKEN\" | imgdex login HOST -u NAME --password-stdin`";
            return Err(Error::new(Kind::InvalidInput, message).hint(hint));
        }
        let registry = match &self.host {
            Some(host) => registry_of(host)?,
            None => app.default_registry()?,
        };
        let credential = self.credential(app, &registry)?;
        let who = match &credential {
            Credential::Basic { username, .. } => format!(" as `{username}`"),
            _ => String::new(),
        };
        let choices = Choices {
            authfile: None,
            ca_file: self.ca_file,
            insecure: self.insecure,
            plain_http: self.plain_http,
            ..Choices::default()
        };
        log_in(app, &registry, &choices, &credential, &self.place.into())?;
        app.console.note(&format!("logged in to `{registry}`{who}"));
        Ok(Status::Done)
    }

    fn credential(&self, app: &mut App, registry: &Registry) -> Result<Credential> {
        if self.token_stdin {
            return Ok(Credential::IdentityToken(value(app)?));
        }
        let missing = |what: &str| {
            Error::new(
                Kind::InvalidInput,
                format!("cannot log in to `{registry}` without {what}"),
            )
            .hint("`echo \"$TOKEN\" | imgdex login HOST -u NAME --password-stdin`")
        };
        let username = match &self.username {
            Some(username) => username.clone(),
            None if app.console.can_ask && !self.password_stdin => {
                app.console.ask_text("User name:")?.trim().to_owned()
            }
            None => return Err(missing("a user name")),
        };
        if username.is_empty() || username.contains(|one: char| one == ':' || one.is_control()) {
            let rule = "a user name has at least one character, and no `:`";
            return Err(Error::new(Kind::InvalidInput, rule));
        }
        let password = if self.password_stdin {
            value(app)?
        } else if app.console.can_ask {
            let hold = app.interrupt.hold();
            let answer = app.console.ask_hidden("Password:", &|| hold.go_on())?;
            answer.ok_or_else(|| Error::new(app.interrupt.kind(), "stopped before it was done"))?
        } else {
            return Err(missing("a password"));
        };
        if password.expose_secret().is_empty() {
            return Err(missing("a password"));
        }
        Ok(Credential::Basic { username, password })
    }
}

/// Shows credentials to a registry, and keeps them where it takes them.
///
/// # Errors
/// Where it does not, and where they cannot be kept.
pub(super) fn log_in(
    app: &mut App,
    registry: &Registry,
    choices: &Choices,
    credential: &Credential,
    place: &LoginFile,
) -> Result<()> {
    let reach = app.reach_as(registry, choices, credential.clone())?;
    let greeted = reach.network.wait(reach.network.client.greet(registry));
    reach.tell(app);
    let was_asked = greeted?;
    let file = app.login_file(place)?;
    let kept = login::put(&file, &registry.to_string(), credential);
    match kept.map_err(failure)? {
        Kept::File(path) => app.console.warn(&format!(
            "warning: the credentials are kept in `{}`, which is not encrypted",
            path.display()
        )),
        Kept::Helper(name) => {
            let line = format!("the credentials are kept by `docker-credential-{name}`");
            app.console.note(&line);
        }
    }
    if !was_asked {
        app.console.warn(&format!(
            "warning: `{registry}` did not ask who it is, so that nothing was checked"
        ));
    }
    Ok(())
}

impl Logout {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let registry = registry_of(&self.host)?;
        let host = registry.to_string();
        let mut known = false;
        for file in app.login_files(&self.place.into())? {
            known |= login::remove(&file, &host).map_err(failure)?;
        }
        if !known {
            let message = format!("there are no credentials for `{registry}`");
            return Err(Error::new(Kind::NotFound, message)
                .hint("name their file with `--authfile`, or try `--docker`"));
        }
        app.console.note(&format!("logged out of `{registry}`"));
        Ok(Status::Done)
    }
}

/// Returns a failure to write the file; its helper is none of our config's.
fn failure(error: credentials::Error) -> Error {
    use credentials::Error as E;
    let is_helper = matches!(
        error,
        E::Helper { .. } | E::NoHelper { .. } | E::HelperName { .. }
    );
    let mut failure = Error::from(error);
    if is_helper {
        failure.hints = vec![
            "try it by hand, or name a file without `credsStore` and `credHelpers` with \
             `--authfile`"
                .to_owned(),
        ];
    }
    failure
}

/// Returns the registry that people mean by a host or an address of it.
pub(super) fn registry_of(text: &str) -> Result<Registry> {
    let place = host_of(text);
    if let Some((host, _)) = place.split_once('/')
        && let Ok(registry) = host.parse::<Registry>()
    {
        let message = format!("`{}` is a part of a registry", shorten(text));
        return Err(
            Error::new(Kind::InvalidInput, message).hint(format!("the registry is `{registry}`"))
        );
    }
    place
        .parse()
        .map_err(|error| Error::new(Kind::InvalidInput, format!("{error}")))
}

/// Reads a password or a token from standard input, without its line end.
fn value(app: &mut App) -> Result<SecretString> {
    let refused = |rule: &str| {
        Error::new(
            Kind::InvalidInput,
            format!("what standard input gives {rule}"),
        )
        .hint("pipe it: `echo \"$TOKEN\" | imgdex login HOST -u NAME --password-stdin`")
    };
    let mut text = Zeroizing::new(String::new());
    (&mut app.stdin)
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|_| refused("cannot be read, or is no text"))?;
    if text.len() as u64 > LONGEST {
        return Err(refused("is longer than 64 KiB"));
    }
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(refused("is empty"));
    }
    Ok(SecretString::from(value))
}
