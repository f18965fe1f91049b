//! Harbor's labels: words of a project or of the whole server, put on artifacts.

use reqwest::Method;
use serde_json::json;

use super::artifacts::artifact_path;
use super::{Call, Harbor, encoded};
use crate::domain::harbor::{Label, Project};
use crate::registry::error::{Reason, Result};

impl Harbor<'_> {
    /// Returns the labels of the whole server and, where one is given, of a project.
    ///
    /// # Errors
    /// Where they cannot be asked for.
    pub async fn labels(&self, project: Option<&Project>) -> Result<Vec<Label>> {
        let attempt = format!("cannot list the labels of `{}`", self.registry);
        let mut labels = Vec::new();
        if let Some(project) = project {
            let path = format!("labels?scope=p&project_id={}", project.project_id);
            let call = Call::get(&path, &attempt);
            labels = self.list(call, |label: &Label| label.id).await?;
        }
        let call = Call::get("labels?scope=g", &attempt);
        labels.extend(self.list(call, |label: &Label| label.id).await?);
        Ok(labels)
    }

    /// Makes a label, of a project or of the whole server.
    ///
    /// # Errors
    /// Where there is one of this name, or whoever asks may not.
    pub async fn create_label(
        &self,
        name: &str,
        description: &str,
        color: Option<&str>,
        project: Option<&Project>,
    ) -> Result<()> {
        let attempt = format!("cannot create the label `{name}`");
        let mut body = json!({ "name": name, "description": description });
        if let Some(color) = color {
            body["color"] = color.into();
        }
        let needs = match project {
            Some(project) => {
                body["scope"] = "p".into();
                body["project_id"] = project.project_id.into();
                "the role Maintainer or Project Admin"
            }
            None => {
                body["scope"] = "g".into();
                "an administrator of Harbor"
            }
        };
        let call = Call {
            needs,
            ..Call::new(&Method::POST, "labels", &attempt)
        };
        self.ask(call, Some(&body)).await.map(|_| ())
    }

    /// Deletes a label, and takes it off everything that has it.
    ///
    /// # Errors
    /// Where it is not there, or whoever asks may not.
    pub async fn delete_label(&self, label: &Label) -> Result<()> {
        let attempt = format!("cannot delete the label `{}`", label.name);
        let path = format!("labels/{}", label.id);
        let what = format!("the label `{}`", label.name);
        let call = Call {
            needs: "the role Maintainer or Project Admin, or an administrator of Harbor",
            what: &what,
            ..Call::new(&Method::DELETE, &path, &attempt)
        };
        self.remove(call).await
    }

    /// Puts a label on an artifact; one that is there already stays.
    ///
    /// # Errors
    /// Where the artifact is not there, or whoever asks may not.
    pub async fn add_label(
        &self,
        (project, repository): (&str, &str),
        identifier: &str,
        label: &Label,
    ) -> Result<()> {
        let attempt = format!(
            "cannot put the label `{}` on `{project}/{repository}` `{identifier}`",
            label.name
        );
        let path = format!("{}/labels", artifact_path(project, repository, identifier));
        let what = format!("`{project}/{repository}` with `{identifier}`");
        let call = Call {
            needs: "the role Developer, Maintainer or Project Admin",
            what: &what,
            ..Call::new(&Method::POST, &path, &attempt)
        };
        match self.ask(call, Some(&json!({ "id": label.id }))).await {
            Err(error) if error.reason != Reason::Conflict => Err(self.nested(error, repository)),
            _ => Ok(()),
        }
    }

    /// Takes a label off an artifact; one that is not there is no error.
    ///
    /// # Errors
    /// Where the artifact is not there, or whoever asks may not.
    pub async fn remove_label(
        &self,
        (project, repository): (&str, &str),
        identifier: &str,
        label: &Label,
    ) -> Result<()> {
        let attempt = format!(
            "cannot take the label `{}` off `{project}/{repository}` `{identifier}`",
            label.name
        );
        let path = format!(
            "{}/labels/{}",
            artifact_path(project, repository, identifier),
            encoded(&label.id.to_string())
        );
        let call = Call {
            needs: "the role Developer, Maintainer or Project Admin",
            ..Call::new(&Method::DELETE, &path, &attempt)
        };
        match self.ask(call, None).await {
            Err(error) if error.reason != Reason::NotFound => Err(self.nested(error, repository)),
            _ => Ok(()),
        }
    }
}
