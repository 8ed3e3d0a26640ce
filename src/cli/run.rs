//! `winback run`: one run now, and delivery of what is due.

use std::path::Path;

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use super::commands::Instant;
use super::{as_of, diagnostics, open, progress};
use crate::app::environment::{Environment, settings};
use crate::app::work::{WorkError, until_stopped};
use crate::audience::run::RunReport;
use crate::domain::clock::Clock;
use crate::domain::vocabulary::MessageStatus;

/// Runs and delivers.
pub async fn run(root: &Path, name: &str, instant: &Instant, json: bool) -> anyhow::Result<bool> {
    let system = Clock::System.now();
    let Some(opened) = open::open(root, system).await else { return Ok(false) };
    let workflow = open::workflow(&opened.project, name)?.clone();
    let slot = as_of::read(instant, opened.project.timezone, system)?;
    let clock = if instant.as_of.is_some() { Clock::virtual_at(slot) } else { Clock::System };
    let environment = Environment::open(opened.project, opened.templates, clock, &settings(&open::variable)).await?;
    if let Some(last) = environment.store.last_slot(name).await?.filter(|last| *last > slot) {
        bail!(
            "`{name}` has already run as of {}; a run of an earlier instant would mix up the order of what happened",
            last.format("%Y-%m-%d %H:%M:%S UTC")
        );
    }
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping; what is in the air is finished first");
            asked.cancel();
        }
    });
    let uncertain = environment.dispatcher.recover().await?;
    if uncertain > 0 {
        eprintln!(
            "warning: {uncertain} messages are uncertain: the last process died before their answer was recorded"
        );
    }
    let spinner = progress::spinner("running");
    let work = async {
        let report = environment.run_slot(&workflow, &opened.catalog, slot).await?;
        spinner.set_message("delivering");
        let (moved, settled) = environment.work_off(&opened.catalog, &stop).await?;
        Ok::<_, WorkError>((report, moved, settled))
    };
    let done = until_stopped(work, &stop).await;
    environment.dispatcher.close().await;
    spinner.finish_and_clear();
    let Some(done) = done else {
        eprintln!("stopped in the middle; run again to go on where it was");
        return Ok(false);
    };
    let (report, moved, settled) = done?;
    if let RunReport::Done(summary) = &report {
        diagnostics::warn(&summary.faults);
    }
    let pending = environment.store.count_messages(MessageStatus::Pending).await?;
    let next = environment.store.next_attempt().await?;
    if json {
        let run = match &report {
            RunReport::Done(summary) => serde_json::json!({
                "considered": summary.considered,
                "arms": {"treated": summary.treated, "holdout": summary.holdout},
                "excluded": summary.excluded,
            }),
            RunReport::DoneBefore => serde_json::Value::Null,
        };
        let at = slot.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let value = serde_json::json!({
            "workflow": workflow.name, "as_of": at, "run": run, "advanced": moved, "settled": settled, "pending": pending,
        });
        println!("{value}");
        return Ok(true);
    }
    match report {
        RunReport::DoneBefore => println!("{}: this slot has been run before; nobody is enrolled twice", workflow.name),
        RunReport::Done(summary) => {
            println!(
                "{}: {} users considered, {} enrolled with messages, {} held out",
                workflow.name, summary.considered, summary.treated, summary.holdout
            );
            for (reason, users) in &summary.excluded {
                println!("  {reason}: {users}");
            }
        }
    }
    println!("{moved} enrollments advanced, {settled} message attempts settled");
    if pending > 0 {
        let when =
            next.map_or_else(String::new, |at| format!("; the next is due {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
        println!("{pending} messages wait{when}; run again then, or let `winback serve` do it");
    }
    Ok(true)
}
