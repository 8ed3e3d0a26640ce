//! `winback plan`: whom a workflow would take, whom not and why. Writes nothing, sends nothing.

use std::path::Path;

use super::commands::Instant;
use super::{as_of, diagnostics, open, progress, segments};
use crate::app::preview::{Sample, preview};
use crate::domain::clock::Clock;
use crate::outcomes::effect::interval::Alpha;
use crate::outcomes::effect::power::smallest_detectable_lift;
use crate::store::Store;

/// Plans and prints.
pub async fn plan(root: &Path, name: &str, instant: &Instant, json: bool) -> anyhow::Result<bool> {
    let now = Clock::System.now();
    let Some(opened) = open::open(root, now).await else { return Ok(false) };
    let project = &opened.project;
    let workflow = open::workflow(project, name)?;
    let at = as_of::read(instant, project.timezone, now)?;
    let store = Store::open_to_read(&project.database.0).await?;
    let spinner = progress::spinner("reading users and events");
    let plan = preview(project, workflow, &opened.catalog, &opened.templates, store.as_ref(), at).await?;
    spinner.finish_and_clear();
    diagnostics::warn(&plan.faults);
    let lift = smallest_detectable_lift(BASE_RATE, plan.holdout, plan.treated, Alpha::FIVE_PERCENT, POWER);
    if json {
        let samples: Vec<serde_json::Value> = plan
            .samples
            .iter()
            .map(|sample| {
                serde_json::json!({
                    "stage": sample.stage, "variant": sample.variant, "subject": sample.subject, "text": sample.text,
                })
            })
            .collect();
        let value = serde_json::json!({
            "workflow": workflow.name,
            "as_of": at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "considered": plan.considered,
            "selected": plan.treated + plan.holdout,
            "excluded": plan.excluded,
            "arms": {"treated": plan.treated, "holdout": plan.holdout},
            "smallest_detectable_lift": lift,
            "samples": samples,
        });
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(true);
    }
    println!("{} as of {}", workflow.name, at.with_timezone(&project.timezone).format("%Y-%m-%d %H:%M %Z"));
    let mut table = segments::new_table(&["decision", "users"]);
    table.add_row(["treated".to_owned(), plan.treated.to_string()]);
    table.add_row(["holdout".to_owned(), plan.holdout.to_string()]);
    for (reason, users) in &plan.excluded {
        table.add_row([reason.clone(), users.to_string()]);
    }
    table.add_row(["considered".to_owned(), plan.considered.to_string()]);
    println!("{}", segments::right(table));
    match lift {
        Some(lift) => println!(
            "With these arms, and if {:.0} % came back by themselves, a lift of {:.1} points or more can be seen.",
            BASE_RATE * 100.0,
            lift * 100.0
        ),
        None => println!("With these arms no lift can be seen: one of them is empty."),
    }
    for sample in &plan.samples {
        print_sample(sample);
    }
    println!("\nNothing was written and nothing was sent.");
    Ok(true)
}

/// The organic rate that the plan's sentence assumes; the ledger of a new workflow knows none yet.
const BASE_RATE: f64 = 0.10;

/// The chance of seeing a lift that is there.
const POWER: f64 = 0.8;

fn print_sample(sample: &Sample) {
    println!("\n── {} / {} ({}) ──", sample.stage, sample.variant, sample.channel);
    if let Some(subject) = &sample.subject {
        println!("Subject: {subject}\n");
    }
    println!("{}", sample.text.trim_end());
}
