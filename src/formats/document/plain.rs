//! Which type a YAML plain scalar has where a type must be chosen.
//!
//! YAML 1.2's core schema (section 10.3.2), but a number only where its text would come back
//! unchanged: `5`, `-3` and `1.5` are numbers; `1.10`, `007`, `0x1F` and `1e3` are text, because
//! a version or an identifier must not lose a digit on its way through a catalog.

/// The type of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number,
    Text,
}

/// Returns the type of a plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ if is_canonical_number(text) => Scalar::Number,
        _ => Scalar::Text,
    }
}

/// Tells whether `text` is the one way to write its number.
pub(super) fn is_canonical_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse::<u64>()
            .is_ok_and(|number| number.to_string() == text)
            || text
                .parse::<i64>()
                .is_ok_and(|number| number.to_string() == text);
    }
    // `Display` of a float never uses an exponent, and prints the fewest digits that come back.
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text
            .parse::<f64>()
            .is_ok_and(|number| number.to_string() == text)
}

/// Tells whether `text` is a number in JSON's grammar (RFC 8259, section 6) and within range.
pub(super) fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(all_digits)
        && exponent.is_none_or(|part| all_digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_that_comes_back_unchanged_is_a_number() {
        fn check(text: &str, expected: Scalar) {
            assert_eq!(resolve(text), expected, "{text}");
        }
        for text in [
            "5",
            "0",
            "-3",
            "1.5",
            "-0.25",
            "18446744073709551615",
            "3.11",
            "0.1",
        ] {
            check(text, Scalar::Number);
        }
        for text in [
            "1.10",
            "007",
            "0x1F",
            "0o17",
            "1_000",
            ".inf",
            "-.inf",
            ".nan",
            "1e3",
            "12:30:45",
            "2024-01-31",
            "+5",
            "5.",
            ".5",
            "1.0",
            "-0",
            "18446744073709551616",
            "- 5",
            "1.2.3",
            "inf",
            "nan",
            "NaN",
            "-",
            "--5",
            "no",
            "yes",
            "on",
            "y",
            "tRue",
            "nUll",
            "５",
        ] {
            check(text, Scalar::Text);
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, Scalar::Null);
        }
        check("True", Scalar::Bool(true));
        check("FALSE", Scalar::Bool(false));
    }

    #[test]
    fn json_numbers_follow_the_grammar_of_the_rfc() {
        for text in [
            "0",
            "-0",
            "10",
            "1.10",
            "1e3",
            "1E+3",
            "-1.5e-7",
            "123456789012345678901234",
        ] {
            assert!(is_json_number(text), "{text}");
        }
        for text in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1e400", "inf", "1 ", "1..2",
        ] {
            assert!(!is_json_number(text), "{text}");
        }
    }
}
