//! The execution of one slot: evaluate, decide, write the decisions down, enroll.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::decisions::{DecisionFile, DecisionFileError};
use super::eligibility::Rules;
use super::reader::{self, Outcome};
use super::selection::Selection;
use crate::domain::vocabulary::Decision;
use crate::features::calendar::Calendar;
use crate::project::model::{ChannelKind, ContactField, Project, Workflow};
use crate::segments::{Evaluation, EvaluationError};
use crate::sources::Catalog;
use crate::sources::faults::Faults;
use crate::store::enrollments::Entry;
use crate::store::runs::{Begun, RunResult};
use crate::store::{Store, StoreError};

/// Why a run failed. The ledger holds the failed run and nothing else of it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The users could not be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The decision file failed.
    #[error(transparent)]
    Decisions(#[from] DecisionFileError),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunReport {
    /// It took these users.
    Done(Summary),
    /// The slot had been done before.
    DoneBefore,
}

/// The figures of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Users considered.
    pub considered: u64,
    /// Users enrolled with messages.
    pub treated: u64,
    /// Users enrolled without.
    pub holdout: u64,
    /// Users per reason.
    pub excluded: serde_json::Map<String, serde_json::Value>,
    /// Rows of the sources that could not be used, per source.
    pub faults: Vec<(String, Faults)>,
}

/// Which contact a workflow's first stage needs.
pub fn first_contact(project: &Project, workflow: &Workflow) -> ContactField {
    let channel = workflow.stages.first().and_then(|stage| project.channels.get(&stage.channel));
    match channel.map(|channel| &channel.kind) {
        Some(ChannelKind::Webhook(webhook)) => webhook.to,
        Some(ChannelKind::Smtp(_) | ChannelKind::Directory(_)) | None => ContactField::Email,
    }
}

/// What a decision depends on beside the user, as the ledger stands.
pub async fn rules(
    project: &Project,
    workflow: &Workflow,
    store: Option<&Store>,
    as_of: DateTime<Utc>,
) -> Result<Rules, StoreError> {
    let (priors, suppressed) = match store {
        Some(store) => (store.priors(&workflow.name).await?, store.suppressed().await?),
        None => Default::default(),
    };
    Ok(Rules {
        workflow: workflow.name.clone(),
        holdout: workflow.holdout,
        global_holdout: project.policy.holdout,
        contact: first_contact(project, workflow),
        reentry: workflow.audience.reentry,
        as_of,
        limit: workflow.audience.limit,
        priors: priors.into_iter().map(|prior| (prior.user_id, (prior.entered_at, prior.active))).collect(),
        suppressed,
    })
}

/// Executes a slot. The same slot again changes nothing; a failed one may be tried again.
pub async fn execute(
    project: &Project,
    workflow: &Workflow,
    catalog: &Catalog,
    store: &Store,
    slot: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<RunReport, RunError> {
    store.keep_version(&workflow.name, &workflow.version, &workflow.yaml, now).await?;
    let id = match store.begin_run(&workflow.name, slot, &workflow.version, now).await? {
        Begun::Done(_) => return Ok(RunReport::DoneBefore),
        Begun::Ours(id) => id,
    };
    match enroll(project, workflow, catalog, store, id, slot, now).await {
        Ok(summary) => Ok(RunReport::Done(summary)),
        Err(error) => {
            store.fail_run(id, &error.to_string(), now).await?;
            Err(error)
        }
    }
}

async fn enroll(
    project: &Project,
    workflow: &Workflow,
    catalog: &Catalog,
    store: &Store,
    run_id: i64,
    slot: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Summary, RunError> {
    let calendar = Calendar { as_of: slot, zone: project.timezone };
    let evaluation = Evaluation::compile(project, catalog, calendar)?;
    let selection = Selection::compile(project, workflow, &evaluation).map_err(EvaluationError::Problems)?;
    let rules = rules(project, workflow, Some(store), slot).await?;
    let facts = catalog.facts(slot).await.map_err(EvaluationError::Source)?;
    let mut file = DecisionFile::create(Path::new(&project.lake), &workflow.name, slot)?;
    let outcome: Outcome = reader::decide(&evaluation, &facts, &selection, &rules, |users, decisions| {
        file.write(users, decisions).map_err(RunError::Decisions)
    })
    .await?;
    let file = file.finish(run_id)?;
    let summary = Summary {
        considered: outcome.considered,
        treated: outcome.count(Decision::Treated),
        holdout: outcome.count(Decision::Holdout),
        excluded: outcome.excluded(),
        faults: outcome.faults.clone(),
    };
    let first = workflow.stages.first().map_or_else(chrono::TimeDelta::zero, |stage| stage.after);
    let entry = Entry {
        workflow: workflow.name.clone(),
        version: workflow.version.clone(),
        run_id,
        entered_at: slot,
        window_ends_at: slot + workflow.goal.within.to_delta(),
        due_at: now + first,
    };
    let result = RunResult {
        considered: count(summary.considered),
        treated: count(summary.treated),
        holdout: count(summary.holdout),
        excluded: serde_json::Value::Object(summary.excluded.clone()).to_string(),
    };
    let transaction = store.begin().await?;
    store.enroll(&transaction, &entry, &outcome.taken).await?;
    store.name_lake_file(&transaction, file, now).await?;
    store.finish_run(&transaction, run_id, result, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(summary)
}

fn count(users: u64) -> i64 {
    i64::try_from(users).unwrap_or(i64::MAX)
}
