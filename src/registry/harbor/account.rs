//! Who asks: what kind of account it is, and what it may do.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Call, Harbor, encoded};
use crate::domain::harbor::{Robot, User};
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

    /// Returns the robot that asks; nothing where it may not see itself, as most may
    /// not.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn own_robot(&self) -> Result<Option<Robot>> {
        let Some(name) = &self.account else {
            return Ok(None);
        };
        let attempt = format!("cannot ask `{}` about the robot", self.registry);
        let path = format!("robots?q={}&page_size=1", encoded(&format!("name={name}")));
        let answer = self.answer(Call::get(&path, &attempt), None).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let robots: Option<Vec<Robot>> = self.read(&answer, &attempt)?;
        let robots = robots.unwrap_or_default();
        Ok(robots.into_iter().find(|robot| robot.name == *name))
    }
}
