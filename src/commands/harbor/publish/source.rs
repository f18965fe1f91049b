//! The image that is published: of this machine, or of a registry.

use clap::{Args, ValueEnum};

use super::invalid;
use crate::app::App;
use crate::commands::transfer::{SourceName, source};
use crate::domain::harbor::HarborPlace;
use crate::domain::reference::Registry;
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::store::find;
use crate::ops::transfer::OpenSource;

/// Where the image is now.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SourceType {
    /// On this machine: the store, an OCI layout, an archive, podman's or docker's storage
    Lab,
    /// In a registry: a repository of this Harbor, or of any other registry
    Registry,
}

/// Which image is published.
#[derive(Debug, Args)]
pub struct SourceImage {
    /// Where the image is now
    #[arg(long, value_name = "TYPE", value_enum, default_value = "lab")]
    source_type: SourceType,
    /// The image: of the store `my_app_image`, `oci:DIR`, `containers-storage:NAME` and the
    /// like; of a registry `[HOST/]PROJECT/REPOSITORY`
    #[arg(long, value_name = "NAME")]
    source_repository: String,
    /// The project that the source is in, where it is a repository of this Harbor
    #[arg(long, value_name = "PROJECT")]
    source_project: Option<String>,
    /// The tag of the source
    #[arg(long, value_name = "TAG")]
    source_tag: Option<String>,
}

impl SourceImage {
    /// Opens the image that is published.
    pub fn open(
        &self,
        app: &App,
        harbor: &Registry,
        default: &Registry,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<OpenSource> {
        let open = |name: &SourceName, go_on: &mut dyn FnMut(u64) -> bool| -> Result<OpenSource> {
            let start = name.start(app)?;
            Ok(OpenSource::open(&start, default, go_on)?)
        };
        let (name, tag) = (&self.source_repository, self.source_tag.as_deref());
        match self.source_type {
            SourceType::Registry => open(&self.in_registry(harbor)?, go_on),
            SourceType::Lab => {
                if let Some(project) = &self.source_project {
                    let rule = format!("`{project}`: images of this machine are in no project");
                    return Err(invalid("--source-project", rule)
                        .hint("`--source-type registry` takes one of Harbor"));
                }
                let tagged = |name: &str| match tag {
                    Some(tag) => format!("{name}:{tag}"),
                    None => name.to_owned(),
                };
                match source(name)? {
                    SourceName::Endpoint(Endpoint::Registry(plain)) if plain == *name => {}
                    SourceName::File(file) => return open(&SourceName::File(file), go_on),
                    SourceName::Endpoint(_) => return open(&source(&tagged(name))?, go_on),
                }
                let uri = tagged(name);
                let mut tried = vec![match find(&*app.read()?, &uri) {
                    Ok(_) => {
                        let stored = SourceName::Endpoint(Endpoint::Store(uri));
                        return open(&stored, go_on);
                    }
                    Err(ops::Error::NotFound { what, .. }) => what,
                    Err(error) => return Err(error.into()),
                }];
                for transport in ["containers-storage", "docker-daemon"] {
                    match open(&source(&format!("{transport}:{uri}"))?, go_on) {
                        // The tool is not there, or says that it has no such image.
                        Err(error) if [Kind::NotFound, Kind::Failure].contains(&error.kind) => {
                            tried.push(error.line());
                        }
                        other => return other,
                    }
                }
                let message = format!("there is no image `{uri}` on this machine");
                let mut error = Error::new(Kind::NotFound, message).hint(
                    "`imgdex store list` shows what the store has; `oci:DIR`, \
                     `oci-archive:FILE` and `docker-archive:FILE` name others",
                );
                error.cause = Some(tried.join("; "));
                Err(error)
            }
        }
    }

    /// Returns the source in a registry.
    fn in_registry(&self, harbor: &Registry) -> Result<SourceName> {
        let mut text = match &self.source_project {
            Some(project) => format!("{harbor}/{project}/{}", self.source_repository),
            None => self.source_repository.clone(),
        };
        if let Some(tag) = &self.source_tag {
            text = format!("{text}:{tag}");
        }
        let place = HarborPlace::parse(&text, Some(harbor)).map_err(|error| {
            invalid("--source-repository", error)
                .hint("such as `apps/my_app`, or `registry.example.com/team/app`")
        })?;
        let registry = place.registry.as_ref().unwrap_or(harbor);
        let mut reference = format!("{registry}/{}", place.path());
        if let Some(tag) = &place.tag {
            reference.push_str(&format!(":{tag}"));
        }
        if let Some(digest) = &place.digest {
            reference.push_str(&format!("@{digest}"));
        }
        Ok(SourceName::Endpoint(Endpoint::Registry(reference)))
    }
}
