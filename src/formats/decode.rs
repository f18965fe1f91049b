//! Reading the fields of an object: each by its type, every fault gathered.

use std::collections::BTreeMap;

use super::document::{Entry, Fault, Node, Value, write_json};
use crate::domain::image_rules::MOST_FAULTS;
use crate::domain::name::{nearest, shorten};

/// The faults found so far, and the readers of single fields.
#[derive(Default)]
pub(super) struct Decoder {
    pub faults: Vec<Fault>,
}

impl Decoder {
    /// Notes a fault, unless there are so many already that nobody reads them.
    pub(super) fn push(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    /// Notes that a value is not of the type it should be.
    pub(super) fn mistyped(&mut self, field: &str, node: &Node, wanted: &str) {
        let name = last_word(field);
        self.push(node.fault(
            field,
            format!("{name} should be {wanted}, but is {}", node.kind_name()),
        ));
    }

    /// Notes that a number or flag is not as it should be, and what it is.
    pub(super) fn out_of_range(&mut self, field: &str, node: &Node, wanted: &str) {
        let (Value::Number(text) | Value::String(text) | Value::Plain(text)) = &node.value else {
            return self.mistyped(field, node, wanted);
        };
        let (name, text) = (last_word(field), shorten(text));
        let rule = format!("{name} should be {wanted}, but is `{text}`");
        self.push(node.fault(field, rule));
    }

    /// Returns a string; null is an unset one.
    pub(super) fn text(&mut self, field: &str, node: &Node) -> Option<String> {
        if node.is_null() {
            return None;
        }
        match node.as_text() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.mistyped(field, node, "a string");
                None
            }
        }
    }

    /// Returns true or false; null is an unset one.
    pub(super) fn flag(&mut self, field: &str, node: &Node) -> Option<bool> {
        if node.is_null() {
            return None;
        }
        let flag = node.as_bool();
        if flag.is_none() {
            self.out_of_range(field, node, "true or false");
        }
        flag
    }

    /// Returns a whole number; null is an unset one.
    pub(super) fn number(&mut self, field: &str, node: &Node) -> Option<u64> {
        if node.is_null() {
            return None;
        }
        let number = node
            .as_u64()
            .filter(|number| i64::try_from(*number).is_ok());
        if number.is_none() {
            self.out_of_range(field, node, "a whole number of bytes from 0");
        }
        number
    }

    /// Returns one of a few words; null is an unset one.
    pub(super) fn choice<T>(
        &mut self,
        field: &str,
        node: &Node,
        names: &[&str],
        from_name: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(field, node)?;
        let found = from_name(&text);
        if found.is_none() {
            let name = last_word(field);
            let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
            self.push(node.fault(
                field,
                format!(
                    "{name} should be one of [{}], but is `{}`",
                    quoted.join(", "),
                    shorten(&text)
                ),
            ));
        }
        found
    }

    /// Returns the entries of an object; null is an empty one.
    pub(super) fn object<'a>(&mut self, field: &str, node: &'a Node) -> &'a [Entry] {
        if node.is_null() {
            return &[];
        }
        match node.as_map() {
            Some(entries) => entries,
            None => {
                self.mistyped(field, node, "an object");
                &[]
            }
        }
    }

    /// Returns the elements of a list; null is an empty one.
    pub(super) fn list<'a>(&mut self, field: &str, node: &'a Node) -> &'a [Node] {
        if node.is_null() {
            return &[];
        }
        match node.as_list() {
            Some(nodes) => nodes,
            None => {
                self.mistyped(field, node, "a list");
                &[]
            }
        }
    }

    /// Returns a list of strings; null is an empty one.
    pub(super) fn words(&mut self, field: &str, node: &Node) -> Vec<String> {
        let nodes = self.list(field, node);
        let mut words = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            match node.as_text() {
                Some(text) => words.push(text.to_owned()),
                None => {
                    let name = last_word(field);
                    self.push(node.fault(
                        format!("{field}[{index}]"),
                        format!(
                            "{name} should hold strings, but this is {}",
                            node.kind_name()
                        ),
                    ));
                }
            }
        }
        words
    }

    /// Returns an object whose values are strings; null is an empty one.
    pub(super) fn string_map(&mut self, field: &str, node: &Node) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for entry in self.object(field, node) {
            match entry.node.as_text() {
                Some(text) => {
                    map.insert(entry.key.clone(), text.to_owned());
                }
                None => {
                    let name = last_word(field);
                    self.push(entry.node.fault(
                        format!("{field}.{}", shorten(&entry.key)),
                        format!(
                            "{name} should have strings as values, but this is {}",
                            entry.node.kind_name()
                        ),
                    ));
                }
            }
        }
        map
    }

    /// Notes a key that is not known where unknown ones are not kept.
    pub(super) fn unknown(&mut self, path: &str, entry: &Entry, known: &[&str]) {
        let near = nearest(&entry.key, known.iter().copied());
        let advice = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        let field = if path.is_empty() {
            entry.key.clone()
        } else {
            format!("{path}.{}", entry.key)
        };
        self.push(Fault {
            at: entry.at,
            field: shorten(&field),
            message: format!("unknown field; {advice}"),
        });
    }
}

/// Returns a field that the catalog does not know, as it keeps it: its name
/// and its JSON text.
pub(super) fn kept(entry: &Entry) -> (String, String) {
    let mut text = Vec::new();
    write_json(&entry.node, &mut text);
    (
        entry.key.clone(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Returns the word that a message calls a field by: the last of its path, or the
/// key that stands in brackets because it has dots itself.
pub(super) fn last_word(field: &str) -> &str {
    let key = field
        .strip_suffix(']')
        .and_then(|path| path.rsplit_once('['));
    if let Some((_, key)) = key
        && key.contains('/')
    {
        return key;
    }
    field.rsplit('.').next().unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_calls_a_field_by_its_last_word() {
        assert_eq!(last_word("tags"), "tags");
        assert_eq!(last_word("metadata.tags[1]"), "tags[1]");
        assert_eq!(last_word("metadata.annotations[x.io/y]"), "x.io/y");
        assert_eq!(last_word("annotations[x.io/y][0].tags"), "tags");
    }
}
