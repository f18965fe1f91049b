//! What a YAML scalar is, by its style and its tag.

use saphyr_parser::{ScalarStyle, Tag};

use super::super::{Value, plain, shorten};

/// The prefix of the tags that YAML itself defines; `!!` is short for it.
const YAML_TAGS: &str = "tag:yaml.org,2002:";

pub(super) fn is_plain(style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain
}

/// Tells whether a scalar, as a key, merges: a plain `<<`.
pub(super) fn is_merge(value: &Value) -> bool {
    matches!(value, Value::Plain(text) if text == "<<")
}

/// Returns the length of a scalar's text in bytes.
pub(super) fn text_length(value: &Value) -> usize {
    match value {
        Value::Number(text) | Value::String(text) | Value::Plain(text) => text.len(),
        _ => 0,
    }
}

/// Returns a scalar's value: text where it is quoted, plain where it is not, or what its tag says.
pub(super) fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return Ok(if is_plain(style) {
            Value::Plain(text)
        } else {
            Value::String(text)
        });
    };
    let full = format!("{}{}", tag.handle, tag.suffix);
    let wrong = |expected: &str| {
        Err(format!(
            "`{}` is not {expected}, as its tag says",
            shorten(&text)
        ))
    };
    match full.strip_prefix(YAML_TAGS) {
        Some("str") => Ok(Value::String(text)),
        // The tag `!` says that it is not to be resolved: it is text.
        None if full == "!" => Ok(Value::String(text)),
        Some("null") if plain::resolve(&text) == plain::Scalar::Null => Ok(Value::Null),
        Some("null") => wrong("null"),
        Some("bool") => match plain::resolve(&text) {
            plain::Scalar::Bool(value) => Ok(Value::Bool(value)),
            _ => wrong("true or false"),
        },
        Some("int") if plain::is_json_number(&text) && !text.contains(['.', 'e', 'E']) => {
            Ok(Value::Number(text))
        }
        Some("int") => wrong("a decimal whole number"),
        Some("float") if plain::is_json_number(&text) => Ok(Value::Number(text)),
        Some("float") => wrong("a decimal number"),
        _ => Err(unknown_tag(&full)),
    }
}

/// Refuses a container's tag, unless it says what the container is: `seq` or `map`.
pub(super) fn check_tag(tag: Option<&Tag>, kind: &str) -> Result<(), String> {
    let Some(tag) = tag else { return Ok(()) };
    let full = format!("{}{}", tag.handle, tag.suffix);
    match full.strip_prefix(YAML_TAGS) {
        Some(suffix) if suffix == kind => Ok(()),
        None if full == "!" => Ok(()),
        _ => Err(unknown_tag(&full)),
    }
}

fn unknown_tag(full: &str) -> String {
    let short = match full.strip_prefix(YAML_TAGS) {
        Some(suffix) => format!("!!{suffix}"),
        None => full.to_owned(),
    };
    format!("the tag `{}` is not supported here", shorten(&short))
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::story;
    use super::super::super::{Shape, Syntax};

    fn check(scalar: &str, expected: &str) {
        let found = story(format!("- {scalar}\n").as_bytes(), Syntax::Yaml);
        assert_eq!(found, (format!("{expected}\n"), Shape::Many), "{scalar}");
    }

    fn check_fault(scalar: &str, expected: &str) {
        let (found, _) = story(format!("- {scalar}\n").as_bytes(), Syntax::Yaml);
        assert_eq!(found, format!("1:3: {expected}\n"), "{scalar}");
    }

    #[test]
    fn what_looks_like_text_stays_text_and_what_is_quoted_is_text() {
        for plain in [
            "no",
            "yes",
            "on",
            "1.10",
            "3.0",
            "2024-01-31",
            "007",
            "0x1F",
            "1e3",
            "12:30:45",
            ".inf",
        ] {
            check(plain, &format!("\"{plain}\""));
        }
        for text in [
            "\"5\"",
            "'5'",
            "!!str 5",
            "! 5",
            "!<tag:yaml.org,2002:str> 5",
            "|-\n  5",
            ">-\n  5",
        ] {
            check(text, "\"5\"");
        }
        for (plain, json) in [
            ("5", "5"),
            ("1.5", "1.5"),
            ("True", "true"),
            ("~", "null"),
            ("", "null"),
        ] {
            check(plain, json);
        }
        check("a multi-line\n  text", "\"a multi-line text\"");
        check("|\n  a\n   b\n", "\"a\\n b\\n\"");
        check(">\n  a\n  b\n\n  c", "\"a b\\nc\\n\"");
        check("\"\\u00e9\\x41\\n\\e\"", "\"éA\\n\\u001b\"");
        check("'it''s'", "\"it's\"");
    }

    #[test]
    fn a_tag_of_yaml_says_what_its_scalar_is() {
        check("!!str", "\"\"");
        check("!!str null", "\"null\"");
        check("!!int 5", "5");
        check("!!int '5'", "5");
        check(
            "!!int 123456789012345678901234567890",
            "123456789012345678901234567890",
        );
        check("!!float 1.10", "1.10");
        check("!!float 1e3", "1e3");
        check("!!bool TRUE", "true");
        check("!!null ~", "null");
        check_fault(
            "!!int 0x1F",
            "`0x1F` is not a decimal whole number, as its tag says",
        );
        check_fault(
            "!!int 5.0",
            "`5.0` is not a decimal whole number, as its tag says",
        );
        check_fault(
            "!!float .inf",
            "`.inf` is not a decimal number, as its tag says",
        );
        check_fault(
            "!!float 1e999",
            "`1e999` is not a decimal number, as its tag says",
        );
        check_fault("!!bool yes", "`yes` is not true or false, as its tag says");
        check_fault("!!null x", "`x` is not null, as its tag says");
    }

    #[test]
    fn other_tags_are_faults() {
        check("!!seq [1]", "[1]");
        check("!!map {a: 1}", "{\"a\":1}");
        check("! [1]", "[1]");
        check_fault("!mine 5", "the tag `!mine` is not supported here");
        check_fault("!!binary aGk=", "the tag `!!binary` is not supported here");
        check_fault(
            "!!timestamp 2024-01-31",
            "the tag `!!timestamp` is not supported here",
        );
        check_fault("!!set {a}", "the tag `!!set` is not supported here");
        check_fault("!!map [a]", "the tag `!!map` is not supported here");
        check_fault("!!str [a]", "the tag `!!str` is not supported here");
        check_fault(
            "!<tag:example.com:x> 5",
            "the tag `tag:example.com:x` is not supported here",
        );
    }
}
