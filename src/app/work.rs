//! One round of work: outcomes, runs, stages, delivery, in the order in which each needs the other.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use crate::audience::refresh::refresh;
use crate::audience::run::{self, RunError, RunReport};
use crate::outcomes::attribution::{self, OutcomeError};
use crate::project::model::Workflow;
use crate::sources::Catalog;
use crate::stages::advance::{AdvanceError, advance};
use crate::store::StoreError;

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
            attribution::update(&self.project, workflow, catalog, &self.store, now).await?;
            let left = refresh(&self.project, &workflow.name, catalog, &self.store, now).await?;
            if left > 0 {
                tracing::info!(
                    workflow = workflow.name,
                    left,
                    "users left: no consent any more, or gone from the source"
                );
            }
        }
        Ok(run::execute(&self.project, workflow, catalog, &self.store, slot, now).await?)
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

    /// Advances enrollments whose stage is due, with their outcomes up to now.
    pub async fn advance_due(&self, catalog: &Catalog) -> Result<u64, WorkError> {
        let now = self.clock.now();
        let names = self.store.workflows_due(now).await?;
        if names.is_empty() {
            return Ok(0);
        }
        for name in names {
            if let Some(workflow) = self.project.workflow(&name) {
                attribution::update(&self.project, workflow, catalog, &self.store, now).await?;
            }
        }
        let mut versions = self.dispatcher.versions.lock().await;
        Ok(advance(&self.project, catalog, &self.store, &mut versions, now).await?)
    }
}
