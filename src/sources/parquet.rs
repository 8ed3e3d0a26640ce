//! Parquet files: read by the engine in place, their columns cast to the tables' types.

use chrono_tz::Tz;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, ident, lit, try_cast};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use datafusion::scalar::ScalarValue;

use super::cell::{ColumnType, instant_type};
use super::error::SourceError;
use super::faults::Faults;
use super::files::SourceFile;
use super::mapping::{Layout, Origin};
use crate::project::model::Column;

/// Opens files of one source.
pub async fn open(context: &SessionContext, files: &[SourceFile]) -> Result<DataFrame, SourceError> {
    let paths: Vec<String> = files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect();
    let unreadable = |error: DataFusionError| SourceError::Header {
        file: files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", "),
        why: format!("it cannot be read as Parquet: {}", error.strip_backtrace()),
    };
    context.read_parquet(paths, ParquetReadOptions::default()).await.map_err(unreadable)
}

/// The names of the columns.
pub fn header(frame: &DataFrame) -> Vec<String> {
    frame.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// The columns that have no meaning, with their types; nested columns are left out.
pub fn infer(frame: &DataFrame, mapped: &[Column], reserved: &[&str]) -> Vec<(String, ColumnType)> {
    frame
        .schema()
        .fields()
        .iter()
        .filter(|field| !mapped.iter().any(|column| column.name == *field.name()))
        .filter(|field| !reserved.contains(&field.name().as_str()))
        .filter_map(|field| Some((field.name().clone(), kind(field.data_type())?)))
        .collect()
}

fn kind(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        DataType::Boolean => Some(ColumnType::Bool),
        other if other.is_integer() => Some(ColumnType::Int),
        other if other.is_numeric() => Some(ColumnType::Float),
        DataType::Date32 | DataType::Date64 => Some(ColumnType::Date),
        DataType::Timestamp(..) => Some(ColumnType::Time),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnType::Text),
        DataType::Dictionary(_, values) => kind(values),
        _ => None,
    }
}

/// The table's columns out of the files', and what of their rows cannot be used: those without a required
/// column, and those with a text that is none of what its column holds.
///
/// Counting costs nothing where the files' own statistics say it all, and a pass over the one column otherwise.
pub async fn mapped(
    frame: DataFrame,
    layout: &Layout,
    pattern: &str,
    zone: Tz,
) -> Result<(DataFrame, Faults), SourceError> {
    let mut columns = Vec::new();
    let mut counted = vec![count(lit(1)).alias("rows")];
    let mut kinds = Vec::new();
    let mut usable = Vec::new();
    for column in &layout.columns {
        let nothing = || cast(lit(ScalarValue::Null), column.kind.data_type());
        let value = match &column.origin {
            None => nothing(),
            Some(Origin::Constant(text)) => lit(text.as_str()),
            Some(Origin::Column(name)) => match frame.schema().field_with_unqualified_name(name) {
                Err(_) => nothing(),
                Ok(field) => {
                    let value = value(name, field.data_type(), column.kind, zone);
                    let doubtful = column.kind != ColumnType::Text && kind(field.data_type()) != Some(column.kind);
                    if column.required {
                        kinds.push((format!("no `{name}`"), count(ident(name)), None));
                        usable.push(ident(name).is_not_null());
                    }
                    if doubtful {
                        let wrong = format!("`{name}` is not {}", column.kind.noun());
                        kinds.push((wrong, count(value.clone()), Some(count(ident(name)))));
                        usable.push(value.clone().is_not_null().or(ident(name).is_null()));
                    }
                    value
                }
            },
        };
        columns.push(value.alias(&column.name));
    }
    for (index, (_, present, of)) in kinds.iter().enumerate() {
        counted.push(present.clone().alias(format!("present {index}")));
        counted.extend(of.clone().map(|of| of.alias(format!("of {index}"))));
    }
    let found = frame.clone().aggregate(vec![], counted)?.collect().await?;
    let number = |name: &str| {
        let column = found.first().and_then(|batch| batch.column_by_name(name));
        column.map_or(0, |column| column.as_primitive::<Int64Type>().value(0)).max(0) as u64
    };
    let rows = number("rows");
    let mut faults = Faults::default();
    for (index, (kind, _, of)) in kinds.iter().enumerate() {
        let of = if of.is_some() { number(&format!("of {index}")) } else { rows };
        let missing = of.saturating_sub(number(&format!("present {index}")));
        if missing > 0 {
            faults.add_many(kind, pattern.to_owned(), missing);
        }
    }
    faults.good = rows.saturating_sub(faults.bad);
    let usable = usable.into_iter().reduce(Expr::and);
    let frame = usable.map_or(Ok(frame.clone()), |usable| frame.filter(usable))?;
    Ok((frame.select(columns)?, faults))
}

/// A column's value in the table's type; NULL where it does not fit.
fn value(name: &str, from: &DataType, to: ColumnType, zone: Tz) -> Expr {
    match (from, to) {
        (DataType::Timestamp(_, Some(_)), ColumnType::Time) => cast(ident(name), instant_type()),
        (_, ColumnType::Time) => {
            // A time without zone is one of the project's zone.
            let local = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.name().into()));
            cast(try_cast(ident(name), local), instant_type())
        }
        (_, _) => try_cast(ident(name), to.data_type()),
    }
}
