//! Rows of the evaluation as people: contacts, and the values kept as JSON for templates and conditions.

use datafusion::arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, take_record_batch};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{LineDelimited, WriterBuilder};

use crate::store::enrollments::Person;

/// Columns that have a place of their own in an enrollment, or no business in a template.
const APART: [&str; 2] = ["email", "phone"];

/// A text column by name; all NULL where the evaluation has none.
pub fn text(batch: &RecordBatch, name: &str) -> Result<StringArray, ArrowError> {
    match batch.column_by_name(name) {
        Some(column) => Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()),
        None => Ok(StringArray::new_null(batch.num_rows())),
    }
}

/// A condition column by name; all NULL where the evaluation has none.
pub fn condition(batch: &RecordBatch, name: &str) -> Result<BooleanArray, ArrowError> {
    match batch.column_by_name(name) {
        Some(column) => Ok(cast(column, &DataType::Boolean)?.as_boolean().clone()),
        None => Ok(BooleanArray::new_null(batch.num_rows())),
    }
}

/// A cell of a text column.
pub fn cell(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// The people in the given rows, in that order.
pub fn people(batch: &RecordBatch, rows: &[u32]) -> Result<Vec<Person>, ArrowError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = take_record_batch(batch, &datafusion::arrow::array::UInt32Array::from(rows.to_vec()))?;
    let kept: Vec<usize> = chosen
        .schema()
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| !APART.contains(&field.name().as_str()) && !field.name().contains(' '))
        .map(|(index, _)| index)
        .collect();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&chosen.project(&kept)?)?;
    writer.finish()?;
    let json = String::from_utf8(writer.into_inner()).map_err(|error| ArrowError::JsonError(error.to_string()))?;
    let (email, phone) = (text(&chosen, "email")?, text(&chosen, "phone")?);
    let (name, locale) = (text(&chosen, "name")?, text(&chosen, "locale")?);
    let owned = |column: &StringArray, row| cell(column, row).map(str::to_owned);
    Ok(json
        .lines()
        .enumerate()
        .map(|(row, line)| Person {
            email: owned(&email, row),
            phone: owned(&phone, row),
            name: owned(&name, row),
            locale: owned(&locale, row),
            profile: line.to_owned(),
        })
        .collect())
}
