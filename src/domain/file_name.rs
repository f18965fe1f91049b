//! Names as files: every name has a file in one folder, whatever it is, and
//! nothing but the name decides which.

use std::borrow::Cow;

/// Bytes of the longest name of a file on the usual file systems.
const LONGEST: usize = 255;

/// Names that Windows keeps for devices, whatever ending they have.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Returns the name of the file for a name and an ending: what a file system
/// could take for something else is written as `%` and two hexadecimal digits,
/// and what is too long is cut and told apart by a hash of the whole.
#[must_use]
pub fn file_name(name: &str, ending: &str) -> String {
    let mut stem = String::with_capacity(name.len());
    let is_reserved = {
        let first = name.split('.').next().unwrap_or_default();
        RESERVED.contains(&first.to_ascii_lowercase().as_str())
    };
    for (index, character) in name.char_indices() {
        let is_last = index + character.len_utf8() == name.len();
        let is_plain = match character {
            '.' => index > 0 && !(is_last && ending.is_empty()),
            ' ' => index > 0 && !is_last,
            '-' => index > 0,
            '%' | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => false,
            other => !(other.is_control() || is_reserved && index == 0),
        };
        if is_plain {
            stem.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                stem.push_str(&format!("%{byte:02x}"));
            }
        }
    }
    if stem.is_empty() {
        stem.push('%');
    }
    let dot = usize::from(!ending.is_empty());
    if stem.len() + dot + ending.len() > LONGEST {
        let tail = format!("-{:016x}", hash(name.as_bytes()));
        let mut end = LONGEST - dot - ending.len() - tail.len();
        while !stem.is_char_boundary(end) {
            end -= 1;
        }
        stem.truncate(end);
        stem.push_str(&tail);
    }
    if dot == 1 {
        stem.push('.');
        stem.push_str(ending);
    }
    stem
}

/// Returns the name that the stem of a file (its name without the ending) stands
/// for.
#[must_use]
pub fn name_of_stem(stem: &str) -> Cow<'_, str> {
    if !stem.contains('%') {
        return Cow::Borrowed(stem);
    }
    let bytes = stem.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let code = (byte == b'%')
            .then(|| stem.get(index + 1..index + 3))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                name.push(code);
                index += 3;
            }
            None => {
                name.push(byte);
                index += 1;
            }
        }
    }
    match String::from_utf8(name) {
        Ok(name) => Cow::Owned(name),
        Err(_) => Cow::Borrowed(stem),
    }
}

/// Returns the FNV-1a hash, which is enough to tell apart what nobody chose to clash.
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, expected: &str) {
        assert_eq!(file_name(name, "json"), expected);
    }

    #[test]
    fn a_name_becomes_one_file_in_the_folder() {
        check("base", "base.json");
        check("a.b_c-d", "a.b_c-d.json");
        check("../../etc/x", "%2e.%2f..%2fetc%2fx.json");
        check("/abs", "%2fabs.json");
        check("con", "%63on.json");
        check("CON", "%43ON.json");
        check("nul.txt", "%6eul.txt.json");
        check("console", "console.json");
        check("-rf", "%2drf.json");
        check("a\nb", "a%0ab.json");
        check("", "%.json");
        assert_eq!(file_name("dot.", ""), "dot%2e");
        assert_eq!(file_name("..", ""), "%2e%2e");
    }

    #[test]
    fn long_names_are_cut_and_told_apart() {
        let one = file_name(&"a".repeat(253), "json");
        let other = file_name(&format!("{}b", "a".repeat(252)), "json");
        assert_eq!(one.len(), 255);
        assert_eq!(other.len(), 255);
        assert_ne!(one, other);
        assert!(file_name(&"ü".repeat(200), "yaml").len() <= 255);
        assert_eq!(file_name(&"a".repeat(250), "json").len(), 255);
    }

    proptest! {
        #[test]
        fn every_name_comes_back_from_its_file(name in "\\PC{1,40}") {
            let file = file_name(&name, "json");
            prop_assert!(!file.contains('/') && file.len() <= 255 && !file.starts_with('.'));
            let stem = file.strip_suffix(".json").expect("the ending");
            prop_assert_eq!(name_of_stem(stem), name);
        }

        #[test]
        fn any_stem_has_a_name(stem in ".*") {
            let name = name_of_stem(&stem);
            prop_assert!(name.len() <= stem.len());
        }
    }
}
