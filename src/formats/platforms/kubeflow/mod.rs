//! Kubeflow's notebook spawner: the config of version 1, and the `WorkspaceKind` of
//! version 2. An image may be in both; what each says of it is kept by itself.

mod files;
mod spawner;
mod workspace_kind;

pub use files::Files;
pub use spawner::full_name;

use super::kept::{object, take_out, text};
use super::{Entry, Incoming, Outgoing, Part, not_an_object};
use crate::domain::platform::Platform;
use crate::formats::document::{Node, Value};

const PLATFORM: Platform = Platform::Kubeflow;

/// The files of an export.
pub const SPAWNER_FILE: &str = "spawner_ui_config.yaml";
pub const WORKSPACE_KIND_FILE: &str = "workspacekind.yaml";

/// What an image keeps of either file.
const WORKSPACE_KIND: &str = "workspaceKind";
const SPAWNER: &str = "spawner";

/// What is kept of an image that a file chooses at first only as it chooses its first:
/// a file must name one, so that this is also what an export writes where the catalog
/// says nothing.
const FIRST: &str = "first";

/// Returns what is kept of an image that a file chooses at first.
fn default_mark(is_first: bool) -> Node {
    match is_first {
        true => text(FIRST),
        false => Node::new(Value::Bool(true)),
    }
}

/// Returns whether what is kept of a file says that it chooses the image at first.
fn is_default(kept: &Node) -> bool {
    let mark = kept.get("default");
    mark.is_some_and(|mark| mark.as_bool() == Some(true) || mark.as_text() == Some(FIRST))
}

/// Returns the entries of a document.
pub(super) fn entries(part: Part<'_>) -> Vec<Entry> {
    let node = part.node;
    let faults = if node.as_map().is_none() {
        not_an_object(node, "Kubeflow's configuration")
    } else if node.get(spawner::DEFAULTS).is_some() {
        return spawner::entries(node);
    } else if is_workspace_kind(node) {
        match workspace_kind::entries(node) {
            Ok(entries) => return entries,
            Err(faults) => faults,
        }
    } else {
        let rule = "neither the config of a spawner, which has `spawnerFormDefaults`, nor an \
                    object whose kind is `WorkspaceKind`";
        vec![node.fault("", rule)]
    };
    vec![Entry::whole(String::new(), node, Err(faults))]
}

fn is_workspace_kind(node: &Node) -> bool {
    node.get("kind").and_then(Node::as_text) == Some(workspace_kind::KIND)
}

/// Returns what an image keeps of the other of the two files than that which it
/// comes from now.
pub(super) fn other_part(incoming: &Incoming, kept: Option<&Node>) -> Option<Node> {
    // The config of version 1 says nothing of an image but that it is there.
    let key = match incoming.fields.is_empty() {
        true => WORKSPACE_KIND,
        false => SPAWNER,
    };
    Some(object([(key, kept?.get(key)?.clone())]))
}

/// Returns what is to be kept of a file where something was kept before: that an image
/// is chosen at first only as it is the first is no news, and an image that was chosen
/// remains so by whichever mark.
pub(super) fn with_default_of(kept: Option<&Node>, new: Node) -> Option<Node> {
    let Value::Map(mut files) = new.value else {
        return None;
    };
    for file in &mut files {
        let known = kept.and_then(|kept| kept.get(&file.key));
        let known = known.filter(|known| is_default(known));
        let known = known.and_then(|known| known.get("default"));
        if let Value::Map(fields) = &mut file.node.value {
            let is_news = |mark: &Node| mark.as_text() != Some(FIRST);
            fields
                .retain(|field| field.key != "default" || known.is_some() || is_news(&field.node));
            let mark = fields.iter_mut().find(|field| field.key == "default");
            if let (Some(mark), Some(known)) = (mark, known) {
                mark.node = known.clone();
            }
        }
    }
    files.retain(|file| file.node.as_map().is_none_or(|fields| !fields.is_empty()));
    (!files.is_empty()).then(|| Node::new(Value::Map(files)))
}

/// Returns what a document holds beside images, and the file of an export that it
/// belongs to; nothing where it is neither of Kubeflow's documents.
#[must_use]
pub fn frame(node: &Node) -> Option<(&'static str, Node)> {
    let mut frame = node.clone();
    if node
        .get(spawner::DEFAULTS)
        .is_some_and(|defaults| defaults.as_map().is_some())
    {
        for group in spawner::GROUPS {
            for key in ["value", "options"] {
                take_out(&mut frame, &[spawner::DEFAULTS, group, key]);
            }
        }
        return Some((SPAWNER_FILE, frame));
    }
    if !is_workspace_kind(node) || workspace_kind::check_version(node).is_err() {
        return None;
    }
    let [spec, template, options, config] = workspace_kind::CONFIG;
    take_out(&mut frame, &[spec, template, options, config, "values"]);
    let default = [spec, template, options, config, "spawner", "default"];
    take_out(&mut frame, &default);
    Some((WORKSPACE_KIND_FILE, frame))
}

/// Returns the value of a `WorkspaceKind` for an image.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let url = outgoing.url.ok_or(NO_URL)?;
    Ok(workspace_kind::value(outgoing, url))
}

const NO_URL: &str = "it has no `url`, and Kubeflow needs an image";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::image::{Image, PullPolicy};
    use crate::formats::document::{MAX_ITEM, YamlItems, write_json, write_yaml};
    use crate::formats::platforms::fields;

    const CONFIG: &str = r#"# A comment
spawnerFormDefaults:
  hideTag: false
  imagePullPolicy: {value: Always}
  image:
    readOnly: true
    value: quay.io/team/jupyter:2
    options:
      - quay.io/team/jupyter:1
      - quay.io/other/jupyter:1
      - quay.io/team/Bad
      - quay.io/team/jupyter:1
  imageGroupOne:
    value: quay.io/team/code:1
    options: [quay.io/team/code:1]
  cpu: {value: "0.5"}
"#;

    const WORKSPACES: &str = r#"apiVersion: kubeflow.org/v1beta1
kind: WorkspaceKind
metadata: {name: lab}
spec:
  podTemplate:
    volumeMounts: {home: /home/me}
    options:
      imageConfig:
        spawner: {default: scipy_190}
        values:
          - id: scipy_180
            spawner:
              displayName: SciPy 1.8
              description: Old
              labels: [{key: python, value: "3.11"}]
              hidden: true
            redirect: {to: scipy_190}
            spec:
              image: quay.io/team/scipy:1.8
              imagePullPolicy: Never
              ports: [{id: lab, port: 8888}]
          - id: scipy_190
            spawner: {displayName: SciPy 1.9}
            spec: {image: "quay.io/team/scipy:1.9", ports: [{id: lab, port: 8888}]}
          - id: plain
            spawner: {displayName: Plain}
            spec: {image: a}
      podConfig: {spawner: {default: small}}
"#;

    fn parse(yaml: &str) -> Node {
        let mut items = YamlItems::new(yaml.as_bytes());
        items.next().expect("an item").expect("YAML")
    }

    fn read(node: &Node) -> Vec<Entry> {
        entries(Part { stem: "x", node })
    }

    fn images(node: &Node) -> Vec<Image> {
        let good = |entry: Entry| entry.image.ok();
        let image = |incoming: Incoming| Image {
            config: incoming.image.config,
            ..Image::default()
        };
        read(node).into_iter().filter_map(good).map(image).collect()
    }

    fn outgoing(image: &Image) -> Outgoing<'_> {
        Outgoing {
            image,
            name: &image.config.name,
            url: image.config.url.as_deref(),
            url_for_gpu: None,
            pull_secret: None,
            base_pull_secret: None,
        }
    }

    fn files(images: &[Image]) -> Files {
        let mut files = Files::default();
        for image in images {
            files.add(&outgoing(image)).expect("room");
        }
        files
    }

    fn as_yaml(node: &Node) -> String {
        let mut out = Vec::new();
        write_yaml(node, 0, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    fn as_json(node: &Node) -> String {
        let mut out = Vec::new();
        write_json(node, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    fn faults(node: &Node) -> Vec<String> {
        let faults = read(node).into_iter().filter_map(|entry| entry.image.err());
        faults.flatten().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn an_option_is_an_image_known_by_its_reference() {
        let node = parse(CONFIG);
        let found = read(&node);
        let names: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        let expected = [
            "jupyter-1",
            "quay.io-other-jupyter-1",
            "",
            "jupyter-2",
            "code-1",
        ];
        assert_eq!(names, expected);
        assert!(found.iter().all(|entry| entry.is_only_reference));
        let extra: Vec<&str> = (found.iter())
            .filter_map(|entry| entry.image.as_ref().ok())
            .inspect(|incoming| assert!(incoming.fields.is_empty()))
            .map(|incoming| match &incoming.image.config.extra[..] {
                [(_, kept)] => kept.as_str(),
                _ => "",
            })
            .collect();
        assert_eq!(
            extra,
            [
                "",
                "",
                r#"{"spawner":{"default":true}}"#,
                r#"{"spawner":{"group":"imageGroupOne","default":"first"}}"#,
            ]
        );
        let faults = faults(&node);
        assert_eq!(faults.len(), 1, "{faults:?}");
        let field = "11:9: spawnerFormDefaults.image.options[2]: ";
        assert!(faults[0].starts_with(field), "{faults:?}");
    }

    #[test]
    fn the_config_comes_back_around_its_images() {
        let node = parse(CONFIG);
        let (file, frame) = frame(&node).expect("a frame");
        assert_eq!(file, SPAWNER_FILE);
        let (config, _) = files(&images(&node)).finish(Some(&frame), None);
        let expected = r#"spawnerFormDefaults:
  hideTag: false
  imagePullPolicy:
    value: Always
  image:
    readOnly: true
    value: quay.io/team/jupyter:2
    options:
      - quay.io/team/jupyter:1
      - quay.io/other/jupyter:1
      - quay.io/team/jupyter:2
  imageGroupOne:
    value: quay.io/team/code:1
    options:
      - quay.io/team/code:1
  cpu:
    value: "0.5"
  imageGroupTwo:
    value: ""
    options: []
"#;
        assert_eq!(as_yaml(&config), expected);
        let again = images(&parse(expected));
        let configs = |images: &[Image]| -> Vec<_> {
            images.iter().map(|image| image.config.clone()).collect()
        };
        assert_eq!(configs(&again), configs(&images(&node)));
    }

    #[test]
    fn a_value_is_an_image() {
        let node = parse(WORKSPACES);
        let found = images(&node);
        let config = &found[0].config;
        assert_eq!(config.name, "scipy-180");
        assert_eq!(config.display_name, "SciPy 1.8");
        assert_eq!(config.description.as_deref(), Some("Old"));
        assert_eq!(
            config.labels.get("python").map(String::as_str),
            Some("3.11")
        );
        assert_eq!(config.pull_policy, Some(PullPolicy::Never));
        let kept = r#"{"workspaceKind":{"id":"scipy_180","spawner":{"hidden":true},"redirect":{"to":"scipy_190"},"spec":{"ports":[{"id":"lab","port":8888}]}}}"#;
        assert_eq!(config.extra, [("kubeflow".to_owned(), kept.to_owned())]);
        let kept = r#"{"workspaceKind":{"id":"scipy_190","default":"first","spec":{"ports":[{"id":"lab","port":8888}]}}}"#;
        assert_eq!(found[1].config.extra[0].1, kept);
        assert_eq!(found[2].config.extra, []);
    }

    #[test]
    fn a_workspace_kind_comes_back_around_its_images() {
        let node = parse(WORKSPACES);
        let (file, frame) = frame(&node).expect("a frame");
        assert_eq!(file, WORKSPACE_KIND_FILE);
        assert!(!as_json(&frame).contains("scipy"));
        let before = images(&node);
        let (_, kind) = files(&before).finish(None, Some(&frame));
        let expected = r#"{"apiVersion":"kubeflow.org/v1beta1","kind":"WorkspaceKind","metadata":{"name":"lab"},"spec":{"podTemplate":{"volumeMounts":{"home":"/home/me"},"options":{"imageConfig":{"spawner":{"default":"scipy_190"},"values":[{"id":"scipy_180","spawner":{"displayName":"SciPy 1.8","description":"Old","labels":[{"key":"python","value":"3.11"}],"hidden":true},"spec":{"image":"quay.io/team/scipy:1.8","imagePullPolicy":"Never","ports":[{"id":"lab","port":8888}]},"redirect":{"to":"scipy_190"}},{"id":"scipy_190","spawner":{"displayName":"SciPy 1.9"},"spec":{"image":"quay.io/team/scipy:1.9","ports":[{"id":"lab","port":8888}]}},{"id":"plain","spawner":{"displayName":"Plain"},"spec":{"image":"a","ports":[{"id":"jupyterlab","displayName":"JupyterLab","port":8888,"protocol":"HTTP"}]}}]},"podConfig":{"spawner":{"default":"small"}}}}}}"#;
        assert_eq!(as_json(&kind), expected);
        for (entry, image) in read(&kind).into_iter().zip(&before) {
            let incoming = entry.image.expect("no faults");
            let after = fields::overlaid(PLATFORM, image, &incoming);
            assert_eq!(after.config, image.config);
        }
    }

    #[test]
    fn what_one_file_says_is_kept_when_the_other_is_read() {
        let image = |yaml: &str| {
            let mut found = read(&parse(yaml));
            found.remove(0).image.expect("no faults")
        };
        let value = |rest: &str| {
            let head = "apiVersion: kubeflow.org/v1beta1\nkind: WorkspaceKind\nspec: {podTemplate: \
                        {options: {imageConfig: {values: [{id: a-1, ";
            format!("{head}spec: {{image: 'a:1'}}{rest}}}]}}}}}}}}\n")
        };
        let options =
            |group: &str| format!("spawnerFormDefaults: {{{group}: {{options: ['a:1']}}}}\n");
        let mut known = Image {
            config: image(&value(", redirect: {to: b}")).image.config,
            ..Image::default()
        };
        known.config.description = Some("Mine".to_owned());
        let mut check = |yaml: &str, expected: &str| {
            known.config = fields::overlaid(PLATFORM, &known, &image(yaml)).config;
            assert_eq!(known.config.extra[0].1, expected);
            known.config.description.clone()
        };
        let kept =
            r#"{"spawner":{"group":"imageGroupTwo"},"workspaceKind":{"redirect":{"to":"b"}}}"#;
        assert_eq!(
            check(&options("imageGroupTwo"), kept).as_deref(),
            Some("Mine")
        );
        check(&value(""), r#"{"spawner":{"group":"imageGroupTwo"}}"#);
        let kept =
            r#"{"workspaceKind":{"redirect":{"to":"c"}},"spawner":{"group":"imageGroupTwo"}}"#;
        check(&value(", redirect: {to: c}"), kept);
        check(
            &options("image"),
            r#"{"workspaceKind":{"redirect":{"to":"c"}}}"#,
        );
    }

    #[test]
    fn without_earlier_files_there_are_new_ones_that_kubeflow_can_use() {
        let mut image = Image::default();
        image.config.name = "a".to_owned();
        image.config.display_name = "A".to_owned();
        image.config.url = Some("quay.io/a:1".to_owned());
        let (config, kind) = files(&[image]).finish(None, None);
        let value = config.find("spawnerFormDefaults.image.value");
        assert_eq!(value.and_then(Node::as_text), Some("quay.io/a:1"));
        for key in ["imageGroupTwo", "cpu", "gpus", "workspaceVolume", "shm"] {
            assert!(config.find(&format!("spawnerFormDefaults.{key}")).is_some());
        }
        let image = r#"{"spawner":{"default":"a"},"values":[{"id":"a","spawner":{"displayName":"A"},"spec":{"image":"quay.io/a:1","ports":[{"id":"jupyterlab","port":8888}]}}]}"#;
        let found = kind
            .find("spec.podTemplate.options.imageConfig")
            .map(as_json);
        assert_eq!(found.as_deref(), Some(image));
        let name = kind.find("metadata.name").and_then(Node::as_text);
        assert_eq!(name, Some("imgdex"));
        assert!(kind.find("spec.podTemplate.ports[0].protocol").is_some());
        assert_eq!((images(&config).len(), images(&kind).len()), (1, 1));
        assert_eq!(
            frame(&kind).map(|(file, _)| file),
            Some(WORKSPACE_KIND_FILE)
        );
        let (config, kind) = Files::default().finish(None, None);
        assert!(read(&config).is_empty());
        assert!(read(&kind).is_empty());
    }

    /// Returns what is kept of the entries that are not valid.
    fn parts(node: &Node) -> Vec<Node> {
        let bad = read(node).into_iter().filter(|entry| entry.image.is_err());
        bad.map(|entry| entry.part.expect("a part")).collect()
    }

    #[test]
    fn a_part_is_a_document_of_one_entry_and_comes_back_at_the_end_of_its_list() {
        let bad = WORKSPACES
            .replace("id: plain", "id: [plain]")
            .replace("id: scipy_180", "id: __");
        let kinds = parse(&bad);
        let found = parts(&kinds);
        let expected = r#"{"apiVersion":"kubeflow.org/v1beta1","kind":"WorkspaceKind","spec":{"podTemplate":{"options":{"imageConfig":{"values":[{"id":["plain"],"spawner":{"displayName":"Plain"},"spec":{"image":"a"}}]}}}}}"#;
        assert_eq!(as_json(&found[1]), expected);
        let options = CONFIG.replace("options: [quay.io/team/code:1]", "options: [{b: c}, No]");
        let config = parse(&options);
        let config_parts = parts(&config);
        let expected = r#"{"spawnerFormDefaults":{"imageGroupOne":{"options":[{"b":"c"}]}}}"#;
        assert_eq!(as_json(&config_parts[1]), expected);
        for part in found.iter().chain(&config_parts) {
            let again = read(part);
            assert_eq!(again.len(), 1);
            assert!(again[0].image.is_err());
            assert_eq!(again[0].part.as_ref().map(as_json), Some(as_json(part)));
        }
        let mut images = images(&kinds);
        images.extend(self::images(&config));
        let mut files = files(&images);
        for part in found.into_iter().chain(config_parts) {
            files.add_part(part);
        }
        let (config, kinds) = files.finish(None, None);
        let list = |node: &Node, path: &str| {
            let list = node.find(path).and_then(Node::as_list).expect("a list");
            list.iter().map(as_json).collect::<Vec<_>>()
        };
        let values = list(&kinds, "spec.podTemplate.options.imageConfig.values");
        assert_eq!(values.len(), images.len() + 2);
        assert!(values[images.len()].starts_with(r#"{"id":"__""#));
        let plain = r#"{"id":["plain"],"spawner":{"displayName":"Plain"},"spec":{"image":"a"}}"#;
        assert_eq!(values[images.len() + 1], plain);
        let group = list(&config, "spawnerFormDefaults.imageGroupOne.options");
        assert_eq!(
            group,
            [r#""quay.io/team/code:1""#, r#"{"b":"c"}"#, r#""No""#]
        );
        let group = list(&config, "spawnerFormDefaults.image.options");
        assert_eq!(
            group.last().map(String::as_str),
            Some(r#""quay.io/team/Bad""#)
        );
        assert_eq!((parts(&config).len(), parts(&kinds).len()), (3, 2));
    }

    #[test]
    fn what_is_wrong_beside_the_images_is_one_part_without_them() {
        let check = |yaml: &str, expected: &str| {
            let found = parts(&parse(yaml));
            let found: Vec<String> = found.iter().map(as_json).collect();
            assert_eq!(found, [expected]);
        };
        check(
            "spawnerFormDefaults: {imagePullPolicy: {value: x}, cpu: 1, image: {value: [], \
             options: {a: b}}, imageGroupTwo: 5, imageGroupOne: {options: [a]}}\n",
            r#"{"spawnerFormDefaults":{"imagePullPolicy":{"value":"x"},"imageGroupTwo":5,"image":{"options":{"a":"b"},"value":[]}}}"#,
        );
        check("spawnerFormDefaults: 5\n", r#"{"spawnerFormDefaults":5}"#);
        let mut files = Files::default();
        for part in [
            "{a: b}",
            "{spawnerFormDefaults: {image: {options: 5}}}",
            "{spec: []}",
        ] {
            files.add_part(parse(part));
        }
        let (config, kinds) = files.finish(None, None);
        assert!(read(&config).is_empty() && read(&kinds).is_empty());
    }

    #[test]
    fn what_is_not_valid_counts_for_the_size_of_the_file() {
        let part = |length: usize| {
            let id = "x".repeat(length);
            parse(&WORKSPACES.replace("id: plain", &format!("id: {id}")))
        };
        let image = images(&parse(WORKSPACES)).remove(0);
        let mut files = Files::default();
        files.add_part(part(MAX_ITEM / 2));
        assert_eq!(files.add(&outgoing(&image)), Ok(()));
        files.add_part(part(MAX_ITEM / 2));
        let mut other = image.clone();
        other.config.name = "other".to_owned();
        assert!(files.add(&outgoing(&other)).is_err());
    }

    /// Returns what images are after the files were imported.
    fn imported(images: &[Image], files: [&Node; 2]) -> Vec<Image> {
        let mut after = images.to_vec();
        for incoming in files.into_iter().flat_map(read) {
            let incoming = incoming.image.expect("no faults");
            let config = &incoming.image.config;
            let known = after
                .iter_mut()
                .find(|image| match incoming.fields.is_empty() {
                    true => image.config.url == config.url,
                    false => image.config.name == config.name,
                });
            let known = known.expect("an image of the catalog");
            known.config = fields::overlaid(PLATFORM, known, &incoming).config;
        }
        after
    }

    #[test]
    fn an_image_is_chosen_at_first_where_a_file_says_so_and_not_by_its_place() {
        let image = |name: &str| {
            let mut image = Image::default();
            image.config.name = name.to_owned();
            image.config.display_name = name.to_owned();
            image.config.url = Some(format!("quay.io/{name}:1"));
            image.config.formats = vec!["kubeflow".to_owned()];
            image
        };
        let choice = |images: &[Image]| {
            let (config, kinds) = files(images).finish(None, None);
            // Importing one's own export changes nothing.
            assert_eq!(imported(images, [&config, &kinds]), images);
            let default = kinds.find("spec.podTemplate.options.imageConfig.spawner.default");
            let value = config.find("spawnerFormDefaults.image.value");
            let [id, url] = [default, value].map(|node| node.and_then(Node::as_text));
            let id = id.expect("an id").to_owned();
            assert_eq!(url, Some(format!("quay.io/{id}:1").as_str()));
            (id, config, kinds)
        };
        // Nobody says anything: it is the first, whichever that is.
        let catalog = [image("a"), image("b"), image("c")];
        let (id, config, kinds) = choice(&catalog);
        assert_eq!(id, "a");
        assert_eq!(choice(&catalog[1..]).0, "b");
        // Another than the first is meant.
        let second = |node: &Node| {
            let yaml = as_yaml(node);
            let yaml = yaml.replace("default: a\n", "default: b\n");
            parse(&yaml.replace("value: quay.io/a:1\n", "value: quay.io/b:1\n"))
        };
        let chosen = imported(&catalog, [&second(&config), &second(&kinds)]);
        assert_eq!(choice(&chosen).0, "b");
        assert_eq!(choice(&chosen[1..]).0, "b");
        // And no more, once the file says otherwise.
        let unchosen = imported(&chosen, [&config, &kinds]);
        assert_eq!(unchosen, catalog);
        // What a file calls the first stays so when others come before it.
        let (_, config, kinds) = choice(&[image("b"), image("c")]);
        for file in [&config, &kinds] {
            let mut fresh = images(file);
            assert_eq!(fresh[0].config.url.as_deref(), Some("quay.io/b:1"));
            let kept = fresh[0].config.extra[0].1.clone();
            assert!(kept.contains(r#""default":"first""#), "{kept}");
            fresh.insert(0, image("a"));
            let (config, kinds) = files(&fresh).finish(None, None);
            assert_eq!(imported(&fresh, [&config, &kinds]), fresh);
            let value = config.find("spawnerFormDefaults.image.value");
            let default = kinds.find("spec.podTemplate.options.imageConfig.spawner.default");
            let chosen = [value, default].map(|node| node.and_then(Node::as_text));
            let expected = match is_workspace_kind(file) {
                true => ["quay.io/a:1", "b"],
                false => ["quay.io/b:1", "a"],
            };
            assert_eq!(chosen, expected.map(Some));
        }
    }

    #[test]
    fn a_copy_of_an_image_has_an_id_of_its_own() {
        let mut copy = images(&parse(WORKSPACES)).remove(0);
        copy.config.name = "copy".to_owned();
        let value = document(&outgoing(&copy)).expect("a value");
        assert_eq!(value.get("id").and_then(Node::as_text), Some("copy"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut image = Image::default();
        image.config.name = "a".to_owned();
        assert!(Files::default().add(&outgoing(&image)).is_err());
        assert!(document(&outgoing(&image)).is_err());
        image.config.url = Some("a".to_owned());
        image.config.description = Some("x".repeat(MAX_ITEM / 2));
        let mut files = Files::default();
        assert_eq!(files.add(&outgoing(&image)), Ok(()));
        image.config.name = "b".to_owned();
        let refused = files.add(&outgoing(&image));
        assert_eq!(
            refused,
            Err("with it the file would be larger than 4 MiB".to_owned())
        );
        image.config.description = None;
        assert_eq!(files.add(&outgoing(&image)), Ok(()));
        assert!(files.add(&outgoing(&image)).is_err(), "the same id");
    }

    #[test]
    fn faults_say_where_and_what() {
        let check = |yaml: &str, expected: &[&str]| {
            assert_eq!(faults(&parse(yaml)), expected, "{yaml}");
        };
        let bad = WORKSPACES
            .replace("id: scipy_180", "id: __")
            .replace(
                "{key: python, value: \"3.11\"}",
                "{key: a, value: b}, {key: a, value: c}, {key: d}, 5",
            )
            .replace("image: quay.io/team/scipy:1.8", "image: [1]")
            .replace("{image: a}", "{}");
        let at = "spec.podTemplate.options.imageConfig.values";
        check(
            &bad,
            &[
                format!("11:17: {at}[0].id: id should hold a letter or a digit, so that the image can be named by it, but is `__`").as_str(),
                format!("15:44: {at}[0].spawner.labels[1].key: the key `a` is there twice").as_str(),
                format!("15:64: {at}[0].spawner.labels[2].value: value is required").as_str(),
                format!("15:74: {at}[0].spawner.labels[3]: labels[3] should be an object with `key` and `value`, but is a number").as_str(),
                format!("19:22: {at}[0].spec.image: image should be a string, but is a list").as_str(),
                format!("27:19: {at}[2].spec.image: an image is required").as_str(),
            ],
        );
        check(
            &WORKSPACES.replace("v1beta1", "v1"),
            &[
                "1:13: apiVersion: apiVersion should be `kubeflow.org/v1beta1`, but is `kubeflow.org/v1`",
            ],
        );
        check(
            "spawnerFormDefaults: {image: {value: [], options: [5, a]}, imageGroupOne: {options: [a]}, imageGroupTwo: []}\n",
            &[
                "1:86: spawnerFormDefaults.imageGroupOne.options[0]: it is an option of `image` already, and has its place there",
                "1:38: spawnerFormDefaults.image.value: value should be a string, but is a list",
                "1:106: spawnerFormDefaults.imageGroupTwo: imageGroupTwo should be an object, but is a list",
            ],
        );
        check(
            "spawnerFormDefaults: {imagePullPolicy: {value: Sometimes}, image: {options: [a, [b]]}}\n",
            &[
                "1:81: spawnerFormDefaults.image.options[1]: options[1] should be a reference, but is a list",
                "1:48: spawnerFormDefaults.imagePullPolicy.value: value should be one of ['Always', 'IfNotPresent', 'Never'], but is `Sometimes`",
            ],
        );
        check(
            "kind: Deployment\n",
            &[
                "1:1: neither the config of a spawner, which has `spawnerFormDefaults`, nor an object whose kind is `WorkspaceKind`",
            ],
        );
    }

    #[test]
    fn nothing_panics_on_values_of_the_wrong_type() {
        for whole in [CONFIG, WORKSPACES] {
            let lines: Vec<&str> = whole.lines().collect();
            for value in [
                "null", "5", "true", "''", "[]", "[[1]]", "{}", "{a: 1}", "../../x", "[{}]",
            ] {
                for (index, line) in lines.iter().enumerate() {
                    let Some((key, _)) = line.split_once(':') else {
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
                    let frame = frame(&node).map(|(_, frame)| frame);
                    for image in images(&node) {
                        let files = files(&[image]);
                        let _ = files.finish(frame.as_ref(), frame.as_ref());
                    }
                }
            }
        }
    }
}
