//! The evaluated users as a stream of decisions, in the order of the audience.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, RecordBatch, StringArray};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ident, lit};
use futures::StreamExt;

use super::eligibility::{Candidate, Rules};
use super::people::{cell, condition, people, text};
use super::selection::Selection;
use crate::domain::vocabulary::{Arm, Decision};
use crate::features::table::with_columns;
use crate::segments::{Evaluation, EvaluationError};
use crate::sources::Facts;
use crate::sources::faults::Faults;
use crate::store::enrollments::NewEnrollment;

/// Names no attribute can have, because they hold a space.
const MATCHES: &str = "audience matches";
const EXCLUDED: &str = "policy excludes";

/// What came of an audience.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Users considered.
    pub considered: u64,
    /// Users per decision.
    pub decisions: BTreeMap<Decision, u64>,
    /// The users taken, in the order of the audience.
    pub taken: Vec<NewEnrollment>,
    /// Rows of the sources that could not be used, per source.
    pub faults: Vec<(String, Faults)>,
}

impl Outcome {
    /// Users with a decision.
    pub fn count(&self, decision: Decision) -> u64 {
        self.decisions.get(&decision).copied().unwrap_or(0)
    }

    /// Users per reason of those not taken, as a JSON object.
    pub fn excluded(&self) -> serde_json::Map<String, serde_json::Value> {
        self.decisions
            .iter()
            .filter(|(decision, _)| !matches!(decision, Decision::Treated | Decision::Holdout))
            .map(|(decision, users)| (decision.as_str().to_owned(), (*users).into()))
            .collect()
    }
}

/// Decides about every user; `each` is given the users and decisions of a batch, for the record.
pub async fn decide<E: From<EvaluationError>>(
    evaluation: &Evaluation,
    facts: &Facts,
    selection: &Selection,
    rules: &Rules,
    mut each: impl FnMut(StringArray, &[Decision]) -> Result<(), E>,
) -> Result<Outcome, E> {
    let engine = |error: DataFusionError| E::from(EvaluationError::from(error));
    let frame = evaluation.plan(facts).map_err(engine)?;
    let mut more = vec![selection.filter.clone().is_true().alias(MATCHES)];
    let excluded = selection.exclude.clone().map_or_else(|| lit(false), |exclude| exclude.is_true());
    more.push(excluded.alias(EXCLUDED));
    let mut order = vec![ident(MATCHES).sort(false, false)];
    order.extend(selection.order.iter().cloned());
    let sorted = with_columns(frame, more).and_then(|frame| frame.sort(order)).map_err(engine)?;
    let mut stream = sorted.execute_stream().await.map_err(engine)?;
    let mut outcome = Outcome::default();
    let mut taken = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine)?;
        let decisions = decide_batch(&batch, rules, &mut taken, &mut outcome)
            .map_err(|error| engine(DataFusionError::ArrowError(Box::new(error), None)))?;
        let users =
            text(&batch, "user_id").map_err(|error| engine(DataFusionError::ArrowError(Box::new(error), None)))?;
        each(users, &decisions)?;
    }
    outcome.faults = facts.verify().map_err(|error| E::from(EvaluationError::Source(error)))?;
    Ok(outcome)
}

fn decide_batch(
    batch: &RecordBatch,
    rules: &Rules,
    taken: &mut u64,
    outcome: &mut Outcome,
) -> Result<Vec<Decision>, datafusion::arrow::error::ArrowError> {
    let users = text(batch, "user_id")?;
    let (email, phone, name) = (text(batch, "email")?, text(batch, "phone")?, text(batch, "name")?);
    let (matches, excluded) = (condition(batch, MATCHES)?, condition(batch, EXCLUDED)?);
    let consent = condition(batch, "consent")?;
    let mut decisions = Vec::with_capacity(batch.num_rows());
    let mut rows: Vec<u32> = Vec::new();
    let mut arms = Vec::new();
    for row in 0..batch.num_rows() {
        let candidate = Candidate {
            user_id: users.value(row),
            matches: matches.is_valid(row) && matches.value(row),
            excluded: excluded.is_valid(row) && excluded.value(row),
            consent: consent.is_valid(row).then(|| consent.value(row)),
            email: cell(&email, row),
            phone: cell(&phone, row),
            name: cell(&name, row),
        };
        let decision = rules.decide(&candidate, *taken);
        let arm = match decision {
            Decision::Treated => Some(Arm::Treated),
            Decision::Holdout => Some(Arm::Holdout),
            Decision::NotMatching
            | Decision::Excluded
            | Decision::GlobalHoldout
            | Decision::NoConsent
            | Decision::NoAddress
            | Decision::InvalidAddress
            | Decision::InvalidText
            | Decision::Suppressed
            | Decision::AlreadyEnrolled
            | Decision::EnteredBefore
            | Decision::OverLimit => None,
        };
        if let Some(arm) = arm {
            *taken += 1;
            // A batch has at most 8,192 rows.
            rows.push(row as u32);
            arms.push(arm);
        }
        *outcome.decisions.entry(decision).or_default() += 1;
        decisions.push(decision);
    }
    outcome.considered += batch.num_rows() as u64;
    let persons = people(batch, &rows)?;
    for ((row, arm), person) in rows.iter().zip(arms).zip(persons) {
        outcome.taken.push(NewEnrollment { user_id: users.value(*row as usize).to_owned(), arm, person });
    }
    Ok(decisions)
}
