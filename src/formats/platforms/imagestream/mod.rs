//! Open Data Hub's ImageStreams, of workbenches and of runtimes: each tag is an
//! image. What the file says of all tags (a display name, a description) is said of
//! each image, and everything else is kept in every one of them, so that any of them
//! brings the stream back.

mod header;
mod part;
mod runtime;
mod write;

pub use write::{stream, stream_name};

pub(super) use part::is_only_written;
pub(super) use write::document;

use header::{Header, Variety, beside_tags, header_of, left_of, strings_of};
use part::{part_of, typed};

use super::kept::{keep, present, text, without};
use super::{Entry, Incoming, Part, fields, finished, not_an_object};
use crate::domain::image::NewImage;
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::formats::decode::Decoder;
use crate::formats::document::{Fault, Node, Value};

const PLATFORM: Platform = Platform::Opendatahub;

const API_VERSION: &str = "image.openshift.io/v1";

/// The kind of object that a tag takes its image from.
const DOCKER_IMAGE: &str = "DockerImage";

/// Who made the image.
const CREATOR: &str = "opendatahub.io/notebook-image-creator";

/// What Elyra is told of a runtime, as JSON.
const METADATA: &str = "opendatahub.io/runtime-image-metadata";

/// Our own: the name of the image, where that of stream and tag is another.
const NAME: &str = "imgdex/name";

/// Returns the entries of a document: the tags of an ImageStream, or of several.
pub(super) fn entries(part: Part<'_>) -> Vec<Entry> {
    let node = part.node;
    let kind = node.get("kind").and_then(Node::as_text);
    let Some(kind @ ("List" | "ImageStreamList")) = kind else {
        return entries_of(node, true)
            .unwrap_or_else(|faults| vec![Entry::whole(String::new(), node, Err(faults))]);
    };
    let mut decoder = Decoder::default();
    let items = match node.get("items") {
        Some(items) => decoder.list("items", items),
        None => &[],
    };
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        // The items of a list of one kind need not say what they are.
        let is_typed = kind == "List";
        let entries = entries_of(item, is_typed).unwrap_or_else(|faults| {
            let part = match is_typed {
                true => item.clone(),
                false => typed(item.clone()),
            };
            let whole = Entry::whole(String::new(), item, Err(faults));
            let part = Some(part);
            vec![Entry { part, ..whole }]
        });
        let here = |fault: Fault| fault.under_index(index).under_key("items");
        found.extend(entries.into_iter().map(|mut entry| {
            let all_here = |faults: Vec<Fault>| faults.into_iter().map(here).collect();
            entry.image = entry.image.map_err(all_here);
            entry
        }));
    }
    if !decoder.faults.is_empty() {
        found.push(Entry::whole(String::new(), node, Err(decoder.faults)));
    }
    found
}

fn entries_of(node: &Node, is_typed: bool) -> Result<Vec<Entry>, Vec<Fault>> {
    let header = header_of(node, is_typed)?;
    let beside = beside_tags(node);
    let entry = |(index, node): (usize, &Node)| {
        let (name, image) = image_of(&header, index, node);
        Entry {
            part: Some(part_of(beside.as_ref(), node)),
            ..Entry::whole(name, node, image)
        }
    };
    Ok(header.tags.iter().enumerate().map(entry).collect())
}

/// Returns the name of the image that a tag is, where it has no other.
fn tag_image_name(stream: &str, tag: &str) -> Option<String> {
    PLATFORM.nearest_name(&format!("{stream}-{tag}"))
}

/// Returns how a fault calls an annotation: Kubernetes' own way, as its key has dots.
fn annotation(holder: &str, key: &str) -> String {
    format!("{holder}.annotations[{key}]")
}

/// Returns the name of the image that a tag is, and the image.
fn image_of(
    header: &Header<'_>,
    index: usize,
    node: &Node,
) -> (String, Result<Incoming, Vec<Fault>>) {
    let here = format!("spec.tags[{index}]");
    if node.as_map().is_none() {
        let here = |fault: Fault| Fault {
            field: here.clone(),
            ..fault
        };
        let faults = not_an_object(node, "a tag").into_iter().map(here).collect();
        return (String::new(), Err(faults));
    }
    let mut decoder = Decoder::default();
    let mut image = NewImage::default();
    let config = &mut image.config;
    let tag = required(&mut decoder, node, "name", &format!("{here}.name")).unwrap_or_default();
    config.url = reference_of(&mut decoder, node, &here);
    config.kind = Some(header.variety.kind().to_owned());
    config.description.clone_from(&header.description);
    config.author.clone_from(&header.creator);
    let annotations = node.get("annotations");
    let field = format!("{here}.annotations");
    let mut metadata = runtime::Metadata::default();
    let mut own_name = None;
    for entry in strings_of(&mut decoder, &field, annotations) {
        match entry.key.as_str() {
            METADATA if header.variety == Variety::Runtime => {
                let field = annotation(&here, METADATA);
                metadata = runtime::read(&mut decoder, &field, &entry.node);
            }
            NAME => own_name = entry.node.as_text().map(str::to_owned),
            _ => {}
        }
    }
    config.name = own_name
        .filter(|name| PLATFORM.check_name(name).is_ok())
        .or_else(|| tag_image_name(&header.name, &tag))
        .unwrap_or_default();
    let has_own_display_name = metadata.display_name.is_some();
    let display_name = metadata
        .display_name
        .or_else(|| header.display_name.clone());
    let is_said_by_stream = display_name == header.display_name;
    config.display_name = display_name.unwrap_or_default();
    config.tags = metadata.tags;
    config.pull_policy = metadata.pull_policy;
    config.pull_secret = metadata.pull_secret;
    let left = left_of(header, has_own_display_name && !is_said_by_stream);
    let known: [&[&str]; 4] = [
        &["name"],
        &["from", "kind"],
        &["from", "name"],
        &["annotations", NAME],
    ];
    let kept = present([
        ("imageStream", Some(text(&header.name))),
        ("tag", Some(text(&tag))),
        ("order", Some(Node::new(Value::Number(index.to_string())))),
        ("stream", left),
        ("fields", without(node, &known)),
    ]);
    keep(config, PLATFORM, Some(kept));
    let name = config.name.clone();
    let place = |field: &str| place(header.variety, &here, field);
    let image = finished(PLATFORM, image, decoder.faults, header.document, place);
    let fields = fields_of(header);
    (name, image.map(|image| Incoming { image, fields }))
}

fn fields_of(header: &Header<'_>) -> Vec<fields::Field> {
    let mut said = fields::held(PLATFORM).to_vec();
    if header.variety == Variety::Runtime {
        said.extend(fields::RUNTIME_ONLY);
    }
    if header.creator.is_some() {
        said.push(fields::Field::Author);
    }
    said
}

/// Returns the text at `key` that must be there and not be empty.
fn required(decoder: &mut Decoder, node: &Node, key: &str, field: &str) -> Option<String> {
    let found = node.get(key).filter(|found| !found.is_null());
    let Some(found) = found else {
        decoder.push(node.fault(field, format!("{key} is required")));
        return None;
    };
    let text = decoder.text(field, found)?;
    if text.is_empty() {
        decoder.push(found.fault(field, format!("{key} should not be empty")));
        return None;
    }
    Some(text)
}

/// Returns what a tag points to. One may also follow another tag or an image that
/// the cluster has already; what that is, only the cluster knows.
fn reference_of(decoder: &mut Decoder, tag: &Node, here: &str) -> Option<String> {
    let field = format!("{here}.from");
    let from = tag.get("from").filter(|from| !from.is_null());
    let Some(from) = from else {
        let rule = "from is required: the image is known to the cluster only";
        decoder.push(tag.fault(field, rule));
        return None;
    };
    if from.as_map().is_none() {
        decoder.mistyped(&field, from, "an object");
        return None;
    }
    let kind = required(decoder, from, "kind", &format!("{field}.kind"))?;
    if kind != DOCKER_IMAGE {
        let rule = format!(
            "kind should be `{DOCKER_IMAGE}`, but is `{}`, which only the cluster can resolve",
            shorten(&kind)
        );
        let at = from.get("kind").unwrap_or(from);
        decoder.push(at.fault(format!("{field}.kind"), rule));
        return None;
    }
    required(decoder, from, "name", &format!("{field}.name"))
}

/// Returns where the file has a field of the catalog, for a tag that is `here`.
fn place(variety: Variety, here: &str, field: &str) -> String {
    match field {
        "name" => format!("{here}.name"),
        "url" => format!("{here}.from.name"),
        "displayName" => annotation("metadata", variety.display_name()),
        "description" => annotation("metadata", variety.description()),
        "author" => annotation("metadata", CREATOR),
        "kind" => "metadata.labels".to_owned(),
        field => match field.starts_with("tags") || field.starts_with("pull") {
            true => annotation(here, METADATA),
            false => field.to_owned(),
        },
    }
}

/// Returns the name of the ImageStream that a part is of; nothing where all of it is
/// not valid, so that its tags may stand in no other.
#[must_use]
pub fn part_name(part: &Node) -> Option<&str> {
    header_of(part, true).ok()?;
    part.find("metadata.name")?.as_text()
}

/// Adds the tags of a part to the ImageStream of its name, behind those that are there.
pub fn add_part(stream: &mut Node, part: &Node) {
    let tags = part.find("spec.tags").and_then(Node::as_list);
    let own = field_of(stream, "spec").and_then(|spec| field_of(spec, "tags"));
    if let (Some(tags), Some(Value::List(own))) = (tags, own.map(|own| &mut own.value)) {
        own.extend(tags.iter().cloned());
    }
}

fn field_of<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Value::Map(entries) = &mut node.value else {
        return None;
    };
    let entry = entries.iter_mut().find(|entry| entry.key == key)?;
    Some(&mut entry.node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::image::{Image, PullPolicy};
    use crate::formats::document::{YamlItems, write_yaml};
    use crate::formats::platforms::Outgoing;
    use crate::formats::platforms::kept::is_same;

    const WORKBENCH: &str = r#"apiVersion: image.openshift.io/v1
kind: ImageStream
metadata:
  labels:
    opendatahub.io/notebook-image: "true"
    team: data
  annotations:
    opendatahub.io/notebook-image-name: Statistics
    opendatahub.io/notebook-image-desc: R and friends
    opendatahub.io/notebook-image-order: "4"
  name: r-notebook
spec:
  lookupPolicy:
    local: true
  tags:
    - annotations:
        opendatahub.io/notebook-software: |
          [
            {"name": "R", "version": "4.5"}
          ]
        opendatahub.io/notebook-build-commit: 964526f
      from:
        kind: DockerImage
        name: quay.io/team/r:2026.1
      name: "2026.1"
      referencePolicy:
        type: Source
    - from:
        kind: DockerImage
        name: quay.io/team/r@sha256:a53a90ede0a3322ccae883b5ba075bd27680068c9612e7a83c7a4b31a3db0f16
      name: Old_One
"#;

    const RUNTIME: &str = r#"apiVersion: image.openshift.io/v1
kind: ImageStream
metadata:
  labels:
    opendatahub.io/runtime-image: "true"
  annotations:
    opendatahub.io/runtime-image-name: All runtimes
    opendatahub.io/runtime-image-desc: For pipelines
    opendatahub.io/notebook-image-creator: ann
  name: runtimes
spec:
  tags:
    - annotations:
        opendatahub.io/runtime-image-metadata: |
          [
              {"display_name": "Spark", "color": "red",
               "metadata": {"tags": ["spark"], "display_name": "Spark", "pull_policy": "Always",
                            "pull_secret": "team", "gpu": 1}, "schema_name": "runtime-image"}
          ]
      from: {kind: DockerImage, name: "quay.io/team/spark:1"}
      name: spark
"#;

    fn parse(yaml: &str) -> Node {
        let mut items = YamlItems::new(yaml.as_bytes());
        items.next().expect("an item").expect("YAML")
    }

    fn read_node(node: &Node) -> Vec<Entry> {
        entries(Part { stem: "x", node })
    }

    fn read(yaml: &str) -> Vec<Entry> {
        read_node(&parse(yaml))
    }

    fn images(yaml: &str) -> Vec<Image> {
        let image = |entry: Entry| Image {
            config: entry.image.expect("no faults").image.config,
            ..Image::default()
        };
        read(yaml).into_iter().map(image).collect()
    }

    fn outgoing(image: &Image) -> Outgoing<'_> {
        Outgoing {
            image,
            name: &image.config.name,
            url: image.config.url.as_deref(),
            url_for_gpu: None,
            pull_secret: image.config.pull_secret.as_deref(),
            base_pull_secret: None,
        }
    }

    fn written(images: &[Image]) -> write::Stream {
        let outgoing: Vec<Outgoing<'_>> = images.iter().map(outgoing).collect();
        stream(&outgoing)
    }

    fn as_yaml(node: &Node) -> String {
        let mut out = Vec::new();
        write_yaml(node, 0, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    /// What is written says what the catalog says already.
    fn check_unchanged(images: &[Image]) {
        let stream = written(images);
        assert_eq!(stream.left_out, []);
        let found = read(&as_yaml(&stream.node));
        assert_eq!(found.len(), images.len());
        for (entry, image) in found.into_iter().zip(images) {
            let incoming = entry.image.expect("no faults");
            let after = fields::overlaid(PLATFORM, image, &incoming);
            assert_eq!(after.config, image.config);
        }
    }

    fn image(name: &str, url: &str) -> Image {
        let mut image = Image::default();
        image.config.name = name.to_owned();
        image.config.display_name = name.to_owned();
        image.config.url = Some(url.to_owned());
        image
    }

    #[test]
    fn every_tag_of_a_workbench_is_an_image() {
        let found = images(WORKBENCH);
        assert_eq!(found.len(), 2);
        let config = &found[0].config;
        assert_eq!(config.name, "r-notebook-2026.1");
        assert_eq!(config.display_name, "Statistics");
        assert_eq!(config.description.as_deref(), Some("R and friends"));
        assert_eq!(config.kind.as_deref(), Some("notebook"));
        assert_eq!(config.url.as_deref(), Some("quay.io/team/r:2026.1"));
        let kept = r#"{"imageStream":"r-notebook","tag":"2026.1","order":0,"stream":{"metadata":{"labels":{"team":"data"},"annotations":{"opendatahub.io/notebook-image-order":"4"}},"spec":{"lookupPolicy":{"local":true}}},"fields":{"annotations":{"opendatahub.io/notebook-software":"[\n  {\"name\": \"R\", \"version\": \"4.5\"}\n]\n","opendatahub.io/notebook-build-commit":"964526f"},"referencePolicy":{"type":"Source"}}}"#;
        assert_eq!(config.extra, [("opendatahub".to_owned(), kept.to_owned())]);
        assert_eq!(found[1].config.name, "r-notebook-old-one");
        assert_eq!(stream_name(&found[1]), "r-notebook");
        check_unchanged(&found);
    }

    #[test]
    fn a_stream_comes_back_as_it_was() {
        let yaml = as_yaml(&written(&images(WORKBENCH)).node);
        let expected = WORKBENCH
            .replace("    team: data\n", "")
            .replace("\"true\"\n", "\"true\"\n    team: data\n")
            // So that no reader can take it for a number, or for anything else.
            .replace("964526f", "\"964526f\"")
            .replace("quay.io/team/r@sha256", "\"quay.io/team/r@sha256")
            .replace("0f16", "0f16\"");
        assert_eq!(yaml, expected);
    }

    #[test]
    fn a_runtime_has_what_elyra_is_told_of_it() {
        let found = images(RUNTIME);
        let config = &found[0].config;
        assert_eq!(config.name, "runtimes-spark");
        assert_eq!(config.display_name, "Spark");
        assert_eq!(config.kind.as_deref(), Some("runtime"));
        assert_eq!(config.tags, ["spark"]);
        assert_eq!(config.pull_policy, Some(PullPolicy::Always));
        assert_eq!(config.pull_secret.as_deref(), Some("team"));
        assert_eq!(config.author.as_deref(), Some("ann"));
        assert_eq!(fields::lost(PLATFORM, &found[0]), Vec::<String>::new());
        check_unchanged(&found);
        let yaml = as_yaml(&written(&found).node);
        let block = "runtime-image-metadata: |\n          [\n              {\"display_name\"";
        assert!(yaml.contains(block), "{yaml}");
        assert!(
            yaml.contains("runtime-image-name: All runtimes\n"),
            "{yaml}"
        );
    }

    #[test]
    fn the_metadata_of_a_runtime_is_written_anew_once_the_image_is_another() {
        let mut found = images(RUNTIME);
        let config = &mut found[0].config;
        config.display_name = "Spark 4".to_owned();
        config.tags.push("big".to_owned());
        config.pull_secret = None;
        let stream = written(&found).node;
        let annotations = stream
            .find("spec.tags[0].annotations")
            .expect("annotations");
        let expected = r#"[
  {
    "display_name": "Spark 4",
    "metadata": {
      "tags": [
        "spark",
        "big"
      ],
      "display_name": "Spark 4",
      "pull_policy": "Always",
      "gpu": 1
    },
    "schema_name": "runtime-image",
    "color": "red"
  }
]
"#;
        assert_eq!(
            annotations.get(METADATA).and_then(Node::as_text),
            Some(expected)
        );
        let found = read(&as_yaml(&stream)).remove(0).image.expect("no faults");
        assert_eq!(found.image.config.display_name, "Spark 4");
        assert_eq!(found.image.config.tags, ["spark", "big"]);
        assert_eq!(found.image.config.pull_secret, None);
    }

    #[test]
    fn the_author_is_written_where_the_file_had_one_or_there_was_no_file() {
        let creator = |stream: &write::Stream| {
            let annotations = stream.node.find("metadata.annotations")?;
            Some(annotations.get(CREATOR)?.as_text()?.to_owned())
        };
        let mut found = images(RUNTIME);
        found[0].config.author = Some("bob".to_owned());
        assert_eq!(creator(&written(&found)).as_deref(), Some("bob"));
        found[0].config.author = None;
        assert_eq!(creator(&written(&found)), None);
        let mut found = images(WORKBENCH);
        found[0].config.author = Some("bob".to_owned());
        assert_eq!(creator(&written(&found)), None);
        let mut made = image("a", "quay.io/a:1");
        made.config.author = Some("bob".to_owned());
        assert_eq!(creator(&written(&[made])).as_deref(), Some("bob"));
    }

    #[test]
    fn an_image_that_came_from_no_file_is_a_stream_of_its_own() {
        let mut made = image("my-image", "quay.io/team/a:1");
        made.config.description = Some("Two\nlines".to_owned());
        let yaml = as_yaml(&written(&[made.clone()]).node);
        let expected = r#"apiVersion: "image.openshift.io/v1"
kind: ImageStream
metadata:
  labels:
    opendatahub.io/notebook-image: "true"
  annotations:
    opendatahub.io/notebook-image-desc: |-
      Two
      lines
  name: my-image
spec:
  lookupPolicy:
    local: true
  tags:
    - annotations:
        imgdex/name: my-image
      from:
        kind: DockerImage
        name: quay.io/team/a:1
      name: "1"
      referencePolicy:
        type: Source
"#;
        assert_eq!(
            yaml,
            expected.replace("\"image.openshift.io/v1\"", "image.openshift.io/v1")
        );
        let found = images(&yaml);
        assert_eq!(found[0].config.name, "my-image");
        assert_eq!(found[0].config.display_name, "my-image");
        assert_eq!(found[0].config.description, made.config.description);
        check_unchanged(&found);
        made.config.kind = Some("runtime".to_owned());
        made.config.display_name = "My image".to_owned();
        made.config.url = Some(format!("a@sha256:{}", "0".repeat(64)));
        made.config.pinned_tag = Some("7".to_owned());
        let stream = written(&[made.clone()]).node;
        assert_eq!(
            stream.find("spec.tags[0].name").and_then(Node::as_text),
            Some("7")
        );
        let found = images(&as_yaml(&stream));
        assert_eq!(found[0].config.display_name, "My image");
        check_unchanged(&found);
    }

    #[test]
    fn what_a_stream_cannot_hold_is_told() {
        let mut found = images(WORKBENCH);
        found[1].config.display_name = "Other".to_owned();
        found[1].config.kind = Some("runtime".to_owned());
        found[1].config.tags.push("x".to_owned());
        let mut same_tag = found[0].clone();
        same_tag.config.name = "same".to_owned();
        let mut no_url = found[0].clone();
        no_url.config.url = None;
        found.insert(0, no_url);
        found.push(same_tag);
        let stream = written(&found);
        let reasons: Vec<(usize, &str)> = (stream.left_out.iter())
            .map(|(index, reason)| (*index, reason.as_str()))
            .collect();
        assert_eq!(
            reasons,
            [
                (
                    0,
                    "it has no `url`, and a tag of an ImageStream needs an image"
                ),
                (
                    3,
                    "the tag `2026.1` of the ImageStream is that of image `r-notebook-2026.1`"
                ),
            ]
        );
        let lost: Vec<(usize, &str)> = (stream.lost.iter())
            .map(|(index, field)| (*index, field.as_str()))
            .collect();
        assert_eq!(lost, [(2, "displayName"), (2, "kind"), (2, "tags")]);
        assert!(document(&outgoing(&found[0])).is_err());
        assert!(written(&found[..1]).node.is_null());
    }

    #[test]
    fn what_is_kept_names_no_file_outside_of_the_folder() {
        let mut made = image("a", "quay.io/a:1");
        for kept in [
            r#"{"imageStream":"../../x"}"#,
            r#"{"imageStream":5}"#,
            "7",
            "[]",
        ] {
            made.config.extra = vec![("opendatahub".to_owned(), kept.to_owned())];
            assert_eq!(stream_name(&made), "a");
            let stream = written(std::slice::from_ref(&made));
            assert_eq!(
                stream.node.find("metadata.name").and_then(Node::as_text),
                Some("a")
            );
        }
    }

    #[test]
    fn a_list_holds_several_streams() {
        let items: String = [WORKBENCH, RUNTIME]
            .iter()
            .map(|yaml| format!("- {}\n", yaml.trim_end().replace('\n', "\n  ")))
            .collect();
        let yaml = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
        assert_eq!(images(&yaml).len(), 3);
        let bad = yaml.replace("name: r-notebook", "name: ../../x");
        let found = read(&bad);
        assert_eq!(found.len(), 2);
        let faults = found[0].image.as_ref().expect_err("a bad name");
        assert_eq!(faults[0].field, "items[0].metadata.name");
        let untyped = yaml.replace("kind: List", "kind: ImageStreamList").replace(
            "- apiVersion: image.openshift.io/v1\n  kind: ImageStream\n  m",
            "- m",
        );
        assert_eq!(images(&untyped).len(), 3);
        check_faults(
            "kind: List\nitems: 5\n",
            &["2:8: items: items should be a list, but is a number"],
        );
    }

    #[test]
    fn a_part_is_the_stream_of_one_tag_and_can_be_put_back() {
        let bad = WORKBENCH.replace("name: Old_One", "name: []");
        let found = read(&bad);
        let part = found[1].part.as_ref().expect("a part");
        assert_eq!(part_name(part), Some("r-notebook"));
        let beside = |node: &Node| as_yaml(&beside_tags(node).expect("more than tags"));
        assert_eq!(beside(part), beside(&parse(&bad)));
        let again = read(&as_yaml(part));
        assert_eq!(again.len(), 1);
        let faults = again[0].image.as_ref().expect_err("a bad tag");
        assert_eq!(faults[0].field, "spec.tags[0].name");
        let good = found[0].image.as_ref().expect("no faults");
        let good = Image {
            config: good.image.config.clone(),
            ..Image::default()
        };
        let mut stream = written(&[good]).node;
        add_part(&mut stream, part);
        assert!(is_same(&stream, &parse(&bad)), "{}", as_yaml(&stream));
    }

    #[test]
    fn what_cannot_stand_in_a_stream_is_not_put_into_one() {
        let whole = parse(WORKBENCH);
        for (old, new) in [
            ("kind: ImageStream", "kind: Image"),
            ("name: r-notebook", "name: ../../x"),
            ("\"true\"", "\"false\""),
            ("team: data", "team: 5"),
        ] {
            assert_eq!(part_name(&parse(&WORKBENCH.replace(old, new))), None);
        }
        for part in [
            "{}",
            "{spec: {tags: 5}}",
            "{spec: []}",
            "{spec: {tags: {}}}",
        ] {
            assert_eq!(part_name(&parse(part)), None);
            for mut stream in [whole.clone(), parse(part), Node::new(Value::Null)] {
                let before = stream.clone();
                add_part(&mut stream, &parse(part));
                assert_eq!(stream, before);
            }
        }
    }

    #[test]
    fn a_part_of_a_list_of_one_kind_says_what_it_is() {
        let item = WORKBENCH.replace("apiVersion: image.openshift.io/v1\nkind: ImageStream\n", "");
        let item = item.trim_end().replace('\n', "\n  ");
        let found = read(&format!(
            "kind: ImageStreamList\nitems:\n- {item}\n- {{}}\n"
        ));
        assert_eq!(found.len(), 3);
        let part = |index: usize| found[index].part.as_ref().expect("a part");
        assert_eq!(
            images(&as_yaml(part(1)))[0].config.name,
            "r-notebook-old-one"
        );
        let kind = part(2).get("kind").and_then(Node::as_text);
        assert_eq!(kind, Some("ImageStream"));
    }

    #[test]
    fn an_image_that_came_from_no_file_is_no_other_after_its_own_export() {
        let mut made = image("my-image", "quay.io/team/a:1");
        made.config.formats = vec!["opendatahub".to_owned()];
        let overlaid = |made: &Image, yaml: &str| {
            let incoming = read(yaml).remove(0).image.expect("no faults");
            fields::overlaid(PLATFORM, made, &incoming).config
        };
        for kind in [None, Some("kernel"), Some("notebook"), Some("runtime")] {
            made.config.kind = kind.map(str::to_owned);
            if kind == Some("runtime") {
                made.config.tags = vec!["x".to_owned()];
                made.config.pull_secret = Some("team".to_owned());
            }
            let yaml = as_yaml(&written(&[made.clone()]).node);
            assert_eq!(overlaid(&made, &yaml), made.config);
            let changed = yaml.replace("Source", "Local");
            let kept = &overlaid(&made, &changed).extra[0].1;
            assert!(kept.contains("Local"), "{kept}");
        }
        let mut workbench = made.clone();
        workbench.config.kind = None;
        let yaml = as_yaml(&written(&[made]).node);
        let kind = overlaid(&workbench, &yaml).kind;
        assert_eq!(kind.as_deref(), Some("runtime"));
    }

    fn check_faults(yaml: &str, expected: &[&str]) {
        let faults: Vec<String> = read(yaml)
            .into_iter()
            .flat_map(|entry| entry.image.err().unwrap_or_default())
            .map(|fault| fault.to_string())
            .collect();
        assert_eq!(faults, expected, "{yaml}");
    }

    #[test]
    fn faults_say_where_and_what() {
        let check = |old: &str, new: &str, expected: &[&str]| {
            check_faults(&WORKBENCH.replace(old, new), expected);
            assert!(WORKBENCH.contains(old));
        };
        check(
            "name: r-notebook",
            "name: ../../x",
            &[
                "11:9: metadata.name: [name] should be lower case alphanumeric characters, '-' or \
               '.', and must start and end with an alphanumeric character, but is `../../x`",
            ],
        );
        check(
            "opendatahub.io/notebook-image: \"true\"",
            "opendatahub.io/notebook-image: \"false\"",
            &[
                "5:5: metadata.labels: one of the labels `opendatahub.io/notebook-image` and \
               `opendatahub.io/runtime-image` should be \"true\"",
            ],
        );
        check(
            "kind: ImageStream",
            "kind: Deployment",
            &["2:7: kind: kind should be `ImageStream`, but is `Deployment`"],
        );
        check(
            "kind: DockerImage\n        name: quay.io/team/r:2026.1",
            "kind: ImageStreamTag\n        name: r:latest",
            &[
                "23:15: spec.tags[0].from.kind: kind should be `DockerImage`, but is \
               `ImageStreamTag`, which only the cluster can resolve",
            ],
        );
        check(
            "      name: \"2026.1\"\n",
            "",
            &["16:7: spec.tags[0].name: name is required"],
        );
        check(
            "quay.io/team/r:2026.1",
            "NO",
            &[
                "24:15: spec.tags[0].from.name: `NO` is not an image reference: \
               repository path `NO`: only lower-case ASCII letters and digits between slashes, \
               joined by `.`, `_`, `__` or any number of `-` (write it in lower case: `no`)",
            ],
        );
        check(
            "name: Statistics",
            "name: [1]",
            &[
                "8:41: metadata.annotations[opendatahub.io/notebook-image-name]: \
               opendatahub.io/notebook-image-name should be a string, but is a list",
            ],
        );
        check(
            "team: data",
            "team: true",
            &[
                "6:11: metadata.labels[team]: team should be a string, but is true or false, \
                 which Kubernetes refuses: quote it",
            ],
        );
        check(
            "opendatahub.io/notebook-image: \"true\"",
            "opendatahub.io/notebook-image: true",
            &["5:36: metadata.labels[opendatahub.io/notebook-image]: \
                 opendatahub.io/notebook-image should be a string, but is true or false, which \
                 Kubernetes refuses: quote it"],
        );
        check(
            "notebook-build-commit: 964526f",
            "notebook-build-commit: 9645260",
            &[
                "21:47: spec.tags[0].annotations[opendatahub.io/notebook-build-commit]: \
                 opendatahub.io/notebook-build-commit should be a string, but is a number, which \
                 Kubernetes refuses: quote it",
            ],
        );
        let field = "17:48: spec.tags[0].annotations[opendatahub.io/runtime-image-metadata]";
        let field = field.replace("17:48", "15:11");
        let bad = RUNTIME.replace("\"color\"", "color");
        let rule = "it should be a list of runtime images in JSON, but at 2:31 of it:";
        let found = read(&bad).remove(0).image.expect_err("bad JSON");
        assert!(
            found[0]
                .to_string()
                .starts_with(&format!("{field}: {rule}")),
            "{}",
            found[0]
        );
        check_faults(
            &RUNTIME.replace("\"Always\"", "\"Often\""),
            &[&format!(
                "{field}[0].metadata.pull_policy: pull_policy should be one of ['Always', \
                 'IfNotPresent', 'Never'], but is `Often`"
            )],
        );
    }

    #[test]
    fn nothing_panics_on_values_of_the_wrong_type() {
        let lines: Vec<&str> = RUNTIME.lines().collect();
        for value in [
            "null",
            "5",
            "true",
            "''",
            "[]",
            "[[1]]",
            "{}",
            "{name: 1}",
            "\"\\0\"",
            "'[5]'",
        ] {
            for (index, line) in lines.iter().enumerate() {
                let Some((key, _)) = line.split_once(": ").or(line.split_once(':')) else {
                    continue;
                };
                let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
                let below = lines[index + 1..]
                    .iter()
                    .take_while(|next| depth(next) > depth(line))
                    .count();
                let mut changed = lines.clone();
                let replaced = format!("{key}: {value}");
                changed.splice(index..=index + below, [replaced.as_str()]);
                let yaml = changed.join("\n") + "\n";
                let Some(Ok(node)) = YamlItems::new(yaml.as_bytes()).next() else {
                    continue;
                };
                for entry in read_node(&node) {
                    if let Ok(incoming) = entry.image {
                        let image = Image {
                            config: incoming.image.config,
                            ..Image::default()
                        };
                        assert_eq!(written(&[image]).left_out, []);
                    }
                }
            }
        }
    }
}
