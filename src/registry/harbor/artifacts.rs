//! Repositories, their artifacts and tags.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::json;

use super::projects::by_name;
use super::{Call, Harbor, encoded, repository_path};
use crate::domain::harbor::{Artifact, HarborRepository, HarborTag};
use crate::registry::error::{Error, Reason, Result};

/// What is told of each artifact besides itself.
const DETAILS: &str =
    "with_tag=true&with_immutable_status=true&with_label=true&with_scan_overview=true";

/// Which artifacts are asked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only those with a tag, or without one.
    pub tagged: Option<bool>,
    /// Only those with a tag that holds this text.
    pub tag: Option<String>,
    /// As Harbor has it, such as `-push_time`.
    pub sort: Option<String>,
    /// Only so many.
    pub most: Option<usize>,
}

impl Query {
    fn parameters(&self, repository: Option<&str>) -> String {
        // Commas join conditions, and cannot be escaped: no name that is let in has any.
        let mut conditions = Vec::new();
        if let Some(repository) = repository {
            conditions.push(format!("repository_name={repository}"));
        }
        match (&self.tag, self.tagged) {
            (Some(tag), _) => conditions.push(format!("tags=~{tag}")),
            (None, Some(true)) => conditions.push("tags=*".to_owned()),
            (None, Some(false)) => conditions.push("tags=nil".to_owned()),
            (None, None) => {}
        }
        let mut parameters = DETAILS.to_owned();
        if !conditions.is_empty() {
            parameters.push_str(&format!("&q={}", encoded(&conditions.join(","))));
        }
        if let Some(sort) = &self.sort {
            parameters.push_str(&format!("&sort={}", encoded(sort)));
        }
        parameters
    }
}

impl Harbor<'_> {
    /// Returns the repositories of a project, by name.
    ///
    /// # Errors
    /// Where the project is not there, or cannot be asked for.
    pub async fn project_repositories(&self, project: &str) -> Result<Vec<HarborRepository>> {
        let attempt = format!("cannot list the repositories of the project `{project}`");
        let path = format!(
            "projects/{}/repositories?sort=-creation_time",
            encoded(project)
        );
        let what = format!("the project `{project}`");
        let call = Call {
            extra: by_name(project),
            what: &what,
            needs: "a role in the project: it is not public",
            ..Call::get(&path, &attempt)
        };
        let listed = self.list(call, |repository: &HarborRepository| repository.id);
        match listed.await {
            Ok(mut listed) => {
                listed.sort_by(|one, other| one.name.cmp(&other.name));
                Ok(listed)
            }
            Err(error) => Err(self.denied_in(error, project).await),
        }
    }

    /// Returns the artifacts of a repository with their tags, labels and scans.
    ///
    /// # Errors
    /// Where the repository is not there, or cannot be asked for.
    pub async fn artifacts(
        &self,
        project: &str,
        repository: &str,
        query: &Query,
    ) -> Result<Vec<Artifact>> {
        let attempt = format!("cannot list the artifacts of `{project}/{repository}`");
        let what = format!("`{project}/{repository}`");
        if !self.is_flat.load(Ordering::Relaxed) {
            let path = format!(
                "{}/artifacts?{}",
                repository_path(project, repository),
                query.parameters(None)
            );
            let call = Call {
                what: &what,
                needs: "a role in the project: it is not public",
                ..Call::get(&path, &attempt)
            };
            match self.some(call, query).await {
                Err(error) if self.is_stopped(&error, repository) => {}
                Err(error) => return Err(self.refused_in(error, project).await),
                other => return other,
            }
        }
        let path = format!(
            "projects/{}/artifacts?{}",
            encoded(project),
            query.parameters(Some(&format!("{project}/{repository}")))
        );
        let call = Call {
            extra: by_name(project),
            what: &what,
            ..Call::get(&path, &attempt)
        };
        let mut artifacts = match self.some(call, query).await {
            Err(error) => return Err(self.refused_in(error, project).await),
            Ok(artifacts) => artifacts,
        };
        let wanted = format!("{project}/{repository}");
        artifacts
            .retain(|artifact| [&wanted, repository].contains(&artifact.repository_name.as_str()));
        Ok(artifacts)
    }

    async fn some(&self, call: Call<'_>, query: &Query) -> Result<Vec<Artifact>> {
        let key = |artifact: &Artifact| (artifact.id, artifact.digest.clone());
        match query.most {
            Some(most) => self.first(call, key, most).await,
            None => self.list(call, key).await,
        }
    }

    /// Explains why nothing of a repository can be seen.
    async fn refused_in(&self, error: Error, project: &str) -> Error {
        match error.reason {
            Reason::NotFound => error.hint(format!(
                "`imgdex harbor repositories {project}` shows what is there"
            )),
            _ => self.denied_in(error, project).await,
        }
    }

    /// Returns whether something in front of Harbor let the name of a repository not
    /// through, and remembers it.
    fn is_stopped(&self, error: &Error, repository: &str) -> bool {
        let is_stopped =
            repository.contains('/') && (error.reason == Reason::Invalid || error.by_page);
        if is_stopped {
            self.is_flat.store(true, Ordering::Relaxed);
        }
        is_stopped
    }

    /// Returns one artifact, by a tag or digest.
    ///
    /// # Errors
    /// Where it is not there, or cannot be asked for.
    pub async fn artifact(
        &self,
        project: &str,
        repository: &str,
        identifier: &str,
    ) -> Result<Artifact> {
        let attempt = format!("cannot look up `{project}/{repository}` `{identifier}`");
        let what = format!("`{project}/{repository}` with `{identifier}`");
        if !self.is_flat.load(Ordering::Relaxed) {
            let path = format!(
                "{}?{DETAILS}",
                artifact_path(project, repository, identifier)
            );
            let call = Call {
                what: &what,
                ..Call::get(&path, &attempt)
            };
            match self.value(call).await {
                Err(error) if self.is_stopped(&error, repository) => {}
                Err(error) if error.reason == Reason::Denied && self.is_somebody() => {
                    // A secret for the command line may list artifacts, and look none up.
                    let query = Query {
                        tag: (!identifier.contains(':')).then(|| identifier.to_owned()),
                        ..Query::default()
                    };
                    let listed = self.artifacts(project, repository, &query).await;
                    let found = listed.ok().and_then(|all| named(all, identifier));
                    return match found {
                        Some(found) => Ok(found),
                        None => Err(self.refused_in(error, project).await),
                    };
                }
                Err(error) => return Err(self.refused_in(error, project).await),
                other => return other,
            }
        }
        let all = self
            .artifacts(project, repository, &Query::default())
            .await?;
        named(all, identifier).ok_or_else(|| {
            Error::new(Reason::NotFound, attempt)
                .because(format!("{what} is not on `{}`", self.registry))
        })
    }

    /// Returns the tags of a repository, each with the digest and time of its artifact,
    /// by the artifacts that have them.
    ///
    /// # Errors
    /// Those of [`Harbor::artifacts`].
    pub async fn tags(
        &self,
        project: &str,
        repository: &str,
        query: &Query,
    ) -> Result<Vec<(HarborTag, Artifact)>> {
        let query = Query {
            tagged: Some(true),
            ..query.clone()
        };
        let artifacts = self.artifacts(project, repository, &query).await?;
        let tags = artifacts.into_iter().flat_map(|artifact| {
            let tags = artifact.tags.clone();
            tags.into_iter().map(move |tag| (tag, artifact.clone()))
        });
        Ok(tags.collect())
    }

    /// Sets the description of a repository, which Harbor shows as Markdown.
    ///
    /// # Errors
    /// Where it is not there, or whoever asks may not.
    pub async fn describe(&self, project: &str, repository: &str, text: &str) -> Result<()> {
        let attempt = format!("cannot set the description of `{project}/{repository}`");
        let path = repository_path(project, repository);
        let what = format!("`{project}/{repository}`");
        let call = Call {
            needs: "the role Developer, Maintainer or Project Admin",
            what: &what,
            ..Call::new(&Method::PUT, &path, &attempt)
        };
        let done = self.ask(call, Some(&json!({ "description": text }))).await;
        done.map(|_| ())
            .map_err(|error| self.nested(error, repository))
    }

    /// Removes one tag of the artifact with a digest; the artifact and its other tags stay,
    /// and so does the tag where it is another artifact's by now.
    ///
    /// # Errors
    /// Where it is not there, must stay, or whoever asks may not.
    pub async fn delete_tag(
        &self,
        (project, repository): (&str, &str),
        digest: &str,
        tag: &str,
    ) -> Result<()> {
        let attempt = format!("cannot remove the tag `{tag}` from `{project}/{repository}`");
        let path = format!(
            "{}/tags/{}",
            artifact_path(project, repository, digest),
            encoded(tag)
        );
        let what = format!("`{project}/{repository}:{tag}`");
        let call = Call {
            needs: "the role Maintainer or Project Admin, or a robot that may delete tags",
            what: &what,
            ..Call::new(&Method::DELETE, &path, &attempt)
        };
        let done = self.remove(call).await;
        done.map_err(|error| match error.reason {
            Reason::NotFound => Error {
                cause: Some(format!(
                    "it was moved or removed meanwhile: `{digest}` does not have it any more"
                )),
                ..error
            }
            .hint(format!(
                "`imgdex harbor tags {project}/{repository}` shows what each tag is"
            )),
            _ => self.nested(error, repository),
        })
    }

    /// Removes an artifact with all its tags.
    ///
    /// # Errors
    /// Where it is not there, must stay, or whoever asks may not.
    pub async fn delete_artifact(
        &self,
        project: &str,
        repository: &str,
        identifier: &str,
    ) -> Result<()> {
        let attempt = format!("cannot delete `{identifier}` of `{project}/{repository}`");
        let path = artifact_path(project, repository, identifier);
        let what = format!("`{project}/{repository}` with `{identifier}`");
        let call = Call {
            needs: "the role Maintainer or Project Admin, or a robot that may delete artifacts",
            what: &what,
            ..Call::new(&Method::DELETE, &path, &attempt)
        };
        let done = self.remove(call).await;
        done.map_err(|error| self.nested(error, repository))
    }

    /// Explains a failure that is of something in front of Harbor.
    pub(super) fn nested(&self, error: Error, repository: &str) -> Error {
        if error.reason != Reason::Invalid || !repository.contains('/') {
            return error;
        }
        error.hint(format!(
            "something in front of `{}` may let no `%252F` through, by which Harbor's API names a \
             repository with slashes: its administrator can allow it",
            self.registry
        ))
    }
}

/// Returns the artifact that a tag or digest names.
fn named(all: Vec<Artifact>, identifier: &str) -> Option<Artifact> {
    all.into_iter().find(|artifact| {
        artifact.digest == identifier || artifact.tags.iter().any(|tag| tag.name == identifier)
    })
}

/// Returns the path of an artifact.
pub(super) fn artifact_path(project: &str, repository: &str, identifier: &str) -> String {
    format!(
        "{}/artifacts/{}",
        repository_path(project, repository),
        encoded(identifier)
    )
}
