//! Robots: made, listed, given a new secret, deleted.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use zeroize::Zeroize;

use super::{Call, Harbor, encoded};
use crate::domain::harbor::{Access, Project, Robot};
use crate::registry::error::{Error, Result};
use crate::registry::transport::Answer;

/// Who may do this.
const NEEDS: &str = "the role Project Admin in the project, or an administrator of Harbor";

/// Who may do this with the robots of the whole server.
const NEEDS_SYSTEM: &str = "an administrator of Harbor; the role Project Admin makes robots of a \
                            project (`--project`)";

/// A robot that is to be.
#[derive(Debug, Clone)]
pub struct NewRobot {
    /// Without prefix and project.
    pub name: String,
    pub description: String,
    /// Unset for one of the whole server.
    pub project: Option<String>,
    /// In each of these projects; `*` is every one.
    pub namespaces: Vec<String>,
    pub access: Vec<Access>,
    /// Days; -1 is for ever.
    pub duration: i64,
}

/// A robot that was made; its secret is told only now.
#[derive(Debug)]
pub struct MadeRobot {
    pub id: i64,
    /// As it logs in.
    pub name: String,
    pub secret: SecretString,
    /// Seconds since 1970; -1 is never.
    pub expires_at: Option<i64>,
}

impl Harbor<'_> {
    /// Returns the robots of a project, or those of the whole server. The latter are
    /// what is told where nothing is said of levels: `Level=system` means every robot.
    ///
    /// # Errors
    /// Where whoever asks may not know.
    pub async fn robots(&self, project: Option<&Project>) -> Result<Vec<Robot>> {
        let (attempt, path, needs) = match project {
            Some(project) => {
                let query = format!("Level=project,ProjectID={}", project.project_id);
                (
                    format!("cannot list the robots of the project `{}`", project.name),
                    format!("robots?q={}", encoded(&query)),
                    NEEDS,
                )
            }
            None => (
                format!("cannot list the robots of `{}`", self.registry),
                "robots".to_owned(),
                NEEDS_SYSTEM,
            ),
        };
        let call = Call {
            needs,
            ..Call::get(&path, &attempt)
        };
        let mut robots = self.list(call, |robot: &Robot| robot.id).await?;
        if project.is_none() {
            robots.retain(|robot| robot.level == "system");
        }
        Ok(robots)
    }

    /// Makes a robot. Harbor makes the secret itself, whatever it is given.
    ///
    /// # Errors
    /// Where there is one of this name, or whoever asks may not.
    pub async fn create_robot(&self, robot: &NewRobot) -> Result<MadeRobot> {
        let attempt = format!("cannot create the robot `{}`", robot.name);
        let access: Vec<_> = robot
            .access
            .iter()
            .map(|access| json!({ "resource": access.resource, "action": access.action }))
            .collect();
        let permissions: Vec<_> = robot
            .namespaces
            .iter()
            .map(|name| json!({ "kind": "project", "namespace": name, "access": access }))
            .collect();
        let level = if robot.project.is_some() {
            "project"
        } else {
            "system"
        };
        let body = json!({
            "name": robot.name,
            "description": robot.description,
            "level": level,
            "duration": robot.duration,
            "disable": false,
            "permissions": permissions,
        });
        let what = match &robot.project {
            Some(project) => format!("the project `{project}`"),
            None => String::new(),
        };
        let call = Call {
            needs: match &robot.project {
                Some(_) => NEEDS,
                None => NEEDS_SYSTEM,
            },
            what: &what,
            ..Call::new(&Method::POST, "robots", &attempt)
        };
        let answer = self.ask(call, Some(&body)).await?;
        #[derive(Deserialize)]
        struct Created {
            id: i64,
            name: String,
            secret: SecretString,
            expires_at: Option<i64>,
        }
        let created: Created = self.told_once(answer, &attempt)?;
        Ok(MadeRobot {
            id: created.id,
            name: created.name,
            secret: created.secret,
            expires_at: created.expires_at,
        })
    }

    /// Gives a robot a new secret, which Harbor makes; the old one is void.
    ///
    /// # Errors
    /// Where it is not there, or whoever asks may not.
    pub async fn refresh_robot(&self, robot: &Robot) -> Result<SecretString> {
        let attempt = format!("cannot give the robot `{}` a new secret", robot.name);
        let path = format!("robots/{}", robot.id);
        let what = format!("the robot `{}`", robot.name);
        let call = Call {
            needs: NEEDS,
            what: &what,
            ..Call::new(&Method::PATCH, &path, &attempt)
        };
        let answer = self.ask(call, Some(&json!({ "secret": "" }))).await?;
        #[derive(Deserialize)]
        struct Refreshed {
            secret: Option<SecretString>,
        }
        let refreshed: Refreshed = self.told_once(answer, &attempt)?;
        (refreshed.secret).ok_or_else(|| {
            let mut error = Error::violation(&attempt, "it told no secret");
            error.in_doubt = true;
            error
        })
    }

    /// Reads an answer that holds a secret, and wipes it.
    fn told_once<T: DeserializeOwned>(&self, mut answer: Answer, attempt: &str) -> Result<T> {
        let told = self.read(&answer, attempt);
        answer.body.zeroize();
        told.map_err(|mut error| {
            error.in_doubt = true;
            error
        })
    }

    /// Deletes a robot.
    ///
    /// # Errors
    /// Where it is not there, or whoever asks may not.
    pub async fn delete_robot(&self, robot: &Robot) -> Result<()> {
        let attempt = format!("cannot delete the robot `{}`", robot.name);
        let path = format!("robots/{}", robot.id);
        let what = format!("the robot `{}`", robot.name);
        let call = Call {
            needs: NEEDS,
            what: &what,
            ..Call::new(&Method::DELETE, &path, &attempt)
        };
        self.remove(call).await
    }
}
