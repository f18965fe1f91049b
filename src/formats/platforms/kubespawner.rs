//! KubeSpawner's `profile_list`, by itself or in the values of Zero to JupyterHub's
//! Helm chart. What stands around the list is never looked into and never kept,
//! because such values hold secrets.

use super::super::decode::Decoder;
use super::super::document::{Fault, Node, Value};
use super::kept::{keep, kept_of, present, text, unknown, with_kept, words};
use super::{Entry, Incoming, Outgoing, Part, fields, finished, not_an_object};
use crate::domain::image::{ImageConfig, NewImage, PullPolicy};
use crate::domain::platform::Platform;

const PLATFORM: Platform = Platform::Kubespawner;

/// What is changed of the spawner's own settings where a profile is chosen.
const OVERRIDE: &str = "kubespawner_override";

/// Fields that only a profile has.
const FIELDS: [&str; 4] = ["display_name", "slug", "profile_options", OVERRIDE];

/// Where a document may hold a list of profiles.
const LISTS: [&str; 6] = [
    "profile_list",
    "profileList",
    "singleuser.profileList",
    "jupyterhub.singleuser.profileList",
    "hub.config.KubeSpawner.profile_list",
    "jupyterhub.hub.config.KubeSpawner.profile_list",
];

/// Returns the entries of a document: a profile, or an object that holds a list of
/// them.
pub(super) fn entries(part: Part<'_>) -> Vec<Entry> {
    let node = part.node;
    if node.as_map().is_none() {
        return vec![unkeepable(node, not_an_object(node, "a profile"))];
    }
    if FIELDS.iter().any(|field| node.get(field).is_some()) {
        let (name, image) = profile_of(node);
        return vec![Entry::whole(name, node, image)];
    }
    let lists = LISTS
        .iter()
        .filter_map(|path| Some((*path, node.find(path)?)));
    let mut found = Vec::new();
    let mut has_list = false;
    for (path, list) in lists {
        has_list = true;
        match list.as_list() {
            Some(profiles) => found.extend(entries_of_list(path, profiles)),
            None if list.is_null() => {}
            None => {
                let mut decoder = Decoder::default();
                decoder.mistyped(path, list, "a list");
                found.push(unkeepable(list, decoder.faults));
            }
        }
    }
    if !has_list {
        let rule = format!(
            "neither a profile, which has a display_name, nor an object with a list of profiles \
             at one of {}",
            LISTS.join(", ")
        );
        found.push(unkeepable(node, vec![node.fault("", rule)]));
    }
    found
}

fn entries_of_list(path: &str, profiles: &[Node]) -> Vec<Entry> {
    let entry = |(index, node): (usize, &Node)| {
        let (name, image) = profile_of(node);
        let here = |fault: Fault| fault.under_index(index).under_key(path);
        let image = image.map_err(|faults| faults.into_iter().map(here).collect());
        Entry::part(name, node, image)
    };
    profiles.iter().enumerate().map(entry).collect()
}

/// Returns the faults of a document of which nothing may be kept.
fn unkeepable(node: &Node, faults: Vec<Fault>) -> Entry {
    Entry {
        part: Some(Node::new(Value::Map(Vec::new()))),
        ..Entry::whole(String::new(), node, Err(faults))
    }
}

/// Returns the name of a profile, empty where it has none, and its image.
fn profile_of(node: &Node) -> (String, Result<Incoming, Vec<Fault>>) {
    if node.as_map().is_none() {
        return (String::new(), Err(not_an_object(node, "a profile")));
    }
    let mut decoder = Decoder::default();
    let mut image = NewImage::default();
    let config = &mut image.config;
    let mut known = vec!["display_name", "description"];
    let mut text_of = |field: &str| decoder.text(field, node.get(field)?);
    config.description = text_of("description");
    config.display_name = text_of("display_name").unwrap_or_default();
    let slug = text_of("slug").filter(|slug| !slug.is_empty());
    config.name = name_of(slug.as_deref().unwrap_or(&config.display_name));
    if slug.is_none_or(|slug| slug == config.name) {
        known.push("slug");
    }
    let has_text = |at: &&Node| !at.is_null() && at.as_text() != Some("");
    if node.get("display_name").filter(has_text).is_none() {
        let at = node.get("display_name").unwrap_or(node);
        decoder.push(at.fault("display_name", "display_name is required"));
    }
    let name = config.name.clone();
    if name.is_empty() {
        if decoder.faults.is_empty() {
            let rule = "a slug is required where no name can be made of the display_name";
            decoder.push(node.fault("slug", rule));
        }
        // What is wrong was said above.
        "profile".clone_into(&mut config.name);
    }
    override_of(&mut decoder, node, config, &mut known);
    keep(config, PLATFORM, unknown(node, &known));
    let image = finished(PLATFORM, image, decoder.faults, node, place).map(|image| Incoming {
        image,
        fields: fields::held(PLATFORM).to_vec(),
    });
    (name, image)
}

/// Returns the name that a slug or a display name makes: KubeSpawner itself makes a
/// slug of the display name where there is none.
fn name_of(text: &str) -> String {
    PLATFORM.nearest_name(text).unwrap_or_default()
}

fn override_of(
    decoder: &mut Decoder,
    profile: &Node,
    config: &mut ImageConfig,
    known: &mut Vec<&str>,
) {
    known.push("kubespawner_override.image");
    known.push("kubespawner_override.image_pull_policy");
    let node = profile.get(OVERRIDE);
    let mut is_known = node.is_none_or(|node| node.is_null() || node.as_map().is_some());
    for entry in node.map_or(&[][..], |node| decoder.object(OVERRIDE, node)) {
        let (field, node) = (format!("{OVERRIDE}.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "image" => {
                is_known = node.is_null() || node.as_text().is_some();
                config.url = decoder.text(&field, node).filter(|url| !url.is_empty());
            }
            "image_pull_policy" => {
                config.pull_policy =
                    decoder.choice(&field, node, &PullPolicy::NAMES, PullPolicy::from_name);
            }
            "image_pull_secrets" => {
                config.pull_secret = pull_secret_of(decoder, &field, node);
                if config.pull_secret.is_some() {
                    known.push("kubespawner_override.image_pull_secrets");
                }
            }
            "cmd" => {
                config.command = command_of(decoder, &field, node);
                if config.command.is_some() {
                    known.push("kubespawner_override.cmd");
                }
            }
            _ => {}
        }
    }
    if config.url.is_none() && is_known {
        let at = node.and_then(|node| node.get("image")).or(node);
        decoder.push(at.unwrap_or(profile).fault(
            "kubespawner_override.image",
            "an image is required; profiles without one, and those that choose it by \
             `profile_options`, are not kept in the catalog",
        ));
    }
}

/// Returns the one secret that a profile names: a list of names or of objects with
/// a `name`, or as up to KubeSpawner 0.13 a name by itself. Several are not taken
/// apart, and none is no secret.
fn pull_secret_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    if let Some(name) = node.as_text() {
        return (!name.is_empty()).then(|| name.to_owned());
    }
    let mut names = Vec::new();
    let nodes = decoder.list(field, node);
    for (index, node) in nodes.iter().enumerate() {
        match (node.as_text(), node.as_map()) {
            (Some(name), _) => names.push(name),
            (None, Some([only])) if only.key == "name" && only.node.as_text().is_some() => {
                names.extend(only.node.as_text());
            }
            (None, Some(_)) => {}
            (None, None) => {
                let field = format!("{field}[{index}]");
                decoder.mistyped(&field, node, "a name or an object with a `name`");
            }
        }
    }
    match names[..] {
        [name] if nodes.len() == 1 && !name.is_empty() => Some(name.to_owned()),
        _ => None,
    }
}

/// Returns the command as a shell would read it.
fn command_of(decoder: &mut Decoder, field: &str, node: &Node) -> Option<String> {
    let words = match node.as_text() {
        Some(word) => vec![word.to_owned()],
        None => decoder.words(field, node),
    };
    if words.is_empty() {
        return None;
    }
    let joined = shlex::try_join(words.iter().map(String::as_str));
    if joined.is_err() {
        decoder.push(node.fault(field, "cmd should hold no NUL character"));
    }
    joined.ok()
}

/// Returns where a profile has a field of the catalog.
fn place(field: &str) -> String {
    match field {
        "name" => "slug".to_owned(),
        "displayName" => "display_name".to_owned(),
        "url" => format!("{OVERRIDE}.image"),
        "pullPolicy" => format!("{OVERRIDE}.image_pull_policy"),
        "pullSecret" => format!("{OVERRIDE}.image_pull_secrets"),
        "command" => format!("{OVERRIDE}.cmd"),
        other => other.to_owned(),
    }
}

/// Returns the profile of an image.
///
/// # Errors
/// For an image without a reference, and a command that can be none.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let config = &outgoing.image.config;
    let url = outgoing
        .url
        .ok_or("it has no `url`, and a profile needs an image")?;
    let mut kept = kept_of(config, PLATFORM);
    let slug = slug_of(kept.as_ref(), outgoing.name);
    if let Some(Value::Map(entries)) = kept.as_mut().map(|kept| &mut kept.value) {
        entries.retain(|entry| entry.key != "slug");
    }
    let secrets = outgoing.pull_secret.map(|name| words(&[name.to_owned()]));
    let command = config.command.as_deref();
    if command.is_some_and(|command| command.contains('\0')) {
        return Err("its `command` holds a NUL character, which no command can".to_owned());
    }
    let command = command.map(|command| words(&words_of(command)));
    let changes = present([
        ("image", Some(text(url))),
        (
            "image_pull_policy",
            config.pull_policy.map(|policy| text(policy.name())),
        ),
        ("image_pull_secrets", secrets),
        ("cmd", command),
    ]);
    let written = present([
        ("display_name", Some(text(&config.display_name))),
        ("slug", Some(text(slug))),
        ("description", config.description.as_ref().map(text)),
        (OVERRIDE, Some(changes)),
    ]);
    Ok(with_kept(written, kept.as_ref()))
}

/// Returns the slug of the file where it only had to be made fit for a name.
fn slug_of(kept: Option<&Node>, name: &str) -> String {
    let slug = kept.and_then(|kept| kept.get("slug")?.as_text());
    slug.filter(|slug| name_of(slug) == name)
        .unwrap_or(name)
        .to_owned()
}

/// Returns the words of a command as a shell would read it. One that no shell can
/// read, or that would lose a comment, is one word.
fn words_of(command: &str) -> Vec<String> {
    match shlex::split(command) {
        Some(words) if !words.is_empty() && !has_comment(command, &words) => words,
        _ => vec![command.to_owned()],
    }
}

/// Returns whether a command would be split into other words if `#` were a letter.
fn has_comment(command: &str, words: &[String]) -> bool {
    if !command.contains('#') {
        return false;
    }
    // Such characters mean nothing to a shell.
    let letter = ('\u{e000}'..='\u{f8ff}').find(|letter| !command.contains(*letter));
    let split = letter.and_then(|letter| {
        let split = shlex::split(&command.replace('#', letter.encode_utf8(&mut [0; 4])))?;
        let words = split.into_iter().map(|word| word.replace(letter, "#"));
        Some(words.collect::<Vec<String>>())
    });
    split.as_deref() != Some(words)
}

/// Returns whether two commands are the same words, however they are quoted.
pub(super) fn is_same_command(one: &str, other: &str) -> bool {
    one == other || words_of(one) == words_of(other)
}

#[cfg(test)]
mod tests {
    use super::super::super::document::{Position, YamlItems, json, write_json};
    use super::*;
    use crate::domain::image::Image;

    fn parse(yaml: &str) -> Node {
        let mut items = YamlItems::new(yaml.as_bytes());
        items.next().expect("an item").expect("YAML")
    }

    fn read(yaml: &str) -> Vec<Entry> {
        let node = parse(yaml);
        entries(Part {
            stem: "profile_list",
            node: &node,
        })
    }

    fn only(yaml: &str) -> NewImage {
        let mut entries = read(yaml);
        assert_eq!(entries.len(), 1, "{yaml}");
        entries.remove(0).image.expect("no faults").image
    }

    fn check_faults(yaml: &str, expected: &[&str]) {
        let faults: Vec<String> = read(yaml)
            .into_iter()
            .flat_map(|entry| entry.image.err().unwrap_or_default())
            .map(|fault| fault.to_string())
            .collect();
        assert_eq!(faults, expected, "{yaml}");
    }

    fn written(image: &NewImage) -> Node {
        let image = Image {
            config: image.config.clone(),
            ..Image::default()
        };
        let outgoing = Outgoing {
            image: &image,
            name: &image.config.name,
            url: image.config.url.as_deref(),
            url_for_gpu: None,
            pull_secret: image.config.pull_secret.as_deref(),
            base_pull_secret: None,
        };
        document(&outgoing).expect("a profile")
    }

    /// What was written says what the catalog says already.
    fn check_unchanged(image: &NewImage, document: &Node) {
        let before = Image {
            config: image.config.clone(),
            ..Image::default()
        };
        let mut found = entries(Part {
            stem: "x",
            node: document,
        });
        let incoming = found.remove(0).image.expect("no faults");
        let after = fields::overlaid(PLATFORM, &before, &incoming);
        assert_eq!(after.config, image.config);
    }

    fn as_json(node: &Node) -> String {
        let mut out = Vec::new();
        write_json(node, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    const PROFILE: &str = r#"
display_name: "R 4.5"
slug: r-45
description: Statistics
default: true
kubespawner_override:
  image: quay.io/team/r:4.5
  image_pull_policy: Always
  image_pull_secrets: [{name: team-pull}]
  cmd: [start.sh, "a b"]
  default_url: /rstudio
  environment: {LEVEL: "3"}
"#;

    #[test]
    fn a_profile_is_read_and_comes_back_with_what_is_not_known() {
        let image = only(PROFILE);
        let config = &image.config;
        assert_eq!(config.name, "r-45");
        assert_eq!(config.display_name, "R 4.5");
        assert_eq!(config.description.as_deref(), Some("Statistics"));
        assert_eq!(config.url.as_deref(), Some("quay.io/team/r:4.5"));
        assert_eq!(config.pull_policy, Some(PullPolicy::Always));
        assert_eq!(config.pull_secret.as_deref(), Some("team-pull"));
        assert_eq!(config.command.as_deref(), Some("start.sh 'a b'"));
        let kept = r#"{"default":true,"kubespawner_override":{"default_url":"/rstudio","environment":{"LEVEL":"3"}}}"#;
        let expected = vec![("kubespawner".to_owned(), kept.to_owned())];
        assert_eq!(config.extra, expected);
        let document = written(&image);
        assert_eq!(
            as_json(&document),
            r#"{"display_name":"R 4.5","slug":"r-45","description":"Statistics","kubespawner_override":{"image":"quay.io/team/r:4.5","image_pull_policy":"Always","image_pull_secrets":["team-pull"],"cmd":["start.sh","a b"],"default_url":"/rstudio","environment":{"LEVEL":"3"}},"default":true}"#
        );
        check_unchanged(&image, &document);
    }

    #[test]
    fn a_list_is_found_where_helm_and_the_hub_have_it_and_nothing_else_is_kept() {
        for path in LISTS {
            let mut yaml = "proxy: {secretToken: hidden}\n".to_owned();
            let keys: Vec<&str> = path.split('.').collect();
            for (depth, key) in keys.iter().enumerate() {
                yaml += &format!("{}{key}:\n", "  ".repeat(depth));
            }
            let inset = "  ".repeat(keys.len());
            yaml += &format!(
                "{inset}- display_name: A B\n{inset}  kubespawner_override: {{image: a}}\n"
            );
            yaml += &format!("{inset}- display_name: C\n");
            let found = read(&yaml);
            assert_eq!(found.len(), 2, "{path}");
            assert_eq!(found[0].name, "a-b");
            assert!(found[0].image.is_ok());
            let kept: String = found.iter().map(|entry| format!("{entry:?}")).collect();
            assert!(!kept.contains("hidden"), "{kept}");
            let faults = found[1].image.as_ref().expect_err("no image");
            let expected = format!("{path}[1].kubespawner_override.image");
            assert_eq!(faults[0].field, expected);
        }
    }

    #[test]
    fn a_document_that_is_wrong_as_a_whole_keeps_nothing() {
        for yaml in [
            "hub: {password: hidden}\n",
            "profile_list: hidden\n",
            "singleuser: {profileList: {hidden: hidden}}\n",
        ] {
            let found = read(yaml);
            assert_eq!(found.len(), 1, "{yaml}");
            assert!(found[0].image.is_err(), "{yaml}");
            assert_eq!(as_json(found[0].part.as_ref().expect("a part")), "{}");
        }
        assert!(read("singleuser: {profileList: null}\n").is_empty());
    }

    #[test]
    fn what_only_looks_like_a_field_of_ours_is_kept() {
        let check = |changes: &str, kept: &str| {
            let yaml = format!("display_name: X\nkubespawner_override: {{image: a, {changes}}}\n");
            let image = only(&yaml);
            let document = as_json(&written(&image));
            let expected = format!(
                r#"{{"display_name":"X","slug":"x","kubespawner_override":{{"image":"a",{kept}}}}}"#
            );
            assert_eq!(document, expected);
        };
        check(
            "image_pull_secrets: [a, {name: b}]",
            r#""image_pull_secrets":["a",{"name":"b"}]"#,
        );
        check("image_pull_secrets: []", r#""image_pull_secrets":[]"#);
        check("image_pull_secrets: [a]", r#""image_pull_secrets":["a"]"#);
        check("image_pull_secrets: a", r#""image_pull_secrets":["a"]"#);
        // The chart's own default is a command; null asks for that of the image.
        check("cmd: null", r#""cmd":null"#);
        check("cmd: a b", r#""cmd":["a b"]"#);
        check("cmd: [a, '']", r#""cmd":["a",""]"#);
    }

    #[test]
    fn a_command_that_no_shell_can_read_is_one_word() {
        let mut image = only("display_name: X\nkubespawner_override: {image: a}\n");
        for (command, expected) in [
            ("it's", r#"["it's"]"#),
            ("", r#"[""]"#),
            ("a 'b c'", r#"["a","b c"]"#),
            ("a#b '#c'", r##"["a#b","#c"]"##),
            ("- x: y # z", r##"["- x: y # z"]"##),
            ("# z", r##"["# z"]"##),
            ("a \u{e000}#", "[\"a\",\"\u{e000}#\"]"),
        ] {
            image.config.command = Some(command.to_owned());
            let document = written(&image);
            check_unchanged(&image, &document);
            let found = document.find("kubespawner_override.cmd").map(as_json);
            assert_eq!(found.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_command_of_the_same_words_stays_as_it_is_written() {
        let before = only("display_name: X\nkubespawner_override: {image: a}\n");
        let check = |old: &str, cmd: &str, expected: Option<&str>| {
            let mut image = before.clone();
            image.config.command = Some(old.to_owned());
            let changes = format!("{{image: a, cmd: {cmd}}}");
            let yaml = format!("display_name: X\nkubespawner_override: {changes}\n");
            let incoming = read(&yaml).remove(0).image.expect("no faults");
            let before = Image {
                config: image.config,
                ..Image::default()
            };
            let after = fields::overlaid(PLATFORM, &before, &incoming);
            assert_eq!(after.config.command.as_deref(), expected, "{old} and {cmd}");
        };
        check("sh -c \"x\"", "[sh, -c, x]", Some("sh -c \"x\""));
        check("  a  b", "[a, b]", Some("  a  b"));
        check("", "['']", Some(""));
        check("''", "['']", Some("''"));
        check("a b", "[a b]", Some("'a b'"));
        check("a b", "[b, a]", Some("b a"));
        check("a b", "[]", None);
    }

    #[test]
    fn a_command_with_a_nul_is_none() {
        let mut image = Image::default();
        image.config.name = "a".to_owned();
        image.config.command = Some("a\0".to_owned());
        let outgoing = Outgoing {
            image: &image,
            name: "a",
            url: Some("a"),
            url_for_gpu: None,
            pull_secret: None,
            base_pull_secret: None,
        };
        assert!(document(&outgoing).is_err());
    }

    #[test]
    fn a_slug_that_is_no_name_is_kept_beside_the_nearest_one() {
        let image = only("slug: RA 0.5\ndisplay_name: X\nkubespawner_override: {image: a}\n");
        assert_eq!(image.config.name, "ra-0.5");
        let document = written(&image);
        assert_eq!(document.get("slug").and_then(Node::as_text), Some("RA 0.5"));
        let mut copy = image;
        copy.config.name = "other".to_owned();
        let document = written(&copy);
        assert_eq!(document.get("slug").and_then(Node::as_text), Some("other"));
        let image = only("slug: ../../x\ndisplay_name: X\nkubespawner_override: {image: a}\n");
        assert_eq!(image.config.name, "x");
    }

    #[test]
    fn faults_say_where_and_what() {
        check_faults(
            "slug: a\nkubespawner_override:\n  image: 'No Image'\n  image_pull_policy: Sometimes\n",
            &[
                "1:1: display_name: display_name is required",
                "3:10: kubespawner_override.image: `No Image` is not an image reference: \
                 repository path `No Image`: only lower-case ASCII letters and digits between \
                 slashes, joined by `.`, `_`, `__` or any number of `-`",
                "4:22: kubespawner_override.image_pull_policy: image_pull_policy should be one of \
                 ['Always', 'IfNotPresent', 'Never'], but is `Sometimes`",
            ],
        );
        check_faults(
            "display_name: [1]\nslug: {}\ndescription: []\nkubespawner_override: 7\n",
            &[
                "1:15: display_name: display_name should be a string, but is a list",
                "2:7: slug: slug should be a string, but is an object",
                "3:14: description: description should be a string, but is a list",
                "4:23: kubespawner_override: kubespawner_override should be an object, but is a \
                 number",
            ],
        );
        check_faults(
            "display_name: 画像\nprofile_options: {}\nkubespawner_override:\n  cmd: {}\n  \
             image_pull_secrets: [[]]\n",
            &[
                "1:1: slug: a slug is required where no name can be made of the display_name",
                "4:3: kubespawner_override.image: an image is required; profiles without one, and \
                 those that choose it by `profile_options`, are not kept in the catalog",
                "4:8: kubespawner_override.cmd: cmd should be a list, but is an object",
                "5:24: kubespawner_override.image_pull_secrets[0]: image_pull_secrets[0] should \
                 be a name or an object with a `name`, but is a list",
            ],
        );
        check_faults(
            "profile_list: [5]\n",
            &["1:16: profile_list[0]: a profile should be an object, but this is a number"],
        );
    }

    #[test]
    fn nothing_panics_on_values_of_the_wrong_type() {
        for value in [
            "null",
            "5",
            "true",
            "\"\"",
            "\"\\u0000\"",
            "[]",
            "[[1]]",
            "{}",
            "{\"name\":1}",
        ] {
            for text in [
                format!(
                    r#"{{"display_name":{value},"slug":{value},"kubespawner_override":{value}}}"#
                ),
                format!(
                    r#"{{"display_name":"x","kubespawner_override":{{"image":{value},"cmd":{value},"image_pull_secrets":{value}}}}}"#
                ),
                format!(
                    r#"{{"display_name":"x","kubespawner_override":{{"image":"a","cmd":[{value}],"image_pull_secrets":[{value}]}}}}"#
                ),
                format!(r#"{{"profile_list":{value}}}"#),
                format!(r#"{{"profile_list":[{value}]}}"#),
            ] {
                let node = json::parse(text.as_bytes(), Position::START).expect("JSON");
                for entry in entries(Part {
                    stem: "x",
                    node: &node,
                }) {
                    if let Ok(incoming) = entry.image {
                        written(&incoming.image);
                    }
                }
            }
        }
    }
}
