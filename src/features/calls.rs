//! The parts of an expression that take others as arguments: `CASE`, function calls, counts of days.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, lit, when};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::expression::{Typed, Walk};
use super::functions::{self, common_kind};
use super::scope::Kind;
use crate::project::problems::nearest;

impl Walk<'_> {
    pub(super) fn case(
        &mut self,
        branches: &[ast::CaseWhen],
        other: Option<&ast::Expr>,
        node: &ast::Expr,
    ) -> Option<Typed> {
        let mut arms = Vec::new();
        for branch in branches {
            arms.push((self.condition(&branch.condition), self.node(&branch.result)));
        }
        let other = match other {
            Some(other) => self.node(other)?,
            None => Typed { expr: lit(ScalarValue::Null), kind: Kind::Null },
        };
        let arms: Vec<(Expr, Typed)> = arms.into_iter().map(|(a, b)| Some((a?, b?))).collect::<Option<_>>()?;
        let results: Vec<Typed> = arms.iter().map(|(_, value)| value.clone()).chain([other.clone()]).collect();
        let Some(kind) = common_kind(&results) else {
            self.problem(node.span(), "the results of CASE must be of one kind", None);
            return None;
        };
        // Whole and decimal numbers together are decimal; the engine wants them so from the start.
        let alike = |value: Typed| match (kind, value.kind) {
            (Kind::Float, Kind::Int) => cast(value.expr, DataType::Float64),
            (_, _) => value.expr,
        };
        let mut arms = arms.into_iter();
        let (condition, value) = arms.next()?;
        let mut built = when(condition, alike(value));
        for (condition, value) in arms {
            built = built.when(condition, alike(value));
        }
        Some(Typed { expr: built.otherwise(alike(other)).ok()?, kind })
    }

    pub(super) fn function(&mut self, function: &ast::Function, node: &ast::Expr) -> Option<Typed> {
        let name = function.name.to_string().to_ascii_lowercase();
        let plain = function.filter.is_none()
            && function.over.is_none()
            && function.within_group.is_empty()
            && function.null_treatment.is_none()
            && matches!(function.parameters, FunctionArguments::None);
        let arguments = match &function.args {
            FunctionArguments::List(list) if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() => {
                list.args.as_slice()
            }
            FunctionArguments::List(_) | FunctionArguments::None | FunctionArguments::Subquery(_) => {
                self.problem(node.span(), "aggregates and windows are not allowed here", None);
                return None;
            }
        };
        let mut values = Vec::new();
        for argument in arguments {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => values.push((self.node(expr), expr)),
                _ => {
                    self.problem(node.span(), format!("`{name}` takes plain values"), None);
                    return None;
                }
            }
        }
        if matches!(name.as_str(), "days_since" | "days_until") {
            return self.days(&name, values, node);
        }
        let values: Vec<Typed> = values.into_iter().map(|(value, _)| value).collect::<Option<_>>()?;
        match functions::call(&name, values) {
            Some(Ok(typed)) => Some(typed),
            Some(Err(message)) => {
                self.problem(node.span(), message, None);
                None
            }
            None => {
                let hint = nearest(&name, functions::NAMES).map(|near| format!("did you mean `{near}`?"));
                self.problem(function.name.span(), format!("no function `{name}`"), hint);
                None
            }
        }
    }

    /// A call of a function of one argument that the grammar does not give as a call.
    pub(super) fn named(&mut self, name: &str, argument: &ast::Expr, node: &ast::Expr) -> Option<Typed> {
        let value = self.node(argument)?;
        match functions::call(name, vec![value])? {
            Ok(typed) => Some(typed),
            Err(message) => {
                self.problem(node.span(), message, None);
                None
            }
        }
    }

    fn days(&mut self, name: &str, mut values: Vec<(Option<Typed>, &ast::Expr)>, node: &ast::Expr) -> Option<Typed> {
        if values.len() != 1 {
            self.problem(node.span(), format!("`{name}` takes one time or date"), None);
            return None;
        }
        let (value, at) = values.remove(0);
        let value = value?;
        let calendar = self.scope.calendar;
        let date = match value.kind {
            Kind::Date | Kind::Null => value.expr,
            Kind::Time => calendar.date_of(value.expr),
            Kind::Text => {
                let typed = self.as_temporal(value, calendar.zone, at)?;
                if typed.kind == Kind::Time { calendar.date_of(typed.expr) } else { typed.expr }
            }
            Kind::Bool | Kind::Int | Kind::Float => {
                let message = format!("`{name}` takes a time or date, but this is {}", value.kind.noun());
                self.problem(at.span(), message, None);
                return None;
            }
        };
        let days = calendar.days_since(date);
        Some(Typed { expr: if name == "days_since" { days } else { -days }, kind: Kind::Int })
    }
}
