//! Adding images from a text of any length: read, checked and written one by
//! one, in one transaction.

use std::io::Read;
use std::rc::Rc;

use super::Failure;
use super::report::{CreateReport, Outcome};
use crate::catalog::{self, Catalog, Changed, Inserted, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::image::NewImage;
use crate::formats::document::{Fault, Node, Shape, Value};
use crate::formats::{self, image::image_of};
use crate::ops::error::{Faults, ItemFault, ItemName, located};
use crate::ops::pictures::Pictures;
use crate::ops::verify::{Questions, Verified};
use crate::ops::{Error, Result, Source};

/// What `images create` makes images belong to where they do not say.
const FORMATS: [&str; 1] = ["primehub"];

/// Items, and bytes of memory that they take, read before the transaction begins:
/// where that is all, nothing is put aside.
const READ_AHEAD: usize = 1000;
const READ_AHEAD_BYTES: usize = 8 * 1024 * 1024;

/// Items between two tellings of how far it is.
const TELL_EVERY: u64 = 256;

/// What is done with an image whose name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    #[default]
    Refuse,
    Skip,
    /// Treated as a merge patch of it.
    Update,
}

/// How images are added.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    pub existing: Existing,
    /// Whether everything is to be done but the writing.
    pub dry_run: bool,
    /// Where the pictures are that the images name.
    pub pictures: Pictures,
    /// What registries say of the references, where they were asked.
    pub verified: Option<Rc<Verified>>,
}

struct Item {
    name: ItemName,
    node: Node,
    image: NewImage,
}

/// Adds the references of a source to the questions; returns whether everything in
/// it can be read, so that asking is worth while.
pub fn references<R: Read>(mut source: Source<R>, questions: &mut Questions) -> bool {
    source.items.all(|node| {
        let image = node.ok().and_then(|node| image_of(&node, &FORMATS).ok());
        image.is_some_and(|image| {
            questions.add_image(&image.config);
            true
        })
    })
}

/// Adds every image of the source, or none. `open` gives the catalog; it is not
/// called where the beginning of the input is bad already. `progress` is told
/// how many items have been read.
///
/// # Errors
/// All faults of the input at once; [`Error::Empty`] where it holds nothing.
pub fn create<R: Read>(
    mut source: Source<R>,
    options: &CreateOptions,
    actor: Actor,
    open: impl FnOnce() -> Result<Catalog>,
    mut progress: impl FnMut(u64),
) -> Result<CreateReport> {
    let mut faults = Faults::default();
    let mut position = 0;
    let mut ahead = Vec::new();
    let mut ended = false;
    let mut bytes = 0;
    let mut says_nothing = false;
    while ahead.len() < READ_AHEAD && bytes < READ_AHEAD_BYTES {
        match next_item(&mut source, options, &mut position, &mut faults)? {
            Next::Item(item) => {
                bytes += size_of(&item.node);
                ahead.push(*item);
            }
            Next::Bad { is_empty } => says_nothing = is_empty,
            Next::End => {
                ended = true;
                break;
            }
        }
        if faults.is_full() {
            return Err(refused(faults, position, options));
        }
    }
    // `{}` alone says as little as no input at all.
    if position == 0 || (ended && position == 1 && says_nothing) {
        return Err(Error::Empty);
    }
    if ended && !faults.is_empty() {
        return Err(refused(faults, position, options));
    }
    if let Some(rest) = source.rest.as_ref().filter(|_| !ended) {
        rest.put_aside().map_err(|error| Error::Read {
            name: source.name.clone(),
            source: error,
        })?;
    }
    let mut catalog = open()?;
    let writer = catalog.begin(actor)?;
    let mut report = CreateReport::new();
    for item in ahead {
        write(
            &writer,
            &source.name,
            &item,
            options,
            &mut faults,
            &mut report,
        )?;
    }
    while !ended {
        if position % TELL_EVERY == 0 {
            progress(position);
        }
        match next_item(&mut source, options, &mut position, &mut faults)? {
            Next::Item(item) => {
                write(
                    &writer,
                    &source.name,
                    &item,
                    options,
                    &mut faults,
                    &mut report,
                )?;
            }
            Next::Bad { .. } => {}
            Next::End => ended = true,
        }
        if faults.is_full() {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(refused(faults, position, options));
    }
    if !options.dry_run {
        writer.commit()?;
    }
    report.single = source.items.shape() == Shape::One;
    Ok(report)
}

/// Returns the failure to create any of so many images; where there are too
/// many faults to tell, of the images that were read until then.
fn refused(faults: Faults, position: u64, options: &CreateOptions) -> Error {
    let bad = faults.items;
    let summary = match (bad, position) {
        _ if faults.is_full() => format!(
            "{bad} of the first {position} images cannot be created, and the others were not \
             read; nothing was written"
        ),
        (1, 1) => "the image cannot be created; nothing was written".to_owned(),
        (1, _) => format!("1 of {position} images cannot be created; nothing was written"),
        (bad, _) => format!("{bad} of {position} images cannot be created; nothing was written"),
    };
    let verified = options.verified.as_ref();
    match verified.and_then(|verified| verified.worst_of(bad)) {
        Some(status) => faults.into_unfit(summary, status),
        None => faults.into_error(summary),
    }
}

/// Returns about how many bytes of memory a tree takes.
fn size_of(node: &Node) -> usize {
    let own = std::mem::size_of::<Node>();
    own + match &node.value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(text) | Value::String(text) | Value::Plain(text) => text.len(),
        Value::List(nodes) => nodes.iter().map(size_of).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| entry.key.len() + size_of(&entry.node))
            .sum(),
    }
}

enum Next {
    Item(Box<Item>),
    Bad {
        /// Whether it is `{}`.
        is_empty: bool,
    },
    End,
}

/// Reads and checks the next item; its faults are gathered, and one that keeps
/// the rest from being read ends the input.
fn next_item<R: Read>(
    source: &mut Source<R>,
    options: &CreateOptions,
    position: &mut u64,
    faults: &mut Faults,
) -> Result<Next> {
    let node = match source.items.next() {
        None => return Ok(Next::End),
        Some(Ok(node)) => node,
        Some(Err(error)) => {
            *position += 1;
            faults.syntax(&source.name, error)?;
            return Ok(Next::End);
        }
    };
    *position += 1;
    let name = ItemName {
        position: *position,
        name: node
            .get("name")
            .and_then(Node::as_text)
            .unwrap_or_default()
            .to_owned(),
    };
    let image = image_of(&node, &FORMATS).and_then(|mut image| {
        let verified = options.verified.as_ref();
        // A picture goes into the store, so that it comes last.
        verified
            .map_or(Ok(()), |verified| verified.take(&mut image))
            .and_then(|()| {
                let taken = options.pictures.take(&mut image.config);
                taken.map_err(|fault| vec![fault])
            })
            .map_err(|faults| located(faults, &node))?;
        Ok(image)
    });
    match image {
        Ok(image) => Ok(Next::Item(Box::new(Item { name, node, image }))),
        Err(found) => {
            faults.item(&source.name, &name, found);
            Ok(Next::Bad {
                is_empty: node.as_map().is_some_and(<[_]>::is_empty),
            })
        }
    }
}

fn write(
    writer: &Writer<'_>,
    file: &str,
    item: &Item,
    options: &CreateOptions,
    faults: &mut Faults,
    report: &mut CreateReport,
) -> Result<()> {
    let row = NewRow {
        image: &item.image,
        apply_set: None,
    };
    let written = match writer.insert_image(row) {
        Ok(Inserted::Yes) => {
            report.created += 1;
            Some(Outcome::of_new(&item.image))
        }
        Ok(Inserted::Twice) => {
            let message = format!("the name `{}` is in this input twice", item.name.name);
            faults.item(file, &item.name, vec![name_fault(item, message)]);
            None
        }
        Ok(Inserted::Exists) => write_existing(writer, file, item, options, faults, report)?,
        Err(catalog::Error::Rejected(found)) => {
            faults.item(file, &item.name, located(found, &item.node));
            None
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(outcome) = written
        && faults.is_empty()
    {
        report.note(&item.image.config.name, &outcome)?;
    }
    Ok(())
}

fn name_fault(item: &Item, message: String) -> Fault {
    item.node
        .get("name")
        .unwrap_or(&item.node)
        .fault("name", message)
}

fn write_existing(
    writer: &Writer<'_>,
    file: &str,
    item: &Item,
    options: &CreateOptions,
    faults: &mut Faults,
    report: &mut CreateReport,
) -> Result<Option<Outcome>> {
    let name = &item.image.config.name;
    match options.existing {
        Existing::Refuse => {
            faults.items += 1;
            faults.push(ItemFault {
                file: file.to_owned(),
                fault: name_fault(item, format!("image `{name}` already exists")),
                item: Some(item.name.clone()),
                exists: true,
            });
            return Ok(None);
        }
        _ if !writer.first_mention(name)? => {
            let message = format!("the name `{name}` is in this input twice");
            faults.item(file, &item.name, vec![name_fault(item, message)]);
            return Ok(None);
        }
        Existing::Skip => {
            report.skipped += 1;
            return Ok(None);
        }
        Existing::Update => {}
    }
    let updated = writer.update_image::<Failure>(name, "update", |before| {
        let mut update = formats::update_of(before, &item.node).map_err(Failure::Faults)?;
        // The file was taken when the item was read.
        if item.node.get("picture").is_some() {
            update
                .image
                .config
                .picture
                .clone_from(&item.image.config.picture);
        }
        if let Some(verified) = &options.verified {
            // Those that cannot be had were refused with the item.
            let _ = verified.take(&mut update.image);
        }
        Ok(update.image)
    });
    match updated {
        Ok((image, changed)) => {
            match changed {
                Changed::Yes => report.updated += 1,
                Changed::No => report.unchanged += 1,
            }
            Ok(Some(Outcome::of(&image.config, image.groups.is_empty())))
        }
        Err(Failure::Faults(found)) => {
            faults.item(file, &item.name, found);
            Ok(None)
        }
        Err(Failure::Catalog(catalog::Error::Rejected(found))) => {
            faults.item(file, &item.name, located(found, &item.node));
            Ok(None)
        }
        Err(Failure::Catalog(error)) => Err(error.into()),
    }
}
