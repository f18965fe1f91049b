//! `imgdex harbor`.

mod copy;
mod immutable;
mod labels;
mod look;
mod projects;
mod publish;
mod remove;
mod robots;
mod rows;
mod scan;
mod scope;
mod server;
mod server_rows;
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
    /// Robots: accounts for machines
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex harbor robots list --project apps
  imgdex harbor robots create ci --project apps --permission push"
    )]
    Robots(robots::Verb),
    Tags(look::Tags),
    Artifacts(look::Artifacts),
    Publish(Box<publish::Publish>),
    Scan(scan::Scan),
    Vulnerabilities(vulnerabilities::Vulnerabilities),
    Copy(copy::Copy),
    Untag(remove::Untag),
    Delete(remove::Delete),
    /// Labels: words that artifacts are marked with
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex harbor labels list --project apps
  imgdex harbor labels add apps/my_cool_app:4.2 tested"
    )]
    Labels(labels::Verb),
    Info(server::Info),
    Health(server::Health),
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Projects(verb) => projects::run(app, verb),
        Verb::Repositories(repositories) => repositories.run(app),
        Verb::Robots(verb) => robots::run(app, verb),
        Verb::Tags(tags) => tags.run(app),
        Verb::Artifacts(artifacts) => artifacts.run(app),
        Verb::Publish(publish) => publish.run(app),
        Verb::Scan(scan) => scan.run(app),
        Verb::Vulnerabilities(vulnerabilities) => vulnerabilities.run(app),
        Verb::Copy(copy) => copy.run(app),
        Verb::Untag(untag) => untag.run(app),
        Verb::Delete(delete) => delete.run(app),
        Verb::Labels(verb) => labels::run(app, verb),
        Verb::Info(info) => info.run(app),
        Verb::Health(health) => health.run(app),
    }
}
