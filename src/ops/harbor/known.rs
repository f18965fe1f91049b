//! Which images of the catalog live on a Harbor.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::domain::reference::{Reference, Registry};
use crate::ops::Result;

/// The names of images, by what they refer to on one server.
#[derive(Debug, Default)]
pub struct Known {
    /// By `PROJECT/REPOSITORY`.
    repositories: BTreeMap<String, Vec<String>>,
    /// By `PROJECT/REPOSITORY:TAG`, that of a pin included, and by `PROJECT/REPOSITORY@DIGEST`.
    images: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// Returns what the catalog has of a server.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn of(catalog: &Catalog, registry: &Registry, default_registry: &Registry) -> Result<Self> {
        let mut known = Self::default();
        catalog.for_all_references(|image| {
            // `pinnedTag` is that of `url` where there is one.
            let pinned = image.pinned_tag.as_deref();
            let for_gpu = pinned.filter(|_| image.url.is_none());
            let texts = [(&image.url, pinned), (&image.url_for_gpu, for_gpu)].into_iter();
            for (text, pinned) in texts.filter_map(|(text, tag)| Some((text.as_ref()?, tag))) {
                let parsed = Reference::parse_with_default(text, default_registry);
                let Some(reference) = parsed.ok().filter(|found| found.registry() == registry)
                else {
                    continue;
                };
                let path = reference.repository().to_string();
                if let Some(digest) = reference.digest() {
                    add(&mut known.images, format!("{path}@{digest}"), &image.name);
                }
                let said = reference.tag().map(ToString::to_string);
                let tag = match reference.digest() {
                    Some(_) => said.or_else(|| pinned.map(str::to_owned)),
                    None => said.or_else(|| Some("latest".to_owned())),
                };
                if let Some(tag) = tag {
                    add(&mut known.images, format!("{path}:{tag}"), &image.name);
                }
                add(&mut known.repositories, path, &image.name);
            }
            Ok::<(), crate::ops::Error>(())
        })?;
        Ok(known)
    }

    /// Returns the names of the images of a repository.
    #[must_use]
    pub fn of_repository(&self, path: &str) -> &[String] {
        self.repositories.get(path).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the images that mean a tag or digest of a repository.
    #[must_use]
    pub fn of_image(&self, path: &str, tag: Option<&str>, digest: &str) -> Vec<String> {
        let tag = tag.map(|tag| format!("{path}:{tag}"));
        let keys = tag.into_iter().chain([format!("{path}@{digest}")]);
        let mut names: Vec<String> = keys
            .filter_map(|key| self.images.get(&key))
            .flatten()
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

fn add(places: &mut BTreeMap<String, Vec<String>>, key: String, name: &str) {
    let names = places.entry(key).or_default();
    if names.last().is_none_or(|last| last != name) {
        names.push(name.to_owned());
    }
}
