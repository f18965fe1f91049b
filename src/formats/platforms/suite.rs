//! What every platform's reader and writer keep, shown for each by the same tests.
//! To enrol one is a call of `enrol!` with a few samples.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::document::{
    Entry as Pair, Items, Node, Position, Syntax, Value, json, write_json, write_json_pretty,
    write_yaml,
};
use super::super::image::settle_readiness;
use super::{Entry, Incoming, Outgoing, Part, document, fields, read};
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{Image, ImageConfig, ImageType, NewImage, PullPolicy, Seen};
use crate::domain::image_rules;
use crate::domain::platform::Platform;
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobPhase, JobStatus};

/// Enrols a platform: its files' syntax, and files that say all that it can say.
/// Each entry of a sample should be what `document` writes of it (in any order), so
/// without nulls and with what is always written. Where the document of an image is
/// no file by itself, there follows, as JSON, the file around it with `$ENTRY` in its
/// place.
macro_rules! enrol {
    ($name:ident, $platform:ident, $syntax:ident, [$($sample:expr),+ $(,)?]) => {
        enrol!($name, $platform, $syntax, [$($sample),+], r#""$ENTRY""#);
    };
    ($name:ident, $platform:ident, $syntax:ident, [$($sample:expr),+ $(,)?], $frame:expr) => {
        mod $name {
            use super::*;

            const ENROLLED: Enrolled = Enrolled {
                platform: Platform::$platform,
                syntax: Syntax::$syntax,
                samples: &[$($sample),+],
                frame: $frame,
            };

            #[test]
            fn each_sample_comes_back_as_it_was() {
                ENROLLED.check_samples();
            }

            #[test]
            fn what_is_written_of_an_image_changes_nothing_of_it() {
                ENROLLED.check_images();
            }

            #[test]
            fn unknown_fields_come_back_in_their_places() {
                ENROLLED.check_unknown_fields();
            }

            #[test]
            fn any_tree_is_read_or_refused_with_places() {
                ENROLLED.check_any_trees();
            }
        }
    };
}

enrol!(
    runtime_images,
    RuntimeImages,
    Json,
    [
        r#"{"display_name": "Forecasting", "schema_name": "runtime-image",
            "metadata": {"image_name": "quay.io/example/forecasting:2.1"}}"#,
        r#"{"display_name": "Forecasting on GPUs — 予報", "schema_name": "runtime-image",
            "version": 1,
            "metadata": {"image_name": "localhost:5000/forecasting@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "description": "Two lines,\nthe second of them short",
                "tags": ["gpu", "time series"], "pull_policy": "IfNotPresent",
                "pull_secret": "quay-pull", "owner": {"team": "energy"}}}"#,
    ]
);

enrol!(
    primehub,
    Primehub,
    Yaml,
    [
        "\
apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: base-notebook
  namespace: hub
  labels:
    team: science
spec:
  displayName: Base notebook
  description: |-
    For a start.
    No GPU.
  type: both
  url: registry.example.com/notebooks/base:1.4
  urlForGpu: registry.example.com/notebooks/base:1.4-cuda
  pullSecret: registry-pull
  groupName: science
",
        "\
apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: with-pandas
spec:
  displayName: with pandas
  type: cpu
  imageSpec:
    baseImage: jupyter/base-notebook
    pullSecret: hub-pull
    packages:
      apt: [curl]
      conda: [numpy=2.1]
      pip: ['pandas==2.3.2', 'jax[cuda]']
    cancel: false
    updateTime: \"2026-02-03T04:05:06Z\"
status:
  jobCondition:
    phase: Running
    jobName: with-pandas-x7x2p
    image: registry.example.com/custom/with-pandas:a1b2c3
",
        "\
apiVersion: primehub.io/v1alpha1
kind: ImageList
items:
- apiVersion: primehub.io/v1alpha1
  kind: Image
  metadata:
    name: one
  spec:
    displayName: One
    type: gpu
    urlForGpu: nvcr.io/example/one:24.01
- apiVersion: primehub.io/v1alpha1
  kind: Image
  metadata:
    name: two
  spec:
    displayName: Two
    type: both
    url: registry.example.com/custom/two:9f8e
    imageSpec:
      baseImage: debian:13
      packages:
        apt: [graphviz]
  status:
    jobCondition:
      phase: Succeeded
      jobName: two-1
      image: registry.example.com/custom/two:9f8e
",
    ]
);

enrol!(
    adalab,
    Adalab,
    Json,
    [
        r#"{"metadata_id": 41, "run_id": null, "type": "kernel", "name": "Kernel (Python)",
            "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "oci_image_name": {"project": "kernels", "repository": "team/python", "tag": "3.13",
                "host": "harbor.example.com:8443"},
            "description": "What the lab runs", "startup_cmd": "start --port 80",
            "image_id": 7, "user_id": "ada", "archived": false, "ready": true}"#,
        r#"{"metadata_id": 42, "name": "Being copied", "sha256": "sha256:00000",
            "oci_image_name": {"project": "library", "repository": "alpine", "tag": "3",
                "host": "docker.io", "pushed": [1.50]},
            "image_id": "flask", "user_id": 12, "archived": true}"#,
    ]
);

enrol!(
    kustomize,
    Kustomize,
    Yaml,
    [
        "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml]
images:
- name: notebook
  newName: registry.example.com:5000/notebooks/base
  newTag: \"1.10\"
- name: trainer
  newName: alpine
  newTag: \"3\"
  digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
- name: plain
  newName: busybox
",
        "{name: single, newName: quay.io/example/single, tagSuffix: -rc1}",
    ],
    r#"{"kind": "Kustomization", "images": ["$ENTRY"]}"#
);

// To be enrolled with the readers of these platforms:
//
// enrol!(
//     opendatahub,
//     Opendatahub,
//     Yaml,
//     [
//         "\
// apiVersion: image.openshift.io/v1
// kind: ImageStream
// metadata:
//   name: forecasting
//   labels:
//     opendatahub.io/notebook-image: \"true\"
//   annotations:
//     opendatahub.io/notebook-image-name: Forecasting
//     opendatahub.io/notebook-image-desc: Time series, on CPUs
// spec:
//   tags:
//   - name: \"2.1\"
//     annotations:
//       opendatahub.io/workbench-image-recommended: \"true\"
//     from:
//       kind: DockerImage
//       name: quay.io/example/forecasting:2.1
//     referencePolicy:
//       type: Source
// "
//     ]
// );
// enrol!(
//     kubespawner,
//     Kubespawner,
//     Yaml,
//     [
//         "\
// - display_name: Forecasting
//   slug: forecasting
//   description: Time series, on CPUs
//   kubespawner_override:
//     image: quay.io/example/forecasting:2.1
//     image_pull_policy: IfNotPresent
//     image_pull_secrets: [quay-pull]
//     cpu_limit: 2
// "
//     ],
//     r#"["$ENTRY"]"#
// );
// enrol!(
//     kubeflow,
//     Kubeflow,
//     Yaml,
//     [
//         "\
// apiVersion: kubeflow.org/v1beta1
// kind: WorkspaceKind
// spec:
//   podTemplate:
//     options:
//       imageConfig:
//         values:
//         - id: forecasting
//           spawner:
//             displayName: Forecasting
//             description: Time series, on CPUs
//             labels:
//             - {key: team, value: energy}
//             hidden: false
//           spec:
//             image: quay.io/example/forecasting:2.1
//             imagePullPolicy: IfNotPresent
//             ports:
//             - {id: lab, port: 8888}
// "
//     ],
//     r#"{"apiVersion": "kubeflow.org/v1beta1", "kind": "WorkspaceKind", "spec": {"podTemplate":
//         {"options": {"imageConfig": {"values": ["$ENTRY"]}}}}}"#
// );

/// A platform and its samples.
struct Enrolled {
    platform: Platform,
    syntax: Syntax,
    samples: &'static [&'static str],
    /// The file around the document of an image.
    frame: &'static str,
}

/// The name of a file of which a sample is read.
const STEM: &str = "sample";

impl Enrolled {
    fn check_samples(&self) {
        for sample in self.samples {
            for node in self.parsed(sample) {
                let entries = self.read(STEM, &node);
                assert!(!entries.is_empty(), "nothing is in {sample}");
                for entry in entries {
                    let expected = tree(entry.part.as_ref().unwrap_or(&node));
                    let incoming = entry.image.expect("the sample is good");
                    let image = stored(&incoming.image);
                    assert_eq!(entry.name, image.config.name);
                    let document = self.document(&image).expect("a document");
                    assert_eq!(tree(&document), expected, "{sample}");
                    let again = self.through_text(&image.config.name, &document);
                    assert_eq!(again.image, incoming.image, "{sample}");
                    assert_eq!(again.fields, incoming.fields, "{sample}");
                }
            }
        }
    }

    fn check_images(&self) {
        proptest!(|(image in image(self.platform))| {
            let image = without_lost(self.platform, image);
            if let Ok(document) = self.document(&image) {
                let mut incoming = self.through_text(&image.config.name, &document);
                link_secrets(&image.config, &mut incoming.image.config);
                let after = fields::overlaid(self.platform, &image, &incoming);
                prop_assert_eq!(&after.config, &image.config);
                prop_assert_eq!(&after.seen, &image.seen);
                let GroupsInput::Change { connect, disconnect } = &after.groups else {
                    panic!("the groups are replaced: {:?}", after.groups);
                };
                let is_in = |group: &GroupRef| {
                    image.groups.iter().any(|known| known.name == group.label())
                };
                prop_assert!(connect.iter().all(is_in) && disconnect.is_empty());
            }
        });
    }

    fn check_unknown_fields(&self) {
        let mut came_back = 0;
        for node in self.samples.iter().flat_map(|sample| self.parsed(sample)) {
            let objects = places(&node).into_iter();
            for place in objects.filter(|place| at(&node, place).as_map().is_some()) {
                let mut node = node.clone();
                add_unknown(at_mut(&mut node, &place));
                for entry in self.read(STEM, &node) {
                    let expected = tree(entry.part.as_ref().unwrap_or(&node));
                    match entry.image {
                        Ok(incoming) => {
                            let image = stored(&incoming.image);
                            let document = self.document(&image).expect("a document");
                            assert_eq!(tree(&document), expected);
                            came_back += 1;
                        }
                        // Where a field that is not known means something, such as
                        // a package manager, it is refused, not lost.
                        Err(faults) => {
                            let tells = faults.iter().any(|fault| fault.field.contains(UNKNOWN));
                            assert!(tells, "{faults:?}");
                        }
                    }
                }
            }
        }
        assert!(came_back > 0, "no sample takes an unknown field");
    }

    fn check_any_trees(&self) {
        let samples: Vec<Node> = (self.samples.iter())
            .flat_map(|sample| self.parsed(sample))
            .collect();
        let mutated = (
            any::<Index>(),
            vec((any::<Index>(), option::of(any_tree())), 1..4),
        );
        proptest!(|((sample, changes) in mutated)| {
            let mut node = sample.get(&samples).clone();
            for (place, replacement) in changes {
                let places = places(&node);
                let place = place.get(&places);
                match replacement {
                    Some(tree) => *at_mut(&mut node, place) = tree,
                    None => remove(&mut node, place),
                }
            }
            self.check_faults(&node);
        });
        proptest!(|(node in any_tree())| self.check_faults(&node));
    }

    /// Reads a tree as the text that it makes, and checks the places of its faults.
    fn check_faults(&self, node: &Node) {
        let mut text = Vec::new();
        write_json_pretty(node, 0, &mut text);
        let node = json::parse(&text, Position::START).expect("JSON comes back");
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        for entry in self.read(STEM, &node) {
            for fault in entry.image.err().into_iter().flatten() {
                let (line, column) = (fault.at.line as usize, fault.at.column as usize);
                let is_inside = line >= 1
                    && column >= 1
                    && (lines.get(line - 1)).is_some_and(|length| column <= *length);
                assert!(is_inside, "{fault} has no place in {text}");
                assert!(!fault.message.is_empty());
            }
        }
    }

    /// Returns the documents of a text as an import takes them.
    fn parsed(&self, text: &str) -> Vec<Node> {
        Items::new(text.as_bytes(), self.syntax)
            .map(|item| item.expect("a good text"))
            .collect()
    }

    fn read(&self, stem: &str, node: &Node) -> Vec<Entry> {
        read(self.platform, Part { stem, node })
    }

    fn document(&self, image: &Image) -> Result<Node, String> {
        let config = &image.config;
        let linked = config.use_image_pull_secret.as_deref();
        let outgoing = Outgoing {
            image,
            name: &config.name,
            url: config.url.as_deref(),
            url_for_gpu: config.url_for_gpu.as_deref(),
            pull_secret: linked.or(config.pull_secret.as_deref()),
            base_pull_secret: (config.spec.as_ref()).and_then(|spec| spec.pull_secret.as_deref()),
        };
        document(self.platform, &outgoing)
    }

    /// Returns the one image of a document that is written and read again.
    fn through_text(&self, name: &str, document: &Node) -> Incoming {
        let mut file = json::parse(self.frame.as_bytes(), Position::START).expect("JSON");
        let is_entry = |place: &Vec<usize>| at(&file, place).as_text() == Some("$ENTRY");
        let place = places(&file).into_iter().find(is_entry);
        *at_mut(&mut file, &place.expect("a place for an entry")) = document.clone();
        let mut text = Vec::new();
        match self.syntax {
            Syntax::Yaml => write_yaml(&file, 0, &mut text),
            _ => write_json_pretty(&file, 0, &mut text),
        }
        let text = String::from_utf8(text).expect("UTF-8");
        let documents = self.parsed(&text);
        let [node] = documents.as_slice() else {
            panic!("{} documents: {text}", documents.len());
        };
        let mut entries = self.read(name, node);
        let entry = entries.pop().expect("an entry");
        assert!(entries.is_empty(), "several entries: {text}");
        match entry.image {
            Ok(incoming) => incoming,
            Err(faults) => panic!("{faults:?} in {text}"),
        }
    }
}

/// Returns a tree in which the order of keys does not matter.
fn tree(node: &Node) -> serde_json::Value {
    let mut text = Vec::new();
    write_json(node, &mut text);
    serde_json::from_slice(&text).expect("JSON")
}

const UNKNOWN: &str = "xUnknown";

fn add_unknown(node: &mut Node) {
    let Value::Map(entries) = &mut node.value else {
        panic!("no object");
    };
    let value = json::parse(br#"{"a": [1.50, null, {"b": "no"}]}"#, Position::START);
    entries.push(Pair {
        key: UNKNOWN.to_owned(),
        at: node.at,
        node: value.expect("JSON"),
    });
}

/// Returns the ways to every node of a tree, each a list of indexes.
fn places(node: &Node) -> Vec<Vec<usize>> {
    let inner: Vec<&Node> = match &node.value {
        Value::List(nodes) => nodes.iter().collect(),
        Value::Map(entries) => entries.iter().map(|entry| &entry.node).collect(),
        _ => Vec::new(),
    };
    let mut all = vec![Vec::new()];
    for (index, node) in inner.into_iter().enumerate() {
        all.extend(places(node).into_iter().map(|mut place| {
            place.insert(0, index);
            place
        }));
    }
    all
}

fn at<'a>(node: &'a Node, place: &[usize]) -> &'a Node {
    place.iter().fold(node, |node, index| match &node.value {
        Value::List(nodes) => &nodes[*index],
        Value::Map(entries) => &entries[*index].node,
        _ => panic!("nothing is there"),
    })
}

fn at_mut<'a>(node: &'a mut Node, place: &[usize]) -> &'a mut Node {
    (place.iter()).fold(node, |node, index| match &mut node.value {
        Value::List(nodes) => &mut nodes[*index],
        Value::Map(entries) => &mut entries[*index].node,
        _ => panic!("nothing is there"),
    })
}

fn remove(node: &mut Node, place: &[usize]) {
    let Some((last, above)) = place.split_last() else {
        return;
    };
    match &mut at_mut(node, above).value {
        Value::List(nodes) => drop(nodes.remove(*last)),
        Value::Map(entries) => drop(entries.remove(*last)),
        _ => {}
    }
}

/// Any small tree, with keys and words that mean something to one platform or other.
fn any_tree() -> impl Strategy<Value = Node> {
    let words = [
        "",
        "name",
        "url",
        "spec",
        "metadata",
        "images",
        "items",
        "kind",
        "Image",
        "List",
        "ImageList",
        "apiVersion",
        "primehub.io/v1alpha1",
        "status",
        "jobCondition",
        "phase",
        "Succeeded",
        "tags",
        "no",
        "null",
        "5",
        "a\nb",
        "user:secret@host/app",
        "sha256:00",
        "imageSpec",
        "packages",
        "pip",
        "oci_image_name",
        "profile_list",
        "kubespawner_override",
        "image",
        "annotations",
        "imageConfig",
        "values",
        "spawnerFormDefaults",
        "options",
        "imagePullPolicy",
        "from",
        "labels",
        "a.b",
        "a[0]",
        "from.name",
        "日本",
    ];
    let word = prop_oneof![
        4 => select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => select(vec!["0", "-1", "1.50", "1e300", "123456789012345678901"])
            .prop_map(|number| Value::Number(number.to_owned())),
        4 => word.clone().prop_map(Value::String),
    ];
    leaf.prop_map(Node::new)
        .prop_recursive(4, 30, 5, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::List),
                btree_map(word.clone(), inner, 0..5).prop_map(|map| {
                    let entry = |(key, node)| Pair {
                        key,
                        at: Position::default(),
                        node,
                    };
                    Value::Map(map.into_iter().map(entry).collect())
                }),
            ]
            .prop_map(Node::new)
        })
}

/// Returns an image as a catalog would hold it.
fn stored(image: &NewImage) -> Image {
    let groups = match &image.groups {
        GroupsInput::Set(groups) => groups,
        GroupsInput::Change { connect, .. } => connect,
    };
    Image {
        config: image.config.clone(),
        groups: groups.iter().map(|group| group_of(group.label())).collect(),
        seen: image.seen.clone(),
        ..Image::default()
    }
}

fn group_of(name: &str) -> Group {
    Group {
        id: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
        name: name.to_owned(),
        display_name: name.to_owned(),
    }
}

/// Links a secret that the catalog knows, as an import does.
fn link_secrets(before: &ImageConfig, config: &mut ImageConfig) {
    if config.pull_secret.is_some() && config.pull_secret == before.use_image_pull_secret {
        config.use_image_pull_secret = config.pull_secret.take();
    }
}

/// Clears what a platform has no place for.
fn without_lost(platform: Platform, mut image: Image) -> Image {
    for field in fields::lost(platform, &image) {
        let config = &mut image.config;
        match field.as_str() {
            "displayName" => config.display_name.clone_from(&config.name),
            "description" => config.description = None,
            "type" => config.image_type = ImageType::default(),
            "url" => config.url = None,
            "urlForGpu" => config.url_for_gpu = None,
            "useImagePullSecret" | "pullSecret" => {
                (config.use_image_pull_secret, config.pull_secret) = (None, None);
            }
            "global" => config.global = false,
            "groups" => image.groups.clear(),
            "imageSpec" => config.spec = None,
            "jobStatus" => config.job = None,
            "pullPolicy" => config.pull_policy = None,
            "tags" => config.tags.clear(),
            "labels" => config.labels.clear(),
            "kind" => config.kind = None,
            "command" => config.command = None,
            "picture" => config.picture = None,
            "archived" => config.archived = false,
            other => config.extra.retain(|(key, _)| key != other),
        }
    }
    settle_readiness(&mut image.config);
    image
}

/// Any image that a catalog may hold.
fn image(platform: Platform) -> impl Strategy<Value = Image> {
    let about = (
        "[a-z]([a-z0-9-]{0,6}[a-z0-9])?",
        prop_oneof!["[A-Za-z0-9 .()-]{1,12}", "\\PC{1,8}", some_text()],
        option::of(some_text()),
        select(vec![ImageType::Cpu, ImageType::Gpu, ImageType::Both]),
        source(),
        secret(),
        any::<bool>(),
        vec("[a-z]{1,5}", 0..3),
    );
    let more = (
        option::of(select(vec![
            PullPolicy::Always,
            PullPolicy::IfNotPresent,
            PullPolicy::Never,
        ])),
        proptest::collection::btree_set("[^\\s\\pC]{1,6}( [^\\s\\pC]{1,4})?", 0..4),
        btree_map("\\PC{1,6}", some_text(), 0..3),
        option::of(select(vec![
            "app", "base", "kernel", "lab_app", "notebook", "runtime", "web",
        ])),
        option::of(some_text()),
        option::of(select(vec![
            "17",
            "007",
            "flask",
            "https://example.com/a.png",
            "1.50",
        ])),
        option::of("[a-z0-9]{1,5}"),
        any::<bool>(),
        vec(
            select(vec!["xOther", "x-third", "adalab", "kubeflow"]),
            0..2,
        ),
    );
    let seen = (
        option::of(digest()),
        option::of(any::<bool>()),
        option::of("[a-z0-9.]{1,4}"),
    );
    (about, more, seen).prop_map(move |(about, more, (digest, is_ready, pinned_tag))| {
        let (name, display_name, description, image_type, source, secret, global, groups) = about;
        let (pull_policy, tags, labels, kind, command, picture, author, archived, extra) = more;
        let mut config = ImageConfig {
            display_name: if display_name.is_empty() {
                name.clone()
            } else {
                display_name
            },
            name,
            description,
            image_type,
            global,
            is_ready,
            pull_policy,
            tags: tags.into_iter().collect(),
            labels,
            kind: kind.map(str::to_owned),
            command,
            picture: picture.map(str::to_owned),
            author,
            archived,
            formats: vec![platform.name().to_owned()],
            pinned_tag: pinned_tag.filter(|tag| !tag.starts_with('.')),
            ..source
        };
        (config.use_image_pull_secret, config.pull_secret) = secret;
        for key in extra {
            let is_other = key != platform.name();
            if is_other && config.extra.iter().all(|(known, _)| known != key) {
                config
                    .extra
                    .push((key.to_owned(), r#"{"a":[1]}"#.to_owned()));
            }
        }
        settle_readiness(&mut config);
        let url = Sighting {
            digest: digest.filter(|_| config.url.is_some()),
            ..Sighting::default()
        };
        let new = NewImage {
            config,
            groups: GroupsInput::Set(groups.into_iter().map(GroupRef::Known).collect()),
            seen: Seen {
                url,
                ..Seen::default()
            },
        };
        let faults = image_rules::faults(&new);
        assert!(faults.is_empty(), "no image of a catalog: {faults:?}");
        stored(&new)
    })
}

/// A secret that the catalog knows, another one, or none.
fn secret() -> impl Strategy<Value = (Option<String>, Option<String>)> {
    (0..3, "[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])").prop_map(|(which, name)| match which {
        0 => (None, None),
        1 => (Some(format!("image-{name}")), None),
        _ => (None, Some(name)),
    })
}

/// Where an image comes from: references, a spec, or both once it is built.
fn source() -> impl Strategy<Value = ImageConfig> {
    let jobs = (
        select(JobPhase::NAMES.to_vec()),
        option::of(reference()),
        option::of("[a-z]{1,4}"),
        any::<bool>(),
    );
    let references = (option::of(reference()), option::of(reference()));
    (references, option::of(spec()), option::of(jobs)).prop_map(
        |((url, url_for_gpu), spec, job)| {
            let job = job.map(|(phase, image, name, more)| {
                let text = |text: String| format!("\"{text}\"");
                let mut extra = Vec::new();
                extra.extend(name.map(|name| ("jobName".to_owned(), text(name))));
                extra.extend(image.map(|image| ("image".to_owned(), text(image))));
                extra.extend(more.then(|| ("x-more".to_owned(), "[1,null]".to_owned())));
                let phase = JobPhase::from_name(phase).expect("a phase");
                JobStatus { phase, extra }
            });
            let is_built = (job.as_ref()).is_some_and(|job| job.phase == JobPhase::Succeeded);
            let has_url = url.is_some() || url_for_gpu.is_some();
            ImageConfig {
                url,
                url_for_gpu,
                spec: spec.filter(|_| !has_url || is_built),
                job,
                ..ImageConfig::default()
            }
        },
    )
}

fn spec() -> impl Strategy<Value = ImageSpec> {
    let package = || vec(select(vec!["a", "pandas>=2", "jax[cuda]", "é #: x"]), 0..3);
    let secret = option::of("[a-z]{2,4}");
    (
        reference(),
        secret,
        package(),
        package(),
        package(),
        any::<bool>(),
    )
        .prop_map(|(base_image, pull_secret, apt, conda, mut pip, more)| {
            if apt.is_empty() && conda.is_empty() && pip.is_empty() {
                pip.push("numpy");
            }
            let list = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
            ImageSpec {
                base_image,
                pull_secret,
                apt: list(apt),
                conda: list(conda),
                pip: list(pip),
                extra: Vec::from_iter(more.then(|| ("cancel".to_owned(), "true".to_owned()))),
            }
        })
}

fn reference() -> impl Strategy<Value = String> {
    let host = select(vec![
        "",
        "",
        "docker.io/",
        "registry.example.com/",
        "Registry.Example.com:8443/",
        "localhost:5000/",
        "[::1]:5000/",
        "index.docker.io/",
    ]);
    let tag = option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,6}");
    (
        host,
        vec("[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?", 1..4),
        tag,
        option::weighted(0.3, digest()),
    )
        .prop_map(|(host, path, tag, digest)| {
            let mut reference = format!("{host}{}", path.join("/"));
            reference.extend(tag.map(|tag| format!(":{tag}")));
            reference.extend(digest.map(|digest| format!("@{digest}")));
            reference
        })
        .prop_filter("a reference", |text| {
            crate::domain::reference::Reference::check(text).is_ok()
        })
}

fn digest() -> impl Strategy<Value = String> {
    select(vec!['0', 'a', 'f']).prop_map(|digit| format!("sha256:{}", digit.to_string().repeat(64)))
}

/// Text as people write it, and as they do not.
fn some_text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => select(vec![
            "", "plain", "two\nlines\n", "a\r\nb", " a ", "no", "1.10", "null", "5", "- x: y # z",
            "日本 😀", "\"quoted\" \\ '", "\t", "\u{85}\u{2028}", "start --port 80 'a b'",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}
