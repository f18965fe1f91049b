//! What a command works with: the console, the settings, the clock, and the
//! catalog, opened only when it is asked for.

pub mod catalogs;
pub mod harbor;
mod interrupt;
pub mod network;
pub mod networks;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalogs::{Access, Opened, Shelf};
pub use interrupt::{Hold, Interrupt};
use networks::Networks;

use crate::catalog::{Catalog, Place};
use crate::config::{Environment, Flags, Settings};
use crate::credentials::{Keeper, ValuesFile};
use crate::domain::change::Actor;
use crate::error::Result;
use crate::ops::secrets::Keepers;
use crate::output::console::{Choices, Console, Stop};
use crate::output::failure::Style;
use crate::output::format::Format;

/// What a command works with.
pub struct App {
    pub console: Console,
    pub stdin: Box<dyn Read>,
    pub environment: Environment,
    pub flags: Flags,
    pub interrupt: Interrupt,
    pub settings: Settings,
    pub format: Format,
    /// How failures are printed.
    pub failures: Style,
    /// Whether its commands are the lines of a shell.
    pub is_shell: bool,
    /// Where catalogs are kept open, in a shell.
    pub shelf: Option<Shelf>,
    /// What is kept of networks, in a shell.
    pub networks: Option<Networks>,
}

impl App {
    /// Returns an app without settings; a command line gives it those.
    #[must_use]
    pub fn new(environment: Environment, interrupt: Interrupt) -> Self {
        Self {
            console: Console::new(Choices::default(), None),
            stdin: Box::new(std::io::stdin()),
            environment,
            flags: Flags::default(),
            interrupt,
            settings: Settings::default(),
            format: Format::default(),
            failures: Style::Plain,
            is_shell: false,
            shelf: None,
            networks: None,
        }
    }

    /// Returns what says whether a line of a shell is to stop where it is.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        let interrupt = self.interrupt.clone();
        let stop = move || interrupt.stops_line();
        self.is_shell.then(|| Arc::new(stop) as Stop)
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
    pub fn read(&self) -> Result<Opened> {
        let place = self.place()?;
        let opened = match &self.shelf {
            Some(shelf) => shelf.open(&place, Access::Reading),
            None => Catalog::open_for_reading(&place).map(Opened::once),
        };
        opened.map_err(|error| located(error.into(), &place.path))
    }

    /// Opens the catalog for writing, making it where there is none.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn write(&self) -> Result<Opened> {
        let place = self.place()?;
        let opened = match &self.shelf {
            Some(shelf) => shelf.open(&place, Access::Writing),
            None => Catalog::open_for_writing(&place).map(Opened::once),
        };
        opened.map_err(|error| located(error.into(), &place.path))
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
