//! One round of work: outcomes, runs, stages, delivery, in the order in which each needs the other.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use crate::audience::refresh::refresh;
use crate::audience::run::{self, RunError, RunReport};
use crate::outcomes::attribution::{self, OutcomeError};
use crate::project::model::Workflow;
use crate::sources::Catalog;
use crate::stages::advance::{AdvanceError, advance};
use crate::store::StoreError;
use crate::store::runs::Begun;

/// How long what the sources say of the users on the way counts as known.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// How long what is in the air may take once a process is told to stop. What follows, goodbyes to the
/// other sides, is bounded too; all of it stays below ten seconds.
const GRACE: Duration = Duration::from_secs(6);

/// Works to the end; once `stop` is cancelled, for a few seconds more at most. `None` when the work
/// was cut off: its messages are accounted for at the next start.
pub async fn until_stopped<T>(work: impl Future<Output = T>, stop: &CancellationToken) -> Option<T> {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => Some(done),
        () = stop.cancelled() => tokio::time::timeout(GRACE, work).await.ok(),
    }
}

/// Why a round stopped. What was done before is in the ledger; the next round takes up there.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Outcomes.
    #[error(transparent)]
    Outcomes(#[from] OutcomeError),
    /// Stages.
    #[error(transparent)]
    Advance(#[from] AdvanceError),
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Environment {
    /// Executes a slot: first what happened to those on the way, then whom to take now.
    pub async fn run_slot(
        &self,
        workflow: &Workflow,
        catalog: &Catalog,
        slot: DateTime<Utc>,
    ) -> Result<RunReport, WorkError> {
        let now = self.clock.now();
        if self.store.find_run(&workflow.name, slot).await?.is_none() {
            self.catch_up(&workflow.name, catalog, now).await?;
        }
        Ok(run::execute(&self.project, workflow, catalog, &self.store, slot, now).await?)
    }

    /// Writes down that a slot failed before its run had begun, so that it is not taken for a missed one.
    pub async fn note_failed_run(
        &self,
        workflow: &Workflow,
        slot: DateTime<Utc>,
        error: &WorkError,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.store.begin_run(&workflow.name, slot, &workflow.version, now).await? {
            Begun::Ours(id) => self.store.fail_run(id, &error.to_string(), now).await,
            Begun::Done(_) => Ok(()),
        }
    }

    /// Advances what is due and delivers it, until nothing is due any more.
    ///
    /// Returns how many enrollments moved and how many messages were settled.
    pub async fn work_off(&self, catalog: &Catalog, stop: &CancellationToken) -> Result<(u64, u64), WorkError> {
        let (mut moved, mut settled) = (0, 0);
        loop {
            let advanced = self.advance_due(catalog).await?;
            let delivered = self.dispatcher.deliver_due(stop).await?;
            moved += advanced;
            settled += delivered;
            if stop.is_cancelled() || (advanced == 0 && delivered == 0) {
                return Ok((moved, settled));
            }
        }
    }

    /// Advances enrollments whose stage is due, with what the sources say of them up to now.
    pub async fn advance_due(&self, catalog: &Catalog) -> Result<u64, WorkError> {
        let now = self.clock.now();
        let names = self.store.workflows_due(now).await?;
        if names.is_empty() {
            return Ok(0);
        }
        for name in names {
            self.catch_up(&name, catalog, now).await?;
        }
        let mut versions = self.dispatcher.versions.lock().await;
        Ok(advance(&self.project, catalog, &self.store, &mut versions, now).await?)
    }

    /// Brings the enrollments of a workflow up to date: conversions, consent, changed values. Done at
    /// most once a minute, because it reads every source.
    async fn catch_up(&self, name: &str, catalog: &Catalog, now: DateTime<Utc>) -> Result<(), WorkError> {
        let mut caught_up = self.caught_up.lock().await;
        if caught_up.get(name).is_some_and(|at| now - *at < FRESH) {
            return Ok(());
        }
        if let Some(workflow) = self.project.workflow(name) {
            attribution::update(&self.project, workflow, catalog, &self.store, now).await?;
        }
        let left = refresh(&self.project, name, catalog, &self.store, now).await?;
        if left > 0 {
            tracing::info!(workflow = name, left, "users left: no consent any more, or gone from the source");
        }
        caught_up.insert(name.to_owned(), now);
        Ok(())
    }
}
