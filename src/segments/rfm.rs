//! Recency, frequency, monetary scores of any three features.
//!
//! Ties shared: `1 + floor(bins × k / n)`, k = scored users with a strictly smaller value, so that equal
//! users get equal scores. Ties split: SQL NTILE with `user_id` as the tie-break. Thresholds: one
//! more than the number of bounds that the value reaches.

use datafusion::arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::functions::string::expr_fn::concat;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_window::expr_fn::{ntile, rank};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{Expr, ExprFunctionExt, cast, ident, lit, when};
use datafusion::scalar::ScalarValue;

use crate::features::table::with_columns;
use crate::features::{Kind, Scope, compile};
use crate::project::model::{Dimension, Rfm, Ties};
use crate::project::problems::Problem;

/// The scores of a project, translated and checked.
#[derive(Debug, Clone)]
pub struct Scores {
    dimensions: Vec<(&'static str, Expr, Vec<f64>)>,
    over: Option<Expr>,
    bins: u32,
    ties: Ties,
}

impl Scores {
    /// Translates the dimensions; adds `r`, `f`, `m` and `rfm` to the scope.
    pub fn compile(rfm: &Rfm, scope: &mut Scope) -> Result<Scores, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut dimensions = Vec::new();
        for (name, dimension) in [("r", &rfm.r), ("f", &rfm.f), ("m", &rfm.m)] {
            match value(dimension, scope) {
                Ok(expr) => dimensions.push((name, expr, dimension.thresholds.clone())),
                Err(problem) => problems.push(problem),
            }
        }
        let over = rfm.over.as_ref().map(|over| compile(over, scope, Some(Kind::Bool))).transpose();
        let over = over.unwrap_or_else(|wrong| {
            problems.extend(wrong);
            None
        });
        // Known also when something is wrong, so that whoever uses them is not called wrong too.
        for name in ["r", "f", "m"] {
            scope.add(name, Kind::Int);
        }
        scope.add("rfm", Kind::Text);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Scores { dimensions, over: over.map(|typed| typed.expr), bins: rfm.bins, ties: rfm.ties })
    }

    /// The frame with the columns `r`, `f`, `m` (whole numbers) and `rfm` (text such as `545`).
    ///
    /// Three steps, because the engine plans a window function only as a column of its own: who is
    /// scored, where they stand, which score that is.
    pub fn plan(&self, frame: DataFrame) -> Result<DataFrame, DataFusionError> {
        let before: Vec<Expr> = frame.schema().fields().iter().map(|field| ident(field.name())).collect();
        let scored = |name: &str| format!("{name} scored");
        let flags = self.dimensions.iter().map(|(name, value, _)| {
            let present = value.clone().is_not_null();
            let scores = match &self.over {
                Some(over) => over.clone().is_true().and(present),
                None => present,
            };
            scores.alias(scored(name))
        });
        let frame = with_columns(frame, flags.collect())?;
        let mut places = Vec::new();
        for (name, value, thresholds) in &self.dimensions {
            if thresholds.is_empty() {
                places.extend(self.places(name, value, ident(scored(name)))?);
            }
        }
        let frame = with_columns(frame, places)?;
        let mut columns = before;
        for (name, value, thresholds) in &self.dimensions {
            let score = if thresholds.is_empty() { self.quantile(name) } else { bounds(value, thresholds)? };
            let nobody = lit(ScalarValue::Int64(None));
            let score = when(ident(scored(name)), cast(score, DataType::Int64)).otherwise(nobody)?;
            columns.push(score.alias(*name));
        }
        let frame = frame.select(columns)?;
        let digits = || ["r", "f", "m"].map(|name| cast(ident(name), DataType::Utf8)).to_vec();
        let all = ident("r").is_not_null().and(ident("f").is_not_null()).and(ident("m").is_not_null());
        let text = when(all, concat(digits())).otherwise(lit(ScalarValue::Utf8(None)))?;
        with_columns(frame, vec![text.alias("rfm")])
    }

    /// Where users stand among the scored: their bin, or how many are strictly below and how many there are.
    fn places(&self, name: &str, value: &Expr, scored: Expr) -> Result<Vec<Expr>, DataFusionError> {
        let ascending = value.clone().sort(true, false);
        match self.ties {
            Ties::Split => {
                let bin = ntile(lit(i64::from(self.bins)))
                    .partition_by(vec![scored])
                    .order_by(vec![ascending, ident("user_id").sort(true, false)])
                    .build()?;
                Ok(vec![bin.alias(format!("{name} bin"))])
            }
            Ties::Share => {
                let rank = rank().partition_by(vec![scored.clone()]).order_by(vec![ascending]).build()?;
                let count = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(count_udaf()), vec![lit(1_i64)]);
                let all = Expr::from(count).partition_by(vec![scored]).build()?;
                Ok(vec![rank.alias(format!("{name} rank")), all.alias(format!("{name} all"))])
            }
        }
    }

    fn quantile(&self, name: &str) -> Expr {
        match self.ties {
            Ties::Split => ident(format!("{name} bin")),
            Ties::Share => {
                let below = cast(ident(format!("{name} rank")), DataType::Int64) - lit(1_i64);
                // Whole numbers throughout: integer division is the floor that the rule asks for.
                lit(1_i64) + lit(i64::from(self.bins)) * below / ident(format!("{name} all"))
            }
        }
    }
}

fn value(dimension: &Dimension, scope: &Scope) -> Result<Expr, Problem> {
    let name = &dimension.of.name;
    let Some((kind, expr)) = scope.find(name, true) else {
        let hint = scope.hint(name);
        return Err(Problem {
            message: format!("no feature or attribute `{name}`"),
            place: dimension.of.place.clone(),
            hint,
        });
    };
    let fits = if dimension.thresholds.is_empty() { kind.is_number() || kind.is_temporal() } else { kind.is_number() };
    if fits || kind == Kind::Null {
        return Ok(expr);
    }
    let hint = (!dimension.thresholds.is_empty() && kind.is_temporal())
        .then(|| "thresholds are numbers; leave them out, or score a number of days".to_owned());
    let message = format!("`{name}` cannot be scored: it is {}", kind.noun());
    Err(Problem { message, place: dimension.of.place.clone(), hint })
}

fn bounds(value: &Expr, thresholds: &[f64]) -> Result<Expr, DataFusionError> {
    thresholds.iter().try_fold(lit(1_i64), |score, bound| {
        let reached = when(value.clone().gt_eq(lit(*bound)), lit(1_i64)).otherwise(lit(0_i64))?;
        Ok(score + reached)
    })
}
