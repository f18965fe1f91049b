//! Robots, wherever they are.

use std::cell::RefCell;
use std::collections::HashSet;

use super::AT_ONCE;
use crate::domain::harbor::Robot;
use crate::registry::{self, Harbor, Reason, at_most};

/// Whose robots are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Project(String),
    /// Those of the whole server.
    System,
    /// All that whoever asks may see.
    Everywhere,
}

/// Returns robots, each once, those of the whole server first.
///
/// # Errors
/// Where they cannot be asked for, and where none of them may be.
pub async fn robots(harbor: &Harbor<'_>, scope: &Scope) -> registry::Result<Vec<Robot>> {
    match scope {
        Scope::Project(name) => {
            let project = harbor.project(name).await?;
            harbor.robots(Some(&project)).await
        }
        Scope::System => harbor.robots(None).await,
        Scope::Everywhere => everywhere(harbor).await,
    }
}

async fn everywhere(harbor: &Harbor<'_>) -> registry::Result<Vec<Robot>> {
    let (mut robots, denied) = match harbor.robots(None).await {
        Err(error) if error.reason == Reason::Denied => (Vec::new(), Some(error)),
        other => (other?, None),
    };
    let projects = harbor.projects().await?;
    let answers = RefCell::new(Vec::new());
    let each = projects.into_iter().enumerate().map(|(place, project)| {
        let answers = &answers;
        async move {
            let answer = harbor.robots(Some(&project)).await;
            answers.borrow_mut().push((place, answer));
        }
    });
    at_most(AT_ONCE, each).await;
    let mut answers = answers.into_inner();
    answers.sort_by_key(|(place, _)| *place);
    let mut is_allowed = denied.is_none();
    for (_, answer) in answers {
        match answer {
            // A project that went away meanwhile has no robots either.
            Err(error) if matches!(error.reason, Reason::Denied | Reason::NotFound) => {}
            other => {
                is_allowed = true;
                robots.extend(other?);
            }
        }
    }
    match denied {
        Some(error) if !is_allowed => Err(error),
        _ => {
            let mut seen = HashSet::new();
            robots.retain(|robot| seen.insert(robot.id));
            Ok(robots)
        }
    }
}
