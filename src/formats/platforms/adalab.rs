//! AdaLab's image metadata: a file `NAME.json` for each (adalib 9.3,
//! `create_image_metadata`).

use std::str::FromStr;

use super::super::decode::Decoder;
use super::super::document::{Fault, Node, Value};
use super::fields::{self, ADALAB_TYPES, Field};
use super::kept::{keep, kept_of, present, text, unknown, with_kept};
use super::{Entry, Incoming, Outgoing, Part, finished, not_an_object};
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::image_rules::canonical_kind;
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::domain::reference::{Digest, Reference, ReferenceError, Registry, Repository, Tag};

const PLATFORM: Platform = Platform::Adalab;

/// The fields that the catalog knows; `sha256` only where it is a digest.
const KNOWN: [&str; 13] = [
    "oci_image_name.host",
    "oci_image_name.project",
    "oci_image_name.repository",
    "oci_image_name.tag",
    "name",
    "description",
    "type",
    "startup_cmd",
    "image_id",
    "user_id",
    "archived",
    "ready",
    "sha256",
];

/// Returns the entry of a file.
pub(super) fn entry(part: Part<'_>) -> Entry {
    let image = incoming(part);
    Entry::whole(part.stem.to_owned(), part.node, image)
}

fn incoming(part: Part<'_>) -> Result<Incoming, Vec<Fault>> {
    let node = part.node;
    let Some(entries) = node.as_map() else {
        return Err(not_an_object(node, "the metadata of an image"));
    };
    let mut decoder = Decoder::default();
    let mut image = NewImage::default();
    let config = &mut image.config;
    part.stem.clone_into(&mut config.name);
    let name = required(&mut decoder, node, "", "name");
    config.display_name = name.unwrap_or_default();
    for entry in entries {
        let (field, node) = (entry.key.as_str(), &entry.node);
        match field {
            "description" => config.description = decoder.text(field, node),
            "type" => config.kind = kind_of(&mut decoder, field, node),
            "startup_cmd" => config.command = decoder.text(field, node),
            "image_id" => config.picture = id_of(&mut decoder, field, node),
            "user_id" => config.author = id_of(&mut decoder, field, node),
            "archived" => config.archived = decoder.flag(field, node).unwrap_or_default(),
            "ready" => config.is_ready = decoder.flag(field, node),
            "sha256" => {
                let digest = decoder.text(field, node);
                image.seen.url.digest = digest.filter(|text| Digest::from_str(text).is_ok());
            }
            _ => {}
        }
    }
    match node.get("oci_image_name") {
        Some(name) if name.as_map().is_some() => config.url = url_of(&mut decoder, name),
        Some(other) if !other.is_null() => decoder.mistyped("oci_image_name", other, "an object"),
        other => {
            let rule = "oci_image_name is required";
            decoder.push(other.unwrap_or(node).fault("oci_image_name", rule));
        }
    }
    // `sha256:00000` is what adalib writes before an image is copied.
    let is_digest = image.seen.url.digest.is_some();
    let known = |field: &&str| is_digest || *field != "sha256";
    let known: Vec<&str> = KNOWN.into_iter().filter(known).collect();
    keep(config, PLATFORM, unknown(node, &known));
    let image = finished(PLATFORM, image, decoder.faults, node, place)?;
    Ok(Incoming {
        fields: said(&image),
        image,
    })
}

/// Returns what a file says: nothing of what AdaLab has not found out yet.
fn said(image: &NewImage) -> Vec<Field> {
    let is_said = |field: &&Field| match field {
        Field::Author => image.config.author.is_some(),
        Field::Ready => image.config.is_ready.is_some(),
        Field::Digest => image.seen.url.digest.is_some(),
        _ => true,
    };
    let held = fields::held(PLATFORM).iter();
    held.filter(is_said).copied().collect()
}

/// Returns a string that must be there and not be empty.
fn required(decoder: &mut Decoder, node: &Node, path: &str, key: &str) -> Option<String> {
    let field = match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    let found = node.get(key).filter(|found| !found.is_null());
    let Some(found) = found else {
        let at = node.get(key).unwrap_or(node);
        decoder.push(at.fault(field, format!("{key} is required")));
        return None;
    };
    let text = decoder.text(&field, found)?;
    if text.is_empty() {
        decoder.push(found.fault(field, format!("{key} should not be empty")));
        return None;
    }
    Some(text)
}

fn kind_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    let from_name = |name: &str| {
        let kind = canonical_kind(name.to_owned());
        ADALAB_TYPES.contains(&kind.as_str()).then_some(kind)
    };
    decoder.choice(field, node, &ADALAB_TYPES, from_name)
}

/// Returns an id, which is text or a whole number, as text; null is an unset one.
fn id_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    if node.is_null() {
        return None;
    }
    let text = node.as_text().map(str::to_owned);
    let id = text.or_else(|| Some(node.as_u64()?.to_string()));
    if id.is_none() {
        decoder.mistyped(field, node, "a string or a whole number from 0");
    }
    id
}

/// Returns an id as AdaLab has it: a number where it is one.
fn id(id: &String) -> Node {
    let number = Node::new(Value::Number(id.clone()));
    match Node::new(Value::Plain(id.clone())).as_u64() {
        Some(_) => number,
        None => text(id),
    }
}

/// Returns the reference that the parts of a name make.
fn url_of(decoder: &mut Decoder, name: &Node) -> Option<String> {
    let before = decoder.faults.len();
    let host = part_of::<Registry>(decoder, name, "host");
    let project = part_of::<Repository>(decoder, name, "project");
    let repository = part_of::<Repository>(decoder, name, "repository");
    let tag = part_of::<Tag>(decoder, name, "tag");
    if let (Some(project), Some(node)) = (&project, name.get("project"))
        && project.contains('/')
    {
        let rule = format!(
            "project should be one part of a path, without `/`, but is `{}`",
            shorten(project)
        );
        decoder.push(node.fault("oci_image_name.project", rule));
    }
    let url = format!("{}/{}/{}:{}", host?, project?, repository?, tag?);
    if decoder.faults.len() > before {
        return None;
    }
    if let Err(error) = Reference::check(&url) {
        let rule = format!("`{}` is not an image reference: {error}", shorten(&url));
        decoder.push(name.fault("oci_image_name", rule));
    }
    Some(url)
}

fn part_of<T>(decoder: &mut Decoder, name: &Node, key: &str) -> Option<String>
where
    T: FromStr<Err = ReferenceError>,
{
    let text = required(decoder, name, "oci_image_name", key)?;
    if let (Err(error), Some(node)) = (T::from_str(&text), name.get(key)) {
        decoder.push(node.fault(format!("oci_image_name.{key}"), error.to_string()));
        return None;
    }
    Some(text)
}

/// Returns where the file has a field of the catalog.
fn place(field: &str) -> String {
    match field {
        "displayName" => "name",
        "url" => "oci_image_name",
        "kind" => "type",
        "command" => "startup_cmd",
        "picture" => "image_id",
        "author" => "user_id",
        other => other,
    }
    .to_owned()
}

/// Returns whether an image of the catalog is pinned to what a file says of it: the
/// file has the tag and the digest in two fields, and the reference in one.
pub(super) fn is_pinned_form(before: &Image, incoming: &NewImage) -> bool {
    let parsed = |url: &Option<String>| Reference::parse(url.as_deref()?).ok();
    let (Some(old), Some(new)) = (parsed(&before.config.url), parsed(&incoming.config.url)) else {
        return false;
    };
    let digest = old.digest().map(Digest::as_str);
    digest.is_some()
        && digest == incoming.seen.url.digest.as_deref()
        && (old.registry(), old.repository()) == (new.registry(), new.repository())
        && tag_of(&old, &before.config).as_deref() == new.tag_or_latest()
}

/// Returns the tag of a reference: where it has none but a digest, the one that the
/// image had before it was pinned.
fn tag_of(reference: &Reference, config: &ImageConfig) -> Option<String> {
    let written = (config.url.as_deref()).and_then(|url| Reference::parse(url).ok());
    let tag = |reference: &Reference| Some(reference.tag()?.as_str().to_owned());
    let is_pinned = |reference: &Reference| reference.digest().is_some();
    let pinned_tag = (config.pinned_tag.clone())
        .filter(|_| is_pinned(reference) || written.as_ref().is_some_and(is_pinned));
    tag(reference)
        .or_else(|| tag(written.as_ref()?))
        .or(pinned_tag)
        .or_else(|| reference.tag_or_latest().map(str::to_owned))
}

/// Returns the file of an image.
///
/// # Errors
/// For an image without a reference, and for one whose reference AdaLab's four
/// parts of a name cannot say.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let (config, seen) = (&outgoing.image.config, &outgoing.image.seen);
    let url = outgoing
        .url
        .ok_or("it has no `url`, and AdaLab needs an oci_image_name")?;
    let reference = Reference::parse(url)
        .map_err(|error| format!("its `url` is not an image reference: {error}"))?;
    let path = reference.repository().as_str();
    let (project, repository) = path.split_once('/').ok_or_else(|| {
        format!("AdaLab needs a project before the repository, and `{path}` has none")
    })?;
    let tag = tag_of(&reference, config)
        .ok_or("AdaLab needs a tag, and its `url` has only a digest (`pinnedTag` would do)")?;
    if Tag::from_str(&tag).is_err() {
        return Err(format!("its `pinnedTag` `{}` is no tag", shorten(&tag)));
    }
    let name = present([
        ("host", Some(text(reference.registry().to_string()))),
        ("project", Some(text(project))),
        ("repository", Some(text(repository))),
        ("tag", Some(text(tag))),
    ]);
    // The digest in a reference decides; else it is what was seen last.
    let digest = reference.digest().map(Digest::as_str);
    let kind = (config.kind.as_ref()).filter(|kind| is_type(kind));
    let written = present([
        ("sha256", digest.or(seen.url.digest.as_deref()).map(text)),
        ("oci_image_name", Some(name)),
        ("type", kind.map(text)),
        ("name", Some(text(&config.display_name))),
        ("description", config.description.as_ref().map(text)),
        ("startup_cmd", config.command.as_ref().map(text)),
        ("image_id", config.picture.as_ref().map(id)),
        ("user_id", config.author.as_ref().map(id)),
        ("archived", Some(Node::new(Value::Bool(config.archived)))),
        (
            "ready",
            config.is_ready.map(|ready| Node::new(Value::Bool(ready))),
        ),
    ]);
    Ok(with_kept(written, kept_of(config, PLATFORM).as_ref()))
}

/// Returns whether AdaLab has a kind as one of its types.
pub(super) fn is_type(kind: &str) -> bool {
    ADALAB_TYPES.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::super::super::document::{Position, json, write_json};
    use super::*;

    fn read(text: &str) -> Result<Incoming, Vec<Fault>> {
        let node = json::parse(text.as_bytes(), Position::START).expect("JSON");
        let part = Part {
            stem: "a",
            node: &node,
        };
        entry(part).image
    }

    const NAME: &str = r#""name":"A","oci_image_name":{"host":"h.example.com","project":"p",
        "repository":"r/s","tag":"1"}"#;

    fn check_faults(text: &str, expected: &[&str]) {
        let faults = read(text).expect_err("faults");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, expected, "{text}");
    }

    #[test]
    fn a_file_says_what_it_has() {
        let incoming = read(&format!(
            r#"{{{NAME},"type":"base_image","image_id":7,"sha256":"sha256:00000"}}"#
        ));
        let incoming = incoming.expect("a good file");
        let config = &incoming.image.config;
        assert_eq!(config.url.as_deref(), Some("h.example.com/p/r/s:1"));
        assert_eq!(config.kind.as_deref(), Some("base"));
        assert_eq!(config.picture.as_deref(), Some("7"));
        assert_eq!(incoming.image.seen, Default::default());
        let kept = (
            "adalab".to_owned(),
            r#"{"sha256":"sha256:00000"}"#.to_owned(),
        );
        assert_eq!(config.extra, [kept]);
        for absent in [Field::Author, Field::Ready, Field::Digest] {
            assert!(!incoming.fields.contains(&absent));
        }
        assert_eq!(incoming.fields.len(), fields::held(PLATFORM).len() - 3);
        let digest = format!("sha256:{}", "a".repeat(64));
        let incoming = read(&format!(
            r#"{{{NAME},"user_id":"ada","ready":false,"sha256":"{digest}"}}"#
        ));
        let incoming = incoming.expect("a good file");
        assert_eq!(incoming.fields, fields::held(PLATFORM));
        assert_eq!(incoming.image.seen.url.digest, Some(digest));
        assert_eq!(incoming.image.config.extra, []);
    }

    #[test]
    fn faults_name_the_field_as_the_file_has_it() {
        check_faults(
            "{}",
            &[
                "1:1: name: name is required",
                "1:1: oci_image_name: oci_image_name is required",
            ],
        );
        check_faults(
            r#"{"name":"","oci_image_name":{"host":"harbor","project":"a/b","repository":null}}"#,
            &[
                "1:9: name: name should not be empty",
                "1:29: oci_image_name.tag: tag is required",
                "1:37: oci_image_name.host: registry host `harbor`: a host other than `localhost` \
                 has a `.` or a port",
                "1:56: oci_image_name.project: project should be one part of a path, without `/`, \
                 but is `a/b`",
                "1:75: oci_image_name.repository: repository is required",
            ],
        );
        check_faults(
            &format!(r#"{{"type":"web","image_id":1.5,"user_id":"","ready":"yes",{NAME}}}"#),
            &[
                "1:9: type: type should be one of ['app', 'base', 'internal', 'kernel', \
                 'lab_app'], but is `web`",
                "1:26: image_id: image_id should be a string or a whole number from 0, but is a \
                 number",
                "1:40: user_id: author should not be empty; null leaves it unset",
                "1:51: ready: ready should be true or false, but is `yes`",
            ],
        );
        check_faults(
            "[]",
            &["1:1: the metadata of an image should be an object, but this is a list"],
        );
    }

    fn written(url: &str, pinned_tag: Option<&str>) -> Result<String, String> {
        let mut image = Image::default();
        image.config.pinned_tag = pinned_tag.map(str::to_owned);
        image.config.url = Some(url.to_owned());
        image.config.kind = Some("web".to_owned());
        let outgoing = Outgoing {
            image: &image,
            name: "a",
            url: Some(url),
            url_for_gpu: None,
            pull_secret: None,
            base_pull_secret: None,
        };
        let node = document(&outgoing)?;
        assert!(node.get("type").is_none());
        let mut text = Vec::new();
        for key in ["oci_image_name", "sha256"] {
            if let Some(node) = node.get(key) {
                write_json(node, &mut text);
            }
        }
        Ok(String::from_utf8(text).expect("UTF-8").replace('"', ""))
    }

    #[test]
    fn a_reference_is_written_in_its_parts() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let check = |url: &str, tag: Option<&str>, expected: &str| {
            let found = written(url, tag).unwrap_or_else(|error| error);
            assert_eq!(found.replace(&digest, "DIGEST"), expected, "{url}");
        };
        let alpine =
            |tag: &str| format!("{{host:docker.io,project:library,repository:alpine,tag:{tag}}}");
        check("alpine", None, &alpine("latest"));
        check("alpine:3", Some("2"), &alpine("3"));
        let pinned = format!("alpine@{digest}");
        check(&pinned, Some("2"), &(alpine("2") + "DIGEST"));
        check(
            &pinned,
            None,
            "AdaLab needs a tag, and its `url` has only a digest (`pinnedTag` would do)",
        );
        check(
            &format!("alpine:3@{digest}"),
            None,
            &(alpine("3") + "DIGEST"),
        );
        check(
            "h.example.com:80/a/b/c:1",
            None,
            "{host:h.example.com:80,project:a,repository:b/c,tag:1}",
        );
        check(
            "h.example.com/a:1",
            None,
            "AdaLab needs a project before the repository, and `a` has none",
        );
    }

    #[test]
    fn an_image_stays_pinned_to_what_a_file_says() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let check = |url: &str, pinned_tag: &str, expected: bool| {
            let mut before = Image::default();
            before.config.url = Some(url.replace("DIGEST", &digest("a")));
            before.config.pinned_tag = Some(pinned_tag.to_owned());
            let file = format!(r#"{{{NAME},"sha256":"{}"}}"#, digest("a"));
            let incoming = read(&file).expect("a good file");
            assert_eq!(is_pinned_form(&before, &incoming.image), expected, "{url}");
            let after = fields::overlaid(PLATFORM, &before, &incoming);
            assert_eq!(after.config.url == before.config.url, expected);
        };
        check("h.example.com/p/r/s@DIGEST", "1", true);
        check("h.example.com/p/r/s:1@DIGEST", "2", true);
        check("h.example.com/p/r/s@DIGEST", "2", false);
        check("h.example.com/p/r@DIGEST", "1", false);
        check(&format!("h.example.com/p/r/s@{}", digest("b")), "1", false);
    }
}
