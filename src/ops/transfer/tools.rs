//! Images in the storages of other programs, which only these read and write: they hand
//! an image over as a layout or an archive in a scratch folder, and take it from one.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::domain::name::shorten;
use crate::domain::reference::Reference;
use crate::ops::{Error, Result};
use crate::process::{self, Ended, Output};
use crate::store::files::GoOn;

/// Lines of a program's complaints that are told.
const TOLD: usize = 5;

/// The tag that an image has in a scratch folder.
pub const HANDED_OVER: &str = "image";

/// Whose storage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// That of podman, buildah and skopeo.
    Containers,
    Docker,
}

/// What a program left in the scratch folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Layout,
    DockerArchive,
}

/// A command line: a program and its arguments.
struct Line(&'static str, Vec<OsString>);

impl Line {
    fn new<'a>(program: &'static str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(OsString::from);
        Self(program, arguments.collect())
    }

    fn with(mut self, before: &str, path: &Path, after: &str) -> Self {
        let mut argument = OsString::from(before);
        argument.push(path);
        argument.push(after);
        self.1.push(argument);
        self
    }
}

impl Storage {
    fn transport(self) -> &'static str {
        match self {
            Self::Containers => "containers-storage",
            Self::Docker => "docker-daemon",
        }
    }

    /// Has an image handed over, at that path, which does not exist yet.
    ///
    /// # Errors
    /// For what is no reference, where no program is there that could do it, and where it
    /// fails.
    pub fn hand_over(self, image: &str, path: &Path, go_on: GoOn<'_>) -> Result<Form> {
        check(image)?;
        let tagged = format!(":{HANDED_OVER}");
        let lines = match self {
            Self::Containers => vec![
                (
                    Line::new("podman", ["save", "--quiet", "--format", "oci-dir", "-o"])
                        .with("", path, "")
                        .and(["--", image]),
                    Form::Layout,
                ),
                (
                    Line::new("buildah", ["push", "--quiet", "--", image])
                        .with("oci:", path, &tagged),
                    Form::Layout,
                ),
                (
                    self.by_skopeo(image).with("oci:", path, &tagged),
                    Form::Layout,
                ),
            ],
            Self::Docker => vec![
                (
                    Line::new("docker", ["save", "-o"])
                        .with("", path, "")
                        .and(["--", image]),
                    Form::DockerArchive,
                ),
                (
                    self.by_skopeo(image).with("oci:", path, &tagged),
                    Form::Layout,
                ),
            ],
        };
        let what = format!("cannot read `{}:{}`", self.transport(), shorten(image));
        let (lines, forms): (Vec<Line>, Vec<Form>) = lines.into_iter().unzip();
        let used = self.first(lines, &what, go_on)?;
        Ok(forms.get(used).copied().unwrap_or(Form::Layout))
    }

    /// Has an image taken from an archive: an OCI archive with that name in it, or for
    /// docker one of docker. The name is one of [`Storage::name_for`].
    ///
    /// # Errors
    /// Where no program is there that could do it, and where it fails.
    pub fn take(self, image: &str, file: &Path, go_on: GoOn<'_>) -> Result<()> {
        let place = format!("{}:{image}", self.transport());
        let by_skopeo = |transport: &str| {
            Line::new("skopeo", ["copy", "--quiet", "--"])
                .with(transport, file, "")
                .and([place.as_str()])
        };
        let lines = match self {
            Self::Containers => vec![
                Line::new("podman", ["load", "--quiet", "-i"]).with("", file, ""),
                Line::new("buildah", ["pull", "--quiet", "--"]).with("oci-archive:", file, ""),
                by_skopeo("oci-archive:"),
            ],
            Self::Docker => vec![
                Line::new("docker", ["load", "--quiet", "-i"]).with("", file, ""),
                by_skopeo("docker-archive:"),
            ],
        };
        let what = format!("cannot write `{}`", shorten(&place));
        self.first(lines, &what, go_on)?;
        Ok(())
    }

    /// Returns the name that an image gets. A short one is that of Docker Hub's image, as
    /// skopeo understands it; podman by itself would take it for `localhost/…`.
    ///
    /// # Errors
    /// For what is no reference, or has a digest.
    pub fn name_for(self, image: &str) -> Result<String> {
        let rule = |rule: &str| {
            let place = format!("{}:{image}", self.transport());
            Error::invalid(format!("`{}`: {rule}", shorten(&place)))
        };
        let reference = Reference::parse(image).map_err(|error| rule(&error.to_string()))?;
        match (self, reference.digest()) {
            (_, Some(_)) => Err(rule(
                "an image is called by a tag here, and not by a digest",
            )),
            (Self::Containers, None) => Ok(reference.to_string()),
            (Self::Docker, None) => Ok(image.to_owned()),
        }
    }

    fn by_skopeo(self, image: &str) -> Line {
        let place = format!("{}:{image}", self.transport());
        Line::new("skopeo", ["copy", "--quiet", "--", &place])
    }

    /// Runs the first program of these that is installed, and returns which one.
    fn first(self, lines: Vec<Line>, what: &str, go_on: GoOn<'_>) -> Result<usize> {
        for (at, Line(program, arguments)) in lines.into_iter().enumerate() {
            let mut command = process::command(Path::new(program));
            command.args(arguments);
            if run(command, program, what, go_on)? {
                return Ok(at);
            }
        }
        let hint = match self {
            Self::Containers => {
                "install podman, buildah or skopeo, such as with `apt-get install \
                                 skopeo`"
            }
            Self::Docker => "install docker or skopeo, such as with `apt-get install skopeo`",
        };
        Err(Error::NotFound {
            what: format!("{what}: no program is installed that can"),
            hint: hint.to_owned(),
        })
    }
}

impl Line {
    fn and<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.1.extend(arguments.into_iter().map(OsString::from));
        self
    }
}

/// Refuses what a program could take for something else than a name: no reference
/// begins with `-`. Ids of images are let through.
fn check(image: &str) -> Result<()> {
    let is_id = image.len() == 64 && image.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        return Ok(());
    }
    Reference::check(image).map_err(|error| Error::invalid(error.to_string()))
}

/// Runs a program to its end; false where it is not installed.
fn run(command: Command, program: &str, what: &str, go_on: GoOn<'_>) -> Result<bool> {
    let failed = |cause: String| Error::Tool {
        what: what.to_owned(),
        cause,
    };
    match process::run(command, Output::Complaints, &mut |_| go_on(0)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(format!("`{program}` was not run: {error}"))),
        Ok(Ended::Stopped) => Err(Error::Interrupted),
        Ok(Ended::Itself { status, .. }) if status.success() => Ok(true),
        Ok(Ended::Itself { status, mut lines }) => {
            let last = lines.split_off(lines.len().saturating_sub(TOLD));
            let words: Vec<String> = last.iter().map(|line| shorten(line)).collect();
            Err(failed(match words.is_empty() {
                true => format!("`{program}` ended with {status} and said nothing"),
                false => format!("{program} said: {}", words.join("; ")),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{assert_ends, sleeps, unique};

    fn ran(script: &str, go_on: GoOn<'_>) -> Result<bool> {
        let mut command = process::command(Path::new("sh"));
        command.args(["-c", script]);
        run(command, "sh", "cannot try it", go_on)
    }

    #[test]
    fn a_program_is_quoted_as_itself_and_only_its_last_words() {
        let told = ran(
            "i=0; while [ $i -lt 9 ]; do echo line $i >&2; i=$((i+1)); done; exit 3",
            &mut |_| true,
        );
        let Err(Error::Tool { cause, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(cause, "sh said: line 4; line 5; line 6; line 7; line 8");
        let told = ran("exit 3", &mut |_| true);
        let Err(Error::Tool { cause, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(cause, "`sh` ended with exit status: 3 and said nothing");
    }

    #[test]
    fn a_program_is_ended_with_all_that_it_started() {
        let unique = unique(63);
        let script = format!("(trap '' TERM; exec sleep {unique}) & exec sleep 600");
        let stopped = ran(&script, &mut |_| !sleeps(&unique));
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
        assert_ends(&unique);
    }

    #[test]
    fn what_a_program_could_take_for_an_option_is_refused() {
        for image in ["-o", "--help", "a b", "", "$(x)", "../x"] {
            assert!(check(image).is_err(), "{image:?}");
        }
        for image in ["app:1", "localhost/app", &"a".repeat(64)] {
            assert!(check(image).is_ok(), "{image:?}");
        }
    }
}
