//! `winback report`: what the workflows achieved.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::commands::{Format, Instant};
use super::{as_of, open, progress};
use crate::domain::clock::Clock;
use crate::outcomes::attribution;
use crate::project::model::{Project, Workflow};
use crate::reports::figures::{Report, report as figures};
use crate::reports::{csv, json, read, table};
use crate::sources::Catalog;
use crate::store::Store;

/// Reports and prints.
pub async fn report(root: &Path, name: Option<&str>, format: Format, instant: &Instant) -> anyhow::Result<bool> {
    let now = Clock::System.now();
    let Some(opened) = open::open(root, now).await else { return Ok(false) };
    let project = &opened.project;
    let at = as_of::read(instant, project.timezone, now)?;
    let chosen: Vec<&Workflow> = match name {
        Some(name) => vec![open::workflow(project, name)?],
        None => project.workflows.iter().collect(),
    };
    let Some(store) = Store::open_to_read(&project.database.0).await? else {
        eprintln!("nothing has run yet; `winback run WORKFLOW` or `winback serve` begins");
        return Ok(true);
    };
    if chosen.is_empty() {
        eprintln!("the folder workflows/ has no workflow to report on");
    }
    let spinner = progress::spinner("reading events and the ledger");
    let reports = collect(project, &chosen, &opened.catalog, &store, at).await?;
    spinner.finish_and_clear();
    print!("{}", render(&reports, format));
    Ok(true)
}

/// Reads what happened up to `at` and computes the figures; the ledger is only read.
pub async fn collect(
    project: &Project,
    workflows: &[&Workflow],
    catalog: &Catalog,
    store: &Store,
    at: DateTime<Utc>,
) -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    for workflow in workflows {
        let windows = read::windows(workflow, store, at).await?;
        let findings = attribution::find_in_events(project, workflow, catalog, &windows, at).await?;
        reports.push(figures(&read::facts(project, workflow, store, at, &findings).await?));
    }
    Ok(reports)
}

/// The text of reports, ending with a line end.
pub fn render(reports: &[Report], format: Format) -> String {
    let mut text = match format {
        Format::Table => table::table(reports),
        Format::Json => json::json(reports),
        Format::Csv => csv::csv(reports),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
