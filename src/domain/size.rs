//! Sizes as people write and read them.

/// The units, each 1,024 of the one before.
const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// Returns the bytes that a text such as `50GiB` means; -1 is no limit.
///
/// # Errors
/// The rule that it breaks.
pub fn bytes_of(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text == "-1" {
        return Ok(-1);
    }
    let end = text
        .find(|one: char| !one.is_ascii_digit())
        .unwrap_or(text.len());
    let unit = text[end..].trim();
    let power = match unit {
        "" => 0,
        unit => UNITS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(unit))
            .ok_or_else(|| format!("the units are {}", UNITS.join(", ")))?,
    };
    let number: i64 = text[..end]
        .parse()
        .map_err(|_| "it is no whole number with a unit".to_owned())?;
    let factor = 1_i64 << (10 * power);
    number
        .checked_mul(factor)
        .ok_or_else(|| "it is too large".to_owned())
}

/// Returns bytes as people read them, such as `1.5 GiB`.
#[must_use]
pub fn shown(bytes: u64) -> String {
    let mut power = 0;
    let mut rest = bytes;
    while rest >= 1024 && power + 1 < UNITS.len() {
        rest /= 1024;
        power += 1;
    }
    if power == 0 {
        return format!("{bytes} B");
    }
    let unit = 1_u64 << (10 * power);
    // Tenths, without a float.
    let tenths = bytes / unit * 10 + bytes % unit * 10 / unit;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        assert_eq!(bytes_of("50GiB"), Ok(50 << 30));
        assert_eq!(bytes_of("1 tib"), Ok(1 << 40));
        assert_eq!(bytes_of("17"), Ok(17));
        assert_eq!(bytes_of("-1"), Ok(-1));
        for bad in ["", "GiB", "1.5GiB", "5GB", "-2", "99999999999PiB"] {
            assert!(bytes_of(bad).is_err(), "{bad}");
        }
        assert_eq!(shown(0), "0 B");
        assert_eq!(shown(1536), "1.5 KiB");
        assert_eq!(shown(5 << 30), "5.0 GiB");
        assert_eq!(shown(u64::MAX), "16383.9 PiB");
    }
}
