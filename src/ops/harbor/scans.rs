//! Many scans at once: each digest once, one that fails being of itself only; and what
//! the catalog keeps of what they find.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::AT_ONCE;
use super::scan::{Timing, start_of, wait};
use crate::catalog::{Catalog, Referring};
use crate::domain::change::Actor;
use crate::domain::harbor::{Artifact, ScanStatus, ScanSummary};
use crate::domain::reference::{Reference, Registry};
use crate::domain::scanned::Scanned;
use crate::domain::sighting::Sighting;
use crate::ops::{Error, Result};
use crate::registry::{self, Harbor, Reason, at_most};

/// What is to be scanned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub project: String,
    pub repository: String,
    /// A tag or digest.
    pub identifier: String,
}

impl Wanted {
    /// Returns what a reference names; nothing where it is in no project.
    #[must_use]
    pub fn of(reference: &Reference) -> Option<Self> {
        let path = reference.repository().to_string();
        let (project, repository) = path.split_once('/')?;
        Some(Self {
            project: project.to_owned(),
            repository: repository.to_owned(),
            identifier: reference.identifier().to_owned(),
        })
    }

    /// Returns it as commands take it.
    #[must_use]
    pub fn shown(&self, registry: &Registry) -> String {
        let mark = if self.identifier.contains(':') {
            '@'
        } else {
            ':'
        };
        let (project, repository) = (&self.project, &self.repository);
        format!("{registry}/{project}/{repository}{mark}{}", self.identifier)
    }
}

/// What became of one of many.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was asked for and not waited for; what was known before, where it is over.
    Requested(Option<ScanSummary>),
    Found(ScanSummary),
    /// In one line.
    Failed(String),
}

/// One of many.
#[derive(Debug, Clone)]
pub struct Done {
    pub wanted: Wanted,
    /// Unset where it was not found.
    pub digest: Option<String>,
    pub outcome: Outcome,
}

/// Scans many artifacts, and waits for them where `timing` is given; `progress` is told
/// how many are done.
pub async fn scan_all(
    harbor: &Harbor<'_>,
    wanted: Vec<Wanted>,
    timing: Option<Timing>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Done> {
    let looked: RefCell<Vec<Option<registry::Result<Artifact>>>> =
        RefCell::new(wanted.iter().map(|_| None).collect());
    let each = wanted.iter().enumerate().map(|(place, one)| {
        let looked = &looked;
        async move {
            let found = harbor
                .artifact(&one.project, &one.repository, &one.identifier)
                .await;
            looked.borrow_mut()[place] = Some(found);
        }
    });
    at_most(AT_ONCE, each).await;
    let mut digests: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let looked: Vec<registry::Result<Artifact>> =
        looked.into_inner().into_iter().flatten().collect();
    for (place, found) in looked.iter().enumerate() {
        if let Ok(artifact) = found {
            digests
                .entry(artifact.digest.clone())
                .or_default()
                .push(place);
        }
    }
    let outcomes: RefCell<HashMap<&str, Rc<Outcome>>> = RefCell::new(HashMap::new());
    let (count, progress) = (Cell::new(0), RefCell::new(progress));
    let each = digests.iter().map(|(digest, places)| {
        let (looked, wanted, outcomes) = (&looked, &wanted, &outcomes);
        let (count, progress) = (&count, &progress);
        async move {
            // Who may not scan it in one place may be allowed to in another.
            let mut outcome = Outcome::Failed(String::new());
            for place in places {
                let Ok(artifact) = &looked[*place] else {
                    continue;
                };
                outcome = match scan(harbor, &wanted[*place], artifact, timing).await {
                    Ok(outcome) => outcome,
                    Err(error) => Outcome::Failed(line_of(error)),
                };
                if !matches!(outcome, Outcome::Failed(_)) {
                    break;
                }
            }
            outcomes.borrow_mut().insert(digest, Rc::new(outcome));
            count.set(count.get() + 1);
            (progress.borrow_mut())(count.get());
        }
    });
    at_most(AT_ONCE, each).await;
    let outcomes = outcomes.into_inner();
    let done = wanted.iter().zip(&looked).map(|(wanted, found)| {
        let (digest, outcome) = match found {
            Ok(artifact) => {
                let outcome = outcomes.get(artifact.digest.as_str());
                let outcome = outcome.map_or(Outcome::Requested(None), |it| (**it).clone());
                (Some(artifact.digest.clone()), outcome)
            }
            Err(error) => (None, Outcome::Failed(line_of_registry(error))),
        };
        Done {
            wanted: wanted.clone(),
            digest,
            outcome,
        }
    });
    done.collect()
}

/// Scans one of many.
async fn scan(
    harbor: &Harbor<'_>,
    wanted: &Wanted,
    artifact: &Artifact,
    timing: Option<Timing>,
) -> Result<Outcome> {
    let place = (wanted.project.as_str(), wanted.repository.as_str());
    let started = start_of(harbor, place, artifact).await?;
    match timing {
        None => {
            let before = artifact.scan();
            let before = before.filter(|scan| scan.status() == ScanStatus::Success);
            Ok(Outcome::Requested(before.cloned()))
        }
        Some(timing) => {
            let found = wait(harbor, place, &started, timing, &mut |_| true).await?;
            Ok(Outcome::Found(found))
        }
    }
}

fn line_of(error: Error) -> String {
    match error {
        Error::Registry(error) => line_of_registry(&error),
        Error::Tool { what, cause } => format!("{what}: {cause}"),
        other => other.to_string(),
    }
}

fn line_of_registry(error: &registry::Error) -> String {
    let words = error.cause.as_deref().unwrap_or(&error.message);
    match (error.reason, &error.hint) {
        (Reason::Denied, Some(hint)) => format!("{words}; {hint}"),
        _ => words.to_owned(),
    }
}

/// Returns what a catalog has on a server, without archived images, each place with the
/// names of its images.
///
/// # Errors
/// Those of the catalog.
pub fn wanted_of(
    catalog: &Catalog,
    registry: &Registry,
    default_registry: &Registry,
) -> Result<BTreeMap<Wanted, Vec<String>>> {
    let mut wanted: BTreeMap<Wanted, Vec<String>> = BTreeMap::new();
    catalog.for_all_references(|image| {
        for (text, _) in references(&image) {
            let found = on_server(text, registry, default_registry).filter(|_| !image.archived);
            if let Some(found) = found {
                let names = wanted.entry(found).or_default();
                if names.last() != Some(&image.name) {
                    names.push(image.name.clone());
                }
            }
        }
        Ok::<(), Error>(())
    })?;
    Ok(wanted)
}

fn references(image: &Referring) -> impl Iterator<Item = (&str, &Sighting)> {
    let both = [
        (&image.url, &image.seen.url),
        (&image.url_for_gpu, &image.seen.url_for_gpu),
    ];
    both.into_iter()
        .filter_map(|(text, seen)| Some((text.as_deref()?, seen)))
}

fn on_server(text: &str, registry: &Registry, default_registry: &Registry) -> Option<Wanted> {
    let reference = Reference::parse_with_default(text, default_registry).ok()?;
    Wanted::of(&reference).filter(|_| reference.registry() == registry)
}

/// What was kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// Images that say now what was found of them.
    pub images: Vec<String>,
    /// Images that were seen to be something else than what was scanned.
    pub elsewhere: Vec<String>,
}

/// Keeps what scans found with every image of a catalog that has these references. It
/// is no change by anybody, as what a verification sees is none.
///
/// # Errors
/// Those of the catalog; nothing is kept then.
pub fn keep(
    catalog: &mut Catalog,
    actor: Actor,
    (registry, default_registry): (&Registry, &Registry),
    found: &BTreeMap<Wanted, Scanned>,
) -> Result<Kept> {
    let mut kept = Kept::default();
    let writer = catalog.begin(actor)?;
    writer.for_all_references(|image| {
        let mut seen = image.seen.clone();
        let (mut is_known, mut is_elsewhere) = (false, false);
        for (text, seen) in [
            (&image.url, &mut seen.url),
            (&image.url_for_gpu, &mut seen.url_for_gpu),
        ] {
            let wanted = text.as_ref();
            let wanted = wanted.and_then(|text| on_server(text, registry, default_registry));
            let Some(scan) = wanted.and_then(|wanted| found.get(&wanted)) else {
                continue;
            };
            if seen.digest.as_ref().is_none_or(|seen| *seen == scan.digest) {
                seen.scan = Some(scan.clone());
                is_known = true;
            } else {
                is_elsewhere = true;
            }
        }
        if is_known {
            writer.observe(&image, &seen, image.is_ready)?;
            kept.images.push(image.name.clone());
        }
        if is_elsewhere {
            kept.elsewhere.push(image.name);
        }
        Ok::<(), Error>(())
    })?;
    writer.commit()?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::NewRow;
    use crate::domain::group::GroupsInput;
    use crate::domain::image::{ImageConfig, NewImage, Seen};

    fn actor() -> Actor {
        Actor {
            author: "ada".to_owned(),
            now: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    fn add(catalog: &mut Catalog, name: &str, url: &str, digest: Option<&str>) {
        let image = NewImage {
            config: ImageConfig {
                name: name.to_owned(),
                display_name: name.to_owned(),
                url: Some(url.to_owned()),
                ..ImageConfig::default()
            },
            groups: GroupsInput::Set(Vec::new()),
            seen: Seen {
                url: Sighting {
                    digest: digest.map(str::to_owned),
                    ..Sighting::default()
                },
                ..Seen::default()
            },
        };
        let writer = catalog.begin(actor()).expect("it begins");
        let row = NewRow {
            image: &image,
            apply_set: None,
        };
        writer.insert_image(row).expect("it is written");
        writer.commit().expect("it is saved");
    }

    #[test]
    fn what_was_found_is_kept_with_what_it_was_found_of() {
        let mut catalog = Catalog::in_memory().expect("it opens");
        let host: Registry = "h.example".parse().expect("a registry");
        add(&mut catalog, "new", "h.example/apps/a:1", None);
        add(&mut catalog, "same", "apps/a:1", Some("sha256:aa"));
        add(
            &mut catalog,
            "moved",
            "h.example/apps/a:1",
            Some("sha256:bb"),
        );
        add(&mut catalog, "other", "quay.io/apps/a:1", None);
        let places = wanted_of(&catalog, &host, &host).expect("it can be read");
        let (wanted, names) = places.into_iter().next().expect("a place");
        assert_eq!(names, ["new", "same", "moved"]);
        assert_eq!(wanted.shown(&host), "h.example/apps/a:1");
        let scan = Scanned {
            digest: "sha256:aa".to_owned(),
            counts: [("High".to_owned(), 2)].into(),
            ..Scanned::default()
        };
        let found = [(wanted, scan)].into();
        let kept = keep(&mut catalog, actor(), (&host, &host), &found).expect("it is kept");
        assert_eq!(kept.images, ["new", "same"]);
        assert_eq!(kept.elsewhere, ["moved"]);
        let words = |name: &str| {
            catalog
                .image(name)
                .expect("it is there")
                .seen
                .vulnerabilities()
        };
        assert_eq!(words("new").as_deref(), Some("2 High"));
        assert_eq!(words("same").as_deref(), Some("2 High"));
        assert_eq!((words("moved"), words("other")), (None, None));
        let image = catalog.image("same").expect("it is there");
        assert_eq!(image.revision, 1, "it is no change");
    }
}
