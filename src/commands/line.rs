//! One command line: parsed, given its settings, carried out, and its failure
//! printed. The program runs one, a shell many on the same [`App`].

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::Parser;
use clap::error::ErrorKind;

use super::{Cli, Global, dispatch, needs_settings};
use crate::app::App;
use crate::config::{Environment, Flags, Settings};
use crate::error::{Error, Kind, Result};
use crate::output::console::{Choices, Console};
use crate::output::failure::{self, Style};
use crate::output::format::Format;
use crate::output::text;

/// The options of every command; those of a shell hold for each of its lines.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub flags: Flags,
    pub choices: Choices,
}

impl Options {
    /// Returns the options of an app.
    pub fn of(app: &App) -> Self {
        Self {
            flags: app.flags.clone(),
            choices: app.console.choices(),
        }
    }

    /// Returns them with what a line says of its own.
    fn with(&self, global: &Global, wants_json: bool) -> Self {
        let flags = &self.flags;
        let json = wants_json.then(|| "json".to_owned());
        let or = |own: &Option<String>, other: &Option<String>| own.clone().or(other.clone());
        Self {
            flags: Flags {
                catalog: global.catalog.clone().or(flags.catalog.clone()),
                config: global.config.clone().or(flags.config.clone()),
                output: json.or(or(&global.output, &flags.output)),
                color: or(&global.color, &flags.color),
                lock_timeout: or(&global.lock_timeout, &flags.lock_timeout),
            },
            choices: Choices {
                quiet: self.choices.quiet || global.quiet,
                verbose: self.choices.verbose || global.verbose > 0,
                no_progress: self.choices.no_progress || global.no_progress,
            },
        }
    }

    /// Makes an app one with these options.
    ///
    /// # Errors
    /// Those of the settings.
    pub fn apply(self, app: &mut App, needs_settings: bool) -> Result<()> {
        let settings = match Settings::load(&self.flags, &app.environment) {
            Err(_) if !needs_settings => Settings::without_file(&self.flags, &app.environment),
            other => other?,
        };
        app.format = settings
            .get("output")
            .and_then(Format::from_name)
            .unwrap_or_default();
        app.settings = settings;
        app.console = Console::new(self.choices, app.stop());
        app.flags = self.flags;
        Ok(())
    }

    fn is_json(&self) -> bool {
        self.flags.output.as_deref() == Some("json")
    }

    /// Returns how failures are printed, as far as options say it.
    fn style(&self, environment: &Environment) -> Style {
        if self.is_json() {
            return Style::Json;
        }
        let colored = match self.flags.color.as_deref() {
            Some("always") => true,
            Some("never") => false,
            _ => environment.get("NO_COLOR").is_none() && io::stderr().is_terminal(),
        };
        if colored {
            Style::Colored
        } else {
            Style::Plain
        }
    }
}

/// Runs one command line, which begins with the name of the program, and
/// returns its exit code. The app has the line's options afterwards.
pub fn run(app: &mut App, options: &Options, words: &[OsString]) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, words, options.is_json()),
    };
    let options = options.with(&cli.global, cli.wants_json());
    // What the flags ask for, until the settings are known.
    let mut style = options.style(&app.environment);
    let done = options
        .apply(app, needs_settings(&cli.noun))
        .and_then(|()| {
            if app.settings.get("output") == Some("json") {
                style = Style::Json;
            }
            app.failures = style;
            let done = dispatch(app, cli.noun);
            // What was answered before it failed comes before the failure.
            let flushed = app.console.flush();
            let status = done?;
            flushed?;
            Ok(status.code())
        });
    match done {
        Ok(code) => code,
        Err(error) => {
            failure::print(&error, style);
            error.kind.code()
        }
    }
}

/// Answers a command line that is not one: help and versions go to standard
/// output, mistakes to standard error.
fn refuse(error: &clap::Error, words: &[OsString], is_json: bool) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match error.print().and_then(|()| io::stdout().flush()) {
                Ok(()) => 0,
                Err(error) => {
                    let error = Error::from(error);
                    failure::print(&error, Style::Plain);
                    error.kind.code()
                }
            }
        }
        _ if is_json || wants_json(words) => {
            let text = error.render().to_string();
            let text = text.trim_start_matches("error: ").trim_end();
            failure::print(&Error::new(Kind::InvalidInput, text), Style::Json);
            Kind::InvalidInput.code()
        }
        // It repeats words of the command line, which a terminal would obey.
        _ if words.iter().any(|word| {
            let word = word.to_string_lossy();
            text::visible(&word) != word
        }) =>
        {
            let text = error.render().to_string();
            let _ = io::stderr().write_all(text::visible_lines(&text).as_bytes());
            Kind::InvalidInput.code()
        }
        _ => {
            let _ = error.print();
            Kind::InvalidInput.code()
        }
    }
}

/// Returns whether a command line that could not be parsed asks for JSON.
fn wants_json(words: &[OsString]) -> bool {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
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
