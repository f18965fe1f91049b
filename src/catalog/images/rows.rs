//! An image as rows of the tables: its own, and those that point to it.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::catalog::error::Result;
use crate::catalog::groups;
use crate::domain::image::{Image, ImageConfig, Seen};
use crate::domain::image_json::{labels_json, words_json};
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobStatus};

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

pub(super) fn insert_row(
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

pub(super) fn update_row(connection: &Connection, id: i64, image: &Image) -> Result<()> {
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
pub(super) fn write_links(connection: &Connection, id: i64, image: &Image) -> Result<()> {
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
