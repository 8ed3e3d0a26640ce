//! Opening a project for a command: all problems printed, or all parts in hand.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::diagnostics;
use crate::delivery::render::Templates;
use crate::project::model::{Project, Workflow};
use crate::project::problems::{Problems, nearest};
use crate::sources::Catalog;

/// A project whose files, expressions, sources and messages fit together.
#[derive(Debug)]
pub struct Opened {
    /// The project.
    pub project: Arc<Project>,
    /// Its sources.
    pub catalog: Catalog,
    /// Its messages.
    pub templates: Templates,
}

/// Reads the environment; passed in so that nothing below reads it by itself.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Loads and checks a project; `Err` holds everything that is wrong.
pub async fn load(root: &Path, now: DateTime<Utc>) -> Result<Opened, Problems> {
    let (project, mut problems) = crate::project::load(root, &variable);
    let Some(project) = project else { return Err(problems) };
    match crate::app::check::check(&project, now, &mut problems).await {
        Some((catalog, templates)) => Ok(Opened { project: Arc::new(project), catalog, templates }),
        None => Err(problems),
    }
}

/// [`load`], its problems printed. `None` when there are any: the command ends with 1 and touches nothing.
pub async fn open(root: &Path, now: DateTime<Utc>) -> Option<Opened> {
    match load(root, now).await {
        Ok(opened) => Some(opened),
        Err(problems) => {
            eprint!("{}", diagnostics::render(&problems));
            None
        }
    }
}

/// The workflow of that name, or the nearest ones in the error.
pub fn workflow<'a>(project: &'a Project, name: &str) -> anyhow::Result<&'a Workflow> {
    if let Some(workflow) = project.workflow(name) {
        return Ok(workflow);
    }
    let names = project.workflows.iter().map(|workflow| workflow.name.as_str());
    match nearest(name, names.clone()) {
        Some(near) => bail!("no workflow `{name}`; did you mean `{near}`?"),
        None if project.workflows.is_empty() => bail!("no workflow `{name}`: the folder workflows/ has none"),
        None => bail!("no workflow `{name}`; there is {}", names.collect::<Vec<_>>().join(", ")),
    }
}
