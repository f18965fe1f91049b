//! How registries are spoken to: what the config, the flags and the environment
//! say, as values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::reference::Registry;

/// How registries are spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// By `host[:port]`.
    pub hosts: BTreeMap<String, HostSettings>,
    pub proxies: Proxies,
    /// Folders that hold one folder `HOST[:PORT]` of certificates per registry.
    pub certificates: Vec<PathBuf>,
    pub timing: Timing,
}

/// How one registry is spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// A token realm on another host that may be asked.
    pub realm: Option<String>,
    /// Certificates in PEM that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Whether it is spoken to without TLS; unset where nobody said.
    pub plain_http: Option<bool>,
}

/// Where proxies are, as the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub http: Option<String>,
    pub https: Option<String>,
    /// Hosts that are reached without one, separated by commas.
    pub none_for: Option<String>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the look-up of the name to the end of the TLS handshake.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// A request with all its retries and redirects.
    pub total: Duration,
    /// Before the first retry; doubled for each further one.
    pub pause: Duration,
    /// How long somebody who is sent bytes may take none.
    pub stall: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            total: Duration::from_secs(30),
            pause: Duration::from_millis(250),
            stall: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// Returns what is said of a host; the defaults where nothing is.
    pub(super) fn host(&self, host: &str) -> HostSettings {
        self.hosts.get(host).cloned().unwrap_or_default()
    }

    /// Returns what is said of a registry, under its name or that of its host.
    pub(super) fn registry(&self, registry: &Registry) -> HostSettings {
        let name = registry.to_string();
        match self.hosts.get(&name) {
            Some(settings) => settings.clone(),
            None => self.host(&registry.endpoint()),
        }
    }

    /// Returns what is said of the TLS of a host. Where nothing is said of its
    /// port, what is said of another one holds: token services often are there.
    pub(super) fn tls(&self, host: &str) -> HostSettings {
        let bare = without_port(host);
        let other = || {
            let found = self
                .hosts
                .iter()
                .find(|(name, _)| without_port(name) == bare);
            found.map(|(_, settings)| settings)
        };
        self.hosts
            .get(host)
            .or_else(other)
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the folders of a host's certificates that are there.
    pub(super) fn certificate_folders(&self, host: &str) -> Vec<PathBuf> {
        let below = |folder: &PathBuf| folder.join(host);
        let mut folders: Vec<PathBuf> = self.certificates.iter().map(below).collect();
        folders.retain(|folder| folder.is_dir());
        folders
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

impl Proxies {
    /// Returns what the environment says, `get` giving a variable that is set.
    pub fn from_environment<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let either = |upper: &str, lower: &str| {
            let value = get(lower).or_else(|| get(upper));
            value.map(str::to_owned)
        };
        let all = either("ALL_PROXY", "all_proxy");
        Self {
            http: either("HTTP_PROXY", "http_proxy").or_else(|| all.clone()),
            https: either("HTTPS_PROXY", "https_proxy").or(all),
            none_for: either("NO_PROXY", "no_proxy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tls_of_a_host_is_that_of_its_other_port() {
        let insecure = |insecure| HostSettings {
            insecure,
            ..HostSettings::default()
        };
        let settings = Settings {
            hosts: BTreeMap::from([
                ("h.example:5000".to_owned(), insecure(true)),
                ("[::1]:5000".to_owned(), insecure(true)),
                ("i.example:1".to_owned(), insecure(true)),
                ("i.example:2".to_owned(), insecure(false)),
            ]),
            ..Settings::default()
        };
        for host in [
            "h.example:5000",
            "h.example:5001",
            "h.example",
            "[::1]:8",
            "[::1]",
        ] {
            assert!(settings.tls(host).insecure, "{host}");
        }
        for host in [
            "i.example:2",
            "x.h.example:5000",
            "example:5000",
            "[::2]:5000",
        ] {
            assert!(!settings.tls(host).insecure, "{host}");
        }
    }

    #[test]
    fn lower_case_variables_come_first_and_all_proxy_last() {
        let proxies = Proxies::from_environment(|name| match name {
            "HTTPS_PROXY" => Some("http://upper:1"),
            "https_proxy" => Some("http://lower:1"),
            "ALL_PROXY" => Some("http://all:1"),
            "NO_PROXY" => Some("example.com"),
            _ => None,
        });
        assert_eq!(proxies.https.as_deref(), Some("http://lower:1"));
        assert_eq!(proxies.http.as_deref(), Some("http://all:1"));
        assert_eq!(proxies.none_for.as_deref(), Some("example.com"));
    }
}
