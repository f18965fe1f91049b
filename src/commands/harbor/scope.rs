//! Whether a project is meant, or the whole server.

use clap::Args;

use crate::domain::harbor::project_name;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::Scope;

/// One of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct OneScope {
    /// Of this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Of the whole server; an administrator's
    #[arg(long)]
    system: bool,
}

/// One of the two, or all that one may see.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct AnyScope {
    /// Of this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Of the whole server; an administrator's
    #[arg(long)]
    system: bool,
}

impl OneScope {
    /// Returns the scope that was named.
    ///
    /// # Errors
    /// Where it is no project that could be.
    pub fn scope(&self) -> Result<Scope> {
        scope(self.project.as_deref(), self.system)
    }
}

impl AnyScope {
    /// Returns the scope that was named; where none was, it is everywhere.
    ///
    /// # Errors
    /// Where it is no project that could be.
    pub fn scope(&self) -> Result<Scope> {
        scope(self.project.as_deref(), self.system)
    }
}

fn scope(project: Option<&str>, system: bool) -> Result<Scope> {
    Ok(match project {
        Some(name) => {
            checked(name)?;
            Scope::Project(name.to_owned())
        }
        None if system => Scope::System,
        None => Scope::Everywhere,
    })
}

/// Checks the name of a project.
///
/// # Errors
/// The rule that it breaks.
pub fn checked(name: &str) -> Result<()> {
    project_name(name).map_err(|error| {
        Error::new(Kind::InvalidInput, error.to_string())
            .hint("`imgdex harbor projects list` shows the projects")
    })
}

/// Returns the options that name a scope, for a command line.
pub fn flags(scope: &Scope) -> String {
    match scope {
        Scope::Project(name) => format!(" --project {name}"),
        Scope::System => " --system".to_owned(),
        Scope::Everywhere => String::new(),
    }
}
