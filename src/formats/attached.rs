//! The document of the metadata that is attached to an image. Somebody wrote it
//! somewhere: only the fields that travel are taken, each by the rules of an image.

use super::document::{Entry, Fault, MAX_ITEM, Node, Position, Value, json};
use super::image::image_of;
use crate::domain::attached::{Metadata, is_web_address, picture_type};
use crate::domain::manifest::digest_of;
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::domain::reference::DigestAlgorithm;

/// The fields that travel.
const FIELDS: [&str; 12] = [
    "displayName",
    "description",
    "type",
    "url",
    "urlForGpu",
    "tags",
    "labels",
    "kind",
    "command",
    "picture",
    "author",
    "formats",
];

/// A name for the rules: the document has none, because it is the catalog that names.
const NAME: &str = "image";

/// Returns the metadata that a document says; `picture` are the bytes that came with it.
/// Other fields, and platforms that are not known here, are passed over.
///
/// # Errors
/// Every fault of the document, each at its place.
pub fn metadata_of(document: &[u8], picture: Option<Vec<u8>>) -> Result<Metadata, Vec<Fault>> {
    if document.len() > MAX_ITEM {
        let fault = Fault::new(Position::START, "it is larger than 4 MiB");
        return Err(vec![fault]);
    }
    let node = json::parse(document, Position::START).map_err(|fault| vec![fault])?;
    let at = node.at;
    let Ok(mut entries) = node.into_map() else {
        return Err(vec![Fault::new(at, "metadata should be an object")]);
    };
    entries.retain(|entry| FIELDS.contains(&entry.key.as_str()));
    for entry in &mut entries {
        if let (true, Value::List(nodes)) = (entry.key == "formats", &mut entry.node.value) {
            nodes.retain(|node| {
                let known = |text: &str| Platform::NAMES.contains(&text);
                node.as_text().is_none_or(known)
            });
        }
    }
    entries.push(Entry {
        key: "name".to_owned(),
        at: Position::default(),
        node: Node::new(Value::String(NAME.to_owned())),
    });
    let node = Node {
        at,
        value: Value::Map(entries),
    };
    let config = image_of(&node, &[])?.config;
    let is_given = |key: &str| node.get(key).is_some_and(|node| !node.is_null());
    let picture_bytes = match &config.picture {
        None => None,
        Some(text) if is_web_address(text) => None,
        Some(text) => {
            let at = node.get("picture").unwrap_or(&node);
            let bytes = bytes_of(text, picture);
            Some(bytes.map_err(|rule| vec![at.fault("picture", rule)])?)
        }
    };
    Ok(Metadata {
        display_name: is_given("displayName").then_some(config.display_name),
        description: config.description,
        image_type: is_given("type").then_some(config.image_type),
        url: config.url,
        url_for_gpu: config.url_for_gpu,
        tags: config.tags,
        labels: config.labels,
        kind: config.kind,
        command: config.command,
        picture: config.picture,
        author: config.author,
        formats: config.formats,
        picture_bytes,
    })
}

/// Returns the bytes that are the picture of that digest. A path would be that of a file
/// of whoever reads this.
fn bytes_of(text: &str, bytes: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    let digest_of = |bytes: &[u8]| digest_of(bytes, DigestAlgorithm::Sha256).to_string();
    let bytes = bytes.filter(|bytes| digest_of(bytes) == text);
    let bytes = bytes.ok_or_else(|| {
        format!(
            "picture should be an `https://` URL or the digest of the attached picture, but is \
             `{}`",
            shorten(text)
        )
    })?;
    match picture_type(&bytes) {
        Some(_) => Ok(bytes),
        None => Err("the attached picture is no PNG, JPEG or GIF file".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn told(document: &str, picture: Option<&[u8]>) -> String {
        match metadata_of(document.as_bytes(), picture.map(<[u8]>::to_vec)) {
            Ok(metadata) => String::from_utf8(metadata.to_json(None)).expect("UTF-8"),
            Err(faults) => {
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                lines.join("\n")
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let digest = digest_of(PNG, DigestAlgorithm::Sha256);
        let text = format!(
            r#"{{"displayName":"A","description":"B","type":"gpu","url":"h.example.com/a/b:1","urlForGpu":"h.example.com/a/b:1-gpu","tags":["t"],"labels":{{"a":"1"}},"kind":"app","command":"run 'a b'","picture":"{digest}","author":"ada","formats":["adalab"]}}"#
        );
        assert_eq!(told(&text, Some(PNG)), text);
        assert_eq!(told("{}", Some(PNG)), "{}");
    }

    #[test]
    fn what_does_not_travel_is_not_taken() {
        let text = r#"{"id":"x","name":"x","groups":["research"],"global":true,"isReady":true,
            "useImagePullSecret":"image-quay","pullSecret":"s","digest":"sha256:0","revision":7,
            "archived":true,"imageSpec":{"baseImage":"a"},"extra":[1],"pullPolicy":"Never",
            "formats":["adalab","a-later-one"],"kind":"base_image"}"#;
        let taken = told(text, None);
        assert_eq!(taken, r#"{"kind":"base","formats":["adalab"]}"#);
    }

    #[test]
    fn what_breaks_a_rule_is_told_at_its_place() {
        let check = |text: &str, picture: Option<&[u8]>, expected: &str| {
            let told = told(text, picture);
            assert!(told.starts_with(expected), "{told}");
        };
        check("[]", None, "1:1: metadata should be an object");
        check("{", None, "1:2: ");
        check(
            r#"{"kind": 1}"#,
            None,
            "1:10: kind: kind should be a string",
        );
        check(
            r#"{"type":"tpu"}"#,
            None,
            "1:9: type: type should be one of",
        );
        check(r#"{"url":"https://a"}"#, None, "1:8: url: ");
        check(r#"{"tags":["a","a"]}"#, None, "1:14: tags[1]: ");
        check(
            r#"{"picture":"../secret.png"}"#,
            None,
            "1:12: picture: picture should be an `https://` URL or the digest",
        );
        check(
            r#"{"picture":"../secret.png"}"#,
            Some(PNG),
            "1:12: picture: picture should be an `https://` URL or the digest",
        );
        let digest = digest_of(b"text", DigestAlgorithm::Sha256);
        let text = format!(r#"{{"picture":"{digest}"}}"#);
        check(&text, None, "1:12: picture: picture should be");
        check(&text, Some(PNG), "1:12: picture: picture should be");
        check(
            &text,
            Some(b"text"),
            "1:12: picture: the attached picture is no PNG",
        );
        let large = vec![b' '; MAX_ITEM + 1];
        assert!(metadata_of(&large, None).is_err());
    }
}
