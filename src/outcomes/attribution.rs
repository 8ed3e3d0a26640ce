//! Conversions and recalls out of the events: one join of all open windows with the events.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimestampMicrosecondType};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, JoinType, cast, ident, lit};

use crate::domain::vocabulary::OutcomeKind;
use crate::features::aggregates::{event_scope, exact_sum, find, selection};
use crate::features::calendar::Calendar;
use crate::project::model::{Project, Workflow};
use crate::project::problems::Problem;
use crate::segments::EvaluationError;
use crate::sources::cell::instant_type;
use crate::sources::{Catalog, Facts};
use crate::store::outcomes::{Found, Window};
use crate::store::{Store, StoreError};

/// Why outcomes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The sources or the engine failed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a workflow looks for.
#[derive(Debug, Clone)]
pub struct Looked {
    goal: Option<Expr>,
    value: Option<Expr>,
    recall: Option<Option<Expr>>,
}

/// Translates a workflow's goal and recall; all problems at once.
pub fn compile(project: &Project, workflow: &Workflow, catalog: &Catalog) -> Result<Looked, Vec<Problem>> {
    // Goals know no "today": a window is counted from each entry.
    let calendar = Calendar { as_of: DateTime::<Utc>::UNIX_EPOCH, zone: project.timezone };
    let scope = event_scope(catalog, calendar);
    let mut problems = Vec::new();
    let goal = selection(&workflow.goal.event, workflow.goal.filter.as_ref(), &scope);
    let value = workflow.goal.value.as_ref().map(|column| match find(column, &scope) {
        Ok((kind, expr)) if kind.is_number() => Ok(expr),
        Ok((kind, _)) => Err(vec![Problem {
            message: format!("the goal's value must be a number, but `{}` is {}", column.name, kind.noun()),
            place: column.place.clone(),
            hint: None,
        }]),
        Err(found) => Err(found),
    });
    let recall = workflow.recall.as_ref().map(|events| selection(events, None, &scope));
    let mut keep = |result: Result<Option<Expr>, Vec<Problem>>| {
        result.unwrap_or_else(|found| {
            problems.extend(found);
            None
        })
    };
    let goal = keep(goal);
    let value = keep(value.transpose());
    let recall = recall.map(keep);
    if problems.is_empty() { Ok(Looked { goal, value, recall }) } else { Err(problems) }
}

/// What was found in the events, and how far they reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Outcomes, by enrollment.
    pub found: Vec<Found>,
    /// The newest event of all; `None` where there is none.
    pub data_until: Option<DateTime<Utc>>,
}

/// Brings the outcomes of those on the way up to `as_of`, for the conditions of their stages.
pub async fn update(
    project: &Project,
    workflow: &Workflow,
    catalog: &Catalog,
    store: &Store,
    as_of: DateTime<Utc>,
) -> Result<(), OutcomeError> {
    let windows = store.active_windows(&workflow.name, as_of).await?;
    if windows.is_empty() {
        return Ok(());
    }
    let looked = compile(project, workflow, catalog).map_err(EvaluationError::Problems)?;
    let facts = catalog.facts(as_of).await.map_err(EvaluationError::Source)?;
    let found = search_all(&facts, &windows, looked).await?;
    store.write_outcomes(&windows, found).await?;
    Ok(())
}

/// Reads the events up to `as_of`; the ledger is not touched, so that a report can be told again with
/// another window, another goal or completed data.
pub async fn find_in_events(
    project: &Project,
    workflow: &Workflow,
    catalog: &Catalog,
    windows: &[Window],
    as_of: DateTime<Utc>,
) -> Result<Findings, OutcomeError> {
    let looked = compile(project, workflow, catalog).map_err(EvaluationError::Problems)?;
    let facts = catalog.facts(as_of).await.map_err(EvaluationError::Source)?;
    let data_until = newest(&facts).await.map_err(engine)?;
    Ok(Findings { found: search_all(&facts, windows, looked).await?, data_until })
}

/// An event counts when it is later than the entry (what the run itself saw is no result of it) and
/// before the window's end.
async fn search_all(facts: &Facts, windows: &[Window], looked: Looked) -> Result<Vec<Found>, OutcomeError> {
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = search(facts, windows, OutcomeKind::Conversion, looked.goal, looked.value).await.map_err(engine)?;
    if let Some(recall) = looked.recall {
        found.extend(search(facts, windows, OutcomeKind::Recall, recall, None).await.map_err(engine)?);
    }
    // A source that cannot be read is not a source in which nobody bought.
    facts.verify().map_err(EvaluationError::Source)?;
    Ok(found)
}

async fn newest(facts: &Facts) -> Result<Option<DateTime<Utc>>, DataFusionError> {
    let batches = facts.events.clone().aggregate(vec![], vec![max(ident("time"))])?.collect().await?;
    let newest = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        times.is_valid(0).then(|| times.value(0))
    });
    Ok(newest.and_then(DateTime::from_timestamp_micros))
}

async fn search(
    facts: &Facts,
    windows: &[Window],
    kind: OutcomeKind,
    condition: Option<Expr>,
    value: Option<Expr>,
) -> Result<Vec<Found>, DataFusionError> {
    let mut events = facts.events.clone();
    if let Some(condition) = condition {
        events = events.filter(condition)?;
    }
    let worth = value.map_or_else(|| lit(0.0), |value| cast(value, DataType::Float64));
    let events = events.select(vec![ident("user_id"), ident("time"), worth.alias("worth")])?;
    let inside = ident("time").gt(ident("entered")).and(ident("time").lt(ident("ends")));
    let batches = events
        .join(table(facts, windows)?, JoinType::Inner, &["user_id"], &["window user"], None)?
        .filter(inside)?
        .aggregate(
            vec![ident("enrollment")],
            vec![
                min(ident("time")).alias("first"),
                count(lit(1)).alias("events"),
                exact_sum(ident("worth")).alias("worth"),
            ],
        )?
        .select(vec![
            ident("enrollment"),
            ident("first"),
            ident("events"),
            cast(ident("worth"), DataType::Float64).alias("worth"),
        ])?
        .collect()
        .await?;
    let mut found = Vec::new();
    for batch in &batches {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let first = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        let events = batch.column(2).as_primitive::<Int64Type>();
        let worth = batch.column(3).as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let Some(first_at) = DateTime::from_timestamp_micros(first.value(row)) else { continue };
            found.push(Found {
                enrollment_id: ids.value(row),
                kind,
                first_at,
                events: events.value(row),
                // Minor units; the sum of a user's values is far inside what a float holds exactly.
                value_minor: if worth.is_valid(row) { (worth.value(row) * 100.0).round() as i64 } else { 0 },
            });
        }
    }
    found.sort_by_key(|one| one.enrollment_id);
    Ok(found)
}

fn table(facts: &Facts, windows: &[Window]) -> Result<DataFrame, DataFusionError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("enrollment", DataType::Int64, false),
        Field::new("window user", DataType::Utf8, false),
        Field::new("entered", instant_type(), false),
        Field::new("ends", instant_type(), false),
    ]));
    let times = |pick: fn(&Window) -> DateTime<Utc>| {
        TimestampMicrosecondArray::from_iter_values(windows.iter().map(|window| pick(window).timestamp_micros()))
            .with_timezone("UTC")
    };
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from_iter_values(windows.iter().map(|window| window.enrollment_id))),
            Arc::new(StringArray::from_iter_values(windows.iter().map(|window| window.user_id.as_str()))),
            Arc::new(times(|window| window.entered_at)),
            Arc::new(times(|window| window.ends_at)),
        ],
    )?;
    facts.context.read_table(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

fn engine(error: DataFusionError) -> OutcomeError {
    OutcomeError::Evaluation(EvaluationError::Engine(error))
}
