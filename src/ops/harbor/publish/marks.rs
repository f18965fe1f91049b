//! What Harbor's own pages show of a publication: a description and labels.

use super::Publication;
use crate::domain::harbor::{Label, Project};
use crate::domain::name::nearest;
use crate::domain::reference::Digest;
use crate::ops::{Error, Result};
use crate::registry::{self, Harbor, Reason};

/// Returns the labels that the image gets; those that are not there are made. The one
/// of its type is left out where whoever asks may not make it.
///
/// # Errors
/// Where one that was asked for is not there, and cannot be made.
pub async fn labels(
    harbor: &Harbor<'_>,
    project: &Project,
    publication: &Publication,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<Label>> {
    let of_type = publication.type_label.iter();
    let wanted: Vec<&String> = of_type.chain(&publication.labels).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = match harbor.labels(Some(project)).await {
        Err(error) if error.reason == Reason::Denied && publication.labels.is_empty() => {
            say("warning: the label of its type is left out: this account may not see labels");
            return Ok(Vec::new());
        }
        other => other.map_err(|error| or_without(error, "--no-labels"))?,
    };
    for name in &wanted {
        if known.iter().any(|label| label.name == **name) {
            continue;
        }
        match harbor.create_label(name, "", None, Some(project)).await {
            Err(error) if error.reason == Reason::Denied => {
                if publication.is_only_type(name) {
                    say(&format!(
                        "warning: the label `{name}` of its type is left out: the project has \
                         none, and making one needs the role Maintainer or Project Admin"
                    ));
                    continue;
                }
                return Err(denied(publication, name, &known));
            }
            // Somebody else made it meanwhile.
            Err(error) if error.reason != Reason::Conflict => return Err(error.into()),
            _ => {}
        }
        known = harbor.labels(Some(project)).await?;
    }
    let found = wanted.iter().filter_map(|name| {
        let found = known.iter().find(|label| label.name == **name);
        found.cloned()
    });
    Ok(found.collect())
}

fn denied(publication: &Publication, name: &str, known: &[Label]) -> Error {
    let near = nearest(name, known.iter().map(|label| label.name.as_str()));
    let near = near.map_or(String::new(), |near| format!("; `{near}` is there"));
    Error::Denied {
        what: format!(
            "there is no label `{name}` in the project `{}`, and this account may not make \
             one{near}",
            publication.project
        ),
        hint: "ask for it: making labels needs the role Maintainer or Project Admin".to_owned(),
    }
}

/// Sets the description of the repository, and the labels of the image.
///
/// # Errors
/// Where whoever asks may not.
pub async fn set(
    harbor: &Harbor<'_>,
    publication: &Publication,
    labels: &[Label],
    digest: &Digest,
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let place = (
        publication.project.as_str(),
        publication.repository.as_str(),
    );
    if let Some(description) = &publication.description {
        let done = harbor.describe(place.0, place.1, description).await;
        done.map_err(|error| or_without(error, "--keep-description"))?;
    }
    for label in labels {
        let done = harbor.add_label(place, &digest.to_string(), label).await;
        match done {
            Err(error)
                if error.reason == Reason::Denied && publication.is_only_type(&label.name) =>
            {
                say(&format!(
                    "warning: the label `{}` of its type is left out: this account may set none",
                    label.name
                ));
            }
            other => other.map_err(|error| or_without(error, "--no-labels"))?,
        }
    }
    Ok(())
}

/// Adds to a refusal how to do without.
fn or_without(error: registry::Error, option: &str) -> Error {
    if error.reason != Reason::Denied {
        return error.into();
    }
    let cause = error.cause.unwrap_or_default();
    let hint = error.hint.unwrap_or_default();
    Error::Denied {
        what: format!("{}: {cause}", error.message),
        hint: format!("{hint}; or do without it: `{option}`"),
    }
}
