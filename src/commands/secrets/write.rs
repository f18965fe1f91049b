//! `imgdex secrets create` and `update`.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::failure;
use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::secret_ids;
use crate::commands::input::{source, would_wait_for_typing};
use crate::credentials::Keeper;
use crate::domain::secret::SecretType;
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Entry, ItemError, Node, Position, Value};
use crate::formats::secret::{SecretDocument, Values, secret_of};
use crate::ops;
use crate::ops::secrets::{Input, Keepers};
use crate::output::details::write_details;
use crate::output::format::Format;
use crate::output::records::write_one;

const EXAMPLE: &str = r#"{
  "name": "quay",
  "displayName": "Quay, read only",
  "type": "kubernetes",
  "registryHost": "quay.io",
  "username": "team+puller",
  "password": "…"
}"#;

/// Bytes of the longest value that is read.
const LONGEST_VALUE: u64 = 1024 * 1024;

/// The fields of a secret as flags.
#[derive(Debug, Args)]
struct Fields {
    /// The name shown to people; the name where none is given
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// The registry that it is for
    #[arg(long, value_name = "HOST")]
    registry_host: Option<String>,
    /// The user that it belongs to
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// Read the value from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Refused: everybody on this machine could read it
    #[arg(long, hide = true, num_args = 0..=1, value_name = "VALUE")]
    password: Option<Option<String>>,
}

/// Add a secret; its value is kept outside of the catalog
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo \"$TOKEN\" | imgdex secrets create --name quay --registry-host quay.io \\
    --username team+puller --password-stdin
  imgdex secrets create -f secret.json")]
pub struct Create {
    /// Read JSON or YAML from this file instead of standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["name", "password_stdin"])]
    file: Option<PathBuf>,
    /// The secret's name
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long = "type", value_name = "TYPE", value_parser = SecretType::NAMES)]
    secret_type: Option<String>,
    #[command(flatten)]
    fields: Fields,
}

/// Change a secret: its description, its value, or both
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo \"$TOKEN\" | imgdex secrets update image-quay --password-stdin
  echo '{\"displayName\": \"Quay, read only\"}' | imgdex secrets update image-quay")]
pub struct Update {
    /// The secret's id
    #[arg(value_name = "ID", add = secret_ids())]
    id: String,
    /// Read JSON or YAML from this file instead of standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "password_stdin")]
    file: Option<PathBuf>,
    #[command(flatten)]
    fields: Fields,
}

impl Create {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let given = Given {
            name: self.name,
            secret_type: self.secret_type,
            fields: self.fields,
        };
        let document = document(app, self.file.as_deref(), given)?;
        let keepers = app.keepers()?;
        let secret =
            ops::secrets::create(&mut *app.write()?, app.actor(), &keepers, document.input())
                .map_err(failure)?;
        let out = app.console.out();
        match app.format {
            Format::Table | Format::Wide => {
                write_details(out, &[("id", secret.id.as_str().into())])?;
            }
            format => write_one(out, format, &secret)?,
        }
        app.console.flush()?;
        if document.parsed.value.is_some() {
            warn_of_file(app, &keepers);
        } else {
            app.console.hint(&format!(
                "no value is kept for `{}`; set it with `imgdex secrets update {} --password-stdin`",
                secret.id, secret.id
            ));
        }
        Ok(Status::Done)
    }
}

impl Update {
    pub fn run(self, app: &mut App) -> Result<Status> {
        app.read()?.secret(&self.id)?;
        let given = Given {
            name: None,
            secret_type: None,
            fields: self.fields,
        };
        let document = document(app, self.file.as_deref(), given)?;
        let keepers = app.keepers()?;
        let (secret, changed) = ops::secrets::update(
            &mut *app.write()?,
            app.actor(),
            &keepers,
            &self.id,
            document.input(),
        )
        .map_err(failure)?;
        write_one(app.console.out(), app.format, &secret)?;
        app.console.flush()?;
        if document.parsed.value.is_some() {
            warn_of_file(app, &keepers);
        }
        if !changed {
            app.console.note("nothing changed");
        }
        Ok(Status::Done)
    }
}

fn warn_of_file(app: &mut App, keepers: &Keepers) {
    if let Keeper::File(file) = &keepers.current {
        app.console.note(&format!(
            "warning: the value is kept in `{}`, readable by you alone but not encrypted; \
             `helper` in `[secrets]` of the config file names a credential helper instead",
            file.path.display()
        ));
    }
}

struct Given {
    name: Option<String>,
    secret_type: Option<String>,
    fields: Fields,
}

/// A document, wherever it came from.
struct Document {
    name: String,
    node: Node,
    parsed: SecretDocument,
}

impl Document {
    fn input(&self) -> Input<'_> {
        Input {
            name: &self.name,
            node: &self.node,
            document: &self.parsed,
        }
    }
}

fn document(app: &mut App, file: Option<&std::path::Path>, given: Given) -> Result<Document> {
    if given.fields.password.is_some() {
        return Err(Error::new(
            Kind::InvalidInput,
            "`--password` would show the value to everybody on this machine",
        )
        .hint("pipe it: `echo \"$TOKEN\" | imgdex secrets create --name NAME --password-stdin`"));
    }
    let fields = &given.fields;
    let texts = [
        ("name", &given.name),
        ("type", &given.secret_type),
        ("displayName", &fields.display_name),
        ("registryHost", &fields.registry_host),
        ("username", &fields.username),
    ];
    let entries: Vec<Entry> = texts
        .into_iter()
        .filter_map(|(key, text)| {
            Some(Entry {
                key: key.to_owned(),
                at: Position::default(),
                node: Node::new(Value::String(text.clone()?)),
            })
        })
        .collect();
    let (name, mut node) = if entries.is_empty() && !fields.password_stdin {
        read_document(app, file)?
    } else if let Some(file) = file {
        let message = format!("the secret is given by `{}` and by flags", file.display());
        return Err(Error::new(Kind::InvalidInput, message).hint("give it by one of them"));
    } else {
        let node = Node::new(Value::Map(entries));
        ("<command line>".to_owned(), node)
    };
    let mut parsed = secret_of(&node, Values::Taken).map_err(|faults| {
        let mut failure = Error::new(
            Kind::InvalidInput,
            "the secret is not valid; nothing was written",
        );
        failure.lines = faults
            .iter()
            .map(|fault| format!("{name}:{fault}"))
            .collect();
        failure
    })?;
    // The tree is kept for the places in it, not for the value.
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|entry| entry.key != "password" && entry.key != "secret");
    }
    if fields.password_stdin {
        parsed.value = Some(read_value(app)?);
    }
    Ok(Document { name, node, parsed })
}

fn read_document(app: &mut App, file: Option<&std::path::Path>) -> Result<(String, Node)> {
    let required = || Error::configuration_required(EXAMPLE);
    if would_wait_for_typing(app, file) {
        return Err(required());
    }
    let mut source = source(app, file)?;
    let unreadable = |name: &str, error: ItemError| match error {
        ItemError::Fault(fault) => {
            // A parser quotes what it finds, and that may be the value.
            let mut failure = Error::new(Kind::InvalidInput, "the secret cannot be read");
            failure.lines = vec![format!(
                "{name}:{}: this is not JSON or YAML of one secret; what stands here is not \
                 shown, as it may be the value",
                fault.at
            )];
            failure
        }
        ItemError::Io(error) => {
            Error::new(Kind::Io, format!("cannot read `{name}`")).because(&error)
        }
    };
    let name = source.name.clone();
    let node = match source.items.next() {
        None => return Err(required()),
        Some(item) => item.map_err(|error| unreadable(&name, error))?,
    };
    match source.items.next() {
        None => Ok((name, node)),
        Some(Err(error)) => Err(unreadable(&name, error)),
        Some(Ok(_)) => Err(Error::new(
            Kind::InvalidInput,
            format!("`{name}` holds more than one secret; give them one by one"),
        )),
    }
}

fn read_value(app: &mut App) -> Result<SecretString> {
    if app.console.stdin_is_terminal {
        app.console.note("type the value, then Enter and Ctrl-D");
    }
    let failed = |error: &std::io::Error| {
        Error::new(Kind::Io, "cannot read the value from standard input").because(error)
    };
    let mut bytes = Zeroizing::new(Vec::new());
    (&mut app.stdin)
        .take(LONGEST_VALUE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    let refused = |rule: &str| {
        let message = format!("the value on standard input {rule}; nothing was written");
        Error::new(Kind::InvalidInput, message)
    };
    if bytes.len() as u64 > LONGEST_VALUE {
        return Err(refused("is longer than 1 MiB"));
    }
    let value = std::str::from_utf8(&bytes).map_err(|_| {
        refused("is not UTF-8 text").hint("encode it first: `base64 key | imgdex secrets …`")
    })?;
    // As docker does: one line end is the shell's, not the value's.
    let trimmed = value.strip_suffix('\n').unwrap_or(value);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err(
            Error::new(Kind::InvalidInput, "the value on standard input is empty")
                .hint("pipe it: `echo \"$TOKEN\" | imgdex secrets update ID --password-stdin`"),
        );
    }
    Ok(SecretString::from(trimmed))
}
