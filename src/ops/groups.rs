//! What is done with groups.

use super::{Error, Result};
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::group::Group;
use crate::domain::name::{check_group_name, is_uuid, shorten};

/// A group to be made.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub name: String,
    /// A UUID; one is made where none is given.
    pub id: Option<String>,
    /// The name where none is given.
    pub display_name: Option<String>,
}

impl NewGroup {
    /// Returns the group, with what was not given filled in.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn into_group(self) -> std::result::Result<Group, String> {
        check_group_name(&self.name)?;
        let id = match self.id {
            Some(id) if is_uuid(&id) => id.to_ascii_lowercase(),
            Some(id) => {
                return Err(format!(
                    "the id of a group should be a UUID, but is `{}`",
                    shorten(&id)
                ));
            }
            None => uuid::Uuid::new_v4().to_string(),
        };
        Ok(Group {
            id,
            display_name: self
                .display_name
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| self.name.clone()),
            name: self.name,
        })
    }
}

/// Adds a group.
///
/// # Errors
/// For a bad name or id, and for one that exists.
pub fn create(catalog: &mut Catalog, actor: Actor, new: NewGroup) -> Result<Group> {
    let group = new.into_group().map_err(Error::invalid)?;
    let writer = catalog.begin(actor)?;
    writer.insert_group(&group)?;
    writer.commit()?;
    Ok(group)
}

/// Deletes groups, all of them or none, and returns the names of the images
/// that they were taken from.
///
/// # Errors
/// For an unknown group.
pub fn delete(catalog: &mut Catalog, actor: Actor, words: &[String]) -> Result<Vec<String>> {
    let writer = catalog.begin(actor)?;
    let mut images = Vec::new();
    for word in words {
        images.extend(writer.delete_group(word)?);
    }
    writer.commit()?;
    images.sort();
    images.dedup();
    Ok(images)
}
