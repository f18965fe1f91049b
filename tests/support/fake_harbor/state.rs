//! What the fake holds: projects, accounts, artifacts and what hangs on them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::accounts::{Account, Robot, Role};
use super::faults::Fault;
use super::scans::{Outcome, Scan};
use super::server::Seen;

/// The first moment of the fake's clock, which goes on a second per question.
const FIRST_SECOND: i64 = 1_704_067_200;

/// What Go writes for "never".
pub const NEVER: &str = "0001-01-01T00:00:00.000Z";

/// What happens when a page of a list is asked for.
pub type Change = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Default)]
pub struct State {
    last_id: i64,
    seconds: i64,
    pub projects: Vec<Project>,
    pub repositories: Vec<Repository>,
    pub artifacts: Vec<Artifact>,
    pub accounts: Vec<Account>,
    pub robots: Vec<Robot>,
    pub robot_prefix: String,
    pub labels: Vec<Label>,
    /// Immutable tags: project and pattern.
    pub immutable: Vec<(String, String)>,
    pub without_scanner: bool,
    /// A part of Harbor that is down.
    pub unhealthy: Option<String>,
    pub outcomes: HashMap<String, Outcome>,
    pub polls: u32,
    /// By digest, where it is not the same for all.
    pub paces: HashMap<String, u32>,
    /// Tells no `complete_percent`, as old versions do.
    pub tells_no_percent: bool,
    /// Answers 400 to `%252F`, as some front ends do.
    pub refuses_double_encoding: bool,
    /// Answers 403 to whoever asks whether there is a project that they do not see.
    pub newer_head: bool,
    pub faults: Vec<Fault>,
    pub changes: Vec<(String, usize, Change)>,
    /// Who got each token, and what it grants.
    pub tokens: HashMap<String, (String, Value)>,
    pub registry_folder: PathBuf,
    pub seen: Vec<Seen>,
    pub violations: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Project {
    pub id: i64,
    pub name: String,
    pub public: bool,
    /// In bytes; -1 is without limit.
    pub storage_limit: i64,
    /// Pulling is refused from this severity on.
    pub prevent: Option<String>,
    pub created: String,
}

#[derive(Debug, Clone)]
pub struct Repository {
    pub id: i64,
    /// With its project.
    pub name: String,
    pub description: String,
    pub pulls: i64,
    pub created: String,
}

#[derive(Debug, Clone, Default)]
pub struct Artifact {
    pub id: i64,
    /// With its project.
    pub repository: String,
    pub digest: String,
    /// What Harbor calls it: `IMAGE`, `CHART` and the like.
    pub kind: String,
    pub media_type: String,
    pub manifest_media_type: String,
    pub manifest_size: usize,
    pub artifact_type: String,
    pub icon: String,
    pub size: i64,
    pub pushed: String,
    pub pulled: Option<String>,
    pub extra: Value,
    pub annotations: Value,
    /// The entries of an index: digest and the answer's `references`.
    pub references: Vec<(String, Value)>,
    pub tags: Vec<Tag>,
    pub labels: Vec<i64>,
    /// The digest of what it is an accessory of.
    pub subject: Option<String>,
    pub scan: Option<Scan>,
}

#[derive(Debug, Clone)]
pub struct Tag {
    pub id: i64,
    pub name: String,
    pub pushed: String,
}

#[derive(Debug, Clone)]
pub struct Label {
    pub id: i64,
    pub name: String,
    pub description: String,
    pub color: String,
    /// The project it belongs to; 0 is all.
    pub project: i64,
    pub created: String,
}

impl State {
    /// Returns an id that nothing has yet.
    pub fn id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns the time, a second later than before.
    pub fn now(&mut self) -> String {
        self.seconds += 1;
        let time = jiff::Timestamp::from_second(FIRST_SECOND + self.seconds);
        format!("{:.3}", time.expect("a time"))
    }

    pub fn project(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name == name)
    }

    pub fn add_project(&mut self, name: &str, public: bool, storage_limit: i64) -> i64 {
        let (id, created) = (self.id(), self.now());
        self.projects.push(Project {
            id,
            name: name.to_owned(),
            public,
            storage_limit,
            prevent: None,
            created,
        });
        id
    }

    pub fn account(&mut self, name: &str) -> &mut Account {
        let found = self
            .accounts
            .iter_mut()
            .find(|account| account.name == name);
        found.expect("the test added this account")
    }

    pub fn give_role(&mut self, account: &str, project: &str, role: Role) {
        let roles = &mut self.account(account).roles;
        roles.insert(project.to_owned(), role);
    }

    /// Returns the bytes that a project uses.
    pub fn used(&self, project: &str) -> i64 {
        let artifacts = self.artifacts.iter();
        let own = artifacts.filter(|artifact| project_of(&artifact.repository) == project);
        let sizes: BTreeMap<&str, i64> = own
            .map(|artifact| (artifact.digest.as_str(), artifact.size))
            .collect();
        sizes.values().sum()
    }

    pub fn repository(&mut self, name: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|one| one.name == name)
    }

    /// Makes a repository that is not there yet.
    pub fn add_repository(&mut self, name: &str) {
        if self.repository(name).is_none() {
            let (id, created) = (self.id(), self.now());
            self.repositories.push(Repository {
                id,
                name: name.to_owned(),
                description: String::new(),
                pulls: 0,
                created,
            });
        }
    }

    /// Lists an artifact whose content the registry does not have.
    pub fn add_listed(&mut self, repository: &str, tag: &str) -> String {
        let content = format!("{repository}:{tag}");
        let digest = crate::docker_registry::digest(content.as_bytes());
        let artifact = Artifact {
            repository: repository.to_owned(),
            digest: digest.clone(),
            kind: "IMAGE".to_owned(),
            media_type: "application/vnd.oci.image.config.v1+json".to_owned(),
            manifest_media_type: crate::docker_registry::IMAGE.to_owned(),
            size: 1000,
            extra: json!({"architecture": "amd64", "os": "linux"}),
            ..Artifact::default()
        };
        self.add_artifact(artifact, Some(tag));
        digest
    }

    /// Adds an artifact, or finds it where it is, and moves a tag to it.
    pub fn add_artifact(&mut self, mut artifact: Artifact, tag: Option<&str>) {
        let (repository, digest) = (artifact.repository.clone(), artifact.digest.clone());
        self.add_repository(&repository);
        if self.artifact(&repository, &digest).is_none() {
            artifact.id = self.id();
            artifact.pushed = self.now();
            self.artifacts.push(artifact);
        }
        if let Some(tag) = tag {
            self.move_tag(&repository, tag, &digest);
        }
    }

    fn move_tag(&mut self, repository: &str, tag: &str, digest: &str) {
        let held = self.artifact(repository, tag).map(|one| one.digest.clone());
        if held.as_deref() == Some(digest) {
            return;
        }
        self.remove_tag(repository, tag);
        let (id, pushed) = (self.id(), self.now());
        let artifact = self.artifact(repository, digest).expect("it was added");
        artifact.tags.push(Tag {
            id,
            name: tag.to_owned(),
            pushed,
        });
    }

    /// Returns an artifact by its digest or one of its tags.
    pub fn artifact(&mut self, repository: &str, reference: &str) -> Option<&mut Artifact> {
        self.artifacts.iter_mut().find(|artifact| {
            artifact.repository == repository
                && (artifact.digest == reference || artifact.tag(reference).is_some())
        })
    }

    pub fn remove_tag(&mut self, repository: &str, tag: &str) {
        if let Some(artifact) = self.artifact(repository, tag) {
            artifact.tags.retain(|one| one.name != tag);
        }
    }

    /// Removes an artifact with its accessories.
    pub fn remove_artifact(&mut self, repository: &str, reference: &str) {
        let Some(artifact) = self.artifact(repository, reference) else {
            return;
        };
        let digest = artifact.digest.clone();
        self.artifacts.retain(|one| {
            one.repository != repository
                || (one.digest != digest && one.subject.as_ref() != Some(&digest))
        });
    }

    pub fn is_immutable(&self, repository: &str, tag: &str) -> bool {
        self.immutable.iter().any(|(project, pattern)| {
            project == project_of(repository) && matches_pattern(pattern, tag)
        })
    }
}

impl Artifact {
    /// Whether it is an index with that digest in it.
    pub fn refers_to(&self, digest: &str) -> bool {
        self.references.iter().any(|(one, _)| one == digest)
    }

    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }
}

/// Returns the project of `project/repository`.
pub fn project_of(repository: &str) -> &str {
    repository
        .split_once('/')
        .map_or(repository, |(project, _)| project)
}

/// Whether a name fits a pattern whose `*` stands for anything.
pub fn matches_pattern(pattern: &str, name: &str) -> bool {
    if pattern == "**" {
        return true;
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len())
                .any(|at| tail.is_char_boundary(at) && matches_pattern(rest, &tail[at..]))
        }),
    }
}
