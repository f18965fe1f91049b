//! Harbor's own contract (a file of Swagger 2.0), against which every question and
//! answer of the API is held where the file is at hand.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::answers::Answer;
use super::server::{Asked, query_pairs};

/// Statuses that any request may be answered with.
const COMMON: [u16; 7] = [401, 403, 404, 412, 422, 429, 500];

pub struct Contract {
    document: Value,
    /// The definitions as JSON schemas.
    definitions: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// Returns the contract, if its file is there.
pub fn contract() -> Option<&'static Contract> {
    static READ: OnceLock<Option<Contract>> = OnceLock::new();
    READ.get_or_init(|| {
        let named = std::env::var_os("HARBOR_SWAGGER").map(PathBuf::from);
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../shared/data/harbor/swagger-v2.0.yaml");
        let path = named.filter(|path| path.exists()).unwrap_or(beside);
        let text = std::fs::read_to_string(path).ok()?;
        let document: Value = serde_saphyr::from_str(&text).expect("the contract is YAML");
        let definitions = document["definitions"].as_object().expect("definitions");
        let definitions = definitions
            .iter()
            .map(|(name, schema)| (name.clone(), as_json_schema(schema)))
            .collect();
        Some(Contract {
            document,
            definitions: Value::Object(definitions),
            validators: Mutex::default(),
        })
    })
    .as_ref()
}

/// Turns a schema of Swagger into one of JSON: what may be null says so, objects
/// have no properties but those that are named, and an object that names none
/// is anything.
fn as_json_schema(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(target) = schema.get("$ref") {
        return json!({"$ref": target});
    }
    let mut turned = Map::new();
    for (key, value) in schema {
        let value = match key.as_str() {
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                properties
                    .map(|(name, one)| (name.clone(), as_json_schema(one)))
                    .collect()
            }
            "items" | "additionalProperties" => as_json_schema(value),
            "allOf" => value
                .as_array()
                .into_iter()
                .flatten()
                .map(as_json_schema)
                .collect(),
            "type" | "required" | "enum" | "format" | "pattern" | "maxLength" | "minLength"
            | "minimum" | "maximum" => value.clone(),
            _ => continue,
        };
        turned.insert(key.clone(), value);
    }
    let has = |key: &str| turned.contains_key(key);
    if turned.get("type") == Some(&json!("object")) || has("properties") {
        if !has("properties") && !has("additionalProperties") && !has("allOf") {
            return json!({});
        }
        if has("properties") && !has("additionalProperties") {
            turned.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    let may_be_null = ["x-nullable", "x-isnullable"]
        .iter()
        .any(|key| schema.get(*key) == Some(&json!(true)));
    if may_be_null && let Some(kind) = turned.get("type").cloned() {
        turned.insert("type".to_owned(), json!([kind, "null"]));
    }
    Value::Object(turned)
}

impl Contract {
    /// Returns how many paths with their methods the contract has.
    pub fn operations(&self) -> usize {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths
            .map(|(_, methods)| methods.as_object().map_or(0, Map::len))
            .sum()
    }

    /// Returns what a question and its answer have against the contract.
    pub fn violations(&self, asked: &Asked, answer: &Answer) -> Vec<String> {
        let line = asked.seen.line();
        let mut found = Vec::new();
        let path = asked.path.strip_prefix("/api/v2.0").unwrap_or(&asked.path);
        match self.operation(path, &asked.method.to_ascii_lowercase()) {
            None => found.push("the contract has no such path and method".to_owned()),
            Some((name, operation)) => {
                self.question(&name, operation, asked, answer, &mut found);
                self.answer(&name, operation, answer, &mut found);
            }
        }
        found
            .into_iter()
            .map(|one| format!("{line} → {}: {one}", answer.status))
            .collect()
    }

    /// Returns the operation with the most words of its own that a path fits.
    fn operation(&self, path: &str, method: &str) -> Option<(String, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let paths = self.document["paths"].as_object()?.iter();
        let fitting = paths.filter_map(|(template, methods)| {
            let words: Vec<&str> = template.split('/').collect();
            let fits = words.len() == parts.len()
                && words.iter().zip(&parts).all(|(word, part)| {
                    word == part || (word.starts_with('{') && !part.is_empty())
                });
            let own = words.iter().filter(|word| !word.starts_with('{')).count();
            let operation = methods.get(method)?;
            fits.then(|| (own, format!("{method} {template}"), operation))
        });
        let best = fitting.max_by_key(|(own, _, _)| *own)?;
        Some((best.1, best.2))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(target) => self.document.pointer(&target[1..]).expect("it is defined"),
            None => value,
        }
    }

    fn question(
        &self,
        name: &str,
        operation: &Value,
        asked: &Asked,
        answer: &Answer,
        found: &mut Vec<String>,
    ) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&Value> = parameters.map(|one| self.resolved(one)).collect();
        let of = |place: &'static str| parameters.iter().filter(move |one| one["in"] == place);
        let (_, query) = asked.seen.target.split_once('?').unwrap_or_default();
        let pairs = query_pairs(query);
        for (key, value) in &pairs {
            match of("query").find(|one| one["name"] == key.as_str()) {
                None => found.push(format!("no parameter `{key}` is known")),
                Some(one) => {
                    let is_fine = match one["type"].as_str() {
                        Some("integer") => value.parse::<i64>().is_ok(),
                        Some("boolean") => ["true", "false"].contains(&value.as_str()),
                        _ => true,
                    };
                    if !is_fine {
                        found.push(format!("`{value}` is no value of `{key}`"));
                    }
                }
            }
        }
        for one in of("query").filter(|one| one["required"] == true) {
            if !pairs.iter().any(|(key, _)| one["name"] == key.as_str()) {
                found.push(format!("the parameter {} is missing", one["name"]));
            }
        }
        match of("body").next() {
            None if !asked.seen.body.is_empty() => found.push("no body is wanted".to_owned()),
            Some(one) if !asked.body.is_null() => {
                let key = format!("{name} ?");
                self.check(&key, &one["schema"], &asked.body, "the body", found);
            }
            // Who may not ask is told so before the body is read.
            Some(one) if one["required"] == true && answer.status < 300 => {
                found.push("a body of JSON is missing".to_owned());
            }
            _ => {}
        }
    }

    fn answer(&self, name: &str, operation: &Value, answer: &Answer, found: &mut Vec<String>) {
        let mut response = &operation["responses"][answer.status.to_string()];
        if response.is_null() && COMMON.contains(&answer.status) {
            response = &self.document["responses"][answer.status.to_string()];
            if response.is_null() {
                return;
            }
        }
        if response.is_null() {
            found.push("no such status is told of".to_owned());
            return;
        }
        let response = self.resolved(response);
        let headers = response["headers"].as_object().into_iter().flatten();
        for (header, _) in headers {
            let must = ["X-Total-Count", "Location"].contains(&header.as_str());
            if must && !answer.headers.iter().any(|(name, _)| name == header) {
                found.push(format!("the header {header} is missing"));
            }
        }
        let Some(body) = &answer.body else {
            let is_head = name.starts_with("head ");
            if !response["schema"].is_null() && !is_head {
                found.push("the answer has no body".to_owned());
            }
            return;
        };
        match response["schema"]["type"].as_str() {
            // Text of any kind, JSON too.
            Some("string") => {}
            _ if response["schema"].is_null() && answer.status < 300 => {
                found.push("the answer has a body".to_owned());
            }
            _ => {
                let key = format!("{name} {}", answer.status);
                self.check(&key, &response["schema"], body, "the answer", found);
            }
        }
    }

    fn check(&self, key: &str, schema: &Value, value: &Value, what: &str, found: &mut Vec<String>) {
        let mut validators = self.validators.lock().expect("nobody panicked");
        let validator = validators.entry(key.to_owned()).or_insert_with(|| {
            let whole = json!({
                "allOf": [as_json_schema(schema)],
                "definitions": self.definitions,
            });
            let options = jsonschema::options().with_draft(Draft::Draft7);
            let built = options.should_validate_formats(true).build(&whole);
            Arc::new(built.expect("a schema"))
        });
        let validator = Arc::clone(validator);
        drop(validators);
        for problem in validator.iter_errors(value) {
            found.push(format!(
                "{what} at `{}`: {problem}",
                problem.instance_path()
            ));
        }
    }
}
