//! Why a tag stays as it is.

use super::server::Asked;
use crate::app::App;
use crate::domain::harbor::HarborPlace;
use crate::error::Error;
use crate::registry::{self, Reason};

/// Returns a failure; where a rule of the project is the reason, with that rule and what
/// can be done.
pub fn explained(
    app: &mut App,
    asked: &Asked,
    error: registry::Error,
    (place, tags): (&HarborPlace, &[String]),
) -> Error {
    let is_kept = error.reason == Reason::Conflict;
    let failure = Error::from(error);
    match is_kept {
        true => with_rule(app, asked, failure, (place, tags)),
        false => failure,
    }
}

/// Returns a failure with the rule that keeps one of the tags, and what can be done.
pub fn with_rule(
    app: &mut App,
    asked: &Asked,
    failure: Error,
    (place, tags): (&HarborPlace, &[String]),
) -> Error {
    let project = &place.project;
    let rules = asked.ask(app, async |harbor| harbor.immutable_rules(project).await);
    let rules = rules.unwrap_or_default();
    let about: Vec<_> = rules
        .iter()
        .filter(|rule| tags.iter().any(|tag| rule.is_about(&place.repository, tag)))
        .collect();
    let todo = format!(
        "whoever has the role Maintainer or Project Admin in `{project}` can change it in \
         Harbor's pages, under Policy, Tag Immutability"
    );
    match about.as_slice() {
        [] => failure.hint(format!(
            "the project `{project}` may have a rule about immutable tags: {todo}"
        )),
        rules => rules
            .iter()
            .fold(failure, |failure, rule| {
                failure.hint(format!(
                    "the rule {} of the project `{project}` keeps {}",
                    rule.id,
                    rule.words()
                ))
            })
            .hint(todo),
    }
}
