//! The table of groups, and which images belong to which.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::{Error, Result};
use super::{Catalog, Writer, changes};
use crate::domain::change::Subject;
use crate::domain::group::{Group, GroupRef};
use crate::domain::image::{Archived, ImageFilter, NewImage};
use crate::domain::image_rules::{FieldFault, MOST_FAULTS};
use crate::domain::name::{check_group_name, is_uuid, nearest, shorten};

impl Catalog {
    /// Returns the group of that id or name.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest name.
    pub fn group(&self, word: &str) -> Result<Group> {
        find(&self.connection, word)
    }

    /// Returns all groups in the order of creation.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn groups(&self) -> Result<Vec<Group>> {
        all(&self.connection)
    }
}

impl Writer<'_> {
    /// Returns the group of that id or name.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest name.
    pub fn group(&self, word: &str) -> Result<Group> {
        find(&self.transaction, word)
    }

    /// Adds a group.
    ///
    /// # Errors
    /// [`Error::Exists`] for its name or its id.
    pub fn insert_group(&self, group: &Group) -> Result<()> {
        for word in [&group.name, &group.id] {
            if let Some(known) = find_known(&self.transaction, word)? {
                return Err(Error::Exists {
                    subject: Subject::Group,
                    name: known.name,
                });
            }
        }
        self.transaction.execute(
            "INSERT INTO groups (id, name, display_name, sequence)
             SELECT ?1, ?2, ?3, coalesce(max(sequence), 0) + 1 FROM groups",
            (&group.id, &group.name, &group.display_name),
        )?;
        let after = changes::json(group)?;
        self.record_group(&group.name, "create", None, Some(&after))
    }

    /// Changes the name shown of a group; returns whether it was another.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn rename_group(&self, word: &str, display_name: &str) -> Result<bool> {
        let before = self.group(word)?;
        if before.display_name == display_name {
            return Ok(false);
        }
        self.transaction.execute(
            "UPDATE groups SET display_name = ?2 WHERE id = ?1",
            (&before.id, display_name),
        )?;
        let after = Group {
            display_name: display_name.to_owned(),
            ..before.clone()
        };
        let (old, new) = changes::difference(&changes::json(&before)?, &changes::json(&after)?)?;
        self.record_group(&before.name, "update", Some(&old), Some(&new))?;
        Ok(true)
    }

    /// Deletes a group, taking it from the images that list it, and returns
    /// their names.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_group(&self, word: &str) -> Result<Vec<String>> {
        let group = self.group(word)?;
        let filter = ImageFilter {
            group: Some(group.id.clone()),
            archived: Archived::Any,
            ..ImageFilter::default()
        };
        let mut names = Vec::new();
        super::images::select::<Error>(&self.transaction, &filter, |_, image| {
            names.push(image.config.name);
            Ok(())
        })?;
        for name in &names {
            self.update_image::<Error>(name, "remove-group", |image| {
                Ok(NewImage {
                    config: image.config.clone(),
                    groups: crate::domain::group::GroupsInput::Change {
                        connect: Vec::new(),
                        disconnect: vec![GroupRef::Known(group.id.clone())],
                    },
                    seen: image.seen.clone(),
                })
            })?;
        }
        self.transaction
            .execute("DELETE FROM groups WHERE id = ?1", [&group.id])?;
        let before = changes::json(&group)?;
        self.record_group(&group.name, "delete", Some(&before), None)?;
        Ok(names)
    }

    /// Returns the groups that are meant, sorted by name and each once: known
    /// ones, and whole ones, which are made where they are unknown.
    pub(super) fn resolve_groups(
        &self,
        field: &str,
        wanted: &[GroupRef],
        faults: &mut Vec<FieldFault>,
    ) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, reference) in wanted.iter().enumerate() {
            if faults.len() >= MOST_FAULTS {
                break;
            }
            let place = || format!("{field}[{index}]");
            match self.resolve(reference)? {
                Ok(group) => {
                    if !groups.iter().any(|known| known.id == group.id) {
                        groups.push(group);
                    }
                }
                Err(rule) => faults.push(FieldFault::new(place(), rule)),
            }
        }
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(groups)
    }

    /// Returns the groups that are meant, leaving out whole ones that are
    /// unknown.
    pub(super) fn known_groups(
        &self,
        field: &str,
        wanted: &[GroupRef],
        faults: &mut Vec<FieldFault>,
    ) -> Result<Vec<Group>> {
        let mut known = Vec::new();
        for reference in wanted {
            let is_known = match reference {
                GroupRef::Known(_) => true,
                GroupRef::Whole(group) => {
                    find_known(&self.transaction, &group.id)?.is_some()
                        || find_known(&self.transaction, &group.name)?.is_some()
                }
            };
            if is_known {
                known.push(reference.clone());
            }
        }
        self.resolve_groups(field, &known, faults)
    }

    fn resolve(&self, reference: &GroupRef) -> Result<std::result::Result<Group, String>> {
        match reference {
            GroupRef::Known(word) => Ok(match find(&self.transaction, word) {
                Ok(group) => Ok(group),
                Err(Error::NotFound { near, .. }) => Err(format!(
                    "group `{}` does not exist{}; make it with `imgdex groups create`",
                    shorten(word),
                    near.map(|name| format!(" (did you mean `{name}`?)"))
                        .unwrap_or_default()
                )),
                Err(other) => return Err(other),
            }),
            GroupRef::Whole(group) => {
                let known = match find_known(&self.transaction, &group.id)? {
                    Some(known) => Some(known),
                    None => find_known(&self.transaction, &group.name)?,
                };
                if let Some(known) = known {
                    return Ok(Ok(known));
                }
                if let Err(rule) = check_group_name(&group.name) {
                    return Ok(Err(rule));
                }
                self.insert_group(group)?;
                Ok(Ok(group.clone()))
            }
        }
    }

    fn record_group(
        &self,
        name: &str,
        action: &'static str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<()> {
        changes::record(
            &self.transaction,
            &self.actor,
            &changes::Entry {
                subject: Subject::Group,
                name,
                action,
                revision: 0,
                before,
                after,
            },
        )
    }
}

/// Puts an image into a group.
pub(super) fn link(connection: &Connection, image: i64, group: &str) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO image_groups (image_id, group_id) VALUES (?1, ?2)")?
        .execute((image, group))?;
    Ok(())
}

/// Returns all groups by id.
pub(super) fn by_id(connection: &Connection) -> Result<HashMap<String, Group>> {
    Ok(all(connection)?
        .into_iter()
        .map(|group| (group.id.clone(), group))
        .collect())
}

fn all(connection: &Connection) -> Result<Vec<Group>> {
    let mut statement =
        connection.prepare_cached("SELECT id, name, display_name FROM groups ORDER BY sequence")?;
    let groups = statement.query_map([], group_of)?;
    Ok(groups.collect::<rusqlite::Result<_>>()?)
}

fn group_of(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        id: row.get(0)?,
        name: row.get(1)?,
        display_name: row.get(2)?,
    })
}

fn find(connection: &Connection, word: &str) -> Result<Group> {
    if let Some(group) = find_known(connection, word)? {
        return Ok(group);
    }
    let known = all(connection)?;
    let near = nearest(word, known.iter().map(|group| group.name.as_str()));
    Err(Error::not_found(
        Subject::Group,
        word,
        near.map(str::to_owned),
    ))
}

fn find_known(connection: &Connection, word: &str) -> Result<Option<Group>> {
    let (column, word) = if is_uuid(word) {
        ("id", word.to_ascii_lowercase())
    } else {
        ("name", word.to_owned())
    };
    Ok(connection
        .prepare_cached(&format!(
            "SELECT id, name, display_name FROM groups WHERE {column} = ?1"
        ))?
        .query_row([word], group_of)
        .optional()?)
}
