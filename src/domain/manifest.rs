//! Manifests and configs: bytes that are what was asked for, and what is read
//! of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hashing::Hashing;
use super::name::shorten;
use super::reference::{Digest, DigestAlgorithm};

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The media types that are asked for.
pub const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// What points to a manifest or a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    pub platform: Option<Platform>,
    pub artifact_type: Option<String>,
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Returns the descriptor that a JSON text is.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let raw: RawDescriptor =
            serde_json::from_str(text).map_err(|_| "it is no descriptor".to_owned())?;
        raw.checked()
    }

    /// Returns it as JSON, without what is not set.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Document<'a> {
            media_type: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            artifact_type: Option<&'a str>,
            digest: &'a str,
            size: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            platform: Option<&'a Platform>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            annotations: &'a BTreeMap<String, String>,
        }
        let document = Document {
            media_type: &self.media_type,
            artifact_type: self.artifact_type.as_deref(),
            digest: self.digest.as_str(),
            size: self.size,
            platform: self.platform.as_ref(),
            annotations: &self.annotations,
        };
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Platform {
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(formatter, "/{variant}"),
            _ => Ok(()),
        }
    }
}

impl Platform {
    /// Returns whether that is what a user calls it: with its variant, or without.
    #[must_use]
    pub fn is_called(&self, wanted: &str) -> bool {
        let without_variant = format!("{}/{}", self.os, self.architecture);
        self.to_string() == wanted || without_variant == wanted
    }
}

/// Returns whether a media type is one of manifests.
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].contains(&media_type)
}

impl Descriptor {
    /// Returns whether it is a layer that licences keep from being handed on (image
    /// spec, "Non-Distributable Layers").
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.media_type.contains(".image.layer.nondistributable.")
            || self.media_type.contains(".image.rootfs.foreign.")
    }
}

/// A manifest, and its bytes as they came.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub descriptor: Descriptor,
    pub bytes: Vec<u8>,
    pub content: Content,
    /// The manifest that it refers to.
    pub subject: Option<Digest>,
}

/// What a manifest lists.
#[derive(Debug, Clone)]
pub enum Content {
    /// Manifests, one per platform.
    Index(Vec<Descriptor>),
    Image {
        config: Descriptor,
        layers: Vec<Descriptor>,
    },
}

/// What is read of an image's config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    pub platform: Option<Platform>,
    /// As the config has it.
    pub created: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Who runs it: `user[:group]`, by names or numbers; unset is root.
    pub user: Option<String>,
    /// What it runs: its entry point and what is handed to that.
    pub command: Vec<String>,
}

/// Returns the digest of bytes.
#[must_use]
pub fn digest_of(bytes: &[u8], algorithm: DigestAlgorithm) -> Digest {
    let mut hashing = Hashing::new(algorithm);
    hashing.update(bytes);
    hashing.finish()
}

impl Manifest {
    /// Returns the descriptor that stands for it in a list of referrers: "the config
    /// descriptor's mediaType" is its type where it names none (distribution spec,
    /// "Listing Referrers").
    #[must_use]
    pub fn as_referrer(&self) -> Descriptor {
        let mut descriptor = self.descriptor.clone();
        if descriptor.artifact_type.is_none()
            && let Content::Image { config, .. } = &self.content
        {
            descriptor.artifact_type = Some(config.media_type.clone());
        }
        descriptor
    }

    /// Returns the descriptor that stands for it in the index of a layout.
    #[must_use]
    pub fn as_entry(&self) -> Descriptor {
        Descriptor {
            annotations: BTreeMap::new(),
            ..self.descriptor.clone()
        }
    }

    /// Returns the manifest that the bytes are; they hash to each of the digests.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn checked(
        bytes: Vec<u8>,
        said: Option<String>,
        digests: &[Option<&Digest>],
    ) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Document {
            schema_version: Option<u64>,
            media_type: Option<String>,
            artifact_type: Option<String>,
            subject: Option<RawDescriptor>,
            config: Option<RawDescriptor>,
            layers: Option<Vec<RawDescriptor>>,
            manifests: Option<Vec<RawDescriptor>>,
            annotations: Option<BTreeMap<String, String>>,
        }
        let mut own = None;
        for asked in digests.iter().flatten() {
            let digest = digest_of(&bytes, asked.algorithm());
            if digest != **asked {
                return Err(format!("what came is `{digest}`, and not `{asked}`"));
            }
            own = own.or(Some(digest));
        }
        let digest = own.unwrap_or_else(|| digest_of(&bytes, DigestAlgorithm::Sha256));
        let document: Document = serde_json::from_slice(&bytes).map_err(|_| match &said {
            Some(said) => format!("what came is no manifest, but `{}`", shorten(said)),
            None => "what came is no manifest".to_owned(),
        })?;
        if document.schema_version == Some(1) {
            return Err(
                "it has the format of before 2016 (schema 1), which is not read".to_owned(),
            );
        }
        if document.manifests.is_some() && document.layers.is_some() {
            return Err("it has both `manifests` and `layers`".to_owned());
        }
        let media_type = match (document.media_type, said) {
            (Some(own), Some(said)) if own != said => {
                let (own, said) = (shorten(&own), shorten(&said));
                return Err(format!(
                    "it calls itself `{own}`, and the registry `{said}`"
                ));
            }
            (Some(own), _) => own,
            (None, Some(said)) => said,
            (None, None) => return Err("nothing says which media type it has".to_owned()),
        };
        let content = match (media_type.as_str(), document.manifests) {
            (OCI_INDEX | DOCKER_LIST, Some(manifests)) => Content::Index(checked_all(manifests)?),
            (OCI_MANIFEST | DOCKER_MANIFEST, None) => Content::Image {
                config: document.config.ok_or("it has no config")?.checked()?,
                layers: checked_all(document.layers.ok_or("it has no layers")?)?,
            },
            (OCI_INDEX | DOCKER_LIST | OCI_MANIFEST | DOCKER_MANIFEST, _) => {
                return Err(format!("it is not the `{media_type}` that it should be"));
            }
            (other, _) => return Err(format!("`{}` is no manifest of an image", shorten(other))),
        };
        let subject = document.subject.map(RawDescriptor::checked).transpose()?;
        let subject = subject.map(|subject| subject.digest);
        let descriptor = Descriptor {
            media_type,
            digest,
            size: bytes.len() as u64,
            platform: None,
            artifact_type: document.artifact_type,
            annotations: document.annotations.unwrap_or_default(),
        };
        Ok(Self {
            descriptor,
            bytes,
            content,
            subject,
        })
    }
}

/// A descriptor before it is checked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: serde_json::Number,
    platform: Option<Platform>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

impl RawDescriptor {
    fn checked(self) -> Result<Descriptor, String> {
        let digest = self.digest.parse::<Digest>();
        let digest =
            digest.map_err(|_| format!("`{}` in it is no digest", shorten(&self.digest)))?;
        // The protocol's sizes are 64-bit numbers with a sign.
        let size = self
            .size
            .as_u64()
            .filter(|size| i64::try_from(*size).is_ok());
        let size = size.ok_or_else(|| format!("`{}` in it is no size", self.size))?;
        Ok(Descriptor {
            media_type: self.media_type,
            digest,
            size,
            platform: self.platform,
            artifact_type: self.artifact_type.filter(|text| !text.is_empty()),
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

fn checked_all(descriptors: Vec<RawDescriptor>) -> Result<Vec<Descriptor>, String> {
    descriptors
        .into_iter()
        .map(RawDescriptor::checked)
        .collect()
}

/// Returns what a config says; its bytes are those of the descriptor.
pub fn parsed_config(bytes: &[u8], descriptor: &Descriptor) -> Result<Config, String> {
    #[derive(Deserialize)]
    struct Document {
        created: Option<String>,
        #[serde(flatten)]
        platform: Option<Platform>,
        config: Option<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(rename = "Labels")]
        labels: Option<BTreeMap<String, String>>,
        // Whatever they are, the rest of the config is read.
        #[serde(rename = "Entrypoint", default)]
        entrypoint: serde_json::Value,
        #[serde(rename = "Cmd", default)]
        cmd: serde_json::Value,
        #[serde(rename = "User", default)]
        user: serde_json::Value,
    }
    let asked = &descriptor.digest;
    if digest_of(bytes, asked.algorithm()) != *asked {
        return Err(format!("what came is not `{asked}`"));
    }
    // An artifact's config is whatever it likes.
    let Ok(document) = serde_json::from_slice::<Document>(bytes) else {
        return Ok(Config::default());
    };
    let known = |platform: &Platform| !platform.os.is_empty() && !platform.architecture.is_empty();
    let mut config = Config {
        platform: document.platform.filter(known),
        created: document.created,
        ..Config::default()
    };
    if let Some(inner) = document.config {
        let words = [inner.entrypoint, inner.cmd];
        config.command = words.iter().flat_map(words_of).collect();
        config.labels = inner.labels.unwrap_or_default();
        let user = inner.user.as_str().filter(|user| !user.is_empty());
        config.user = user.map(str::to_owned);
    }
    Ok(config)
}

/// Returns the strings of a list; none where it is something else.
fn words_of(value: &serde_json::Value) -> Vec<String> {
    let words = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let words: Option<Vec<String>> = words
        .iter()
        .map(|word| Some(word.as_str()?.to_owned()))
        .collect();
    words.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> String {
        format!(
            r#"{{"mediaType":"a","digest":"sha256:{}","size":7}}"#,
            "a".repeat(64)
        )
    }

    /// `expected` is the rule that is broken, empty where none is.
    fn check(text: &str, said: Option<&str>, expected: &str) {
        let text = text.replace("BLOB", &blob());
        let found = Manifest::checked(text.clone().into_bytes(), said.map(str::to_owned), &[]);
        let found = found.err().unwrap_or_default();
        assert_eq!(found, expected, "{text} as {said:?}");
    }

    #[test]
    fn a_manifest_is_what_it_and_the_registry_say() {
        let image = r#"{"schemaVersion":2,"config":BLOB,"layers":[BLOB]}"#;
        check(image, Some(OCI_MANIFEST), "");
        check(image, Some(DOCKER_MANIFEST), "");
        check(image, None, "nothing says which media type it has");
        check(
            image,
            Some(OCI_INDEX),
            "it is not the `application/vnd.oci.image.index.v1+json` that it should be",
        );
        check(
            image,
            Some("application/json"),
            "`application/json` is no manifest of an image",
        );
        check(r#"{"manifests":[BLOB]}"#, Some(OCI_INDEX), "");
        check(
            r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
            Some(OCI_MANIFEST),
            "it calls itself `application/vnd.oci.image.index.v1+json`, and the registry \
             `application/vnd.oci.image.manifest.v1+json`",
        );
        check(
            r#"{"manifests":[],"layers":[],"config":BLOB}"#,
            Some(OCI_INDEX),
            "it has both `manifests` and `layers`",
        );
        check(
            "<html>",
            Some("text/html"),
            "what came is no manifest, but `text/html`",
        );
        check(r#"{"layers":[]}"#, Some(OCI_MANIFEST), "it has no config");
        check(
            r#"{"schemaVersion":1}"#,
            Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            "it has the format of before 2016 (schema 1), which is not read",
        );
    }

    #[test]
    fn descriptors_have_digests_and_sizes() {
        let with = |digest: &str, size: &str| {
            format!(r#"{{"manifests":[{{"digest":"{digest}","size":{size}}}]}}"#)
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        check(
            &with(&digest, "-1"),
            Some(OCI_INDEX),
            "`-1` in it is no size",
        );
        check(
            &with(&digest, "18446744073709551615"),
            Some(OCI_INDEX),
            "`18446744073709551615` in it is no size",
        );
        check(
            &with("sha256:../x", "1"),
            Some(OCI_INDEX),
            "`sha256:../x` in it is no digest",
        );
        check(&with(&digest, "1"), Some(OCI_INDEX), "");
    }

    #[test]
    fn descriptors_are_written_as_they_are_read() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let whole = format!(
            r#"{{"mediaType":"a/b","artifactType":"c/d","digest":"{digest}","size":7,"platform":{{"os":"linux","architecture":"arm","variant":"v7"}},"annotations":{{"e":"f"}}}}"#
        );
        let small = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":7}}"#);
        for text in [whole, small] {
            assert_eq!(Descriptor::parse(&text).map(|one| one.to_json()), Ok(text));
        }
    }

    #[test]
    fn bytes_are_hashed_as_the_digest_says() {
        let bytes = b"{}";
        let sha256 = digest_of(bytes, DigestAlgorithm::Sha256);
        assert_eq!(
            sha256.as_str(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        let sha512 = digest_of(bytes, DigestAlgorithm::Sha512);
        let descriptor = Descriptor {
            media_type: String::new(),
            digest: sha512,
            size: 2,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        };
        assert_eq!(parsed_config(bytes, &descriptor), Ok(Config::default()));
        assert!(parsed_config(b"{ }", &descriptor).is_err());
    }

    #[test]
    fn what_an_image_runs_is_read_where_it_is_a_list_of_words() {
        let check = |inner: &str, expected: &[&str]| {
            let text = format!(r#"{{"os":"linux","architecture":"a","config":{{{inner}}}}}"#);
            let descriptor = Descriptor {
                media_type: String::new(),
                digest: digest_of(text.as_bytes(), DigestAlgorithm::Sha256),
                size: text.len() as u64,
                platform: None,
                artifact_type: None,
                annotations: BTreeMap::new(),
            };
            let config = parsed_config(text.as_bytes(), &descriptor).expect("a config");
            assert_eq!(config.command, expected, "{inner}");
            assert!(config.platform.is_some(), "{inner}");
        };
        check("", &[]);
        check(r#""Entrypoint":["a"],"Cmd":["b c"]"#, &["a", "b c"]);
        check(r#""Entrypoint":null,"Cmd":["b"]"#, &["b"]);
        check(r#""Entrypoint":"a","Cmd":["b",1]"#, &[]);
    }
}
