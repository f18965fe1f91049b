//! Kustomize's `images`, which are written; what is there is read only to see that it
//! is good (`kustomize.config.k8s.io`, `api/types/image.go`).

use std::str::FromStr;

use super::super::decode::Decoder;
use super::super::document::{Fault, Node};
use super::fields;
use super::kept::{keep, kept_of, present, text, unknown, with_kept};
use super::{Entry, Incoming, Outgoing, Part, not_an_object};
use crate::domain::image::NewImage;
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::domain::reference::{Digest, Reference, Tag};

const PLATFORM: Platform = Platform::Kustomize;

/// What may have `images`.
const KINDS: [&str; 2] = ["Kustomization", "Component"];

/// The version of a Kustomization; a Component has another of the same group.
const VERSION: &str = "kustomize.config.k8s.io/v1beta1";

/// The fields of an entry.
const KNOWN: [&str; 4] = ["name", "newName", "newTag", "digest"];

/// Fields by one of which a Kustomization is told from an entry of its `images`.
const OF_A_WHOLE: [&str; 5] = ["apiVersion", "kind", "images", "resources", "metadata"];

/// Returns the entries of a document.
pub(super) fn entries(part: Part<'_>) -> Vec<Entry> {
    let node = part.node;
    let is_whole = OF_A_WHOLE.iter().any(|key| node.get(key).is_some());
    if !is_whole {
        return vec![entry("", node)];
    }
    let mut decoder = Decoder::default();
    for (key, is_good, wanted) in [
        ("apiVersion", is_version as fn(&str) -> bool, VERSION),
        ("kind", is_kind, KINDS[0]),
    ] {
        if let Some(value) = node.get(key)
            && let Some(text) = decoder.text(key, value)
            && !is_good(&text)
        {
            let rule = format!("{key} should be `{wanted}`, but is `{}`", shorten(&text));
            decoder.push(value.fault(key, rule));
        }
    }
    let images = match node.get("images") {
        Some(images) => decoder.list("images", images),
        None => &[],
    };
    if !decoder.faults.is_empty() {
        decoder.faults.sort_by_key(|fault| fault.at);
        return vec![Entry::whole(String::new(), node, Err(decoder.faults))];
    }
    let images = images.iter().enumerate();
    images
        .map(|(index, node)| entry(&format!("images[{index}]"), node))
        .collect()
}

fn is_version(version: &str) -> bool {
    version.starts_with("kustomize.config.k8s.io/")
}

fn is_kind(kind: &str) -> bool {
    KINDS.contains(&kind)
}

fn entry(path: &str, node: &Node) -> Entry {
    let name = node.get("name").and_then(Node::as_text).unwrap_or_default();
    let image = image_of(path, node).map(|image| Incoming {
        image,
        fields: fields::held(PLATFORM).to_vec(),
    });
    Entry::part(name.to_owned(), node, image)
}

fn image_of(path: &str, node: &Node) -> Result<NewImage, Vec<Fault>> {
    if node.as_map().is_none() {
        let faults = not_an_object(node, "an entry of images").into_iter();
        return Err(faults
            .map(|fault| Fault {
                field: path.to_owned(),
                ..fault
            })
            .collect());
    }
    let mut decoder = Decoder::default();
    let field = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    // An empty string is an unset one, as in Go.
    let mut value = |key: &str| {
        let text = decoder.text(&field(key), node.get(key)?)?;
        (!text.is_empty()).then_some(text)
    };
    let [name, new_name, tag, digest] = KNOWN.map(&mut value);
    let mut refuse = |key: &str, rule: String| {
        let is_told = decoder.faults.iter().any(|fault| fault.field == field(key));
        if !is_told {
            decoder.push(node.get(key).unwrap_or(node).fault(field(key), rule));
        }
    };
    if name.is_none() {
        refuse("name", "name is required".to_owned());
    }
    let (key, repository) = match &new_name {
        Some(new_name) => ("newName", new_name.clone()),
        None => ("name", name.clone().unwrap_or_default()),
    };
    match Reference::parse(&repository) {
        _ if repository.is_empty() => {}
        Err(error) => {
            // It may hold a password: `user:password@host/app`.
            let rule = format!("{key} is not an image's repository: {error}");
            refuse(key, rule);
        }
        Ok(reference) if reference.tag().is_some() || reference.digest().is_some() => {
            let rule = format!(
                "{key} should have no tag and no digest (they are newTag and digest), but is `{}`",
                shorten(&repository)
            );
            refuse(key, rule);
        }
        Ok(_) => {}
    }
    if let Some(Err(error)) = tag.as_deref().map(Tag::from_str) {
        refuse("newTag", error.to_string());
    }
    if let Some(Err(error)) = digest.as_deref().map(Digest::from_str) {
        refuse("digest", error.to_string());
    }
    let mut url = repository;
    url.extend(tag.map(|tag| format!(":{tag}")));
    url.extend(digest.map(|digest| format!("@{digest}")));
    if decoder.faults.is_empty()
        && let Err(error) = Reference::check(&url)
    {
        decoder.push(node.fault(path, format!("not an image reference: {error}")));
    }
    if !decoder.faults.is_empty() {
        decoder.faults.sort_by_key(|fault| fault.at);
        return Err(decoder.faults);
    }
    let mut image = NewImage::default();
    let config = &mut image.config;
    config.name = name.unwrap_or_default();
    config.display_name.clone_from(&config.name);
    config.url = Some(url);
    config.formats = vec![PLATFORM.name().to_owned()];
    keep(config, PLATFORM, unknown(node, &KNOWN));
    Ok(image)
}

/// Returns the entry of an image.
///
/// # Errors
/// For an image without a reference.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let url = outgoing
        .url
        .ok_or("it has no `url`, and Kustomize needs a newName")?;
    let reference = Reference::parse(url)
        .map_err(|error| format!("its `url` is not an image reference: {error}"))?;
    let tag = reference.tag().map(|tag| tag.as_str());
    let digest = reference.digest().map(Digest::as_str);
    // As it was written, so that `alpine` does not become `docker.io/library/alpine`.
    let mut repository = url;
    if let Some(digest) = digest {
        repository = repository.strip_suffix(digest).unwrap_or(repository);
        repository = repository.strip_suffix('@').unwrap_or(repository);
    }
    if let Some(tag) = tag {
        repository = repository.strip_suffix(tag).unwrap_or(repository);
        repository = repository.strip_suffix(':').unwrap_or(repository);
    }
    let written = present([
        ("name", Some(text(outgoing.name))),
        ("newName", Some(text(repository))),
        ("newTag", tag.map(text)),
        ("digest", digest.map(text)),
    ]);
    Ok(with_kept(
        written,
        kept_of(&outgoing.image.config, PLATFORM).as_ref(),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::document::{Position, json, write_json};
    use super::*;
    use crate::domain::image::Image;

    fn read(text: &str) -> Vec<Entry> {
        let node = json::parse(text.as_bytes(), Position::START).expect("JSON");
        entries(Part {
            stem: "kustomization",
            node: &node,
        })
    }

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = read(text)
            .into_iter()
            .flat_map(|entry| match entry.image {
                Ok(incoming) => vec![incoming.image.config.url.unwrap_or_default()],
                Err(faults) => faults.iter().map(ToString::to_string).collect(),
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn entries_are_good_references_or_faults() {
        check(r#"{"kind":"Kustomization"}"#, &[]);
        check(r#"{"images":null}"#, &[]);
        check(
            r#"{"images":[{"name":"b"},{"name":"r.io/n","newTag":"1"},{"name":"N","newName":"c"}]}"#,
            &["b", "r.io/n:1", "c"],
        );
        check(
            r#"{"kind":"Pod","apiVersion":"v1"}"#,
            &[
                "1:9: kind: kind should be `Kustomization`, but is `Pod`",
                "1:28: apiVersion: apiVersion should be `kustomize.config.k8s.io/v1beta1`, but \
                 is `v1`",
            ],
        );
        check(
            r#"{"images":[{},{"name":"a","newName":"b:1","newTag":5,"digest":"sha256:00"},1]}"#,
            &[
                "1:12: images[0].name: name is required",
                "1:37: images[1].newName: newName should have no tag and no digest (they are \
                 newTag and digest), but is `b:1`",
                "1:52: images[1].newTag: newTag should be a string, but is a number",
                "1:63: images[1].digest: digest `sha256:00`: `sha256:` with 64 or `sha512:` with \
                 128 lower-case hexadecimal digits",
                "1:76: images[2]: an entry of images should be an object, but this is a number",
            ],
        );
        check(
            "5",
            &["1:1: an entry of images should be an object, but this is a number"],
        );
        check(
            r#"{"images":5}"#,
            &["1:11: images: images should be a list, but is a number"],
        );
    }

    #[test]
    fn a_repository_is_written_as_it_was() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let check = |url: &str, expected: &str| {
            let image = Image::default();
            let url = url.replace("DIGEST", &digest);
            let outgoing = Outgoing {
                image: &image,
                name: "n",
                url: Some(&url),
                url_for_gpu: None,
                pull_secret: None,
                base_pull_secret: None,
            };
            let mut text = Vec::new();
            write_json(&document(&outgoing).expect("an entry"), &mut text);
            let text = String::from_utf8(text).expect("UTF-8").replace('"', "");
            assert_eq!(text.replace(&digest, "DIGEST"), expected);
        };
        check("alpine", "{name:n,newName:alpine}");
        check("alpine:1.10", "{name:n,newName:alpine,newTag:1.10}");
        check("[::1]:5000/a", "{name:n,newName:[::1]:5000/a}");
        check(
            "R.io:80/a:1@DIGEST",
            "{name:n,newName:R.io:80/a,newTag:1,digest:DIGEST}",
        );
        check("a@DIGEST", "{name:n,newName:a,digest:DIGEST}");
    }
}
