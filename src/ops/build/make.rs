//! Making an image of a Containerfile, with an engine: pulled, built, pushed, and
//! nothing left of it on this machine but the log.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Log;
use crate::build::{self, Access, Engine, Manager, Session};
use crate::credentials::{ValuesFile, login};
use crate::domain::credential::Credential;
use crate::domain::reference::{Reference, Registry};
use crate::ops::{Error, Result};

/// How the name of a build's folder for temporary files begins.
const SCRATCH: &str = ".imgdex-build-";

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
pub fn make(making: &Making<'_>, log: &mut Log, go_on: &mut dyn FnMut() -> bool) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir();
    let scratch = scratch.map_err(|source| Error::Write {
        name: "a temporary folder".to_owned(),
        source,
    })?;
    let folder = scratch.path();
    let pull = access(making.base, &folder.join("pull"))?;
    let push = access(making.target, &folder.join("push"))?;
    let target = making.target.reference.to_string();
    let left_over = log.left_over.take();
    let marker = format!("imgdex-build-{}", uuid::Uuid::new_v4().simple());
    log.note(&format!("{marker}\n{}", folder.display()))?;
    if let Some(note) = left_over {
        let (old, scratch) = note.split_once('\n').unwrap_or((&note, ""));
        if is_marker(old) {
            session(making, old, (folder, log), &mut || true).end(&target);
        }
        remove_scratch(Path::new(scratch));
    }
    let mut id = None;
    let made = {
        let mut session = session(making, &marker, (folder, log), go_on);
        let mut steps = || -> std::result::Result<(), build::Error> {
            session.pull(&making.base.reference.to_string(), &pull)?;
            let built = session.build(making.containerfile, making.secrets)?;
            id = Some(built.clone());
            session.push(&built, &target, &push)
        };
        steps()
    };
    session(making, &marker, (folder, log), &mut || true).clean(id.as_deref(), &target);
    log.note("")?;
    made.map_err(|error| match Error::from(error) {
        Error::Build { what, lines, .. } => Error::Build {
            what: format!("image `{}` cannot be built: {what}", making.name),
            lines,
            hint: format!("`imgdex images build-log {}` shows all of it", making.name),
        },
        other => other,
    })
}

fn session<'a>(
    making: &'a Making<'_>,
    marker: &'a str,
    (folder, log): (&'a Path, &'a mut Log),
    go_on: &'a mut dyn FnMut() -> bool,
) -> Session<'a> {
    Session {
        engine: making.engine,
        marker,
        folder,
        log: &mut log.file,
        go_on,
    }
}

/// Removes the folder of a build that was killed, if it is one: credentials lie there.
fn remove_scratch(folder: &Path) {
    let name = folder.file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| name.starts_with(SCRATCH)) {
        // Somebody else may have removed it.
        let _ = fs::remove_dir_all(folder);
    }
}

/// Returns whether a note names a build: it becomes an argument.
fn is_marker(note: &str) -> bool {
    let id = note.strip_prefix("imgdex-build-");
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
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
