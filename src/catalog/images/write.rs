//! Writing images: every change with its row in the record, in one transaction.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, ErrorCode};

use super::read::{applied_names, find, id_of};
use super::rows::{insert_row, update_row, write_links, write_sightings};
use crate::catalog::error::{Error, Result};
use crate::catalog::{Writer, changes, search, secrets};
use crate::domain::change::Subject;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::image_rules::FieldFault;
use crate::domain::platform::Platform;

/// An image to be written, and the set of applied files that makes it, if any.
#[derive(Debug, Clone, Copy)]
pub struct NewRow<'a> {
    pub image: &'a NewImage,
    pub apply_set: Option<&'a str>,
}

/// What became of an image that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is made.
    Yes,
    /// Its name exists already, made before this transaction.
    Exists,
    /// Its name exists already, made in this very transaction.
    Twice,
}

impl Writer<'_> {
    /// Adds an image; the actor is its author where none is given.
    ///
    /// # Errors
    /// [`Error::Rejected`] for unknown groups and secrets.
    pub fn insert_image(&self, row: NewRow<'_>) -> Result<Inserted> {
        let connection = &*self.transaction;
        let new = row.image;
        // Groups are made and secrets missed only where the image is to be made.
        if names_others(new)
            && let Some(id) = id_of(connection, &new.config.name)?
        {
            return Ok(self.existing(id));
        }
        let mut faults = secret_faults(connection, &new.config)?;
        let members = match &new.groups {
            GroupsInput::Set(wanted) => self.resolve_groups("groups", wanted, &mut faults)?,
            GroupsInput::Change {
                connect,
                disconnect,
            } => {
                self.known_groups("groups.disconnect", disconnect, &mut faults)?;
                self.resolve_groups("groups.connect", connect, &mut faults)?
            }
        };
        if !faults.is_empty() {
            return Err(Error::Rejected(faults));
        }
        let mut image = Image {
            config: new.config.clone(),
            groups: members,
            seen: new.seen.clone(),
            created_at: self.actor.now.clone(),
            updated_at: self.actor.now.clone(),
            revision: 1,
        };
        if image.config.author.is_none() {
            image.config.author = Some(self.actor.author.clone());
        }
        let id = match insert_row(connection, &image, row.apply_set) {
            Ok(id) => id,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return match id_of(connection, &image.config.name)? {
                    Some(id) => Ok(self.existing(id)),
                    None => Err(error.into()),
                };
            }
            Err(error) => return Err(error.into()),
        };
        write_links(connection, id, &image)?;
        search::add(connection, id, &image.config)?;
        changes::record(
            connection,
            &self.actor,
            &changes::Entry {
                subject: Subject::Image,
                name: &image.config.name,
                action: "create",
                revision: 1,
                before: None,
                after: Some(&image.to_recorded_json()),
            },
        )?;
        Ok(Inserted::Yes)
    }

    fn existing(&self, id: i64) -> Inserted {
        if id > self.last_image_before {
            Inserted::Twice
        } else {
            Inserted::Exists
        }
    }

    /// Returns the image of that name, as this transaction sees it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn image(&self, name: &str) -> Result<Image> {
        find(&self.transaction, name).map(|(_, image)| image)
    }

    /// Replaces an image by what `change` makes of it, and returns it; what
    /// changes nothing makes no revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Rejected`] for unknown groups and secrets,
    /// and whatever `change` returns.
    pub fn update_image<E: From<Error>>(
        &self,
        name: &str,
        action: &'static str,
        change: impl FnOnce(&Image) -> std::result::Result<NewImage, E>,
    ) -> std::result::Result<(Image, Changed), E> {
        let (id, before) = find(&self.transaction, name).map_err(E::from)?;
        let wanted = change(&before)?;
        self.replace(id, before, &wanted, action).map_err(E::from)
    }

    fn replace(
        &self,
        id: i64,
        before: Image,
        wanted: &NewImage,
        action: &'static str,
    ) -> Result<(Image, Changed)> {
        let connection = &*self.transaction;
        let mut faults = secret_faults(connection, &wanted.config)?;
        let members = self.members_after(&before, &wanted.groups, &mut faults)?;
        if !faults.is_empty() {
            return Err(Error::Rejected(faults));
        }
        let mut after = Image {
            config: wanted.config.clone(),
            groups: members,
            seen: wanted.seen.clone(),
            ..before.clone()
        };
        if after == before {
            return Ok((before, Changed::No));
        }
        if is_seen_again(&before, &after) {
            // That it was looked at is no change, here as where it is verified.
            connection.execute("DELETE FROM sightings WHERE image_id = ?1", [id])?;
            write_sightings(connection, id, &after)?;
            return Ok((after, Changed::No));
        }
        after.revision += 1;
        after.updated_at.clone_from(&self.actor.now);
        search::remove(connection, id, &before.config)?;
        update_row(connection, id, &after)?;
        connection.execute("DELETE FROM image_groups WHERE image_id = ?1", [id])?;
        connection.execute("DELETE FROM sightings WHERE image_id = ?1", [id])?;
        write_links(connection, id, &after)?;
        search::add(connection, id, &after.config)?;
        let (old, new) = changes::difference(&before.to_json(), &after.to_json())?;
        changes::record(
            connection,
            &self.actor,
            &changes::Entry {
                subject: Subject::Image,
                name: &after.config.name,
                action,
                revision: after.revision,
                before: Some(&old),
                after: Some(&new),
            },
        )?;
        Ok((after, Changed::Yes))
    }

    /// Deletes an image; its record of changes stays.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_image(&self, name: &str, action: &'static str) -> Result<()> {
        let connection = &*self.transaction;
        let (id, image) = find(connection, name)?;
        search::remove(connection, id, &image.config)?;
        connection.execute("DELETE FROM images WHERE id = ?1", [id])?;
        changes::record(
            connection,
            &self.actor,
            &changes::Entry {
                subject: Subject::Image,
                name,
                action,
                revision: image.revision + 1,
                before: Some(&image.to_recorded_json()),
                after: None,
            },
        )
    }

    /// Returns whether this is the first time in this transaction that the
    /// name is asked about.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn first_mention(&self, name: &str) -> Result<bool> {
        Ok(self.mention(name, "")?.is_none())
    }

    /// Notes the place where an input has a name, and returns where it had it
    /// before in this transaction.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn mention(&self, name: &str, place: &str) -> Result<Option<String>> {
        // Names of an input of any length are not held in memory.
        self.transaction.execute_batch(
            "PRAGMA temp.cache_size = -512;
             CREATE TEMP TABLE IF NOT EXISTS mentioned
               (name TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID",
        )?;
        let added = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO temp.mentioned (name, place) VALUES (?1, ?2)")?
            .execute([name, place])?;
        if added == 1 {
            return Ok(None);
        }
        Ok(Some(
            self.transaction
                .prepare_cached("SELECT place FROM temp.mentioned WHERE name = ?1")?
                .query_row([name], |row| row.get(0))?,
        ))
    }

    /// Returns which images of a platform have one of these very references: for each
    /// reference the name of the first one. All images are looked at once.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn images_with_urls(
        &self,
        platform: Platform,
        urls: &HashSet<&str>,
    ) -> Result<HashMap<String, String>> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT url, name FROM images WHERE url IS NOT NULL
             AND ?1 IN (SELECT value FROM json_each(formats)) ORDER BY id",
        )?;
        let mut rows = statement.query([platform.name()])?;
        let mut found = HashMap::new();
        while let Some(row) = rows.next()? {
            let url: String = row.get(0)?;
            if urls.contains(url.as_str()) {
                let name = row.get(1)?;
                found.entry(url).or_insert(name);
            }
        }
        Ok(found)
    }

    /// Makes an image that one set of applied files made belong to another set,
    /// which declares it now. One that no set made stays nobody's.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn claim_image(&self, name: &str, set: &str) -> Result<()> {
        self.transaction
            .prepare_cached(
                "UPDATE images SET apply_set = ?2
                 WHERE name = ?1 AND apply_set IS NOT NULL AND apply_set <> ?2",
            )?
            .execute((name, set))?;
        Ok(())
    }

    /// Returns the names of the images that a set of applied files made.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn applied_images(&self, set: &str) -> Result<Vec<String>> {
        applied_names(&self.transaction, set)
    }

    fn members_after(
        &self,
        before: &Image,
        input: &GroupsInput,
        faults: &mut Vec<FieldFault>,
    ) -> Result<Vec<crate::domain::group::Group>> {
        match input {
            GroupsInput::Set(wanted) => self.resolve_groups("groups", wanted, faults),
            GroupsInput::Change {
                connect,
                disconnect,
            } => {
                let added = self.resolve_groups("groups.connect", connect, faults)?;
                let removed = self.known_groups("groups.disconnect", disconnect, faults)?;
                let mut members = before.groups.clone();
                for group in added {
                    if !members.iter().any(|member| member.id == group.id) {
                        members.push(group);
                    }
                }
                members.retain(|member| !removed.iter().any(|group| group.id == member.id));
                members.sort_by(|one, other| one.name.cmp(&other.name));
                Ok(members)
            }
        }
    }
}

/// Returns whether an image differs only in when its references were looked at.
fn is_seen_again(before: &Image, after: &Image) -> bool {
    let mut again = after.clone();
    let seen = &before.seen;
    again.seen.url.seen_at.clone_from(&seen.url.seen_at);
    let at = &seen.url_for_gpu.seen_at;
    again.seen.url_for_gpu.seen_at.clone_from(at);
    again == *before
}

/// Returns whether an image names groups or secrets.
fn names_others(new: &NewImage) -> bool {
    let groups = match &new.groups {
        GroupsInput::Set(groups) => groups,
        GroupsInput::Change { .. } => return true,
    };
    !groups.is_empty() || new.config.use_image_pull_secret.is_some() || new.config.spec.is_some()
}

/// Whether an update changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Yes,
    No,
}

fn secret_faults(connection: &Connection, config: &ImageConfig) -> Result<Vec<FieldFault>> {
    let mut faults = Vec::new();
    let spec_secret = config
        .spec
        .as_ref()
        .and_then(|spec| spec.pull_secret.as_ref());
    for (field, id) in [
        ("useImagePullSecret", config.use_image_pull_secret.as_ref()),
        ("imageSpec.pullSecret", spec_secret),
    ] {
        if let Some(id) = id
            && let Err(rule) = secrets::check_pull_secret(connection, id)?
        {
            faults.push(FieldFault::new(field, rule));
        }
    }
    Ok(faults)
}
