//! The table of images: its columns, and how a row becomes an image.

mod query;
mod read;
mod references;
mod rows;
mod write;

pub(super) use query::add_function;
pub(super) use read::for_each_searched;
pub(super) use read::select;
pub use references::Referring;
pub(super) use rows::object_of;
pub use write::{Changed, Inserted, NewRow};

use std::collections::{BTreeMap, HashMap};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::{Error, Result};
use crate::domain::group::Group;
use crate::domain::image::{Image, ImageConfig, ImageType, PullPolicy, Seen};
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobPhase, JobStatus};

/// The columns of the table of images, in the order of [`image_of`].
const COLUMNS: &str = "i.id, i.name, i.display_name, i.description, i.type, i.url, i.url_for_gpu, \
    i.use_image_pull_secret, i.pull_secret, i.global, i.is_ready, i.image_spec, i.job_status, \
    i.pull_policy, i.tags, i.labels, i.kind, i.command, i.picture, i.author, i.archived, \
    i.formats, i.pinned_tag, i.extra, i.created_at, i.updated_at, i.revision";

/// Which of the tables that belong to images hold anything. Looking into an
/// empty one for every image would take a fifth of the time of a long list.
#[derive(Debug, Clone, Copy)]
struct Filled {
    groups: bool,
    sightings: bool,
}

impl Filled {
    fn of(connection: &Connection) -> Result<Self> {
        Ok(connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM image_groups), EXISTS (SELECT 1 FROM sightings)",
            )?
            .query_row([], |row| {
                Ok(Self {
                    groups: row.get(0)?,
                    sightings: row.get(1)?,
                })
            })?)
    }

    /// Returns `SELECT … FROM …` of whole images, for [`image_of`].
    fn selection(self) -> String {
        let groups = if self.groups {
            "(SELECT group_concat(group_id, ' ') FROM image_groups WHERE image_id = i.id)"
        } else {
            "NULL"
        };
        let (seen, sources) = if self.sightings {
            (
                "c.image_id, c.digest, c.media_type, c.size, c.platforms, c.labels, c.seen_at, \
                 c.problem, c.scan, g.image_id, g.digest, g.media_type, g.size, g.platforms, \
                 g.labels, g.seen_at, g.problem, g.scan",
                "images i \
                 LEFT JOIN sightings c ON c.image_id = i.id AND c.reference = 'url' \
                 LEFT JOIN sightings g ON g.image_id = i.id AND g.reference = 'urlForGpu'",
            )
        } else {
            ("NULL", "images i")
        };
        format!("SELECT {COLUMNS}, {groups}, {seen} FROM {sources}")
    }

    /// Returns the columns that a list is sorted by the sizes or times of.
    fn seen_column(self, column: &str) -> String {
        if self.sightings {
            format!("coalesce(c.{column}, g.{column})")
        } else {
            "NULL".to_owned()
        }
    }
}

const GROUPS: usize = 27;
const FIRST_SIGHTING: usize = 28;
const SECOND_SIGHTING: usize = 37;

/// The groups of the catalog by id.
type Groups = HashMap<String, Group>;

/// Returns the id of a row of [`Filled::selection`] and its image.
fn image_of(row: &Row<'_>, filled: Filled, groups: &Groups) -> Result<(i64, Image)> {
    let config = ImageConfig {
        name: row.get(1)?,
        display_name: row.get(2)?,
        description: row.get(3)?,
        image_type: named(row, 4, ImageType::from_name)?.unwrap_or_default(),
        url: row.get(5)?,
        url_for_gpu: row.get(6)?,
        use_image_pull_secret: row.get(7)?,
        pull_secret: row.get(8)?,
        global: row.get(9)?,
        is_ready: row.get(10)?,
        spec: spec_of(row, 11)?,
        job: job_of(row, 12)?,
        pull_policy: named(row, 13, PullPolicy::from_name)?,
        tags: json(row, 14)?,
        labels: json(row, 15)?,
        kind: row.get(16)?,
        command: row.get(17)?,
        picture: row.get(18)?,
        author: row.get(19)?,
        archived: row.get(20)?,
        formats: json(row, 21)?,
        pinned_tag: row.get(22)?,
        extra: pairs(row, 23)?,
    };
    let mut members: Vec<Group> = text(row, GROUPS)?
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|id| groups.get(id).cloned())
        .collect();
    members.sort_by(|one, other| one.name.cmp(&other.name));
    let image = Image {
        config,
        groups: members,
        seen: if filled.sightings {
            Seen {
                url: sighting_of(row, FIRST_SIGHTING)?,
                url_for_gpu: sighting_of(row, SECOND_SIGHTING)?,
            }
        } else {
            Seen::default()
        },
        created_at: row.get(24)?,
        updated_at: row.get(25)?,
        revision: row.get(26)?,
    };
    Ok((row.get(0)?, image))
}

fn sighting_of(row: &Row<'_>, first: usize) -> Result<Sighting> {
    if row.get_ref(first)? == ValueRef::Null {
        return Ok(Sighting::default());
    }
    Ok(Sighting {
        digest: row.get(first + 1)?,
        media_type: row.get(first + 2)?,
        size: row.get(first + 3)?,
        platforms: json(row, first + 4)?,
        labels: json(row, first + 5)?,
        seen_at: row.get(first + 6)?,
        problem: row.get(first + 7)?,
        scan: json(row, first + 8)?,
    })
}

fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<Option<&'row str>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_str().map_err(|_| broken(column))?)),
    }
}

fn broken(column: usize) -> Error {
    Error::Damaged {
        what: format!("the catalog is damaged: an image's column {column} cannot be read"),
    }
}

fn named<T>(row: &Row<'_>, column: usize, from_name: fn(&str) -> Option<T>) -> Result<Option<T>> {
    text(row, column)?
        .map(|name| from_name(name).ok_or_else(|| broken(column)))
        .transpose()
}

fn json<T: DeserializeOwned + Default>(row: &Row<'_>, column: usize) -> Result<T> {
    match text(row, column)? {
        None => Ok(T::default()),
        Some(text) => serde_json::from_str(text).map_err(|_| broken(column)),
    }
}

/// A JSON object as its fields in their order, each with its JSON text.
struct Fields(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.push((key, String::from(Box::<str>::from(value))));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

pub(super) fn pairs(row: &Row<'_>, column: usize) -> Result<Vec<(String, String)>> {
    match text(row, column)? {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text)
            .map(|Fields(fields)| fields)
            .map_err(|_| broken(column)),
    }
}

fn spec_of(row: &Row<'_>, column: usize) -> Result<Option<ImageSpec>> {
    let Some(text) = text(row, column)? else {
        return Ok(None);
    };
    let read = || -> serde_json::Result<ImageSpec> {
        let Fields(fields) = serde_json::from_str(text)?;
        let mut spec = ImageSpec::default();
        for (key, value) in fields {
            match key.as_str() {
                "baseImage" => spec.base_image = serde_json::from_str(&value)?,
                "pullSecret" => spec.pull_secret = serde_json::from_str(&value)?,
                "packages" => {
                    let mut lists: BTreeMap<String, Vec<String>> = serde_json::from_str(&value)?;
                    let mut take = |manager| lists.remove(manager).unwrap_or_default();
                    (spec.apt, spec.conda, spec.pip) = (take("apt"), take("conda"), take("pip"));
                }
                _ => spec.extra.push((key, value)),
            }
        }
        Ok(spec)
    };
    read().map(Some).map_err(|_| broken(column))
}

fn job_of(row: &Row<'_>, column: usize) -> Result<Option<JobStatus>> {
    let mut fields = pairs(row, column)?;
    let Some(index) = fields.iter().position(|(key, _)| key == "phase") else {
        return Ok(None);
    };
    let (_, phase) = fields.remove(index);
    let name: String = serde_json::from_str(&phase).map_err(|_| broken(column))?;
    Ok(Some(JobStatus {
        phase: JobPhase::from_name(&name).ok_or_else(|| broken(column))?,
        extra: fields,
    }))
}
