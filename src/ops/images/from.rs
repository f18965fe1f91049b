//! Images of registries as items that images are made of.

use crate::domain::attached::Metadata;
use crate::domain::platform::Platform;
use crate::domain::reference::Reference;
use crate::formats::document::{Items, Node};
use crate::formats::own_tree;
use crate::ops::attached::{Described, described};
use crate::ops::pictures::Pictures;
use crate::ops::{Error, Result, Source};
use crate::registry::Client;

/// An image that is wanted of a registry.
#[derive(Debug)]
pub struct Wanted {
    pub reference: Reference,
    /// As it was written.
    pub text: String,
    /// What the catalog is to call it.
    pub name: String,
}

/// Returns the name that is made of a reference: the last part of its repository, and the
/// tag that is written.
///
/// # Errors
/// Where none can be made.
pub fn name_of(reference: &Reference) -> Result<String> {
    let repository = reference.repository().as_str();
    let last = repository.rsplit('/').next().unwrap_or(repository);
    let text = match reference.tag() {
        Some(tag) => format!("{last}-{}", tag.as_str()),
        None => last.to_owned(),
    };
    Platform::Primehub.nearest_name(&text).ok_or_else(|| {
        let rule = format!("no name can be made of `{reference}`: give one with `--id NAME`");
        Error::invalid(rule)
    })
}

/// Asks registries what images are, one after the other.
///
/// # Errors
/// Those of the first that cannot be had.
pub async fn take(client: &Client, wanted: &[Wanted]) -> Result<Vec<Described>> {
    let mut found = Vec::with_capacity(wanted.len());
    for image in wanted {
        found.push(described(client, &image.reference).await?);
    }
    Ok(found)
}

/// Returns images as items, each with the reference that it was asked for under. Pictures
/// are kept in the store, where there is one; without it they are left out.
///
/// # Errors
/// Where a picture cannot be kept.
pub fn items(
    wanted: &[Wanted],
    described: Vec<Described>,
    pictures: &Pictures,
) -> Result<Vec<Node>> {
    let mut items = Vec::with_capacity(wanted.len());
    for (image, Described { metadata, .. }) in wanted.iter().zip(described) {
        items.push(item(image, metadata, pictures)?);
    }
    Ok(items)
}

fn item(image: &Wanted, mut metadata: Metadata, pictures: &Pictures) -> Result<Node> {
    metadata.url = Some(image.text.clone());
    if let Some(bytes) = &metadata.picture_bytes {
        let kept = pictures.keep(bytes).map_err(|source| Error::Write {
            name: format!("the picture of `{}`", image.text),
            source,
        })?;
        metadata.picture = metadata.picture.filter(|_| kept);
    }
    let own = Platform::Primehub.name();
    // Without any, an image gets what it always gets.
    if !metadata.formats.is_empty() && !metadata.formats.iter().any(|format| format == own) {
        metadata.formats.insert(0, own.to_owned());
    }
    own_tree(&metadata.to_json(Some(&image.name))).map_err(|fault| {
        let what = format!("what is said of `{}` makes no image: {fault}", image.text);
        Error::Violation {
            what,
            hint: format!(
                "describe it yourself: `imgdex images create` takes JSON with `\"url\": \"{}\"`",
                image.text
            ),
        }
    })
}

/// Returns items as an input.
#[must_use]
pub fn source_of<R: std::io::Read>(items: Vec<Node>) -> Source<R> {
    Source {
        name: "--from".to_owned(),
        items: Items::made(items),
        rest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_after_its_repository_and_tag() {
        let check = |text: &str, expected: &str| {
            let reference = Reference::parse(text).expect(text);
            let name = name_of(&reference).expect("a name");
            assert_eq!(name, expected, "{text}");
        };
        check("harbor.example.com/apps/my_cool_app:1.0", "my-cool-app-1.0");
        check("alpine", "alpine");
        check("quay.io/a/b__c.d:V1_-x", "b--c.d-v1--x");
        check("quay.io/a/b:1.-x", "b-1.x");
        let digest = format!("sha256:{}", "a".repeat(64));
        check(&format!("quay.io/a/b:1@{digest}"), "b-1");
        check(&format!("quay.io/a/b@{digest}"), "b");
        check(
            &format!("quay.io/a/b:{}", "x".repeat(128)),
            &format!("b-{}", "x".repeat(128)),
        );
    }
}
