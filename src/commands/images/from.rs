//! `imgdex images create --from`: what registries say becomes the input.

use std::io::Read;
use std::rc::Rc;

use crate::app::App;
use crate::app::network::Choices;
use crate::commands::input::pictures;
use crate::commands::verifying::verified;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};
use crate::formats::document::Node;
use crate::ops::images::{Wanted, items, name_of, references, source_of, take};
use crate::ops::verify::{Questions, Verified};
use crate::ops::{self, Source};

/// What images are to be made of.
pub struct From<'a> {
    pub references: &'a [String],
    /// As many, or none.
    pub names: &'a [String],
    pub dry_run: bool,
    /// Whether all references must be such that they can be had.
    pub verify: bool,
}

/// An input, and what registries say of its references.
type Input = (Source<Box<dyn Read>>, Option<Rc<Verified>>);

impl From<'_> {
    /// Asks the registries, and tells of which images nobody attached metadata.
    ///
    /// # Errors
    /// Where an image is not there, or cannot be asked for.
    pub fn ask(&self, app: &mut App) -> Result<Input> {
        let wanted = self.wanted(app)?;
        let registries: Vec<&Registry> = wanted
            .iter()
            .map(|image| image.reference.registry())
            .collect();
        let reach = app.reach(&registries, &Choices::default())?;
        let described = reach.network.wait(take(&reach.network.client, &wanted));
        reach.tell(app);
        let described = described.map_err(|error| {
            let is_of_metadata = matches!(error, ops::Error::Input { .. });
            let error = Error::from(error);
            match is_of_metadata {
                true => error.hint(
                    "describe the image yourself: `imgdex images create` takes JSON from \
                     standard input",
                ),
                false => error,
            }
        })?;
        let pictures = pictures(app, None, self.dry_run);
        for (image, said) in wanted.iter().zip(&described) {
            let text = &image.text;
            if !said.is_attached {
                app.console.note(&format!(
                    "no metadata is attached to `{text}`: what is written is what the image says \
                     of itself"
                ));
            }
            if said.metadata.picture_bytes.is_some() && pictures.store.is_none() {
                app.console.note(&format!(
                    "the picture of `{text}` is left out: the store is turned off"
                ));
            }
        }
        let kept = items(&wanted, described, &pictures)?;
        let mut all = Questions::new(app.default_registry()?);
        let is_readable = references(source_of::<Box<dyn Read>>(kept.clone()), &mut all);
        let questions = match self.verify {
            true => all,
            false => near(app, &wanted, &kept)?,
        };
        let verified = match is_readable {
            true => {
                let verified = verified(app, questions)?;
                Some(Rc::new(match self.verify {
                    true => verified,
                    false => verified.observing(),
                }))
            }
            false => None,
        };
        Ok((source_of(kept), verified))
    }

    fn wanted(&self, app: &App) -> Result<Vec<Wanted>> {
        if !self.names.is_empty() && self.names.len() != self.references.len() {
            let message = format!(
                "`--id` is given {} times, and `--from` {} times",
                self.names.len(),
                self.references.len()
            );
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("give one `--id` for each `--from`, in the same order, or none"));
        }
        let each = self.references.iter().enumerate().map(|(index, text)| {
            let reference = app.reference(text)?;
            let name = match self.names.get(index) {
                Some(name) => name.clone(),
                None => name_of(&reference)?,
            };
            Ok(Wanted {
                reference,
                text: text.clone(),
                name,
            })
        });
        each.collect()
    }
}

/// Returns the references that are asked for without being told to: metadata that
/// somebody attached makes nobody ask another registry.
fn near(app: &App, wanted: &[Wanted], items: &[Node]) -> Result<Questions> {
    let mut questions = Questions::new(app.default_registry()?);
    for (image, item) in wanted.iter().zip(items) {
        questions.add(&image.text);
        let other = item.get("urlForGpu").and_then(Node::as_text);
        if let Some(other) = other
            && app
                .reference(other)
                .is_ok_and(|other| other.registry() == image.reference.registry())
        {
            questions.add(other);
        }
    }
    Ok(questions)
}
