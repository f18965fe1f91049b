//! Any image that a catalog may hold, and what becomes of it on its way.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::image::settle_readiness;
use super::super::fields;
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{Image, ImageConfig, ImageType, NewImage, PullPolicy, Seen};
use crate::domain::image_rules;
use crate::domain::platform::Platform;
use crate::domain::reference::Reference;
use crate::domain::sighting::Sighting;
use crate::domain::spec::{ImageSpec, JobPhase, JobStatus};

/// Returns an image as a catalog would hold it.
pub(super) fn stored(image: &NewImage) -> Image {
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
pub(super) fn link_secrets(before: &ImageConfig, config: &mut ImageConfig) {
    if config.pull_secret.is_some() && config.pull_secret == before.use_image_pull_secret {
        config.use_image_pull_secret = config.pull_secret.take();
    }
}

/// Clears what a platform has no place for.
pub(super) fn without_lost(platform: Platform, mut image: Image) -> Image {
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
pub(super) fn image(platform: Platform) -> impl Strategy<Value = Image> {
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
        btree_set("[^\\s\\pC]{1,6}( [^\\s\\pC]{1,4})?", 0..4),
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
        any::<bool>(),
    );
    let references = (option::of(reference()), option::of(reference()));
    (references, option::of(spec()), option::of(jobs)).prop_map(
        |((url, url_for_gpu), spec, job)| {
            let job = job.map(|(phase, image, name, more, kept)| {
                let text = |text: String| format!("\"{text}\"");
                let mut extra = Vec::new();
                extra.extend(name.map(|name| ("jobName".to_owned(), text(name))));
                extra.extend(image.map(|image| ("image".to_owned(), text(image))));
                extra.extend(more.then(|| ("x-more".to_owned(), "[1,null]".to_owned())));
                for key in ["key", "baseDigest"].into_iter().filter(|_| kept) {
                    extra.push((key.to_owned(), text("k".to_owned())));
                }
                let phase = JobPhase::from_name(phase).expect("a phase");
                JobStatus { phase, extra }
            });
            let is_built = job.as_ref().is_some_and(JobStatus::was_built);
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
        .prop_filter("a reference", |text| Reference::check(text).is_ok())
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
