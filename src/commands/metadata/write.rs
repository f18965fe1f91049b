//! `imgdex metadata create` and `update`: a runtime image by flags, or whole.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use super::{Format, only_runtime_images};
use crate::app::App;
use crate::commands::verifying::verified;
use crate::commands::{JSON_OFF, JSON_ON, Status};
use crate::domain::platform::Platform;
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Items, Node, Position, Shape, Syntax, Value, json};
use crate::formats::platforms::Instance;
use crate::ops::metadata::{self, Given};
use crate::ops::verify::Questions;
use crate::output::format::Format as Output;
use crate::output::metadata::write_document;
use crate::output::text::visible;

/// Add a runtime image
///
/// By flags, or as a whole instance with `--file` or `--json`; flags win over what
/// those have. Without `--name`, the name is made of the display name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata create runtime-images --display_name 'Pandas 2.3' \\
    --image_name amancevice/pandas:2.3.2 --pull_policy IfNotPresent --tags pandas,python
  imgdex metadata create runtime-images --name r --json \\
    '{\"display_name\": \"R\", \"metadata\": {\"image_name\": \"quay.io/jupyter/r-notebook:latest\"}}'")]
pub struct Create {
    #[command(flatten)]
    format: Format,
    /// Ask the registry first: nothing is created unless the image can be had
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    fields: Fields,
}

/// Change a runtime image
///
/// Flags change the fields that they name. A whole instance with `--file` or `--json`
/// replaces everything that a runtime image has; groups, a GPU reference and the like
/// stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata update runtime-images --name pandas --image_name amancevice/pandas:2.3.3
  imgdex metadata update runtime-images --name pandas --description '' --tags '[]'")]
pub struct Update {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
struct Fields {
    /// The instance's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The name shown to people
    #[arg(long = "display_name", alias = "display-name", value_name = "TEXT")]
    display_name: Option<String>,
    /// What the image is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The image's reference, by tag or sha256 digest; Docker Hub where it names no registry
    #[arg(long = "image_name", alias = "image-name", value_name = "REF")]
    image_name: Option<String>,
    /// Always, IfNotPresent or Never
    #[arg(long = "pull_policy", alias = "pull-policy", value_name = "POLICY")]
    pull_policy: Option<String>,
    /// A Kubernetes secret: the id or name of one of the catalog, or any other name
    #[arg(long = "pull_secret", alias = "pull-secret", value_name = "SECRET")]
    pull_secret: Option<String>,
    /// Tags, separated by commas or as a JSON list
    #[arg(long, value_name = "TAGS")]
    tags: Option<String>,
    /// A file with the whole instance
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    file: Option<PathBuf>,
    /// The whole instance
    // It has the id of the global flag, and so takes its place in these commands.
    #[arg(long, value_name = "TEXT", action = ArgAction::Set, help_heading = None::<&str>)]
    json: Option<String>,
}

impl Create {
    pub fn run(self, app: &mut App) -> Result<Status> {
        only_runtime_images(self.format.platform)?;
        let given = self.fields.given()?;
        if !given.instance.says_anything() {
            return Err(Error::new(
                Kind::InvalidInput,
                "a runtime image needs a display name and an image name",
            )
            .hint(
                "give `--display_name TEXT --image_name REF`, or a whole instance with `--file` \
                 or `--json`",
            ));
        }
        let mut checked = metadata::check(&given)?;
        if self.verify {
            let mut questions = Questions::new(app.default_registry()?);
            checked.ask(&mut questions);
            checked.verify(&given, &verified(app, questions)?)?;
        }
        let name = metadata::create(&mut *app.write()?, app.actor(), checked)?;
        tell_written(app, Platform::RuntimeImages, &name)?;
        Ok(Status::Done)
    }
}

impl Update {
    pub fn run(self, app: &mut App) -> Result<Status> {
        only_runtime_images(self.format.platform)?;
        if self.fields.name.is_none() {
            return Err(Error::new(
                Kind::InvalidInput,
                "`--name` is required: which runtime image is to be changed",
            )
            .hint("`imgdex metadata list runtime-images` shows what there is"));
        }
        let given = self.fields.given()?;
        if !given.instance.says_anything() {
            return Err(Error::new(Kind::InvalidInput, "there is nothing to change")
                .hint("give a field such as `--image_name REF`, or an instance with `--file` or `--json`"));
        }
        let updated = metadata::update(&mut *app.write()?, app.actor(), &given)?;
        tell_written(app, Platform::RuntimeImages, &updated.name)?;
        if updated.is_new_here {
            app.console.flush()?;
            app.console.note(&format!(
                "`{}` belongs to runtime-images now, too",
                updated.name
            ));
        }
        Ok(Status::Done)
    }
}

/// Says that an entry was written, in the words of Elyra's own tool; or prints it
/// where a form was asked for.
pub fn tell_written(app: &mut App, platform: Platform, name: &str) -> Result<()> {
    let asked = app.flags.output.as_deref();
    match app.format {
        Output::Json | Output::Yaml if asked.is_some() => {
            let document = metadata::document(&*app.read()?, platform, name)?;
            Ok(write_document(app.console.out(), app.format, &document)?)
        }
        Output::Name => Ok(writeln!(app.console.out(), "{}", visible(name))?),
        _ => {
            let path = app.place()?.path.display().to_string();
            Ok(writeln!(
                app.console.out(),
                "Metadata instance '{name}' for schema '{}' has been written to: {}",
                platform.schema_name(),
                visible(&path)
            )?)
        }
    }
}

impl Fields {
    fn given(self) -> Result<Given> {
        // The global flag `--json` before the noun has the same id.
        let json = (self.json).filter(|text| text != JSON_ON && text != JSON_OFF);
        let (instance, source) = match (&self.file, &json) {
            (Some(path), _) => (Some(instance_in(path)?), path.display().to_string()),
            (None, Some(text)) => {
                let items = Items::new(text.as_bytes(), Syntax::Json);
                (Some(only_one(items, "--json")?), "--json".to_owned())
            }
            (None, None) => (None, "<arguments>".to_owned()),
        };
        let text = |text: String| (!text.is_empty()).then(|| Node::new(Value::String(text)));
        let mut metadata = Vec::new();
        for (field, value) in [
            ("description", self.description),
            ("image_name", self.image_name),
            ("pull_policy", self.pull_policy),
            ("pull_secret", self.pull_secret),
        ] {
            if let Some(value) = value {
                metadata.push((field, text(value)));
            }
        }
        if let Some(tags) = self.tags {
            metadata.push(("tags", Some(tags_of(&tags)?)));
        }
        Ok(Given {
            name: self.name,
            instance: Instance {
                instance,
                display_name: self.display_name,
                metadata,
            },
            source,
        })
    }
}

/// Returns tags as a list: `a,b`, or JSON.
fn tags_of(text: &str) -> Result<Node> {
    if text.trim_start().starts_with('[') {
        return json::parse(text.as_bytes(), Position::START).map_err(|fault| {
            Error::new(
                Kind::InvalidInput,
                format!("`--tags` is not a JSON list: {fault}"),
            )
            .hint("write them as `--tags a,b` or `--tags '[\"a\", \"b\"]'`")
        });
    }
    let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    Ok(Node::new(Value::List(
        tags.map(|tag| Node::new(Value::String(tag.to_owned())))
            .collect(),
    )))
}

fn instance_in(path: &Path) -> Result<Node> {
    let name = path.display().to_string();
    let file = crate::ops::folder::open_regular(path)?;
    only_one(Items::new(file, Syntax::of_path(path)), &name)
}

/// Returns the one object of an input.
fn only_one<R: std::io::Read>(mut items: Items<R>, name: &str) -> Result<Node> {
    let refused = |rule: String| {
        let mut failure = Error::new(Kind::InvalidInput, "the instance cannot be read");
        failure.lines.push(format!("{name}:{rule}"));
        failure
    };
    let first = match items.next() {
        None => return Err(refused(" there is nothing in it".to_owned())),
        Some(item) => item.map_err(|error| refused(error.to_string()))?,
    };
    if let Some(Err(error)) = items.next() {
        return Err(refused(error.to_string()));
    }
    if items.shape() == Shape::One {
        Ok(first)
    } else {
        Err(refused(
            " it should be one instance, and no list of them".to_owned(),
        ))
    }
}
