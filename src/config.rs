//! Settings: flag > environment > config file > default, each with where it
//! came from.

mod environment;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use environment::Environment;

use crate::error::{Error, Kind, Result};
use crate::formats::config::{ConfigFile, config_of};
use environment::homeless;

/// Flags that stand before any noun.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub catalog: Option<PathBuf>,
    pub config: Option<PathBuf>,
    pub output: Option<String>,
    pub color: Option<String>,
    pub lock_timeout: Option<String>,
}

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Environment(&'static str),
    File,
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "flag {flag}"),
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::File => formatter.write_str("config file"),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// One effective setting.
#[derive(Debug, Clone)]
pub struct Setting {
    pub name: String,
    /// Unset where nothing sets it and it has no default.
    pub value: Option<String>,
    pub origin: Origin,
}

/// All effective settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// In the order of `config show`.
    pub all: Vec<Setting>,
    pub config_path: Option<PathBuf>,
}

struct Resolver<'a> {
    environment: &'a Environment,
    all: Vec<Setting>,
}

impl Resolver<'_> {
    /// Adds a setting out of whichever source is the first to have it.
    fn add(
        &mut self,
        name: &str,
        flag: Option<(&'static str, String)>,
        variables: &[&'static str],
        file: Option<String>,
        default: Option<String>,
    ) {
        let from_environment = || {
            variables.iter().find_map(|&variable| {
                let value = self.environment.get(variable)?.to_owned();
                Some((value, Origin::Environment(variable)))
            })
        };
        let found = flag
            .map(|(flag, value)| (value, Origin::Flag(flag)))
            .or_else(from_environment)
            .or_else(|| file.map(|value| (value, Origin::File)));
        let (value, origin) = match found {
            Some((value, origin)) => (Some(value), origin),
            None => (default, Origin::Default),
        };
        self.all.push(Setting {
            name: name.to_owned(),
            value,
            origin,
        });
    }

    fn file_setting(&mut self, name: &str, file: Option<String>, default: Option<&str>) {
        self.add(name, None, &[], file, default.map(str::to_owned));
    }
}

impl Settings {
    /// Returns the settings that are in force.
    ///
    /// # Errors
    /// For a config file that breaks a rule, or that was named and is missing,
    /// and for paths that are not UTF-8.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self> {
        environment.check()?;
        if let Some(path) = flags
            .catalog
            .as_ref()
            .filter(|path| path.to_str().is_none())
        {
            let message = format!("--catalog: the path `{}` is not UTF-8", path.display());
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("name a path that is, such as a link to its folder"));
        }
        let named = flags
            .config
            .clone()
            .or_else(|| environment.get("IMGDEX_CONFIG").map(PathBuf::from));
        let path = named
            .clone()
            .or_else(|| Some(environment.config_folder()?.join("config.toml")));
        let file = match &path {
            Some(path) => read(path, named.is_some())?,
            None => ConfigFile::default(),
        };
        Ok(Self::resolve(flags, environment, file, path))
    }

    /// Returns the settings that would be in force without a config file.
    #[must_use]
    pub fn without_file(flags: &Flags, environment: &Environment) -> Self {
        Self::resolve(flags, environment, ConfigFile::default(), None)
    }

    fn resolve(
        flags: &Flags,
        environment: &Environment,
        file: ConfigFile,
        path: Option<PathBuf>,
    ) -> Self {
        let mut resolver = Resolver {
            environment,
            all: Vec::new(),
        };
        let data = environment.data_folder().ok();
        let in_data = |name: &str| Some(data.as_ref()?.join(name).display().to_string());
        let shown = |path: &PathBuf| path.display().to_string();
        let flag = |name: &'static str, value: Option<String>| value.map(|value| (name, value));
        resolver.add(
            "catalog",
            flag("--catalog", flags.catalog.as_ref().map(shown)),
            &["IMGDEX_CATALOG"],
            None,
            in_data("catalog.db"),
        );
        resolver.add(
            "config",
            flag("--config", flags.config.as_ref().map(shown)),
            &["IMGDEX_CONFIG"],
            None,
            path.as_ref().map(shown),
        );
        let output = flag("--output", flags.output.clone());
        resolver.add(
            "output",
            output,
            &[],
            file.output.clone(),
            Some("table".to_owned()),
        );
        let color = flag("--color", flags.color.clone());
        let no_color = environment.get("NO_COLOR").is_some();
        resolver.add(
            "color",
            color,
            &[],
            None,
            Some(if no_color { "never" } else { "auto" }.to_owned()),
        );
        resolver.add(
            "lock-timeout",
            flag("--lock-timeout", flags.lock_timeout.clone()),
            &["IMGDEX_LOCK_TIMEOUT"],
            None,
            Some("60".to_owned()),
        );
        resolver.add(
            "author",
            None,
            &["IMGDEX_AUTHOR", "LOGNAME", "USER"],
            None,
            Some("unknown".to_owned()),
        );
        resolver.file_setting("platform", file.platform.clone(), None);
        resolver.add(
            "default-registry",
            None,
            &["IMGDEX_REGISTRY"],
            file.default_registry.clone(),
            Some("docker.io".to_owned()),
        );
        resolver.add(
            "store.path",
            None,
            &["IMGDEX_STORE"],
            file.store.path.clone(),
            in_data("store"),
        );
        resolver.add(
            "store.disabled",
            None,
            &["IMGDEX_DISABLE_STORE"],
            file.store.disabled.map(|flag| flag.to_string()),
            Some("false".to_owned()),
        );
        let verify = &file.verify;
        let connections = verify.connections_per_host.map(|count| count.to_string());
        resolver.file_setting("verify.connections-per-host", connections, Some("8"));
        resolver.file_setting("verify.max-age", verify.max_age.clone(), None);
        for (host, registry) in &file.registries {
            let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
            for (key, value) in [
                ("realm", registry.realm.clone()),
                ("ca-file", registry.ca_file.clone()),
                ("insecure", flag(registry.insecure)),
                ("plain-http", flag(registry.plain_http)),
                (
                    "connections",
                    registry.connections.map(|count| count.to_string()),
                ),
            ] {
                if value.is_some() {
                    resolver.file_setting(&format!("registry.\"{host}\".{key}"), value, None);
                }
            }
        }
        resolver.file_setting("harbor.context", file.harbor.context.clone(), None);
        let harbor = file.harbor.context.as_ref();
        let harbor = harbor.and_then(|context| file.harbor.contexts.get(context));
        resolver.add(
            "harbor.url",
            None,
            &["IMGDEX_HARBOR_URL"],
            harbor.cloned(),
            None,
        );
        for (context, url) in &file.harbor.contexts {
            resolver.file_setting(
                &format!("harbor.contexts.{context}.url"),
                Some(url.clone()),
                None,
            );
        }
        resolver.file_setting("build.engine", file.build.engine.clone(), None);
        resolver.file_setting("build.push-prefix", file.build.push_prefix.clone(), None);
        resolver.file_setting("build.push-secret", file.build.push_secret.clone(), None);
        resolver.file_setting("secrets.helper", file.secrets_helper.clone(), None);
        Self {
            all: resolver.all,
            config_path: path,
        }
    }

    /// Returns the value of a setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all
            .iter()
            .find(|setting| setting.name == name)?
            .value
            .as_deref()
    }

    /// Returns the names of the Harbors in the config file.
    pub fn harbor_contexts(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter_map(|setting| {
            let rest = setting.name.strip_prefix("harbor.contexts.")?;
            rest.strip_suffix(".url")
        })
    }

    /// Returns the path of the catalog.
    ///
    /// # Errors
    /// Where none is given and there is no home folder.
    pub fn catalog(&self) -> Result<PathBuf> {
        self.get("catalog")
            .map(PathBuf::from)
            .ok_or_else(|| homeless("IMGDEX_CATALOG"))
    }

    fn origin(&self, name: &str) -> Origin {
        self.all
            .iter()
            .find(|setting| setting.name == name)
            .map_or(Origin::Default, |setting| setting.origin)
    }

    /// Returns how long to wait for the catalog's lock.
    ///
    /// # Errors
    /// Where what is given is not a number of seconds.
    pub fn lock_timeout(&self) -> Result<Duration> {
        let text = self.get("lock-timeout").unwrap_or("60");
        let seconds: f64 = text
            .strip_suffix('s')
            .unwrap_or(text)
            .parse()
            .ok()
            .filter(|seconds| (0.0..=86400.0).contains(seconds))
            .ok_or_else(|| {
                Error::new(
                    Kind::InvalidInput,
                    format!(
                        "lock-timeout ({}): `{text}` is not a number of seconds from 0 to 86400",
                        self.origin("lock-timeout")
                    ),
                )
                .hint("write seconds, such as `--lock-timeout 300`")
            })?;
        Ok(Duration::from_secs_f64(seconds))
    }
}

fn read(path: &Path, must_exist: bool) -> Result<ConfigFile> {
    let text = match text_of(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
            return Ok(ConfigFile::default());
        }
        Err(error) => {
            let kind = match error.kind() {
                io::ErrorKind::NotFound => Kind::NotFound,
                io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge => Kind::InvalidInput,
                _ => Kind::Io,
            };
            let message = format!("cannot read the config file `{}`", path.display());
            return Err(Error::new(kind, message).because(&error));
        }
    };
    config_of(&text).map_err(|faults| {
        let message = format!("the config file `{}` is not valid", path.display());
        let mut failure = Error::new(Kind::InvalidInput, message);
        failure.lines = faults
            .iter()
            .map(|fault| format!("{}:{fault}", path.display()))
            .collect();
        failure
    })
}

/// Returns what a regular file of at most 1 MiB holds: a pipe or a device may
/// have no end, or never begin.
fn text_of(path: &Path) -> io::Result<String> {
    const LARGEST: usize = 1024 * 1024;
    if !fs::metadata(path)?.is_file() {
        let rule = "it is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidData, rule));
    }
    let mut text = String::new();
    File::open(path)?
        .take(LARGEST as u64 + 1)
        .read_to_string(&mut text)?;
    if text.len() > LARGEST {
        let rule = "it is larger than 1 MiB";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, rule));
    }
    Ok(text)
}
