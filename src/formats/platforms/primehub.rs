//! PrimeHub's images: the JSON that its command line takes, and the resource
//! `primehub.io/v1alpha1` `Image`, by itself or in a list.

mod job;
mod names;

use super::super::decode::Decoder;
use super::super::document::{Entry as Pair, Fault, Node, Value};
use super::super::image::{covers, image_of, spec_of};
use super::super::locate;
use super::fields::{self, Field};
use super::kept::{entry, keep, kept_of, parsed, present, text, unknown, with_kept, words};
use super::{Entry, Incoming, Outgoing, Part, finished, not_an_object};
use crate::domain::group::{GroupRef, GroupsInput};
use crate::domain::image::{ImageType, NewImage};
use crate::domain::image_rules::FieldFault;
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::domain::spec::ImageSpec;
pub(super) use job::{cannot_say, has_room_for_job, has_room_for_spec};
use job::{condition_of, status_of};
pub(super) use names::rename;
use names::with_near;

const PLATFORM: Platform = Platform::Primehub;
const API_VERSION: &str = "primehub.io/v1alpha1";
const KIND: &str = "Image";

/// What lists of resources are called, with their `apiVersion`: PrimeHub's own, and
/// the one that `kubectl get -o yaml` prints.
const LISTS: [(&str, &str); 2] = [("ImageList", API_VERSION), ("List", "v1")];

/// The fields that the catalog knows. What else a spec and a job hold is theirs.
const KNOWN: [&str; 12] = [
    "apiVersion",
    "kind",
    "metadata.name",
    "spec.displayName",
    "spec.description",
    "spec.type",
    "spec.url",
    "spec.urlForGpu",
    "spec.pullSecret",
    "spec.groupName",
    "spec.imageSpec",
    "status.jobCondition",
];

/// The keys of the JSON, and what they say.
const KEYS: [(&str, Field); 21] = [
    ("displayName", Field::DisplayName),
    ("description", Field::Description),
    ("type", Field::Type),
    ("url", Field::Url),
    ("urlForGpu", Field::UrlForGpu),
    ("useImagePullSecret", Field::PullSecret),
    ("pullSecret", Field::PullSecret),
    ("global", Field::Global),
    ("groups", Field::Groups),
    ("imageSpec", Field::Spec),
    ("jobStatus", Field::Job),
    ("pullPolicy", Field::PullPolicy),
    ("tags", Field::Tags),
    ("labels", Field::Labels),
    ("kind", Field::Kind),
    ("command", Field::Command),
    ("picture", Field::Picture),
    ("author", Field::Author),
    ("archived", Field::Archived),
    ("isReady", Field::Ready),
    ("digest", Field::Digest),
];

/// Returns the entries of a document.
pub(super) fn entries(part: Part<'_>) -> Vec<Entry> {
    let node = part.node;
    let kind = node.get("kind").and_then(Node::as_text);
    if let Some((kind, version)) = LISTS.into_iter().find(|(list, _)| kind == Some(*list)) {
        return entries_of_list(node, kind, version);
    }
    if node.get("apiVersion").is_some() || kind == Some(KIND) {
        let image = resource(node, Known::Nothing);
        return vec![Entry::whole(resource_name(node), node, image)];
    }
    let name = node.get("name").or_else(|| node.get("id"));
    let name = name.and_then(Node::as_text).unwrap_or_default();
    vec![Entry::whole(name.to_owned(), node, json(node))]
}

fn entries_of_list(node: &Node, kind: &str, version: &str) -> Vec<Entry> {
    let mut decoder = Decoder::default();
    // Some tools write PrimeHub's `apiVersion` on Kubernetes' own list, too.
    let given = node.get("apiVersion").and_then(Node::as_text);
    if given != Some(API_VERSION) {
        expect(&mut decoder, node, "apiVersion", version);
    }
    let items = match node.get("items") {
        Some(items) => decoder.list("items", items),
        None => {
            decoder.push(node.fault("items", "items is required"));
            &[]
        }
    };
    if !decoder.faults.is_empty() {
        return vec![Entry::whole(String::new(), node, Err(decoder.faults))];
    }
    // The items of a list of one kind need not repeat it.
    let known = match kind {
        "ImageList" => Known::Kind,
        _ => Known::Nothing,
    };
    let item = |item| Entry::part(resource_name(item), item, resource(item, known));
    items.iter().map(item).collect()
}

/// Returns the image of a JSON object as `images create` takes it. Only the fields
/// that it has are said, so that it changes an image like a merge patch.
fn json(node: &Node) -> Result<Incoming, Vec<Fault>> {
    let mut image = image_of(node, &[PLATFORM.name()]).map_err(|faults| with_near(node, faults))?;
    let formats = &mut image.config.formats;
    if formats.iter().all(|format| format != PLATFORM.name()) {
        formats.push(PLATFORM.name().to_owned());
    }
    let mut said: Vec<Field> = Vec::new();
    for (key, field) in KEYS {
        if node.get(key).is_some() && !said.contains(&field) {
            said.push(field);
        }
    }
    Ok(Incoming {
        image,
        fields: said,
    })
}

fn resource_name(node: &Node) -> String {
    let name = node.find("metadata.name").and_then(Node::as_text);
    name.unwrap_or_default().to_owned()
}

/// What is known of a resource before it is read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Known {
    Nothing,
    /// It is in a list of its kind.
    Kind,
}

fn resource(node: &Node, known: Known) -> Result<Incoming, Vec<Fault>> {
    if node.as_map().is_none() {
        return Err(not_an_object(node, "an image"));
    }
    let mut decoder = Decoder::default();
    for (field, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if known == Known::Nothing || node.get(field).is_some() {
            expect(&mut decoder, node, field, wanted);
        }
    }
    if !decoder.faults.is_empty() {
        decoder.faults.sort_by_key(|fault| fault.at);
        // It is something else, and nothing can be said of its fields.
        return Err(decoder.faults);
    }
    let mut image = NewImage::default();
    let mut group = None;
    for entry in object(&mut decoder, node, "metadata") {
        if entry.key == "name" {
            let name = decoder.text("metadata.name", &entry.node);
            image.config.name = name.unwrap_or_default();
        }
    }
    for entry in object(&mut decoder, node, "spec") {
        let config = &mut image.config;
        let (field, node) = (format!("spec.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "displayName" => config.display_name = decoder.text(&field, node).unwrap_or_default(),
            "description" => config.description = decoder.text(&field, node),
            "type" => {
                config.image_type = decoder
                    .choice(&field, node, &ImageType::NAMES, ImageType::from_name)
                    .unwrap_or_default();
            }
            "url" => config.url = filled(&mut decoder, &field, node),
            "urlForGpu" => config.url_for_gpu = filled(&mut decoder, &field, node),
            "pullSecret" => config.pull_secret = filled(&mut decoder, &field, node),
            "groupName" => group = filled(&mut decoder, &field, node),
            "imageSpec" => {
                config.spec = spec_of(&mut decoder, &field, node);
                if let Some(spec) = &mut config.spec {
                    spec.pull_secret.take_if(|secret| secret.is_empty());
                }
            }
            _ => {}
        }
    }
    let built = status_of(&mut decoder, node, &mut image.config);
    let mut said = fields::held(PLATFORM).to_vec();
    if group.is_none() {
        said.retain(|field| *field != Field::Groups);
    }
    image.groups = GroupsInput::Change {
        connect: group.map(GroupRef::Known).into_iter().collect(),
        disconnect: Vec::new(),
    };
    let url_is_built = image.config.url.is_none() && built.is_some();
    if url_is_built {
        image.config.url = built;
    }
    keep(&mut image.config, PLATFORM, unknown(node, &KNOWN));
    let own = decoder.faults.clone();
    let place = |field: &str| place(field, url_is_built);
    let image = finished(PLATFORM, image, decoder.faults, node, place)
        .map_err(|faults| without_echoes(faults, &own, node))?;
    Ok(Incoming {
        image,
        fields: said,
    })
}

/// Notes that a field is not what it has to be.
fn expect(decoder: &mut Decoder, node: &Node, field: &str, wanted: &str) {
    let found = node.get(field).filter(|found| !found.is_null());
    let Some(found) = found else {
        let rule = format!("{field} is required: `{wanted}`");
        return decoder.push(node.get(field).unwrap_or(node).fault(field, rule));
    };
    if let Some(text) = decoder.text(field, found)
        && text != wanted
    {
        let rule = format!("{field} should be `{wanted}`, but is `{}`", shorten(&text));
        decoder.push(found.fault(field, rule));
    }
}

/// Returns the entries of an object below the whole; none where it is not there.
fn object<'a>(decoder: &mut Decoder, node: &'a Node, field: &str) -> &'a [Pair] {
    match node.get(field) {
        Some(node) => decoder.object(field, node),
        None => &[],
    }
}

/// Returns a string; an empty one is unset, as programs in Go write it.
fn filled(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    decoder.text(field, node).filter(|text| !text.is_empty())
}

/// Returns where a resource has a field of the catalog.
fn place(field: &str, url_is_built: bool) -> String {
    match field {
        "name" => "metadata.name".to_owned(),
        "url" if url_is_built => "status.jobCondition.image".to_owned(),
        "displayName" | "description" | "type" | "url" | "urlForGpu" | "pullSecret" => {
            format!("spec.{field}")
        }
        other if other.starts_with("imageSpec") => format!("spec.{other}"),
        other => other.to_owned(),
    }
}

/// Returns the faults without those that follow from others, each at its place.
fn without_echoes(faults: Vec<Fault>, own: &[Fault], node: &Node) -> Vec<Fault> {
    let echoes = |fault: &Fault| own.iter().any(|own| covers(&own.field, &fault.field));
    let mut faults: Vec<Fault> = faults
        .into_iter()
        .filter(|fault| own.contains(fault) || !echoes(fault))
        .map(|fault| {
            if own.contains(&fault) {
                return fault;
            }
            locate(FieldFault::new(fault.field, fault.message), node)
        })
        .collect();
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// Returns the resource of an image.
///
/// # Errors
/// Never so far: a resource needs no reference.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let config = &outgoing.image.config;
    let group = match outgoing.image.groups.as_slice() {
        [group] if !config.global => Some(text(&group.name)),
        _ => None,
    };
    let spec = present([
        ("displayName", Some(text(&config.display_name))),
        ("description", config.description.as_ref().map(text)),
        ("type", Some(text(config.image_type.name()))),
        ("url", outgoing.url.map(text)),
        ("urlForGpu", outgoing.url_for_gpu.map(text)),
        ("pullSecret", outgoing.pull_secret.map(text)),
        ("groupName", group),
        (
            "imageSpec",
            (config.spec.as_ref())
                .filter(|_| has_room_for_spec(config))
                .map(|spec| image_spec(spec, outgoing.base_pull_secret)),
        ),
    ]);
    let status = (config.job.as_ref())
        .filter(|_| has_room_for_job(config))
        .map(|job| present([("jobCondition", Some(condition_of(job)))]));
    let metadata = present([("name", Some(text(outgoing.name)))]);
    let written = present([
        ("apiVersion", Some(text(API_VERSION))),
        ("kind", Some(text(KIND))),
        ("metadata", Some(metadata)),
        ("spec", Some(spec)),
        ("status", status),
    ]);
    Ok(with_kept(written, kept_of(config, PLATFORM).as_ref()))
}

fn image_spec(spec: &ImageSpec, pull_secret: Option<&str>) -> Node {
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| words(list));
    let packages = present([
        ("apt", list(&spec.apt)),
        ("conda", list(&spec.conda)),
        ("pip", list(&spec.pip)),
    ]);
    let written = present([
        ("baseImage", Some(text(&spec.base_image))),
        ("pullSecret", pull_secret.map(text)),
        ("packages", Some(packages)),
    ]);
    with_extra(written, &spec.extra)
}

/// Returns an object with the fields of it that the catalog does not know.
fn with_extra(written: Node, extra: &[(String, String)]) -> Node {
    let extra = (extra.iter()).filter_map(|(key, json)| Some(entry(key, parsed(json)?)));
    with_kept(written, Some(&Node::new(Value::Map(extra.collect()))))
}

#[cfg(test)]
mod tests {
    use super::super::super::document::{Items, Syntax, json as parser, write_json};
    use super::super::fields::{lost, overlaid};
    use super::*;
    use crate::domain::group::Group;
    use crate::domain::image::Image;
    use crate::domain::spec::JobPhase;

    fn read(text: &str) -> Vec<Entry> {
        Items::new(text.as_bytes(), Syntax::Yaml)
            .flat_map(|node| {
                entries(Part {
                    stem: "file",
                    node: &node.expect("YAML"),
                })
            })
            .collect()
    }

    fn good(text: &str) -> Incoming {
        let [entry] = <[Entry; 1]>::try_from(read(text)).expect("one entry");
        entry.image.expect("a good image")
    }

    fn check_faults(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        for entry in read(text) {
            found.extend(entry.image.err().into_iter().flatten());
        }
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    fn resource(below: &str) -> String {
        format!("apiVersion: primehub.io/v1alpha1\nkind: Image\nmetadata: {{name: a}}\n{below}")
    }

    fn stored(incoming: &Incoming) -> Image {
        Image {
            config: incoming.image.config.clone(),
            ..Image::default()
        }
    }

    fn written(image: &Image) -> String {
        let config = &image.config;
        let outgoing = Outgoing {
            image,
            name: &config.name,
            url: config.url.as_deref(),
            url_for_gpu: config.url_for_gpu.as_deref(),
            pull_secret: config.pull_secret.as_deref(),
            base_pull_secret: None,
        };
        let mut text = Vec::new();
        write_json(&document(&outgoing).expect("a document"), &mut text);
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn json_says_only_what_it_names() {
        let incoming = good("{name: a, url: alpine, description: null, pullSecret: p, x: 1}");
        assert_eq!(
            incoming.fields,
            [Field::Description, Field::Url, Field::PullSecret]
        );
        assert_eq!(incoming.image.config.formats, ["primehub"]);
        let mut before = Image::default();
        before.config.name = "a".to_owned();
        before.config.description = Some("old".to_owned());
        before.config.command = Some("run".to_owned());
        before.config.formats = vec!["adalab".to_owned()];
        let kept = ("primehub".to_owned(), r#"{"metadata":{}}"#.to_owned());
        before.config.extra = vec![kept.clone()];
        let after = overlaid(PLATFORM, &before, &incoming).config;
        assert_eq!(after.description, None);
        assert_eq!(after.command.as_deref(), Some("run"));
        assert_eq!(after.url.as_deref(), Some("alpine"));
        assert_eq!(after.formats, ["adalab", "primehub"]);
        assert_eq!(after.extra, [kept, ("x".to_owned(), "1".to_owned())]);

        let incoming = good("{name: a, formats: [adalab], groups: [x], global: true}");
        assert_eq!(incoming.image.config.formats, ["adalab", "primehub"]);
        assert_eq!(incoming.fields, [Field::Global, Field::Groups]);
    }

    #[test]
    fn every_key_of_the_json_is_said() {
        for (key, field) in KEYS {
            let incoming = good(&format!("{{name: a, {key}: null}}"));
            assert_eq!(incoming.fields, [field], "{key}");
        }
        let held = fields::held(PLATFORM);
        assert!(held.iter().all(|held| KEYS.iter().any(|(_, f)| f == held)));
    }

    #[test]
    fn faults_name_the_field_as_the_resource_has_it() {
        check_faults(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}",
            &[
                "1:13: apiVersion: apiVersion should be `primehub.io/v1alpha1`, but is `v1`",
                "2:7: kind: kind should be `Image`, but is `Secret`",
            ],
        );
        check_faults(
            "kind: Image\nname: a",
            &["1:1: apiVersion: apiVersion is required: `primehub.io/v1alpha1`"],
        );
        check_faults(
            &resource("spec: {type: tpu, url: 'A b', imageSpec: {packages: {npm: [x]}}}"),
            &[
                "4:14: spec.type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu`",
                "4:24: spec.url: `A b` is not an image reference: repository path `A b`: only \
                 lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or \
                 any number of `-`",
                "4:42: spec.imageSpec.baseImage: Invalid imageSpec: baseImage is required",
                "4:54: spec.imageSpec.packages.npm: `npm` is not a package manager that can be \
                 used: apt, conda, pip",
            ],
        );
        check_faults(
            &resource("spec: {url: alpine, imageSpec: {baseImage: a, packages: {pip: [b]}}}"),
            &["4:32: spec.imageSpec: imageSpec cannot use with url and urlForGpu"],
        );
        check_faults(
            &resource("status: {jobCondition: {phase: Succeeded, image: 'A b', jobName: []}}"),
            &[
                "4:50: status.jobCondition.image: `A b` is not an image reference: repository \
                 path `A b`: only lower-case ASCII letters and digits between slashes, joined by \
                 `.`, `_`, `__` or any number of `-`",
                "4:66: status.jobCondition.jobName: jobName should be a string, but is a list",
            ],
        );
        check_faults(
            "apiVersion: primehub.io/v1alpha1\nkind: Image\nmetadata: {name: A_b}",
            &[
                "3:18: metadata.name: [name] should be lower case alphanumeric characters, '-' or \
               '.', and must start and end with an alphanumeric character, but is `A_b`; the \
               nearest allowed name is `a-b`",
            ],
        );
        check_faults(
            "apiVersion: v1\nkind: List\nitems: 5",
            &["3:8: items: items should be a list, but is a number"],
        );
    }

    #[test]
    fn items_of_a_list_are_entries() {
        let item = "{apiVersion: primehub.io/v1alpha1, kind: Image, metadata: {name: a}}";
        for list in [
            format!("{{apiVersion: v1, kind: List, items: [{item}]}}"),
            format!("{{apiVersion: primehub.io/v1alpha1, kind: List, items: [{item}]}}"),
            format!("{{apiVersion: primehub.io/v1alpha1, kind: ImageList, items: [{item}]}}"),
            "{apiVersion: primehub.io/v1alpha1, kind: ImageList, items: [{metadata: {name: a}}]}"
                .to_owned(),
        ] {
            let entries = read(&list);
            assert_eq!(entries.len(), 1);
            assert!(
                entries[0].part.is_some() && entries[0].image.is_ok(),
                "{list}"
            );
            assert_eq!(entries[0].name, "a");
        }
        check_faults(
            "{apiVersion: v1, kind: List, items: [{metadata: {name: a}}]}",
            &[
                "1:38: apiVersion: apiVersion is required: `primehub.io/v1alpha1`",
                "1:38: kind: kind is required: `Image`",
            ],
        );
    }

    #[test]
    fn what_a_build_gave_is_the_reference() {
        let condition = "jobName: j, image: registry.example.com/a:1";
        let spec =
            "spec: {url: '', pullSecret: '', imageSpec: {baseImage: b, packages: {pip: [c]}}}";
        let status =
            |phase| format!("{spec}\nstatus: {{jobCondition: {{phase: {phase}, {condition}}}}}");
        let config = good(&resource(&status("Succeeded"))).image.config;
        assert_eq!(config.url.as_deref(), Some("registry.example.com/a:1"));
        assert_eq!(config.is_ready, None);
        let config = good(&resource(&status("Running"))).image.config;
        assert_eq!((config.url, config.is_ready), (None, Some(false)));
        // What Go writes of a status that is not set.
        let empty = "status: {jobCondition: {phase: '', jobName: '', image: ''}}";
        assert_eq!(good(&resource(empty)).image.config.job, None);
    }

    #[test]
    fn a_build_that_a_resource_cannot_tell_of_is_left_out() {
        let incoming = good(
            "{name: a, url: r.example.com/a:1, imageSpec: {baseImage: b, packages: {pip: [c]}}, \
             jobStatus: {phase: Succeeded, jobName: 5}}",
        );
        let image = stored(&incoming);
        assert_eq!(lost(PLATFORM, &image), ["imageSpec", "jobStatus"]);
        let text = written(&image);
        assert!(
            !text.contains("imageSpec") && !text.contains("status"),
            "{text}"
        );
        let node = parser::parse(text.as_bytes(), super::super::Position::START).expect("JSON");
        let entry = entries(Part {
            stem: "a",
            node: &node,
        })
        .remove(0);
        let incoming = entry.image.expect("it is good");
        let after = overlaid(PLATFORM, &image, &incoming);
        assert_eq!(after.config, image.config, "it is not cleared");
        // JSON has a place for it.
        let cleared = good("{name: a, imageSpec: null, jobStatus: null}");
        let after = overlaid(PLATFORM, &image, &cleared).config;
        assert_eq!((after.spec, after.job), (None, None));
    }

    #[test]
    fn every_phase_comes_back_whether_it_was_built_before_or_never() {
        let kept = ", image: r.example.com/a:1, key: k, baseDigest: d, baseImage: b";
        let spec = "imageSpec: {baseImage: b, packages: {pip: [c]}}";
        for phase in JobPhase::NAMES {
            for job in [
                "",
                ", target: r.example.com/a:2, message: m",
                ", jobName: j",
                kept,
            ] {
                let is_built = job == kept || phase == "Succeeded";
                let url = match is_built {
                    true => "url: r.example.com/a:1, ",
                    false => "",
                };
                let image = stored(&good(&format!(
                    "{{name: a, {url}{spec}, jobStatus: {{phase: {phase}{job}}}}}"
                )));
                assert_eq!(lost(PLATFORM, &image), [""; 0], "{phase}{job}");
                let incoming = good(&written(&image));
                let after = overlaid(PLATFORM, &image, &incoming).config;
                assert_eq!(after, image.config, "{phase}{job}");
                let (spec, job) = (after.spec.is_some(), after.job.is_some());
                assert!(spec && job && after.url.is_some() == is_built);
            }
        }
    }

    #[test]
    fn a_group_is_written_where_it_is_the_only_one() {
        let group = |name: &str| Group {
            id: String::new(),
            name: name.to_owned(),
            display_name: String::new(),
        };
        let check = |groups: &[&str], global: bool, expected: bool, missed: &[&str]| {
            let mut image = stored(&good("{name: a, url: alpine}"));
            image.config.global = global;
            image.groups = groups.iter().copied().map(group).collect();
            assert_eq!(written(&image).contains("groupName"), expected);
            assert_eq!(lost(PLATFORM, &image), missed);
        };
        check(&[], false, false, &[]);
        check(&["x"], false, true, &[]);
        check(&["x", "y"], false, false, &["groups"]);
        check(&["x"], true, false, &["global", "groups"]);
        let incoming = good(&resource("spec: {groupName: x}"));
        assert!(incoming.fields.contains(&Field::Groups));
        let GroupsInput::Change { connect, .. } = incoming.image.groups else {
            panic!("groups are added");
        };
        assert_eq!(connect, [GroupRef::Known("x".to_owned())]);
        let incoming = good(&resource("spec: {groupName: ''}"));
        assert!(!incoming.fields.contains(&Field::Groups));
    }
}
