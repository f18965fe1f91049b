//! The environment of the process, and the folders that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Variables beside `IMGDEX_…` that say where files are.
const FOLDERS: [&str; 3] = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];

/// The environment of the process, as it was when the program began.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The names of the variables whose values are not UTF-8.
    unreadable: BTreeSet<String>,
}

impl Environment {
    /// Returns the environment that these variables make. One whose name is not
    /// UTF-8 is none of ours.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    environment.variables.insert(name, value);
                }
                Err(_) => {
                    environment.unreadable.insert(name);
                }
            }
        }
        environment
    }

    /// Returns a variable that is set to something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Refuses a variable of ours that is not UTF-8: were it passed over, another
    /// catalog than the one it names would be used.
    ///
    /// # Errors
    /// For the first such variable.
    pub(super) fn check(&self) -> Result<()> {
        let ours = |name: &&String| name.starts_with("IMGDEX_") || FOLDERS.contains(&name.as_str());
        match self.unreadable.iter().find(ours) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                Kind::InvalidInput,
                format!("the value of the variable `{name}` is not UTF-8"),
            )
            .hint(format!("set `{name}` to a path or word that is"))),
        }
    }

    /// Returns one of the folders of the XDG base directory specification.
    fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        // "All paths set in these environment variables must be absolute. If
        // an implementation encounters a relative path […] it should consider
        // the path invalid and ignore it."
        self.get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(Path::new(self.get("HOME")?).join(below_home)))
    }

    /// Returns the folder that this user's data is kept in.
    ///
    /// # Errors
    /// Where neither it nor the home folder is known.
    pub fn data_folder(&self) -> Result<PathBuf> {
        self.folder("XDG_DATA_HOME", ".local/share")
            .map(|folder| folder.join("imgdex"))
            .ok_or_else(|| homeless("IMGDEX_CATALOG"))
    }

    /// Returns the folder of what is kept from one run to the next but is no data, such
    /// as a history; nothing where there is no home folder.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        self.folder("XDG_STATE_HOME", ".local/state")
            .map(|folder| folder.join("imgdex"))
    }

    pub(super) fn config_folder(&self) -> Option<PathBuf> {
        self.folder("XDG_CONFIG_HOME", ".config")
            .map(|folder| folder.join("imgdex"))
    }
}

/// Returns the failure to find a folder beneath the home folder.
pub(super) fn homeless(instead: &str) -> Error {
    Error::new(
        Kind::InvalidInput,
        "there is no home folder: `HOME` is not set",
    )
    .hint(format!("set `HOME` or `{instead}`"))
}
