//! `imgdex harbor publish`.

mod source;

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::scan::{seconds, severity};
use super::server::{Asked, Where};
use crate::app::{App, Hold};
use crate::catalog::Catalog;
use crate::commands::Status;
use crate::commands::input::pictures;
use crate::domain::harbor::{Severity, project_name};
use crate::domain::image::ImageConfig;
use crate::domain::reference::{Registry, Repository, Tag};
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Node, Position, json as json_text};
use crate::ops;
use crate::ops::harbor::publish::{
    Means, Outcome, Publication, ScanRule, Standing, put, record, standing,
};
use crate::ops::pictures::Pictures;
use crate::output::images::write_image;
use crate::output::transfer::Bars;
use crate::registry::Work;
use source::SourceImage;

/// Publish an image together with its metadata
///
/// The image is copied to Harbor, its metadata is attached to it so that it travels with
/// the image (`imgdex images create --from` finds it again), Harbor's description and
/// labels are set, then the tag, and last of all the catalog gets its row. Whatever fails,
/// no row points at nothing, and the same command run again finishes the work.
///
/// Where source and target are the same image, only the metadata is made.
#[derive(Debug, Args)]
#[command(override_usage = "\
imgdex harbor publish --source-repository NAME --project PROJECT --repository NAME --tag TAG
       --type TYPE --name TEXT [OPTIONS]")]
#[command(after_help = "\
Examples:
  imgdex harbor publish --source-type lab --source-repository my_app_image --source-tag 4.2 \\
    --project apps --repository my_cool_app --tag 1.0 --type app \\
    --name \"Cool app\" --description \"An amazing app.\"
  imgdex harbor publish --source-type registry --source-repository apps/my_cool_app \\
    --source-tag 1.0 --project apps --repository my_cool_app --tag stable --type app \\
    --name \"Cool app\" --wait-scan --fail-on high
  imgdex harbor publish --source-type lab --source-repository oci:build --source-tag dev \\
    --project lab --repository kernels/r --tag 4.4 --type kernel --name \"R 4.4\" -o json")]
pub struct Publish {
    #[command(flatten)]
    source: SourceImage,
    /// Harbor's project that it goes to
    #[arg(long, value_name = "PROJECT")]
    project: String,
    /// The repository in that project
    #[arg(long, value_name = "NAME")]
    repository: String,
    /// The tag that it gets
    #[arg(long, value_name = "TAG")]
    tag: String,
    /// What it is: app, base (or base_image), internal, kernel, lab_app
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What it is for; Harbor shows it with the repository
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What it runs [default: the command of the image itself]
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,
    /// A picture: a URL, an id of AdaLab, or a PNG, JPEG or GIF file of at most 1 MB
    #[arg(long, value_name = "FILE|URL|ID")]
    picture: Option<String>,
    /// A group of the catalog that may use it; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The author [default: IMGDEX_AUTHOR, else LOGNAME, else USER]
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// What the catalog calls it [default: made of repository and tag]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// A label of Harbor's that it gets, beside one for its type; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Set no labels in Harbor
    #[arg(long, conflicts_with = "labels")]
    no_labels: bool,
    /// Leave Harbor's description of the repository as it is
    #[arg(long)]
    keep_description: bool,
    /// Move the tag where it is another image, and replace metadata that is there
    #[arg(long)]
    overwrite: bool,
    /// Scan it, and set the tag only when the scan has come to its end
    #[arg(long)]
    wait_scan: bool,
    /// Do not set the tag where the scan finds something of this severity or graver (exit code
    /// 13)
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    /// How long to wait for the scan, such as 90s, 10m or 1h
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = seconds)]
    scan_timeout: u64,
    #[command(flatten)]
    place: Where,
}

/// The types of AdaLab.
const TYPES: [&str; 5] = ["app", "base", "internal", "kernel", "lab_app"];

fn invalid(field: &str, rule: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidInput, format!("{field}: {rule}"))
}

impl Publish {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let chosen = self.place.clone().choose(app)?;
        let publication = self.publication(app, &chosen.server.registry)?;
        let default = app.default_registry()?;
        let known = self.standing(app, &publication, &default)?;
        self.keep_picture(app)?;

        let interrupt = app.interrupt.clone();
        let mut hold = Some(interrupt.hold());
        let stopped = |error: ops::Error| match error {
            ops::Error::Interrupted => Error::new(
                interrupt.kind(),
                "stopped before it was done; the same command finishes it",
            ),
            error => error.into(),
        };
        let open = {
            let mut go_on = |_| hold.as_ref().is_none_or(Hold::go_on);
            self.source
                .open(app, &publication.registry, &default, &mut go_on)?
        };
        if !open.has_scratch() {
            hold = None;
        }
        let asked = Asked::for_work(app, chosen, Work::Blobs)?;
        let now = app.actor().now;
        let app_store = app.store();
        let quiet = app.console.no_progress;
        let mut bars = Bars::new(!quiet);
        let console = &mut app.console;
        let done = put(
            &publication,
            &known,
            Means {
                network: &asked.reach.network,
                source: &open.source,
                store: app_store.as_deref(),
                now: &now,
                say: &mut |line| console.note(line),
                tick: &mut |blobs| {
                    bars.show(blobs);
                    hold.as_ref().is_none_or(Hold::go_on)
                },
            },
        );
        bars.clear();
        asked.reach.tell(app);
        let done = done.map_err(stopped)?;
        let published = {
            let actor = app.actor();
            let mut catalog = app.write()?;
            record(&mut catalog, actor, &publication, &default, &done)
        };
        let published = published.map_err(|error| {
            let mut error = Error::from(error);
            error.message = format!(
                "the image is in Harbor, but the catalog has no row of it yet: {}",
                error.message
            );
            error.hint("run the same command again to finish it")
        })?;
        let blobs = done.blobs;
        app.console.note(&format!(
            "{} `{}/{}:{}` ({}); blobs: {} sent, {} there already",
            match published.outcome {
                Outcome::Made => "published",
                Outcome::Changed => "published again",
                Outcome::Unchanged => "nothing is new of",
            },
            publication.registry,
            publication.path(),
            publication.tag,
            published.digest,
            blobs.sent,
            blobs.present + blobs.mounted,
        ));
        write_image(app.console.out(), app.format, &published.image)?;
        Ok(Status::Done)
    }

    fn publication(&self, app: &App, registry: &Registry) -> Result<Publication> {
        project_name(&self.project).map_err(|error| invalid("--project", error))?;
        let repository = format!("{}/{}", self.project, self.repository);
        repository
            .parse::<Repository>()
            .map_err(|error| invalid("--repository", error))?;
        let tag = self.tag.parse::<Tag>();
        let tag = tag.map_err(|error| invalid("--tag", error))?;
        let kind = match self.kind.as_str() {
            "base_image" => "base",
            kind if TYPES.contains(&kind) => kind,
            other => {
                let rule = format!("`{other}` is none of {} (or base_image)", TYPES.join(", "));
                return Err(invalid("--type", rule));
            }
        };
        if self.name.trim().is_empty() {
            return Err(invalid("--name", "it should not be empty"));
        }
        let author = self.username.clone();
        let author_was_chosen = author.is_some();
        let author = author.unwrap_or_else(|| app.actor().author);
        let mut document = json!({
            "displayName": self.name,
            "kind": kind,
            "author": author,
            "url": format!("{registry}/{repository}:{tag}"),
        });
        let mut add = |key: &str, value: Option<&String>| {
            if let Some(value) = value {
                document[key] = Value::String(value.clone());
            }
        };
        add("name", self.id.as_ref());
        add("description", self.description.as_ref());
        add("command", self.cmd.as_ref());
        add("picture", self.picture(app)?.as_ref());
        if !self.groups.is_empty() {
            document["groups"] = json!(self.groups);
        }
        for label in &self.labels {
            if label.is_empty() || label.chars().count() > 128 || label.contains(char::is_control) {
                let rule = "a label has 1 to 128 characters, on one line";
                return Err(invalid("--label", rule));
            }
        }
        let mut labels = self.labels.clone();
        labels.sort();
        labels.dedup();
        let type_label = (!self.no_labels).then(|| kind.to_owned());
        let description = self.description.clone().filter(|_| !self.keep_description);
        Ok(Publication {
            registry: registry.clone(),
            project: self.project.clone(),
            repository: self.repository.clone(),
            tag,
            document: tree(&document)?,
            author_was_chosen,
            type_label: type_label.filter(|kind| !labels.contains(kind)),
            labels,
            description,
            overwrite: self.overwrite,
            scan: (self.wait_scan || self.fail_on.is_some()).then_some(ScanRule {
                fail_on: self.fail_on,
                patience: Duration::from_secs(self.scan_timeout),
            }),
        })
    }

    /// Returns what the catalog has of a publication; one that is not there is not made
    /// for what may be refused.
    fn standing(
        &self,
        app: &App,
        publication: &Publication,
        default: &Registry,
    ) -> Result<Standing> {
        let actor = app.actor();
        let found = match app.read()?.is_in_memory() {
            true => standing(&mut Catalog::in_memory()?, actor, publication, default),
            false => standing(&mut *app.write()?, actor, publication, default),
        };
        Ok(found?)
    }

    /// Returns the picture as the catalog keeps it; a file is only looked at.
    fn picture(&self, app: &App) -> Result<Option<String>> {
        self.pictured(&pictures(app, None, true))
    }

    /// Takes a picture that is a file into the store.
    fn keep_picture(&self, app: &App) -> Result<()> {
        self.pictured(&pictures(app, None, false)).map(|_| ())
    }

    fn pictured(&self, pictures: &Pictures) -> Result<Option<String>> {
        let mut config = ImageConfig {
            picture: self.picture.clone(),
            ..ImageConfig::default()
        };
        let taken = pictures.take(&mut config);
        taken.map_err(|fault| invalid("--picture", fault.message))?;
        Ok(config.picture)
    }
}

fn tree(document: &Value) -> Result<Node> {
    json_text::parse(document.to_string().as_bytes(), Position::START).map_err(|fault| {
        Error::new(
            Kind::InvalidInput,
            format!("the metadata cannot be read: {fault}"),
        )
    })
}
