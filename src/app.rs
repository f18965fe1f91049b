//! What a command works with: the console, the settings, the clock, and the
//! catalog, opened only when it is asked for.

pub mod network;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::catalog::{Catalog, Place};
use crate::config::{Environment, Flags, Settings};
use crate::credentials::{Keeper, ValuesFile};
use crate::domain::change::Actor;
use crate::error::{Kind, Result};
use crate::ops::secrets::Keepers;
use crate::output::console::{Choices, Console};
use crate::output::format::Format;

/// How an interrupt (Ctrl-C) ends the program: at once, unless a command has
/// something to clean up first.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// Whether a signal ends the process at once.
    pub at_once: Arc<AtomicBool>,
    /// The exit code that the latest signal stands for; 0 where there was none.
    pub seen: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Returns whether there was a signal.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.seen.load(Ordering::SeqCst) != 0
    }

    /// Returns whether the latest signal was the one to terminate.
    #[must_use]
    pub fn was_to_terminate(&self) -> bool {
        self.seen.load(Ordering::SeqCst) == usize::from(Kind::Terminated.code())
    }

    /// Returns what kind of end the latest signal is.
    pub fn kind(&self) -> Kind {
        if self.was_to_terminate() {
            Kind::Terminated
        } else {
            Kind::Interrupted
        }
    }

    /// Keeps signals from ending the process until the value is dropped.
    #[must_use]
    pub fn hold(&self) -> Hold<'_> {
        self.at_once.store(false, Ordering::SeqCst);
        Hold(self)
    }
}

/// While it lives, an interrupt is only noted.
#[derive(Debug)]
pub struct Hold<'a>(&'a Interrupt);

impl Hold<'_> {
    /// Returns whether the work may go on.
    #[must_use]
    pub fn go_on(&self) -> bool {
        self.0.seen.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.at_once.store(true, Ordering::SeqCst);
    }
}

/// What a command works with.
pub struct App {
    pub console: Console,
    pub stdin: Box<dyn Read>,
    pub environment: Environment,
    pub flags: Flags,
    pub interrupt: Interrupt,
    pub settings: Settings,
    pub format: Format,
    /// Whether its commands are the lines of a shell.
    pub is_shell: bool,
}

impl App {
    /// Returns an app without settings; a command line gives it those.
    #[must_use]
    pub fn new(environment: Environment, interrupt: Interrupt) -> Self {
        Self {
            console: Console::new(Choices::default()),
            stdin: Box::new(std::io::stdin()),
            environment,
            flags: Flags::default(),
            interrupt,
            settings: Settings::default(),
            format: Format::default(),
            is_shell: false,
        }
    }

    /// Returns where the catalog is.
    ///
    /// # Errors
    /// Where there is no home folder, or a bad lock time-out.
    pub fn place(&self) -> Result<Place> {
        Ok(Place {
            path: self.settings.catalog()?,
            lock_timeout: self.settings.lock_timeout()?,
        })
    }

    /// Opens the catalog for reading; a missing one is an empty one.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn read(&self) -> Result<Catalog> {
        let place = self.place()?;
        Catalog::open_for_reading(&place).map_err(|error| located(error.into(), &place.path))
    }

    /// Opens the catalog for writing, making it where there is none.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn write(&self) -> Result<Catalog> {
        let place = self.place()?;
        Catalog::open_for_writing(&place).map_err(|error| located(error.into(), &place.path))
    }

    /// Returns who changes the catalog, and when.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            author: self.settings.get("author").unwrap_or("unknown").to_owned(),
            now: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
        }
    }

    /// Returns where the values of secrets are kept.
    ///
    /// # Errors
    /// Where there is no home folder, or a bad lock time-out.
    pub fn keepers(&self) -> Result<Keepers> {
        let file = ValuesFile {
            path: self.secrets_file()?,
            lock_timeout: self.settings.lock_timeout()?,
        };
        Ok(Keepers {
            current: match self.settings.get("secrets.helper") {
                Some(helper) => Keeper::Helper(helper.to_owned()),
                None => Keeper::File(file.clone()),
            },
            file,
        })
    }

    /// Returns the folder of the store; nothing where it is turned off.
    #[must_use]
    pub fn store(&self) -> Option<PathBuf> {
        let disabled = self
            .settings
            .get("store.disabled")
            .is_some_and(|value| ["1", "true", "yes"].contains(&value));
        let path = self.settings.get("store.path").map(PathBuf::from);
        path.filter(|_| !disabled)
    }

    /// Returns the file that keeps the values of secrets.
    ///
    /// # Errors
    /// Where there is no home folder.
    pub fn secrets_file(&self) -> Result<PathBuf> {
        Ok(self.environment.data_folder()?.join("secrets.json"))
    }
}

/// Names the catalog in a failure to use it.
pub fn located(mut error: crate::error::Error, path: &Path) -> crate::error::Error {
    let path = path.display().to_string();
    if !error.message.contains(&path) {
        error.message = format!("cannot use the catalog `{path}`: {}", error.message);
    }
    error
}
