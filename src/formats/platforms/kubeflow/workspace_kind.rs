//! The `WorkspaceKind` of version 2, `kubeflow.org/v1beta1`, as its controller checks
//! it (kubeflow/notebooks, `workspaces/controller/api/v1beta1/workspacekind_types.go`).

use std::collections::BTreeMap;

use super::{PLATFORM, WORKSPACE_KIND, default_mark};
use crate::domain::image::{ImageConfig, NewImage, PullPolicy};
use crate::domain::name::shorten;
use crate::formats::decode::Decoder;
use crate::formats::document::{Fault, Node, Value};
use crate::formats::platforms::kept::{
    is_same, keep, kept_of, object, present, text, with_kept, without,
};
use crate::formats::platforms::{Entry, Incoming, Outgoing, fields, finished, not_an_object};

pub(super) const KIND: &str = "WorkspaceKind";

pub(super) const VERSION: &str = "kubeflow.org/v1beta1";

/// Where the images are.
pub(super) const CONFIG: [&str; 4] = ["spec", "podTemplate", "options", "imageConfig"];

/// What Kubeflow's own examples call the port of Jupyter.
const USUAL_PORT: &str = "jupyterlab";

/// The longest id that the controller allows.
const LONGEST_ID: usize = 256;

/// What a document says of all its values.
struct Around<'a> {
    /// The id of the one that is chosen where a user chooses none.
    default: Option<&'a str>,
    /// The id of the one that would be, were none named.
    first: Option<&'a str>,
    usual_ports: Node,
}

/// Returns the values of the image config.
///
/// # Errors
/// What is wrong with all of the document.
pub(super) fn entries(node: &Node) -> Result<Vec<Entry>, Vec<Fault>> {
    check_version(node)?;
    let config = CONFIG.join(".");
    let field = format!("{config}.values");
    let mut decoder = Decoder::default();
    let values = match node.find(&field) {
        Some(values) => decoder.list(&field, values),
        None => {
            let at = node.find(&config).unwrap_or(node);
            decoder.push(at.fault(field.as_str(), "values is required"));
            &[]
        }
    };
    let default_field = format!("{config}.spawner.default");
    let default = node.find(&default_field);
    let default = default.and_then(|default| decoder.text(&default_field, default));
    if !decoder.faults.is_empty() {
        return Err(decoder.faults);
    }
    let around = Around {
        default: default.as_deref(),
        first: first_shown(values),
        usual_ports: usual_ports(node),
    };
    let entry = |(index, node): (usize, &Node)| {
        let (name, image) = image_of(node, &around);
        let here = |fault: Fault| fault.under_index(index).under_key(&field);
        let image = image.map_err(|faults| faults.into_iter().map(here).collect());
        Entry {
            part: Some(part_of(node)),
            ..Entry::whole(name, node, image)
        }
    };
    Ok(values.iter().enumerate().map(entry).collect())
}

/// Returns the `WorkspaceKind` of one value.
fn part_of(value: &Node) -> Node {
    let values = Node::new(Value::List(vec![value.clone()]));
    let parts = object([("values", values)]);
    let spec = CONFIG
        .iter()
        .skip(1)
        .rfold(parts, |node, key| object([(key, node)]));
    object([
        ("apiVersion", text(VERSION)),
        ("kind", text(KIND)),
        (CONFIG[0], spec),
    ])
}

/// Returns the first id that a user can choose, or the first.
pub(super) fn first_shown(values: &[Node]) -> Option<&str> {
    let is_shown = |value: &&Node| {
        let hidden = value.find("spawner.hidden").and_then(Node::as_bool);
        hidden != Some(true) && value.get("redirect").is_none()
    };
    let first = values.iter().find(is_shown).or_else(|| values.first());
    first?.get("id")?.as_text()
}

/// # Errors
/// Where it is another version than this, or none.
pub(super) fn check_version(node: &Node) -> Result<(), Vec<Fault>> {
    let found = node.get("apiVersion").filter(|found| !found.is_null());
    let rule = match found.map(|found| (found.as_text(), found)) {
        Some((Some(VERSION), _)) => return Ok(()),
        Some((Some(other), _)) => {
            format!(
                "apiVersion should be `{VERSION}`, but is `{}`",
                shorten(other)
            )
        }
        Some((None, other)) => {
            format!(
                "apiVersion should be `{VERSION}`, but is {}",
                other.kind_name()
            )
        }
        None => format!("apiVersion is required: `{VERSION}`"),
    };
    Err(vec![found.unwrap_or(node).fault("apiVersion", rule)])
}

/// Returns the name of a value's image, empty where it has none, and the image.
fn image_of(node: &Node, around: &Around<'_>) -> (String, Result<Incoming, Vec<Fault>>) {
    if node.as_map().is_none() {
        return (String::new(), Err(not_an_object(node, "a value")));
    }
    let mut decoder = Decoder::default();
    let mut image = NewImage::default();
    let config = &mut image.config;
    let id = id_of(&mut decoder, node);
    let name = id.as_deref().and_then(name_of).unwrap_or_default();
    config.name.clone_from(&name);
    if name.is_empty() {
        // What is wrong was said above.
        "image".clone_into(&mut config.name);
    }
    if let Some(spawner) = node.get("spawner") {
        spawner_of(&mut decoder, spawner, config);
    }
    spec_of(&mut decoder, node, config);
    keep(
        config,
        PLATFORM,
        kept_from(node, id.as_deref(), &name, around),
    );
    let image = finished(PLATFORM, image, decoder.faults, node, place).map(|image| Incoming {
        image,
        fields: fields::held(PLATFORM).to_vec(),
    });
    (name, image)
}

fn name_of(id: &str) -> Option<String> {
    PLATFORM.nearest_name(id)
}

fn id_of(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let found = node.get("id").filter(|found| !found.is_null());
    let Some(found) = found else {
        decoder.push(node.fault("id", "id is required"));
        return None;
    };
    let id = decoder.text("id", found)?;
    if id.chars().count() > LONGEST_ID {
        let rule = format!("id should be at most {LONGEST_ID} characters");
        decoder.push(found.fault("id", rule));
    } else if name_of(&id).is_none() {
        let rule = format!(
            "id should hold a letter or a digit, so that the image can be named by it, but is `{}`",
            shorten(&id)
        );
        decoder.push(found.fault("id", rule));
    }
    Some(id)
}

fn spawner_of(decoder: &mut Decoder, spawner: &Node, config: &mut ImageConfig) {
    for entry in decoder.object("spawner", spawner) {
        let (field, node) = (format!("spawner.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "displayName" => {
                config.display_name = decoder.text(&field, node).unwrap_or_default();
            }
            "description" => config.description = decoder.text(&field, node),
            "labels" => config.labels = labels_of(decoder, &field, node),
            _ => {}
        }
    }
}

fn labels_of(decoder: &mut Decoder, field: &str, node: &Node) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (index, label) in decoder.list(field, node).iter().enumerate() {
        let field = format!("{field}[{index}]");
        if label.as_map().is_none() {
            decoder.mistyped(&field, label, "an object with `key` and `value`");
            continue;
        }
        let [mut key, mut value] = [None, None];
        for entry in decoder.object(&field, label) {
            let word = match entry.key.as_str() {
                "key" => &mut key,
                "value" => &mut value,
                _ => {
                    decoder.unknown(&field, entry, &["key", "value"]);
                    continue;
                }
            };
            *word = decoder.text(&format!("{field}.{}", entry.key), &entry.node);
        }
        match (key, value) {
            (Some(key), Some(_)) if labels.contains_key(&key) => {
                let rule = format!("the key `{}` is there twice", shorten(&key));
                decoder.push(label.fault(format!("{field}.key"), rule));
            }
            (Some(key), Some(value)) => {
                labels.insert(key, value);
            }
            (key, _) => {
                let missing = if key.is_none() { "key" } else { "value" };
                let is_there = label.get(missing).is_some_and(|node| !node.is_null());
                if !is_there {
                    let rule = format!("{missing} is required");
                    decoder.push(label.fault(format!("{field}.{missing}"), rule));
                }
            }
        }
    }
    labels
}

fn spec_of(decoder: &mut Decoder, value: &Node, config: &mut ImageConfig) {
    let spec = value.get("spec").filter(|spec| !spec.is_null());
    let Some(spec) = spec else {
        decoder.push(value.fault("spec.image", "an image is required"));
        return;
    };
    if spec.as_map().is_none() {
        decoder.mistyped("spec", spec, "an object");
        return;
    }
    let image = spec.get("image").filter(|image| !image.is_null());
    match image {
        Some(image) => config.url = decoder.text("spec.image", image),
        None => decoder.push(spec.fault("spec.image", "an image is required")),
    }
    if let Some(policy) = spec.get("imagePullPolicy") {
        let names = &PullPolicy::NAMES;
        let field = "spec.imagePullPolicy";
        config.pull_policy = decoder.choice(field, policy, names, PullPolicy::from_name);
    }
}

/// Returns what the image keeps of a value, where that is anything.
fn kept_from(node: &Node, id: Option<&str>, name: &str, around: &Around<'_>) -> Option<Node> {
    let mut known: Vec<&[&str]> = vec![
        &["id"],
        &["default"],
        &["spawner", "displayName"],
        &["spawner", "description"],
        &["spawner", "labels"],
        &["spec", "image"],
        &["spec", "imagePullPolicy"],
    ];
    let ports = node.find("spec.ports");
    if ports.is_some_and(|ports| is_same(ports, &around.usual_ports)) {
        known.push(&["spec", "ports"]);
    }
    let is_default = id.is_some() && id == around.default;
    let own = present([
        ("id", id.filter(|id| *id != name).map(text)),
        (
            "default",
            is_default.then(|| default_mark(id == around.first)),
        ),
    ]);
    let kept = with_kept(own, without(node, &known).as_ref());
    let is_empty = kept.as_map().is_none_or(<[_]>::is_empty);
    (!is_empty).then(|| object([(WORKSPACE_KIND, kept)]))
}

/// Returns the ports of an image of which nothing is known: that which the document
/// defines for Jupyter, or the first. In an earlier one that defines none, each image
/// says all there is to say.
pub(super) fn usual_ports(document: &Node) -> Node {
    let defined = document
        .find("spec.podTemplate.ports")
        .and_then(Node::as_list);
    let ids = defined.unwrap_or_default().iter();
    let ids: Vec<&str> = ids.filter_map(|port| port.get("id")?.as_text()).collect();
    let usual = ids.iter().find(|id| **id == USUAL_PORT).or(ids.first());
    let of_earlier = |said: &str| defined.is_none().then(|| text(said));
    let port = present([
        ("id", Some(text(shorten(usual.unwrap_or(&USUAL_PORT))))),
        ("displayName", of_earlier("JupyterLab")),
        ("port", Some(Node::new(Value::Number("8888".to_owned())))),
        ("protocol", of_earlier("HTTP")),
    ]);
    Node::new(Value::List(vec![port]))
}

/// Returns where a value has a field of the catalog.
fn place(field: &str) -> String {
    match field {
        "name" => "id".to_owned(),
        "url" => "spec.image".to_owned(),
        "pullPolicy" => "spec.imagePullPolicy".to_owned(),
        "displayName" | "description" => format!("spawner.{field}"),
        field if field.starts_with("labels") => "spawner.labels".to_owned(),
        field => field.to_owned(),
    }
}

/// Returns the value of an image.
pub(super) fn value(outgoing: &Outgoing<'_>, url: &str) -> Node {
    let config = &outgoing.image.config;
    let kept = kept_of(config, PLATFORM);
    let kept = kept.as_ref().and_then(|kept| kept.get(WORKSPACE_KIND));
    // A copy of an image has what was kept of the original, and an id is one image's.
    let id = kept.and_then(|kept| kept.get("id")?.as_text());
    let id = id.filter(|id| name_of(id).as_deref() == Some(outgoing.name));
    let labels = config.labels.iter();
    let labels: Vec<Node> = labels
        .map(|(key, value)| object([("key", text(key)), ("value", text(value))]))
        .collect();
    // The controller wants two characters at least.
    let description = config.description.as_ref().filter(|text| !text.is_empty());
    let spawner = present([
        ("displayName", Some(text(&config.display_name))),
        ("description", description.map(text)),
        (
            "labels",
            (!labels.is_empty()).then(|| Node::new(Value::List(labels))),
        ),
    ]);
    let spec = present([
        ("image", Some(text(url))),
        (
            "imagePullPolicy",
            config.pull_policy.map(|policy| text(policy.name())),
        ),
    ]);
    let written = object([
        ("id", text(id.unwrap_or(outgoing.name))),
        ("spawner", spawner),
        ("spec", spec),
    ]);
    let others = kept.and_then(|kept| without(kept, &[&["id"], &["default"]]));
    with_kept(written, others.as_ref())
}
