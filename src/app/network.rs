//! How a command reaches registries: the settings, the flags and the
//! environment put together. Nothing is started before it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::App;
use super::networks::Means;
use crate::credentials::ValuesFile;
use crate::credentials::ecosystem::{Given, Origin, Sources, host_of};
use crate::domain::credential::Credential;
use crate::domain::reference::{Reference, Registry};
use crate::error::{Error, Kind, Result};
use crate::registry::{HostSettings, Network, Proxies, Settings, Work};

/// The folders of certificates that container tools share.
const CERTIFICATES: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

/// What was chosen on the command line for the registry that is asked.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub authfile: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
    pub insecure: bool,
    pub plain_http: bool,
    /// Whether TLS was asked for, so that a registry of this machine is not tried.
    pub tls: bool,
    /// What the network is for.
    pub work: Work,
}

/// The file of credentials that is written.
#[derive(Debug, Clone)]
pub enum LoginFile {
    Named(PathBuf),
    /// Docker's `config.json`.
    Docker,
    /// containers' `auth.json`.
    Containers,
}

/// A network, and where its credentials come from.
#[derive(Clone)]
pub struct Reach {
    pub network: Arc<Network>,
    sources: Arc<Sources>,
}

/// How another program is to reach a registry.
#[derive(Debug, Clone)]
pub struct Security {
    pub verify_tls: bool,
    /// Certificates in PEM to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Reach {
    /// Returns where the credential for a registry comes from; nothing where there is
    /// none. A helper is asked once, and its answer serves the requests, too.
    pub fn origin(&self, registry: &Registry) -> Option<Origin> {
        let found = self.sources.find_with_origin(registry, None);
        found.map(|(_, origin)| origin)
    }

    /// Returns who asks for a repository; nothing where that is anybody.
    #[must_use]
    pub fn credential(&self, reference: &Reference) -> Option<Credential> {
        let (registry, repository) = (reference.registry(), reference.repository());
        self.sources.find(registry, Some(repository))
    }

    /// Prints what registries and files of credentials want people to know.
    pub fn tell(&self, app: &mut App) {
        for line in self.sources.warnings() {
            app.console.warn(&format!("warning: {line}"));
        }
        for line in self.network.client.notices() {
            app.console.warn(&format!("warning: {line}"));
        }
    }
}

impl App {
    /// Returns the registry of references that name none.
    ///
    /// # Errors
    /// Where the setting is no registry.
    pub fn default_registry(&self) -> Result<Registry> {
        let text = self.settings.get("default-registry").unwrap_or("docker.io");
        text.parse().map_err(|error| {
            let message = format!("default-registry: {error}");
            Error::new(Kind::InvalidInput, message).hint("set `IMGDEX_REGISTRY` to `HOST[:PORT]`")
        })
    }

    /// Returns the reference that a text spells.
    ///
    /// # Errors
    /// Where it spells none.
    pub fn reference(&self, text: &str) -> Result<Reference> {
        Reference::parse_with_default(text, &self.default_registry()?)
            .map_err(|error| Error::new(Kind::InvalidInput, error.to_string()))
    }

    /// Starts the network; what was chosen holds for the registries that are named.
    ///
    /// # Errors
    /// Where a file that was named is missing, or the system has no room.
    pub fn reach(&mut self, registries: &[&Registry], choices: &Choices) -> Result<Reach> {
        let sources = self.sources(choices.authfile.as_deref())?;
        let settings = self.registry_settings(registries, choices);
        self.tell_insecure(registries, &settings);
        if self.networks.is_none() {
            return self.start(settings, sources, choices.work);
        }
        let means = Means::new(&settings, &sources.files, choices.work);
        let kept = self.networks.as_ref().and_then(|kept| kept.get(&means));
        if let Some(reach) = kept {
            return Ok(reach);
        }
        let reach = self.start(settings, sources, choices.work)?;
        if let Some(networks) = &mut self.networks {
            networks.put(means, reach.clone());
        }
        Ok(reach)
    }

    /// Starts the network, for asking one registry as somebody.
    ///
    /// # Errors
    /// Where the system has no room.
    pub fn reach_as(
        &mut self,
        registry: &Registry,
        choices: &Choices,
        credential: Credential,
    ) -> Result<Reach> {
        let given = Given {
            host: registry.to_string(),
            credential,
        };
        let settings = self.registry_settings(&[registry], choices);
        self.tell_insecure(&[registry], &settings);
        // Nobody else may ask as this one.
        self.start(
            settings,
            Sources::new(Some(given), Vec::new(), None),
            choices.work,
        )
    }

    /// Returns how another program is to reach a registry, as the settings say.
    #[must_use]
    pub fn security(&self, registry: &Registry, choices: &Choices) -> Security {
        let mut settings = self.registry_settings(&[registry], choices);
        let host = settings.hosts.remove(&registry.to_string());
        let host = host.unwrap_or_default();
        let is_ours = registry.is_loopback() && host.ca_file.is_none();
        let is_plain = host.plain_http.unwrap_or(is_ours);
        Security {
            verify_tls: !is_plain && !host.insecure,
            ca_file: host.ca_file,
        }
    }

    fn tell_insecure(&mut self, registries: &[&Registry], settings: &Settings) {
        let named: BTreeSet<String> = registries.iter().map(ToString::to_string).collect();
        for name in named {
            if settings.hosts.get(&name).is_some_and(|host| host.insecure) {
                self.console.warn(&format!(
                    "warning: the certificate of `{name}` is not verified (`insecure`)"
                ));
            }
        }
    }

    fn start(&self, settings: Settings, sources: Sources, work: Work) -> Result<Reach> {
        let sources = Arc::new(sources);
        let finder = Arc::clone(&sources);
        let find =
            move |registry: &Registry, repository: Option<&_>| finder.find(registry, repository);
        let network = Network::start(settings, Arc::new(find), work).map_err(|error| {
            Error::new(Kind::Failure, "cannot start the network").because(&error)
        })?;
        let network = Arc::new(network.until(self.stop()));
        Ok(Reach { network, sources })
    }

    fn registry_settings(&self, registries: &[&Registry], choices: &Choices) -> Settings {
        let mut hosts: BTreeMap<String, HostSettings> = BTreeMap::new();
        for setting in &self.settings.all {
            let parts = setting.name.strip_prefix("registry.\"");
            let parts = parts.and_then(|rest| rest.split_once("\"."));
            let (Some((host, key)), Some(value)) = (parts, &setting.value) else {
                continue;
            };
            let host = hosts.entry(host_of(host)).or_default();
            match key {
                "realm" => host.realm = Some(value.clone()),
                "ca-file" => host.ca_file = Some(PathBuf::from(value)),
                "insecure" => host.insecure = value == "true",
                "plain-http" => host.plain_http = Some(value == "true"),
                _ => {}
            }
        }
        for registry in registries {
            let chosen = hosts.entry(registry.to_string()).or_default();
            chosen.insecure |= choices.insecure;
            if choices.plain_http {
                chosen.plain_http = Some(true);
            } else if choices.tls {
                chosen.plain_http = Some(false);
            }
            if let Some(file) = &choices.ca_file {
                chosen.ca_file = Some(file.clone());
            }
        }
        // TLS is looked up by the host that is connected to.
        let hub = Registry::docker_hub();
        if let Some(chosen) = hosts.get(&hub.to_string()).cloned() {
            hosts.insert(hub.endpoint(), chosen);
        }
        Settings {
            hosts,
            proxies: Proxies::from_environment(|name| self.environment.get(name)),
            certificates: CERTIFICATES.iter().map(PathBuf::from).collect(),
            ..Settings::default()
        }
    }

    /// Returns how many requests a registry is given at a time: what the config says
    /// of its host, or else of all.
    pub fn connections(&self) -> impl Fn(&Registry) -> usize + use<> {
        let count = |name: &str| self.settings.get(name).and_then(|count| count.parse().ok());
        let usual = count("verify.connections-per-host").unwrap_or(8);
        let hosts = self.settings.all.iter().filter_map(|setting| {
            let rest = setting.name.strip_prefix("registry.\"")?;
            let host = rest.strip_suffix("\".connections")?;
            Some((host_of(host), count(&setting.name)?))
        });
        let hosts: BTreeMap<String, usize> = hosts.collect();
        move |registry| hosts.get(&registry.to_string()).copied().unwrap_or(usual)
    }

    /// Returns where credentials are looked for: the environment, the file that
    /// was named, and those of other tools.
    fn sources(&mut self, authfile: Option<&Path>) -> Result<Sources> {
        if let Some(path) = authfile.filter(|path| !path.exists()) {
            let message = format!("there is no file of credentials `{}`", path.display());
            return Err(Error::new(Kind::NotFound, message).hint("name another with `--authfile`"));
        }
        let given = self.given().unwrap_or_else(|line| {
            self.console.warn(line);
            None
        });
        Ok(self.sources_with(given, authfile))
    }

    fn sources_with(&self, given: Option<Given>, authfile: Option<&Path>) -> Sources {
        let named = authfile
            .map(Path::to_path_buf)
            .or_else(|| self.named_authfile());
        let files = [
            named,
            self.below("XDG_RUNTIME_DIR", "containers/auth.json"),
            self.below("XDG_CONFIG_HOME", "containers/auth.json")
                .or_else(|| self.below("HOME", ".config/containers/auth.json")),
            self.docker_file(),
        ];
        let files = files.into_iter().flatten().collect();
        let inline = self.environment.get("DOCKER_AUTH_CONFIG");
        let inline = inline.map(|text| SecretString::from(text.to_owned()));
        Sources::new(given, files, inline)
    }

    /// Returns whether the config or credentials say that there is such a registry.
    pub fn is_known_registry(&self, registry: &Registry, authfile: Option<&Path>) -> bool {
        let host = registry.to_string();
        let mut names = self.settings.all.iter().filter_map(|setting| {
            let rest = setting.name.strip_prefix("registry.\"")?;
            rest.split_once("\".").map(|(name, _)| host_of(name))
        });
        if names.any(|name| name == host) {
            return true;
        }
        let sources = self.sources_with(self.given().ok().flatten(), authfile);
        sources.find(registry, None).is_some()
    }

    fn below(&self, variable: &str, path: &str) -> Option<PathBuf> {
        let folder = self.environment.get(variable).map(PathBuf::from);
        folder.map(|folder| folder.join(path))
    }

    fn named_authfile(&self) -> Option<PathBuf> {
        self.environment
            .get("REGISTRY_AUTH_FILE")
            .map(PathBuf::from)
    }

    fn docker_file(&self) -> Option<PathBuf> {
        self.below("DOCKER_CONFIG", "config.json")
            .or_else(|| self.below("HOME", ".docker/config.json"))
    }

    /// Returns the files that a login may have gone into, the one that it goes
    /// into first.
    ///
    /// # Errors
    /// Where there is no home folder, or a bad lock time-out.
    pub fn login_files(&self, file: &LoginFile) -> Result<Vec<ValuesFile>> {
        let paths = match file {
            LoginFile::Named(path) => vec![path.clone()],
            LoginFile::Docker => self.docker_file().into_iter().collect(),
            LoginFile::Containers => match self.named_authfile() {
                Some(path) => vec![path],
                None => {
                    // As podman does: gone at the end of the session.
                    let session = self.below("XDG_RUNTIME_DIR", "containers/auth.json");
                    let session =
                        session.filter(|path| path.ancestors().nth(2).is_some_and(Path::is_dir));
                    let lasting = self
                        .below("XDG_CONFIG_HOME", "containers/auth.json")
                        .or_else(|| self.below("HOME", ".config/containers/auth.json"));
                    session.into_iter().chain(lasting).collect()
                }
            },
        };
        let lock_timeout = self.settings.lock_timeout()?;
        let place = |path| ValuesFile { path, lock_timeout };
        Ok(paths.into_iter().map(place).collect())
    }

    /// Returns the file that a login goes into.
    ///
    /// # Errors
    /// Where there is no home folder, or a bad lock time-out.
    pub fn login_file(&self, file: &LoginFile) -> Result<ValuesFile> {
        self.login_files(file)?.into_iter().next().ok_or_else(|| {
            let message = "there is no folder for the file of credentials: `HOME` is not set";
            Error::new(Kind::InvalidInput, message).hint("name a file with `--authfile`")
        })
    }

    /// Returns what `IMGDEX_REGISTRY_…` says.
    ///
    /// # Errors
    /// A warning, where that is not enough to log in.
    fn given(&self) -> std::result::Result<Option<Given>, &'static str> {
        let get = |name: &str| {
            let value = self.environment.get(&format!("IMGDEX_REGISTRY_{name}"));
            value.map(str::to_owned)
        };
        let (host, username, password) = (get("HOST"), get("USERNAME"), get("PASSWORD"));
        let token = get("TOKEN").map(SecretString::from);
        let credential = match (username, password.map(SecretString::from), token) {
            (Some(username), Some(password), _) => Credential::Basic { username, password },
            (_, _, Some(token)) => Credential::RegistryToken(token),
            (None, None, None) => return Ok(None),
            _ => {
                return Err(
                    "warning: IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD serve together \
                     only",
                );
            }
        };
        match host {
            Some(host) => Ok(Some(Given {
                host: host_of(&host),
                credential,
            })),
            None => Err(
                "warning: the credentials of the environment serve nowhere: IMGDEX_REGISTRY_HOST \
                 is not set",
            ),
        }
    }
}
