//! How many users are in each state, score and segment.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ExprFunctionExt, ident, lit};

use super::evaluation::{Evaluation, EvaluationError};
use crate::project::model::Project;
use crate::sources::Facts;

/// The figures of `winback segments`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// All users.
    pub users: i64,
    /// Users per state, in the order of the rules; users without a state last, as `(none)`.
    pub lifecycle: Vec<(String, i64)>,
    /// Users per segment, in the order of the YAML.
    pub segments: Vec<(String, i64)>,
    /// Users per score of each dimension; empty where there are no scores.
    pub scores: Vec<(&'static str, BTreeMap<i64, i64>)>,
}

/// Counts a project's users as of an instant, in one evaluation.
pub async fn count_users(evaluation: &Evaluation, facts: &Facts, project: &Project) -> Result<Counts, EvaluationError> {
    // One evaluation feeds every table below.
    let frame = evaluation.plan(facts)?.cache().await?;
    facts.verify()?;
    let mut counts = Counts { users: total(frame.clone()).await?, ..Counts::default() };
    if evaluation.has_lifecycle() {
        let found = by_text(frame.clone(), "lifecycle").await?;
        for rule in &project.lifecycle {
            counts.lifecycle.push((rule.state.clone(), found.get(&Some(rule.state.clone())).copied().unwrap_or(0)));
        }
        if let Some(none) = found.get(&None) {
            counts.lifecycle.push(("(none)".to_owned(), *none));
        }
    }
    let names: Vec<&str> = evaluation.segment_names().collect();
    if !names.is_empty() {
        let aggregates = names
            .iter()
            .map(|name| count(lit(1)).filter(ident(*name)).build().map(|expr| expr.alias(*name)))
            .collect::<Result<Vec<Expr>, _>>()?;
        let row = frame.clone().aggregate(vec![], aggregates)?.collect().await?;
        for (index, name) in names.iter().enumerate() {
            counts.segments.push(((*name).to_owned(), first_number(&row, index)));
        }
    }
    if evaluation.has_scores() {
        for name in ["r", "f", "m"] {
            counts.scores.push((name, by_number(frame.clone(), name).await?));
        }
    }
    Ok(counts)
}

async fn total(frame: DataFrame) -> Result<i64, DataFusionError> {
    Ok(first_number(&frame.aggregate(vec![], vec![count(lit(1))])?.collect().await?, 0))
}

fn first_number(batches: &[RecordBatch], column: usize) -> i64 {
    batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .map_or(0, |batch| batch.column(column).as_primitive::<Int64Type>().value(0))
}

async fn by_text(frame: DataFrame, name: &str) -> Result<BTreeMap<Option<String>, i64>, DataFusionError> {
    let key = datafusion::logical_expr::cast(ident(name), datafusion::arrow::datatypes::DataType::Utf8).alias("key");
    let batches = frame.aggregate(vec![key], vec![count(lit(1))])?.collect().await?;
    let mut counts = BTreeMap::new();
    for batch in &batches {
        let (keys, numbers) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            counts.insert(keys.is_valid(row).then(|| keys.value(row).to_owned()), numbers.value(row));
        }
    }
    Ok(counts)
}

async fn by_number(frame: DataFrame, name: &str) -> Result<BTreeMap<i64, i64>, DataFusionError> {
    let scored = frame.filter(ident(name).is_not_null())?;
    let batches = scored.aggregate(vec![ident(name)], vec![count(lit(1))])?.collect().await?;
    let mut counts = BTreeMap::new();
    for batch in &batches {
        let (keys, numbers) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            counts.insert(keys.value(row), numbers.value(row));
        }
    }
    Ok(counts)
}
