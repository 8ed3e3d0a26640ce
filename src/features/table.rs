//! The plan that gives every user their features: one aggregation over the events, joined to the users.

use datafusion::arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, JoinType, cast, ident};

use super::aggregates::{self, Built};
use super::calendar::Calendar;
use super::expression::compile;
use super::scope::{Kind, Scope};
use crate::project::model::{Feature, FeatureKind, Project};
use crate::project::problems::Problem;
use crate::sources::{Catalog, Facts};

/// The features of a project, translated and checked.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    aggregates: Vec<(String, Built)>,
    expressions: Vec<(String, Expr)>,
    columns: Vec<String>,
    /// Contacts, attributes and features.
    pub scope: Scope,
}

impl FeatureTable {
    /// Translates the features against the columns that the sources have; all problems at once.
    ///
    /// The scope knows also the features that are wrong, as NULL, which fits anywhere.
    pub fn translate(project: &Project, catalog: &Catalog, calendar: Calendar) -> (FeatureTable, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut scope = Scope::new(calendar);
        let schema = catalog.user_schema();
        let mapped: Vec<&str> = catalog.mapped_user_columns().collect();
        for field in schema.fields().iter().filter(|field| mapped.contains(&field.name().as_str())) {
            if let Some(kind) = Kind::of(field.data_type()) {
                scope.add(field.name(), kind);
            }
        }
        for (file, here) in catalog.renamed_user_columns() {
            scope.add_renamed(file, here);
        }
        let events = aggregates::event_scope(catalog, calendar);
        let mut built = Vec::new();
        let mut waiting = Vec::new();
        for feature in &project.features {
            if schema.field_with_name(&feature.name).is_ok() {
                let message = format!("the feature `{}` has the name of a column of the users", feature.name);
                let hint = Some("give one of them another name".to_owned());
                problems.push(Problem { message, place: feature.place.clone(), hint });
                continue;
            }
            match &feature.kind {
                FeatureKind::Aggregate(aggregate) => match aggregates::build(aggregate, &events) {
                    Ok(one) => {
                        scope.add(&feature.name, one.kind);
                        built.push((feature.name.clone(), one));
                    }
                    Err(found) => {
                        problems.extend(found);
                        scope.add(&feature.name, Kind::Null);
                    }
                },
                FeatureKind::Expression(expression) => waiting.push((feature, expression)),
            }
        }
        let expressions = in_order(waiting, &mut scope, &mut problems);
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        (FeatureTable { aggregates: built, expressions, columns, scope }, problems)
    }

    /// Names of the features, aggregates first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.aggregates
            .iter()
            .map(|(name, _)| name.as_str())
            .chain(self.expressions.iter().map(|(name, _)| name.as_str()))
    }

    /// One row per user: contacts, attributes, features.
    pub fn plan(&self, facts: &Facts) -> Result<DataFrame, DataFusionError> {
        let mut frame = facts.users.clone();
        let mut columns: Vec<Expr> = self.columns.iter().map(ident).collect();
        if !self.aggregates.is_empty() {
            let aggregates = self.aggregates.iter().map(|(name, built)| built.expr.clone().alias(name)).collect();
            let per_user = facts.events.clone().aggregate(vec![ident("user_id").alias(EVENT_USER)], aggregates)?;
            frame = frame.join(per_user, JoinType::Left, &["user_id"], &[EVENT_USER], None)?;
            columns.extend(self.aggregates.iter().map(|(name, built)| {
                let value = match &built.empty {
                    Some(empty) => coalesce(vec![ident(name), empty.clone()]),
                    None => ident(name),
                };
                // Exact sums leave as ordinary numbers.
                let value = if built.kind == Kind::Float { cast(value, DataType::Float64) } else { value };
                value.alias(name)
            }));
        }
        frame = frame.select(columns)?;
        for (name, expr) in &self.expressions {
            frame = with_columns(frame, vec![expr.clone().alias(name)])?;
        }
        Ok(frame)
    }
}

/// The user's id on the events' side of the join; no attribute can have this name.
const EVENT_USER: &str = "event user";

/// A frame with further columns.
pub fn with_columns(frame: DataFrame, more: Vec<Expr>) -> Result<DataFrame, DataFusionError> {
    let mut columns: Vec<Expr> = frame.schema().fields().iter().map(|field| ident(field.name())).collect();
    columns.extend(more);
    frame.select(columns)
}

/// Expression features in an order in which each finds the ones it uses.
fn in_order(
    mut waiting: Vec<(&Feature, &crate::project::model::Expression)>,
    scope: &mut Scope,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Expr)> {
    let mut done = Vec::new();
    loop {
        let before = waiting.len();
        let mut still = Vec::new();
        let mut found = Vec::new();
        for (feature, expression) in waiting {
            match compile(expression, scope, None) {
                Ok(typed) => {
                    scope.add(&feature.name, typed.kind);
                    done.push((feature.name.clone(), typed.expr));
                }
                Err(wrong) => {
                    found.extend(wrong);
                    still.push((feature, expression));
                }
            }
        }
        if still.is_empty() {
            return done;
        }
        if still.len() == before {
            let circle = |problem: &Problem| {
                still
                    .iter()
                    .any(|(feature, _)| problem.message == format!("no feature or attribute `{}`", feature.name))
            };
            for mut problem in found {
                if circle(&problem) {
                    problem.hint = Some("these features refer to each other, or to one with a mistake".to_owned());
                }
                problems.push(problem);
            }
            for (feature, _) in still {
                scope.add(&feature.name, Kind::Null);
            }
            return done;
        }
        waiting = still;
    }
}
