//! The platforms whose catalogs an image may belong to, and the names that each allows.

use super::name::{LONGEST_NAME, check_resource_name};

/// A platform that reads a list of images from files of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    Primehub,
    RuntimeImages,
    Opendatahub,
    Kubespawner,
    Kubeflow,
    Adalab,
    Kustomize,
}

impl Platform {
    pub const ALL: [Self; 7] = [
        Self::Primehub,
        Self::RuntimeImages,
        Self::Opendatahub,
        Self::Kubespawner,
        Self::Kubeflow,
        Self::Adalab,
        Self::Kustomize,
    ];

    /// The names, as `formats` holds them and the command line takes them.
    pub const NAMES: [&str; 7] = [
        "primehub",
        "runtime-images",
        "opendatahub",
        "kubespawner",
        "kubeflow",
        "adalab",
        "kustomize",
    ];

    /// Returns the platform of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        Self::ALL.get(index).copied()
    }

    /// Returns the name, which is also that of the folder of an export.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Primehub => "primehub",
            Self::RuntimeImages => "runtime-images",
            Self::Opendatahub => "opendatahub",
            Self::Kubespawner => "kubespawner",
            Self::Kubeflow => "kubeflow",
            Self::Adalab => "adalab",
            Self::Kustomize => "kustomize",
        }
    }

    /// Returns what the platform calls one entry of its list.
    #[must_use]
    pub fn schema_name(self) -> &'static str {
        match self {
            Self::Primehub => "Image",
            Self::RuntimeImages => "runtime-image",
            Self::Opendatahub => "ImageStream",
            Self::Kubespawner => "profile",
            Self::Kubeflow => "WorkspaceKind",
            Self::Adalab => "image-metadata",
            Self::Kustomize => "image",
        }
    }

    /// Returns the endings of the files that are read, without a dot.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::RuntimeImages | Self::Adalab => &["json"],
            Self::Primehub => &["yaml", "yml", "json", "jsonl", "ndjson"],
            Self::Opendatahub | Self::Kubespawner | Self::Kubeflow | Self::Kustomize => {
                &["yaml", "yml", "json"]
            }
        }
    }

    /// Returns whether a file is one entry, whose name is the file's.
    #[must_use]
    pub fn is_named_by_file(self) -> bool {
        matches!(self, Self::RuntimeImages | Self::Adalab)
    }

    /// Returns whether what is written can be read back.
    #[must_use]
    pub fn is_read(self) -> bool {
        self != Self::Kustomize
    }

    /// Returns what is wrong with the name of an entry.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check_name(self, name: &str) -> Result<(), String> {
        if self != Self::RuntimeImages {
            return check_resource_name("name", name);
        }
        if name.is_empty() {
            return Err("name is required".to_owned());
        }
        if name.len() > LONGEST_NAME {
            return Err(format!(
                "[name] should be at most {LONGEST_NAME} characters, but has {}",
                name.chars().count()
            ));
        }
        // Elyra: ^[a-z]([a-z0-9-_]*[a-z0-9])?$
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| inside(byte) || b"-_".contains(&byte))
            && name.bytes().next_back().is_some_and(inside);
        if good {
            return Ok(());
        }
        Err(format!(
            "[name] should be lower case alphanumeric characters, '-' or '_', start with a letter \
             and end with an alphanumeric character, but is `{}`",
            super::name::shorten(name)
        ))
    }

    /// Returns the name nearest to `text` that is allowed; nothing where
    /// nothing of it is left.
    #[must_use]
    pub fn nearest_name(self, text: &str) -> Option<String> {
        let elyra = self == Self::RuntimeImages;
        let mut name = String::new();
        for character in text.to_lowercase().chars() {
            match character {
                'a'..='z' | '0'..='9' => name.push(character),
                '_' if elyra => name.push('_'),
                '.' if !elyra => name.push('.'),
                _ => name.push('-'),
            }
        }
        if !elyra {
            // Every label begins and ends with a letter or digit.
            let labels: Vec<&str> = name
                .split('.')
                .map(|label| label.trim_matches('-'))
                .filter(|label| !label.is_empty())
                .collect();
            name = labels.join(".");
        }
        let is_end = |byte: char| byte.is_ascii_alphanumeric();
        name = name.trim_matches(|byte| !is_end(byte)).to_owned();
        if elyra && name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert_str(0, "a_");
        }
        name.truncate(LONGEST_NAME);
        name.truncate(name.trim_end_matches(|byte| !is_end(byte)).len());
        self.check_name(&name).is_ok().then_some(name)
    }
}

/// Returns the name that Elyra makes of a display name; nothing where nothing
/// of it is left.
///
/// Lower case, white space as `_`, all but `a-z0-9-_` dropped, `a_` before what
/// does not begin with a letter, `_0` after what does not end in a letter or
/// digit (Elyra, `metadata/manager.py`).
#[must_use]
pub fn name_of_display_name(display_name: &str) -> Option<String> {
    let mut name = String::new();
    let mut in_space = false;
    for character in display_name.to_lowercase().chars() {
        let is_space = character.is_whitespace();
        if is_space && !in_space {
            name.push('_');
        }
        in_space = is_space;
        if matches!(character, 'a'..='z' | '0'..='9' | '-' | '_') {
            name.push(character);
        }
    }
    let first = name.chars().next()?;
    if !first.is_ascii_lowercase() {
        name.insert_str(0, "a_");
    }
    if !name.ends_with(|last: char| last.is_ascii_alphanumeric()) {
        name.push_str("_0");
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_found_by_its_name() {
        for platform in Platform::ALL {
            assert_eq!(Platform::from_name(platform.name()), Some(platform));
        }
        assert_eq!(Platform::from_name("elyra"), None);
    }

    #[test]
    fn a_display_name_becomes_the_name_that_elyra_makes() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(name_of_display_name(text).as_deref(), expected, "{text}");
        };
        check("Pandas 2.3.2", Some("pandas_232"));
        check("My   GPU\timage", Some("my_gpu_image"));
        check("3rd image", Some("a_3rd_image"));
        check("image -", Some("image_-_0"));
        check("Bild (für R)", Some("bild_fr_r"));
        check("_x", Some("a__x"));
        check("-", Some("a_-_0"));
        check("R", Some("r"));
        check("画像", None);
        check("", None);
    }

    #[test]
    fn a_runtime_image_has_a_name_that_elyra_allows() {
        let check = |name: &str, good: bool| {
            let checked = Platform::RuntimeImages.check_name(name);
            assert_eq!(checked.is_ok(), good, "{name}: {checked:?}");
        };
        for good in ["a", "a1", "a-b_c", "tensorflow_2x_py3", &"a".repeat(253)] {
            check(good, true);
        }
        for bad in [
            "",
            "1a",
            "a-",
            "a_",
            "A",
            "a.b",
            "-a",
            "a b",
            "a\n",
            "é",
            &"a".repeat(254),
        ] {
            check(bad, false);
        }
    }

    #[test]
    fn the_nearest_name_is_an_allowed_one() {
        let check = |platform: Platform, text: &str, expected: Option<&str>| {
            assert_eq!(platform.nearest_name(text).as_deref(), expected, "{text}");
        };
        check(Platform::Primehub, "my_image", Some("my-image"));
        check(Platform::Primehub, "Foo", Some("foo"));
        check(Platform::Primehub, "a._b", Some("a.b"));
        check(Platform::Primehub, "../../etc/x", Some("etc-x"));
        check(Platform::RuntimeImages, "jupyter-3.6", Some("jupyter-3-6"));
        check(Platform::RuntimeImages, "3.6", Some("a_3-6"));
        check(Platform::RuntimeImages, "___", None);
        let long = "a".repeat(252) + "-" + "b";
        check(Platform::Primehub, &long, Some(&long[..252]));
    }
}
