//! Checking files without a catalog.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use super::read::{Ended, PlatformFile};
use crate::domain::platform::Platform;
use crate::formats::document::Fault;
use crate::ops::error::ItemFault;
use crate::ops::flat_folder::FlatFolder;
use crate::ops::{Error, Result};

/// What was checked.
#[derive(Debug, Default)]
pub struct Validated {
    pub files: u64,
    pub entries: u64,
    /// Faults, each with its place.
    pub faults: Vec<ItemFault>,
    pub bad_files: u64,
}

/// Checks a file, or the files of a folder as an import would take them.
///
/// # Errors
/// [`Error::Unsafe`] for links and special files, [`Error::Read`].
pub fn validate(platform: Platform, path: &Path) -> Result<Validated> {
    let mut check = Check {
        platform,
        validated: Validated::default(),
        names: HashMap::new(),
    };
    let failed = |source| Error::Read {
        name: path.display().to_string(),
        source,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        let file = crate::ops::folder::open_regular(path)?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        check.file(&path.display().to_string(), name, &file)?;
        return Ok(check.validated);
    }
    let mut folder = FlatFolder::open(path)?;
    if folder.files(platform.endings())?.is_empty()
        && let Some(inner) = folder.folder(platform.name())?
    {
        folder = inner;
    }
    for name in folder.files(platform.endings())? {
        let name = name?;
        let file = folder.open_file(&name)?;
        let path = folder.path().join(&name).display().to_string();
        check.file(&path, &name, &file)?;
    }
    Ok(check.validated)
}

struct Check {
    platform: Platform,
    validated: Validated,
    /// Where each name was first.
    names: HashMap<String, String>,
}

impl Check {
    fn file(&mut self, path: &str, name: &OsStr, file: &File) -> Result<()> {
        let before = self.validated.faults.len();
        self.validated.files += 1;
        let platform_file = PlatformFile::new(self.platform, name, file);
        let mut entries = 0;
        let ended = platform_file.for_each(|entry, _| {
            entries += 1;
            match entry.image {
                Err(faults) => self.add(path, faults),
                Ok(_) if entry.is_only_reference => {}
                Ok(incoming) => {
                    let here = format!("{path}:{}", entry.at);
                    let name = incoming.image.config.name;
                    if let Some(first) = self.names.get(&name) {
                        let rule = format!("the name `{name}` is here and at {first}");
                        self.add(path, vec![Fault::new(entry.at, rule)]);
                    } else {
                        self.names.insert(name, here);
                    }
                }
            }
            Ok(())
        })?;
        self.validated.entries += entries;
        match ended {
            Ended::Well => {}
            Ended::Bad(fault) => self.add(path, vec![fault]),
            Ended::Unreadable(source) => {
                return Err(Error::Read {
                    name: path.to_owned(),
                    source,
                });
            }
        }
        self.validated.bad_files += u64::from(self.validated.faults.len() > before);
        Ok(())
    }

    fn add(&mut self, path: &str, faults: Vec<Fault>) {
        self.validated
            .faults
            .extend(faults.into_iter().map(|fault| ItemFault {
                file: path.to_owned(),
                fault,
                item: None,
                exists: false,
            }));
    }
}
