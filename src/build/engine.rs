//! The programs that build images: which is installed, and how they fail.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::process::command;

/// A failure to build.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{what}")]
    NotInstalled { what: String, hint: String },
    #[error("{what}")]
    Failed {
        what: String,
        lines: Vec<String>,
        /// What may help; empty where that is not known.
        hint: String,
    },
    #[error("cannot write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot {action}")]
    Io {
        action: String,
        #[source]
        source: std::io::Error,
    },
    #[error("stopped before it was done")]
    Interrupted,
}

/// The result of a step.
pub type Result<T> = std::result::Result<T, Error>;

/// A program that builds images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Buildah,
    Podman,
    Docker,
}

impl Program {
    /// In the order in which they are looked for.
    pub const ALL: [Self; 3] = [Self::Buildah, Self::Podman, Self::Docker];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Buildah => "buildah",
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Returns whether it is buildah that builds, by itself or in podman.
    pub(super) fn is_buildah(self) -> bool {
        self != Self::Docker
    }

    /// Returns the program of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// A program that is installed.
#[derive(Debug, Clone)]
pub struct Engine {
    pub program: Program,
    pub(super) path: PathBuf,
    /// Whether there is nothing that it could run containers with.
    pub(super) chroot: bool,
    /// Whether somebody says already how it isolates (`BUILDAH_ISOLATION`).
    pub(super) isolated: bool,
}

/// Which daemon docker talks to, as its user chose (`docker context`).
#[derive(Debug, Clone)]
pub struct Context {
    pub(super) name: String,
    /// The folder with what is known of all of them; none where there is only the default.
    pub folder: Option<PathBuf>,
}

impl Engine {
    /// Returns the program of that name, or the first of all that is installed in one of
    /// the folders of `path`. `isolated` is whether somebody says already how it isolates
    /// containers.
    ///
    /// # Errors
    /// Where none is installed.
    pub fn find(wanted: Option<Program>, path: &OsStr, isolated: bool) -> Result<Self> {
        let installed = |name: &str| {
            let mut places = std::env::split_paths(path).map(|folder| folder.join(name));
            places.find(|place| is_program(place))
        };
        let candidates: Vec<Program> = match wanted {
            Some(program) => vec![program],
            None => Program::ALL.to_vec(),
        };
        for program in candidates {
            if let Some(path) = installed(program.name()) {
                // It may be run in another folder than this one.
                let path = std::path::absolute(&path).unwrap_or(path);
                let has_runtime = ["crun", "runc"]
                    .into_iter()
                    .any(|name| installed(name).is_some());
                return Ok(Self {
                    program,
                    path,
                    chroot: program.is_buildah() && !has_runtime && !isolated,
                    isolated,
                });
            }
        }
        let (what, hint) = match wanted {
            None => (
                "no program is installed that builds images: none of buildah, podman and docker"
                    .to_owned(),
                "install one, such as with `apt-get install buildah`, or write the Job of \
                 a cluster with `--engine kubernetes`"
                    .to_owned(),
            ),
            Some(program) => (
                format!(
                    "`{}` is not installed, and is to build images",
                    program.name()
                ),
                format!(
                    "install it, such as with `apt-get install {}, or name another with \
                     `--engine`",
                    match program {
                        // The client is a package of its own since Debian 13.
                        Program::Docker =>
                            "docker.io` (and `docker-cli`, where that is another package; its \
                             daemon has to run)",
                        Program::Buildah => "buildah`",
                        Program::Podman => "podman`",
                    }
                ),
            ),
        };
        Err(Error::NotInstalled { what, hint })
    }

    /// Returns the daemon that docker talks to; nothing where it does not say. Commands that
    /// are given credentials read nothing of its user's settings, and have to be told.
    #[must_use]
    pub fn context(&self) -> Option<Context> {
        if self.program != Program::Docker {
            return None;
        }
        let mut inspect = command(&self.path);
        let format = "{{.Name}}\n{{.Storage.MetadataPath}}";
        let said = inspect
            .args(["context", "inspect", "--format", format])
            .output()
            .ok()?;
        let text = String::from_utf8(said.stdout).ok()?;
        let (name, path) = text.trim_end().split_once('\n')?;
        // CONTEXTS/meta/ID, or `<IN MEMORY>`.
        let path = Path::new(path);
        let folder = path.ancestors().nth(2).filter(|_| path.is_absolute());
        (said.status.success() && !name.is_empty()).then(|| Context {
            name: name.to_owned(),
            folder: folder.map(Path::to_path_buf),
        })
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.program.name()
    }

    /// Returns whether it hands a registry a token as it is (`registrytoken` of Docker's
    /// config.json); the others read logins and identity tokens alone.
    #[must_use]
    pub fn takes_bearer_tokens(&self) -> bool {
        self.program == Program::Docker
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path);
    metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
