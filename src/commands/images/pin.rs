//! `imgdex images pin`.

use std::borrow::Cow;

use clap::Args;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::error::Result;
use crate::ops::images::{Pinned, pin};
use crate::ops::metadata::Digests;
use crate::output::records::{Record, write_list};

/// Make images' references say by digest what was verified
///
/// `alpine:3` becomes `alpine@sha256:…`, and the tag stays in `pinnedTag`. All of the
/// images are pinned, or none; what is pinned already stays as it is. What was not
/// verified, or was found missing, is not pinned: exit code 13.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images pin pandas
  imgdex images pin pandas --keep-tag -o json")]
pub struct Pin {
    /// The images' names
    #[arg(value_name = "ID", required = true, add = image_names())]
    ids: Vec<String>,
    /// Write `repository:tag@digest`
    #[arg(long)]
    keep_tag: bool,
}

impl Pin {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        let mut ids: Vec<String> = Vec::new();
        for id in self.ids {
            // A missing catalog holds no such image: it is not made to say so.
            catalog.image(&id)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        drop(catalog);
        let form = match self.keep_tag {
            true => Digests::Both,
            false => Digests::Pinned,
        };
        let pinned = pin(&mut *app.write()?, app.actor(), &ids, form)?;
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &pinned)?;
        app.console.flush()?;
        for image in &pinned {
            let name = &image.name;
            if !image.changed {
                app.console.note(&format!("`{name}` is pinned already"));
            }
            if let Some(tag) = &image.dropped_tag {
                app.console.note(&format!(
                    "`{name}`: pinnedTag is the tag of url; that of urlForGpu, `{tag}`, is only \
                     in its history (`--keep-tag` keeps both in the references)"
                ));
            }
        }
        Ok(Status::Done)
    }
}

impl Record for Pinned {
    const COLUMNS: &'static [&'static str] = &["name", "url", "urlForGpu", "pinnedTag"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let text = |text: &Option<String>| Cow::Owned(text.clone().unwrap_or_default());
        vec![
            Cow::Borrowed(&self.name),
            text(&self.url),
            text(&self.url_for_gpu),
            text(&self.pinned_tag),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
