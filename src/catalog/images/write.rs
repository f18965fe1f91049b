//! Writing images: every change with its row in the record, in one transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode, params};

use super::read::{applied_names, find, id_of};
use crate::catalog::error::{Error, Result};
use crate::catalog::{Writer, changes, groups, search, secrets};
use crate::domain::change::Subject;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, ImageConfig, NewImage, Seen};
use crate::domain::image_json::{labels_json, words_json};
use crate::domain::image_rules::FieldFault;
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobStatus};

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
        let mut faults = secret_faults(connection, &new.config)?;
        let members = match &new.groups {
            GroupsInput::Set(wanted) => self.resolve_groups("groups", wanted, &mut faults)?,
            GroupsInput::Change { connect, .. } => {
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
                    Some(id) if id > self.last_image_before => Ok(Inserted::Twice),
                    Some(_) => Ok(Inserted::Exists),
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
        // Names of an input of any length are not held in memory.
        self.transaction.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS mentioned (name TEXT PRIMARY KEY) WITHOUT ROWID",
        )?;
        let added = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO temp.mentioned (name) VALUES (?1)")?
            .execute([name])?;
        Ok(added == 1)
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
                let removed = self.resolve_groups("groups.disconnect", disconnect, faults)?;
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

fn json_list(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words_json(words))
}

fn json_labels(labels: &BTreeMap<String, String>) -> Option<String> {
    (!labels.is_empty()).then(|| labels_json(labels))
}

struct Columns {
    spec: Option<String>,
    job: Option<String>,
    tags: Option<String>,
    labels: Option<String>,
    formats: Option<String>,
    extra: Option<String>,
}

impl Columns {
    fn of(config: &ImageConfig) -> Self {
        Self {
            spec: config.spec.as_ref().map(ImageSpec::to_json),
            job: config.job.as_ref().map(JobStatus::to_json),
            tags: json_list(&config.tags),
            labels: json_labels(&config.labels),
            formats: json_list(&config.formats),
            extra: (!config.extra.is_empty()).then(|| object_of(&config.extra)),
        }
    }
}

/// Returns the JSON object of fields whose values are JSON text already.
fn object_of(fields: &[(String, String)]) -> String {
    let members: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn insert_row(
    connection: &Connection,
    image: &Image,
    apply_set: Option<&str>,
) -> std::result::Result<i64, rusqlite::Error> {
    let config = &image.config;
    let columns = Columns::of(config);
    connection
        .prepare_cached(
            "INSERT INTO images (name, display_name, description, type, url, url_for_gpu,
               use_image_pull_secret, pull_secret, global, is_ready, image_spec, job_status,
               pull_policy, tags, labels, kind, command, picture, author, archived, formats,
               pinned_tag, extra, apply_set, created_at, updated_at, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)",
        )?
        .insert(params![
            config.name,
            config.display_name,
            config.description,
            config.image_type.name(),
            config.url,
            config.url_for_gpu,
            config.use_image_pull_secret,
            config.pull_secret,
            config.global,
            config.is_ready,
            columns.spec,
            columns.job,
            config
                .pull_policy
                .map(crate::domain::image::PullPolicy::name),
            columns.tags,
            columns.labels,
            config.kind,
            config.command,
            config.picture,
            config.author,
            config.archived,
            columns.formats,
            config.pinned_tag,
            columns.extra,
            apply_set,
            image.created_at,
            image.updated_at,
            image.revision,
        ])
}

fn update_row(connection: &Connection, id: i64, image: &Image) -> Result<()> {
    let config = &image.config;
    let columns = Columns::of(config);
    connection
        .prepare_cached(
            "UPDATE images SET name = ?2, display_name = ?3, description = ?4, type = ?5,
               url = ?6, url_for_gpu = ?7, use_image_pull_secret = ?8, pull_secret = ?9,
               global = ?10, is_ready = ?11, image_spec = ?12, job_status = ?13,
               pull_policy = ?14, tags = ?15, labels = ?16, kind = ?17, command = ?18,
               picture = ?19, author = ?20, archived = ?21, formats = ?22, pinned_tag = ?23,
               extra = ?24, updated_at = ?25, revision = ?26
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            config.name,
            config.display_name,
            config.description,
            config.image_type.name(),
            config.url,
            config.url_for_gpu,
            config.use_image_pull_secret,
            config.pull_secret,
            config.global,
            config.is_ready,
            columns.spec,
            columns.job,
            config
                .pull_policy
                .map(crate::domain::image::PullPolicy::name),
            columns.tags,
            columns.labels,
            config.kind,
            config.command,
            config.picture,
            config.author,
            config.archived,
            columns.formats,
            config.pinned_tag,
            columns.extra,
            image.updated_at,
            image.revision,
        ])?;
    Ok(())
}

/// Writes the rows of an image in the tables that point to it.
fn write_links(connection: &Connection, id: i64, image: &Image) -> Result<()> {
    for group in &image.groups {
        groups::link(connection, id, &group.id)?;
    }
    let Seen { url, url_for_gpu } = &image.seen;
    for (reference, seen) in [("url", url), ("urlForGpu", url_for_gpu)] {
        if !seen.is_empty() {
            write_sighting(connection, id, reference, seen)?;
        }
    }
    Ok(())
}

fn write_sighting(
    connection: &Connection,
    id: i64,
    reference: &str,
    seen: &Sighting,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sightings (image_id, reference, digest, media_type, size, platforms,
               labels, seen_at, problem)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id,
            reference,
            seen.digest,
            seen.media_type,
            seen.size,
            json_list(&seen.platforms),
            json_labels(&seen.labels),
            seen.seen_at,
            seen.problem,
        ])?;
    Ok(())
}
