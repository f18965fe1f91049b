//! Who asks: what kind of account it is, and what it may do.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::fmt::rfc2822;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Call, Harbor, encoded};
use crate::domain::harbor::{Health, Project, Robot, User};
use crate::registry::error::Result;

/// What kind of account asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountKind {
    /// Nobody logged in.
    Anybody,
    Local {
        is_administrator: bool,
    },
    /// A user of an OIDC provider, by the secret that Harbor's pages show for the
    /// command line.
    CliSecret,
    Robot,
    /// A bearer token.
    Token,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: Option<String>,
    pub kind: AccountKind,
}

impl Harbor<'_> {
    /// Returns who asks. The login itself was checked when the Harbor was made: here
    /// `/users/current` only tells the kinds apart, by answers that mislead whoever
    /// takes them for a check (401 to a CLI secret, 412 to a robot).
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn account(&self) -> Result<Account> {
        let name = self.account.clone().filter(|name| !name.is_empty());
        let kind = match &self.account {
            None => AccountKind::Anybody,
            Some(shown) => {
                let attempt = format!("cannot ask `{}` who is asking", self.registry);
                let call = Call::get("users/current", &attempt);
                let answer = self.answer(call, None).await?;
                match answer.status.as_u16() {
                    401 if shown.is_empty() => AccountKind::Token,
                    401 => AccountKind::CliSecret,
                    412 => AccountKind::Robot,
                    _ if answer.status.is_success() => {
                        let user: User = self.read(&answer, &attempt)?;
                        AccountKind::Local {
                            is_administrator: user.sysadmin_flag || user.admin_role_in_auth,
                        }
                    }
                    _ => return Err(self.failed(&answer, call)),
                }
            }
        };
        Ok(Account { name, kind })
    }

    /// Returns what whoever asks may do in a project, as `resource:action`; nothing
    /// where the server does not tell this kind of account.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn rights(&self, project_id: i64) -> Result<Option<BTreeSet<String>>> {
        let attempt = format!("cannot ask `{}` what one may do", self.registry);
        let scope = encoded(&format!("/project/{project_id}"));
        let path = format!("users/current/permissions?scope={scope}&relative=true");
        let call = Call::get(&path, &attempt);
        let answer = self.answer(call, None).await?;
        if matches!(answer.status.as_u16(), 401 | 403 | 412) {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.failed(&answer, call));
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Right {
            resource: String,
            action: String,
        }
        let rights: Option<Vec<Right>> = self.read(&answer, &attempt)?;
        let rights = rights.unwrap_or_default().into_iter();
        Ok(Some(
            rights
                .map(|right| format!("{}:{}", right.resource, right.action))
                .collect(),
        ))
    }

    /// Returns the robot that asks, looking among those of a project, too; nothing
    /// where it may not see itself, as most may not.
    pub async fn own_robot(&self, project: Option<&Project>) -> Option<Robot> {
        let name = self.account.as_ref()?;
        for place in [None, project] {
            let robots = self.robots(place).await.unwrap_or_default();
            let found = robots.into_iter().find(|robot| robot.name == *name);
            if found.is_some() {
                return found;
            }
            if project.is_none() {
                break;
            }
        }
        None
    }

    /// Returns which of `pull`, `push` and `delete` whoever asks is granted in a
    /// project, by the token service: it tells that to every kind of account, with
    /// nothing being done. Nothing where it cannot be told.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn grants(&self, project: &str) -> Result<Option<BTreeSet<String>>> {
        let attempt = format!(
            "cannot ask `{}` what one may do in `{project}`",
            self.registry
        );
        // No repository of this name needs to be there.
        let scope = encoded(&format!(
            "repository:{project}/imgdex-doctor:pull,push,delete"
        ));
        let query = format!("../../service/token?service=harbor-registry&scope={scope}");
        let answer = self.answer(Call::get(&query, &attempt), None).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        Ok(granted(&answer.body))
    }

    /// Returns what answers at the address at all.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn nature(&self) -> Result<Nature> {
        let attempt = format!("cannot ask `{}` what it is", self.registry);
        let call = Call::get("health", &attempt);
        let answer = self.answer(call, None).await?;
        let health: Option<Health> = serde_json::from_slice(&answer.body).ok();
        let health = health.filter(|health| !health.status.is_empty());
        if let Some(health) = health.filter(|_| answer.status.is_success()) {
            let time = answer
                .header("date")
                .and_then(|text| rfc2822::parse(text).ok());
            return Ok(Nature::Harbor {
                health,
                time: time.map(|time| time.timestamp().as_second()),
            });
        }
        if answer.status.is_server_error() {
            return Err(self.failed(&answer, call));
        }
        // "Determining Support" of the distribution spec.
        let answer = self.answer(Call::get("../../v2/", &attempt), None).await?;
        let is_registry = matches!(answer.status.as_u16(), 200 | 401)
            && (answer.header("docker-distribution-api-version").is_some()
                || answer.header("www-authenticate").is_some());
        Ok(match is_registry {
            true => Nature::Registry,
            false => Nature::Other,
        })
    }
}

/// What answers at an address.
#[derive(Debug, Clone)]
pub enum Nature {
    Harbor {
        health: Health,
        /// The server's clock, in seconds since 1970, where it tells it.
        time: Option<i64>,
    },
    /// A registry that is no Harbor.
    Registry,
    Other,
}

/// Returns the actions that a token of the token service grants, which stand in the
/// second of its three parts.
fn granted(body: &[u8]) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Body {
        token: String,
    }
    #[derive(Deserialize)]
    struct Claims {
        access: Option<Vec<Grant>>,
    }
    #[derive(Deserialize)]
    struct Grant {
        actions: Option<Vec<String>>,
    }
    let token = Zeroizing::new(serde_json::from_slice::<Body>(body).ok()?.token);
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?);
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let grants = claims.access.unwrap_or_default().into_iter();
    Some(grants.filter_map(|grant| grant.actions).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_what_it_grants() {
        let check = |claims: &str, expected: Option<&[&str]>| {
            let body = format!(r#"{{"token":"e30.{}.x"}}"#, URL_SAFE_NO_PAD.encode(claims));
            let found = granted(body.as_bytes());
            let expected = expected.map(|all| all.iter().map(|&one| one.to_owned()).collect());
            assert_eq!(found, expected, "{claims}");
        };
        check(
            r#"{"access":[{"actions":["pull","push"]}]}"#,
            Some(&["pull", "push"]),
        );
        check(r#"{"access":[{"actions":null}]}"#, Some(&[]));
        check(r#"{"access":null}"#, Some(&[]));
        check("nothing", None);
        assert_eq!(granted(br#"{"token":"opaque"}"#), None);
        assert_eq!(granted(b"<html>"), None);
    }
}
