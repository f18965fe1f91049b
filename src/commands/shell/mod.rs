//! `imgdex shell`: many command lines on one app. What a line says is what the
//! command line says; nothing is expanded, piped or redirected.

mod editor;
mod history;
mod privacy;
mod script;
mod watch;
mod words;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use clap::Args;

use super::Status;
use super::line::{self, Options};
use crate::app::App;
use crate::app::catalogs::Shelf;
use crate::app::networks::Networks;
use crate::error::{Error, Kind, Result};
use crate::output::console::Typed as Keyboard;
use crate::output::format::Format;
use crate::registry::Stopped;
use editor::{Editor, Typed};
use script::Script;
use watch::Watch;

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
        let shelf = Shelf::default();
        app.is_shell = true;
        app.shelf = Some(shelf.clone());
        app.networks = Some(Networks::default());
        let ended = if app.console.stdin_is_terminal && io::stdout().is_terminal() {
            converse(app, &shelf)
        } else {
            self.run_script(app)
        };
        app.is_shell = false;
        app.shelf = None;
        app.networks = None;
        ended
    }

    fn run_script(self, app: &mut App) -> Result<Status> {
        let options = Options::of(app);
        let mut script = Script::default();
        let mut first_failure = 0;
        while let Next::Line(words, number) = script.next()? {
            if is_end(&words) {
                break;
            }
            app.stdin = Box::new(io::empty());
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

/// Runs what is typed at the prompt until it is left.
fn converse(app: &mut App, shelf: &Shelf) -> Result<Status> {
    let options = Options::of(app);
    greet(app);
    let (mut editor, told) = Editor::new(app, shelf)?;
    let tell = |app: &mut App, told: Option<String>| {
        if let Some(told) = told {
            app.console.warn(&format!("warning: {told}"));
        }
    };
    tell(app, told);
    let stop = app.stop();
    let watch = Watch::begin(&app.interrupt)?;
    loop {
        watch.at_prompt();
        let typed = editor.read();
        watch.running();
        let (typed, told) = typed?;
        tell(app, told);
        let words = match typed {
            Typed::Line(line) => words::split(&line).unwrap_or_default(),
            Typed::Dropped => continue,
            Typed::End => break,
        };
        if words.is_empty() {
            continue;
        }
        if is_end(&words) {
            break;
        }
        app.stdin = match &stop {
            Some(stop) => Box::new(Keyboard::new(Arc::clone(stop))),
            None => Box::new(io::empty()),
        };
        run(app, &options, &words);
        if app.interrupt.was_to_terminate() {
            return Ok(Status::Ended(Kind::Terminated.code()));
        }
    }
    Ok(Status::Done)
}

/// Says what the shell works on.
fn greet(app: &mut App) {
    let catalog = match app.read().and_then(|catalog| Ok(catalog.info()?)) {
        Ok(info) if info.exists => {
            let many = if info.images == 1 { "" } else { "s" };
            format!("{} ({} image{many})", info.path, info.images)
        }
        Ok(_) => {
            let path = app.settings.get("catalog").unwrap_or_default();
            format!("{path} (does not exist yet)")
        }
        Err(error) => error.line(),
    };
    let store = app.store();
    let store = store.map_or_else(|| "off".to_owned(), |path| path.display().to_string());
    let registry = app.default_registry();
    let registry = registry.map_or_else(|error| error.line(), |registry| registry.to_string());
    for line in [
        format!("imgdex {}", env!("CARGO_PKG_VERSION")),
        format!("catalog   {catalog}"),
        format!("store     {store}"),
        format!("registry  {registry}"),
        "`help` lists the commands, Tab completes, `exit` or Ctrl-D leaves".to_owned(),
    ] {
        app.console.note(&line);
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
    let code = match catch_unwind(AssertUnwindSafe(|| line::run(app, options, &all))) {
        Ok(code) => code,
        Err(payload) if payload.is::<Stopped>() => {
            app.console.warn("error: stopped before it was done");
            Kind::Interrupted.code()
        }
        Err(payload) => resume_unwind(payload),
    };
    // Who logged in or out, or was refused, may be somebody else from now on; and who was
    // interrupted has answers on the way.
    let is_about_credentials = given.iter().any(|word| word == "login" || word == "logout");
    if (is_about_credentials || code == Kind::Denied.code() || app.interrupt.is_seen())
        && let Some(networks) = &mut app.networks
    {
        networks.clear();
    }
    let code = if app.interrupt.stops_line() {
        app.interrupt.kind().code()
    } else {
        code
    };
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
