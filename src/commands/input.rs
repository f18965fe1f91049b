//! Where a command's input comes from: a file or standard input.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Items, Syntax};
use crate::ops::Source;
use crate::ops::pictures::Pictures;
use crate::ops::waiting::Waiting;

/// Returns the input of a command: the file, or standard input where none is
/// named or it is `-`.
///
/// # Errors
/// Where the file cannot be opened.
pub fn source(app: &mut App, file: Option<&Path>) -> Result<Source<Box<dyn Read>>> {
    let (name, input, syntax): (String, Box<dyn Read>, Syntax) = match file {
        Some(path) if path != Path::new("-") => {
            let file = open(path)?;
            let (name, syntax) = (path.display().to_string(), Syntax::of_path(path));
            if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                return Ok(Source {
                    name,
                    items: Items::new(Box::new(file), syntax),
                    rest: None,
                });
            }
            (name, Box::new(file), syntax)
        }
        _ => {
            let stdin: Box<dyn Read> = std::mem::replace(&mut app.stdin, Box::new(io::empty()));
            ("<stdin>".to_owned(), stdin, Syntax::Detect)
        }
    };
    let (input, rest) = Waiting::new(input);
    let is_file = rustix::fs::fstat(io::stdin())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
    Ok(Source {
        items: Items::new(Box::new(input), syntax),
        // A file that standard input is redirected from is there already.
        rest: (name != "<stdin>" || !is_file).then_some(rest),
        name,
    })
}

fn open(path: &Path) -> Result<File> {
    let failed = |error: &io::Error| failed(&path.display().to_string(), error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    if file.metadata().map_err(|error| failed(&error))?.is_dir() {
        return Err(Error::new(
            Kind::InvalidInput,
            format!("`{}` is a folder", path.display()),
        )
        .hint("name a file; a whole folder is applied with `imgdex apply -f FOLDER`"));
    }
    Ok(file)
}

/// An input that can be read more than once.
pub struct Kept {
    name: String,
    syntax: Syntax,
    file: File,
}

impl Kept {
    /// Reads an input to its end, unless it is a file already.
    ///
    /// # Errors
    /// Where it cannot be read, or there is no room for it.
    pub fn of(app: &mut App, file: Option<&Path>) -> Result<Self> {
        let path = file.filter(|path| *path != Path::new("-"));
        let (name, syntax, mut input): (String, Syntax, Box<dyn Read>) = match path {
            Some(path) => {
                let file = open(path)?;
                let (name, syntax) = (path.display().to_string(), Syntax::of_path(path));
                if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                    return Ok(Self { name, syntax, file });
                }
                (name, syntax, Box::new(file))
            }
            None => {
                let stdin = std::mem::replace(&mut app.stdin, Box::new(io::empty()));
                ("<stdin>".to_owned(), Syntax::Detect, stdin)
            }
        };
        let mut kept = || -> io::Result<File> {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut *input, &mut file)?;
            Ok(file)
        };
        let file = kept().map_err(|error| failed(&name, &error))?;
        Ok(Self { name, syntax, file })
    }

    /// Returns the input from its beginning.
    ///
    /// # Errors
    /// Where it cannot be read again.
    pub fn source(&self) -> Result<Source<Box<dyn Read>>> {
        let begin = || -> io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = begin().map_err(|error| failed(&self.name, &error))?;
        Ok(Source {
            name: self.name.clone(),
            items: Items::new(Box::new(file), self.syntax),
            rest: None,
        })
    }
}

fn failed(name: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        _ => Kind::Io,
    };
    Error::new(kind, format!("cannot read `{name}`")).because(error)
}

/// Returns whether there is a person at the keyboard who would have to type the
/// input, and nothing else names it.
pub fn would_wait_for_typing(app: &App, file: Option<&Path>) -> bool {
    file.is_none() && app.console.stdin_is_terminal
}

/// Returns where the pictures are that an input names: beside its file, or in
/// the working folder.
pub fn pictures(app: &App, file: Option<&Path>, dry_run: bool) -> Pictures {
    let pictures = Pictures {
        folder: Path::new("").to_path_buf(),
        store: app.store(),
        dry_run,
    };
    match file {
        Some(file) if file != Path::new("-") => pictures.beside(file),
        _ => pictures,
    }
}
