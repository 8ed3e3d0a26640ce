//! `winback segments`: how many users are in each state, score and segment.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table, presets};

use super::commands::Instant;
use super::{as_of, diagnostics, open, progress};
use crate::domain::clock::Clock;
use crate::features::calendar::Calendar;
use crate::project::model::Project;
use crate::segments::Evaluation;
use crate::segments::counts::{Counts, count_users};
use crate::segments::export::export as write_users;
use crate::sources::Facts;

/// What both commands look at, before any row is read.
struct Users {
    project: Arc<Project>,
    at: DateTime<Utc>,
    evaluation: Evaluation,
    facts: Facts,
}

/// Opens a project as of an instant; `None` when it has problems, which are printed.
async fn users(root: &Path, instant: &Instant) -> anyhow::Result<Option<Users>> {
    let now = Clock::System.now();
    let Some(opened) = open::open(root, now).await else { return Ok(None) };
    let project = opened.project;
    let at = as_of::read(instant, project.timezone, now)?;
    let calendar = Calendar { as_of: at, zone: project.timezone };
    let evaluation = Evaluation::compile(&project, &opened.catalog, calendar)?;
    let facts = opened.catalog.facts(at).await?;
    Ok(Some(Users { project, at, evaluation, facts }))
}

/// Counts and prints.
pub async fn segments(root: &Path, instant: &Instant, json: bool) -> anyhow::Result<bool> {
    let Some(Users { project, at, evaluation, facts }) = users(root, instant).await? else { return Ok(false) };
    let spinner = progress::spinner("reading users and events");
    let counts = count_users(&evaluation, &facts, &project).await?;
    let faults = facts.verify()?;
    spinner.finish_and_clear();
    diagnostics::warn(&faults);
    if json {
        println!("{}", to_json(&counts, at));
    } else {
        print(&counts, &at.with_timezone(&project.timezone).format("%Y-%m-%d %H:%M %Z").to_string());
    }
    Ok(true)
}

/// Writes one row per user and says how many.
pub async fn export(root: &Path, instant: &Instant, file: &Path, json: bool) -> anyhow::Result<bool> {
    if !file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        bail!("--export writes CSV: give a name that ends in .csv, not {}", file.display());
    }
    let Some(Users { evaluation, facts, .. }) = users(root, instant).await? else { return Ok(false) };
    let spinner = progress::spinner("reading users and events");
    let exported = write_users(&evaluation, &facts, file).await?;
    spinner.finish_and_clear();
    diagnostics::warn(&exported.faults);
    if json {
        println!("{}", serde_json::json!({"file": file.display().to_string(), "users": exported.users}));
    } else {
        println!("{} users written to {}", exported.users, file.display());
    }
    Ok(true)
}

fn to_json(counts: &Counts, at: chrono::DateTime<chrono::Utc>) -> serde_json::Value {
    let object = |list: &[(String, i64)]| -> serde_json::Map<String, serde_json::Value> {
        list.iter().map(|(name, users)| (name.clone(), (*users).into())).collect()
    };
    let rfm: serde_json::Map<String, serde_json::Value> = counts
        .scores
        .iter()
        .map(|(name, scores)| {
            let scores: serde_json::Map<String, serde_json::Value> =
                scores.iter().map(|(score, users)| (score.to_string(), (*users).into())).collect();
            ((*name).to_owned(), scores.into())
        })
        .collect();
    serde_json::json!({
        "as_of": at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "users": counts.users,
        "lifecycle": object(&counts.lifecycle),
        "segments": object(&counts.segments),
        "rfm": rfm,
    })
}

fn print(counts: &Counts, at: &str) {
    println!("{} users as of {at}", counts.users);
    let share = |users: i64| format!("{:.1} %", 100.0 * users as f64 / counts.users.max(1) as f64);
    for (title, list) in [("lifecycle", &counts.lifecycle), ("segment", &counts.segments)] {
        if list.is_empty() {
            continue;
        }
        let mut table = new_table(&[title, "users", "share"]);
        for (name, users) in list {
            table.add_row([name.clone(), users.to_string(), share(*users)]);
        }
        println!("\n{}", right(table));
    }
    if !counts.scores.is_empty() {
        let mut scores: Vec<i64> = counts.scores.iter().flat_map(|(_, scores)| scores.keys().copied()).collect();
        scores.sort_unstable();
        scores.dedup();
        let mut table = new_table(&["score", "r", "f", "m"]);
        for score in scores {
            let mut row = vec![score.to_string()];
            row.extend(counts.scores.iter().map(|(_, users)| users.get(&score).copied().unwrap_or(0).to_string()));
            table.add_row(row);
        }
        println!("\n{}", right(table));
    }
}

/// A table without lines down the sides.
pub fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header.iter().copied());
    table
}

/// Numbers to the right: every column but the first.
pub fn right(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
