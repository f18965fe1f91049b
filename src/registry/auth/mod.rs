//! Who asks: what a registry wants to see before it answers, and the tokens
//! that were given for it.

mod challenge;
mod realm;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::error::{Error, Reason, Result};
use super::transport::{Answer, Request, Transport};
use crate::domain::credential::Credential;
use crate::domain::name::shorten;
use crate::domain::reference::{Registry, Repository};
use challenge::Challenge;

/// The most tokens that are kept; each is of one repository.
const MOST_KEPT: usize = 4096;

/// The action for the list of a registry's repositories.
pub const REPOSITORIES: &str = "*";

/// Finds the credential for a repository, or nothing for asking as anybody. It
/// may take as long as a credential helper does.
pub type Finder = Arc<dyn Fn(&Registry, Option<&Repository>) -> Option<Credential> + Send + Sync>;

/// What is asked for, and where.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    pub registry: &'a Registry,
    /// Unset where it is only about who asks.
    pub repository: Option<&'a Repository>,
    /// Such as `pull` or `pull,delete`, or `REPOSITORIES`.
    pub actions: &'static str,
    /// A repository that is read from besides.
    pub from: Option<&'a Repository>,
    /// The registry's address.
    pub base: &'a Url,
}

impl Target<'_> {
    fn scope(&self) -> String {
        let mut scope = match self.repository {
            Some(repository) => format!("repository:{repository}:{}", self.actions),
            None if self.actions == REPOSITORIES => format!("registry:catalog:{REPOSITORIES}"),
            None => String::new(),
        };
        if let Some(from) = self.from {
            scope.push_str(&format!(" repository:{from}:pull"));
        }
        scope
    }

    /// Returns what one can do who was refused.
    fn way_in(&self, as_somebody: bool) -> String {
        let registry = self.registry;
        let login = format!("`imgdex login {registry}`");
        match (self.repository, self.actions) {
            (None, REPOSITORIES) => format!(
                "many registries, Harbor among them, show this list to administrators only: \
                 {login} as one of them, or look at one repository with `imgdex registry tags \
                 {registry}/REPOSITORY`; on a Harbor, `imgdex harbor projects list --server \
                 {registry}` and `imgdex harbor repositories PROJECT` show what you may see"
            ),
            (None, _) => "look at the user name, and at the password or token".to_owned(),
            (Some(_), _) => {
                let who = if as_somebody { " as somebody else" } else { "" };
                format!(
                    "{login}{who}; in CI, set IMGDEX_REGISTRY_HOST={registry}, \
                     IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD"
                )
            }
        }
    }
}

/// Whose token it is and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    realm: String,
    service: String,
    scope: String,
    account: String,
}

/// A token, or the wait for the one who is fetching it.
type Slot = Arc<tokio::sync::Mutex<Option<(SecretString, Instant)>>>;

/// What is known of registries' wishes, and their tokens.
pub struct Auth {
    finder: Finder,
    /// What each registry asked for the last time.
    challenges: Mutex<HashMap<Registry, Challenge>>,
    tokens: Mutex<HashMap<Key, Slot>>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Auth")
    }
}

/// What a request showed, for the one after it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub header: HeaderValue,
    /// Whether it may have run out since it was given.
    kept: bool,
    key: Option<Key>,
}

impl Shown {
    /// Returns whether it is a token that anybody is given.
    fn is_anybody(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.account.is_empty())
    }
}

impl Auth {
    pub fn new(finder: Finder) -> Self {
        Self {
            finder,
            challenges: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// Returns what to show a registry that was asked before; nothing where it
    /// was not, or wanted nothing.
    ///
    /// # Errors
    /// Those of getting a token.
    pub async fn ahead(
        &self,
        transport: &Transport,
        target: &Target<'_>,
        attempt: &str,
    ) -> Result<Option<Shown>> {
        let known = {
            let challenges = self.challenges.lock();
            let challenges = challenges.unwrap_or_else(PoisonError::into_inner);
            challenges.get(target.registry).cloned()
        };
        match known {
            None => Ok(None),
            Some(challenge) => self.show(transport, target, &challenge, attempt).await,
        }
    }

    /// Returns whether a registry wanted to know who asks.
    pub fn was_asked(&self, registry: &Registry) -> bool {
        let challenges = self.challenges.lock();
        let challenges = challenges.unwrap_or_else(PoisonError::into_inner);
        challenges.contains_key(registry)
    }

    /// Returns what to show after a 401; `before` is what was shown then.
    ///
    /// # Errors
    /// Where there is nothing to show that was not refused already.
    pub async fn after(
        &self,
        transport: &Transport,
        target: &Target<'_>,
        (before, answer): (Option<&Shown>, &Answer),
        attempt: &str,
    ) -> Result<Shown> {
        let refused = || denied(target, answer, before, attempt);
        let Some(mut challenge) = challenge::of(&answer.headers) else {
            return Err(refused());
        };
        if let Some(before) = before {
            // Only a token that was kept may have run out meanwhile.
            let Some(key) = before.key.as_ref().filter(|_| before.kept) else {
                return Err(refused());
            };
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.remove(key);
        }
        // What is asked for is ours to say: the next one is of another repository.
        if let Challenge::Bearer { scope, error, .. } = &mut challenge {
            (*scope, *error) = (None, None);
        }
        {
            let challenges = self.challenges.lock();
            let mut challenges = challenges.unwrap_or_else(PoisonError::into_inner);
            challenges.insert(target.registry.clone(), challenge.clone());
        }
        let shown = self.show(transport, target, &challenge, attempt).await?;
        shown.ok_or_else(refused)
    }

    async fn show(
        &self,
        transport: &Transport,
        target: &Target<'_>,
        challenge: &Challenge,
        attempt: &str,
    ) -> Result<Option<Shown>> {
        let credential = self.find(target.registry, target.repository).await;
        let plain = |header| Shown {
            header,
            kept: false,
            key: None,
        };
        match (challenge, credential) {
            (_, Some(Credential::RegistryToken(token))) => {
                Ok(Some(plain(header("Bearer", &token, attempt)?)))
            }
            (Challenge::Basic, Some(Credential::Basic { username, password })) => {
                Ok(Some(plain(basic(&username, &password, attempt)?)))
            }
            (Challenge::Basic, Some(Credential::IdentityToken(_))) => {
                let registry = target.registry;
                Err(Error::new(Reason::Denied, attempt)
                    .because(format!(
                        "`{registry}` asks for a user name and a password, and takes no identity \
                         token"
                    ))
                    .hint(format!(
                        "`imgdex login {registry} -u NAME --password-stdin`"
                    )))
            }
            (Challenge::Basic, None) => Ok(None),
            (Challenge::Bearer { realm, service, .. }, credential) => {
                let pinned = transport.settings.registry(target.registry).realm;
                let place = (target.registry, target.base);
                let realm = realm::check(realm.as_deref(), place, pinned.as_deref(), attempt)?;
                let key = Key {
                    realm: realm.to_string(),
                    service: service.clone().unwrap_or_default(),
                    scope: target.scope(),
                    account: credential
                        .as_ref()
                        .map_or("", Credential::account)
                        .to_owned(),
                };
                let ask = ask(&realm, &key, credential.as_ref(), attempt)?;
                self.token(transport, key, ask).await.map(Some)
            }
        }
    }

    pub async fn find(
        &self,
        registry: &Registry,
        repository: Option<&Repository>,
    ) -> Option<Credential> {
        let finder = Arc::clone(&self.finder);
        let (registry, repository) = (registry.clone(), repository.cloned());
        // A helper may take its time; other requests go on meanwhile.
        let found = tokio::task::spawn_blocking(move || finder(&registry, repository.as_ref()));
        found.await.ok().flatten()
    }

    /// Returns a token: one that is kept, or a new one. Who needs the same one
    /// at the same time waits for the first to have it.
    async fn token(&self, transport: &Transport, key: Key, ask: Request) -> Result<Shown> {
        let slot = self.slot(&key);
        let mut held = slot.lock().await;
        let kept = match &*held {
            Some((token, until)) if Instant::now() < *until => Some(token.clone()),
            _ => None,
        };
        let is_kept = kept.is_some();
        let token = match kept {
            Some(token) => token,
            None => {
                let token = fetch(transport, &ask).await?;
                *held = Some((token.value.clone(), Instant::now() + token.lasts));
                token.value
            }
        };
        Ok(Shown {
            header: header("Bearer", &token, &ask.attempt)?,
            kept: is_kept,
            key: Some(key),
        })
    }

    fn slot(&self, key: &Key) -> Slot {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST_KEPT && !tokens.contains_key(key) {
            // Those that somebody waits for are held elsewhere, too.
            tokens.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(tokens.entry(key.clone()).or_default())
    }
}

/// Returns the failure of a request that was refused; `shown` is what it showed.
pub fn denied(target: &Target<'_>, answer: &Answer, shown: Option<&Shown>, attempt: &str) -> Error {
    let registry = target.registry;
    let as_somebody = shown.is_some_and(|shown| !shown.is_anybody());
    let cause = match challenge::of(&answer.headers) {
        Some(Challenge::Bearer {
            scope: Some(scope),
            error: Some(error),
            ..
        }) if error == "insufficient_scope" => {
            let given = if as_somebody { "was" } else { "anybody is" };
            let scope = shorten(&scope);
            format!("the token that {given} given does not allow `{scope}`")
        }
        _ if as_somebody => format!("`{registry}` refused the credentials"),
        _ => format!("`{registry}` wants credentials, and there are none for it"),
    };
    Error::new(Reason::Denied, attempt)
        .because(format!("{cause} ({})", answer.status))
        .said(answer.words.as_deref())
        .hint(target.way_in(as_somebody))
}

/// Returns the request for a token.
fn ask(realm: &Url, key: &Key, credential: Option<&Credential>, attempt: &str) -> Result<Request> {
    let mut url = realm.clone();
    let mut request = Request::new(Method::GET, url.clone(), attempt);
    if let Some(Credential::IdentityToken(token)) = credential {
        // OAuth2, as the distribution project describes it:
        // https://distribution.github.io/distribution/spec/auth/oauth/
        let mut form = Url::parse("form:").map_err(|_| bad_header(attempt))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", &key.service)
            .append_pair("scope", &key.scope)
            .append_pair("client_id", "imgdex")
            .append_pair("refresh_token", token.expose_secret());
        request.method = Method::POST;
        request.form = form.query().map(str::to_owned);
        return Ok(request);
    }
    {
        let mut query = url.query_pairs_mut();
        if !key.service.is_empty() {
            query.append_pair("service", &key.service);
        }
        for scope in key.scope.split(' ').filter(|scope| !scope.is_empty()) {
            query.append_pair("scope", scope);
        }
        if let Some(Credential::Basic { username, .. }) = credential {
            query.append_pair("account", username);
        }
    }
    if let Some(Credential::Basic { username, password }) = credential {
        request.authorization = Some(basic(username, password, attempt)?);
    }
    request.url = url;
    Ok(request)
}

async fn fetch(transport: &Transport, ask: &Request) -> Result<token::Token> {
    let answer = transport.send(ask).await?;
    let host = ask.url.host_str().unwrap_or_default();
    if !answer.status.is_success() {
        let reason = match answer.status.as_u16() {
            400..=403 => Reason::Denied,
            _ => Reason::Violation,
        };
        let cause = format!(
            "the token service `{host}` gave no token ({})",
            answer.status
        );
        return Err(Error::new(reason, ask.attempt.clone())
            .because(cause)
            .said(answer.words.as_deref())
            .hint("look at the user name and the password for this registry"));
    }
    token::of(&answer.body).map_err(|rule| {
        let cause = format!("the token service `{host}` gave {rule}");
        Error::violation(ask.attempt.clone(), cause)
    })
}

pub fn basic(username: &str, password: &SecretString, attempt: &str) -> Result<HeaderValue> {
    let pair = Zeroizing::new(format!("{username}:{}", password.expose_secret()));
    let value = SecretString::from(STANDARD.encode(pair.as_bytes()));
    header("Basic", &value, attempt)
}

pub fn header(scheme: &str, value: &SecretString, attempt: &str) -> Result<HeaderValue> {
    let text = Zeroizing::new(format!("{scheme} {}", value.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| bad_header(attempt))?;
    value.set_sensitive(true);
    Ok(value)
}

fn bad_header(attempt: &str) -> Error {
    Error::new(Reason::Denied, attempt)
        .because("the credentials hold characters that cannot be sent")
}
