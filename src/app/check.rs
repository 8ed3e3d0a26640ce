//! Whether a project can start: names and types against the sources, messages against their templates.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::audience::selection::Selection;
use crate::delivery::render::{TemplateProblem, Templates};
use crate::features::calendar::Calendar;
use crate::outcomes::attribution;
use crate::project::model::Project;
use crate::project::problems::{Place, Problem, Problems, did_you_mean};
use crate::segments::Evaluation;
use crate::sources::{Catalog, SourceError};
use crate::stages::advance;

/// Adds what is wrong beyond the YAML itself. Reads headers and samples of local files, nothing else.
pub async fn check(project: &Project, now: DateTime<Utc>, problems: &mut Problems) -> Option<(Catalog, Templates)> {
    let (templates, found) = Templates::load(&project.root);
    let unread: Vec<String> = found.iter().map(|problem| problem.file.clone()).collect();
    for problem in found {
        add_template_problem(&project.root, problem, problems);
    }
    let (catalog, errors) = Catalog::look(project).await;
    problems.list.extend(errors.into_iter().map(|error| source_problem(project, error)));
    let names = catalog.as_ref().map(|catalog| expressions(project, catalog, now, problems));
    for workflow in &project.workflows {
        for stage in &workflow.stages {
            let mail = project.channels.get(&stage.channel).is_some_and(|channel| channel.is_mail());
            for variant in &stage.variants {
                if !templates.has(&variant.message) {
                    let message = format!("no message `{}` in workflows/templates", variant.message);
                    problems.push(variant.place.clone(), message, did_you_mean(&variant.message, templates.names()));
                    continue;
                }
                // A part that cannot be read is not also missing.
                let folder = format!("workflows/templates/{}/", variant.message);
                let whole = !unread.iter().any(|file| file.starts_with(&folder));
                let mut found = if whole { templates.check_message(&variant.message, mail) } else { Vec::new() };
                if let Some(Some(user)) = &names {
                    let user: Vec<&str> = user.iter().map(String::as_str).collect();
                    let with: Vec<&str> = variant.with.keys().map(String::as_str).collect();
                    found.extend(templates.check_names(&variant.message, &user, &with));
                }
                for problem in found {
                    add_template_problem(&project.root, problem, problems);
                }
            }
        }
    }
    problems.sort();
    catalog.filter(|_| problems.is_empty()).map(|catalog| (catalog, templates))
}

/// Checks every expression; returns the names that templates know of a user, when all is well.
fn expressions(
    project: &Project,
    catalog: &Catalog,
    now: DateTime<Utc>,
    problems: &mut Problems,
) -> Option<BTreeSet<String>> {
    for workflow in &project.workflows {
        problems.list.extend(attribution::compile(project, workflow, catalog).err().into_iter().flatten());
    }
    let calendar = Calendar { as_of: now, zone: project.timezone };
    let evaluation = match Evaluation::translate(project, catalog, calendar) {
        Ok((evaluation, found)) => {
            problems.list.extend(found);
            evaluation
        }
        Err(error) => {
            problems.push(Place::file("winback.yaml"), error.to_string(), None);
            return None;
        }
    };
    for workflow in &project.workflows {
        problems.list.extend(Selection::compile(project, workflow, &evaluation).err().into_iter().flatten());
        problems.list.extend(advance::check(workflow, &evaluation));
    }
    let mut names: BTreeSet<String> = evaluation.scope.names().map(str::to_owned).collect();
    names.extend(["user_id", "email", "phone", "name", "locale"].map(str::to_owned));
    // Fixed columns that the project does not map are there as NULL.
    names.extend(crate::sources::mapping::USER_COLUMNS.map(str::to_owned));
    Some(names)
}

fn add_template_problem(root: &Path, problem: TemplateProblem, problems: &mut Problems) {
    let file: std::sync::Arc<str> = problem.file.as_str().into();
    let text = problems
        .texts
        .entry(file.clone())
        .or_insert_with(|| std::fs::read_to_string(root.join(&*problem.file)).unwrap_or_default());
    let line = problem.line.max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, |line| line.trim_end().len());
    let span = quoted(&text[start..start + length], &problem.message)
        .map_or(start..start + length, |part| start + part.start..start + part.end);
    problems.push(Place { file, span }, problem.message, problem.hint);
}

/// The part of a template's line that a message quotes between backticks.
fn quoted(line: &str, message: &str) -> Option<std::ops::Range<usize>> {
    let name = message.split('`').nth(1).filter(|name| !name.is_empty())?;
    line.find(name).map(|at| at..at + name.len())
}

fn source_problem(project: &Project, error: SourceError) -> Problem {
    let (place, hint) = match &error {
        SourceError::NoColumn { column, place, known, .. } => {
            (Some(place.clone()), did_you_mean(column, known.iter().map(String::as_str)))
        }
        SourceError::NoFiles { pattern }
        | SourceError::Refused { path: pattern, .. }
        | SourceError::Empty { pattern, .. }
        | SourceError::TooManyBad { pattern, .. } => {
            let events = project.sources.events.iter().map(|source| &source.files);
            let place = std::iter::once(&project.sources.users.files)
                .chain(events)
                .find(|files| files.pattern == *pattern)
                .map(|files| files.place.clone());
            (place, Some("paths are below the folder of winback.yaml".to_owned()))
        }
        SourceError::Io { .. } | SourceError::Header { .. } | SourceError::Engine(_) => (None, None),
    };
    let place = place.unwrap_or_else(|| project.sources.users.files.place.clone());
    Problem { message: error.to_string(), place, hint }
}
