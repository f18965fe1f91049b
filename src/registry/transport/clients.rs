//! One HTTP client per way of reaching a host, built when it is first needed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy, Url};

use super::address::{Reach, Resolver};
use super::tls::Profile;
use crate::registry::error::{Error, Reason, Result};
use crate::registry::settings::Settings;

/// Hosts that are never reached by a proxy: a proxy has a loopback of its own.
const NEVER_PROXIED: &str = "localhost,127.0.0.0/8,::1";

/// What tells one client from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    profile: Profile,
    reach: Reach,
    pace: Pace,
}

/// How long an answer may take to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// As long as a piece of it may.
    Usual,
    /// As long as what is asked takes to be sent; somebody else watches.
    AsItComes,
}

#[derive(Debug, Default)]
pub struct Clients {
    built: Mutex<HashMap<Key, Client>>,
}

impl Clients {
    /// Returns the client for a host.
    ///
    /// # Errors
    /// For certificates and proxies that cannot be used.
    pub fn get(&self, settings: &Settings, url: &Url, reach: Reach, pace: Pace) -> Result<Client> {
        let profile = profile_of(settings, url);
        let key = Key {
            profile,
            reach,
            pace,
        };
        self.with(settings, key)
    }

    /// Returns a client that finds out who speaks TLS: it takes any certificate, and
    /// must be shown nothing.
    ///
    /// # Errors
    /// For proxies that cannot be used.
    pub fn probing(&self, settings: &Settings) -> Result<Client> {
        let profile = Profile {
            insecure: true,
            ..Profile::default()
        };
        let key = Key {
            profile,
            reach: Reach::Anywhere,
            pace: Pace::Usual,
        };
        self.with(settings, key)
    }

    fn with(&self, settings: &Settings, key: Key) -> Result<Client> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = built.get(&key) {
            return Ok(client.clone());
        }
        let client = build(settings, &key)?;
        built.insert(key, client.clone());
        Ok(client)
    }
}

fn profile_of(settings: &Settings, url: &Url) -> Profile {
    if url.scheme() != "https" {
        // A proxy may speak TLS where the registry behind it does not.
        return Profile {
            unused: settings.proxies.http.is_none(),
            ..Profile::default()
        };
    }
    let host = authority(url);
    let said = settings.tls(&host);
    Profile {
        ca_file: said.ca_file,
        folders: settings.certificate_folders(&host),
        insecure: said.insecure,
        unused: false,
    }
}

/// Returns `host[:port]`, as registries are named.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn build(settings: &Settings, key: &Key) -> Result<Client> {
    let timing = settings.timing;
    let mut proxies = BTreeSet::new();
    let mut builder = Client::builder()
        .tls_backend_preconfigured(key.profile.config()?)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .user_agent(concat!("imgdex/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timing.connect)
        .no_proxy();
    if key.pace == Pace::Usual {
        builder = builder.read_timeout(timing.idle);
    }
    let said = &settings.proxies;
    let excepted = match &said.none_for {
        Some(hosts) => format!("{hosts},{NEVER_PROXIED}"),
        None => NEVER_PROXIED.to_owned(),
    };
    type Make = fn(Url) -> reqwest::Result<Proxy>;
    let makers: [(&Option<String>, Make); 2] =
        [(&said.http, Proxy::http), (&said.https, Proxy::https)];
    for (address, make) in makers {
        let Some(address) = address else { continue };
        let url = proxy_url(address)?;
        proxies.extend(url.host_str().map(str::to_owned));
        let proxy = make(url).map_err(|_| bad_proxy())?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&excepted)));
    }
    let resolver = Resolver {
        reach: key.reach,
        proxies: Arc::new(proxies),
    };
    builder.dns_resolver(resolver).build().map_err(|error| {
        Error::new(Reason::Settings, "cannot set HTTP up").because(error.without_url().to_string())
    })
}

/// Returns the address of a proxy, which may be written without `http://`. It
/// may hold a password, so that it is never shown.
fn proxy_url(text: &str) -> Result<Url> {
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    Url::parse(&text)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.host_str().is_some())
        .ok_or_else(bad_proxy)
}

fn bad_proxy() -> Error {
    Error::new(Reason::Settings, "cannot use the proxy of the environment")
        .because("its address should be `http://HOST:PORT`")
        .hint("set `HTTPS_PROXY` and `HTTP_PROXY` so, or unset them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_proxy_is_told_without_its_password() {
        for text in ["socks5://me:hunter2@host:1", "http://", "me:hunter2@:x"] {
            let error = proxy_url(text).expect_err(text);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let url = proxy_url("proxy.example.com:3128").expect("a proxy");
        assert_eq!(url.as_str(), "http://proxy.example.com:3128/");
    }
}
