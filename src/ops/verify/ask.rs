//! Asking registries: every distinct reference once, and what a digest holds once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::domain::manifest::{Content, Descriptor};
use crate::domain::reference::{Digest, Reference, Registry, Repository};
use crate::domain::sighting::Sighting;
use crate::ops::registry::{image_size, platforms_of, real_platform};
use crate::registry::{self, Client, Head, Many, Reason, at_most};

/// Registries that are asked at the same time; with eight connections to each, they
/// stay within the files that a process may have open (1,024).
const MOST_HOSTS: usize = 64;

/// Platforms of an index whose sizes are looked up, each with one request.
const MOST_PLATFORMS: usize = 32;

/// What registries are to be asked.
#[derive(Debug)]
pub struct Questions {
    default_registry: Registry,
    references: Vec<Reference>,
    /// Places in `references`, by what tells one from another.
    places: HashMap<String, usize>,
    /// Digests of which size and platforms are known.
    known: HashSet<String>,
}

impl Questions {
    /// Returns no questions yet.
    #[must_use]
    pub fn new(default_registry: Registry) -> Self {
        Self {
            default_registry,
            references: Vec::new(),
            places: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// Adds a reference; what spells the same one is asked for once.
    pub fn add(&mut self, text: &str) {
        // The catalog holds only what can be read.
        let Ok(reference) = Reference::parse_with_default(text, &self.default_registry) else {
            return;
        };
        let place = self.references.len();
        let key = key_of(&reference);
        if let std::collections::hash_map::Entry::Vacant(entry) = self.places.entry(key) {
            entry.insert(place);
            self.references.push(reference);
        }
    }

    /// Notes a digest that need not be looked into.
    pub(in crate::ops) fn know(&mut self, seen: &Sighting) {
        if is_described(seen)
            && let Some(digest) = &seen.digest
        {
            self.known.insert(digest.clone());
        }
    }

    /// Returns whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    /// Returns the registries that are to be asked.
    #[must_use]
    pub fn registries(&self) -> BTreeSet<Registry> {
        let registries = self.references.iter().map(Reference::registry);
        registries.cloned().collect()
    }

    /// Returns what is known where nobody is asked.
    #[must_use]
    pub fn unanswered(self) -> Answers {
        Answers {
            default_registry: self.default_registry,
            places: HashMap::new(),
            found: Vec::new(),
            details: HashMap::new(),
        }
    }
}

/// Returns whether it says what a digest holds; artifacts have no platforms.
fn is_described(seen: &Sighting) -> bool {
    !seen.platforms.is_empty() || (seen.size.is_some() && seen.media_type.is_some())
}

/// Returns what tells a reference from others: a digest decides, and a tag beside it
/// is only a note.
fn key_of(reference: &Reference) -> String {
    let (registry, repository) = (reference.registry(), reference.repository());
    format!("{registry}/{repository}@{}", reference.identifier())
}

/// How registries are asked.
pub struct Asking<'a> {
    pub client: &'a Client,
    /// At most so many requests to a registry at once.
    pub connections: &'a dyn Fn(&Registry) -> usize,
    /// Whether new digests are not looked into.
    pub shallow: bool,
    /// Whether nothing can be said of a reference without its platforms.
    pub needs_details: bool,
}

/// Why a reference cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    pub cause: String,
}

impl From<registry::Error> for Fault {
    fn from(error: registry::Error) -> Self {
        Self {
            reason: error.reason,
            cause: error.cause.unwrap_or(error.message),
        }
    }
}

/// What a digest holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Bytes: config and layers; the sum over the platforms of an index.
    pub size: Option<u64>,
    pub platforms: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// What was answered of a reference.
#[derive(Debug)]
pub enum Answer<'a> {
    There {
        head: &'a Head,
        /// What its digest holds, where that is known.
        details: Option<&'a Details>,
    },
    Fault(&'a Fault),
}

type Found = Result<Head, Fault>;

/// What registries answered.
#[derive(Debug)]
pub struct Answers {
    default_registry: Registry,
    places: HashMap<String, usize>,
    found: Vec<Option<Found>>,
    details: HashMap<String, Details>,
}

impl Answers {
    /// Returns what was answered of a reference; nothing where it was not asked for.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<Answer<'_>> {
        if self.found.is_empty() {
            return None;
        }
        let reference = Reference::parse_with_default(text, &self.default_registry).ok()?;
        let place = self.places.get(&key_of(&reference))?;
        Some(match self.found.get(*place)?.as_ref()? {
            Ok(head) => Answer::There {
                head,
                details: self.details.get(head.digest.as_str()),
            },
            Err(fault) => Answer::Fault(fault),
        })
    }

    /// Returns the digests that were not looked into, because they are known or
    /// nobody wants to know.
    pub(super) fn lacking(&self) -> HashSet<String> {
        let heads = self.found.iter().flatten().flatten();
        let digests = heads.map(|head| head.digest.as_str());
        let lacking = digests.filter(|digest| !self.details.contains_key(*digest));
        lacking.map(str::to_owned).collect()
    }

    /// Takes over what the catalog knows of a digest.
    pub(super) fn learn(&mut self, lacking: &HashSet<String>, seen: Sighting) {
        let described = is_described(&seen);
        let digest = seen.digest.filter(|digest| lacking.contains(digest));
        if let Some(digest) = digest.filter(|_| described) {
            self.details.entry(digest).or_insert(Details {
                size: seen.size,
                platforms: seen.platforms,
                labels: seen.labels,
            });
        }
    }
}

/// What is known while registries are asked.
struct Answering<'a> {
    found: Vec<Option<Found>>,
    details: HashMap<String, Details>,
    done: u64,
    progress: &'a mut dyn FnMut(u64),
}

/// What all the requests share.
struct Shared<'a> {
    references: &'a [Reference],
    known: &'a HashSet<String>,
    many: Many<'a>,
    asking: &'a Asking<'a>,
    /// Never borrowed over a wait.
    state: RefCell<Answering<'a>>,
}

/// Asks registries; `progress` is told how many references are answered.
pub async fn ask(
    questions: Questions,
    asking: &Asking<'_>,
    progress: &mut dyn FnMut(u64),
) -> Answers {
    let Questions {
        default_registry,
        references,
        places,
        known,
    } = questions;
    let mut hosts: BTreeMap<&Registry, Vec<usize>> = BTreeMap::new();
    for (place, reference) in references.iter().enumerate() {
        hosts.entry(reference.registry()).or_default().push(place);
    }
    let shared = Shared {
        references: &references,
        known: &known,
        many: Many::new(asking.client),
        asking,
        state: RefCell::new(Answering {
            found: vec![None; references.len()],
            details: HashMap::new(),
            done: 0,
            progress,
        }),
    };
    let each = hosts.iter().map(|(registry, places)| {
        let count = (asking.connections)(registry);
        shared.host(count, places)
    });
    at_most(MOST_HOSTS, each).await;
    let Answering { found, details, .. } = shared.state.into_inner();
    Answers {
        default_registry,
        places,
        found,
        details,
    }
}

impl Shared<'_> {
    async fn host(&self, count: usize, places: &[usize]) {
        let heads = places.iter().map(|&place| async move {
            let head = self.many.head(&self.references[place]).await;
            self.answered(place, head.map_err(Fault::from));
        });
        at_most(count, heads).await;
        if self.asking.shallow {
            return;
        }
        let new = self.new_digests(places);
        let descriptions = new
            .iter()
            .map(|(digest, places)| self.describe(digest, places));
        at_most(count, descriptions).await;
    }

    fn answered(&self, place: usize, found: Found) {
        let mut state = self.state.borrow_mut();
        state.found[place] = Some(found);
        state.done += 1;
        let done = state.done;
        (state.progress)(done);
    }

    /// Returns the digests that nobody knows, each with the references to it.
    fn new_digests(&self, places: &[usize]) -> BTreeMap<Digest, Vec<usize>> {
        let state = self.state.borrow();
        let mut new: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
        for &place in places {
            if let Some(Ok(head)) = &state.found[place]
                && !self.known.contains(head.digest.as_str())
                && !state.details.contains_key(head.digest.as_str())
            {
                new.entry(head.digest.clone()).or_default().push(place);
            }
        }
        new
    }

    /// Looks into a digest, in one repository after another until one shows it: what
    /// is wrong with one of them is not said of the others.
    async fn describe(&self, digest: &Digest, places: &[usize]) {
        let mut tried: Vec<(&Repository, Fault)> = Vec::new();
        for &place in places {
            let reference = &self.references[place];
            let repository = reference.repository();
            let before = tried.iter().find(|(tried, _)| *tried == repository);
            let fault = match before.map(|(_, fault)| fault.clone()) {
                Some(fault) => fault,
                None => match self.details(reference, digest).await {
                    Ok(details) => {
                        let mut state = self.state.borrow_mut();
                        state.details.insert(digest.to_string(), details);
                        return;
                    }
                    Err(error) => {
                        let fault = Fault::from(error);
                        tried.push((repository, fault.clone()));
                        fault
                    }
                },
            };
            // It is there: some registries only count how often it is read.
            if fault.reason == Reason::Unavailable && !self.asking.needs_details {
                continue;
            }
            self.state.borrow_mut().found[place] = Some(Err(fault));
        }
    }

    async fn details(&self, reference: &Reference, digest: &Digest) -> registry::Result<Details> {
        let whole = reference.clone().with_digest(digest.clone());
        let manifest = self.many.manifest(&whole).await?;
        match &manifest.content {
            Content::Image { config, layers } => {
                let said = self.many.config(&whole, config).await?;
                Ok(Details {
                    size: Some(image_size(config, layers)),
                    platforms: said.platform.iter().map(ToString::to_string).collect(),
                    labels: said.labels,
                })
            }
            Content::Index(entries) => Ok(Details {
                size: self.size_of_all(reference, entries).await,
                platforms: platforms_of(entries),
                labels: BTreeMap::new(),
            }),
        }
    }

    /// Returns the size of all platforms of an index; nothing where one of them does
    /// not say, or where there are too many to ask.
    async fn size_of_all(&self, reference: &Reference, entries: &[Descriptor]) -> Option<u64> {
        let images = || {
            let real = |entry: &&Descriptor| real_platform(entry).is_some();
            entries.iter().filter(real)
        };
        if images().count() > MOST_PLATFORMS {
            return None;
        }
        let mut sum = 0_u64;
        for entry in images() {
            let one = reference.clone().with_digest(entry.digest.clone());
            match self.many.manifest(&one).await.ok()?.content {
                Content::Image { config, layers } => {
                    sum = sum.saturating_add(image_size(&config, &layers));
                }
                Content::Index(_) => return None,
            }
        }
        Some(sum)
    }
}
