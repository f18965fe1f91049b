//! Projects, and what a server says of itself.

use reqwest::Method;
use serde_json::json;

use super::{AccountKind, Call, Harbor, encoded};
use crate::domain::harbor::{Health, ImmutableRule, Project, ProjectSummary, SystemInfo};
use crate::registry::error::{Error, Reason, Result};

impl Harbor<'_> {
    /// Returns the projects that whoever asks may see, by name.
    ///
    /// # Errors
    /// Where they cannot be asked for.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        let attempt = format!("cannot list the projects of `{}`", self.registry);
        let call = Call::get("projects?sort=-creation_time", &attempt);
        let key = |project: &Project| project.project_id;
        let mut projects = self.list(call, key).await?;
        projects.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(projects)
    }

    /// Returns a project.
    ///
    /// # Errors
    /// Where it is not there, or cannot be asked for.
    pub async fn project(&self, name: &str) -> Result<Project> {
        let attempt = format!("cannot look up the project `{name}`");
        let path = format!("projects/{}", encoded(name));
        let what = format!("the project `{name}`");
        let call = Call {
            extra: by_name(name),
            what: &what,
            needs: "a role in the project, or an administrator: it is not public",
            ..Call::get(&path, &attempt)
        };
        let error = match self.value(call).await {
            Err(error) if error.reason == Reason::Denied => error,
            other => return other,
        };
        // A secret for the command line may list projects, and look none up.
        if self.shown.is_some()
            && let Ok(Some(project)) = self.listed_project(name).await
        {
            return Ok(project);
        }
        Err(self.denied_in(error, name).await)
    }

    /// Returns a project as it is in the list of those that whoever asks may see;
    /// nothing where it is not there.
    async fn listed_project(&self, name: &str) -> Result<Option<Project>> {
        let attempt = format!("cannot look for the project `{name}`");
        let path = format!("projects?name={}", encoded(name));
        let key = |project: &Project| project.project_id;
        let listed = self.list(Call::get(&path, &attempt), key).await?;
        Ok(listed.into_iter().find(|project| project.name == name))
    }

    /// Returns whether there is a project of this name; nothing where whoever asks may
    /// not know. Newer versions tell that only to who may look into it, and refuse one
    /// that is not there in the same words, even to administrators: those see every
    /// project in the list. Nobody is told without a login.
    ///
    /// # Errors
    /// Where it cannot be asked for.
    pub async fn project_exists(&self, name: &str) -> Result<Option<bool>> {
        let attempt = format!("cannot look for the project `{name}`");
        let path = format!("projects?project_name={}", encoded(name));
        let call = Call::new(&Method::HEAD, &path, &attempt);
        let answer = self.answer(call, None).await?;
        match answer.status.as_u16() {
            200 => return Ok(Some(true)),
            404 => return Ok(Some(false)),
            _ if self.shown.is_none() => return Ok(None),
            _ => {}
        }
        if self.listed_project(name).await?.is_some() {
            return Ok(Some(true));
        }
        let kind = self.account().await?.kind;
        let sees_all = matches!(kind, AccountKind::Local { is_administrator } if is_administrator);
        Ok(sees_all.then_some(false))
    }

    /// Explains a denial: Harbor refuses a project that is not there in the same words,
    /// even to its administrators.
    pub(super) async fn denied_in(&self, error: Error, project: &str) -> Error {
        if error.reason != Reason::Denied {
            return error;
        }
        let host = &self.registry;
        match self.project_exists(project).await {
            Ok(Some(false)) => Error::new(Reason::NotFound, error.message)
                .because(format!(
                    "the project `{project}` does not exist on `{host}`"
                ))
                .hint("`imgdex harbor projects list` shows the projects"),
            Ok(Some(true)) if self.shown.is_some() => {
                let who = self.who();
                Error {
                    cause: Some(format!(
                        "the project `{project}` exists, and {who} may not look into it"
                    )),
                    ..error
                }
            }
            Ok(None) if self.shown.is_some() => {
                let who = self.who();
                let cause = format!(
                    "the project `{project}` does not exist on `{host}`, or {who} may not look \
                     into it"
                );
                Error::new(Reason::Denied, error.message)
                    .because(cause)
                    .hint("`imgdex harbor projects list` shows the projects")
            }
            _ => error,
        }
    }

    /// Returns how full a project is; nothing where whoever asks may not know.
    ///
    /// # Errors
    /// Where it cannot be asked for.
    pub async fn project_summary(&self, name: &str) -> Result<Option<ProjectSummary>> {
        let attempt = format!("cannot look into the project `{name}`");
        let path = format!("projects/{}/summary", encoded(name));
        let call = Call {
            extra: by_name(name),
            ..Call::get(&path, &attempt)
        };
        match self.value(call).await {
            Ok(summary) => Ok(Some(summary)),
            Err(error) if error.reason == Reason::Denied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a project; `storage_limit` is in bytes.
    ///
    /// # Errors
    /// Where there is one of this name, or whoever asks may not.
    pub async fn create_project(
        &self,
        name: &str,
        public: bool,
        storage_limit: Option<i64>,
    ) -> Result<()> {
        let attempt = format!("cannot create the project `{name}`");
        let mut body = json!({
            "project_name": name,
            "metadata": { "public": public.to_string() },
        });
        if let Some(limit) = storage_limit {
            body["storage_limit"] = limit.into();
        }
        let call = Call {
            needs: "an administrator of Harbor, or a setting of the server that lets everybody \
                    create projects",
            ..Call::new(&Method::POST, "projects", &attempt)
        };
        let done = self.ask(call, Some(&body)).await;
        done.map(|_| ()).map_err(|error| match error.reason {
            Reason::Conflict => error.hint(format!("`imgdex harbor projects get {name}` shows it")),
            Reason::Unavailable => error.hint(format!(
                "`imgdex harbor projects get {name}` shows whether it was done: look before trying \
                 again"
            )),
            _ => error,
        })
    }

    /// Returns the rules by which tags of a project stay as they are.
    ///
    /// # Errors
    /// Where whoever asks may not know.
    pub async fn immutable_rules(&self, project: &str) -> Result<Vec<ImmutableRule>> {
        let attempt = format!("cannot list the immutable tags of the project `{project}`");
        let path = format!("projects/{}/immutabletagrules", encoded(project));
        let call = Call {
            extra: by_name(project),
            ..Call::get(&path, &attempt)
        };
        self.list(call, |rule: &ImmutableRule| rule.id).await
    }

    /// Returns what the server says of itself; more to those who are logged in.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub async fn info(&self) -> Result<SystemInfo> {
        let attempt = format!("cannot ask `{}` what it is", self.registry);
        self.value(Call::get("systeminfo", &attempt)).await
    }

    /// Returns how the server and its parts are.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub async fn health(&self) -> Result<Health> {
        let attempt = format!("cannot ask `{}` how it is", self.registry);
        self.value(Call::get("health", &attempt)).await
    }
}

/// A name of digits only would be taken for a number.
pub(super) fn by_name(project: &str) -> Option<(&'static str, &'static str)> {
    let is_number = project.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(("X-Is-Resource-Name", "true"))
}
