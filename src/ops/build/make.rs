//! Making an image of a Containerfile, with an engine: pulled, built, pushed, and
//! nothing left of it on this machine but the log.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::names::Names;
use super::scratch::Scratch;
use super::{LeftOver, Log};
use crate::build::{self, Access, Context, Engine, Manager, Session, ToBuild};
use crate::credentials::{ValuesFile, login};
use crate::domain::credential::Credential;
use crate::domain::reference::{Reference, Registry};
use crate::ops::{Error, Result};
use crate::process::{Watch, end_marked};

/// How long it is waited for others before what is left is removed all the same.
const A_WHILE: Duration = Duration::from_secs(15);

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
    /// As the spec means it, written out.
    pub base_name: &'a str,
    pub target: &'a Side,
    pub engine: &'a Engine,
    pub secrets: &'a [(Manager, PathBuf)],
}

/// Checks that an engine can use the credential for the registry that it pushes to.
///
/// # Errors
/// Where it would be denied after it has built.
pub fn check(making: &Making<'_>) -> Result<()> {
    let target = &making.target;
    match &target.credential {
        Some(Credential::RegistryToken(_)) if !making.engine.takes_bearer_tokens() => {
            let (engine, registry) = (making.engine.name(), target.reference.registry());
            Err(Error::Denied {
                what: format!(
                    "image `{}` cannot be built: {engine} cannot push to `{registry}` with a \
                     registry's own token (a bearer token)",
                    making.name
                ),
                hint: format!(
                    "log in with a user name and a password, or with an identity token: \
                     `imgdex login {registry}`; in CI, set IMGDEX_REGISTRY_USERNAME and \
                     IMGDEX_REGISTRY_PASSWORD instead of IMGDEX_REGISTRY_TOKEN; docker takes \
                     such a token (`--engine docker`)"
                ),
            })
        }
        _ => Ok(()),
    }
}

/// Returns why a base image was not pulled: nobody knows before whether anybody may.
fn told_of_token(making: &Making<'_>, error: build::Error) -> build::Error {
    let is_unused = matches!(making.base.credential, Some(Credential::RegistryToken(_)))
        && !making.engine.takes_bearer_tokens();
    match error {
        build::Error::Failed { what, lines, .. } if is_unused => build::Error::Failed {
            what,
            lines,
            hint: format!(
                "{} takes no registry's own token (a bearer token): log in to `{}` with a user \
                 name and a password, or with an identity token",
                making.engine.name(),
                making.base.reference.registry()
            ),
        },
        error => error,
    }
}

/// Makes an image and pushes it.
///
/// # Errors
/// Where the engine fails or is told to stop. Nothing is left of the build then but what
/// the engine does not remove; of that a note stays, for who looks next.
pub fn make(making: &Making<'_>, log: &mut Log, watch: Watch<'_>) -> Result<()> {
    let mut scratch = Scratch::begin()?;
    let target = making.target.reference.to_string();
    let context = making.engine.context();
    let engine = (making.engine, context.as_ref());
    log.note(making.engine.program, &scratch.folder)?;
    let pull = access(making.base, &scratch.folder.join("pull"))?;
    let push = access(making.target, &scratch.folder.join("push"))?;
    if let Some(contexts) = context.as_ref().and_then(|context| context.folder.as_ref()) {
        for access in [&pull, &push] {
            let link = access.folder.join("contexts");
            symlink(contexts, &link).map_err(|source| Error::Write {
                name: link.display().to_string(),
                source,
            })?;
        }
    }
    let digest = making.base.reference.digest().map(ToString::to_string);
    let mut annotations = vec![("org.opencontainers.image.base.name", making.base_name)];
    let digest = digest.as_deref();
    annotations.extend(digest.map(|digest| ("org.opencontainers.image.base.digest", digest)));
    let secrets = linked(making.secrets, &scratch.folder.join("secrets"))?;
    let mut names = Names::take(&mut *watch);
    let made = {
        let mut session = session(engine, &scratch, &mut log.file, watch);
        let mut steps = || -> std::result::Result<(), build::Error> {
            let base = making.base.reference.to_string();
            let pulled = session.pull(&base, &pull);
            drop(names.take());
            pulled.map_err(|error| told_of_token(making, error))?;
            let wanted = ToBuild {
                containerfile: making.containerfile,
                annotations: &annotations,
                secrets: &secrets,
            };
            let built = session.build(&wanted)?;
            session.push(&built, &target, &push)
        };
        steps()
    };
    let names = Names::take(&mut soon());
    let is_clean = session(engine, &scratch, &mut log.file, &mut |_| true).clean();
    drop(names);
    scratch.keeps_id = !is_clean;
    // The note is what others find credentials by where this is ended now.
    drop(scratch);
    if is_clean {
        log.forget();
    }
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

/// Ends a build that outlived who began it, and removes what it left; returns whether
/// nothing is left. What an engine keeps stays without it.
pub fn end(mut left_over: LeftOver, engine: Option<&Engine>) -> bool {
    let scratch = left_over.scratch.as_ref();
    let Some(mut scratch) = scratch.and_then(|scratch| Scratch::left(scratch)) else {
        return true;
    };
    let is_clean = match engine {
        Some(engine) => {
            let _names = Names::take(&mut soon());
            let (context, log) = (engine.context(), &mut left_over.log);
            let is_clean = session((engine, context.as_ref()), &scratch, log, &mut |_| true).end();
            // Another program has nothing of it.
            is_clean && left_over.program == Some(engine.program)
        }
        None => {
            end_marked(&scratch.marker);
            false
        }
    };
    scratch.keeps_id = !is_clean;
    is_clean
}

/// Returns what says for a while that one may wait: who cleans up does not wait for a pull
/// that takes long.
fn soon() -> impl FnMut(&str) -> bool {
    let began = Instant::now();
    move |_| began.elapsed() < A_WHILE
}

fn session<'a>(
    (engine, context): (&'a Engine, Option<&'a Context>),
    scratch: &'a Scratch,
    log: &'a mut File,
    watch: Watch<'a>,
) -> Session<'a> {
    Session {
        engine,
        context,
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
