//! Which Harbor is asked, and what it says of itself: `info`, `health`.

use clap::Args;

use super::server_rows::{About, Part};
use crate::app::App;
use crate::app::harbor::{Server, ServerChoice};
use crate::app::network::{Choices, Reach};
use crate::commands::Status;
use crate::commands::complete::harbor_contexts;
use crate::commands::how::How;
use crate::domain::harbor::HarborPlace;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};
use crate::output::records::{write_list, write_one};
use crate::registry::{self, Harbor, Reason, Work};

/// Which Harbor is asked, and how it is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub struct Where {
    /// Harbor's address [env: IMGDEX_HARBOR_URL] [config: harbor.context]
    #[arg(long, value_name = "URL", conflicts_with = "context")]
    server: Option<String>,
    /// A Harbor that the config file names: `[harbor.contexts.NAME]`
    #[arg(long, value_name = "NAME", add = harbor_contexts())]
    context: Option<String>,
    #[command(flatten)]
    how: How,
}

/// A Harbor that was chosen, and how it is reached.
pub struct Chosen {
    pub server: Server,
    choices: Choices,
}

/// A Harbor that a command asks.
pub struct Asked {
    pub server: Server,
    pub reach: Reach,
    /// How the server is reached.
    pub choices: Choices,
    /// What is to be known where something is not there.
    doubt: Option<String>,
}

impl Where {
    fn split(self) -> (ServerChoice, Choices) {
        let choice = ServerChoice {
            server: self.server,
            context: self.context,
        };
        (choice, self.how.into())
    }

    /// Returns the Harbor that is meant.
    ///
    /// # Errors
    /// Where none is known.
    pub fn choose(self, app: &App) -> Result<Chosen> {
        let (choice, choices) = self.split();
        let server = app.server(&choice)?;
        Ok(Chosen { server, choices })
    }

    /// Starts asking the Harbor that is meant.
    ///
    /// # Errors
    /// Where none is known, or the network cannot be started.
    pub fn open(self, app: &mut App) -> Result<Asked> {
        let Chosen { server, choices } = self.choose(app)?;
        Asked::new(app, server, choices)
    }

    /// Starts asking the Harbor that a place is on: the one that it names, or else the
    /// one that is meant.
    ///
    /// # Errors
    /// Where no place is spelt, the two differ, or none is known.
    pub fn open_place(self, app: &mut App, text: &str) -> Result<(Asked, HarborPlace)> {
        let (asked, places) = self.open_places(app, &[text])?;
        let mut places = places.into_iter();
        let place = places.next();
        let place = place.ok_or_else(|| Error::new(Kind::InvalidInput, "no place was named"))?;
        Ok((asked, place))
    }

    /// Starts asking the Harbor that places are on, as [`Where::open_place`] does.
    ///
    /// # Errors
    /// Those of [`Where::open_place`], and where the places are on several.
    pub fn open_places(
        self,
        app: &mut App,
        texts: &[impl AsRef<str>],
    ) -> Result<(Asked, Vec<HarborPlace>)> {
        let (choice, choices) = self.split();
        let known = app.known_server(&choice)?;
        let is_said = choice.server.is_some() || choice.context.is_some();
        let mut places: Vec<HarborPlace> = Vec::new();
        let mut first: Option<Server> = None;
        let mut doubt: Option<String> = None;
        for text in texts.iter().map(AsRef::as_ref) {
            let place = place(app, text, known.as_ref(), &choices)?;
            let server = match (&place.registry, &known) {
                (Some(named), Some(known)) if *named == known.registry => {
                    let (said, known_tls) = (place.tls, known.tls);
                    if is_said && said.is_some() && known_tls.is_some() && said != known_tls {
                        let message = format!("`{text}` has another scheme than the server");
                        return Err(Error::new(Kind::InvalidInput, message)
                            .hint("leave out the scheme of the one or the other"));
                    }
                    Server {
                        registry: named.clone(),
                        tls: said.or(known_tls),
                    }
                }
                (Some(named), Some(known)) if is_said => {
                    return Err(elsewhere(text, named, known, &place));
                }
                (Some(named), _) => Server {
                    registry: named.clone(),
                    tls: place.tls,
                },
                (None, _) => app.server(&choice)?,
            };
            if place.registry.is_none() && place.repository.contains('/') {
                let is_doubtful = place.project.contains('.');
                doubt = doubt.or_else(|| is_doubtful.then(|| doubt_of(&place)));
            }
            match &mut first {
                None => first = Some(server),
                Some(first) if first.registry != server.registry => {
                    let message =
                        format!("`{text}` is not on `{}`, as the first is", first.registry);
                    return Err(Error::new(Kind::InvalidInput, message)
                        .hint("ask one server after the other"));
                }
                Some(first) => {
                    let (one, other) = (first.tls, server.tls);
                    if one.is_some() && other.is_some() && one != other {
                        let message = format!("`{text}` has another scheme than the first");
                        return Err(Error::new(Kind::InvalidInput, message)
                            .hint("name all of them with the same"));
                    }
                    first.tls = one.or(other);
                }
            }
            places.push(place);
        }
        let server = match first {
            Some(server) => server,
            None => app.server(&choice)?,
        };
        let asked = Asked::new(app, server, choices)?;
        Ok((Asked { doubt, ..asked }, places))
    }
}

/// Reads a place. Where a server is known, a first part with a dot is probably a project
/// of it, unless something says that there is a host of this name.
fn place(app: &App, text: &str, known: Option<&Server>, choices: &Choices) -> Result<HarborPlace> {
    let server = known.map(|server| &server.registry);
    let is_host = |host: &Registry| {
        known.is_none()
            || app.is_context(host)
            || app.is_known_registry(host, choices.authfile.as_deref())
    };
    HarborPlace::parse_with(text, server, is_host).map_err(|error| {
        Error::new(Kind::InvalidInput, error.to_string())
            .hint("such as `apps/my_app` or `apps/my_app:4.2`")
    })
}

/// Returns the failure of a place that is not on the server that was named, too.
fn elsewhere(text: &str, named: &Registry, known: &Server, place: &HarborPlace) -> Error {
    let known = &known.registry;
    let message = format!("`{text}` is on `{named}`, and `{known}` is to be asked");
    let mut hint = "leave out the host, or name the other server".to_owned();
    if place.tls.is_none() && !named.to_string().contains(':') {
        hint =
            format!("{hint}; where `{named}` is a project, name the host, too: `{known}/{text}`");
    }
    Error::new(Kind::InvalidInput, message).hint(hint)
}

/// Returns what is to be known where a project is not there whose name may be a host's.
fn doubt_of(place: &HarborPlace) -> String {
    let host = &place.project;
    format!(
        "`{host}` was taken for a project; where it is a host, say so: `https://{host}/{}`",
        place.repository
    )
}

impl Asked {
    /// Starts asking a Harbor that was chosen, for some work.
    ///
    /// # Errors
    /// Where the network cannot be started.
    pub fn for_work(app: &mut App, chosen: Chosen, work: Work) -> Result<Self> {
        let choices = Choices {
            work,
            ..chosen.choices
        };
        Self::new(app, chosen.server, choices)
    }

    /// Starts asking a Harbor.
    ///
    /// # Errors
    /// Where the network cannot be started.
    pub fn new(app: &mut App, server: Server, choices: Choices) -> Result<Self> {
        let choices = server.choices(choices);
        let reach = app.reach(&[&server.registry], &choices)?;
        Ok(Self {
            server,
            reach,
            choices,
            doubt: None,
        })
    }

    /// Waits for what is asked of it, logging in first, and prints what it wants people
    /// to know.
    ///
    /// # Errors
    /// Those of logging in, and of what is asked.
    pub fn ask<T>(
        &self,
        app: &mut App,
        question: impl AsyncFnOnce(&Harbor<'_>) -> registry::Result<T>,
    ) -> Result<T> {
        let network = &self.reach.network;
        let answer = network.wait(async {
            let harbor = network.client.harbor(&self.server.registry).await?;
            question(&harbor).await
        });
        self.reach.tell(app);
        answer.map_err(|error| {
            let is_there = !matches!(error.reason, Reason::NotFound | Reason::Denied);
            let failure = Error::from(error);
            match &self.doubt {
                Some(doubt) if !is_there => failure.hint(doubt),
                _ => failure,
            }
        })
    }
}

/// Show what a Harbor is: version, way of logging in, who may create projects
///
/// It says more to those who are logged in.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor info --server https://harbor.example.com
  imgdex harbor info -o json")]
pub struct Info {
    #[command(flatten)]
    place: Where,
}

impl Info {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let asked = self.place.open(app)?;
        let info = asked.ask(app, async |harbor| harbor.info().await)?;
        let about = About::new(&asked.server.registry, info);
        write_one(app.console.out(), app.format, &about)?;
        Ok(Status::Done)
    }
}

/// Show whether a Harbor and each of its parts work
///
/// Exit code 13 where one of them does not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor health")]
pub struct Health {
    #[command(flatten)]
    place: Where,
}

impl Health {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let asked = self.place.open(app)?;
        // Nobody needs to be logged in for it, nor able to.
        let network = &asked.reach.network;
        let answer = network.wait(async {
            let harbor = network
                .client
                .harbor_as_anybody(&asked.server.registry)
                .await?;
            harbor.health().await
        });
        asked.reach.tell(app);
        let health = answer?;
        let is_healthy = health.status == "healthy";
        let parts: Vec<Part> = health.components.into_iter().map(Part::from).collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &parts)?;
        let host = &asked.server.registry;
        if is_healthy {
            app.console.note(&format!("`{host}` is healthy"));
            return Ok(Status::Done);
        }
        app.console.warn(&format!("`{host}` is not healthy"));
        Ok(Status::CheckFailed)
    }
}
