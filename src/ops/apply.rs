//! A folder of documents as the source of truth: groups, secrets' descriptions
//! and images, applied in this order and in one transaction.

use std::path::Path;

use super::documents::{Documents, Kind, Origin, SUMMARY};
use super::error::{Faults, located};
use super::pictures::Pictures;
use super::{Error, Result};
use crate::catalog::{self, Catalog, Changed, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::group::Group;
use crate::domain::image::{Image, NewImage};
use crate::formats;
use crate::formats::document::{Fault, Node};
use crate::formats::group::{GroupDocument, group_of};
use crate::formats::secret::{self, Values};

/// How documents are applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The name of the set that images made here belong to.
    pub set: String,
    /// Whether images that an earlier `apply` of the set made, and no document
    /// speaks of, are deleted.
    pub prune: bool,
    pub dry_run: bool,
    /// Where the pictures are that the documents name.
    pub pictures: Pictures,
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
    for (document, _) in documents.described() {
        applied.push(match document.kind {
            Kind::Group => apply_group(&writer, &document.node)?,
            _ => apply_secret(&writer, &document.node)?,
        });
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
    if options.prune {
        for name in writer.applied_images(&options.set)? {
            if !documents.names_image(&name) {
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
    let updated = writer.update_image::<Failure>(&origin.item.name, "apply", |before| {
        declared(Some(before), node, &pictures).map_err(Failure::Faults)
    });
    match updated {
        Ok((_, Changed::Yes)) => return Ok(Ok(Action::Configured)),
        Ok((_, Changed::No)) => return Ok(Ok(Action::Unchanged)),
        Err(Failure::Faults(found)) => return Ok(Err(found)),
        Err(Failure::Catalog(catalog::Error::Rejected(found))) => {
            return Ok(Err(located(found, node)));
        }
        Err(Failure::Catalog(catalog::Error::NotFound { .. })) => {}
        Err(Failure::Catalog(error)) => return Err(error.into()),
    }
    let image = match declared(None, node, &pictures) {
        Ok(image) => image,
        Err(found) => return Ok(Err(found)),
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

fn apply_group(writer: &Writer<'_>, node: &Node) -> Result<Applied> {
    let document = group_of(node).map_err(|faults| invalid(&faults))?;
    let GroupDocument {
        id,
        name,
        display_name,
    } = document;
    let action = match writer.group(&name) {
        Ok(before) => {
            if let Some(id) = id
                && id != before.id
            {
                return Err(Error::Refused {
                    what: format!(
                        "group `{name}` has the id {} in the catalog, not {id}",
                        before.id
                    ),
                    hint: "leave `id` out of the document, or give the catalog's".to_owned(),
                });
            }
            let renamed = match display_name {
                Some(text) => writer.rename_group(&name, &text)?,
                None => false,
            };
            if renamed {
                Action::Configured
            } else {
                Action::Unchanged
            }
        }
        Err(catalog::Error::NotFound { .. }) => {
            writer.insert_group(&Group {
                id: id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
                display_name: display_name.unwrap_or_else(|| name.clone()),
                name: name.clone(),
            })?;
            Action::Created
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Applied {
        kind: Kind::Group,
        name,
        action,
    })
}

fn apply_secret(writer: &Writer<'_>, node: &Node) -> Result<Applied> {
    let document = secret::secret_of(node, Values::Refused).map_err(|faults| invalid(&faults))?;
    let new = document.to_new(node).map_err(|faults| invalid(&faults))?;
    let action = match writer.secret(&new.id) {
        Ok(before) => {
            let after = document
                .applied_to(&before, node)
                .map_err(|faults| invalid(&faults))?;
            if writer.update_secret(&after, false)? {
                Action::Configured
            } else {
                Action::Unchanged
            }
        }
        Err(catalog::Error::NotFound { .. }) => {
            writer.insert_secret(&new)?;
            Action::Created
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Applied {
        kind: Kind::Secret,
        name: new.id,
        action,
    })
}

/// A document that was good when it was checked is bad now.
fn invalid(faults: &[Fault]) -> Error {
    Error::Input {
        summary: faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; "),
        faults: Vec::new(),
        unlisted: 0,
    }
}
