//! What the program does with a Harbor: several questions put together, and what the
//! catalog knows of the answers.

pub mod examine;
mod known;
pub mod parts;
pub mod publish;
mod robots;
pub mod scan;
pub mod scans;

use crate::domain::harbor::{Project, ProjectSummary};
use crate::registry::{self, Harbor, at_most};

pub use known::Known;
pub use robots::{Scope, robots};

/// Questions that are asked at a time.
const AT_ONCE: usize = 8;

/// A project, and how full it is.
#[derive(Debug)]
pub struct Found {
    pub project: Project,
    /// Unset where whoever asks may not know.
    pub summary: Option<ProjectSummary>,
}

/// Returns the projects that whoever asks may see.
///
/// # Errors
/// Where they cannot be asked for.
pub async fn projects(harbor: &Harbor<'_>) -> registry::Result<Vec<Found>> {
    let projects = harbor.projects().await?;
    let found = std::cell::RefCell::new(Vec::new());
    let each = projects.into_iter().enumerate().map(|(place, project)| {
        let found = &found;
        async move {
            // Quotas are told to members. A project that went away meanwhile, too, is one
            // of which it is not known.
            let summary = match harbor.is_somebody() {
                true => harbor.project_summary(&project.name).await.ok().flatten(),
                false => None,
            };
            found.borrow_mut().push((place, Found { project, summary }));
        }
    });
    at_most(AT_ONCE, each).await;
    let mut found = found.into_inner();
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// Makes a project and returns it; `storage_limit` is in bytes.
///
/// # Errors
/// Where there is one of this name, or whoever asks may not.
pub async fn create_project(
    harbor: &Harbor<'_>,
    name: &str,
    public: bool,
    storage_limit: Option<i64>,
) -> registry::Result<Found> {
    harbor.create_project(name, public, storage_limit).await?;
    // It is made, even where whoever made it cannot look at it now.
    Ok(project(harbor, name).await.unwrap_or_else(|_| Found {
        project: Project {
            name: name.to_owned(),
            metadata: [("public".to_owned(), public.to_string().into())].into(),
            ..Project::default()
        },
        summary: None,
    }))
}

/// Returns a project.
///
/// # Errors
/// Where it is not there, or cannot be asked for.
pub async fn project(harbor: &Harbor<'_>, name: &str) -> registry::Result<Found> {
    let project = harbor.project(name).await?;
    let summary = harbor.project_summary(name).await?;
    Ok(Found { project, summary })
}
