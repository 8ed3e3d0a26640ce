//! Advancing what is due: pages of enrollments, their conditions asked together, one transaction each.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::facts;
use super::machine::{self, Due};
use super::versions::Versions;
use crate::domain::vocabulary::Arm;
use crate::features::calendar::Calendar;
use crate::project::model::{Project, Workflow};
use crate::segments::{Condition, Evaluation, EvaluationError};
use crate::sources::Catalog;
use crate::store::enrollments::Step;
use crate::store::entities::enrollment;
use crate::store::messages::NewMessage;
use crate::store::{Store, StoreError};

/// Enrollments per page and transaction.
const PAGE: u64 = 2_000;

/// Why stages cannot advance.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A condition could not be asked.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}

/// Advances every enrollment whose stage is due; returns how many moved.
pub async fn advance(
    project: &Project,
    catalog: &Catalog,
    store: &Store,
    versions: &mut Versions,
    now: DateTime<Utc>,
) -> Result<u64, AdvanceError> {
    let mut moved = 0;
    let mut evaluation = None;
    loop {
        let page = store.due_enrollments(now, PAGE).await?;
        if page.is_empty() {
            return Ok(moved);
        }
        let full = page.len() as u64 == PAGE;
        let mut groups: BTreeMap<(String, String, i32), Vec<enrollment::Model>> = BTreeMap::new();
        for row in page {
            groups.entry((row.workflow.clone(), row.version.clone(), row.position)).or_default().push(row);
        }
        let mut waiting = 0;
        for ((name, version, position), rows) in groups {
            let Some(workflow) = versions.get(project, store, &name, &version).await? else {
                waiting += rows.len();
                continue;
            };
            if evaluation.is_none() {
                let calendar = Calendar { as_of: now, zone: project.timezone };
                evaluation = Some(Evaluation::compile(project, catalog, calendar)?);
            }
            let Some(evaluation) = &evaluation else { continue };
            moved += rows.len() as u64;
            step(evaluation, store, &workflow, position, rows, now).await?;
        }
        // Rows whose version cannot be read stay due; a page of nothing else would come again for ever.
        if !full || waiting as u64 == PAGE {
            return Ok(moved);
        }
    }
}

async fn step(
    evaluation: &Evaluation,
    store: &Store,
    workflow: &Arc<Workflow>,
    position: i32,
    rows: Vec<enrollment::Model>,
    now: DateTime<Utc>,
) -> Result<(), AdvanceError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let facts = facts::gather(store, &ids).await?;
    let index = usize::try_from(position).unwrap_or(usize::MAX);
    let stage = workflow.stages.get(index);
    let holds = match stage.and_then(|stage| stage.when.as_ref()) {
        None => vec![true; rows.len()],
        Some(when) => {
            let condition = Condition::compile(when, evaluation).map_err(EvaluationError::Problems)?;
            let profiles: Vec<&str> = rows.iter().map(|row| row.profile.as_str()).collect();
            let each: Vec<_> = rows.iter().map(|row| facts.get(&row.id).cloned().unwrap_or_default()).collect();
            condition.holds(&profiles, &each).map_err(EvaluationError::Engine)?
        }
    };
    let mut messages = Vec::new();
    let mut steps: Vec<(i64, Step)> = Vec::new();
    for (row, when_holds) in rows.into_iter().zip(holds) {
        let arm = Arm::parse(&row.arm).ok_or_else(|| StoreError::Foreign { what: "arm", value: row.arm.clone() })?;
        let due = Due {
            user_id: &row.user_id,
            arm,
            position: index,
            due_at: row.due_at.unwrap_or(now),
            window_ends_at: row.window_ends_at,
            converted: facts.get(&row.id).is_some_and(|fact| fact.converted),
            when_holds,
        };
        let action = machine::decide(workflow, &due, now);
        if let (Some(planned), Some(stage)) = (action.message, stage) {
            messages.push(NewMessage {
                key: machine::message_key(&row.workflow, &row.user_id, row.entered_at, &stage.id),
                enrollment_id: row.id,
                workflow: row.workflow.clone(),
                stage: stage.id.clone(),
                user_id: row.user_id.clone(),
                variant: stage.variants.get(planned.variant).map_or_else(String::new, |variant| variant.name.clone()),
                channel: stage.channel.clone(),
                priority: workflow.priority,
                due_at: due.due_at,
                expires_at: stage.expires.map(|expires| due.due_at + expires),
                fate: planned.fate,
            });
        }
        steps.push((row.id, action.step));
    }
    let transaction = store.begin().await?;
    store.insert_messages(&transaction, messages, now).await?;
    store.advance(&transaction, steps, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(())
}

/// Every stage condition of a workflow, checked against the names that are known.
pub fn check(workflow: &Workflow, evaluation: &Evaluation) -> Vec<crate::project::problems::Problem> {
    let conditions = workflow.stages.iter().filter_map(|stage| stage.when.as_ref());
    conditions.filter_map(|when| Condition::compile(when, evaluation).err()).flatten().collect()
}
