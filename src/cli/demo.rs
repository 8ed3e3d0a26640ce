//! `winback demo`: the sample project on real purchases, end to end, on a virtual clock.

use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use super::commands::Format;
use super::{open, progress, report, sample};
use crate::app::environment::{Environment, settings};
use crate::domain::clock::Clock;
use crate::domain::vocabulary::MessageStatus;
use crate::project::model::Workflow;
use crate::reports::figures::Report;
use crate::reports::verdict::Verdict;
use crate::sources::Catalog;

/// The demo's workflow.
const WORKFLOW: &str = "lapsed-buyers";

/// The story: slots from autumn 1997 to spring 1998, told at the end of the purchases' last day.
struct Story {
    begins: DateTime<Utc>,
    last_slot: DateTime<Utc>,
    told: DateTime<Utc>,
}

impl Story {
    fn new(zone: Tz) -> anyhow::Result<Story> {
        let at = |year, month, day, hour| {
            zone.with_ymd_and_hms(year, month, day, hour, 0, 0)
                .earliest()
                .map(|at| at.to_utc())
                .context("the demo's dates exist in every zone")
        };
        Ok(Story { begins: at(1997, 9, 1, 0)?, last_slot: at(1998, 4, 30, 0)?, told: at(1998, 7, 1, 0)? })
    }
}

/// Makes the folder, runs the story, prints the report.
pub async fn demo(dir: &Path, database: Option<&str>) -> anyhow::Result<bool> {
    sample::fresh_folder(dir)?;
    eprintln!("making {}: the purchases of 23,570 customers of a CD shop, 1997 and 1998", dir.display());
    sample::write(dir, database, None)?;
    let Some(opened) = open::open(dir, Clock::System.now()).await else { bail!("the sample project has a mistake") };
    let workflow = open::workflow(&opened.project, WORKFLOW)?.clone();
    let story = Story::new(opened.project.timezone)?;
    let clock = Clock::virtual_at(story.begins);
    let project = std::sync::Arc::clone(&opened.project);
    let environment = Environment::open(opened.project, opened.templates, clock, &settings(&open::variable)).await?;
    if environment.store.last_slot(WORKFLOW).await?.is_some() {
        bail!("this database already has runs of `{WORKFLOW}`; give the demo an empty one");
    }
    let mut catalog = opened.catalog;
    // The facts do not change while the story is told: they are read once.
    catalog.load().await?;
    tell(&environment, &workflow, &catalog, &story).await?;
    environment.clock.set(story.told);
    let sent = environment.store.count_messages(MessageStatus::Sent).await?;
    let reports = report::collect(&project, &[&workflow], &catalog, &environment.store, story.told).await?;
    print!("{}", report::render(&reports, Format::Table));
    for one in &reports {
        println!("\n{}", moral(one));
    }
    next_steps(dir, sent);
    Ok(true)
}

/// Lives through the story from event to event: a slot, or a stage that is due.
async fn tell(environment: &Environment, workflow: &Workflow, catalog: &Catalog, story: &Story) -> anyhow::Result<()> {
    let schedule = &workflow.schedule;
    let mut slots = Vec::new();
    let mut at = story.begins;
    while let Some(slot) = schedule.cron.next_after(at, schedule.timezone).filter(|slot| *slot <= story.last_slot) {
        slots.push(slot);
        at = slot;
    }
    let bar = progress::bar(slots.len() as u64, "runs");
    let stop = CancellationToken::new();
    let mut slots = slots.into_iter().peekable();
    loop {
        let due = environment.store.next_due().await?;
        let next = match (slots.peek().copied(), due) {
            (Some(slot), Some(due)) => slot.min(due),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => break,
        };
        environment.clock.set(next.max(environment.clock.now()));
        if slots.next_if_eq(&next).is_some() {
            environment.run_slot(workflow, catalog, next).await?;
            bar.inc(1);
        }
        environment.work_off(catalog, &stop).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// What the report teaches, in words that follow from its figures.
fn moral(report: &Report) -> String {
    let programme = &report.programme;
    let claimed = programme.attributed;
    let honest = match programme.judgement.verdict() {
        Verdict::Effect => "the holdout was beaten, which nobody who knows the story would expect: look again",
        Verdict::Harm => "the treated came back less often than the holdout, by more than chance explains",
        Verdict::NoEffectShown => "the holdout came back just as often: no lift was found",
        Verdict::CannotTell => "the difference from the holdout is within chance: no lift was found",
        Verdict::BrokenRandomisation => "the arms are not what was planned, so nothing may be concluded",
        Verdict::TooEarly => "it is too early to tell",
    };
    format!(
        "Nobody read these mails: the customers bought in 1997 and 1998, the mails were written just now.\n\
         A tool that counts \"ordered after our mail\" would have claimed {claimed} returns.\n\
         The honest answer: {honest}."
    )
}

fn next_steps(dir: &Path, sent: u64) {
    // Started by cargo, the program has no name to call it by.
    let winback = if std::env::var_os("CARGO").is_some() { "cargo run --" } else { "winback" };
    let dir = dir.display();
    println!("\nLook at");
    println!("  {dir}/data/outbox                     {sent} mails; open one in a mail program");
    println!("  {dir}/workflows/lapsed-buyers.yaml    the workflow that sent them");
    println!("  {dir}/winback.yaml                    sources, features, lifecycle, channels");
    println!("\nTry");
    println!("  {winback} check --project {dir}");
    println!("  {winback} segments --as-of 1998-06-30 --project {dir}");
    println!("  {winback} plan lapsed-buyers --as-of 1998-06-30 --project {dir}");
    println!("  {winback} report --format json --project {dir}");
}
