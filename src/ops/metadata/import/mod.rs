//! Import: the files of a folder, one by one into one transaction.

mod by_reference;
mod invalid;
mod questions;
mod report;

pub use questions::references;
pub use report::{Counts, ImportOptions, ImportReport};

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

use crate::catalog::{self, Catalog, Changed, Inserted, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::file_name::hash;
use crate::domain::image_rules::{self, FieldFault};
use crate::domain::name::shorten;
use crate::domain::platform::Platform;
use crate::formats::document::{Fault, Node, Position, write_json};
use crate::formats::platforms::{Entry, Incoming, fields, kubeflow};
use crate::ops::error::Faults;
use crate::ops::flat_folder::FlatFolder;
use crate::ops::metadata::left_out::LeftOut;
use crate::ops::metadata::link_secrets;
use crate::ops::metadata::read::{Ended, PlatformFile, reason_of};
use crate::ops::{Error, Result};

/// Files between two tellings of how far it is.
const TELL_EVERY: u64 = 64;

/// Reads the files of a folder, or of the one in it that has the platform's name
/// where the folder itself has none. `open` gives the catalog; it is not called
/// where there is no file.
///
/// # Errors
/// [`Error::Unsafe`] for links and special files, [`Error::Input`] for one name in
/// two places and, where it is to be strict, for everything that would be left
/// out; nothing is written then.
pub fn import(
    folder: &Path,
    options: ImportOptions<'_>,
    actor: Actor,
    open: impl FnOnce() -> Result<Catalog>,
    mut progress: impl FnMut(u64),
) -> Result<ImportReport> {
    let platform = options.platform;
    let folder = opened(folder, platform)?;
    let names = folder.files(platform.endings())?;
    let report = ImportReport {
        counts: Counts::default(),
        left_out: LeftOut::new(),
    };
    if names.is_empty() {
        return Ok(report);
    }
    let mut catalog = open()?;
    let writer = catalog.begin(actor)?;
    let mut import = Import {
        writer: &writer,
        options,
        report,
        strict: Faults::default(),
        twice: Faults::default(),
        by_reference: Vec::new(),
        framed: None,
    };
    for (count, name) in (1..).zip(names) {
        import.file(&folder, &name?)?;
        if count % TELL_EVERY == 0 {
            progress(count);
        }
    }
    import.entries_by_reference()?;
    let Import {
        report,
        strict,
        twice,
        ..
    } = import;
    if !twice.is_empty() {
        return Err(twice.into_error("one name is in two places; nothing was imported"));
    }
    if !strict.is_empty() {
        return Err(strict.into_error("not everything can be imported; nothing was imported"));
    }
    writer.commit()?;
    Ok(report)
}

/// Returns the folder that is read.
fn opened(folder: &Path, platform: Platform) -> Result<FlatFolder> {
    let mut folder = FlatFolder::open(folder)?;
    if folder.files(platform.endings())?.is_empty()
        && let Some(inner) = folder.folder(platform.name())?
    {
        folder = inner;
    }
    Ok(folder)
}

struct Import<'a> {
    writer: &'a Writer<'a>,
    options: ImportOptions<'a>,
    report: ImportReport,
    /// What would be left out, where nothing may be.
    strict: Faults,
    /// Names that are in two places.
    twice: Faults,
    /// Entries that are known by their reference only: they wait for those of the
    /// other files that have names.
    by_reference: Vec<(Place, Entry)>,
    /// The document that was last looked at as a whole.
    framed: Option<(String, Position)>,
}

/// Where an entry stands.
#[derive(Clone)]
struct Place {
    /// The path of the file.
    path: String,
    /// The name of the file in its folder.
    file: String,
}

impl Import<'_> {
    fn file(&mut self, folder: &FlatFolder, name: &OsStr) -> Result<()> {
        let place = Place {
            path: folder.path().join(name).display().to_string(),
            file: name.to_string_lossy().into_owned(),
        };
        let opened = match folder.open_file(name) {
            Ok(opened) => opened,
            Err(Error::Read { source, .. }) => return self.unreadable(&place, source),
            Err(error) => return Err(error),
        };
        let file = PlatformFile::new(self.options.platform, name, &opened);
        let file = if self.options.rename {
            file.renamed()
        } else {
            file
        };
        let ended = if file.platform.is_named_by_file() {
            self.entries(&place, &file)?
        } else {
            self.whole_file(&place, &file)?
        };
        match ended {
            Ended::Well => Ok(()),
            Ended::Unreadable(error) => self.unreadable(&place, error),
            Ended::Bad(fault) => {
                let name = file.stem.clone();
                if self.options.include_invalid && self.is_twice(&place, &name, fault.at)? {
                    return Ok(());
                }
                self.invalid(&place, &file, name, None, &[fault])
            }
        }
    }

    /// Takes the entries of a file, or none of them where its end cannot be read.
    fn whole_file(&mut self, place: &Place, file: &PlatformFile<'_>) -> Result<Ended> {
        let counted = self.report.counts;
        let waiting = self.by_reference.len();
        self.writer.tentatively(|_| {
            let ended = self.entries(place, file)?;
            let is_good = matches!(ended, Ended::Well);
            if !is_good {
                self.report.counts = counted;
                self.by_reference.truncate(waiting);
            }
            Ok((ended, is_good))
        })
    }

    fn entries(&mut self, place: &Place, file: &PlatformFile<'_>) -> Result<Ended> {
        file.for_each(|entry, node| {
            self.frame(place, node)?;
            if entry.is_only_reference && entry.image.is_ok() {
                self.by_reference.push((place.clone(), entry));
                return Ok(());
            }
            self.entry(place, file, entry)
        })
    }

    fn entry(&mut self, place: &Place, file: &PlatformFile<'_>, entry: Entry) -> Result<()> {
        let mut name = match &entry.image {
            Ok(incoming) => incoming.image.config.name.clone(),
            Err(_) => entry.name,
        };
        if name.is_empty() {
            name = nameless(place, entry.part.as_ref());
        } else if (entry.image.is_ok() || self.options.include_invalid)
            && self.is_twice(place, &name, entry.at)?
        {
            return Ok(());
        }
        match entry.image {
            Ok(incoming) => self.incoming(place, file, entry.part, incoming),
            Err(faults) => self.invalid(place, file, name, entry.part, &faults),
        }
    }

    /// Notes where a name is, and whether it was somewhere else before.
    fn is_twice(&mut self, place: &Place, name: &str, at: Position) -> Result<bool> {
        let here = format!("{}:{at}", place.path);
        let Some(first) = self.writer.mention(name, &here)? else {
            return Ok(false);
        };
        let rule = format!("the name `{}` is here and at {first}", shorten(name));
        let faults = [Fault::new(at, rule)];
        self.twice.file(&place.path, &faults, false);
        Ok(true)
    }

    fn incoming(
        &mut self,
        place: &Place,
        file: &PlatformFile<'_>,
        part: Option<Node>,
        mut incoming: Incoming,
    ) -> Result<()> {
        link_secrets(self.writer, &mut incoming.image.config)?;
        let name = incoming.image.config.name.clone();
        match self.write(&incoming)? {
            Written::Imported => {
                self.writer.drop_invalid(self.options.platform, &name)?;
                self.report.counts.imported += 1;
            }
            Written::Unchanged => self.report.counts.unchanged += 1,
            Written::Exists => {
                self.report.counts.existing += 1;
                self.leave_out(place, &[exists(&name)], true)?;
            }
            Written::Rejected(faults) => self.invalid(place, file, name, part, &faults)?,
            Written::Unfit(faults) => self.leave_out(place, &faults, false)?,
        }
        Ok(())
    }

    fn write(&self, incoming: &Incoming) -> Result<Written> {
        let faults_of = |faults: Vec<FieldFault>| {
            let faults = faults.into_iter().map(|fault| Fault {
                at: Position::default(),
                field: fault.field,
                message: fault.message,
            });
            faults.collect::<Vec<Fault>>()
        };
        let rejected = |faults| Written::Rejected(faults_of(faults));
        let mut image = Cow::Borrowed(&incoming.image);
        if let Some(verified) = self.options.verified
            && let Err(faults) = verified.take(image.to_mut())
        {
            return Ok(Written::Unfit(faults_of(faults)));
        }
        let row = NewRow {
            image: &image,
            apply_set: None,
        };
        match self.writer.insert_image(row) {
            Ok(Inserted::Yes) => return Ok(Written::Imported),
            Ok(Inserted::Exists | Inserted::Twice) => {}
            Err(catalog::Error::Rejected(faults)) => return Ok(rejected(faults)),
            Err(error) => return Err(error.into()),
        }
        match self.overlay(&incoming.image.config.name, incoming) {
            Ok(written) => Ok(written),
            Err(catalog::Error::Rejected(faults)) => Ok(rejected(faults)),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the fields that the file has of an image that exists, if that is
    /// wanted or they say nothing new.
    fn overlay(&self, name: &str, incoming: &Incoming) -> catalog::Result<Written> {
        let platform = self.options.platform;
        let before = self.writer.image(name)?;
        let after = fields::overlaid(platform, &before, incoming);
        if after.says_the_same_as(&before) {
            return Ok(Written::Unchanged);
        }
        let broken = image_rules::faults(&after);
        if !broken.is_empty() {
            return Err(catalog::Error::Rejected(broken));
        }
        let may_change =
            self.options.overwrite || fields::says_nothing_new(platform, &before, &after);
        // Whether groups would change is known only once they are found.
        self.writer.tentatively(|writer| {
            let (_, changed) =
                writer.update_image::<catalog::Error>(name, "import", |_| Ok(after))?;
            Ok(match changed {
                Changed::No => (Written::Unchanged, false),
                Changed::Yes if may_change => (Written::Imported, true),
                Changed::Yes => (Written::Exists, false),
            })
        })
    }

    /// Keeps what a document holds beside images, once for each document.
    fn frame(&mut self, place: &Place, node: &Node) -> Result<()> {
        let platform = self.options.platform;
        if platform != Platform::Kubeflow {
            return Ok(());
        }
        let here = (place.path.clone(), node.at);
        if self.framed.as_ref() == Some(&here) {
            return Ok(());
        }
        self.framed = Some(here);
        let Some((file, frame)) = kubeflow::frame(node) else {
            return Ok(());
        };
        let mut text = Vec::new();
        write_json(&frame, &mut text);
        let text = String::from_utf8_lossy(&text);
        match self.writer.kept_file(platform, file)? {
            Some(kept) if kept == text => {}
            Some(_) if !self.options.overwrite => {
                let mention = format!("\0frame {}", place.path);
                if self.writer.mention(&mention, "")?.is_none() {
                    let rule = "its settings beside the images are not those kept from an earlier \
                                file; `--overwrite` replaces them";
                    self.leave_out(place, &[Fault::new(node.at, rule)], true)?;
                }
            }
            _ => self.writer.keep_file(platform, file, &text)?,
        }
        Ok(())
    }

    fn unreadable(&mut self, place: &Place, error: std::io::Error) -> Result<()> {
        if self.options.strict {
            return Err(Error::Read {
                name: place.path.clone(),
                source: error,
            });
        }
        self.report
            .left_out
            .push(&place.file, &format!("cannot be read: {error}"))
    }

    fn leave_out(&mut self, place: &Place, faults: &[Fault], exists: bool) -> Result<()> {
        if self.options.strict {
            self.strict.file(&place.path, faults, exists);
            return Ok(());
        }
        self.report.left_out.push(&place.file, &reason_of(faults))
    }
}

enum Written {
    Imported,
    Unchanged,
    Exists,
    Rejected(Vec<Fault>),
    /// It is good, and its registry does not give what it names.
    Unfit(Vec<Fault>),
}

/// Returns what an entry without a name is called: the file that it is the whole of;
/// else it goes by what it holds, so that it is the same one in another file.
fn nameless(place: &Place, part: Option<&Node>) -> String {
    let Some(part) = part else {
        return place.file.clone();
    };
    let mut text = Vec::new();
    write_json(part, &mut text);
    format!("unnamed-{:016x}", hash(&text))
}

fn exists(name: &str) -> Fault {
    let rule = format!(
        "image `{name}` already exists and differs; `--overwrite` replaces what the file has"
    );
    Fault::new(Position::default(), rule)
}
