//! Which Harbor a command asks: a flag, the environment, or a context of the config.

use super::App;
use super::network::Choices;
use crate::config::Origin;
use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};

/// What was chosen on the command line.
#[derive(Debug, Clone, Default)]
pub struct ServerChoice {
    /// `https://HOST[:PORT]`, or only the host.
    pub server: Option<String>,
    /// A context of the config file.
    pub context: Option<String>,
}

/// A Harbor that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub registry: Registry,
    /// What its address says of TLS; unset where only a host was named.
    pub tls: Option<bool>,
}

impl Server {
    /// Returns the server at an address.
    ///
    /// # Errors
    /// The rule that it breaks, said of `setting`.
    pub fn parse(text: &str, setting: &str) -> Result<Self> {
        let wrong = |rule: &str| {
            let message = format!("{setting}: `{}`: {rule}", shorten(text));
            Error::new(Kind::InvalidInput, message)
                .hint("the address is `https://HOST[:PORT]`, as in `https://harbor.example.com`")
        };
        if text.contains('@') {
            // They are not repeated, not even here.
            let message = format!("{setting}: credentials do not belong in an address");
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("`imgdex login HOST` keeps them; in CI, set IMGDEX_REGISTRY_USERNAME"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let tls = match scheme.as_deref() {
            Some("https") => Some(true),
            Some("http") => Some(false),
            Some(_) => return Err(wrong("Harbor is spoken to by http or https")),
            None => None,
        };
        let rest = rest.trim_end_matches('/');
        if rest.contains(['/', '?', '#']) {
            return Err(wrong("it has more than a host and a port"));
        }
        // The usual port is left out, as it is in references.
        let usual = if tls == Some(false) { ":80" } else { ":443" };
        let host = rest.strip_suffix(usual).filter(|_| tls.is_some());
        let registry = host.unwrap_or(rest).parse();
        let registry = registry.map_err(|_| wrong("it names no host"))?;
        Ok(Self { registry, tls })
    }

    /// Returns the choices with what the address says of TLS.
    #[must_use]
    pub fn choices(&self, choices: Choices) -> Choices {
        Choices {
            plain_http: choices.plain_http || self.tls == Some(false),
            tls: self.tls == Some(true),
            ..choices
        }
    }
}

impl App {
    /// Returns the Harbor that is asked; nothing where none is known.
    ///
    /// # Errors
    /// For an address that is none, and a context that is not in the config file.
    pub fn known_server(&self, choice: &ServerChoice) -> Result<Option<Server>> {
        if let Some(server) = &choice.server {
            return Server::parse(server, "--server").map(Some);
        }
        if let Some(context) = &choice.context {
            let name = format!("harbor.contexts.{context}.url");
            let Some(url) = self.settings.get(&name) else {
                let message = format!("there is no context `{}`", shorten(context));
                let known = self.settings.harbor_contexts();
                let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
                let hint = match known.is_empty() {
                    true => format!(
                        "add it to the config file: `[harbor.contexts.{}]`, `url = \
                         \"https://harbor.example.com\"`",
                        shorten(context)
                    ),
                    false => format!("the config file has {}", known.join(", ")),
                };
                return Err(Error::new(Kind::InvalidInput, message).hint(hint));
            };
            return Server::parse(url, &name).map(Some);
        }
        let mut settings = self.settings.all.iter();
        let Some(setting) = settings.find(|setting| setting.name == "harbor.url") else {
            return Ok(None);
        };
        let name = match setting.origin {
            Origin::Environment(variable) => variable,
            _ => "harbor.url",
        };
        let url = setting.value.as_deref();
        url.map(|url| Server::parse(url, name)).transpose()
    }

    /// Returns whether a context of the config file is at a host.
    pub fn is_context(&self, registry: &Registry) -> bool {
        self.settings.harbor_contexts().any(|context| {
            let name = format!("harbor.contexts.{context}.url");
            let url = self.settings.get(&name);
            let server = url.and_then(|url| Server::parse(url, &name).ok());
            server.is_some_and(|server| server.registry == *registry)
        })
    }

    /// Returns the Harbor that is asked.
    ///
    /// # Errors
    /// Those of [`App::known_server`], and where none is known.
    pub fn server(&self, choice: &ServerChoice) -> Result<Server> {
        self.known_server(choice)?.ok_or_else(|| {
            Error::new(Kind::InvalidInput, "which Harbor is meant was not said")
                .hint("name it with `--server https://harbor.example.com` or IMGDEX_HARBOR_URL")
                .hint(
                    "or in the config file: `[harbor]`, `context = \"prod\"`, \
                     `[harbor.contexts.prod]`, `url = \"https://harbor.example.com\"`",
                )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, host: &str, tls: Option<bool>| {
            let server = Server::parse(text, "--server").expect("a server");
            assert_eq!(
                (server.registry.to_string(), server.tls),
                (host.to_owned(), tls)
            );
        };
        check("https://h.example", "h.example", Some(true));
        check("http://h.example:8080/", "h.example:8080", Some(false));
        check("127.0.0.1:5000", "127.0.0.1:5000", None);
        check("HTTPS://H.example:443//", "h.example", Some(true));
        check("http://h.example:80", "h.example", Some(false));
        check("https://h.example:80", "h.example:80", Some(true));
        check("h.example:443", "h.example:443", None);
        check("https://[::1]:443", "[::1]", Some(true));
        for bad in [
            "https://h.example/harbor",
            "ftp://h.example",
            "https://a:b@h.example",
            "https://h.example?x=1",
            "https://",
            "",
            "a host",
        ] {
            let error = Server::parse(bad, "--server").expect_err(bad);
            assert!(!format!("{error:?}").contains("a:b"), "{error:?}");
        }
    }
}
