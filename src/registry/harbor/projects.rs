//! Projects, and what a server says of itself.

use reqwest::Method;
use serde_json::json;

use super::{Call, Harbor, encoded};
use crate::domain::harbor::{Health, ImmutableRule, Project, ProjectSummary, SystemInfo};
use crate::registry::error::{Reason, Result};

impl Harbor<'_> {
    /// Returns the projects that whoever asks may see.
    ///
    /// # Errors
    /// Where they cannot be asked for.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        let attempt = format!("cannot list the projects of `{}`", self.registry);
        let call = Call::get("projects?sort=name", &attempt);
        self.list(call, |project: &Project| project.project_id)
            .await
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
            // One that is not there is refused in the same words.
            needs: "a role in the project, where there is one of this name: `imgdex harbor \
                    projects list` shows those that you may see",
            ..Call::get(&path, &attempt)
        };
        match self.value(call).await {
            // A CLI secret may list projects, and look none of them up.
            Err(error) if error.reason == Reason::Denied && self.shown.is_some() => {
                let path = format!("projects?name={}", encoded(name));
                let listed = self.list(Call::get(&path, &attempt), |found: &Project| {
                    found.project_id
                });
                // The name that is asked for is only a part of those that are found.
                let found = listed.await.unwrap_or_default().into_iter();
                let mut found = found.filter(|found| found.name == name);
                found.next().ok_or(error)
            }
            other => other,
        }
    }

    /// Returns whether there is a project of a name, also where whoever asks may not see
    /// it; nothing where the server does not say.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub async fn project_exists(&self, name: &str) -> Result<Option<bool>> {
        let attempt = format!("cannot look up the project `{name}`");
        let path = format!("projects?project_name={}", encoded(name));
        let call = Call::new(&Method::HEAD, &path, &attempt);
        let answer = self.answer(call, None).await?;
        Ok(match answer.status.as_u16() {
            200 => Some(true),
            404 => Some(false),
            _ => None,
        })
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
        self.ask(call, Some(&body)).await.map(|_| ())
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
