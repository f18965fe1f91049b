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
use crate::domain::secret::Secret;
use crate::formats;
use crate::formats::document::{Fault, Items, Node, Syntax};
use crate::formats::group::{GroupDocument, group_of};
use crate::formats::secret::{self, SecretDocument, Values};

/// The endings of files that a folder is read for.
const ENDINGS: [&str; 5] = ["json", "jsonl", "ndjson", "yaml", "yml"];

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

/// A document that is held in memory, because others need what it describes.
#[derive(Debug)]
pub enum Described {
    Group(GroupDocument),
    Secret(Box<DescribedSecret>),
}

/// A document of a secret, and the secret that it makes where there is none.
#[derive(Debug)]
pub struct DescribedSecret {
    document: SecretDocument,
    node: Node,
    pub new: Secret,
}

impl DescribedSecret {
    /// Returns the secret as it is to be.
    ///
    /// # Errors
    /// Every rule that it breaks, at its place in the document.
    pub fn applied_to(&self, before: Option<&Secret>) -> std::result::Result<Secret, Vec<Fault>> {
        match before {
            Some(before) => self.document.applied_to(before, &self.node),
            None => Ok(self.new.clone()),
        }
    }
}

/// Everything that a folder, a file or standard input says, checked.
pub struct Documents {
    inputs: Vec<Input>,
    described: Vec<(Described, Origin)>,
    images: HashSet<String>,
}

enum Input {
    /// What was named, held open: a regular file, or a copy of what can be read
    /// only once.
    Held {
        name: String,
        file: File,
        syntax: Syntax,
    },
    /// A file below a folder that was named: it may not be a link.
    Below(PathBuf),
}

impl Input {
    /// Returns the input at a path that is no folder's.
    fn held(path: &Path, file: File, is_file: bool) -> io::Result<Self> {
        Ok(Self::Held {
            name: path.display().to_string(),
            // A pipe is at its end once it was read, and a FIFO waits for
            // another writer.
            file: if is_file { file } else { spooled(file)? },
            syntax: Syntax::of_path(path),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::Held { name, .. } => name.clone(),
            Self::Below(path) => path.display().to_string(),
        }
    }

    fn items(&self) -> Result<Items<File>> {
        match self {
            Self::Held { name, file, syntax } => {
                let failed = |source| Error::Read {
                    name: name.clone(),
                    source,
                };
                let mut file = file.try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                Ok(Items::new(file, *syntax))
            }
            Self::Below(path) => Ok(Items::new(open_regular(path)?, Syntax::of_path(path))),
        }
    }
}

/// Returns a copy of what can be read only once.
fn spooled(mut reader: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut reader, &mut file)?;
    Ok(file)
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
            vec![Input::Held {
                name: "<stdin>".to_owned(),
                file: spooled(stdin).map_err(failed)?,
                syntax: Syntax::Detect,
            }]
        } else {
            let file = File::open(path).map_err(failed)?;
            let kind = file.metadata().map_err(failed)?;
            if kind.is_dir() {
                let files = files_below(path, &ENDINGS)?;
                files.into_iter().map(Input::Below).collect()
            } else {
                vec![Input::held(path, file, kind.is_file()).map_err(failed)?]
            }
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
    pub fn described(&self) -> impl Iterator<Item = (&Described, &Origin)> {
        let of = |groups: bool| {
            self.described
                .iter()
                .filter(move |(described, _)| matches!(described, Described::Group(_)) == groups)
        };
        of(true)
            .chain(of(false))
            .map(|(described, origin)| (described, origin))
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
                let (held, mut found) = match checked(kind, &node) {
                    Ok(held) => (held, Vec::new()),
                    Err(found) => (None, found),
                };
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
                } else if let Some(held) = held {
                    described.push((held, origin));
                } else {
                    images.insert(name);
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

/// Returns what is to be held of a good document: nothing of an image.
fn checked(kind: Kind, node: &Node) -> std::result::Result<Option<Described>, Vec<Fault>> {
    Ok(match kind {
        Kind::Group => Some(Described::Group(group_of(node)?)),
        Kind::Secret => {
            let document = secret::secret_of(node, Values::Refused)?;
            Some(Described::Secret(Box::new(DescribedSecret {
                new: document.to_new(node)?,
                document,
                node: node.clone(),
            })))
        }
        // Rules that depend on the image in the catalog are checked with it.
        Kind::Image => {
            formats::declared_by(None, node)?;
            None
        }
    })
}
