//! Answers of Harbor's API, and lists in pages.

use serde_json::{Value, json};

use super::accounts::Who;
use super::server::Asked;
use super::state::State;

#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

/// What a handler of the API gives: what stands in its way is an answer too.
pub type Answered = Result<Answer, Answer>;

impl Answer {
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            json!({"errors": [{"code": code, "message": message}]}),
        )
    }

    pub fn not_found(what: &str) -> Self {
        Self::error(404, "NOT_FOUND", &format!("{what} not found"))
    }

    pub fn conflict(what: &str) -> Self {
        Self::error(409, "CONFLICT", &format!("{what} already exists"))
    }

    pub fn bad(message: &str) -> Self {
        Self::error(400, "BAD_REQUEST", message)
    }

    pub fn created(location: String) -> Self {
        Self::empty(201).with("Location", location)
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Returns what somebody is told who may not do something.
pub fn refusal(who: &Who) -> Answer {
    if who.is_anonymous() {
        Answer::error(401, "UNAUTHORIZED", "unauthorized")
    } else {
        Answer::error(403, "FORBIDDEN", "forbidden")
    }
}

/// Goes on only if the one who asks may do that in the project. A project that
/// is not there is refused in the same words, as Harbor does.
pub fn require(
    state: &State,
    who: &Who,
    project: &str,
    resource: &str,
    action: &str,
) -> Result<(), Answer> {
    if who.may(state, project, resource, action) {
        Ok(())
    } else {
        Err(refusal(who))
    }
}

/// Filters, sorts and cuts a list to the page that is asked for.
pub fn listed(asked: &Asked, items: Vec<Value>) -> Answered {
    let number = |name: &str, default: usize| match asked.query(name) {
        "" => Ok(default),
        text => text.parse::<usize>().map_err(|_| invalid(name, text)),
    };
    let (page, size) = (number("page", 1)?, number("page_size", 10)?);
    if page < 1 {
        return Err(invalid("page", "0"));
    }
    if !(1..=100).contains(&size) {
        return Err(invalid("page_size", &size.to_string()));
    }
    let mut items = items;
    for (name, wanted) in filters(asked.query("q"))? {
        items.retain(|item| fits(&item[&name], &wanted));
    }
    let sort = asked.query("sort");
    for key in sort.split(',').rev().filter(|key| !key.is_empty()) {
        let (name, falls) = key
            .strip_prefix('-')
            .map_or((key, false), |name| (name, true));
        items.sort_by(|left, right| {
            let order = match (left[name].as_i64(), right[name].as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => text_of(&left[name]).cmp(&text_of(&right[name])),
            };
            if falls { order.reverse() } else { order }
        });
    }
    let total = items.len();
    let cut: Vec<Value> = items
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .collect();
    let mut answer = Answer::json(200, Value::Array(cut)).with("X-Total-Count", total.to_string());
    let mut links = Vec::new();
    let mut link = |page: usize, relation: &str| {
        links.push(format!(
            "<{}>; rel=\"{relation}\"",
            asked.path_of_page(page, size)
        ));
    };
    if page > 1 {
        link(page - 1, "prev");
    }
    if page * size < total {
        link(page + 1, "next");
    }
    if !links.is_empty() {
        answer = answer.with("Link", links.join(" , "));
    }
    Ok(answer)
}

fn invalid(name: &str, value: &str) -> Answer {
    let message = format!("validation failure list:\n{name} in query is not valid: {value}");
    Answer::error(422, "UNPROCESSABLE_ENTITY", &message)
}

/// Returns the conditions of `q`, whose values are unescaped once more.
pub fn filters(q: &str) -> Result<Vec<(String, String)>, Answer> {
    let parts = q.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), crate::token_server::decoded(value)))
            }
            _ => Err(Answer::bad(&format!("invalid query string: {part}"))),
        })
        .collect()
}

/// Whether a value of an item is what a condition wants.
pub fn fits(value: &Value, wanted: &str) -> bool {
    let text = text_of(value);
    let inner = |open: char, close: char| wanted.strip_prefix(open)?.strip_suffix(close);
    if let Some(part) = wanted.strip_prefix('~') {
        return text.contains(part);
    }
    if let Some(all) = inner('{', '}').or_else(|| inner('(', ')')) {
        return all.split(' ').any(|one| one == text);
    }
    if let Some((least, most)) = inner('[', ']').and_then(|range| range.split_once('~')) {
        let above = least.is_empty() || text.as_str() >= least;
        return above && (most.is_empty() || text.as_str() <= most);
    }
    text == wanted
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
