//! `imgdex images`.

mod build;
mod create;
mod delete;
mod from;
mod groups;
mod history;
mod list;
mod pin;
mod show;
mod update;
mod verify;

use clap::Subcommand;

use super::Status;
use crate::app::App;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Create(create::Create),
    List(Box<list::List>),
    Get(show::Get),
    Update(update::Update),
    Delete(delete::Delete),
    Duplicate(update::Duplicate),
    ListGroups(groups::ListGroups),
    AddGroup(groups::AddGroup),
    RemoveGroup(groups::RemoveGroup),
    Archive(delete::Archive),
    Restore(delete::Restore),
    History(history::History),
    Verify(verify::Verify),
    Pin(pin::Pin),
    Build(Box<build::Build>),
    BuildLog(build::log::BuildLog),
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Create(command) => command.run(app),
        Verb::List(command) => command.run(app),
        Verb::Get(command) => command.run(app),
        Verb::Update(command) => command.run(app),
        Verb::Delete(command) => command.run(app),
        Verb::Duplicate(command) => command.run(app),
        Verb::ListGroups(command) => command.run(app),
        Verb::AddGroup(command) => command.run(app),
        Verb::RemoveGroup(command) => command.run(app),
        Verb::Archive(command) => command.run(app),
        Verb::Restore(command) => command.run(app),
        Verb::History(command) => command.run(app),
        Verb::Verify(command) => command.run(app),
        Verb::Pin(command) => command.run(app),
        Verb::Build(command) => command.run(app),
        Verb::BuildLog(command) => command.run(app),
    }
}
