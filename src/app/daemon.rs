//! The daemon: the heartbeat decides nothing, it only wakes up; every decision is a pure function of
//! the ledger and the clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use super::work::{WorkError, until_stopped};
use crate::audience::run::{RunReport, Summary};
use crate::project::model::Workflow;
use crate::schedule::due::due;
use crate::schedule::ticker::{Beat, Ticker, TickerError};
use crate::sources::Catalog;
use crate::store::StoreError;
use crate::tracking::recorder::Recorder;
use crate::tracking::routes::router;
use crate::tracking::server::{self, Limits};

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The heartbeat.
    #[error(transparent)]
    Ticker(#[from] TickerError),
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long a workflow whose work failed is left alone.
const REST: TimeDelta = TimeDelta::seconds(60);

/// Runs until `stop` is cancelled: schedules, stages, delivery, and the public listener where given.
pub async fn serve(
    environment: Arc<Environment>,
    listener: Option<TcpListener>,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    let uncertain = environment.dispatcher.recover().await?;
    if uncertain > 0 {
        tracing::warn!(uncertain, "messages whose answer was not recorded when the last process died");
    }
    let public = listener.zip(environment.signer.clone()).map(|(listener, signer)| {
        let record = Arc::new(Recorder::start(environment.store.clone()));
        let routes = router(record, signer, environment.clock.clone());
        tokio::spawn(server::serve(listener, routes, stop.clone(), Limits::default()))
    });
    let (ticker, mut beats) = Ticker::start(Beat::Second).await?;
    let mut slots = Slots::open(&environment).await?;
    while !stop.is_cancelled() {
        if until_stopped(slots.round(&environment, &stop), &stop).await.is_none() {
            tracing::warn!("stopped with messages in the air; they are accounted for at the next start");
        }
        tokio::select! {
            _ = beats.recv() => {}
            // The heartbeat pauses while the system's clock is behind; work does not.
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            () = stop.cancelled() => {}
        }
    }
    if let Err(error) = ticker.stop().await {
        tracing::warn!(%error, "the heartbeat did not stop cleanly");
    }
    environment.dispatcher.close().await;
    if let Some(public) = public {
        let _ = public.await;
    }
    Ok(())
}

/// Up to where each workflow's schedule has been handled.
struct Slots {
    handled: HashMap<String, DateTime<Utc>>,
    resting: HashMap<String, DateTime<Utc>>,
    stages_rest: Option<DateTime<Utc>>,
}

impl Slots {
    /// A schedule goes on after its latest run, and never before its version was first seen: an
    /// edit never fires the past.
    async fn open(environment: &Environment) -> Result<Slots, StoreError> {
        let mut handled = HashMap::new();
        for workflow in &environment.project.workflows {
            let now = environment.clock.now();
            let store = &environment.store;
            let seen = store.keep_version(&workflow.name, &workflow.version, &workflow.yaml, now).await?;
            let last = store.last_slot(&workflow.name).await?;
            handled.insert(workflow.name.clone(), last.map_or(seen, |last| last.max(seen)));
        }
        Ok(Slots { handled, resting: HashMap::new(), stages_rest: None })
    }

    async fn round(&mut self, environment: &Environment, stop: &CancellationToken) {
        for workflow in &environment.project.workflows {
            if stop.is_cancelled() {
                return;
            }
            if let Err(error) = self.schedule(environment, workflow).await {
                tracing::error!(workflow = workflow.name, %error, "a run failed; it is tried again while it is fresh");
                self.resting.insert(workflow.name.clone(), environment.clock.now() + REST);
            }
        }
        let now = environment.clock.now();
        if self.stages_rest.is_none_or(|until| until <= now) {
            self.stages_rest = None;
            match stages(environment).await {
                Ok(Due::Nothing | Due::Moved) => {}
                // Versions that no longer fit the project; asking the sources every second helps nobody.
                Ok(Due::Stuck) => self.stages_rest = Some(now + REST),
                Err(error) => {
                    tracing::error!(%error, "stages cannot advance; they are tried again in a minute");
                    self.stages_rest = Some(now + REST);
                }
            }
        }
        if let Err(error) = environment.dispatcher.deliver_due(stop).await {
            tracing::error!(%error, "delivery was interrupted by the ledger");
        }
    }

    async fn schedule(&mut self, environment: &Environment, workflow: &Workflow) -> Result<(), WorkError> {
        let now = environment.clock.now();
        let handled = self.handled.get(&workflow.name).copied().unwrap_or(now);
        if self.resting.get(&workflow.name).is_some_and(|until| *until > now) {
            return Ok(());
        }
        let schedule = &workflow.schedule;
        let slots = due(&schedule.cron, schedule.timezone, handled, now, schedule.catch_up);
        if !slots.missed.is_empty() {
            environment.store.missed_runs(&workflow.name, &workflow.version, &slots.missed, now).await?;
            let missed = slots.missed.len() as u64 + slots.more_missed;
            tracing::warn!(workflow = workflow.name, missed, "slots passed while nothing was running");
        }
        if let Some(slot) = slots.run {
            // What was missed before is written down; only this slot is tried again if it fails.
            self.handled.insert(workflow.name.clone(), handled.max(slot - TimeDelta::microseconds(1)));
            match run_slot(environment, workflow, slot).await {
                Ok(RunReport::DoneBefore) => {}
                Ok(RunReport::Done(summary)) => {
                    let Summary { considered, treated, holdout, .. } = summary;
                    tracing::info!(workflow = workflow.name, %slot, considered, treated, holdout, "run");
                }
                Err(error) => {
                    environment.note_failed_run(workflow, slot, &error).await?;
                    return Err(error);
                }
            }
        }
        self.handled.insert(workflow.name.clone(), handled.max(now));
        Ok(())
    }
}

async fn run_slot(environment: &Environment, workflow: &Workflow, slot: DateTime<Utc>) -> Result<RunReport, WorkError> {
    let catalog = open_catalog(environment).await?;
    environment.run_slot(workflow, &catalog, slot).await
}

/// What became of the enrollments whose stage was due.
enum Due {
    Nothing,
    Moved,
    /// They are still due.
    Stuck,
}

async fn stages(environment: &Environment) -> Result<Due, WorkError> {
    if environment.store.workflows_due(environment.clock.now()).await?.is_empty() {
        return Ok(Due::Nothing);
    }
    let catalog = open_catalog(environment).await?;
    Ok(if environment.advance_due(&catalog).await? > 0 { Due::Moved } else { Due::Stuck })
}

/// Sources are opened for each round: files come and go while a daemon runs.
async fn open_catalog(environment: &Environment) -> Result<Catalog, WorkError> {
    Catalog::open(&environment.project)
        .await
        .map_err(|error| WorkError::Run(crate::segments::EvaluationError::Source(error).into()))
}
