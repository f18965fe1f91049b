//! The command line: argv → ops → output. The only place that knows clap.

mod apply;
mod catalog;
mod complete;
mod config;
mod diff;
mod doctor;
mod groups;
mod harbor;
mod how;
mod images;
mod input;
pub mod line;
mod login;
mod man;
mod metadata;
mod registry;
mod secrets;
mod shell;
mod store;
mod transfer;
mod verifying;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, value_parser};

use crate::app::App;
use crate::error::Result;

pub use complete::answer as answer_completion;
use how::How;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Done,
    /// What was compared differs, or a check found something (exit code 13).
    CheckFailed,
    /// Some of many were left out (exit code 3).
    PartlyDone,
    /// Some of what was asked for is not ours to see (exit code 5).
    Denied,
    /// Some of those that were asked are not there for now (exit code 6).
    Unavailable,
    /// Some answers were not what they must be (exit code 7).
    Violation,
    /// What it ran ended with this exit code.
    Ended(u8),
}

impl Status {
    /// Returns the exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::PartlyDone => 3,
            Self::Denied => 5,
            Self::Unavailable => 6,
            Self::Violation => 7,
            Self::CheckFailed => 13,
            Self::Ended(code) => code,
        }
    }
}

/// What the global flag `--json` is without and with it: no instance of `metadata
/// create --json TEXT`, which has the same id.
const JSON_OFF: &str = "\u{1}off";
const JSON_ON: &str = "\u{1}on";

const EXIT_CODES: &str = "\
Exit codes:
   0  done                        8  the catalog is damaged, or newer than this program
   1  unclassified failure        9  the catalog stayed locked past the time-out
   2  bad command line or input  10  local I/O: disk full, permission, read-only
   3  partly done                11  refused for safety
   4  not found                  12  conflict: it already exists
   5  not authenticated, denied  13  a check failed (verify, diff, scan, policy)
   6  remote unavailable        130  interrupted
   7  integrity violation       143  terminated

Examples:
  imgdex images create -f image.json     # add an image to the catalog
  imgdex images list                     # see what the catalog holds
  imgdex images add-group base research  # let a group use an image
  imgdex doctor                          # see what imgdex works with";

/// One catalog for all the container images that a team hands out.
#[derive(Debug, Parser)]
#[command(
    name = "imgdex",
    version,
    propagate_version = true,
    after_help = EXIT_CODES,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub noun: Noun,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The catalog's file [env: IMGDEX_CATALOG] [default: $XDG_DATA_HOME/imgdex/catalog.db]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        help_heading = "Global options"
    )]
    pub catalog: Option<PathBuf>,
    /// The config file [env: IMGDEX_CONFIG] [default: $XDG_CONFIG_HOME/imgdex/config.toml]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        help_heading = "Global options"
    )]
    pub config: Option<PathBuf>,
    /// How answers are printed
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORM",
        value_parser = ["table", "wide", "json", "yaml", "csv", "name"],
        help_heading = "Global options"
    )]
    pub output: Option<String>,
    /// Short for `-o json`
    // A string, because `metadata create` has an option of the same id that takes one.
    #[arg(
        long,
        global = true,
        action = ArgAction::SetTrue,
        value_parser = value_parser!(String),
        default_value = JSON_OFF,
        default_missing_value = JSON_ON,
        conflicts_with = "output",
        help_heading = "Global options"
    )]
    pub json: String,
    /// Print nothing but answers and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more of what is done
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Whether to colour messages [env: NO_COLOR]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_parser = ["auto", "always", "never"],
        help_heading = "Global options"
    )]
    pub color: Option<String>,
    /// Show no progress
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_progress: bool,
    /// How long to wait for another process's lock on the catalog [env: IMGDEX_LOCK_TIMEOUT]
    /// [default: 60]
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        help_heading = "Global options"
    )]
    pub lock_timeout: Option<String>,
}

/// What a command is about.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// The images of the catalog
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex images create -f image.json
  imgdex images list --group research
  imgdex images update base -f change.yaml"
    )]
    Images(images::Verb),
    /// The groups that may use images
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex groups create teaching --display-name 'Teaching'
  imgdex groups list"
    )]
    Groups(groups::Verb),
    /// Pull secrets and other secrets: descriptions here, values elsewhere
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex secrets create -f secret.json
  imgdex secrets list"
    )]
    Secrets(secrets::Verb),
    /// Catalogs as files: Elyra's runtime images, and those of other platforms
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex metadata import runtime-images --directory metadata
  imgdex metadata list
  imgdex metadata export kubespawner --all --directory hub"
    )]
    Metadata(metadata::Verb),
    /// Images kept or recorded on this machine
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex store add tool.sif --name lab/tool
  imgdex store get lab/old"
    )]
    Store(store::Verb),
    /// Registries: look at what they hold, and delete it
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex registry tags quay.io/jupyter/base-notebook
  imgdex registry digest alpine:3
  imgdex registry inspect alpine:3 -o json"
    )]
    Registry(registry::Verb),
    /// Harbor: look around, publish with metadata, robots, scans
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex harbor projects list --server https://harbor.example.com
  imgdex harbor repositories apps
  imgdex harbor artifacts apps/my_cool_app --newest 5"
    )]
    Harbor(harbor::Verb),
    /// The catalog's file: look after it
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex catalog info
  imgdex catalog backup catalog.db"
    )]
    Catalog(catalog::Verb),
    Apply(apply::Apply),
    Diff(diff::Diff),
    /// The settings in force
    #[command(
        subcommand,
        after_help = "\
Examples:
  imgdex config show"
    )]
    Config(config::Verb),
    Copy(transfer::Copy),
    Pull(transfer::Pull),
    Push(transfer::Push),
    Tag(transfer::Tag),
    Login(login::Login),
    Logout(login::Logout),
    Completions(complete::Completions),
    Man(man::Man),
    Doctor(doctor::Doctor),
    Shell(shell::Shell),
}

impl Cli {
    /// Returns whether the answer is to be JSON.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        let takes_instance = matches!(
            self.noun,
            Noun::Metadata(metadata::Verb::Create(_) | metadata::Verb::Update(_))
        );
        match self.global.json.as_str() {
            JSON_OFF => false,
            JSON_ON => true,
            // It is the instance itself.
            _ => !takes_instance,
        }
    }
}

/// Carries out a command.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn dispatch(app: &mut App, noun: Noun) -> Result<Status> {
    match noun {
        Noun::Images(verb) => images::run(app, verb),
        Noun::Groups(verb) => groups::run(app, verb),
        Noun::Secrets(verb) => secrets::run(app, verb),
        Noun::Metadata(verb) => metadata::run(app, verb),
        Noun::Store(verb) => store::run(app, verb),
        Noun::Registry(verb) => registry::run(app, verb),
        Noun::Harbor(verb) => harbor::run(app, verb),
        Noun::Catalog(verb) => catalog::run(app, verb),
        Noun::Apply(apply) => apply.run(app),
        Noun::Diff(diff) => diff.run(app),
        Noun::Config(verb) => config::run(app, &verb),
        Noun::Copy(copy) => copy.run(app),
        Noun::Pull(pull) => pull.run(app),
        Noun::Push(push) => push.run(app),
        Noun::Tag(tag) => tag.run(app),
        Noun::Login(login) => login.run(app),
        Noun::Logout(logout) => logout.run(app),
        Noun::Completions(completions) => completions.run(app),
        Noun::Man(man) => man.run(app),
        Noun::Doctor(doctor) => doctor.run(app),
        Noun::Shell(shell) => shell.run(app),
    }
}

/// Returns whether a command works without a config file that can be read.
#[must_use]
pub fn needs_settings(noun: &Noun) -> bool {
    match noun {
        Noun::Completions(_) | Noun::Man(_) => false,
        Noun::Doctor(doctor) => doctor.is_of_server(),
        _ => true,
    }
}

/// Asks before something is deleted, on a terminal and where `--yes` does not
/// answer; elsewhere it is done.
fn confirmed(app: &mut App, yes: bool, question: &str) -> Result<bool> {
    if yes || !app.console.can_ask {
        return Ok(true);
    }
    let answer = app.console.ask(question)?;
    if !answer {
        app.console.note("nothing was done");
    }
    Ok(answer)
}

/// Returns names for a sentence: each quoted.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
