//! The functions that an expression may call, and how many arguments of which kind they take.

use datafusion::arrow::datatypes::DataType;
use datafusion::functions::{core, math, string, unicode};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, cast, lit, not, when};
use datafusion::scalar::ScalarValue;

use super::expression::Typed;
use super::scope::Kind;

/// Names of all functions, for suggestions.
pub const NAMES: [&str; 20] = [
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "contains",
    "days_since",
    "days_until",
    "ends_with",
    "floor",
    "greatest",
    "least",
    "length",
    "ln",
    "lower",
    "nullif",
    "power",
    "round",
    "sqrt",
    "starts_with",
    "upper",
];

/// Calls a function; the error is a sentence about its arguments, `None` when there is no such function.
///
/// `days_since` and `days_until` are macros, expanded where the calendar is known.
pub fn call(name: &str, arguments: Vec<Typed>) -> Option<Result<Typed, String>> {
    let result = match name {
        "abs" => numbers(name, arguments, 1, |mut a| math::expr_fn::abs(a.remove(0))).map(same_kind),
        "round" => round(arguments),
        "floor" => numbers(name, arguments, 1, |mut a| math::expr_fn::floor(a.remove(0))).map(float),
        "ceil" => numbers(name, arguments, 1, |mut a| math::expr_fn::ceil(a.remove(0))).map(float),
        "ln" => numbers(name, arguments, 1, |mut a| {
            let x = decimal(a.remove(0));
            math::expr_fn::ln(only(x.clone().gt(lit(0.0)), x))
        })
        .map(float),
        "sqrt" => numbers(name, arguments, 1, |mut a| {
            let x = decimal(a.remove(0));
            math::expr_fn::sqrt(only(x.clone().gt_eq(lit(0.0)), x))
        })
        .map(float),
        "power" => numbers(name, arguments, 2, |mut a| {
            let base = decimal(a.remove(0));
            let power = math::expr_fn::power(base, decimal(a.remove(0)));
            only(not(math::expr_fn::isnan(power.clone())), power)
        })
        .map(float),
        "lower" => texts(name, arguments, 1, Kind::Text, |mut a| string::expr_fn::lower(a.remove(0))),
        "upper" => texts(name, arguments, 1, Kind::Text, |mut a| string::expr_fn::upper(a.remove(0))),
        "length" => texts(name, arguments, 1, Kind::Int, |mut a| unicode::expr_fn::character_length(a.remove(0))),
        "concat" => texts(name, arguments, 2, Kind::Text, string::expr_fn::concat),
        "starts_with" => texts(name, arguments, 2, Kind::Bool, |mut a| {
            let text = a.remove(0);
            string::expr_fn::starts_with(text, a.remove(0))
        }),
        "ends_with" => texts(name, arguments, 2, Kind::Bool, |mut a| {
            let text = a.remove(0);
            string::expr_fn::ends_with(text, a.remove(0))
        }),
        "contains" => texts(name, arguments, 2, Kind::Bool, |mut a| {
            let text = a.remove(0);
            string::expr_fn::contains(text, a.remove(0))
        }),
        "coalesce" => alike(name, arguments, core::expr_fn::coalesce),
        "greatest" => alike(name, arguments, core::expr_fn::greatest),
        "least" => alike(name, arguments, core::expr_fn::least),
        "nullif" => nullif(arguments),
        _ => return None,
    };
    Some(result)
}

fn expect(name: &str, given: usize, wanted: usize) -> Result<(), String> {
    if given == wanted {
        return Ok(());
    }
    let noun = if wanted == 1 { "value" } else { "values" };
    Err(format!("`{name}` takes {wanted} {noun}, not {given}"))
}

fn numbers(
    name: &str,
    arguments: Vec<Typed>,
    count: usize,
    build: impl FnOnce(Vec<Expr>) -> Expr,
) -> Result<Typed, String> {
    expect(name, arguments.len(), count)?;
    if let Some(odd) = arguments.iter().find(|a| !a.kind.is_number() && a.kind != Kind::Null) {
        return Err(format!("`{name}` takes a number, not {}", odd.kind.noun()));
    }
    let kind = if arguments.iter().all(|a| a.kind == Kind::Int) { Kind::Int } else { Kind::Float };
    Ok(Typed { expr: build(arguments.into_iter().map(|a| a.expr).collect()), kind })
}

fn same_kind(typed: Typed) -> Typed {
    typed
}

fn float(typed: Typed) -> Typed {
    Typed { kind: Kind::Float, ..typed }
}

fn decimal(value: Expr) -> Expr {
    cast(value, DataType::Float64)
}

/// A number where a condition holds, and NULL elsewhere: the root of -1 fails no run, and is not the engine's
/// NaN, which is larger than any number.
fn only(condition: Expr, value: Expr) -> Expr {
    let branch = (Box::new(condition), Box::new(value));
    Expr::Case(Case { expr: None, when_then_expr: vec![branch], else_expr: None })
}

fn round(mut arguments: Vec<Typed>) -> Result<Typed, String> {
    match arguments.len() {
        1 => numbers("round", arguments, 1, |mut a| math::expr_fn::round(vec![a.remove(0)])).map(float),
        2 => {
            let digits = arguments.remove(1);
            if digits.kind != Kind::Int {
                return Err("`round` takes a whole number of decimals".to_owned());
            }
            numbers("round", arguments, 1, |mut a| math::expr_fn::round(vec![a.remove(0), digits.expr])).map(float)
        }
        other => Err(format!("`round` takes a number and perhaps a number of decimals, not {other} values")),
    }
}

fn texts(
    name: &str,
    arguments: Vec<Typed>,
    count: usize,
    result: Kind,
    build: impl FnOnce(Vec<Expr>) -> Expr,
) -> Result<Typed, String> {
    if name != "concat" {
        expect(name, arguments.len(), count)?;
    }
    if let Some(odd) = arguments.iter().find(|a| a.kind != Kind::Text && a.kind != Kind::Null) {
        return Err(format!("`{name}` takes a text, not {}", odd.kind.noun()));
    }
    Ok(Typed { expr: build(arguments.into_iter().map(|a| a.expr).collect()), kind: result })
}

fn alike(name: &str, arguments: Vec<Typed>, build: impl FnOnce(Vec<Expr>) -> Expr) -> Result<Typed, String> {
    let kind = common_kind(&arguments).ok_or_else(|| format!("the values of `{name}` must be of one kind"))?;
    if arguments.is_empty() {
        return Err(format!("`{name}` takes at least one value"));
    }
    Ok(Typed { expr: build(arguments.into_iter().map(|a| a.expr).collect()), kind })
}

fn nullif(mut arguments: Vec<Typed>) -> Result<Typed, String> {
    expect("nullif", arguments.len(), 2)?;
    common_kind(&arguments).ok_or("the values of `nullif` must be of one kind")?;
    let other = arguments.remove(1);
    let value = arguments.remove(0);
    // Spelled out, because the engine's own nullif refuses to compare a whole number with a decimal one.
    let expr = when(value.expr.clone().eq(other.expr), lit(ScalarValue::Null))
        .otherwise(value.expr)
        .map_err(|error| error.to_string())?;
    Ok(Typed { expr, kind: value.kind })
}

/// The kind that all values share; whole and decimal numbers are numbers, NULL fits anywhere.
pub fn common_kind(values: &[Typed]) -> Option<Kind> {
    values.iter().map(|value| value.kind).try_fold(Kind::Null, |a, b| match (a, b) {
        (Kind::Null, kind) | (kind, Kind::Null) => Some(kind),
        (a, b) if a == b => Some(a),
        (a, b) if a.is_number() && b.is_number() => Some(Kind::Float),
        (_, _) => None,
    })
}
