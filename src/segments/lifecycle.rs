//! The lifecycle: declared by rules, the first that holds names the state.

use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit, when};
use datafusion::scalar::ScalarValue;

use crate::features::{Kind, Scope, compile};
use crate::project::model::LifecycleRule;
use crate::project::problems::Problem;

/// Translates the rules into one expression of text kind; users whom no rule fits are NULL.
///
/// A rule that is unknown (NULL) for a user does not hold, and the next one is asked.
pub fn state(rules: &[LifecycleRule], scope: &Scope) -> Result<Result<Expr, DataFusionError>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut branches = Vec::new();
    let mut otherwise = lit(ScalarValue::Utf8(None));
    for rule in rules {
        match &rule.rule {
            None => otherwise = lit(rule.state.as_str()),
            Some(condition) => match compile(condition, scope, Some(Kind::Bool)) {
                Ok(typed) => branches.push((typed.expr, lit(rule.state.as_str()))),
                Err(found) => problems.extend(found),
            },
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut branches = branches.into_iter();
    let Some((condition, state)) = branches.next() else { return Ok(Ok(otherwise)) };
    let mut case = when(condition, state);
    for (condition, state) in branches {
        case = case.when(condition, state);
    }
    Ok(case.otherwise(otherwise))
}
