//! One build by an engine: what it is told, step by step, and what is removed after it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::Signal;

use super::containerfile::Manager;
use super::engine::{Context, Engine, Error, Program, Result};
use crate::process::{Ended, Output, Watch, command, end_marked, run};

/// Lines of an engine's output that are told where it fails; the log has all of them.
const TOLD: usize = 10;

/// How long an engine may take to remove one thing, or to say what there is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of an image's id that are read.
const LONGEST_ID: u64 = 200;

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
    /// What the file in [`Self::folder`] is called that has the id of the image, once it is
    /// built.
    pub const ID: &'static str = "id";

    fn id(&self) -> PathBuf {
        self.folder.join(Self::ID)
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
    /// Where that fails; what is left of it then, [`Self::clean`] removes.
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

    /// Ends a build that outlived who began it, and removes what it left; returns whether
    /// nothing is left.
    pub fn end(&mut self) -> bool {
        end_marked(self.marker);
        self.clean()
    }

    /// Removes what a build leaves with the engine: the image, and containers where it was
    /// killed; returns whether nothing is left. The base image stays, for the next one.
    pub fn clean(&mut self) -> bool {
        self.clean_within(PATIENCE)
    }

    fn clean_within(&mut self, patience: Duration) -> bool {
        let Some(went_well) = self.remove(patience) else {
            return false;
        };
        // An engine refuses what is gone, and what somebody else uses meanwhile.
        went_well || self.has_nothing(patience)
    }

    /// Removes what there is, and returns whether all of it was; nothing where the engine
    /// does not answer: who hangs once is not waited for again.
    fn remove(&mut self, patience: Duration) -> Option<bool> {
        let name = self.base();
        let id = id_in(&self.id());
        let mut lines: Vec<Vec<&str>> = Vec::new();
        let (mut went_well, containers) = self.containers(patience)?;
        for container in &containers {
            lines.push(match self.engine.program {
                Program::Podman => vec!["rm", "-f", container],
                _ => vec!["rm", container],
            });
        }
        if let Some(id) = &id {
            // With the name that it has for docker, but not where somebody gave it another.
            lines.push(vec!["rmi", "--", id]);
        }
        if self.engine.program.is_buildah() {
            lines.push(vec!["rmi", "--", &name]);
        }
        for line in lines {
            let mut command = self.command();
            command.args(line);
            let (succeeded, _) = asked(command, Output::Log(self.log), patience)?;
            went_well &= succeeded;
        }
        Some(went_well)
    }

    /// Returns whether the engine says that it has nothing of this build.
    fn has_nothing(&self, patience: Duration) -> bool {
        let mut list = self.command();
        let reference = format!("reference=localhost/{}", self.marker);
        list.args(["images", "--filter", &reference]);
        let images = asked(list, Output::Lines(self.marker), patience);
        let is_none = |(succeeded, found): (bool, Vec<String>)| succeeded && found.is_empty();
        images.is_some_and(is_none) && self.containers(patience).is_some_and(is_none)
    }

    /// Returns whether the containers that were made of this build's base image are known,
    /// and their ids; nothing where the engine does not answer.
    fn containers(&self, patience: Duration) -> Option<(bool, Vec<String>)> {
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
            Program::Docker => return Some((true, Vec::new())),
        };
        // Podman tells of buildah's containers whatever their names are.
        list.args(["--filter", &format!("name={}", self.marker)]);
        let (succeeded, lines) = asked(list, Output::Lines(self.marker), patience)?;
        let ids = lines.iter().filter_map(|line| {
            let (id, _) = line.split_once(' ')?;
            Some(id.to_owned())
        });
        Some((succeeded, ids.collect()))
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

/// Runs a command for no longer than that, whatever its user is impatient of; returns
/// whether it succeeded, and its lines. Nothing where it does not end by itself.
fn asked(command: Command, output: Output<'_>, patience: Duration) -> Option<(bool, Vec<String>)> {
    let deadline = Instant::now() + patience;
    match run(command, output, &mut |_| Instant::now() < deadline) {
        Ok(Ended::Itself { status, lines }) => Some((status.success(), lines)),
        Ok(Ended::Stopped) | Err(_) => None,
    }
}

/// Returns the id of an image that a file has; nothing where it has anything else.
fn id_in(path: &Path) -> Option<String> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).ok()?;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LONGEST_ID).read_to_string(&mut text).ok()?;
    let id = text.trim();
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    let is_one =
        (12..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| id.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const MARKER: &str = "imgdex-build-test";

    /// Cleans up after a build of an image with that engine in place of buildah; returns
    /// whether nothing is left, and what the engine was asked.
    fn cleaned(script: &str, patience: Duration) -> (bool, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("engine");
        let asked = folder.path().join("asked");
        let script = format!("#!/bin/sh\necho \"$*\" >> {}\n{script}", asked.display());
        // Not by ourselves: what another test starts meanwhile would have it open.
        let mut write = Command::new("sh");
        let line = "printf %s \"$1\" > \"$0\" && chmod +x \"$0\"";
        let written = write.args(["-c", line]).arg(&path).arg(script).status();
        assert!(written.expect("it runs").success());
        fs::write(folder.path().join("id"), "sha256:0123456789abcdef\n").expect("written");
        let engine = Engine {
            program: Program::Buildah,
            path,
            chroot: false,
            isolated: false,
        };
        let mut session = Session {
            engine: &engine,
            context: None,
            marker: MARKER,
            folder: folder.path(),
            temporary: folder.path(),
            log: &mut tempfile::tempfile().expect("a file"),
            watch: &mut |_| true,
        };
        let is_clean = session.clean_within(patience);
        let asked = fs::read_to_string(asked).unwrap_or_default();
        (is_clean, asked.lines().map(str::to_owned).collect())
    }

    #[test]
    fn what_is_left_with_the_engine_is_removed() {
        let (is_clean, asked) = cleaned(
            "[ $1 = containers ] && {\n\
             # Who ends us at the terminal does not end this.\n\
             read -r id name state parent group rest < /proc/$$/stat\n\
             [ $group = $$ ] && echo one imgdex-build-test-working-container\n\
             echo two other-working-container; echo imgdex-build-test >&2; }\n\
             exit 0\n",
            PATIENCE,
        );
        assert!(is_clean);
        assert_eq!(
            asked[1..],
            [
                "rm one",
                "rmi -- sha256:0123456789abcdef",
                "rmi -- localhost/imgdex-build-test:latest"
            ]
        );
    }

    #[test]
    fn what_an_engine_refuses_is_well_where_it_has_nothing() {
        let refuses = "[ $1 = rmi ] && exit 125\n";
        let (is_clean, asked) = cleaned(&format!("{refuses}exit 0\n"), PATIENCE);
        assert!(is_clean);
        assert_eq!(asked.len(), 5);
        let says = |what: &str, line: &str| {
            cleaned(
                &format!("{refuses}[ $1 = {what} ] && {line}\nexit 0\n"),
                PATIENCE,
            )
            .0
        };
        assert!(says("images", "echo localhost/other latest"));
        assert!(!says("images", "echo localhost/imgdex-build-test latest"));
        assert!(!says(
            "containers",
            "echo one imgdex-build-test-working-container"
        ));
        assert!(!says("images", "exit 1"));
        assert!(!says("containers", "exit 1"));
    }

    #[test]
    fn an_engine_that_hangs_is_not_waited_for() {
        for what in ["containers", "rmi"] {
            let script = format!("[ $1 = {what} ] && exec sleep 600\nexit 0\n");
            let begun = Instant::now();
            let (is_clean, asked) = cleaned(&script, Duration::from_millis(300));
            assert!(!is_clean && begun.elapsed() < PATIENCE);
            let hung = asked.iter().filter(|line| line.starts_with(what)).count();
            assert_eq!(
                (hung, asked.last().map(|line| line.starts_with(what))),
                (1, Some(true))
            );
        }
    }

    #[test]
    fn only_an_id_is_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("id");
        let read = |text: &str| {
            fs::write(&path, text).expect("written");
            id_in(&path)
        };
        let digits = "0123456789abcdef".repeat(4);
        for id in [&digits, &digits[..12], &format!("sha256:{digits}")] {
            assert_eq!(read(&format!("{id}\n")).as_deref(), Some(id));
        }
        let long = format!("{digits}{}", " ".repeat(200));
        let other = [
            "",
            "sha256:",
            "--all",
            "localhost/mine",
            &digits[..11],
            &format!("{digits}0"),
            &format!("{digits} {digits}"),
            &format!("sha512:{digits}"),
        ];
        for text in other {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&long).as_deref(), Some(&*digits));
        let link = folder.path().join("link");
        symlink(&path, &link).expect("linked");
        assert_eq!(id_in(&link), None);
        assert_eq!(id_in(folder.path()), None);
        assert_eq!(id_in(&folder.path().join("absent")), None);
    }
}
