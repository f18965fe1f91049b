//! A filter as the text of a query.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;

use super::super::error::Result;
use super::super::search;
use super::Filled;
use crate::domain::image::{Archived, ImageFilter};
use crate::domain::reference::Reference;

/// A query of whole images, and what is bound to it.
pub(super) struct Query {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Query {
    pub(super) fn of(filter: &ImageFilter, filled: Filled) -> Self {
        let mut query = Self {
            sql: filled.selection(),
            values: Vec::new(),
        };
        let mut conditions: Vec<String> = Vec::new();
        let index_query = filter.search.as_deref().and_then(search::query);
        if let Some(text) = &filter.search {
            let place = query.bind(search::fold_case(text).into_owned());
            conditions.push(format!(
                "holds_text({place}, i.name, i.display_name, i.description, i.url, \
                 i.url_for_gpu, i.image_spec, i.tags)"
            ));
        }
        if let Some(text) = index_query {
            let place = query.bind(text);
            conditions.push(format!(
                "i.id IN (SELECT rowid FROM image_search WHERE image_search MATCH {place})"
            ));
        }
        match filter.archived {
            Archived::Hide => conditions.push("i.archived = 0".to_owned()),
            Archived::Only => conditions.push("i.archived = 1".to_owned()),
            Archived::Any => {}
        }
        if filter.not_ready {
            conditions.push("i.is_ready IS NOT 1".to_owned());
        }
        let equals = [
            (
                "i.type",
                filter.image_type.map(|found| found.name().to_owned()),
            ),
            ("i.kind", filter.kind.clone()),
            ("i.author", filter.author.clone()),
            ("i.apply_set", filter.applied_from.clone()),
        ];
        for (column, wanted) in equals {
            if let Some(wanted) = wanted {
                let place = query.bind(wanted);
                conditions.push(format!("{column} = {place}"));
            }
        }
        if let Some(group) = &filter.group {
            let place = query.bind(group.clone());
            conditions.push(format!(
                "i.id IN (SELECT image_id FROM image_groups WHERE group_id = {place})"
            ));
        }
        let listed = filter
            .tags
            .iter()
            .map(|tag| ("i.tags", tag))
            .chain(filter.format.iter().map(|format| ("i.formats", format)));
        for (column, word) in listed {
            let place = query.bind(word.clone());
            conditions.push(format!(
                "{column} IS NOT NULL AND {place} IN (SELECT value FROM json_each({column}))"
            ));
        }
        if let Some(project) = &filter.project {
            let place = query.bind(project.clone());
            conditions.push(format!("is_in_project({place}, i.url, i.url_for_gpu)"));
        }
        for (key, value) in &filter.labels {
            let key = query.bind(key.clone());
            let value = query.bind(value.clone());
            conditions.push(format!(
                "i.labels IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(i.labels) \
                 WHERE key = {key} AND value = {value})"
            ));
        }
        if !conditions.is_empty() {
            query.sql.push_str(" WHERE ");
            query.sql.push_str(&conditions.join(" AND "));
        }
        query.sql.push_str(" ORDER BY ");
        query.sql.push_str(&order(filter, filled));
        if let Some(limit) = filter.limit {
            query
                .sql
                .push_str(&format!(" LIMIT {}", limit.min(i64::MAX.unsigned_abs())));
        }
        query
    }

    fn bind(&mut self, value: String) -> String {
        self.values.push(Value::Text(value));
        format!("?{}", self.values.len())
    }
}

/// Makes `is_in_project(PROJECT, url, url_for_gpu)` known to a connection: whether the
/// repository of one of the references begins with the project.
pub(in crate::catalog) fn add_function(connection: &Connection) -> Result<()> {
    connection.create_scalar_function(
        "is_in_project",
        3,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        |context| {
            let text = |index: usize| context.get_raw(index).as_str_or_null().ok().flatten();
            let project = text(0).unwrap_or_default();
            let is_beneath = |url: &str| {
                Reference::parse(url).is_ok_and(|reference| {
                    let rest = reference.repository().as_str().strip_prefix(project);
                    rest.is_some_and(|rest| rest.starts_with('/'))
                })
            };
            Ok([1, 2].into_iter().filter_map(text).any(is_beneath))
        },
    )?;
    Ok(())
}

/// Returns the name of a field as its column has it.
fn snake_case(name: &str) -> String {
    let mut column = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            column.push('_');
        }
        column.push(letter.to_ascii_lowercase());
    }
    column
}

fn order(filter: &ImageFilter, filled: Filled) -> String {
    if filter.by_stream {
        // What `formats/platforms/imagestream.rs` keeps of an image's tag.
        return "coalesce(json_extract(i.extra, '$.opendatahub.imageStream'), i.name), \
                json_extract(i.extra, '$.opendatahub.order'), i.id"
            .to_owned();
    }
    let direction = if filter.reverse { " DESC" } else { "" };
    let Some(field) = filter.sort else {
        return format!("i.id{direction}");
    };
    let column = match field.name() {
        "id" => "i.name".to_owned(),
        "digest" => filled.seen_column("digest"),
        "size" => filled.seen_column("size"),
        "verifiedAt" => filled.seen_column("seen_at"),
        name => format!("i.{}", snake_case(name)),
    };
    format!("{column}{direction} NULLS LAST, i.id{direction}")
}
