//! `imgdex harbor`.

mod look;
mod projects;
mod publish;
mod rows;
mod scan;
mod server;
mod vulnerabilities;

use clap::Subcommand;

use super::Status;
use crate::app::App;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Projects: list them, look at one, create one
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex harbor projects list
  imgdex harbor projects create apps --public"
    )]
    Projects(projects::Verb),
    Repositories(look::Repositories),
    Tags(look::Tags),
    Artifacts(look::Artifacts),
    Publish(Box<publish::Publish>),
    Scan(scan::Scan),
    Vulnerabilities(vulnerabilities::Vulnerabilities),
    Info(server::Info),
    Health(server::Health),
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Projects(verb) => projects::run(app, verb),
        Verb::Repositories(repositories) => repositories.run(app),
        Verb::Tags(tags) => tags.run(app),
        Verb::Artifacts(artifacts) => artifacts.run(app),
        Verb::Publish(publish) => publish.run(app),
        Verb::Scan(scan) => scan.run(app),
        Verb::Vulnerabilities(vulnerabilities) => vulnerabilities.run(app),
        Verb::Info(info) => info.run(app),
        Verb::Health(health) => health.run(app),
    }
}
