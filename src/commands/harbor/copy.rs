//! `imgdex harbor copy`.

use clap::Args;

use super::immutable::with_rule;
use super::remove::named;
use super::server::Where;
use crate::app::App;
use crate::commands::Status;
use crate::commands::transfer::{SourceName, TargetName, Transfer};
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops::transfer::Choice;

/// Copy one tag from one repository of a Harbor to another
///
/// Only this tag arrives: Harbor's own copy, which its pages offer, takes along all tags
/// of the artifact. Nothing is downloaded: the server takes the blobs from itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor copy apps/my_cool_app:4.2-rc1 released/my_cool_app:4.2
  imgdex harbor copy apps/my_cool_app:4.2 lab/my_cool_app --referrers")]
pub struct Copy {
    /// What is copied
    #[arg(value_name = "PROJECT/REPOSITORY:TAG|@DIGEST")]
    source: String,
    /// Where it goes [default tag: the source's]
    #[arg(value_name = "PROJECT/REPOSITORY[:TAG]")]
    target: String,
    /// What refers to it as well: signatures, lists of contents
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    place: Where,
}

impl Copy {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let texts = [&self.source, &self.target];
        let (asked, places) = self.place.open_places(app, &texts)?;
        let [source, target] = places.as_slice() else {
            return Err(Error::new(Kind::InvalidInput, "two places are needed"));
        };
        named(source, "copy")?;
        if target.digest.is_some() {
            let message = format!("`{}`: a copy is given a tag, not a digest", self.target);
            return Err(Error::new(Kind::InvalidInput, message));
        }
        let Some(tag) = target.tag.as_ref().or(source.tag.as_ref()) else {
            let message = format!(
                "which tag the copy in `{}` gets was not said",
                target.path()
            );
            return Err(Error::new(Kind::InvalidInput, message)
                .hint(format!("name it: `{}:TAG`", target.path())));
        };
        let host = &asked.server.registry;
        let from = match &source.digest {
            Some(digest) => format!("{host}/{}@{digest}", source.path()),
            None => format!("{host}/{}:{}", source.path(), source.identifier()),
        };
        let transfer = Transfer {
            source: SourceName::Endpoint(Endpoint::Registry(from)),
            target: TargetName::Endpoint(Endpoint::Registry(format!(
                "{host}/{}:{tag}",
                target.path()
            ))),
            choice: Choice {
                referrers: self.referrers,
                ..Choice::default()
            },
            all_tags: false,
            choices: asked.choices.clone(),
            url: None,
        };
        transfer.run(app).map_err(|failure| match failure.kind {
            Kind::Conflict => with_rule(app, &asked, failure, (target, &[tag.to_string()])),
            Kind::Denied | Kind::NotFound => failure.hint(format!(
                "`imgdex harbor projects get {}` shows whether the project is there, and your \
                 role in it",
                target.project
            )),
            _ => failure,
        })
    }
}
