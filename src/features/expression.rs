//! From the grammar tree of an expression to a typed expression of the engine.
//!
//! The tree is walked over an allow-list: columns in scope, literals, comparison, logic, arithmetic,
//! `IN`, `BETWEEN`, `LIKE`, `IS NULL`, `CASE` and the functions of `functions.rs`. Everything else
//! (subqueries, aggregates, windows, casts) is refused where it stands. Text never becomes SQL again.

use chrono_tz::Tz;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, lit, not, when};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{self, BinaryOperator, Spanned, UnaryOperator, Value};

use super::calendar::day;
use super::functions::common_kind;
use super::scope::{Kind, Scope};
use crate::project::model::Expression;
use crate::project::problems::{Problem, did_you_mean};
use crate::sources::catalog::instant;
use crate::sources::cell;

/// An expression of the engine, and the kind of its value.
#[derive(Debug, Clone)]
pub struct Typed {
    /// The expression.
    pub expr: Expr,
    /// Its kind.
    pub kind: Kind,
}

/// Translates an expression; `want` is the kind it must have (NULL fits any).
pub fn compile(expression: &Expression, scope: &Scope, want: Option<Kind>) -> Result<Typed, Vec<Problem>> {
    let mut walk = Walk { expression, scope, problems: Vec::new() };
    let typed = walk.node(&expression.ast);
    if let (Some(typed), Some(want)) = (&typed, want)
        && typed.kind != want
        && typed.kind != Kind::Null
    {
        let message = format!("this must be {}, but it is {}", want.noun(), typed.kind.noun());
        walk.problem(expression.ast.span(), message, None);
    }
    if typed.is_none() && walk.problems.is_empty() {
        // The engine found fault with what the rules above let through.
        walk.problem(expression.ast.span(), "the kinds of these values do not fit together", None);
    }
    match typed {
        Some(typed) if walk.problems.is_empty() => Ok(typed),
        Some(_) | None => Err(walk.problems),
    }
}

pub(super) struct Walk<'a> {
    expression: &'a Expression,
    pub(super) scope: &'a Scope,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    pub(super) fn problem(
        &mut self,
        span: sqlparser::tokenizer::Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = self.expression.locate(span);
        self.problems.push(Problem { message: message.into(), place, hint });
    }

    /// Both sides are walked even when one is wrong, so that all problems are found at once.
    pub(super) fn node(&mut self, node: &ast::Expr) -> Option<Typed> {
        match node {
            ast::Expr::Nested(inner) => self.node(inner),
            ast::Expr::Identifier(name) => self.name(name),
            ast::Expr::Value(value) => self.literal(&value.value, node),
            ast::Expr::TypedString(typed) => {
                let text = typed.value.value.clone().into_string();
                match text.as_deref().and_then(|text| temporal(text, self.scope.calendar.zone)) {
                    Some(typed) => Some(typed),
                    None => {
                        self.problem(node.span(), "this is no date", Some("write it as '2026-11-30'".to_owned()));
                        None
                    }
                }
            }
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            ast::Expr::BinaryOp { left, op, right } => self.binary(left, op, right, node),
            ast::Expr::IsNull(inner) => self.node(inner).map(|value| boolean(value.expr.is_null())),
            ast::Expr::IsNotNull(inner) => self.node(inner).map(|value| boolean(value.expr.is_not_null())),
            ast::Expr::IsTrue(inner) => self.condition(inner).map(|value| boolean(value.is_true())),
            ast::Expr::IsNotTrue(inner) => self.condition(inner).map(|value| boolean(value.is_not_true())),
            ast::Expr::IsFalse(inner) => self.condition(inner).map(|value| boolean(value.is_false())),
            ast::Expr::IsNotFalse(inner) => self.condition(inner).map(|value| boolean(value.is_not_false())),
            ast::Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            ast::Expr::Between { expr, negated, low, high } => {
                let (value, low_value, high_value) = (self.node(expr), self.node(low), self.node(high));
                let (low, low_right) = self.pair(value.clone()?, low_value?, low)?;
                let (high, high_right) = self.pair(value?, high_value?, high)?;
                let inside = low.gt_eq(low_right).and(high.lt_eq(high_right));
                Some(boolean(if *negated { not(inside) } else { inside }))
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(*negated, expr, pattern, false)
            }
            ast::Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(*negated, expr, pattern, true)
            }
            ast::Expr::Case { operand: None, conditions, else_result, .. } => {
                self.case(conditions, else_result.as_deref(), node)
            }
            ast::Expr::Function(function) => self.function(function, node),
            // The grammar has a form of its own for these two.
            ast::Expr::Floor { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.named("floor", expr, node)
            }
            ast::Expr::Ceil { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.named("ceil", expr, node)
            }
            ast::Expr::CompoundIdentifier(_) => {
                let hint = Some("names here have one part".to_owned());
                self.problem(node.span(), "a name with a dot is not known here", hint);
                None
            }
            ast::Expr::Interval(_) => {
                let hint = Some("compare `days_since(…)` with a number of days".to_owned());
                self.problem(node.span(), "INTERVAL is not part of the language", hint);
                None
            }
            ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
                self.problem(node.span(), "a subquery is not allowed here", None);
                None
            }
            // The grammar knows far more than the language; what is not above is refused.
            _ => {
                self.problem(node.span(), "this is not part of the language", None);
                None
            }
        }
    }

    pub(super) fn condition(&mut self, node: &ast::Expr) -> Option<Expr> {
        let typed = self.node(node)?;
        if matches!(typed.kind, Kind::Bool | Kind::Null) {
            return Some(typed.expr);
        }
        let message = format!("this must be a condition, but it is {}", typed.kind.noun());
        self.problem(node.span(), message, None);
        None
    }

    fn name(&mut self, name: &ast::Ident) -> Option<Typed> {
        if let Some((kind, expr)) = self.scope.find(&name.value, name.quote_style.is_some()) {
            return Some(Typed { expr, kind });
        }
        let hint = self.scope.hint(&name.value);
        self.problem(name.span, format!("no feature or attribute `{}`", name.value), hint);
        None
    }

    fn literal(&mut self, value: &Value, node: &ast::Expr) -> Option<Typed> {
        match value {
            Value::Number(text, _) => {
                let whole = text.parse::<i64>().ok().map(|n| Typed { expr: lit(n), kind: Kind::Int });
                let number = whole.or_else(|| cell::number(text).map(|n| Typed { expr: lit(n), kind: Kind::Float }));
                if number.is_none() {
                    self.problem(node.span(), "this number is too large", None);
                }
                number
            }
            Value::SingleQuotedString(text) => Some(Typed { expr: lit(text.as_str()), kind: Kind::Text }),
            Value::Boolean(truth) => Some(boolean(lit(*truth))),
            Value::Null => Some(Typed { expr: lit(ScalarValue::Null), kind: Kind::Null }),
            _ => {
                self.problem(
                    node.span(),
                    "this literal is not part of the language",
                    Some("write text as 'text'".into()),
                );
                None
            }
        }
    }

    fn unary(&mut self, op: UnaryOperator, inner: &ast::Expr) -> Option<Typed> {
        match op {
            UnaryOperator::Not => self.condition(inner).map(|value| boolean(not(value))),
            UnaryOperator::Minus | UnaryOperator::Plus => {
                let value = self.node(inner)?;
                if !value.kind.is_number() && value.kind != Kind::Null {
                    self.problem(inner.span(), format!("this must be a number, but it is {}", value.kind.noun()), None);
                    return None;
                }
                let negative = op == UnaryOperator::Minus;
                Some(Typed { expr: if negative { -value.expr } else { value.expr }, kind: value.kind })
            }
            _ => {
                self.problem(inner.span(), format!("the operator {op} is not part of the language"), None);
                None
            }
        }
    }

    fn binary(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr, node: &ast::Expr) -> Option<Typed> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let (a, b) = (self.condition(left), self.condition(right));
                let (a, b) = (a?, b?);
                Some(boolean(if *op == BinaryOperator::And { a.and(b) } else { a.or(b) }))
            }
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                let (a, b) = (self.node(left), self.node(right));
                let (a, b) = self.pair(a?, b?, right)?;
                self.check_state(left, right);
                self.check_state(right, left);
                Some(boolean(match op {
                    BinaryOperator::Eq => a.eq(b),
                    BinaryOperator::NotEq => a.not_eq(b),
                    BinaryOperator::Lt => a.lt(b),
                    BinaryOperator::LtEq => a.lt_eq(b),
                    BinaryOperator::Gt => a.gt(b),
                    _ => a.gt_eq(b),
                }))
            }
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => self.arithmetic(left, op, right),
            _ => {
                self.problem(node.span(), format!("the operator {op} is not part of the language"), None);
                None
            }
        }
    }

    fn arithmetic(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Option<Typed> {
        let (a, b) = (self.node(left), self.node(right));
        let (a, b) = (a?, b?);
        for (value, side) in [(&a, left), (&b, right)] {
            if !value.kind.is_number() && value.kind != Kind::Null {
                let hint = value.kind.is_temporal().then(|| "use `days_since(…)` to count days".to_owned());
                let message = format!("this must be a number, but it is {}", value.kind.noun());
                self.problem(side.span(), message, hint);
                return None;
            }
        }
        let kind = if a.kind == Kind::Int && b.kind == Kind::Int { Kind::Int } else { Kind::Float };
        Some(match op {
            BinaryOperator::Plus => Typed { expr: a.expr + b.expr, kind },
            BinaryOperator::Minus => Typed { expr: a.expr - b.expr, kind },
            BinaryOperator::Multiply => Typed { expr: a.expr * b.expr, kind },
            // By zero it is NULL: a run does not fail on one user without orders.
            BinaryOperator::Modulo => {
                let zero = b.expr.clone().eq(lit(0_i64));
                let rest = a.expr % when(zero, lit(ScalarValue::Null)).otherwise(b.expr).ok()?;
                Typed { expr: rest, kind }
            }
            // The same, and exact: a marketer's 3 / 2 is 1.5.
            _ => {
                let zero = b.expr.clone().eq(lit(0.0));
                let divisor =
                    when(zero, lit(ScalarValue::Float64(None))).otherwise(cast(b.expr, DataType::Float64)).ok()?;
                Typed { expr: cast(a.expr, DataType::Float64) / divisor, kind: Kind::Float }
            }
        })
    }

    /// Two values brought to one kind, so that they can be compared.
    fn pair(&mut self, left: Typed, right: Typed, at: &ast::Expr) -> Option<(Expr, Expr)> {
        let zone = self.scope.calendar.zone;
        let (left, right) = match (left.kind, right.kind) {
            (a, Kind::Text) if a.is_temporal() => (left, self.as_temporal(right, zone, at)?),
            (Kind::Text, b) if b.is_temporal() => (self.as_temporal(left, zone, at)?, right),
            (_, _) => (left, right),
        };
        match (left.kind, right.kind) {
            // A day compared with an instant compares days: that is what a date in a condition means.
            (Kind::Time, Kind::Date) => Some((self.scope.calendar.date_of(left.expr), right.expr)),
            (Kind::Date, Kind::Time) => Some((left.expr, self.scope.calendar.date_of(right.expr))),
            (a, b) if common_kind(&[left.clone(), right.clone()]).is_none() => {
                let message = format!("{} cannot be compared with {}", a.noun(), b.noun());
                self.problem(at.span(), message, None);
                None
            }
            (_, _) => Some((left.expr, right.expr)),
        }
    }

    /// A text literal beside a date or time is read as one.
    pub(super) fn as_temporal(&mut self, value: Typed, zone: Tz, at: &ast::Expr) -> Option<Typed> {
        let text = match &value.expr {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.as_str()),
            _ => None,
        };
        let found = text.and_then(|text| temporal(text, zone));
        if found.is_none() {
            let hint = Some("write it as '2026-11-30' or '2026-11-30 09:00'".to_owned());
            self.problem(at.span(), "this must be a date or a time", hint);
        }
        found
    }

    /// A state that no rule gives would never match, and part of an audience would silently be missing.
    fn check_state(&mut self, name: &ast::Expr, literal: &ast::Expr) {
        let (ast::Expr::Identifier(name), ast::Expr::Value(value)) = (name, literal) else { return };
        let (Some(states), Value::SingleQuotedString(text)) = (self.scope.states_of(&name.value), &value.value) else {
            return;
        };
        if !states.contains(text) {
            let hint = did_you_mean(text, states.iter().map(String::as_str))
                .unwrap_or_else(|| format!("the states are {}", states.join(", ")));
            self.problem(literal.span(), format!("no lifecycle state `{text}`"), Some(hint));
        }
    }

    fn in_list(&mut self, value: &ast::Expr, list: &[ast::Expr], negated: bool) -> Option<Typed> {
        let typed = self.node(value);
        let items: Vec<Option<Typed>> = list.iter().map(|item| self.node(item)).collect();
        let typed = typed?;
        let mut subject = typed.expr.clone();
        let mut values = Vec::with_capacity(items.len());
        for (item, at) in items.into_iter().zip(list) {
            let (left, right) = self.pair(typed.clone(), item?, at)?;
            self.check_state(value, at);
            subject = left;
            values.push(right);
        }
        Some(boolean(subject.in_list(values, negated)))
    }

    fn like(&mut self, negated: bool, value: &ast::Expr, pattern: &ast::Expr, any_case: bool) -> Option<Typed> {
        let (text, pattern_value) = (self.node(value), self.node(pattern));
        let (text, pattern_value) = (text?, pattern_value?);
        for (typed, at) in [(&text, value), (&pattern_value, pattern)] {
            if typed.kind != Kind::Text && typed.kind != Kind::Null {
                self.problem(at.span(), format!("LIKE needs a text, but this is {}", typed.kind.noun()), None);
                return None;
            }
        }
        Some(boolean(match (any_case, negated) {
            (false, false) => text.expr.like(pattern_value.expr),
            (false, true) => text.expr.not_like(pattern_value.expr),
            (true, false) => text.expr.ilike(pattern_value.expr),
            (true, true) => text.expr.not_ilike(pattern_value.expr),
        }))
    }
}

fn boolean(expr: Expr) -> Typed {
    Typed { expr, kind: Kind::Bool }
}

/// A date or time out of a text literal.
fn temporal(text: &str, zone: Tz) -> Option<Typed> {
    match cell::date(text) {
        Some(date) => Some(Typed { expr: day(date), kind: Kind::Date }),
        None => cell::instant(text, zone).map(|at| Typed { expr: instant(at), kind: Kind::Time }),
    }
}
