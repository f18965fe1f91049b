//! imgdex: one catalog for all the container images that a team hands out.
//!
//! The map of the house; who may use whom is in `ARCHITECTURE.md`.

mod app;
mod build;
mod catalog;
mod commands;
mod config;
mod credentials;
mod domain;
mod error;
mod formats;
mod ops;
mod output;
mod process;
mod registry;
mod store;

use std::ffi::OsString;
use std::path::Path;

pub use app::Interrupt;
pub use config::Environment;
pub use domain::reference;

use app::App;
use commands::line;

/// Runs the program once and returns its exit code.
///
/// `arguments` begin with the name of the program; `folder` is the working
/// folder, where there is one.
#[must_use]
pub fn run(
    arguments: &[OsString],
    environment: Environment,
    folder: Option<&Path>,
    interrupt: Interrupt,
) -> u8 {
    if commands::answer_completion(&environment, arguments, folder) {
        return 0;
    }
    let mut app = App::new(environment, interrupt);
    line::run(&mut app, &line::Options::default(), arguments)
}
