//! The text of JSON: strings, scanned and escaped eight bytes at a time, and
//! objects written field by field.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Returns how many bytes from the start stand for themselves in a JSON string.
///
/// The run ends at a quote, a backslash or a control character (below 0x20), or with the slice.
pub fn string_run(bytes: &[u8]) -> usize {
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

/// Writes a string with its quotes. Only what must be is escaped (RFC 8259, section 7): quotes,
/// backslashes and characters below U+0020.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (run, stop) = rest.split_at(string_run(rest));
        out.extend_from_slice(run);
        let Some((&byte, after)) = stop.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 0x0f)]);
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// Returns a JSON text of our own as a value. What is in the catalog is nested
/// as deep as our parser allows (128 levels), which is deeper than serde's.
///
/// # Errors
/// Where it is no JSON.
pub fn value_of(text: &str) -> serde_json::Result<serde_json::Value> {
    use serde::Deserialize;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    serde_json::Value::deserialize(&mut deserializer)
}

/// Writes an object field by field. Keys are our own and need no escapes.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, key: &'static str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
    }

    /// Writes a string.
    pub fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        write_json_string(text, self.out);
    }

    /// Writes a field whose value is JSON text already.
    pub fn raw(&mut self, key: &'static str, json: &str) {
        self.key(key);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Writes fields that are not ours: names, and values that are JSON text.
    pub fn kept(&mut self, fields: &[(String, String)]) {
        for (key, json) in fields {
            self.comma();
            write_json_string(key, self.out);
            self.out.push(b':');
            self.out.extend_from_slice(json.as_bytes());
        }
    }

    /// Writes a list of strings.
    pub fn words(&mut self, key: &'static str, words: &[String]) {
        self.list(key, words, |word, out| write_json_string(word, out));
    }

    /// Writes a list whose elements `each` writes.
    pub fn list<T>(&mut self, key: &'static str, values: &[T], each: impl Fn(&T, &mut Vec<u8>)) {
        self.key(key);
        self.out.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            each(value, self.out);
        }
        self.out.push(b']');
    }

    /// Writes an object that `fill` fills.
    pub fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        self.key(key);
        let mut object = ObjectWriter::new(self.out);
        fill(&mut object);
        object.end();
    }
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
