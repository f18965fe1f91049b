//! The documents of a folder, a file or standard input: groups, secrets'
//! descriptions and images, all of them checked before anything is done.
//!
//! The files are read twice: once to check all of them and to gather the few
//! documents that others need, and once more, image by image, by whoever uses
//! them.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::{Faults, ItemName};
use super::folder::{files_below, open_regular};
use super::{Error, Result};
use crate::domain::name::shorten;
use crate::formats;
use crate::formats::document::{Fault, Items, Node, Syntax};
use crate::formats::group::group_of;
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

pub(super) const SUMMARY: &str = "the documents cannot be applied; nothing was written";

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
