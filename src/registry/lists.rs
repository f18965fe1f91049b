//! Lists that come in pages: the tags of a repository, the repositories of a
//! registry.

use reqwest::Method;

use super::auth::REPOSITORIES;
use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found};
use super::pages::{self, Pages};
use super::requests::Client;
use crate::domain::reference::{Registry, Repository};

impl Client {
    /// Returns the tags of a repository, sorted: "the tags MUST be in lexical
    /// order" (distribution spec, "Listing Tags"), and not every registry does so.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or its pages have no end.
    pub async fn tags(&self, registry: &Registry, repository: &Repository) -> Result<Vec<String>> {
        let attempt = format!("cannot list the tags of `{registry}/{repository}`");
        let place = (registry, Some(repository));
        let ask = Ask::new(place, &Method::GET, "tags/list?n=1000", &attempt);
        self.listed(ask, pages::tags_of).await
    }

    /// Returns the names of the repositories of a registry, sorted. The list is
    /// Docker's (<https://distribution.github.io/distribution/spec/api/#catalog>),
    /// and no part of the OCI specification: many registries do not have it, or
    /// show it to few.
    ///
    /// # Errors
    /// Where the registry has no such list, does not show it, cannot be asked, or
    /// its pages have no end.
    pub async fn repositories(&self, registry: &Registry) -> Result<Vec<String>> {
        let attempt = format!("cannot list the repositories of `{registry}`");
        if registry.is_docker_hub() {
            return Err(Error::new(Reason::Unsupported, attempt)
                .because("Docker Hub has no such list in the API of registries")
                .hint(
                    "look for images at https://hub.docker.com/search, or name another registry",
                ));
        }
        let ask = Ask {
            actions: REPOSITORIES,
            ..Ask::new((registry, None), &Method::GET, "_catalog?n=1000", &attempt)
        };
        let listed = self.listed(ask, pages::repositories_of).await;
        listed.map_err(|error| unlisted(error, registry))
    }

    async fn listed(
        &self,
        ask: Ask<'_>,
        entries_of: fn(&[u8]) -> std::result::Result<Vec<String>, String>,
    ) -> Result<Vec<String>> {
        let violation = |rule| Error::violation(ask.attempt, rule);
        let mut pages = Pages::default();
        let mut entries = Vec::new();
        let mut next = Some(ask.path.to_owned());
        while let Some(path) = next {
            let page = Ask {
                path: &path,
                accept: Some("application/json"),
                limit: pages::LARGEST,
                ..ask
            };
            let answer = found(self.ask(page).await?, ask)?;
            let found = entries_of(&answer.body).map_err(violation)?;
            next = pages.next(&answer, found.len()).map_err(violation)?;
            entries.extend(found);
        }
        entries.sort();
        entries.dedup();
        Ok(entries)
    }
}

/// Returns the failure of a registry that does not know the list.
fn unlisted(error: Error, registry: &Registry) -> Error {
    match error.reason {
        Reason::NotFound | Reason::Unsupported => Error::new(Reason::Unsupported, error.message)
            .because(format!("`{registry}` has no such list"))
            .hint(format!(
                "`imgdex registry tags {registry}/REPOSITORY` needs none"
            )),
        _ => error,
    }
}
