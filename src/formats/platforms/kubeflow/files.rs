//! Images → both of Kubeflow's files.

use std::collections::BTreeSet;

use super::spawner::{DEFAULTS, GROUPS};
use super::{NO_URL, PLATFORM, SPAWNER, WORKSPACE_KIND, is_default, workspace_kind};
use crate::domain::name::shorten;
use crate::formats::document::{MAX_ITEM, Node, Position, Value, json, write_yaml_item};
use crate::formats::platforms::Outgoing;
use crate::formats::platforms::kept::{entry, filled_in, kept_of, object, present, text};

/// What the web app of version 1 reads at its start, with the values that Kubeflow
/// hands out (kubeflow/kubeflow, `spawner_ui_config.yaml` of the Jupyter web app).
const SPAWNER_SKELETON: &str = r#"{"spawnerFormDefaults": {
  "allowCustomImage": true,
  "hideRegistry": true,
  "hideTag": false,
  "imagePullPolicy": {"readOnly": false, "value": "IfNotPresent"},
  "image": {},
  "imageGroupOne": {},
  "imageGroupTwo": {},
  "cpu": {"readOnly": false, "value": "0.5", "limitFactor": "1.2"},
  "memory": {"readOnly": false, "value": "1.0Gi", "limitFactor": "1.2"},
  "gpus": {"readOnly": false, "value": {
    "vendor": "",
    "vendors": [{"limitsKey": "nvidia.com/gpu", "uiName": "NVIDIA"}],
    "num": "none"
  }},
  "workspaceVolume": {"readOnly": false, "value": {
    "mount": "/home/jovyan",
    "newPvc": {
      "metadata": {"name": "{notebook-name}-workspace"},
      "spec": {
        "resources": {"requests": {"storage": "5Gi"}},
        "accessModes": ["ReadWriteOnce"]
      }
    }
  }},
  "dataVolumes": {"readOnly": false, "value": []},
  "affinityConfig": {"readOnly": false, "value": "", "options": []},
  "tolerationGroup": {"readOnly": false, "value": "", "options": []},
  "shm": {"readOnly": false, "value": true},
  "configurations": {"readOnly": false, "value": []}
}}"#;

/// What a `WorkspaceKind` must have, and what Jupyter needs to run in one.
const KIND_SKELETON: &str = r#"{
  "apiVersion": "kubeflow.org/v1beta1",
  "kind": "WorkspaceKind",
  "metadata": {"name": "imgdex"},
  "spec": {
    "spawner": {
      "displayName": "Notebooks",
      "description": "The images of a catalog",
      "icon": {"url": "https://jupyter.org/assets/favicons/apple-touch-icon-152x152.png"},
      "logo": {"url": "https://upload.wikimedia.org/wikipedia/commons/3/38/Jupyter_logo.svg"}
    },
    "podTemplate": {
      "volumeMounts": {"home": "/home/jovyan"},
      "ports": [{"id": "jupyterlab", "protocol": "HTTP", "defaultDisplayName": "JupyterLab"}],
      "extraEnv": [{"name": "NB_PREFIX", "value": "{{ httpPathPrefix \"jupyterlab\" }}"}],
      "securityContext": {"fsGroup": 100},
      "options": {
        "imageConfig": {},
        "podConfig": {
          "spawner": {"default": "small"},
          "values": [{
            "id": "small",
            "spawner": {"displayName": "Small", "description": "1 CPU, 2 GiB"},
            "spec": {"resources": {"requests": {"cpu": "1", "memory": "2Gi"}}}
          }]
        }
      }
    }
  }
}"#;

/// Bytes of the ports that an image may still get.
const PORTS_LENGTH: usize = 256;

/// The two files, to which images are added one by one.
#[derive(Debug, Default)]
pub struct Files {
    groups: [Group; GROUPS.len()],
    /// Bytes of the options of all groups.
    options_length: usize,
    values: Vec<Node>,
    /// Values that are not valid, as they came.
    other_values: Vec<Node>,
    ids: BTreeSet<String>,
    default_id: Option<String>,
    /// Bytes of the values.
    values_length: usize,
}

/// One group of version 1.
#[derive(Debug, Default)]
struct Group {
    options: Vec<String>,
    known: BTreeSet<String>,
    /// Options that are not valid, as they came.
    others: Vec<Node>,
    default: Option<String>,
}

impl Files {
    /// Adds an image to both.
    ///
    /// # Errors
    /// Why it cannot be in them.
    pub fn add(&mut self, outgoing: &Outgoing<'_>) -> Result<(), String> {
        let url = outgoing.url.ok_or(NO_URL)?;
        let kept = kept_of(&outgoing.image.config, PLATFORM);
        let part = |key: &str| kept.as_ref().and_then(|kept| kept.get(key));
        let is_default = |key: &str| part(key).is_some_and(is_default);
        let value = workspace_kind::value(outgoing, url);
        let id = value.get("id").and_then(Node::as_text).unwrap_or_default();
        if self.ids.contains(id) {
            return Err(format!("its id `{}` is that of another image", shorten(id)));
        }
        let mut written = Vec::new();
        write_yaml_item(&value, 10, &mut written);
        let values_length = self.values_length + written.len() + PORTS_LENGTH;
        // It is written once more where it is the default.
        let options_length = self.options_length + 2 * (url.len() + 16);
        if values_length.max(options_length) > MAX_ITEM {
            let most = MAX_ITEM / 1024 / 1024;
            return Err(format!("with it the file would be larger than {most} MiB"));
        }
        self.values_length = values_length;
        self.options_length = options_length;
        if is_default(WORKSPACE_KIND) && self.default_id.is_none() {
            self.default_id = Some(id.to_owned());
        }
        self.ids.insert(id.to_owned());
        self.values.push(value);
        let named = part(SPAWNER).and_then(|part| part.get("group")?.as_text());
        let index = GROUPS.iter().position(|group| Some(*group) == named);
        if let Some(group) = self.groups.get_mut(index.unwrap_or_default()) {
            if group.known.insert(url.to_owned()) {
                group.options.push(url.to_owned());
            }
            if is_default(SPAWNER) && group.default.is_none() {
                group.default = Some(url.to_owned());
            }
        }
        Ok(())
    }

    /// Adds what is not valid of a file: the values or the options of a part go behind
    /// the images, into the lists that they came from.
    pub fn add_part(&mut self, mut part: Node) {
        let mut written = Vec::new();
        let mut lengths = |nodes: &[Node], inset: usize| {
            written.clear();
            for node in nodes {
                write_yaml_item(node, inset, &mut written);
            }
            written.len()
        };
        let [spec, template, options, config] = workspace_kind::CONFIG;
        let values = take_list(&mut part, &[spec, template, options, config, "values"]);
        self.values_length += lengths(&values, 10);
        self.other_values.extend(values);
        for (name, group) in GROUPS.iter().zip(&mut self.groups) {
            let options = take_list(&mut part, &[DEFAULTS, name, "options"]);
            self.options_length += lengths(&options, 6);
            group.others.extend(options);
        }
    }

    /// Returns the spawner's config and the `WorkspaceKind`, with what was kept of
    /// each put back.
    #[must_use]
    pub fn finish(self, spawner: Option<&Node>, kind: Option<&Node>) -> (Node, Node) {
        let groups = self.groups.into_iter().map(|group| {
            // The web app wants every group, be it empty.
            let default = group.default.or_else(|| group.options.first().cloned());
            let mut options: Vec<Node> = group.options.iter().map(text).collect();
            options.extend(group.others);
            object([
                ("value", text(default.unwrap_or_default())),
                ("options", Node::new(Value::List(options))),
            ])
        });
        let groups: Vec<Node> = groups.collect();
        let named = GROUPS.iter().zip(groups);
        let defaults = named.map(|(name, group)| entry(name, group));
        let defaults = Node::new(Value::Map(defaults.collect()));
        let spawner = filled_in(
            frame_or(spawner, SPAWNER_SKELETON),
            object([(DEFAULTS, defaults)]),
        );
        let kind = frame_or(kind, KIND_SKELETON);
        let mut values = self.values;
        give_ports(&mut values, &kind);
        let first = workspace_kind::first_shown(&values).map(str::to_owned);
        let default = self.default_id.or(first);
        values.extend(self.other_values);
        let config = present([
            ("spawner", default.map(|id| object([("default", text(id))]))),
            ("values", Some(Node::new(Value::List(values)))),
        ]);
        let images = workspace_kind::CONFIG
            .iter()
            .rfold(config, |node, key| object([(key, node)]));
        (spawner, filled_in(kind, images))
    }
}

/// Returns what was kept of a file, or what a new one needs.
fn frame_or(frame: Option<&Node>, skeleton: &str) -> Node {
    let frame = frame.filter(|frame| frame.as_map().is_some());
    frame.cloned().unwrap_or_else(|| made(skeleton))
}

fn made(text: &str) -> Node {
    let mut node = json::parse(text.as_bytes(), Position::START).unwrap_or(Node::new(Value::Null));
    crate::formats::forget_places(&mut node);
    node
}

/// Gives those images ports that have none, because they must have some.
fn give_ports(values: &mut [Node], kind: &Node) {
    let ports = workspace_kind::usual_ports(kind);
    let ports = object([("spec", object([("ports", ports)]))]);
    for value in values {
        if value.find("spec.ports").is_none() {
            let empty = Node::new(Value::Map(Vec::new()));
            *value = filled_in(std::mem::replace(value, empty), ports.clone());
        }
    }
}

/// Takes the elements of the list at a path; none where there is no list.
fn take_list(node: &mut Node, path: &[&str]) -> Vec<Node> {
    match (&mut node.value, path.split_first()) {
        (Value::Map(entries), Some((key, rest))) => {
            let entry = entries.iter_mut().find(|entry| entry.key == *key);
            entry.map_or_else(Vec::new, |entry| take_list(&mut entry.node, rest))
        }
        (Value::List(nodes), None) => std::mem::take(nodes),
        _ => Vec::new(),
    }
}
