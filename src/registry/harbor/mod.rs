//! Harbor's own API (v2.0), on the same transport and with the same credentials as the
//! registry that it is, too. Facts that are not in its contract are said where they are
//! used; they were read from the server's code.

mod account;
mod artifacts;
mod labels;
mod lists;
mod projects;
mod robots;
mod scans;

use bytes::Bytes;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;

use super::auth::{basic, header};
use super::error::{Error, Reason, Result};
use super::requests::Client;
use super::transport::{Answer, LARGEST_DOCUMENT, Request};
use crate::domain::credential::Credential;
use crate::domain::name::shorten;
use crate::domain::reference::Registry;

pub use account::{Account, AccountKind, Nature};
pub use artifacts::Query;
pub use robots::NewRobot;

/// A Harbor, as whoever the credentials for its host say.
pub struct Harbor<'a> {
    client: &'a Client,
    registry: Registry,
    /// Of its API, with a slash at the end.
    base: Url,
    shown: Option<HeaderValue>,
    /// The user name that is shown; empty for a token.
    account: Option<String>,
    /// Whether something in front of it lets no slash of a repository's name through.
    is_flat: std::sync::atomic::AtomicBool,
}

impl std::fmt::Debug for Harbor<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Harbor({})", self.registry)
    }
}

/// What is asked of the API.
#[derive(Debug, Clone, Copy)]
struct Call<'a> {
    method: &'a Method,
    /// Below `/api/v2.0/`, encoded.
    path: &'a str,
    attempt: &'a str,
    /// Who may do it, for the one who may not.
    needs: &'a str,
    extra: Option<(&'static str, &'static str)>,
    limit: usize,
    /// What is not there where the answer is 404.
    what: &'a str,
}

impl<'a> Call<'a> {
    fn get(path: &'a str, attempt: &'a str) -> Self {
        Self::new(&Method::GET, path, attempt)
    }

    fn new(method: &'a Method, path: &'a str, attempt: &'a str) -> Self {
        Self {
            method,
            path,
            attempt,
            needs: "",
            extra: None,
            limit: LARGEST_DOCUMENT,
            what: "",
        }
    }
}

impl Client {
    /// Returns the Harbor at a host, as whoever the credentials for it say.
    ///
    /// A bad password is told here, since the API would answer as to anybody: a failed
    /// basic authentication falls through there. `GET /v2/` tells it for local users,
    /// secrets of OIDC users and robots alike.
    ///
    /// # Errors
    /// Where the host cannot be asked, or refuses the credentials.
    pub async fn harbor(&self, registry: &Registry) -> Result<Harbor<'_>> {
        let attempt = format!("cannot log in to Harbor at `{registry}`");
        let root = self.transport.base(registry).await?;
        let mut harbor = self.harbor_as_anybody(registry).await?;
        match self.auth.find(registry, None).await {
            None => {}
            Some(Credential::Basic { username, password }) => {
                let shown = basic(&username, &password, &attempt)?;
                harbor.check(&root, &username, &shown, &attempt).await?;
                harbor.shown = Some(shown);
                harbor.account = Some(username);
            }
            Some(Credential::RegistryToken(token)) => {
                harbor.shown = Some(header("Bearer", &token, &attempt)?);
                harbor.account = Some(String::new());
            }
            Some(Credential::IdentityToken(_)) => {
                return Err(Error::new(Reason::Denied, attempt)
                    .because("Harbor's API takes no identity token")
                    .hint(format!(
                        "`imgdex login {registry} -u NAME --password-stdin` with a local user, a \
                         robot account, or the CLI secret of your profile"
                    )));
            }
        }
        Ok(harbor)
    }

    /// Returns the Harbor at a host, for what needs nobody to be logged in.
    ///
    /// # Errors
    /// Where the host cannot be asked.
    pub async fn harbor_as_anybody(&self, registry: &Registry) -> Result<Harbor<'_>> {
        let root = self.transport.base(registry).await?;
        let attempt = format!("cannot ask Harbor at `{registry}`");
        let base = (root.join("api/v2.0/"))
            .map_err(|_| Error::violation(attempt, "its address is not one"))?;
        Ok(Harbor {
            client: self,
            registry: registry.clone(),
            base,
            shown: None,
            account: None,
            is_flat: false.into(),
        })
    }
}

impl Harbor<'_> {
    async fn check(
        &self,
        root: &Url,
        username: &str,
        shown: &HeaderValue,
        attempt: &str,
    ) -> Result<()> {
        let Ok(url) = root.join("v2/") else {
            return Ok(());
        };
        let mut request = Request::new(Method::GET, url, attempt);
        request.authorization = Some(shown.clone());
        request.speaker = "Harbor";
        let answer = self.client.transport.send(&request).await?;
        if !matches!(answer.status.as_u16(), 401 | 403) {
            return Ok(());
        }
        let host = &self.registry;
        Err(Error::new(Reason::Denied, attempt)
            .because(format!(
                "`{host}` refused the user name `{}` and its password",
                shorten(username)
            ))
            .said_by("Harbor", answer.told().as_deref())
            .hint(format!(
                "`imgdex login {host}` with a local user, a robot account, or, where one logs in \
                 through OIDC, the CLI secret of the user's profile; a robot may have expired"
            )))
    }

    /// Returns the host that is asked.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns whether somebody is logged in.
    #[must_use]
    pub fn is_somebody(&self) -> bool {
        self.shown.is_some()
    }

    fn request(&self, call: Call<'_>) -> Result<Request> {
        let url = self.base.join(call.path);
        let url = url.map_err(|_| Error::violation(call.attempt, "its address is not one"))?;
        let mut request = Request::new(call.method.clone(), url, call.attempt);
        request.accept = Some("application/json");
        request.speaker = "Harbor";
        request.authorization.clone_from(&self.shown);
        request.extra = call.extra;
        request.limit = call.limit;
        Ok(request)
    }

    /// Asks, and returns whatever is answered.
    async fn answer(&self, call: Call<'_>, body: Option<&serde_json::Value>) -> Result<Answer> {
        let mut request = self.request(call)?;
        if let Some(body) = body {
            let body = Bytes::from(body.to_string());
            request.body = Some(("application/json".to_owned(), body));
        }
        request.once = is_once(call.method);
        self.client.transport.send(&request).await
    }

    /// Asks, and returns an answer that tells no failure.
    async fn ask(&self, call: Call<'_>, body: Option<&serde_json::Value>) -> Result<Answer> {
        let answer = self.answer(call, body).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.failed(&answer, call))
    }

    /// Removes something. Where it took several tries and is not there, one of them did
    /// it, and its answer was lost.
    async fn remove(&self, call: Call<'_>) -> Result<()> {
        let answer = self.answer(call, None).await?;
        let is_gone = answer.status == 404 && answer.tries > 1 && answer.words.is_some();
        if answer.status.is_success() || is_gone {
            return Ok(());
        }
        Err(self.failed(&answer, call))
    }

    /// Asks for a value.
    async fn value<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        let answer = self.ask(call, None).await?;
        self.read(&answer, call.attempt)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer, attempt: &str) -> Result<T> {
        let read = serde_json::from_slice(&answer.body);
        read.map_err(|_| {
            if serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_err() {
                return self.not_harbor(attempt);
            }
            let cause = format!("`{}` answered, but not as Harbor's API v2.0", self.registry);
            Error::violation(attempt, cause).hint("`imgdex harbor info` shows which version it is")
        })
    }

    fn not_harbor(&self, attempt: &str) -> Error {
        let host = &self.registry;
        let cause = format!("`{host}` answers as no Harbor does");
        let mut error = Error::violation(attempt, cause).hint(format!(
            "the server is the address that Harbor's own pages have; of a registry that is no \
             Harbor, `imgdex registry repositories {host}` shows what it has"
        ));
        error.by_page = true;
        error
    }

    /// Returns the failure that an answer tells.
    fn failed(&self, answer: &Answer, call: Call<'_>) -> Error {
        let host = &self.registry;
        let failure = |reason, cause: String| {
            Error::new(reason, call.attempt)
                .because(cause)
                .said_by("Harbor", answer.told().as_deref())
        };
        let words = answer.words.as_deref().unwrap_or_default();
        match answer.status.as_u16() {
            401 => self.unauthorized(answer, call),
            403 => {
                let who = self.who();
                let needs = match call.needs {
                    "" => "ask an administrator of the project, or log in as somebody else with \
                           `imgdex login`"
                        .to_owned(),
                    needs => format!("it needs {needs}"),
                };
                failure(Reason::Denied, format!("{who} may not do this")).hint(needs)
            }
            404 if answer.words.is_none() => self.not_harbor(call.attempt),
            404 => match call.what {
                "" => failure(Reason::NotFound, format!("`{host}` does not have it")),
                what => failure(Reason::NotFound, format!("{what} is not on `{host}`")),
            },
            409 => failure(Reason::Conflict, "it is there already".to_owned()),
            412 if words.starts_with("PROJECTPOLICYVIOLATION") => {
                let cause = "a policy of the project forbids it".to_owned();
                failure(Reason::Policy, cause)
            }
            412 if words.starts_with("VIOLATE_FOREIGN_KEY_CONSTRAINT") => failure(
                Reason::Conflict,
                "something else needs it, such as an index that lists it".to_owned(),
            ),
            412 => failure(
                Reason::Conflict,
                "a rule of the project keeps it as it is (an immutable tag)".to_owned(),
            ),
            413 => failure(Reason::Invalid, format!("`{host}` finds it too large")),
            400 | 422 => failure(Reason::Invalid, format!("`{host}` does not take it")),
            500.. => {
                let mut error = failure(
                    Reason::Unavailable,
                    format!("`{host}` answered {}", answer.status),
                )
                .hint("try again later; `imgdex harbor health` shows what of it is down");
                // A gateway may have lost the answer.
                error.in_doubt = is_once(call.method);
                error
            }
            _ => failure(
                Reason::Violation,
                format!("`{host}` answered {}", answer.status),
            ),
        }
    }

    fn unauthorized(&self, answer: &Answer, call: Call<'_>) -> Error {
        let host = &self.registry;
        let denied = |cause: String| {
            Error::new(Reason::Denied, call.attempt)
                .because(cause)
                .said_by("Harbor", answer.told().as_deref())
        };
        if self.shown.is_none() {
            return denied(format!(
                "`{host}` wants credentials, and there are none for it"
            ))
            .hint(format!(
                "`imgdex login {host}`; in CI, set IMGDEX_REGISTRY_HOST={host}, \
                     IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD"
            ));
        }
        // The login itself was good: a secret for the command line serves few calls.
        denied(format!(
            "{} logged in, but Harbor's API takes no CLI secret of an OIDC user for this",
            self.who()
        ))
        .hint(format!(
            "this needs a robot account or a local user: `imgdex login {host}` as one"
        ))
    }

    /// Returns who asks, for messages.
    fn who(&self) -> String {
        match self.account.as_deref() {
            None => "anybody".to_owned(),
            Some("") => "the account of the token".to_owned(),
            Some(name) => format!("`{}`", shorten(name)),
        }
    }
}

/// Returns whether something must not be done twice.
fn is_once(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PATCH)
}

/// Returns a text as one segment of a path, or as one value of a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Returns the path of a repository; a slash of its name is encoded twice, since it is
/// decoded once on its way and once by the router.
fn repository_path(project: &str, repository: &str) -> String {
    let (project, repository) = (encoded(project), encoded(&encoded(repository)));
    format!("projects/{project}/repositories/{repository}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_repositories_are_encoded_twice() {
        assert_eq!(
            repository_path("my.apps", "team/cool_app"),
            "projects/my.apps/repositories/team%252Fcool_app"
        );
        assert_eq!(encoded("robot$a+b c"), "robot%24a%2Bb%20c");
    }
}
