//! A folder of documents as the source of truth: groups, secrets' descriptions
//! and images, applied in this order and in one transaction.
//!
//! The files are read twice: once to check all of them and to gather the few
//! documents that others need, and once more, image by image, to write.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::{Faults, ItemName, located};
use super::folder::{files_below, open_regular};
use super::pictures::Pictures;
use super::{Error, Result};
use crate::catalog::{self, Catalog, Changed, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::group::Group;
use crate::domain::image::{Image, NewImage};
use crate::domain::name::shorten;
use crate::formats;
use crate::formats::document::{Fault, Items, Node, Syntax};
use crate::formats::group::{GroupDocument, group_of};
use crate::formats::secret::{self, Values};

/// The endings of files that a folder is read for.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// What a document describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Group,
    Secret,
    Image,
}

impl Kind {
    /// Returns what a document says it describes: `kind: group` or `secret`;
    /// anything else is an image, whose own kind it may be.
    fn of(node: &Node) -> Self {
        match node.get("kind").and_then(Node::as_text) {
            Some("group") => Self::Group,
            Some("secret") => Self::Secret,
            _ => Self::Image,
        }
    }

    /// Returns the word that is printed before the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Secret => "secret",
            Self::Image => "image",
        }
    }
}

/// Where a document stands.
#[derive(Debug, Clone)]
pub struct Origin {
    pub file: String,
    pub item: ItemName,
}

/// A document that is held in memory.
#[derive(Debug)]
pub struct Document {
    pub kind: Kind,
    pub node: Node,
}

/// Everything that a folder, a file or standard input says, checked.
pub struct Documents {
    inputs: Vec<Input>,
    described: Vec<(Document, Origin)>,
    images: HashSet<String>,
}

enum Input {
    /// A file that was named: it may be a link.
    Named(PathBuf),
    /// A file below a folder that was named: it may not.
    Below(PathBuf),
    /// Standard input, kept so that it can be read twice.
    Kept(File),
}

impl Input {
    fn name(&self) -> String {
        match self {
            Self::Named(path) | Self::Below(path) => path.display().to_string(),
            Self::Kept(_) => "<stdin>".to_owned(),
        }
    }

    fn items(&self) -> Result<Items<File>> {
        let failed = |source| Error::Read {
            name: self.name(),
            source,
        };
        match self {
            Self::Named(path) => Ok(Items::new(
                File::open(path).map_err(failed)?,
                Syntax::of_path(path),
            )),
            Self::Below(path) => Ok(Items::new(open_regular(path)?, Syntax::of_path(path))),
            Self::Kept(file) => {
                let mut file = file.try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                Ok(Items::new(file, Syntax::Detect))
            }
        }
    }
}

impl Documents {
    /// Reads a folder (with those in it) or a file; `-` is standard input,
    /// which `stdin` reads.
    ///
    /// # Errors
    /// All faults of all files at once.
    pub fn read(path: &Path, stdin: &mut dyn io::Read) -> Result<Self> {
        let failed = |source| Error::Read {
            name: path.display().to_string(),
            source,
        };
        let inputs = if path == Path::new("-") {
            let mut file = tempfile::tempfile().map_err(failed)?;
            io::copy(stdin, &mut file).map_err(failed)?;
            vec![Input::Kept(file)]
        } else if std::fs::metadata(path).map_err(failed)?.is_dir() {
            let files = files_below(path, &ENDINGS)?;
            files.into_iter().map(Input::Below).collect()
        } else {
            vec![Input::Named(path.to_path_buf())]
        };
        let mut documents = Self {
            inputs,
            described: Vec::new(),
            images: HashSet::new(),
        };
        documents.check()?;
        Ok(documents)
    }

    /// Returns whether there is a document of an image of that name.
    #[must_use]
    pub fn names_image(&self, name: &str) -> bool {
        self.images.contains(name)
    }

    /// Returns the documents of groups and secrets, in the order to apply them.
    pub fn described(&self) -> impl Iterator<Item = (&Document, &Origin)> {
        let of = |kind: Kind| {
            self.described
                .iter()
                .filter(move |(document, _)| document.kind == kind)
        };
        of(Kind::Group)
            .chain(of(Kind::Secret))
            .map(|(document, origin)| (document, origin))
    }

    /// Calls `each` with every document of an image.
    ///
    /// # Errors
    /// Where a file can no longer be read as it was, and those of `each`.
    pub fn for_each_image<E: From<Error>>(
        &self,
        mut each: impl FnMut(&Node, &Origin) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for input in &self.inputs {
            let mut position = 0;
            for item in input.items().map_err(E::from)? {
                position += 1;
                let node = match item {
                    Ok(node) => node,
                    Err(error) => {
                        let mut faults = Faults::default();
                        faults.syntax(&input.name(), error).map_err(E::from)?;
                        return Err(E::from(faults.into_error(SUMMARY)));
                    }
                };
                if Kind::of(&node) == Kind::Image {
                    each(&node, &origin(input, position, &node))?;
                }
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        let mut faults = Faults::default();
        let mut first_places: HashMap<(Kind, String), String> = HashMap::new();
        let mut described = Vec::new();
        let mut images = HashSet::new();
        for input in &self.inputs {
            let mut position = 0;
            for item in input.items()? {
                position += 1;
                let node = match item {
                    Ok(node) => node,
                    Err(error) => {
                        faults.syntax(&input.name(), error)?;
                        break;
                    }
                };
                let (kind, origin) = (Kind::of(&node), origin(input, position, &node));
                let mut found = check_document(kind, &node);
                let name = origin.item.name.clone();
                let place = format!("{}:{}", origin.file, node.at);
                if let Some(first) = first_places.insert((kind, name.clone()), place)
                    && !name.is_empty()
                {
                    let rule = format!(
                        "{} `{}` is described twice, first at {first}",
                        kind.name(),
                        shorten(&name)
                    );
                    found.push(node.get("name").unwrap_or(&node).fault("name", rule));
                }
                if !found.is_empty() {
                    faults.item(&origin.file, &origin.item, found);
                } else if kind == Kind::Image {
                    images.insert(name);
                } else {
                    described.push((Document { kind, node }, origin));
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults.into_error(SUMMARY));
        }
        self.described = described;
        self.images = images;
        Ok(())
    }
}

const SUMMARY: &str = "the documents cannot be applied; nothing was written";

fn origin(input: &Input, position: u64, node: &Node) -> Origin {
    Origin {
        file: input.name(),
        item: ItemName {
            position,
            name: node
                .get("name")
                .and_then(Node::as_text)
                .unwrap_or_default()
                .to_owned(),
        },
    }
}

fn check_document(kind: Kind, node: &Node) -> Vec<Fault> {
    let checked = match kind {
        Kind::Group => group_of(node).map(|_| ()),
        Kind::Secret => secret::secret_of(node, Values::Refused)
            .and_then(|document| document.to_new(node))
            .map(|_| ()),
        // Rules that depend on the image in the catalog are checked with it.
        Kind::Image => formats::declared_by(None, node).map(|_| ()),
    };
    checked.err().unwrap_or_default()
}

/// How documents are applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The name of the set that images made here belong to.
    pub set: String,
    /// Whether images that an earlier `apply` of the set made, and no document
    /// speaks of, are deleted.
    pub prune: bool,
    pub dry_run: bool,
    /// Where the pictures are that the documents name.
    pub pictures: Pictures,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Created,
    Configured,
    Unchanged,
    Pruned,
}

impl Action {
    /// Returns the word that is printed after the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Pruned => "pruned",
        }
    }
}

/// One thing that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
}

/// Makes the catalog say what the documents say.
///
/// # Errors
/// All faults at once; nothing is written then.
pub fn apply(
    catalog: &mut Catalog,
    actor: Actor,
    documents: &Documents,
    options: &ApplyOptions,
) -> Result<Vec<Applied>> {
    let writer = catalog.begin(actor)?;
    let mut faults = Faults::default();
    let mut applied = Vec::new();
    for (document, _) in documents.described() {
        applied.push(match document.kind {
            Kind::Group => apply_group(&writer, &document.node)?,
            _ => apply_secret(&writer, &document.node)?,
        });
    }
    documents.for_each_image::<Error>(|node, origin| {
        match apply_image(&writer, node, origin, options)? {
            Ok(action) => applied.push(Applied {
                kind: Kind::Image,
                name: origin.item.name.clone(),
                action,
            }),
            Err(found) => faults.item(&origin.file, &origin.item, found),
        }
        Ok(())
    })?;
    if !faults.is_empty() {
        return Err(faults.into_error(SUMMARY));
    }
    if options.prune {
        for name in writer.applied_images(&options.set)? {
            if !documents.names_image(&name) {
                writer.delete_image(&name, "prune")?;
                applied.push(Applied {
                    kind: Kind::Image,
                    name,
                    action: Action::Pruned,
                });
            }
        }
    }
    if !options.dry_run {
        writer.commit()?;
    }
    Ok(applied)
}

fn apply_image(
    writer: &Writer<'_>,
    node: &Node,
    origin: &Origin,
    options: &ApplyOptions,
) -> Result<std::result::Result<Action, Vec<Fault>>> {
    let pictures = options.pictures.beside(Path::new(&origin.file));
    let updated = writer.update_image::<Failure>(&origin.item.name, "apply", |before| {
        declared(Some(before), node, &pictures).map_err(Failure::Faults)
    });
    match updated {
        Ok((_, Changed::Yes)) => return Ok(Ok(Action::Configured)),
        Ok((_, Changed::No)) => return Ok(Ok(Action::Unchanged)),
        Err(Failure::Faults(found)) => return Ok(Err(found)),
        Err(Failure::Catalog(catalog::Error::Rejected(found))) => {
            return Ok(Err(located(found, node)));
        }
        Err(Failure::Catalog(catalog::Error::NotFound { .. })) => {}
        Err(Failure::Catalog(error)) => return Err(error.into()),
    }
    let image = match declared(None, node, &pictures) {
        Ok(image) => image,
        Err(found) => return Ok(Err(found)),
    };
    let row = NewRow {
        image: &image,
        apply_set: Some(&options.set),
    };
    match writer.insert_image(row) {
        Ok(_) => Ok(Ok(Action::Created)),
        Err(catalog::Error::Rejected(found)) => Ok(Err(located(found, node))),
        Err(error) => Err(error.into()),
    }
}

/// Returns the image that a document declares, with its picture taken.
pub(super) fn declared(
    before: Option<&Image>,
    node: &Node,
    pictures: &Pictures,
) -> std::result::Result<NewImage, Vec<Fault>> {
    let mut image = formats::declared_by(before, node)?;
    pictures
        .take(&mut image.config)
        .map_err(|fault| located(vec![fault], node))?;
    Ok(image)
}

enum Failure {
    Catalog(catalog::Error),
    Faults(Vec<Fault>),
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Self {
        Self::Catalog(error)
    }
}

fn apply_group(writer: &Writer<'_>, node: &Node) -> Result<Applied> {
    let document = group_of(node).map_err(|faults| invalid(&faults))?;
    let GroupDocument {
        id,
        name,
        display_name,
    } = document;
    let action = match writer.group(&name) {
        Ok(before) => {
            if let Some(id) = id
                && id != before.id
            {
                return Err(Error::Refused {
                    what: format!(
                        "group `{name}` has the id {} in the catalog, not {id}",
                        before.id
                    ),
                    hint: "leave `id` out of the document, or give the catalog's".to_owned(),
                });
            }
            let renamed = match display_name {
                Some(text) => writer.rename_group(&name, &text)?,
                None => false,
            };
            if renamed {
                Action::Configured
            } else {
                Action::Unchanged
            }
        }
        Err(catalog::Error::NotFound { .. }) => {
            writer.insert_group(&Group {
                id: id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
                display_name: display_name.unwrap_or_else(|| name.clone()),
                name: name.clone(),
            })?;
            Action::Created
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Applied {
        kind: Kind::Group,
        name,
        action,
    })
}

fn apply_secret(writer: &Writer<'_>, node: &Node) -> Result<Applied> {
    let document = secret::secret_of(node, Values::Refused).map_err(|faults| invalid(&faults))?;
    let new = document.to_new(node).map_err(|faults| invalid(&faults))?;
    let action = match writer.secret(&new.id) {
        Ok(before) => {
            let after = document
                .applied_to(&before, node)
                .map_err(|faults| invalid(&faults))?;
            if writer.update_secret(&after, false)? {
                Action::Configured
            } else {
                Action::Unchanged
            }
        }
        Err(catalog::Error::NotFound { .. }) => {
            writer.insert_secret(&new)?;
            Action::Created
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Applied {
        kind: Kind::Secret,
        name: new.id,
        action,
    })
}

/// A document that was good when it was checked is bad now.
fn invalid(faults: &[Fault]) -> Error {
    Error::Input {
        summary: faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; "),
        faults: Vec::new(),
        unlisted: 0,
    }
}
