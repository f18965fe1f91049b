//! One build by an engine: what it is told, step by step, and what is removed after it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::Signal;

use super::containerfile::Manager;
use super::engine::{Context, Engine, Error, Program, Result};
use crate::process::{Ended, Output, Watch, command, end_marked, run};

/// Lines of an engine's output that are told where it fails; the log has all of them.
const TOLD: usize = 10;

/// What buildah says, in podman too, where it is the runtime that does not work, not what it runs.
const NO_RUNTIME: &str = "creating container for [";

/// What may help where an engine was killed, or what it ran.
const KILLED: &str = "it was killed by somebody else, as the system does where memory runs out \
                      (`dmesg` tells): build again with more memory, or fewer packages at once";

/// How an engine reaches a registry.
#[derive(Debug, Clone)]
pub struct Access {
    /// A folder with `config.json`, which holds the credentials for it and no others.
    pub folder: PathBuf,
    pub verify_tls: bool,
    /// A folder with certificates to trust.
    pub certificates: Option<PathBuf>,
}

/// What is built.
#[derive(Debug, Clone, Copy)]
pub struct ToBuild<'a> {
    pub containerfile: &'a str,
    /// Of the manifest, where the engine can give it some.
    pub annotations: &'a [(&'a str, &'a str)],
    /// Files that package managers are shown while they run.
    pub secrets: &'a [(Manager, PathBuf)],
}

/// One build: the steps share a name that nobody else uses, by which its traces are found.
pub struct Session<'a> {
    pub engine: &'a Engine,
    /// That of docker, the same in all steps.
    pub context: Option<&'a Context>,
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
    pub fn build(&mut self, wanted: &ToBuild<'_>) -> Result<String> {
        let context = self.folder.join("context");
        let file = self.folder.join("Containerfile");
        let written =
            fs::create_dir(&context).and_then(|()| fs::write(&file, wanted.containerfile));
        written.map_err(|source| Error::Write { path: file, source })?;
        let id = self.id();
        let mut built = self.build_once(&id, wanted, self.engine.chroot);
        if let Err(Error::Failed { lines, .. }) = &built
            && self.engine.program.is_buildah()
            && !self.engine.chroot
            && !self.engine.isolated
            && lines.iter().any(|line| line.contains(NO_RUNTIME))
        {
            // There is a runtime, but it does not work here, as in many containers.
            built = self.build_once(&id, wanted, true);
        }
        built?;
        let id = fs::read_to_string(&id).map_err(failed("read the id of the image"))?;
        Ok(id.trim().to_owned())
    }

    fn build_once(&mut self, id: &Path, wanted: &ToBuild<'_>, chroot: bool) -> Result<()> {
        let mut build = self.command();
        build.arg("build");
        if chroot {
            build.args(["--isolation", "chroot"]);
        }
        if self.engine.program == Program::Docker {
            build.args(["--no-cache", "--force-rm"]);
            // The builder that is the daemon itself, called as its context: any other keeps
            // what it builds.
            let name = self.context.map_or("default", |context| &context.name);
            build.env("BUILDX_BUILDER", name);
            if !wanted.secrets.is_empty() {
                // Its older builder has none; without BuildKit's plugin there is no other.
                build.env("DOCKER_BUILDKIT", "1");
            }
        } else {
            build.args(["--layers=false", "--pull=never", "--force-rm=true"]);
            build.args(["--from", &self.base()]);
            // It would name the base image as it is called meanwhile.
            for (key, text) in wanted.annotations {
                build.arg("--annotation").arg(format!("{key}={text}"));
            }
        }
        let place = match is_plain(self.folder) {
            true => self.folder,
            false => {
                build.current_dir(self.folder);
                Path::new("")
            }
        };
        for (manager, path) in wanted.secrets {
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
        if let Some(context) = self.context {
            command.env("DOCKER_CONTEXT", &context.name);
        }
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
                hint: match was_killed(status) {
                    true => KILLED.to_owned(),
                    false => String::new(),
                },
            }),
        }
    }
}

/// Returns whether engines take a path as it is where they split what they take at commas.
fn is_plain(path: &Path) -> bool {
    !path.to_string_lossy().contains([',', '"', '\n'])
}

/// Returns whether it was a signal that ended an engine, or what the engine ran.
fn was_killed(status: ExitStatus) -> bool {
    status.signal().is_some() || status.code() == Some(128 + Signal::KILL.as_raw())
}

fn failed(action: &str) -> impl FnOnce(std::io::Error) -> Error {
    let action = action.to_owned();
    |source| Error::Io { action, source }
}
