//! A folder of documents as the source of truth: groups, secrets' descriptions
//! and images, applied in this order and in one transaction.

use std::path::Path;

use super::documents::{Described, DescribedSecret, Documents, Kind, Origin, SUMMARY};
use super::error::{Faults, located};
use super::group_changes::settled;
use super::pictures::Pictures;
use super::{Error, Result};
use crate::catalog::{self, Catalog, Changed, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::group::Group;
use crate::domain::image::{Image, NewImage};
use crate::formats;
use crate::formats::document::{Fault, Node};
use crate::formats::group::GroupDocument;

/// How documents are applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The name of the set that images made here belong to.
    pub set: String,
    pub prune: Prune,
    pub dry_run: bool,
    /// Where the pictures are that the documents name.
    pub pictures: Pictures,
}

/// Which images that an earlier `apply` of the set made, and no document speaks
/// of, are deleted.
#[derive(Debug, Clone)]
pub enum Prune {
    None,
    Every,
    /// Those of these names, to which somebody agreed; others stay.
    Agreed(Vec<String>),
}

impl Prune {
    fn takes(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Every => true,
            Self::Agreed(names) => names.iter().any(|agreed| agreed == name),
        }
    }
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Created,
    Configured,
    Unchanged,
    Pruned,
}

impl Action {
    /// Returns the word that is printed after the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Pruned => "pruned",
        }
    }
}

/// One thing that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
}

/// Makes the catalog say what the documents say.
///
/// # Errors
/// All faults at once; nothing is written then.
pub fn apply(
    catalog: &mut Catalog,
    actor: Actor,
    documents: &Documents,
    options: &ApplyOptions,
) -> Result<Vec<Applied>> {
    let writer = catalog.begin(actor)?;
    let mut faults = Faults::default();
    let mut applied = Vec::new();
    for (described, origin) in documents.described() {
        match described {
            Described::Group(document) => applied.push(apply_group(&writer, document)?),
            Described::Secret(document) => match apply_secret(&writer, document)? {
                Ok(secret) => applied.push(secret),
                Err(found) => faults.item(&origin.file, &origin.item, found),
            },
        }
    }
    documents.for_each_image::<Error>(|node, origin| {
        match apply_image(&writer, node, origin, options)? {
            Ok(action) => applied.push(Applied {
                kind: Kind::Image,
                name: origin.item.name.clone(),
                action,
            }),
            Err(found) => faults.item(&origin.file, &origin.item, found),
        }
        Ok(())
    })?;
    if !faults.is_empty() {
        return Err(faults.into_error(SUMMARY));
    }
    if !matches!(options.prune, Prune::None) {
        for name in writer.applied_images(&options.set)? {
            if !documents.names_image(&name) && options.prune.takes(&name) {
                writer.delete_image(&name, "prune")?;
                applied.push(Applied {
                    kind: Kind::Image,
                    name,
                    action: Action::Pruned,
                });
            }
        }
    }
    if !options.dry_run {
        writer.commit()?;
    }
    Ok(applied)
}

fn apply_image(
    writer: &Writer<'_>,
    node: &Node,
    origin: &Origin,
    options: &ApplyOptions,
) -> Result<std::result::Result<Action, Vec<Fault>>> {
    let pictures = options.pictures.beside(Path::new(&origin.file));
    let find = |word: &str| match writer.group(word) {
        Ok(group) => Ok(Some(group)),
        Err(catalog::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let declared = |before: Option<&Image>| {
        let mut image = declared(before, node, &pictures).map_err(Failure::Faults)?;
        image.groups =
            settled(image.groups, find)?.map_err(|found| Failure::Faults(located(found, node)))?;
        Ok(image)
    };
    let updated =
        writer.update_image::<Failure>(&origin.item.name, "apply", |before| declared(Some(before)));
    match updated {
        Ok((_, changed)) => {
            writer.claim_image(&origin.item.name, &options.set)?;
            return Ok(Ok(match changed {
                Changed::Yes => Action::Configured,
                Changed::No => Action::Unchanged,
            }));
        }
        Err(Failure::Faults(found)) => return Ok(Err(found)),
        Err(Failure::Catalog(catalog::Error::Rejected(found))) => {
            return Ok(Err(located(found, node)));
        }
        Err(Failure::Catalog(catalog::Error::NotFound { .. })) => {}
        Err(Failure::Catalog(error)) => return Err(error.into()),
    }
    let image = match declared(None) {
        Ok(image) => image,
        Err(Failure::Faults(found)) => return Ok(Err(found)),
        Err(Failure::Catalog(error)) => return Err(error.into()),
    };
    let row = NewRow {
        image: &image,
        apply_set: Some(&options.set),
    };
    match writer.insert_image(row) {
        Ok(_) => Ok(Ok(Action::Created)),
        Err(catalog::Error::Rejected(found)) => Ok(Err(located(found, node))),
        Err(error) => Err(error.into()),
    }
}

/// Returns the image that a document declares, with its picture taken.
pub(super) fn declared(
    before: Option<&Image>,
    node: &Node,
    pictures: &Pictures,
) -> std::result::Result<NewImage, Vec<Fault>> {
    let mut image = formats::declared_by(before, node)?;
    pictures
        .take(&mut image.config)
        .map_err(|fault| located(vec![fault], node))?;
    Ok(image)
}

enum Failure {
    Catalog(catalog::Error),
    Faults(Vec<Fault>),
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Self {
        Self::Catalog(error)
    }
}

fn apply_group(writer: &Writer<'_>, document: &GroupDocument) -> Result<Applied> {
    let name = &document.name;
    let action = match writer.group(name) {
        Ok(before) => {
            check_id(document, &before)?;
            let renamed = match &document.display_name {
                Some(text) => writer.rename_group(name, text)?,
                None => false,
            };
            if renamed {
                Action::Configured
            } else {
                Action::Unchanged
            }
        }
        Err(catalog::Error::NotFound { .. }) => {
            writer.insert_group(&new_group(document))?;
            Action::Created
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Applied {
        kind: Kind::Group,
        name: name.clone(),
        action,
    })
}

/// Refuses to take a group of another id for the one that is described.
pub(super) fn check_id(document: &GroupDocument, before: &Group) -> Result<()> {
    match &document.id {
        Some(id) if *id != before.id => Err(Error::Refused {
            what: format!(
                "group `{}` has the id {} in the catalog, not {id}",
                before.name, before.id
            ),
            hint: "leave `id` out of the document, or give the catalog's".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Returns the group that a document makes where there is none.
pub(super) fn new_group(document: &GroupDocument) -> Group {
    let GroupDocument {
        id,
        name,
        display_name,
    } = document.clone();
    Group {
        id: id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        display_name: display_name.unwrap_or_else(|| name.clone()),
        name,
    }
}

fn apply_secret(
    writer: &Writer<'_>,
    document: &DescribedSecret,
) -> Result<std::result::Result<Applied, Vec<Fault>>> {
    let before = writer.secret_of_id(&document.new.id)?;
    let after = match document.applied_to(before.as_ref()) {
        Ok(after) => after,
        Err(found) => return Ok(Err(found)),
    };
    let action = if before.is_none() {
        writer.insert_secret(&after)?;
        Action::Created
    } else if writer.update_secret(&after, false)? {
        Action::Configured
    } else {
        Action::Unchanged
    };
    Ok(Ok(Applied {
        kind: Kind::Secret,
        name: after.id,
        action,
    }))
}
