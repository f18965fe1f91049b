//! `imgdex images list`.

use clap::Args;

use crate::app::App;
use crate::catalog::Catalog;
use crate::commands::Status;
use crate::commands::complete::{group_names, image_fields};
use crate::domain::image::{Archived, ImageFilter, ImageType, SortField};
use crate::domain::platform::Platform;
use crate::domain::reference::Repository;
use crate::error::{Error, Result};
use crate::ops::images::check_filter;
use crate::output::images::ListPrinter;

/// The most images of a list that are held in memory.
const MOST_HELD: usize = 256;

/// List images in the order of creation
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images list
  imgdex images list --group research --type gpu -o wide
  imgdex images list --search pytorch -o name
  imgdex images list --project apps --kind app
  imgdex images list -o json | jq -r '.[].url'")]
pub struct List {
    /// Only images of this group (an id or a name)
    #[arg(long, value_name = "GROUP", add = group_names())]
    group: Option<String>,
    /// Only images of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = ImageType::NAMES)]
    image_type: Option<String>,
    /// Only images of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Only images with this tag; may be given again
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only images with this label; may be given again
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Only images by this author
    #[arg(long)]
    author: Option<String>,
    /// Only images that belong to this platform's catalog
    #[arg(long, value_name = "FORMAT", value_parser = Platform::NAMES)]
    format: Option<String>,
    /// Only images whose repository is in this project: `P/…` of a registry such as Harbor
    #[arg(long, value_name = "P", value_parser = project)]
    project: Option<String>,
    /// Only archived images; otherwise none of them
    #[arg(long)]
    archived: bool,
    /// Only images that are not known to be ready (isReady False or Unknown)
    #[arg(long)]
    not_ready: bool,
    /// Only images with this text in name, display name, description, references or tags
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most so many images
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Sort by this field
    #[arg(long, value_name = "FIELD", value_parser = sort_field, add = image_fields())]
    sort: Option<SortField>,
    /// The other way round
    #[arg(long)]
    reverse: bool,
}

fn label(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

fn project(text: &str) -> std::result::Result<String, String> {
    let text = text.trim_end_matches('/');
    let checked = text.parse::<Repository>();
    checked
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn sort_field(text: &str) -> std::result::Result<SortField, String> {
    SortField::from_name(text)
        .ok_or_else(|| format!("should be one of {}", SortField::NAMES.join(", ")))
}

impl List {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let filter = ImageFilter {
            group: self.group,
            image_type: self.image_type.as_deref().and_then(ImageType::from_name),
            kind: self.kind.map(crate::domain::image_rules::canonical_kind),
            tags: self.tags,
            labels: self.labels,
            author: self.author,
            format: self.format,
            project: self.project,
            archived: if self.archived {
                Archived::Only
            } else {
                Archived::Hide
            },
            not_ready: self.not_ready,
            search: self.search.filter(|text| !text.is_empty()),
            limit: self.limit,
            sort: self.sort,
            reverse: self.reverse,
            by_stream: false,
            applied_from: None,
        };
        let catalog = app.read()?;
        check_filter(&catalog, &filter)?;
        catalog.in_snapshot(|catalog| print(app, catalog, &filter))?;
        Ok(Status::Done)
    }
}

fn print(app: &mut App, catalog: &Catalog, filter: &ImageFilter) -> Result<()> {
    let mut printer = ListPrinter::new(app.format);
    // A short list is read once; a long one is not held in memory.
    let mut held = Some(Vec::new());
    if printer.measures() {
        catalog.for_each_image::<Error>(filter, |image| {
            printer.measure(&image);
            match &mut held {
                Some(images) if images.len() < MOST_HELD => images.push(image),
                _ => held = None,
            }
            Ok(())
        })?;
    } else {
        held = None;
    }
    let width = app.console.width;
    let out = app.console.out();
    printer.begin(width, out)?;
    match held {
        Some(images) => {
            for image in &images {
                printer.print(image, out)?;
            }
        }
        None => {
            catalog.for_each_image::<Error>(filter, |image| Ok(printer.print(&image, out)?))?;
        }
    }
    Ok(printer.end(out)?)
}
