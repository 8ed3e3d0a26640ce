//! What the source newly says of users on the way: changed values, lost consent, users who are gone.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use datafusion::arrow::array::Array;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ident, lit};
use futures::StreamExt;

use super::people::{condition, people, text};
use super::run::RunError;
use crate::domain::vocabulary::ExitReason;
use crate::features::calendar::Calendar;
use crate::project::model::Project;
use crate::segments::{Evaluation, EvaluationError};
use crate::sources::Catalog;
use crate::store::Store;
use crate::store::enrollments::{Person, Step};

/// Enrollments per page.
const PAGE: u64 = 20_000;

/// Above this many users on the way the evaluation is not narrowed to them: a long list of ids
/// costs the engine more than the users it saves.
const NARROW: usize = 2_000;

/// Brings the active enrollments of a workflow up to date as of `now`; returns how many left.
pub async fn refresh(
    project: &Project,
    workflow: &str,
    catalog: &Catalog,
    store: &Store,
    now: DateTime<Utc>,
) -> Result<u64, RunError> {
    let mut active = HashMap::new();
    let mut after = 0;
    loop {
        let page = store.active_enrollments(workflow, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        active.extend(page.into_iter().map(|row| (row.user_id.clone(), row)));
    }
    if active.is_empty() {
        return Ok(0);
    }
    let calendar = Calendar { as_of: now, zone: project.timezone };
    let evaluation = Evaluation::compile(project, catalog, calendar)?;
    let facts = catalog.facts(now).await.map_err(EvaluationError::Source)?;
    let mut frame = evaluation.plan(&facts).map_err(engine)?;
    if active.len() <= NARROW {
        let ids = active.keys().map(|id| lit(id.as_str())).collect();
        frame = frame.filter(ident("user_id").in_list(ids, false)).map_err(engine)?;
    }
    let mut stream = frame.execute_stream().await.map_err(engine)?;
    let mut changed = Vec::new();
    let mut leave = Vec::new();
    let mut seen = HashSet::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine)?;
        let arrow = |error| engine(DataFusionError::ArrowError(Box::new(error), None));
        let (users, consent) = (text(&batch, "user_id").map_err(arrow)?, condition(&batch, "consent").map_err(arrow)?);
        // A batch has at most 8,192 rows.
        let rows: Vec<u32> =
            (0..batch.num_rows()).filter(|row| active.contains_key(users.value(*row))).map(|row| row as u32).collect();
        for (row, person) in rows.iter().zip(people(&batch, &rows).map_err(arrow)?) {
            let row = *row as usize;
            let Some(enrollment) = active.get(users.value(row)) else { continue };
            seen.insert(enrollment.id);
            if !(consent.is_valid(row) && consent.value(row)) {
                leave.push((enrollment.id, Step::Exit(ExitReason::ConsentLost)));
                continue;
            }
            let before = Person {
                email: enrollment.email.clone(),
                phone: enrollment.phone.clone(),
                name: enrollment.name.clone(),
                locale: enrollment.locale.clone(),
                profile: enrollment.profile.clone(),
            };
            if person != before {
                changed.push((enrollment.id, person));
            }
        }
    }
    facts.verify().map_err(EvaluationError::Source)?;
    let gone = active.values().filter(|row| !seen.contains(&row.id));
    leave.extend(gone.map(|row| (row.id, Step::Exit(ExitReason::Gone))));
    let left = leave.len() as u64;
    let transaction = store.begin().await?;
    store.refresh(&transaction, changed).await?;
    store.advance(&transaction, leave, now).await?;
    transaction.commit().await.map_err(crate::store::StoreError::from)?;
    Ok(left)
}

fn engine(error: DataFusionError) -> RunError {
    RunError::Evaluation(error.into())
}
