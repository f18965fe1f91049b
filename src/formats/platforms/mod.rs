//! The files of the platforms that read lists of images ↔ images: one file here
//! per platform, and what they share.
//!
//! Every reader gives [`Entry`]s, every writer takes an [`Outgoing`]. What a file
//! holds and the catalog does not know is kept in the image under the name of the
//! platform ([`kept`]); what a platform has no place for is told by [`fields`].

mod adalab;
mod elyra;
pub mod fields;
pub mod imagestream;
mod kept;
pub mod kubeflow;
mod kubespawner;
mod kustomize;
mod primehub;
mod schema;
#[cfg(test)]
mod suite;

pub use elyra::{Instance, runtime_image};
pub use schema::schema;

use super::document::{Fault, Node, Position};
use crate::domain::image::{Image, NewImage};
use crate::domain::image_rules::{self, FieldFault};
use crate::domain::platform::Platform;
use fields::Field;

/// One entry of a platform's file.
#[derive(Debug)]
pub struct Entry {
    /// The name of the image; empty where it is not known.
    pub name: String,
    pub at: Position,
    pub image: Result<Incoming, Vec<Fault>>,
    /// The entry by itself, where a file holds several: what is kept of one that
    /// is not valid.
    pub part: Option<Node>,
    /// Whether the file knows the image by its reference only, so that one of the
    /// catalog with the same reference is meant, whatever its name.
    pub is_only_reference: bool,
}

/// An image as a platform's file has it.
///
/// `config.pull_secret` is the name that the file has, whether the catalog knows
/// that secret or not.
#[derive(Debug)]
pub struct Incoming {
    pub image: NewImage,
    /// What the file says of an image, be it that a field is unset.
    pub fields: Vec<Field>,
}

/// An image as it is to be written for a platform.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    pub image: &'a Image,
    /// The name that the platform allows.
    pub name: &'a str,
    /// The reference, by tag or digest as it was asked for.
    pub url: Option<&'a str>,
    pub url_for_gpu: Option<&'a str>,
    /// The name of the pull secret in the cluster.
    pub pull_secret: Option<&'a str>,
    /// The name of the secret that pulls the base image of a custom image.
    pub base_pull_secret: Option<&'a str>,
}

/// A file, or one document of it, and what it is called by.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The file's name without its ending.
    pub stem: &'a str,
    pub node: &'a Node,
}

/// Returns the entries of one document of a file (a whole file of JSON, a document
/// of YAML, or one element of a list). A fault of the document itself is an entry
/// without a name.
#[must_use]
pub fn read(platform: Platform, part: Part<'_>) -> Vec<Entry> {
    match platform {
        Platform::RuntimeImages => vec![elyra::entry_of(part)],
        Platform::Adalab => vec![adalab::entry(part)],
        Platform::Primehub => primehub::entries(part),
        Platform::Opendatahub => imagestream::entries(part),
        Platform::Kubespawner => kubespawner::entries(part),
        Platform::Kubeflow => kubeflow::entries(part),
        Platform::Kustomize => kustomize::entries(part),
    }
}

/// Returns a document with the nearest allowed names where it has others; nothing
/// where the names of that platform's images are made of what a file says anyway.
#[must_use]
pub fn renamed(platform: Platform, node: &Node) -> Option<Node> {
    (platform == Platform::Primehub).then(|| {
        let mut node = node.clone();
        primehub::rename(&mut node);
        node
    })
}

/// Returns an image by itself as its platform has it: the whole file where a file
/// is one entry, else one element of it.
///
/// # Errors
/// Why the platform cannot hold the image.
pub fn document(platform: Platform, outgoing: &Outgoing<'_>) -> Result<Node, String> {
    match platform {
        Platform::RuntimeImages => elyra::document(outgoing),
        Platform::Adalab => adalab::document(outgoing),
        Platform::Primehub => primehub::document(outgoing),
        Platform::Opendatahub => imagestream::document(outgoing),
        Platform::Kubespawner => kubespawner::document(outgoing),
        Platform::Kubeflow => kubeflow::document(outgoing),
        Platform::Kustomize => kustomize::document(outgoing),
    }
}

/// Returns an image without what it keeps of the platform's file, where that does not
/// fit into one: an unknown field that somebody gave the platform's name may be of any
/// shape.
#[must_use]
pub fn without_misfit(platform: Platform, outgoing: &Outgoing<'_>) -> Option<Image> {
    let config = &outgoing.image.config;
    // A value of Kubeflow's is read only in the file around it.
    if platform == Platform::Kubeflow || kept::kept_of(config, platform).is_none() {
        return None;
    }
    let is_read = |outgoing: &Outgoing<'_>| {
        document(platform, outgoing).is_ok_and(|node| {
            let part = Part {
                stem: outgoing.name,
                node: &node,
            };
            read(platform, part).iter().all(|entry| entry.image.is_ok())
        })
    };
    if is_read(outgoing) {
        return None;
    }
    let mut image = outgoing.image.clone();
    (image.config.extra).retain(|(key, _)| key != platform.name());
    let without = Outgoing {
        image: &image,
        ..*outgoing
    };
    is_read(&without).then_some(image)
}

impl Entry {
    /// Returns an entry that is a whole document.
    fn whole(name: String, node: &Node, image: Result<Incoming, Vec<Fault>>) -> Self {
        Self {
            name,
            at: node.at,
            image,
            part: None,
            is_only_reference: false,
        }
    }

    /// Returns one of several entries of a document.
    fn part(name: String, node: &Node, image: Result<Incoming, Vec<Fault>>) -> Self {
        Self {
            part: Some(node.clone()),
            ..Self::whole(name, node, image)
        }
    }
}

/// Returns the fault of a document that is not what the platform's files hold.
fn not_an_object(node: &Node, what: &str) -> Vec<Fault> {
    let message = format!(
        "{what} should be an object, but this is {}",
        node.kind_name()
    );
    vec![node.fault("", message)]
}

/// Completes an image that was read: its default texts, what it belongs to, and
/// the rules that every image keeps. `place` says where the file has the field of
/// that name of ours, such as `metadata.image_name` for `url`.
fn finished(
    platform: Platform,
    mut image: NewImage,
    mut faults: Vec<Fault>,
    node: &Node,
    place: impl Fn(&str) -> String,
) -> Result<NewImage, Vec<Fault>> {
    let config = &mut image.config;
    if config.display_name.is_empty() {
        config.display_name.clone_from(&config.name);
    }
    config.formats = vec![platform.name().to_owned()];
    if let Err(rule) = platform.check_name(&config.name) {
        let near = platform.nearest_name(&config.name);
        let near = near.map(|near| format!("; the nearest allowed name is `{near}`"));
        faults.push(Fault {
            at: node.at,
            field: place("name"),
            message: format!("{rule}{}", near.unwrap_or_default()),
        });
    }
    super::image::settle_readiness(config);
    let reported: Vec<String> = faults.iter().map(|fault| fault.field.clone()).collect();
    for fault in image_rules::faults(&image) {
        if fault.field == "name" {
            continue;
        }
        let fault = FieldFault {
            field: place(&fault.field),
            ..fault
        };
        if !reported.contains(&fault.field) {
            faults.push(super::locate(fault, node));
        }
    }
    if faults.is_empty() {
        return Ok(image);
    }
    faults.sort_by_key(|fault| fault.at);
    Err(faults)
}
