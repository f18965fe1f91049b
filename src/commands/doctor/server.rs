//! `imgdex doctor --server`: a Harbor, and whoever asks it.

use clap::Args;
use serde::Serialize;

use super::told::{
    no_harbor, tell_account, tell_clock, tell_credential, tell_health, tell_project, tell_projects,
};
use super::{Finding, Findings};
use crate::app::App;
use crate::app::harbor::ServerChoice;
use crate::app::network::Choices;
use crate::commands::Status;
use crate::commands::how::How;
use crate::domain::harbor::project_name;
use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::examine::{Examination, examine};
use crate::output::format::Format;
use crate::output::records::{write_list, write_pretty, write_yaml_of};
use crate::registry::Nature;

/// Which Harbor is looked at.
#[derive(Debug, Default, Args)]
pub struct OfServer {
    /// Look at a Harbor instead, and at who asks it [default: the configured one]
    #[arg(
        long,
        value_name = "URL",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with = "context"
    )]
    server: Option<String>,
    /// Look at the Harbor that the config file names: `[harbor.contexts.NAME]`
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Tell whether one may pull, push and scan in this project of the Harbor
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    #[command(flatten)]
    how: How,
}

/// What was found, as one object.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub(super) server: String,
    pub(super) reachable: bool,
    /// `harbor`, `registry` or `other`.
    pub(super) kind: Option<&'static str>,
    pub(super) version: Option<String>,
    pub(super) auth_mode: Option<String>,
    pub(super) health: Option<String>,
    /// Seconds that the server's clock is ahead of ours.
    pub(super) clock_skew: Option<i64>,
    /// Where the credential comes from.
    pub(super) credential: Option<String>,
    pub(super) username: Option<String>,
    /// `accepted`, `refused` or `none`.
    pub(super) login: Option<&'static str>,
    pub(super) account: Option<&'static str>,
    /// `never`, a time, or unset where it is not known.
    pub(super) expires: Option<String>,
    pub(super) permissions: Vec<Permission>,
    pub(super) projects: Vec<Membership>,
    pub(super) project: Option<Rights>,
    pub(super) checks: Vec<Finding>,
}

/// What a robot may do in a project.
#[derive(Debug, Serialize)]
pub struct Permission {
    pub(super) project: String,
    pub(super) access: Vec<String>,
}

/// A project that is seen, and the role in it.
#[derive(Debug, Serialize)]
pub struct Membership {
    pub(super) name: String,
    pub(super) public: bool,
    pub(super) role: Option<&'static str>,
}

/// What one may do in the project that was asked about; unset where it is not known.
#[derive(Debug, Serialize)]
pub struct Rights {
    pub(super) name: String,
    pub(super) role: Option<&'static str>,
    pub(super) pull: Option<bool>,
    pub(super) push: Option<bool>,
    pub(super) scan: Option<bool>,
}

impl OfServer {
    /// Returns whether a Harbor is to be looked at.
    pub fn is_meant(&self) -> bool {
        self.server.is_some() || self.context.is_some() || self.project.is_some()
    }

    pub fn run(self, app: &mut App) -> Result<Status> {
        if let Some(project) = &self.project {
            project_name(project)
                .map_err(|error| Error::new(Kind::InvalidInput, format!("--project: {error}")))?;
        }
        let choice = ServerChoice {
            server: self.server.filter(|server| !server.is_empty()),
            context: self.context,
        };
        let server = app.server(&choice)?;
        let choices = server.choices(Choices::from(self.how));
        let registry = &server.registry;
        let reach = app.reach(&[registry], &choices)?;
        let origin = reach.origin(registry).map(|origin| origin.to_string());
        let network = &reach.network;
        let found = network.wait(examine(&network.client, registry, self.project.as_deref()));
        reach.tell(app);
        let mut report = Report {
            server: registry.to_string(),
            credential: origin,
            ..Report::default()
        };
        let mut checks = Findings::default();
        let failure = told(app, registry, found, &mut report, &mut checks);
        let is_bad = checks.0.iter().any(|finding| finding.status == "problem");
        report.checks = checks.0;
        print(app, &report)?;
        app.console.flush()?;
        match failure {
            Some(failure) => Err(failure),
            None if is_bad => Ok(Status::CheckFailed),
            None => Ok(Status::Done),
        }
    }
}

fn print(app: &mut App, report: &Report) -> std::io::Result<()> {
    let (format, width) = (app.format, app.console.width);
    let out = app.console.out();
    match format {
        Format::Json => write_pretty(out, report),
        Format::Yaml => write_yaml_of(out, report),
        _ => write_list(out, format, width, &report.checks),
    }
}

/// Tells all that was found, and returns what the command fails with.
fn told(
    app: &App,
    registry: &Registry,
    found: Examination,
    report: &mut Report,
    checks: &mut Findings,
) -> Option<Error> {
    let (health, time) = match found.nature {
        Ok(Nature::Harbor { health, time }) => (health, time),
        Ok(nature) => {
            let failure = no_harbor(registry, &nature);
            report.reachable = true;
            report.kind = Some(match nature {
                Nature::Registry => "registry",
                _ => "other",
            });
            checks.add("server", "problem", failure.message.clone());
            return Some(failure);
        }
        Err(error) => {
            let failure = Error::from(error);
            checks.add("server", "problem", failure.line());
            return Some(failure);
        }
    };
    (report.reachable, report.kind) = (true, Some("harbor"));
    let info = found.info.unwrap_or_default();
    let version = info.harbor_version.as_deref().map(shorten);
    let shown = version
        .clone()
        .unwrap_or_else(|| "of a version that it tells to no stranger".to_owned());
    let mode = info.auth_mode.as_deref().map(shorten);
    let by = mode.as_ref().map(|mode| format!(", logins by `{mode}`"));
    checks.add(
        "server",
        "ok",
        format!("`{registry}` is a Harbor {shown}{}", by.unwrap_or_default()),
    );
    (report.version, report.auth_mode) = (version, mode);
    tell_health(&health, report, checks);
    tell_clock(time, report, checks);
    tell_credential(app, registry, report, checks);
    let account = match found.login? {
        Ok(account) => account,
        Err(error) => {
            let failure = Error::from(error);
            if failure.kind == Kind::Denied {
                report.login = Some("refused");
                let line = "; what Harbor still answers to this login is what it shows to anybody";
                checks.add("login", "problem", format!("{}{line}", failure.line()));
            } else {
                checks.add("login", "problem", failure.line());
            }
            return Some(failure);
        }
    };
    tell_account(registry, &account, found.robot.as_ref(), report, checks);
    let mut failure = match found.projects {
        Some(Ok(projects)) => {
            tell_projects(&account.kind, &projects, report, checks);
            None
        }
        Some(Err(error)) => Some(("projects", Error::from(error))),
        None => None,
    };
    match found.project {
        Some(Ok(project)) => tell_project(&project, report, checks),
        Some(Err(error)) => failure = Some(("project", Error::from(error))),
        None => {}
    }
    let (check, failure) = failure?;
    checks.add(check, "problem", failure.line());
    Some(failure)
}
