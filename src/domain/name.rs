//! The names that a catalog allows: Kubernetes resource names, group names, UUIDs.

/// Characters in the longest Kubernetes resource name (RFC 1123 subdomain).
pub const LONGEST_NAME: usize = 253;

/// Returns what is wrong with `name` as an RFC 1123 subdomain: the rule that
/// Kubernetes keeps for the names of most resources.
///
/// # Errors
/// The rule that is broken, worded as PrimeHub's own tool words it.
pub fn check_resource_name(field: &str, name: &str) -> Result<(), String> {
    check_labels(field, name, |byte| byte == b'-', "'-' or '.'")
}

/// Returns what is wrong with `name` where Elyra's instance names are allowed
/// too: the same rule, with `_` inside.
///
/// # Errors
/// The rule that is broken.
pub fn check_instance_name(field: &str, name: &str) -> Result<(), String> {
    check_labels(
        field,
        name,
        |byte| matches!(byte, b'-' | b'_'),
        "'-', '_' or '.'",
    )
}

fn check_labels(
    field: &str,
    name: &str,
    inner: fn(u8) -> bool,
    allowed: &str,
) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("{field} is required"));
    }
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "[{field}] should be at most {LONGEST_NAME} characters, but has {}",
            name.chars().count()
        ));
    }
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = name.split('.').all(|label| {
        let bytes = label.as_bytes();
        matches!((bytes.first(), bytes.last()), (Some(first), Some(last))
            if alphanumeric(*first) && alphanumeric(*last))
            && bytes.iter().all(|byte| alphanumeric(*byte) || inner(*byte))
    });
    if good {
        return Ok(());
    }
    Err(format!(
        "[{field}] should be lower case alphanumeric characters, {allowed}, and must start and \
         end with an alphanumeric character, but is `{}`",
        shorten(name)
    ))
}

/// Returns what is wrong with `name` as the name of a group.
///
/// Groups come from identity providers whose names are freer than those of
/// Kubernetes, so only what could not be typed or told apart is refused.
///
/// # Errors
/// The rule that is broken.
pub fn check_group_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("name is required".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!(
            "[name] should be at most {LONGEST_NAME} characters, but has {}",
            name.chars().count()
        ));
    }
    if name.trim() != name || name.starts_with('-') || name.chars().any(char::is_control) {
        return Err(format!(
            "[name] should have no white space at its ends, no control characters and no `-` at \
             its beginning, but is `{}`",
            shorten(name)
        ));
    }
    if is_uuid(name) {
        return Err(format!(
            "[name] should not be a UUID, so that it is never taken for an id, but is `{name}`"
        ));
    }
    Ok(())
}

/// Returns whether `text` is a UUID in its usual form of 36 characters.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns `text` fit for a message: control characters shown, and cut where
/// it is long.
#[must_use]
pub fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns which of `known` the word was probably meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_names_are_rfc_1123_subdomains() {
        let check = |name: &str, good: bool| {
            assert_eq!(check_resource_name("name", name).is_ok(), good, "{name:?}");
        };
        for name in ["a", "0", "a-b", "a.b", "base-notebook.v2", &"a".repeat(253)] {
            check(name, true);
        }
        for name in [
            "",
            "A",
            "-a",
            "a-",
            "a_b",
            ".a",
            "a..b",
            "a.-b",
            "a\n",
            "ä",
            "a b",
            &"a".repeat(254),
        ] {
            check(name, false);
        }
    }

    #[test]
    fn instance_names_allow_an_underscore_inside() {
        assert!(check_instance_name("name", "a_b").is_ok());
        assert!(check_instance_name("name", "_b").is_err());
        assert!(check_instance_name("name", "b_").is_err());
    }

    #[test]
    fn group_names_are_free_but_for_what_cannot_be_told_apart() {
        for name in ["data-science", "Data Science", "équipe"] {
            assert!(check_group_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            " a",
            "a\tb",
            "-x",
            "123e4567-e89b-12d3-a456-426614174000",
        ] {
            assert!(check_group_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_nearest_word_is_offered_only_where_it_is_near() {
        assert_eq!(
            nearest("max-agee", ["max-age", "connections"]),
            Some("max-age")
        );
        assert_eq!(nearest("zzz", ["max-age", "connections"]), None);
    }
}
