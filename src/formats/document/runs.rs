//! Finds, eight bytes at a time, how far a JSON string goes on without anything to look at.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Returns how many bytes from the start stand for themselves in a JSON string.
///
/// The run ends at a quote, a backslash or a control character (below 0x20), or with the slice.
pub(super) fn string_run(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return index * 8 + stops.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
    words.len() * 8 + tail.unwrap_or(rest.len())
}

/// Returns a word whose lowest set bit is the high bit of the first byte that ends a run.
///
/// The well-known tests for a zero byte and for a byte below n can only err above a byte that
/// they rightly found, so the lowest bit of their union is exact.
fn stops(word: u64) -> u64 {
    let quote = zero_byte(word ^ (ONES * b'"' as u64));
    let backslash = zero_byte(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    quote | backslash | control
}

fn zero_byte(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_that_needs_care() {
        let harmless: Vec<u8> = (0..=255u8)
            .filter(|&b| b >= 0x20 && b != b'"' && b != b'\\')
            .collect();
        for length in 0..40 {
            let run: Vec<u8> = harmless
                .iter()
                .rev()
                .cycle()
                .take(length)
                .copied()
                .collect();
            assert_eq!(string_run(&run), length);
            for stop in (0..0x20).chain([b'"', b'\\']) {
                let mut text = run.clone();
                text.push(stop);
                text.extend_from_slice(&harmless[..20]);
                text.push(stop);
                assert_eq!(string_run(&text), length, "stop {stop:#x} after {length}");
            }
        }
    }
}
