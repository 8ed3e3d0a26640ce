//! `winback check`: every mistake of the project's files at once, offline.

use std::path::Path;

use super::{diagnostics, open};
use crate::domain::clock::Clock;

/// Checks; `false` when something is wrong.
pub async fn check(root: &Path, json: bool) -> anyhow::Result<bool> {
    let now = Clock::System.now();
    match open::load(root, now).await {
        Ok(opened) => {
            let project = &opened.project;
            if json {
                println!("{}", serde_json::json!({"problems": []}));
                return Ok(true);
            }
            println!(
                "no problems: {}, {}, {}, {}",
                many(project.workflows.len(), "workflow"),
                many(project.features.len(), "feature"),
                many(project.segments.len(), "segment"),
                many(project.channels.len(), "channel")
            );
            for workflow in &project.workflows {
                let zone = workflow.schedule.timezone;
                let next: Vec<String> = workflow
                    .schedule
                    .cron
                    .upcoming(now, zone, 3)
                    .iter()
                    .map(|slot| slot.with_timezone(&zone).format("%a %Y-%m-%d %H:%M").to_string())
                    .collect();
                println!("{}: next runs {} ({zone})", workflow.name, next.join(", "));
                if let Some(warning) = workflow.schedule.cron.warning() {
                    eprintln!("warning: {}: {warning}", workflow.file);
                }
            }
            Ok(true)
        }
        Err(problems) => {
            if json {
                let list: Vec<serde_json::Value> = problems
                    .list
                    .iter()
                    .map(|problem| {
                        let text = problems.texts.get(&problem.place.file).map_or("", String::as_str);
                        let (line, column) = diagnostics::line_and_column(text, problem.place.span.start);
                        serde_json::json!({
                            "file": &*problem.place.file,
                            "line": line,
                            "column": column,
                            "start": problem.place.span.start,
                            "end": problem.place.span.end,
                            "message": problem.message,
                            "hint": problem.hint,
                        })
                    })
                    .collect();
                println!("{}", serde_json::json!({ "problems": list }));
            } else {
                eprint!("{}", diagnostics::render(&problems));
            }
            Ok(false)
        }
    }
}

fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
