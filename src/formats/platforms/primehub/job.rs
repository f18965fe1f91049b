//! How far a build has come, as a resource's `status.jobCondition` says it: reading,
//! writing, and what there is no place for.

use super::super::super::decode::Decoder;
use super::super::super::document::{Entry as Pair, Node, Value};
use super::super::super::image::job_of;
use super::super::fields::Field;
use super::super::kept::{entry, present, text, with_kept};
use super::{filled, object, with_extra};
use crate::domain::image::ImageConfig;
use crate::domain::spec::{JobPhase, JobStatus};

/// What a condition has in any case beside its phase.
const TEXTS: [&str; 2] = ["jobName", "image"];

/// Takes over how far a build has come, and returns the reference that it gave.
pub(super) fn status_of(
    decoder: &mut Decoder,
    node: &Node,
    config: &mut ImageConfig,
) -> Option<String> {
    const PATH: &str = "status.jobCondition";
    let (_, condition) = object(decoder, node, "status")
        .iter()
        .map(|entry| (entry.key.as_str(), &entry.node))
        .find(|(key, _)| *key == "jobCondition")?;
    let mut left = Vec::new();
    for entry in decoder.object(PATH, condition) {
        let is_text = entry.key == "phase" || TEXTS.contains(&entry.key.as_str());
        if !is_text {
            left.push(entry.clone());
        } else if let Some(text) = filled(decoder, &format!("{PATH}.{}", entry.key), &entry.node) {
            let value = Value::String(text);
            let at = entry.node.at;
            left.push(Pair {
                node: Node { at, value },
                ..entry.clone()
            });
        }
    }
    let condition = Node {
        at: condition.at,
        value: Value::Map(left),
    };
    config.job = job_of(decoder, PATH, &condition);
    let image = condition.get("image").and_then(Node::as_text);
    (config.job.as_ref())
        .filter(|job| job.phase == JobPhase::Succeeded)
        .and_then(|_| image.map(str::to_owned))
}

/// Returns the condition of a job.
pub(super) fn condition_of(job: &JobStatus) -> Node {
    let phase = present([("phase", Some(text(job.phase.name())))]);
    let written = with_extra(phase, &job.extra);
    // PrimeHub's definition requires them, and programs in Go write them so.
    let unset = TEXTS.map(|key| entry(key, text("")));
    with_kept(written, Some(&Node::new(Value::Map(unset.into()))))
}

/// Returns whether a resource can say how far the image's build has come: a job's name
/// and image are texts there, and the image of a good one is read back as the reference.
pub(in super::super) fn has_room_for_job(config: &ImageConfig) -> bool {
    config.job.as_ref().is_some_and(|job| {
        let is_set = |key: &str| job.extra.iter().any(|(known, _)| known == key);
        let is_text = |key: &str| job.text(key).is_some_and(|text| !text.is_empty());
        let gives_url = job.phase == JobPhase::Succeeded && is_set("image");
        TEXTS.iter().all(|key| !is_set(key) || is_text(key)) && (config.url.is_some() || !gives_url)
    })
}

/// Returns whether a resource can say how the image is built: beside a reference it
/// is refused, unless the job says that the reference is what was built.
pub(in super::super) fn has_room_for_spec(config: &ImageConfig) -> bool {
    let has_url = config.url.is_some() || config.url_for_gpu.is_some();
    !has_url || has_room_for_job(config)
}

/// Returns whether a resource leaves a field out because it has no place for what an
/// image has in it, which is then not cleared.
pub(in super::super) fn cannot_say(
    field: Field,
    before: &ImageConfig,
    given: &ImageConfig,
) -> bool {
    match field {
        Field::Spec => given.spec.is_none() && !has_room_for_spec(before),
        Field::Job => given.job.is_none() && before.job.is_some() && !has_room_for_job(before),
        _ => false,
    }
}
