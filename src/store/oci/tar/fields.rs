//! The fields of a tar's header.

use crate::domain::name::shorten;

pub(super) fn part(header: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    header.get(range).unwrap_or_default()
}

/// Returns the text before the first NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a number, in octal digits or, with the first bit set, in base 256.
pub(super) fn number(bytes: &[u8]) -> std::result::Result<u64, String> {
    if let [first, rest @ ..] = bytes
        && first & 0x80 != 0
    {
        if first & 0x40 != 0 {
            return Err("a number is negative".to_owned());
        }
        let mut number = u64::from(first & 0x3f);
        for byte in rest {
            let next = number.checked_mul(256).map(|most| most + u64::from(*byte));
            number = next.ok_or("a number has over 64 bits")?;
        }
        return Ok(number);
    }
    let digits = text(bytes);
    let digits = digits.trim_matches(' ');
    if digits.is_empty() {
        return Ok(0);
    }
    let is_octal = digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    match u64::from_str_radix(digits, 8) {
        Ok(number) if is_octal => Ok(number),
        _ => Err(format!("`{}` is no number", shorten(digits))),
    }
}
