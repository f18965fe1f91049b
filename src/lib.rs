//! imgdex: one catalog for all the container images that a team hands out.
//!
//! The map of the house; who may use whom is in `ARCHITECTURE.md`.

mod app;
mod catalog;
mod commands;
mod config;
mod credentials;
mod domain;
mod error;
mod formats;
mod ops;
mod output;
mod registry;
mod store;

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;

pub use app::Interrupt;
pub use config::Environment;
pub use domain::reference;

use app::App;
use commands::{Cli, dispatch, needs_settings};
use config::{Flags, Settings};
use error::{Error, Kind};
use output::console::{Choices, Console};
use output::failure::{self, Style};
use output::format::Format;

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
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, arguments),
    };
    // What the flags ask for, until the settings are known.
    let mut style = style(&cli, &environment);
    let done = load(&cli, &environment).and_then(|(flags, settings)| {
        if settings.get("output") == Some("json") {
            style = Style::Json;
        }
        carry_out(cli, environment, interrupt, (flags, settings))
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            failure::print(&error, style);
            error.kind.code()
        }
    }
}

fn load(cli: &Cli, environment: &Environment) -> error::Result<(Flags, Settings)> {
    let global = &cli.global;
    let flags = Flags {
        catalog: global.catalog.clone(),
        config: global.config.clone(),
        output: if cli.wants_json() {
            Some("json".to_owned())
        } else {
            global.output.clone()
        },
        color: global.color.clone(),
        lock_timeout: global.lock_timeout.clone(),
    };
    let settings = match Settings::load(&flags, environment) {
        Err(_) if !needs_settings(&cli.noun) => Settings::without_file(&flags, environment),
        other => other?,
    };
    Ok((flags, settings))
}

fn carry_out(
    cli: Cli,
    environment: Environment,
    interrupt: Interrupt,
    (flags, settings): (Flags, Settings),
) -> error::Result<u8> {
    let global = cli.global;
    let format = settings
        .get("output")
        .and_then(Format::from_name)
        .unwrap_or_default();
    let mut app = App {
        console: Console::new(Choices {
            quiet: global.quiet,
            verbose: global.verbose > 0,
            no_progress: global.no_progress,
        }),
        stdin: Box::new(std::io::stdin()),
        environment,
        flags,
        interrupt,
        settings,
        format,
    };
    let status = dispatch(&mut app, cli.noun)?;
    app.console.flush()?;
    Ok(status.code())
}

fn style(cli: &Cli, environment: &Environment) -> Style {
    let global = &cli.global;
    if cli.wants_json() || global.output.as_deref() == Some("json") {
        return Style::Json;
    }
    let colored = match global.color.as_deref() {
        Some("always") => true,
        Some("never") => false,
        _ => {
            environment.get("NO_COLOR").is_none()
                && std::io::IsTerminal::is_terminal(&std::io::stderr())
        }
    };
    if colored {
        Style::Colored
    } else {
        Style::Plain
    }
}

/// Answers a command line that is not one: help and versions go to standard
/// output, mistakes to standard error.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> u8 {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match error
                .print()
                .and_then(|()| std::io::Write::flush(&mut std::io::stdout()))
            {
                Ok(()) => 0,
                Err(error) => {
                    let error = Error::from(error);
                    failure::print(&error, Style::Plain);
                    error.kind.code()
                }
            }
        }
        _ if wants_json(arguments) => {
            let text = error.render().to_string();
            let text = text.trim_start_matches("error: ").trim_end();
            failure::print(&Error::new(Kind::InvalidInput, text), Style::Json);
            Kind::InvalidInput.code()
        }
        // It repeats words of the command line, which a terminal would obey.
        _ if arguments.iter().any(|word| {
            let word = word.to_string_lossy();
            output::text::visible(&word) != word
        }) =>
        {
            let text = error.render().to_string();
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                output::text::visible_lines(&text).as_bytes(),
            );
            Kind::InvalidInput.code()
        }
        _ => {
            let _ = error.print();
            Kind::InvalidInput.code()
        }
    }
}

/// Returns whether a command line that could not be parsed asks for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    // There `--json` is followed by an instance.
    let takes_instance = words
        .windows(2)
        .any(|pair| pair[0] == "metadata" && ["create", "update"].contains(&pair[1]));
    words.iter().any(|word| {
        ["-ojson", "-o=json", "--output=json"].contains(word)
            || (*word == "--json" && !takes_instance)
    }) || words
        .windows(2)
        .any(|pair| ["-o", "--output"].contains(&pair[0]) && pair[1] == "json")
}
