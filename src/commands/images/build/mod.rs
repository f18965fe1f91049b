//! `imgdex images build`.

mod cluster;
mod ends;
pub mod log;
pub mod many;
pub mod one;
mod reuse;

use std::path::PathBuf;

use clap::Args;

use self::many::Many;
use self::one::{Builder, Building, not_built};

use crate::app::App;
use crate::build::Manager;
use crate::commands::complete::image_names;
use crate::commands::{How, Status};
use crate::domain::image::{Image, ImageFilter};
use crate::error::{Error, Kind, Result};
use crate::ops::build;
use crate::output::details::write_details;
use crate::output::format::Format;
use crate::output::images::{ListPrinter, write_image};

/// How many images are named that are left.
const NAMED: usize = 10;

/// Bytes of the largest file for a package manager, as engines take it.
const LARGEST_SECRET: u64 = 500 << 10;

/// Build images of their imageSpec, and push them
///
/// The packages are installed upon the base image as it is now, by buildah, podman or
/// docker: the first that is installed, or that `engine` in `[build]` of the config file
/// names. The image goes to `--push`, or to PREFIX/ID:REVISION (`push-prefix`), and its
/// entry says where (`url`), how far it has come (`jobStatus`) and that it is ready. What
/// was built of the same base image and packages already is not built again. A build that
/// fails leaves the last good one standing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images build science --print
  imgdex images build science --push registry.example.com/team/science:1
  imgdex images build --stale
  imgdex images build science --engine kubernetes --push registry.example.com/team/science:2")]
pub struct Build {
    /// The images' names
    #[arg(value_name = "ID", required_unless_present = "stale", add = image_names())]
    ids: Vec<String>,
    /// Build every image whose spec, or what its base image's tag points to, is another one
    /// than it was built of
    #[arg(long, conflicts_with_all = ["ids", "push", "print", "force"])]
    stale: bool,
    /// Push to this reference instead of PREFIX/ID:REVISION
    #[arg(long, value_name = "REF")]
    push: Option<String>,
    /// The secret to push with [default: `push-secret` in `[build]` of the config file]
    #[arg(long, value_name = "ID")]
    push_secret: Option<String>,
    /// Who builds; `kubernetes` only writes the Job that builds it in a cluster
    #[arg(long, value_name = "NAME", value_parser = ["buildah", "podman", "docker", "kubernetes"])]
    engine: Option<String>,
    /// Only print the Containerfile
    #[arg(long)]
    print: bool,
    /// Build even what was built of the same already
    #[arg(long, conflicts_with = "print")]
    force: bool,
    /// A file for a package manager, there only while it runs: `id=apt` (logins, as of
    /// auth.conf), `id=conda` (a .condarc) or `id=pip` (a pip.conf)
    #[arg(long = "secret", value_name = "id=ID,src=FILE", value_parser = secret)]
    secrets: Vec<(Manager, PathBuf)>,
    #[command(flatten)]
    how: How,
}

/// Reads a secret as engines spell it.
fn secret(text: &str) -> std::result::Result<(Manager, PathBuf), String> {
    let (mut manager, mut file) = (None, None);
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("id", id)) => manager = Manager::from_name(id),
            Some(("src" | "source", path)) if !path.is_empty() => file = Some(PathBuf::from(path)),
            Some(("type", "file")) => {}
            _ => return Err("write it as `id=pip,src=FILE`".to_owned()),
        }
    }
    match (manager, file) {
        (Some(manager), Some(file)) => Ok((manager, file)),
        (None, _) => Err("its id should be `apt`, `conda` or `pip`".to_owned()),
        (_, None) => Err("write it as `id=pip,src=FILE`".to_owned()),
    }
}

impl Build {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let names = match self.stale {
            true => built_before(app)?,
            false => checked(app, self.ids)?,
        };
        if names.len() > 1 && self.push.is_some() {
            let message = "`--push` says where one image goes, but several are named";
            return Err(Error::new(Kind::InvalidInput, message));
        }
        let building = Building {
            engine: self.engine,
            push: self.push,
            push_secret: self.push_secret,
            force: self.force,
            secrets: files(self.secrets)?,
            choices: self.how.into(),
        };
        if self.print {
            for name in &names {
                let image = app.read()?.image(name)?;
                print(app, &building, &image)?;
            }
            return Ok(Status::Done);
        }
        let (built, status) = Many::new(&building, self.stale).build(app, &names)?;
        if building.builder(app) != Builder::Kubernetes {
            show(app, &built)?;
        }
        Ok(status)
    }
}

/// Returns names of images that can be built, each once.
fn checked(app: &App, ids: Vec<String>) -> Result<Vec<String>> {
    let catalog = app.read()?;
    let mut names: Vec<String> = Vec::new();
    for id in ids {
        if !names.contains(&id) {
            build::spec_of(&catalog.image(&id)?)?;
            names.push(id);
        }
    }
    Ok(names)
}

/// Returns the images that a build made, archived ones left out.
fn built_before(app: &mut App) -> Result<Vec<String>> {
    let (mut names, mut never) = (Vec::new(), Vec::new());
    app.read()?
        .for_each_image::<Error>(&ImageFilter::default(), |image| {
            let name = image.config.name.clone();
            match (&image.config.spec, image.config.built()) {
                (Some(_), Some(_)) => names.push(name),
                (Some(_), None) => never.push(name),
                (None, _) => {}
            }
            Ok(())
        })?;
    if !never.is_empty() {
        let (them, are) = match never.len() {
            1 => ("it", "1 image".to_owned()),
            count => ("them", format!("{count} images")),
        };
        let more = if never.len() > NAMED { " …" } else { "" };
        let ids = never.get(..NAMED).unwrap_or(&never).join(" ");
        app.console.note(&format!(
            "left {are} that imgdex did not build yet: `imgdex images build {ids}{more}` builds \
             {them}"
        ));
    }
    Ok(names)
}

/// Returns the files of secrets by their whole paths: engines run elsewhere.
fn files(secrets: Vec<(Manager, PathBuf)>) -> Result<Vec<(Manager, PathBuf)>> {
    let mut whole: Vec<(Manager, PathBuf)> = Vec::new();
    for (manager, file) in secrets {
        let refused = |kind, rule: &str| {
            let message = format!("--secret: `{}` {rule}", file.display());
            Err(Error::new(kind, message))
        };
        let looked = std::fs::canonicalize(&file).and_then(|path| Ok((path.metadata()?, path)));
        let (metadata, path) = match looked {
            Ok(looked) => looked,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return refused(Kind::NotFound, "does not exist");
            }
            Err(error) => {
                return refused(Kind::Io, "cannot be read").map_err(|told| told.because(&error));
            }
        };
        if !metadata.is_file() {
            return refused(Kind::InvalidInput, "is not a file");
        }
        if metadata.len() > LARGEST_SECRET {
            return refused(Kind::InvalidInput, "is larger than 500 KiB");
        }
        if whole.iter().any(|(known, _)| *known == manager) {
            return refused(
                Kind::InvalidInput,
                &format!("is the second one for {}", manager.name()),
            );
        }
        whole.push((manager, path));
    }
    Ok(whole)
}

/// Prints the Containerfile of an image; what its registry does not say is left out.
fn print(app: &mut App, building: &Building, image: &Image) -> Result<()> {
    let spec = build::spec_of(image)?;
    let reference = app.reference(&spec.base_image)?;
    let base = match building.ask_for(app, image, None) {
        Ok(asked) => asked.base,
        Err(error) if error.kind == Kind::Unavailable => {
            app.console.warn(&format!(
                "warning: the base image's digest and user are not known: {}",
                error.line()
            ));
            build::unasked_base(&reference)
        }
        Err(error) => return Err(not_built(image, error)),
    };
    let managers: Vec<Manager> = building
        .secrets
        .iter()
        .map(|(manager, _)| *manager)
        .collect();
    let text = build::written(image, &base, &app.actor().now, &managers)?;
    Ok(app.console.out().write_all(text.as_bytes())?)
}

/// Prints what was built.
fn show(app: &mut App, images: &[Image]) -> Result<()> {
    let format = app.format;
    let width = app.console.width;
    let out = app.console.out();
    match (format, images) {
        (Format::Table | Format::Wide, _) => {
            for image in images {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let pairs = [
                    ("id", image.config.name.as_str().into()),
                    ("url", text(&image.config.url).into()),
                    ("digest", text(&image.seen.url.digest).into()),
                ];
                write_details(out, &pairs)?;
            }
        }
        (format, [image]) => write_image(out, format, image)?,
        (format, images) => {
            let mut printer = ListPrinter::new(format);
            printer.begin(width, out)?;
            for image in images {
                printer.print(image, out)?;
            }
            printer.end(out)?;
        }
    }
    Ok(())
}
