//! An image as rows of the tables: its own, and those that point to it.

use std::collections::BTreeMap;

use rusqlite::{Connection, ToSql, params, params_from_iter};

use crate::catalog::error::Result;
use crate::catalog::groups;
use crate::domain::image::{Image, ImageConfig, PullPolicy, Seen};
use crate::domain::image_json::{labels_json, words_json};
use crate::domain::scanned::Scanned;
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobStatus};

fn json_list(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words_json(words))
}

fn json_labels(labels: &BTreeMap<String, String>) -> Option<String> {
    (!labels.is_empty()).then(|| labels_json(labels))
}

/// The columns that a write sets, in the order of [`Columns::values`].
macro_rules! written_columns {
    () => {
        "name, display_name, description, type, url, url_for_gpu, use_image_pull_secret, \
         pull_secret, global, is_ready, image_spec, job_status, pull_policy, tags, labels, kind, \
         command, picture, author, archived, formats, pinned_tag, extra, updated_at, revision"
    };
}

/// What of an image is written in another form than it has.
struct Columns {
    image_type: &'static str,
    pull_policy: Option<&'static str>,
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
            image_type: config.image_type.name(),
            pull_policy: config.pull_policy.map(PullPolicy::name),
            spec: config.spec.as_ref().map(ImageSpec::to_json),
            job: config.job.as_ref().map(JobStatus::to_json),
            tags: json_list(&config.tags),
            labels: json_labels(&config.labels),
            formats: json_list(&config.formats),
            extra: (!config.extra.is_empty()).then(|| object_of(&config.extra)),
        }
    }

    fn values<'a>(&'a self, image: &'a Image) -> [&'a dyn ToSql; 25] {
        let config = &image.config;
        [
            &config.name,
            &config.display_name,
            &config.description,
            &self.image_type,
            &config.url,
            &config.url_for_gpu,
            &config.use_image_pull_secret,
            &config.pull_secret,
            &config.global,
            &config.is_ready,
            &self.spec,
            &self.job,
            &self.pull_policy,
            &self.tags,
            &self.labels,
            &config.kind,
            &config.command,
            &config.picture,
            &config.author,
            &config.archived,
            &self.formats,
            &config.pinned_tag,
            &self.extra,
            &image.updated_at,
            &image.revision,
        ]
    }
}

/// Returns the JSON object of fields whose values are JSON text.
pub(in crate::catalog) fn object_of(fields: &[(String, String)]) -> String {
    let members: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Adds the row of an image and returns its id.
pub(super) fn insert_row(
    connection: &Connection,
    image: &Image,
    apply_set: Option<&str>,
) -> std::result::Result<i64, rusqlite::Error> {
    let columns = Columns::of(&image.config);
    let own: [&dyn ToSql; 2] = [&apply_set, &image.created_at];
    connection
        .prepare_cached(concat!(
            "INSERT INTO images (",
            written_columns!(),
            ", apply_set, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)"
        ))?
        .insert(params_from_iter(
            columns.values(image).into_iter().chain(own),
        ))
}

/// Replaces the row of an image.
pub(super) fn update_row(connection: &Connection, id: i64, image: &Image) -> Result<()> {
    let columns = Columns::of(&image.config);
    let own: [&dyn ToSql; 1] = [&id];
    connection
        .prepare_cached(concat!(
            "UPDATE images SET (",
            written_columns!(),
            ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)
             WHERE id = ?26"
        ))?
        .execute(params_from_iter(
            columns.values(image).into_iter().chain(own),
        ))?;
    Ok(())
}

/// Writes the rows of an image in the tables that point to it.
pub(super) fn write_links(connection: &Connection, id: i64, image: &Image) -> Result<()> {
    for group in &image.groups {
        groups::link(connection, id, &group.id)?;
    }
    write_sightings(connection, id, image)
}

/// Writes what was last seen of the references of an image.
pub(super) fn write_sightings(connection: &Connection, id: i64, image: &Image) -> Result<()> {
    let Seen { url, url_for_gpu } = &image.seen;
    for (reference, seen) in [("url", url), ("urlForGpu", url_for_gpu)] {
        if !seen.is_empty() {
            write_sighting(connection, id, reference, seen)?;
        }
    }
    Ok(())
}

/// Writes what was last seen of one reference of an image.
pub(super) fn write_sighting(
    connection: &Connection,
    id: i64,
    reference: &str,
    seen: &Sighting,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO sightings (image_id, reference, digest, media_type, size, platforms,
               labels, seen_at, problem, scan)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
            seen.scan.as_ref().map(Scanned::to_json),
        ])?;
    Ok(())
}
