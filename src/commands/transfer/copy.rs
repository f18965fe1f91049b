//! `imgdex copy`.

use clap::Args;

use super::super::Status;
use super::super::how::How;
use crate::app::App;
use crate::app::network::Choices;
use crate::error::Result;
use crate::ops::transfer::{Choice, Destination, Source, copy};
use crate::output::records::write_one;
use crate::registry::Work;

/// Copy an image
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex copy alpine:3 registry.example.com/mirror/alpine:3")]
pub struct Copy {
    source: String,
    target: String,
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    #[arg(long)]
    referrers: bool,
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    how: How,
}

impl Copy {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let source = app.reference(&self.source)?;
        let target = app.reference(&self.target)?;
        let choices = Choices {
            work: Work::Blobs,
            ..self.how.into()
        };
        let reach = app.reach(&[source.registry(), target.registry()], &choices)?;
        let choice = Choice {
            platform: self.platform,
            referrers: self.referrers,
            force: self.force,
        };
        let copied = copy(
            &reach.network,
            &Source::Registry(source),
            &Destination::Registry(target),
            &choice,
            &mut |_| {},
        );
        reach.tell(app);
        write_one(app.console.out(), app.format, &copied?)?;
        Ok(Status::Done)
    }
}
