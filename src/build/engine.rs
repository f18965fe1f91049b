//! The programs that build images: which is installed, and what each is told.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use super::containerfile::Manager;
use crate::process::{Ended, Output, Watch, command, end_marked, run};

/// Lines of an engine's output that are told where it fails; the log has all of them.
const TOLD: usize = 10;

/// What buildah says, in podman too, where it is the runtime that does not work, not what it runs.
const NO_RUNTIME: &str = "creating container for [";

/// A failure to build.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{what}")]
    NotInstalled { what: String, hint: String },
    #[error("{what}")]
    Failed { what: String, lines: Vec<String> },
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
    fn is_buildah(self) -> bool {
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
    path: PathBuf,
    /// Whether there is nothing that it could run containers with.
    chroot: bool,
    /// Whether somebody says already how it isolates (`BUILDAH_ISOLATION`).
    isolated: bool,
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
                    "install it, such as with `apt-get install {}`, or name another with \
                     `--engine`",
                    match program {
                        Program::Docker => "docker.io",
                        other => other.name(),
                    }
                ),
            ),
        };
        Err(Error::NotInstalled { what, hint })
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path);
    metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// How an engine reaches a registry.
#[derive(Debug, Clone)]
pub struct Access {
    /// A folder with `config.json`, which holds the credentials for it and no others.
    pub folder: PathBuf,
    pub verify_tls: bool,
    /// A folder with certificates to trust.
    pub certificates: Option<PathBuf>,
}

/// One build: the steps share a name that nobody else uses, by which its traces are found.
pub struct Session<'a> {
    pub engine: &'a Engine,
    /// Such as `imgdex-build-…`.
    pub marker: &'a str,
    /// A folder of this build's own.
    pub folder: &'a Path,
    /// One for what the engine writes meanwhile.
    pub temporary: &'a Path,
    pub log: &'a mut File,
    /// Asked whether to go on, and told the engine's last line.
    pub watch: Watch<'a>,
}

impl Session<'_> {
    /// Returns the file that has the id of the image, once it is built.
    fn id(&self) -> PathBuf {
        self.folder.join("id")
    }

    /// Returns the name that the base image has meanwhile.
    fn base(&self) -> String {
        format!("localhost/{}:latest", self.marker)
    }

    /// Has the base image there.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn pull(&mut self, base: &str, access: &Access) -> Result<()> {
        let mut pull = self.command();
        self.reach(&mut pull, access, "pull");
        pull.args(["--", base]);
        self.run(pull, "pull the base image")?;
        if self.engine.program.is_buildah() {
            let mut tag = self.command();
            tag.args(["tag", base, &self.base()]);
            self.run(tag, "name the base image")?;
        }
        Ok(())
    }

    /// Builds what the Containerfile says, and returns the id of the image.
    ///
    /// # Errors
    /// Where that fails: nothing is left of it then.
    pub fn build(&mut self, text: &str, secrets: &[(Manager, PathBuf)]) -> Result<String> {
        let context = self.folder.join("context");
        let file = self.folder.join("Containerfile");
        let written = fs::create_dir(&context).and_then(|()| fs::write(&file, text));
        written.map_err(|source| Error::Write { path: file, source })?;
        let id = self.id();
        let mut built = self.build_once(&id, secrets, self.engine.chroot);
        if let Err(Error::Failed { lines, .. }) = &built
            && self.engine.program.is_buildah()
            && !self.engine.chroot
            && !self.engine.isolated
            && lines.iter().any(|line| line.contains(NO_RUNTIME))
        {
            // There is a runtime, but it does not work here, as in many containers.
            built = self.build_once(&id, secrets, true);
        }
        built?;
        let id = fs::read_to_string(&id).map_err(failed("read the id of the image"))?;
        Ok(id.trim().to_owned())
    }

    fn build_once(
        &mut self,
        id: &Path,
        secrets: &[(Manager, PathBuf)],
        chroot: bool,
    ) -> Result<()> {
        let mut build = self.command();
        build.arg("build");
        if chroot {
            build.args(["--isolation", "chroot"]);
        }
        if self.engine.program == Program::Docker {
            build.args(["--no-cache", "--force-rm"]);
            if !secrets.is_empty() {
                // Its older builder has none; without BuildKit's plugin there is no other.
                build.env("DOCKER_BUILDKIT", "1");
            }
        } else {
            build.args(["--layers=false", "--pull=never", "--force-rm=true"]);
            build.args(["--from", &self.base()]);
        }
        let place = match is_plain(self.folder) {
            true => self.folder,
            false => {
                build.current_dir(self.folder);
                Path::new("")
            }
        };
        for (manager, path) in secrets {
            let path = place.join(path.strip_prefix(self.folder).unwrap_or(path));
            let mut secret = OsString::from(format!("id={},src=", manager.name()));
            secret.push(path);
            build.arg("--secret").arg(secret);
        }
        build.arg("--iidfile").arg(id);
        build.arg("-f").arg(place.join("Containerfile"));
        build.arg(place.join("context"));
        self.run(build, "build")
    }

    /// Pushes an image.
    ///
    /// # Errors
    /// Where that fails.
    pub fn push(&mut self, id: &str, target: &str, access: &Access) -> Result<()> {
        let mut push = self.command();
        if self.engine.program == Program::Docker {
            let mut tag = self.command();
            tag.args(["tag", id, target]);
            self.run(tag, "name the image")?;
            self.reach(&mut push, access, "push");
            push.args(["--", target]);
        } else {
            self.reach(&mut push, access, "push");
            push.args(["--", id, &format!("docker://{target}")]);
        }
        self.run(push, &format!("push `{target}`"))
    }

    /// Ends a build that outlived who began it, and removes what it left.
    pub fn end(&mut self) {
        end_marked(self.marker);
        self.clean();
    }

    /// Removes what a build leaves with the engine: the image, and containers where it was
    /// killed. The base image stays, for the next one. What fails here is nobody's loss.
    pub fn clean(&mut self) {
        let name = self.base();
        let id = fs::read_to_string(self.id()).unwrap_or_default();
        let mut lines: Vec<Vec<&str>> = Vec::new();
        let containers = self.containers();
        for container in &containers {
            lines.push(match self.engine.program {
                Program::Podman => vec!["rm", "-f", container],
                _ => vec!["rm", container],
            });
        }
        if !id.trim().is_empty() {
            // With the name that it has for docker, but not where somebody gave it another.
            lines.push(vec!["rmi", id.trim()]);
        }
        if self.engine.program.is_buildah() {
            lines.push(vec!["rmi", &name]);
        }
        for line in lines {
            let mut command = self.command();
            command.args(line);
            let _ = run(command, Output::Log(self.log), &mut |_| true);
        }
    }

    /// Returns the containers that were made of this build's base image.
    fn containers(&self) -> Vec<String> {
        let mut list = self.command();
        match self.engine.program {
            Program::Buildah => list.args([
                "containers",
                "--format",
                "{{.ContainerID}} {{.ContainerName}}",
            ]),
            Program::Podman => list.args([
                "ps",
                "--all",
                "--external",
                "--format",
                "{{.ID}} {{.Names}}",
            ]),
            Program::Docker => return Vec::new(),
        };
        let listed = list
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let ours = listed.lines().filter_map(|line| {
            let (id, name) = line.split_once(' ')?;
            name.contains(self.marker).then(|| id.to_owned())
        });
        ours.collect()
    }

    fn command(&self) -> Command {
        let mut command = command(&self.engine.path);
        // Where they are removed with it, whoever kills the engine.
        command.env("TMPDIR", self.temporary);
        command
    }

    fn reach(&self, command: &mut Command, access: &Access, verb: &str) {
        if self.engine.program == Program::Docker {
            command.arg("--config").arg(&access.folder).arg(verb);
            return;
        }
        command.arg(verb);
        command
            .arg("--authfile")
            .arg(access.folder.join("config.json"));
        if !access.verify_tls {
            command.arg("--tls-verify=false");
        }
        if let Some(folder) = &access.certificates {
            command.arg("--cert-dir").arg(folder);
        }
    }

    fn run(&mut self, command: Command, what: &str) -> Result<()> {
        let program = self.engine.program.name();
        let ended = run(command, Output::Log(self.log), &mut *self.watch)
            .map_err(failed(&format!("run `{program}` to {what}")))?;
        match ended {
            Ended::Stopped => Err(Error::Interrupted),
            Ended::Itself { status, .. } if status.success() => Ok(()),
            Ended::Itself { status, mut lines } => Err(Error::Failed {
                what: format!("{program} could not {what} ({status})"),
                lines: lines.split_off(lines.len().saturating_sub(TOLD)),
            }),
        }
    }
}

/// Returns whether engines take a path as it is where they split what they take at commas.
fn is_plain(path: &Path) -> bool {
    !path.to_string_lossy().contains([',', '"', '\n'])
}

fn failed(action: &str) -> impl FnOnce(std::io::Error) -> Error {
    let action = action.to_owned();
    |source| Error::Io { action, source }
}
