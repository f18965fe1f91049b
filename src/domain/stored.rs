//! Stored images: files kept, and references recorded, on this machine, and the
//! uris that name them: `collection/name:tag@version`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::json_text::{ObjectWriter, write_json_string};
use super::name::shorten;

/// The collection of a name that names none.
pub const DEFAULT_COLLECTION: &str = "library";

/// The tag of a name that names none.
pub const DEFAULT_TAG: &str = "latest";

/// Characters in the longest part of a uri. Two of them and an ending fit into the
/// name of a file.
const LONGEST_PART: usize = 110;

/// Folders in the deepest collection.
const DEEPEST: usize = 8;

/// Folders of the store that hold something else.
pub const OWN_FOLDERS: [&str; 2] = ["oci", "pictures"];

/// What kind of source an image came from.
pub mod client {
    pub const FILE: &str = "file";
    /// A registry.
    pub const OCI: &str = "oci";
    pub const URL: &str = "url";
}

/// The whole name of a stored image; all of it is lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoredUri {
    /// One or more folders, with `/` between them.
    pub collection: String,
    pub name: String,
    pub tag: String,
    /// Unset where only a reference is recorded, and none was given.
    pub version: Option<String>,
}

/// A name as a user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredName {
    pub collection: String,
    pub name: String,
    pub tag: Option<String>,
    pub version: Option<String>,
}

impl StoredName {
    /// Reads `[collection/]name[:tag][@version]`, in lower case.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (rest, version) = match lower.split_once('@') {
            Some((rest, version)) => (rest, Some(version)),
            None => (lower.as_str(), None),
        };
        let (collection, last) = match rest.rsplit_once('/') {
            Some((collection, last)) => (collection, last),
            None => (DEFAULT_COLLECTION, rest),
        };
        let (name, tag) = match last.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (last, None),
        };
        let version = version.map(|version| version.strip_prefix("sha256:").unwrap_or(version));
        let in_all =
            |rule: String| format!("`{}` is not the name of an image: {rule}", shorten(text));
        for folder in collection.split('/') {
            check_part("collection", folder).map_err(in_all)?;
        }
        check_part("name", name).map_err(in_all)?;
        if let Some(tag) = tag {
            check_part("tag", tag).map_err(in_all)?;
        }
        if let Some(version) = version {
            check_part("version", version).map_err(in_all)?;
        }
        if collection.split('/').count() > DEEPEST {
            return Err(in_all(format!(
                "the collection is deeper than {DEEPEST} folders"
            )));
        }
        if collection
            .split('/')
            .next()
            .is_some_and(|first| OWN_FOLDERS.contains(&first))
        {
            return Err(in_all(format!(
                "the store keeps something else in `{collection}`; take another collection"
            )));
        }
        Ok(Self {
            collection: collection.to_owned(),
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            version: version.map(str::to_owned),
        })
    }

    /// Returns the whole name, with the tag `latest` and the version where none is
    /// given.
    #[must_use]
    pub fn with_version(self, version: Option<&str>) -> StoredUri {
        StoredUri {
            collection: self.collection,
            name: self.name,
            tag: self.tag.unwrap_or_else(|| DEFAULT_TAG.to_owned()),
            version: self.version.or_else(|| version.map(str::to_owned)),
        }
    }
}

impl fmt::Display for StoredName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.collection, self.name)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        match &self.version {
            Some(version) => write!(formatter, "@{version}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for StoredUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}:{}", self.collection, self.name, self.tag)?;
        match &self.version {
            Some(version) => write!(formatter, "@{version}"),
            None => Ok(()),
        }
    }
}

impl StoredUri {
    /// Returns where the file of the image lies in the store.
    #[must_use]
    pub fn path(&self, ending: Option<&str>) -> PathBuf {
        let mut file = self.tag.clone();
        if let Some(version) = &self.version {
            file.push('@');
            file.push_str(version);
        }
        if let Some(ending) = ending {
            file.push('.');
            file.push_str(ending);
        }
        Path::new(&self.collection).join(&self.name).join(file)
    }

    /// Returns the name of a file by its place in the store. One that lies as no
    /// image does is named after its file, with its hash as the version.
    ///
    /// # Errors
    /// Where nothing of the path can be a name.
    pub fn of_path(below_store: &Path, sha256: &str) -> Result<Self, String> {
        let text = below_store.to_string_lossy();
        let (folder, file) = text.rsplit_once('/').unwrap_or(("", &text));
        let stem = match ending_of(Path::new(file)) {
            Some(ending) => &file[..file.len() - ending.len() - 1],
            None => file,
        };
        if stem.contains('@') && folder.contains('/') {
            let exact = StoredName::parse(&format!("{folder}:{stem}"));
            if let Ok(name) = exact {
                return Ok(name.with_version(None));
            }
        }
        let folder = if folder.is_empty() {
            DEFAULT_COLLECTION.to_owned()
        } else {
            let folders: Vec<String> = folder.split('/').map(fit).collect();
            folders.join("/")
        };
        Ok(StoredName::parse(&format!("{folder}/{}", fit(stem)))?.with_version(Some(sha256)))
    }
}

/// Returns a word with what a name does not allow replaced by `-`.
fn fit(word: &str) -> String {
    let fitted: String = word
        .chars()
        .map(|one| match one.to_ascii_lowercase() {
            one @ ('a'..='z' | '0'..='9' | '.' | '_' | '-') => one,
            _ => '-',
        })
        .take(LONGEST_PART)
        .collect();
    fitted.trim_start_matches(['.', '-']).to_owned()
}

fn check_part(what: &str, part: &str) -> Result<(), String> {
    let good = |one: u8| matches!(one, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if part.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if part.len() > LONGEST_PART {
        return Err(format!(
            "the {what} has more than {LONGEST_PART} characters"
        ));
    }
    if !part.bytes().all(good) || part.starts_with(['.', '-']) {
        return Err(format!(
            "a {what} should be letters, digits, `.`, `_` and `-`, and begin with a letter, a \
             digit or `_`, but is `{}`",
            shorten(part)
        ));
    }
    Ok(())
}

/// Returns the ending of a file's name, in lower case: letters and digits, such as
/// `sif` or `tar.gz`.
#[must_use]
pub fn ending_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_string_lossy().to_ascii_lowercase();
    let (stem, ending) = name.rsplit_once('.')?;
    let is_ending = !stem.is_empty()
        && ending.len() <= 16
        && ending.starts_with(|first: char| first.is_ascii_lowercase())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_ending {
        return None;
    }
    Some(match stem.strip_suffix(".tar") {
        Some(before) if !before.is_empty() => format!("tar.{ending}"),
        _ => ending.to_owned(),
    })
}

/// Checks a URL that is to be recorded, and returns the name made of its last path
/// part.
///
/// # Errors
/// The rule that it breaks; one that holds a user or a password is not shown.
pub fn name_of_url(url: &str) -> Result<String, String> {
    let bad = |rule: &str| Err(format!("`{}` is not a URL: {rule}", shorten(url)));
    let Some((scheme, rest)) = url.split_once("://") else {
        if url.contains('@') {
            return Err("the URL has no scheme, such as `https://`".to_owned());
        }
        return bad("it has no scheme, such as `https://`");
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    if host.contains('@') || scheme.contains('@') {
        return Err(
            "the URL holds a user or a password, and would be shown to everybody: leave \
                    them out"
                .to_owned(),
        );
    }
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    if !is_scheme {
        return bad("its scheme is not letters and digits");
    }
    if rest.is_empty() || (host.is_empty() && scheme != "file") {
        return bad("it names no host");
    }
    if url
        .chars()
        .any(|one| one.is_control() || one.is_whitespace())
    {
        return bad("it holds white space or control characters");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next();
    let last = last.filter(|last| !last.is_empty()).unwrap_or(host);
    // The last part of a reference may name a tag, as in `docker://alpine:3`.
    let (last, tag) = match last.split_once(':') {
        Some((last, tag)) => (last, Some(fit(tag))),
        None => (last, None),
    };
    let stem = match ending_of(Path::new(last)).as_deref() {
        Some(ending @ ("sif" | "simg" | "img" | "sqsh" | "squashfs" | "tar" | "tgz" | "zip")) => {
            &last[..last.len() - ending.len() - 1]
        }
        Some(ending) if ending.starts_with("tar.") => &last[..last.len() - ending.len() - 1],
        _ => last,
    };
    Ok(match tag.filter(|tag| !tag.is_empty()) {
        Some(tag) => format!("{}:{tag}", fit(stem)),
        None => fit(stem),
    })
}

/// A record of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    pub id: i64,
    pub uri: StoredUri,
    /// What kind of source it came from.
    pub client: String,
    /// Where the file is; unset where only the URL is recorded.
    pub path: Option<PathBuf>,
    pub url: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// What was said of it: names, and values that are JSON text.
    pub metadata: Vec<(String, String)>,
    pub labels: BTreeMap<String, String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

impl StoredImage {
    /// Returns whether the file is on this machine.
    #[must_use]
    pub fn location(&self) -> &'static str {
        if self.path.is_some() {
            "local"
        } else {
            "remote"
        }
    }

    /// Returns the record as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let mut object = ObjectWriter::new(&mut text);
        object.raw("id", &self.id.to_string());
        object.text("uri", &self.uri.to_string());
        object.text("collection", &self.uri.collection);
        object.text("name", &self.uri.name);
        object.text("tag", &self.uri.tag);
        object.raw("version", &text_or_null(self.uri.version.as_deref()));
        object.text("client", &self.client);
        let path = self.path.as_ref().map(|path| path.display().to_string());
        object.raw("image", &text_or_null(path.as_deref()));
        object.raw("url", &text_or_null(self.url.as_deref()));
        object.object("metrics", |metrics| {
            // What was measured stands above what was said.
            let ours = |key: &str| match key {
                "size" => self.size.is_some(),
                "sha256" => self.sha256.is_some(),
                _ => false,
            };
            let mut said = self.metadata.clone();
            said.retain(|(key, _)| !ours(key));
            metrics.kept(&said);
            if let Some(size) = self.size {
                metrics.raw("size", &size.to_string());
            }
            if let Some(sha256) = &self.sha256 {
                metrics.text("sha256", sha256);
            }
        });
        object.text("created_at", &self.created_at);
        let labels: Vec<(String, String)> = self
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), text_or_null(Some(value))))
            .collect();
        object.object("labels", |object| object.kept(&labels));
        object.end();
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn text_or_null(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "null".to_owned();
    };
    let mut json = Vec::new();
    write_json_string(text, &mut json);
    String::from_utf8_lossy(&json).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_in_lower_case_with_their_parts() {
        let check = |text: &str, expected: [&str; 4]| {
            let name = StoredName::parse(text).expect(text);
            let part = |part: Option<String>| part.unwrap_or_default();
            let found = [
                name.collection,
                name.name,
                part(name.tag),
                part(name.version),
            ];
            assert_eq!(found, expected, "{text}");
        };
        check("tool", ["library", "tool", "", ""]);
        check("lab/tool", ["lab", "tool", "", ""]);
        check("Lab/Tool:V1", ["lab", "tool", "v1", ""]);
        check("lab/tool:v1@1.0", ["lab", "tool", "v1", "1.0"]);
        check("lab/tool@sha256:0AB", ["lab", "tool", "", "0ab"]);
        check("a/b/c:1", ["a/b", "c", "1", ""]);
        check("_a/9.x_y-z", ["_a", "9.x_y-z", "", ""]);
        check("oci-tools/x", ["oci-tools", "x", "", ""]);
    }

    #[test]
    fn names_that_could_leave_the_store_are_refused() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "//a",
            "a//b",
            "..",
            "../a",
            "a/..",
            "a/../b",
            ".",
            "./a",
            ".hidden/a",
            "a:",
            "a@",
            ":x",
            "@x",
            "a:b:c",
            "a:b/c",
            "a@b/c",
            "a@b@c",
            "a b",
            "a\nb",
            "a\0",
            "a\u{1b}",
            "é",
            "-a",
            "a:-x",
            "a:..",
            "a@..",
            "a\\b",
            "~/a",
            "*",
            "oci/a",
            "OCI/x/a",
            "pictures/a",
            "host:5000/a",
            "docker://a",
            "a/b/c/d/e/f/g/h/i/j",
            "a@sha256:",
            "a@sha256:sha256:x",
            &"a".repeat(111),
            &format!("a:{}", "b".repeat(111)),
        ] {
            assert!(StoredName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_lies_where_its_name_says() {
        let uri = |text: &str| {
            StoredName::parse(text)
                .expect(text)
                .with_version(Some("aa"))
        };
        let check = |text: &str, ending: Option<&str>, expected: &str| {
            assert_eq!(uri(text).path(ending), Path::new(expected));
            assert_eq!(StoredUri::of_path(Path::new(expected), "bb"), Ok(uri(text)));
        };
        check("lab/tool", Some("sif"), "lab/tool/latest@aa.sif");
        check("lab/tool:1@1.0", Some("tar.gz"), "lab/tool/1@1.0.tar.gz");
        check("a/b/tool:1.0@2.1", None, "a/b/tool/1.0@2.1");
    }

    #[test]
    fn a_stray_file_is_named_after_its_path() {
        let check = |path: &str, expected: &str| {
            let uri = StoredUri::of_path(Path::new(path), "bb").map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), Ok(expected), "{path}");
        };
        check("Tool One.sif", "library/tool-one:latest@bb");
        check("lab/x.sif", "lab/x:latest@bb");
        check("lab/x/My Tool.SIF", "lab/x/my-tool:latest@bb");
        check("lab/x/lätest@1.sif", "lab/x/l-test-1:latest@bb");
        assert!(StoredUri::of_path(Path::new("---"), "bb").is_err());
        assert!(StoredUri::of_path(Path::new("oci/x"), "bb").is_err());
    }

    #[test]
    fn endings_are_letters_and_digits() {
        let check = |file: &str, expected: &str| {
            let ending = ending_of(Path::new(file)).unwrap_or_default();
            assert_eq!(ending, expected, "{file}");
        };
        check("a.sif", "sif");
        check("a.SIF", "sif");
        check("a.b.tar.gz", "tar.gz");
        check(".tar.gz", "gz");
        check("tool-1.0", "");
        check("a.", "");
        check(".sif", "");
        check("a.s f", "");
        check("a", "");
    }

    #[test]
    fn a_url_names_its_image_by_its_last_part() {
        let check = |url: &str, expected: &str| {
            assert_eq!(name_of_url(url).as_deref(), Ok(expected), "{url}");
        };
        check("https://example.com/lab/Tool.sif?x=1#y", "tool");
        check("https://example.com/lab/tool_1.0/", "tool_1.0");
        check("https://example.com", "example.com");
        check("docker://alpine:3.20", "alpine:3.20");
        check("https://example.com/a%20b.tar.gz", "a-20b");
        check("file:///srv/x.img", "x");
        check("https://example.com:8443/x@y", "x-y");
        for url in [
            "",
            "x",
            "://a",
            "https://",
            "1s://a",
            "https://a/b c",
            "https://a\n",
            "https:///a",
        ] {
            assert!(name_of_url(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn a_url_with_a_password_is_refused_and_not_shown() {
        for url in [
            "https://ann:secret@example.com/x",
            "https://secret@example.com",
            "https://a@secret@example.com/x",
            "ann:secret@example.com/x",
            "h t://ann:secret@example.com/x",
            "ann:secret@example.com/x://y",
        ] {
            let error = name_of_url(url).expect_err(url);
            assert!(!error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(
            text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,8}(/[a-z0-9_][a-z0-9._-]{0,8}){0,3}(:[a-z0-9_][a-zA-Z0-9._-]{0,8})?(@[a-z0-9_][a-z0-9._-]{0,8})?"
        ) {
            if let Ok(name) = StoredName::parse(&text) {
                let shown = name.to_string();
                prop_assert_eq!(StoredName::parse(&shown), Ok(name.clone()));
                let uri = name.with_version(None);
                let again = StoredName::parse(&uri.to_string()).expect("a name");
                prop_assert_eq!(again.with_version(None), uri);
            }
        }

        #[test]
        fn no_name_leaves_the_store(text in "\\PC{0,30}|[./:@a-z]{0,12}") {
            if let Ok(name) = StoredName::parse(&text) {
                let path = name.with_version(Some("aa")).path(Some("sif"));
                let normal = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(path.components().all(normal), "{}", path.display());
                prop_assert!(path.file_name().is_some_and(|name| name.len() <= 255));
            }
        }

        #[test]
        fn any_url_is_answered(text in ".*") {
            if let Ok(name) = name_of_url(&text) {
                prop_assert!(!text.is_empty());
                let _ = StoredName::parse(&name);
            }
        }
    }
}
