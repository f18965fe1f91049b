//! The prompt: editing, completion and history of lines on a terminal.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use clap::CommandFactory;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::{History as _, MemHistory};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use super::history::{History, MOST};
use super::{privacy, words};
use crate::app::App;
use crate::app::catalogs::{Access, Shelf};
use crate::catalog::Place;
use crate::commands::Cli;
use crate::commands::complete::{LONGEST_WAIT, Opener, with_names};
use crate::error::{Error, Kind, Result};
use crate::output::text::visible;

const PROMPT: &str = "imgdex> ";

/// What was done at the prompt.
pub enum Typed {
    Line(String),
    /// Ctrl-C: what was typed is dropped.
    Dropped,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// The editor of lines.
pub struct Editor {
    editor: rustyline::Editor<Line, MemHistory>,
    history: History,
}

/// What is known of a line while it is typed.
struct Line {
    shelf: Shelf,
    place: Option<Place>,
}

impl Editor {
    /// Returns an editor, and what there is to say of its history.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn new(app: &App, shelf: &Shelf) -> Result<(Self, Option<String>)> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .build();
        let mut remembered = MemHistory::new();
        let _ = remembered.set_max_len(MOST);
        let mut history = History::new(app.environment.state_folder());
        let told = match history.load() {
            Ok(lines) => {
                // The file may be from elsewhere, and a terminal obeys what it shows.
                for line in lines.iter().filter(|line| privacy::may_be_kept(line)) {
                    let _ = remembered.add(line);
                }
                None
            }
            Err(told) => Some(told),
        };
        let mut editor =
            rustyline::Editor::with_history(config, remembered).map_err(|error| failure(&error))?;
        editor.set_helper(Some(Line {
            shelf: shelf.clone(),
            place: app.place().ok(),
        }));
        Ok((Self { editor, history }, told))
    }

    /// Returns what is typed, and what there is to say of its history.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn read(&mut self) -> Result<(Typed, Option<String>)> {
        match self.editor.readline(PROMPT) {
            Ok(line) => {
                let mut told = None;
                if privacy::may_be_kept(&line) {
                    let new = self.editor.add_history_entry(line.as_str());
                    // One that was just typed is not kept twice.
                    if new.unwrap_or(true) {
                        told = self.history.add(&line).err();
                    }
                }
                Ok((Typed::Line(line), told))
            }
            Err(ReadlineError::Interrupted) => Ok((Typed::Dropped, None)),
            Err(ReadlineError::Eof) => Ok((Typed::End, None)),
            Err(error) => Err(failure(&error)),
        }
    }
}

fn failure(error: &ReadlineError) -> Error {
    Error::new(Kind::Io, "cannot read from the terminal").because(error)
}

impl Helper for Line {}

impl Hinter for Line {
    type Hint = String;
}

impl Validator for Line {
    /// A line whose quote is open goes on in the next one, as in a shell.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match words::split(context.input()) {
            Some(_) => ValidationResult::Valid(None),
            None => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for Line {
    /// What was pasted is shown, not obeyed.
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        let hidden = |one: char| one != '\n' && one.is_control();
        if line.contains(hidden) {
            Cow::Owned(line.replace(hidden, "?"))
        } else {
            Cow::Borrowed(line)
        }
    }

    fn highlight_char(&self, line: &str, _position: usize, _kind: CmdKind) -> bool {
        line.contains(|one: char| one != '\n' && one.is_control())
    }
}

impl Completer for Line {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (mut before, current) = words::until(&line[..position]);
        if before.first().is_some_and(|first| first == "imgdex") {
            before.remove(0);
        }
        // Help is about a command, and completed as one.
        if before.first().is_some_and(|first| first == "help") {
            before.remove(0);
        }
        let found = self.candidates(&before, &current.text).unwrap_or_default();
        let only = found.len() == 1;
        let pairs = found.into_iter().filter_map(|word| {
            let quoted = current.quoted(&word)?;
            let end = if only && !word.ends_with(['/', '=']) {
                " "
            } else {
                ""
            };
            Some(Pair {
                display: visible(&word).into_owned(),
                replacement: format!("{quoted}{end}"),
            })
        });
        Ok((current.begin, pairs.collect()))
    }
}

impl Line {
    /// Returns the words that the one at the end may become.
    fn candidates(&self, before: &[String], current: &str) -> io::Result<Vec<String>> {
        let mut place = self.place.clone();
        if let Some(place) = &mut place {
            place.lock_timeout = LONGEST_WAIT;
            let named = before.windows(2).rev().find(|pair| pair[0] == "--catalog");
            if let Some([_, path]) = named {
                place.path = path.into();
            }
        }
        let shelf = self.shelf.clone();
        let opener: Opener = Arc::new(move || shelf.open(place.as_ref()?, Access::Reading).ok());
        let mut command = with_names(Cli::command(), &opener);
        let mut arguments = vec![OsString::from("imgdex")];
        arguments.extend(before.iter().map(OsString::from));
        arguments.push(current.into());
        let at = arguments.len() - 1;
        let folder = std::env::current_dir().ok();
        let found =
            clap_complete::engine::complete(&mut command, arguments, at, folder.as_deref())?;
        let mut found: Vec<String> = found
            .iter()
            .filter(|one| !one.is_hide_set())
            .map(|one| one.get_value().to_string_lossy().into_owned())
            .collect();
        if before.is_empty() {
            let ours = ["exit", "help", "quit"];
            found.extend(
                ours.iter()
                    .filter(|word| word.starts_with(current))
                    .map(|&word| word.into()),
            );
            found.retain(|word| word != "shell");
        }
        Ok(found)
    }
}
