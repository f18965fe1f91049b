//! The config file: which settings there are, and what they may be.

use std::collections::BTreeMap;

use super::decode::Decoder;
use super::document::{Entry, Fault, Node};
use super::toml;
use crate::domain::name::shorten;
use crate::domain::reference::Registry;

/// What a config file says; what it does not say is unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFile {
    pub output: Option<String>,
    pub platform: Option<String>,
    pub default_registry: Option<String>,
    pub store: Store,
    pub verify: Verify,
    /// By host.
    pub registries: BTreeMap<String, RegistryConfig>,
    pub harbor: Harbor,
    pub build: Build,
    pub secrets_helper: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    pub path: Option<String>,
    pub disabled: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verify {
    pub connections_per_host: Option<u64>,
    /// As it is written, such as `24h`.
    pub max_age: Option<String>,
}

/// How one registry is spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryConfig {
    pub realm: Option<String>,
    pub ca_file: Option<String>,
    pub insecure: Option<bool>,
    pub plain_http: Option<bool>,
    pub connections: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Harbor {
    pub context: Option<String>,
    /// URLs by the name of the context.
    pub contexts: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    pub engine: Option<String>,
    pub push_prefix: Option<String>,
    pub push_secret: Option<String>,
}

/// The forms in which answers are printed.
pub const OUTPUTS: [&str; 6] = ["table", "wide", "json", "yaml", "csv", "name"];

const ENGINES: [&str; 4] = ["buildah", "podman", "docker", "kubernetes"];

/// Returns what a config file says.
///
/// # Errors
/// Every fault at its place; an unknown key with the nearest known one.
pub fn config_of(text: &str) -> Result<ConfigFile, Vec<Fault>> {
    let node = toml::parse(text).map_err(|fault| vec![fault])?;
    let mut reader = Reader::default();
    let mut config = ConfigFile::default();
    for entry in node.as_map().unwrap_or_default() {
        reader.top(&mut config, entry);
    }
    if let Some(context) = &config.harbor.context
        && !config.harbor.contexts.contains_key(context)
        && let Some(at) = node.find("harbor.context")
    {
        let message = format!("there is no `[harbor.contexts.{context}]`");
        reader
            .decoder
            .faults
            .push(at.fault("harbor.context", message));
    }
    if reader.decoder.faults.is_empty() {
        Ok(config)
    } else {
        Err(reader.decoder.faults)
    }
}

#[derive(Default)]
struct Reader {
    decoder: Decoder,
}

impl Reader {
    fn top(&mut self, config: &mut ConfigFile, entry: &Entry) {
        const KNOWN: [&str; 9] = [
            "output",
            "platform",
            "default-registry",
            "store",
            "verify",
            "registry",
            "harbor",
            "build",
            "secrets",
        ];
        let (key, node) = (entry.key.as_str(), &entry.node);
        match key {
            "output" => config.output = self.one_of(key, node, &OUTPUTS),
            "platform" => config.platform = self.platform(key, node),
            "default-registry" => {
                config.default_registry = self.checked(key, node, |text| {
                    text.parse::<Registry>()
                        .map(|_| ())
                        .map_err(|error| error.to_string())
                });
            }
            "store" => self.store(&mut config.store, node),
            "verify" => self.verify(&mut config.verify, node),
            "registry" => {
                for host in self.decoder.object(key, node) {
                    let settings = self.registry(host);
                    config.registries.insert(host.key.clone(), settings);
                }
            }
            "harbor" => self.harbor(&mut config.harbor, node),
            "build" => self.build(&mut config.build, node),
            "secrets" => {
                for entry in self.decoder.object(key, node) {
                    match entry.key.as_str() {
                        "helper" => {
                            config.secrets_helper =
                                self.decoder.text("secrets.helper", &entry.node);
                        }
                        _ => self.decoder.unknown(key, entry, &["helper"]),
                    }
                }
            }
            _ => self.decoder.unknown("", entry, &KNOWN),
        }
    }

    fn store(&mut self, store: &mut Store, node: &Node) {
        for entry in self.decoder.object("store", node) {
            match entry.key.as_str() {
                "path" => store.path = self.decoder.text("store.path", &entry.node),
                "disabled" => store.disabled = self.decoder.flag("store.disabled", &entry.node),
                _ => self.decoder.unknown("store", entry, &["path", "disabled"]),
            }
        }
    }

    fn verify(&mut self, verify: &mut Verify, node: &Node) {
        for entry in self.decoder.object("verify", node) {
            match entry.key.as_str() {
                "connections-per-host" => {
                    verify.connections_per_host =
                        self.count("verify.connections-per-host", &entry.node);
                }
                "max-age" => {
                    verify.max_age = self.checked("verify.max-age", &entry.node, |text| {
                        duration_of(text).map(|_| ()).ok_or_else(|| {
                            "should be a duration such as `30m`, `24h` or `7d`".to_owned()
                        })
                    });
                }
                _ => {
                    let known = ["connections-per-host", "max-age"];
                    self.decoder.unknown("verify", entry, &known);
                }
            }
        }
    }

    fn registry(&mut self, host: &Entry) -> RegistryConfig {
        const KNOWN: [&str; 5] = ["realm", "ca-file", "insecure", "plain-http", "connections"];
        let mut settings = RegistryConfig::default();
        let path = format!("registry.\"{}\"", host.key);
        if let Err(error) = host.key.parse::<Registry>() {
            self.decoder.faults.push(Fault {
                at: host.at,
                field: path.clone(),
                message: error.to_string(),
            });
        }
        for entry in self.decoder.object(&path, &host.node) {
            let field = format!("{path}.{}", entry.key);
            let node = &entry.node;
            match entry.key.as_str() {
                "realm" => settings.realm = self.url(&field, node),
                "ca-file" => settings.ca_file = self.decoder.text(&field, node),
                "insecure" => settings.insecure = self.decoder.flag(&field, node),
                "plain-http" => settings.plain_http = self.decoder.flag(&field, node),
                "connections" => settings.connections = self.count(&field, node),
                _ => self.decoder.unknown(&path, entry, &KNOWN),
            }
        }
        settings
    }

    fn harbor(&mut self, harbor: &mut Harbor, node: &Node) {
        for entry in self.decoder.object("harbor", node) {
            match entry.key.as_str() {
                "context" => harbor.context = self.decoder.text("harbor.context", &entry.node),
                "contexts" => {
                    for context in self.decoder.object("harbor.contexts", &entry.node) {
                        let path = format!("harbor.contexts.{}", context.key);
                        for entry in self.decoder.object(&path, &context.node) {
                            if entry.key != "url" {
                                self.decoder.unknown(&path, entry, &["url"]);
                            } else if let Some(url) = self.url(&format!("{path}.url"), &entry.node)
                            {
                                harbor.contexts.insert(context.key.clone(), url);
                            }
                        }
                    }
                }
                _ => self
                    .decoder
                    .unknown("harbor", entry, &["context", "contexts"]),
            }
        }
    }

    fn build(&mut self, build: &mut Build, node: &Node) {
        for entry in self.decoder.object("build", node) {
            match entry.key.as_str() {
                "engine" => build.engine = self.one_of("build.engine", &entry.node, &ENGINES),
                "push-prefix" => {
                    build.push_prefix = self.decoder.text("build.push-prefix", &entry.node);
                }
                "push-secret" => {
                    build.push_secret = self.decoder.text("build.push-secret", &entry.node);
                }
                _ => {
                    let known = ["engine", "push-prefix", "push-secret"];
                    self.decoder.unknown("build", entry, &known);
                }
            }
        }
    }

    fn one_of(&mut self, field: &str, node: &Node, words: &[&str]) -> Option<String> {
        self.checked(field, node, |text| {
            if words.contains(&text) {
                Ok(())
            } else {
                Err(format!("should be one of {}", words.join(", ")))
            }
        })
    }

    fn platform(&mut self, field: &str, node: &Node) -> Option<String> {
        self.checked(field, node, |text| {
            let parts: Vec<&str> = text.split('/').collect();
            if (2..=3).contains(&parts.len()) && parts.iter().all(|part| !part.is_empty()) {
                Ok(())
            } else {
                Err("should be `os/arch` or `os/arch/variant`".to_owned())
            }
        })
    }

    fn url(&mut self, field: &str, node: &Node) -> Option<String> {
        self.checked(field, node, |text| {
            let rest = text
                .strip_prefix("https://")
                .or_else(|| text.strip_prefix("http://"));
            match rest {
                Some(rest) if rest.contains('@') => {
                    Err("should hold no user name or password".to_owned())
                }
                Some(rest) if !rest.is_empty() => Ok(()),
                _ => Err("should be a URL that begins with `https://`".to_owned()),
            }
        })
    }

    fn count(&mut self, field: &str, node: &Node) -> Option<u64> {
        let number = node.as_u64().filter(|number| (1..=1000).contains(number));
        if number.is_none() {
            self.decoder
                .out_of_range(field, node, "a number from 1 to 1000");
        }
        number
    }

    fn checked(
        &mut self,
        field: &str,
        node: &Node,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<String> {
        let text = self.decoder.text(field, node)?;
        match check(&text) {
            Ok(()) => Some(text),
            Err(rule) => {
                // An address may hold a password: it is not shown.
                let is_address = text.contains("://") || text.contains('@');
                let message = if is_address {
                    rule
                } else {
                    format!("{rule}, but is `{}`", shorten(&text))
                };
                self.decoder.faults.push(node.fault(field, message));
                None
            }
        }
    }
}

/// Returns the seconds of a duration such as `90s`, `30m`, `24h` or `7d`.
#[must_use]
pub fn duration_of(text: &str) -> Option<u64> {
    let (end, unit) = text.char_indices().next_back()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_documented_example_is_known() {
        let config = config_of(include_str!("../../examples/config.toml")).expect("valid");
        assert_eq!(config.output.as_deref(), Some("table"));
        assert_eq!(config.store.disabled, Some(false));
        assert_eq!(config.verify.connections_per_host, Some(8));
        let registry = &config.registries["registry.example.com"];
        assert_eq!(registry.realm.as_deref(), Some("https://auth.example.com"));
        assert_eq!(config.harbor.contexts["prod"], "https://harbor.example.com");
        assert_eq!(config.build.engine.as_deref(), Some("buildah"));
        assert_eq!(config.secrets_helper.as_deref(), Some("pass"));
    }

    #[test]
    fn a_fault_names_its_place_its_key_and_the_nearest_known_one() {
        let check = |text: &str, expected: &str| {
            let faults = config_of(text).expect_err("invalid");
            assert_eq!(faults[0].to_string(), expected, "{text}");
        };
        check(
            "output = \"table\"\n[verify]\nmax-agee = \"1h\"\n",
            "3:1: verify.max-agee: unknown field; did you mean `max-age`?",
        );
        check(
            "output = \"tabel\"",
            "1:10: output: should be one of table, wide, json, yaml, csv, name, but is `tabel`",
        );
        check(
            "[verify]\nmax-age = \"soon\"",
            "2:11: verify.max-age: should be a duration such as `30m`, `24h` or `7d`, but is `soon`",
        );
        check(
            "[store]\ndisabled = \"yes\"",
            "2:12: store.disabled: disabled should be true or false, but is `yes`",
        );
        check(
            "[harbor]\ncontext = \"prod\"",
            "2:11: harbor.context: there is no `[harbor.contexts.prod]`",
        );
        check(
            "[harbor.contexts.a]\nurl = \"https://me:secret@host\"",
            "2:7: harbor.contexts.a.url: should hold no user name or password",
        );
        assert!(config_of("output = ").is_err());
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration_of("24h"), Some(86400));
        assert_eq!(duration_of("90s"), Some(90));
        for text in ["", "h", "24", "-1h", "1w", "é", "99999999999999999999d"] {
            assert_eq!(duration_of(text), None, "{text}");
        }
    }
}
