//! The metadata that is attached to an image and travels with it: an artifact whose
//! subject is the image (image spec 1.1, "Guidelines for Artifact Usage"). What its
//! document says is read in `formats/attached.rs`.

use std::collections::BTreeMap;

use super::image::{ImageConfig, ImageType};
use super::image_json::labels_json;
use super::json_text::ObjectWriter;
use super::manifest::{Content, Descriptor, Manifest, OCI_MANIFEST, digest_of};
use super::name::shorten;
use super::reference::DigestAlgorithm;

/// The type of the artifact, and the media type of its document.
pub const ARTIFACT_TYPE: &str = "application/vnd.imgdex.image.v1+json";

/// What an artifact has in place of a config (image spec, "Guidance for an Empty
/// Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";

/// Bytes of the largest document.
const LARGEST_DOCUMENT: u64 = 4 * 1024 * 1024;

/// Bytes of the largest picture, as Harbor takes it.
pub const LARGEST_PICTURE: u64 = 1024 * 1024;

const CREATED: &str = "org.opencontainers.image.created";
pub const TITLE: &str = "org.opencontainers.image.title";
pub const DESCRIPTION: &str = "org.opencontainers.image.description";

/// Pictures by how they begin.
const PICTURES: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
];

/// What describes an image wherever it is: nothing of who may use it, and nothing that
/// was seen of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub image_type: Option<ImageType>,
    /// The reference that it was published under.
    pub url: Option<String>,
    pub url_for_gpu: Option<String>,
    pub tags: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub kind: Option<String>,
    pub command: Option<String>,
    /// A URL, or the digest of `picture_bytes`.
    pub picture: Option<String>,
    pub author: Option<String>,
    /// Names of platforms.
    pub formats: Vec<String>,
    /// A PNG, JPEG or GIF file.
    pub picture_bytes: Option<Vec<u8>>,
}

impl Metadata {
    /// Returns what travels of an image. Its picture does where it is a URL, or where its
    /// bytes are given: an id means nothing elsewhere.
    #[must_use]
    pub fn of(config: &ImageConfig, picture_bytes: Option<Vec<u8>>) -> Self {
        let is_url = |text: &&String| is_web_address(text);
        let picture = match &picture_bytes {
            Some(bytes) => Some(digest_of(bytes, DigestAlgorithm::Sha256).to_string()),
            None => config.picture.as_ref().filter(is_url).cloned(),
        };
        let display_name = &config.display_name;
        Self {
            display_name: (!display_name.is_empty()).then(|| display_name.clone()),
            description: config.description.clone(),
            image_type: Some(config.image_type),
            url: config.url.clone(),
            url_for_gpu: config.url_for_gpu.clone(),
            tags: config.tags.clone(),
            labels: config.labels.clone(),
            kind: config.kind.clone(),
            command: config.command.clone(),
            picture,
            author: config.author.clone(),
            formats: config.formats.clone(),
            picture_bytes,
        }
    }

    /// Returns it as JSON with the names and in the order of an image's fields: the same
    /// bytes for the same metadata. `name` is that of the catalog's image, where one is
    /// to be made of it.
    #[must_use]
    pub fn to_json(&self, name: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut object = ObjectWriter::new(&mut out);
        let image_type = self.image_type.map(ImageType::name);
        for (key, text) in [
            ("name", name),
            ("displayName", self.display_name.as_deref()),
            ("description", self.description.as_deref()),
            ("type", image_type),
            ("url", self.url.as_deref()),
            ("urlForGpu", self.url_for_gpu.as_deref()),
        ] {
            if let Some(text) = text {
                object.text(key, text);
            }
        }
        if !self.tags.is_empty() {
            object.words("tags", &self.tags);
        }
        if !self.labels.is_empty() {
            object.raw("labels", &labels_json(&self.labels));
        }
        for (key, text) in [
            ("kind", &self.kind),
            ("command", &self.command),
            ("picture", &self.picture),
            ("author", &self.author),
        ] {
            if let Some(text) = text {
                object.text(key, text);
            }
        }
        if !self.formats.is_empty() {
            object.words("formats", &self.formats);
        }
        object.end();
        out
    }
}

/// Returns the media type of a picture; nothing where the bytes are none.
#[must_use]
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    let found = PICTURES
        .iter()
        .find(|(_, begins)| bytes.starts_with(begins));
    found.map(|(media_type, _)| *media_type)
}

/// Returns whether a picture is where everybody can get it.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// An artifact, and the blobs that it needs, its config among them.
#[derive(Debug)]
pub struct Artifact {
    pub manifest: Manifest,
    pub blobs: Vec<(Descriptor, Vec<u8>)>,
}

/// Returns the artifact that attaches metadata to a manifest; `created` is in RFC 3339.
///
/// # Errors
/// The rule that the metadata breaks.
pub fn artifact(
    metadata: &Metadata,
    subject: &Descriptor,
    created: &str,
) -> Result<Artifact, String> {
    let document = metadata.to_json(None);
    if document.len() as u64 > LARGEST_DOCUMENT {
        return Err("the metadata is larger than 4 MiB".to_owned());
    }
    let mut blobs = vec![
        (descriptor(EMPTY_TYPE, EMPTY), EMPTY.to_vec()),
        (descriptor(ARTIFACT_TYPE, &document), document),
    ];
    if let Some(bytes) = &metadata.picture_bytes {
        if bytes.len() as u64 > LARGEST_PICTURE {
            return Err("the picture is larger than 1 MiB".to_owned());
        }
        let media_type = picture_type(bytes).ok_or("the picture is no PNG, JPEG or GIF file")?;
        blobs.push((descriptor(media_type, bytes), bytes.clone()));
    }
    let described: Vec<String> = blobs.iter().map(|(blob, _)| blob.to_json()).collect();
    let (config, layers) = described.split_first().ok_or("it has no config")?;
    let mut annotations = BTreeMap::from([(CREATED.to_owned(), created.to_owned())]);
    if let Some(title) = &metadata.display_name {
        annotations.insert(TITLE.to_owned(), title.clone());
    }
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","artifactType":"{ARTIFACT_TYPE}","config":{config},"layers":[{}],"subject":{},"annotations":{}}}"#,
        layers.join(","),
        subject.to_json(),
        labels_json(&annotations),
    );
    let manifest = Manifest::checked(text.into_bytes(), None, &[])?;
    Ok(Artifact { manifest, blobs })
}

/// Returns the descriptor of bytes.
fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest_of(bytes, DigestAlgorithm::Sha256),
        size: bytes.len() as u64,
        platform: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
    }
}

/// The blobs of an artifact.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub document: &'a Descriptor,
    pub picture: Option<&'a Descriptor>,
}

/// Returns the blobs of an artifact that somebody attached. Layers of media types that
/// are not known here are passed over.
///
/// # Errors
/// The rule that it breaks.
pub fn parts_of(manifest: &Manifest) -> Result<Parts<'_>, String> {
    let said = manifest.descriptor.artifact_type.as_deref();
    if said != Some(ARTIFACT_TYPE) {
        let said = shorten(said.unwrap_or_default());
        return Err(format!("its type is `{said}`, and not `{ARTIFACT_TYPE}`"));
    }
    let Content::Image { layers, .. } = &manifest.content else {
        return Err("it is an index, and no artifact".to_owned());
    };
    let one_of = |is_one: fn(&str) -> bool, what: &str, most: u64| {
        let mut found = layers.iter().filter(|layer| is_one(&layer.media_type));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("it has more than one {what}")),
            (Some(layer), None) if layer.size > most => {
                let mebibytes = most / (1024 * 1024);
                Err(format!("its {what} is larger than {mebibytes} MiB"))
            }
            (layer, _) => Ok(layer),
        }
    };
    let is_document = |media_type: &str| media_type == ARTIFACT_TYPE;
    let is_picture = |media_type: &str| PICTURES.iter().any(|(known, _)| *known == media_type);
    let document = one_of(is_document, "document", LARGEST_DOCUMENT)?;
    Ok(Parts {
        document: document.ok_or_else(|| format!("it has no layer of type `{ARTIFACT_TYPE}`"))?,
        picture: one_of(is_picture, "picture", LARGEST_PICTURE)?,
    })
}

/// Returns when an artifact says that it was made.
#[must_use]
pub fn created_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(CREATED).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn config() -> ImageConfig {
        ImageConfig {
            name: "app".to_owned(),
            display_name: "An \"app\"".to_owned(),
            image_type: ImageType::Gpu,
            url: Some("harbor.example.com/apps/app:1".to_owned()),
            use_image_pull_secret: Some("image-quay".to_owned()),
            pull_secret: Some("secret".to_owned()),
            global: true,
            is_ready: Some(true),
            labels: BTreeMap::from([("b".to_owned(), "2".into()), ("a".to_owned(), "1".into())]),
            kind: Some("app".to_owned()),
            picture: Some("42".to_owned()),
            pinned_tag: Some("1".to_owned()),
            ..ImageConfig::default()
        }
    }

    fn subject() -> Descriptor {
        descriptor(OCI_MANIFEST, b"x")
    }

    #[test]
    fn only_what_describes_the_image_travels() {
        let text = |metadata: &Metadata| String::from_utf8(metadata.to_json(None)).expect("UTF-8");
        insta::assert_snapshot!(text(&Metadata::of(&config(), None)), @r#"{"displayName":"An \"app\"","type":"gpu","url":"harbor.example.com/apps/app:1","labels":{"a":"1","b":"2"},"kind":"app"}"#);
        let mut linked = config();
        linked.picture = Some("https://example.com/a.png".to_owned());
        assert!(text(&Metadata::of(&linked, None)).contains("https://example.com/a.png"));
        let with_bytes = Metadata::of(&config(), Some(PNG.to_vec()));
        let digest = digest_of(PNG, DigestAlgorithm::Sha256).to_string();
        assert_eq!(with_bytes.picture, Some(digest));
    }

    #[test]
    fn the_same_metadata_is_the_same_artifact() {
        let metadata = Metadata::of(&config(), Some(PNG.to_vec()));
        let made = || artifact(&metadata, &subject(), "2025-10-31T12:00:00Z").expect("made");
        let one = made();
        assert_eq!(one.manifest.bytes, made().manifest.bytes);
        let digest = subject().digest;
        assert_eq!(one.manifest.subject, Some(digest));
        let parts = parts_of(&one.manifest).expect("its own");
        assert_eq!(parts.document, &one.blobs[1].0);
        assert_eq!(parts.picture, Some(&one.blobs[2].0));
        assert_eq!(
            created_of(&one.manifest.as_referrer()),
            Some("2025-10-31T12:00:00Z")
        );
        let text = String::from_utf8(one.manifest.bytes).expect("UTF-8");
        insta::assert_snapshot!(text, @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.imgdex.image.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.imgdex.image.v1+json","digest":"sha256:0b87bb54953effc541d2471cd30eb73de0edcae4dd6bcbc4e912a816d7a9079c","size":203},{"mediaType":"image/png","digest":"sha256:f02a830cf03a1cf756c0461481db682bc9254a5a399f847494d33850c3ff7156","size":12}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","size":1},"annotations":{"org.opencontainers.image.created":"2025-10-31T12:00:00Z","org.opencontainers.image.title":"An \"app\""}}"#);
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_not_attached() {
        let check = |metadata: &Metadata, expected: &str| {
            let made = artifact(metadata, &subject(), "2025-10-31T12:00:00Z");
            assert_eq!(made.err().as_deref(), Some(expected));
        };
        let large = Metadata {
            description: Some("x".repeat(4 * 1024 * 1024)),
            ..Metadata::default()
        };
        check(&large, "the metadata is larger than 4 MiB");
        let mut bytes = PNG.to_vec();
        check(
            &Metadata::of(&config(), Some(b"text".to_vec())),
            "the picture is no PNG, JPEG or GIF file",
        );
        bytes.resize(1024 * 1024 + 1, 0);
        check(
            &Metadata::of(&config(), Some(bytes)),
            "the picture is larger than 1 MiB",
        );
    }

    #[test]
    fn an_artifact_of_somebody_else_is_not_believed() {
        let blob = |media_type: &str, size: u64| {
            let digest = "a".repeat(64);
            format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{digest}","size":{size}}}"#)
        };
        let check = |kind: &str, layers: &[String], expected: &str| {
            let config = blob(EMPTY_TYPE, 2);
            let text = format!(
                r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","artifactType":"{kind}","config":{config},"layers":[{}]}}"#,
                layers.join(",")
            );
            let manifest = Manifest::checked(text.into_bytes(), None, &[]).expect("a manifest");
            let found = parts_of(&manifest).err().unwrap_or_default();
            assert_eq!(found, expected);
        };
        let document = || blob(ARTIFACT_TYPE, 7);
        check(ARTIFACT_TYPE, &[document()], "");
        check(ARTIFACT_TYPE, &[blob("text/plain", 9), document()], "");
        check(
            "application/x",
            &[document()],
            "its type is `application/x`, and not `application/vnd.imgdex.image.v1+json`",
        );
        check(
            ARTIFACT_TYPE,
            &[document(), document()],
            "it has more than one document",
        );
        check(
            ARTIFACT_TYPE,
            &[blob("image/png", 1), document(), blob("image/gif", 1)],
            "it has more than one picture",
        );
        check(
            ARTIFACT_TYPE,
            &[blob("image/png", 1)],
            "it has no layer of type `application/vnd.imgdex.image.v1+json`",
        );
        check(
            ARTIFACT_TYPE,
            &[blob(ARTIFACT_TYPE, 4 * 1024 * 1024 + 1)],
            "its document is larger than 4 MiB",
        );
        check(
            ARTIFACT_TYPE,
            &[document(), blob("image/png", 1024 * 1024 + 1)],
            "its picture is larger than 1 MiB",
        );
    }
}
