//! Parquet files: read by the engine in place, their columns cast to the tables' types.

use chrono_tz::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, cast, col, ident, lit, try_cast};
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use super::cell::{ColumnType, instant_type};
use super::error::SourceError;
use super::files::SourceFile;
use super::mapping::{Layout, Origin};
use crate::project::model::Column;

/// Opens files with one schema.
pub async fn open(context: &SessionContext, files: &[SourceFile]) -> Result<DataFrame, SourceError> {
    let paths: Vec<String> = files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect();
    Ok(context.read_parquet(paths, ParquetReadOptions::default()).await?)
}

/// The columns that have no meaning, with their types; nested columns are left out.
pub fn infer(frame: &DataFrame, mapped: &[&Column], reserved: &[&str]) -> Vec<(String, ColumnType)> {
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

/// The table's columns out of the files'; rows without a required column are left out.
pub fn mapped(
    frame: DataFrame,
    layout: &Layout,
    file: &str,
    named: &[&Column],
    zone: Tz,
) -> Result<DataFrame, SourceError> {
    let header: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    layout.resolve(file, &header, named)?;
    let types: Vec<(String, DataType)> =
        frame.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let columns: Vec<Expr> = layout
        .columns
        .iter()
        .map(|column| {
            let value = match &column.origin {
                None => cast(lit(datafusion::scalar::ScalarValue::Null), column.kind.data_type()),
                Some(Origin::Constant(text)) => lit(text.as_str()),
                Some(Origin::Column(name)) => match types.iter().find(|(known, _)| known == name) {
                    Some((_, DataType::Timestamp(_, Some(_)))) if column.kind == ColumnType::Time => {
                        cast(ident(name), instant_type())
                    }
                    Some(_) if column.kind == ColumnType::Time => {
                        // A time without zone is one of the project's zone.
                        let local = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.name().into()));
                        cast(try_cast(ident(name), local), instant_type())
                    }
                    Some(_) => try_cast(ident(name), column.kind.data_type()),
                    None => cast(lit(datafusion::scalar::ScalarValue::Null), column.kind.data_type()),
                },
            };
            value.alias(&column.name)
        })
        .collect();
    let mut frame = frame.select(columns)?;
    for column in layout.columns.iter().filter(|column| column.required) {
        frame = frame.filter(col(&column.name).is_not_null())?;
    }
    Ok(frame)
}
