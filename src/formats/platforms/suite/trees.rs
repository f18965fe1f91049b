//! Trees: ways into them, changes of them, and any of them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::document::{Entry as Pair, Node, Position, Value, json, write_json};

/// Returns a tree in which the order of keys does not matter.
pub(super) fn tree(node: &Node) -> serde_json::Value {
    let mut text = Vec::new();
    write_json(node, &mut text);
    serde_json::from_slice(&text).expect("JSON")
}

pub(super) const UNKNOWN: &str = "xUnknown";

pub(super) fn add_unknown(node: &mut Node) {
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
pub(super) fn places(node: &Node) -> Vec<Vec<usize>> {
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

pub(super) fn at<'a>(node: &'a Node, place: &[usize]) -> &'a Node {
    place.iter().fold(node, |node, index| match &node.value {
        Value::List(nodes) => &nodes[*index],
        Value::Map(entries) => &entries[*index].node,
        _ => panic!("nothing is there"),
    })
}

pub(super) fn at_mut<'a>(node: &'a mut Node, place: &[usize]) -> &'a mut Node {
    (place.iter()).fold(node, |node, index| match &mut node.value {
        Value::List(nodes) => &mut nodes[*index],
        Value::Map(entries) => &mut entries[*index].node,
        _ => panic!("nothing is there"),
    })
}

pub(super) fn remove(node: &mut Node, place: &[usize]) {
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
pub(super) fn any_tree() -> impl Strategy<Value = Node> {
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
