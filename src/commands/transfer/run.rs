//! A copy as the commands ask for it: both ends opened, the blobs shown on their way,
//! and what was copied printed.

use super::super::Status;
use super::places::{Shelf, SourceName, TargetName, reference_of};
use crate::app::catalogs::Opened;
use crate::app::network::{Choices, Reach};
use crate::app::{App, Hold};
use crate::domain::change::Actor;
use crate::domain::reference::Registry;
use crate::domain::stored::{StoredImage, StoredName};
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::store::{Keeping, find, keep, recorded_reference, supersede};
use crate::ops::transfer::{
    Choice, Copied, OpenSource, OpenTarget, Source, Start, Tick, copy, fetch_sif,
};
use crate::output::records::{write_list, write_one};
use crate::output::transfer::Bars;
use crate::registry::{Network, Work};

/// What is copied where.
pub struct Transfer {
    pub source: SourceName,
    pub target: TargetName,
    pub choice: Choice,
    pub all_tags: bool,
    pub choices: Choices,
    /// What a record of the store says that it comes from, where that is not the source.
    pub url: Option<String>,
}

/// Pulls what a record names, and returns the record that it has then.
///
/// # Errors
/// Where it names no image of a registry, and where that cannot be had or kept.
pub fn pull_recorded(app: &mut App, image: &StoredImage, choices: Choices) -> Result<StoredImage> {
    let reference = recorded_reference(image, &app.default_registry()?)?;
    let uri = image.uri.clone();
    let name = StoredName {
        collection: uri.collection.clone(),
        name: uri.name.clone(),
        tag: Some(uri.tag.clone()),
        version: uri.version.clone(),
    };
    let transfer = Transfer {
        source: SourceName::Endpoint(Endpoint::Registry(reference.to_string())),
        target: TargetName::Store(Some(name)),
        choice: Choice::default(),
        all_tags: false,
        choices,
        url: image.url.clone(),
    };
    let (copied, _) = transfer.copied(app)?;
    let kept = copied
        .first()
        .and_then(|one| one.target.strip_prefix("store:"));
    let kept = find(&*app.read()?, kept.unwrap_or_default())?;
    if uri.version.is_none() {
        supersede(&mut *app.write()?, app.actor(), &uri, &kept.uri)?;
    }
    Ok(kept)
}

/// A target that is open.
enum Target {
    Open(Box<OpenTarget>),
    File(std::path::PathBuf),
    Store(Box<InStore>),
}

/// A place in the store, and the catalog that it is recorded in.
struct InStore {
    shelf: Shelf,
    catalog: Opened,
    actor: Actor,
}

impl Transfer {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (copied, failed) = self.copied(app)?;
        for one in &copied {
            if !one.foreign_layers.is_empty() {
                app.console.warn(&format!(
                    "warning: {} layers of {} may not be handed on, and stay where they are",
                    one.foreign_layers.len(),
                    one.source
                ));
            }
        }
        let width = app.console.width;
        match (copied.as_slice(), self.all_tags) {
            ([one], false) => write_one(app.console.out(), app.format, one)?,
            (all, _) => write_list(app.console.out(), app.format, width, all)?,
        }
        Ok(if failed {
            Status::PartlyDone
        } else {
            Status::Done
        })
    }

    /// Copies, and returns what was copied, and whether something could not be.
    pub fn copied(&self, app: &mut App) -> Result<(Vec<Copied>, bool)> {
        if self.all_tags
            && let TargetName::Endpoint(target) = &self.target
            && target.is_one_image()
        {
            let message = format!("`{target}` is one image: `--all-tags` has no place there");
            return Err(Error::new(Kind::InvalidInput, message));
        }
        let default = app.default_registry()?;
        let start = self.source.start(app)?;
        let shelf = self.shelf(app, &start, &default)?;
        let reach = self.reach(app, &start, &default)?;
        let done = self.copy(app, &reach, (&start, shelf), &default);
        reach.tell(app);
        done
    }

    /// Returns the place in the store that the image goes to, where it does.
    fn shelf(&self, app: &App, start: &Start, default: &Registry) -> Result<Option<Shelf>> {
        let TargetName::Store(name) = &self.target else {
            return Ok(None);
        };
        let reference = match start {
            Start::Endpoint(endpoint) => reference_of(endpoint, default),
            _ => None,
        };
        let shelf = Shelf::of(app, name.clone(), reference)?;
        if self.all_tags && name.as_ref().is_some_and(|name| name.tag.is_some()) {
            let message = "with `--all-tags`, name both sides without a tag";
            return Err(Error::new(Kind::InvalidInput, message));
        }
        Ok(Some(shelf))
    }

    fn reach(&self, app: &mut App, start: &Start, default: &Registry) -> Result<Reach> {
        let mut endpoints = Vec::new();
        if let Start::Endpoint(endpoint) = start {
            endpoints.push(endpoint);
        }
        if let TargetName::Endpoint(endpoint) = &self.target {
            endpoints.push(endpoint);
        }
        let of = |endpoint: &&Endpoint| reference_of(endpoint, default);
        let references: Vec<_> = endpoints.iter().filter_map(of).collect();
        let registries: Vec<&Registry> = references.iter().map(|one| one.registry()).collect();
        let choices = Choices {
            work: Work::Blobs,
            ..self.choices.clone()
        };
        app.reach(&registries, &choices)
    }

    fn copy(
        &self,
        app: &mut App,
        reach: &Reach,
        (start, shelf): (&Start, Option<Shelf>),
        default: &Registry,
    ) -> Result<(Vec<Copied>, bool)> {
        let interrupt = app.interrupt.clone();
        // Something would be left on the disk by an end in between.
        let mut hold = Some(interrupt.hold());
        let stopped = |error: ops::Error| match error {
            ops::Error::Interrupted => Error::new(interrupt.kind(), "stopped before it was done"),
            error => error.into(),
        };
        let mut go_on = |_| hold.as_ref().is_none_or(Hold::go_on);
        let source = OpenSource::open(start, default, &mut go_on).map_err(stopped)?;
        let mut target = match (shelf, &self.target) {
            (Some(shelf), _) => Target::Store(Box::new(InStore {
                shelf,
                // Before anything is pulled that could not be recorded.
                catalog: app.write()?,
                actor: app.actor(),
            })),
            (None, TargetName::File(file)) => Target::File(file.clone()),
            (None, TargetName::Endpoint(endpoint)) => {
                let target = OpenTarget::open(endpoint, default).map_err(stopped)?;
                Target::Open(Box::new(target))
            }
            (None, TargetName::Store(_)) => {
                return Err(Error::new(Kind::Failure, "the store is not open"));
            }
        };
        let is_plain = matches!(&target, Target::Open(target) if !target.has_scratch());
        if is_plain && !source.has_scratch() {
            hold = None;
        }
        let go_on = || hold.as_ref().is_none_or(Hold::go_on);
        let network = &reach.network;
        let mut bars = Bars::new(!app.console.no_progress);
        let mut copied = Vec::new();
        let mut failed = false;
        if self.all_tags {
            let tags = source.source.tags(network).map_err(stopped)?;
            let mut first = None;
            for tag in &tags {
                let one = source.source.tagged(tag).map_err(stopped)?;
                let done = self.one(network, &one, (&mut target, Some(tag)), &mut |blobs| {
                    bars.show(blobs);
                    go_on()
                });
                match done {
                    Ok(one) => copied.push(one),
                    Err(ops::Error::Interrupted) => return Err(stopped(ops::Error::Interrupted)),
                    Err(error) => {
                        let error = Error::from(error);
                        if tags.len() == 1 || error.kind == Kind::Io {
                            return Err(error);
                        }
                        bars.clear();
                        app.console.warn(&format!("error: {}", error.line()));
                        first.get_or_insert(error);
                    }
                }
            }
            if tags.is_empty() {
                let message = format!("`{}` has no tags", source.source);
                return Err(Error::new(Kind::NotFound, message));
            }
            // A file is written whole, or stays as it was.
            let is_whole = matches!(&target, Target::Open(target) if target.has_scratch());
            match first {
                Some(error) if copied.is_empty() || is_whole => return Err(error),
                first => failed = first.is_some(),
            }
        } else {
            let source = &source.source;
            let done = self.one(network, source, (&mut target, None), &mut |blobs| {
                bars.show(blobs);
                go_on()
            });
            copied.push(done.map_err(stopped)?);
        }
        bars.clear();
        if let Target::Open(target) = target {
            target.finish(&mut |_| go_on()).map_err(stopped)?;
        }
        Ok((copied, failed))
    }

    /// Copies one image.
    fn one(
        &self,
        network: &Network,
        source: &Source,
        (target, tag): (&mut Target, Option<&str>),
        tick: Tick<'_>,
    ) -> ops::Result<Copied> {
        let choice = &Choice {
            one_platform: matches!(&self.target, TargetName::Endpoint(to) if to.is_one_image()),
            ..self.choice.clone()
        };
        match target {
            Target::Open(target) => {
                let there = match tag {
                    Some(tag) => target.destination.tagged(tag)?,
                    None => target.destination.clone(),
                };
                copy(network, source, &there, choice, tick)
            }
            Target::File(file) => fetch_sif(network, source, file, choice, tick),
            Target::Store(place) => {
                let (name, url) = match tag {
                    Some(tag) => place.shelf.tagged(tag)?,
                    None => place.shelf.plain(),
                };
                let url = self.url.clone().or(url);
                let keeping = Keeping {
                    store: &place.shelf.store,
                    name,
                    url,
                    actor: place.actor.clone(),
                };
                keep(network, &mut place.catalog, source, keeping, choice, tick)
            }
        }
    }
}
