//! `imgdex shell`: many command lines on one app. What a line says is what the
//! command line says; nothing is expanded, piped or redirected.

mod script;
mod words;

use std::ffi::OsString;

use clap::Args;

use super::Status;
use super::line::{self, Options};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::output::format::Format;
use script::Script;

/// The same commands at a prompt, or line by line out of a script
///
/// Each line is a command as it is written after `imgdex` (which may stand there
/// too), with quotes as in a shell, and `#` before what is only for readers. Options
/// given here hold for every line, unless the line says otherwise. Nothing in a line is
/// expanded: `*`, `~`, `$`, `|` and `>` mean themselves.
///
/// On a terminal: Tab completes commands, options and the names in the catalog; Ctrl-C
/// drops a line or stops a command; `exit`, `quit` or Ctrl-D leave. The history lies in
/// `$XDG_STATE_HOME/imgdex/history` (default `~/.local/state/imgdex/history`), without
/// lines that may hold secrets or that begin with a blank.
///
/// Elsewhere the lines of standard input are run in order, and the first one that fails
/// ends it with its exit code. Commands find nothing on standard input there: name files
/// with `-f`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex shell --catalog team.db
  imgdex shell < commands.txt              # stops at the first line that fails
  imgdex shell --keep-going < commands.txt # runs them all")]
pub struct Shell {
    /// In a script, go on after a line that failed; the exit code is that of the first one
    #[arg(short, long)]
    keep_going: bool,
}

/// What there is to run next.
enum Next {
    /// The words of a line, and its number in a script.
    Line(Vec<String>, u64),
    /// Nothing any more.
    End,
}

impl Shell {
    pub fn run(self, app: &mut App) -> Result<Status> {
        if app.is_shell {
            return Err(Error::new(Kind::InvalidInput, "this is the shell already")
                .hint("`exit` leaves it"));
        }
        app.is_shell = true;
        let ended = self.run_script(app);
        app.is_shell = false;
        ended
    }

    fn run_script(self, app: &mut App) -> Result<Status> {
        let options = Options::of(app);
        let mut script = Script::default();
        let mut first_failure = 0;
        loop {
            let (words, number) = match script.next()? {
                Next::Line(words, number) => (words, number),
                Next::End => break,
            };
            if is_end(&words) {
                break;
            }
            app.stdin = Box::new(std::io::empty());
            let code = run(app, &options, &words);
            if code == 0 {
                continue;
            }
            if first_failure == 0 {
                first_failure = code;
            }
            if app.interrupt.is_seen() || !self.keep_going {
                // With JSON asked for, standard error holds nothing but the error.
                if app.format != Format::Json {
                    app.console.note(&format!(
                        "stopped at line {number} (exit code {code}); the rest was not run"
                    ));
                }
                break;
            }
        }
        Ok(Status::Ended(first_failure))
    }
}

fn is_end(words: &[String]) -> bool {
    matches!(words, [word] if word == "exit" || word == "quit")
}

/// Runs a line, and makes the app as it was before it.
fn run(app: &mut App, options: &Options, words: &[String]) -> u8 {
    let given = match words.first() {
        Some(first) if first == "imgdex" => &words[1..],
        _ => words,
    };
    let mut all = vec![OsString::from("imgdex")];
    match given.split_first() {
        Some((first, about)) if first == "help" => {
            all.extend(about.iter().map(OsString::from));
            all.push("--help".into());
        }
        _ => all.extend(given.iter().map(OsString::from)),
    }
    let code = line::run(app, options, &all);
    let of_a_shell = ["|", "||", "&&", "&", ";", ">", ">>", "<", "<<", "2>"];
    if code == Kind::InvalidInput.code()
        && let Some(word) = given
            .iter()
            .find(|word| of_a_shell.contains(&word.as_str()))
    {
        let hint = format!("`{word}` means nothing here: there are no pipes and redirections");
        app.console.hint(&hint);
    }
    // They were good when the shell began; where the config file is not any more, the
    // next line says so.
    let _ = options.clone().apply(app, false);
    code
}
