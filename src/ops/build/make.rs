//! Making an image of a Containerfile, with an engine: pulled, built, pushed, and
//! nothing left of it on this machine but the log.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::scratch::Scratch;
use super::{LeftOver, Log};
use crate::build::{self, Access, Engine, Manager, Session};
use crate::credentials::{ValuesFile, login};
use crate::domain::credential::Credential;
use crate::domain::reference::{Reference, Registry};
use crate::ops::{Error, Result};
use crate::process::{Watch, end_marked};

/// How an engine reaches one of the two registries.
#[derive(Debug, Clone)]
pub struct Side {
    pub reference: Reference,
    pub credential: Option<Credential>,
    pub verify_tls: bool,
    /// Certificates in PEM to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// What is made, and of what.
#[derive(Debug)]
pub struct Making<'a> {
    /// The name of the catalog's entry.
    pub name: &'a str,
    pub containerfile: &'a str,
    /// The base image, by its digest.
    pub base: &'a Side,
    pub target: &'a Side,
    pub engine: &'a Engine,
    pub secrets: &'a [(Manager, PathBuf)],
}

/// Makes an image and pushes it.
///
/// # Errors
/// Where the engine fails or is told to stop; nothing is left of the build then.
pub fn make(making: &Making<'_>, log: &mut Log, watch: Watch<'_>) -> Result<()> {
    let scratch = Scratch::begin()?;
    let target = making.target.reference.to_string();
    let left_over = log.left_over.take();
    if let Some(left_over) = left_over {
        end(&left_over, Some(making.engine), &mut log.file);
    }
    log.note(making.engine.program, &scratch.folder)?;
    let pull = access(making.base, &scratch.folder.join("pull"))?;
    let push = access(making.target, &scratch.folder.join("push"))?;
    let secrets = linked(making.secrets, &scratch.folder.join("secrets"))?;
    let made = {
        let mut session = session(making.engine, &scratch, &mut log.file, watch);
        let mut steps = || -> std::result::Result<(), build::Error> {
            session.pull(&making.base.reference.to_string(), &pull)?;
            let built = session.build(making.containerfile, &secrets)?;
            session.push(&built, &target, &push)
        };
        steps()
    };
    session(making.engine, &scratch, &mut log.file, &mut |_| true).clean();
    log.forget();
    made.map_err(|error| match Error::from(error) {
        Error::Build { what, lines, hint } => {
            let log = format!("`imgdex images build-log {}` shows all of it", making.name);
            Error::Build {
                what: format!("image `{}` cannot be built: {what}", making.name),
                lines,
                hint: match hint.is_empty() {
                    true => log,
                    false => format!("{hint}; {log}"),
                },
            }
        }
        other => other,
    })
}

/// Ends a build that outlived who began it, and removes what it left; without an engine
/// what the engine itself keeps stays.
pub fn end(left_over: &LeftOver, engine: Option<&Engine>, log: &mut File) {
    let Some(scratch) = Scratch::left(&left_over.scratch) else {
        return;
    };
    match engine {
        Some(engine) => session(engine, &scratch, log, &mut |_| true).end(),
        None => end_marked(&scratch.marker),
    }
}

fn session<'a>(
    engine: &'a Engine,
    scratch: &'a Scratch,
    log: &'a mut File,
    watch: Watch<'a>,
) -> Session<'a> {
    Session {
        engine,
        marker: &scratch.marker,
        folder: &scratch.folder,
        temporary: &scratch.temporary,
        log,
        watch,
    }
}

/// Returns the files of secrets by links to them: engines split what they are told of a
/// secret at commas, which a path may have. A link leaves the value where it is.
fn linked(secrets: &[(Manager, PathBuf)], folder: &Path) -> Result<Vec<(Manager, PathBuf)>> {
    let cannot_write = |source| Error::Write {
        name: folder.display().to_string(),
        source,
    };
    fs::create_dir(folder).map_err(cannot_write)?;
    let linked = secrets.iter().map(|(manager, file)| {
        let link = folder.join(manager.name());
        symlink(file, &link).map_err(cannot_write)?;
        Ok((*manager, link))
    });
    linked.collect()
}

/// Writes what an engine needs to reach a registry: the credential for it, readable for
/// nobody else, and the certificates.
fn access(side: &Side, folder: &Path) -> Result<Access> {
    let cannot_write = |source| Error::Write {
        name: folder.display().to_string(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder.mode(0o700).create(folder).map_err(cannot_write)?;
    let path = folder.join("config.json");
    let registry: &Registry = side.reference.registry();
    match &side.credential {
        Some(credential) => {
            let place = ValuesFile {
                path,
                lock_timeout: Duration::from_secs(5),
            };
            login::put(&place, &registry.to_string(), credential)?;
        }
        // So that no other file is looked into.
        None => {
            let mut options = OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o600).open(&path);
            let mut file = made.map_err(cannot_write)?;
            file.write_all(b"{\"auths\": {}}\n").map_err(cannot_write)?;
        }
    }
    let certificates = match &side.ca_file {
        None => None,
        Some(file) => {
            let certificates = folder.join("certificates");
            fs::create_dir(&certificates).map_err(cannot_write)?;
            fs::copy(file, certificates.join("ca.crt")).map_err(|source| Error::Read {
                name: file.display().to_string(),
                source,
            })?;
            Some(certificates)
        }
    };
    Ok(Access {
        folder: folder.to_path_buf(),
        verify_tls: side.verify_tls,
        certificates,
    })
}
