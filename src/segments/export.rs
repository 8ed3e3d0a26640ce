//! The evaluated users as a CSV file: one row per user, in the order of their ids.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use datafusion::arrow::array::Array;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ident;
use futures::StreamExt;

use super::evaluation::{Evaluation, EvaluationError};
use crate::sources::Facts;
use crate::sources::faults::Faults;

/// Why users cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The file cannot be written.
    #[error("cannot write the export: {0}")]
    Io(#[from] io::Error),
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Users in the file.
    pub users: u64,
    /// Rows of the sources that could not be used, per source.
    pub faults: Vec<(String, Faults)>,
}

/// Writes the id, attributes, features, scores, lifecycle and segments of every user. The file appears
/// under its name only when it is complete; NULL is an empty cell, times are RFC 3339 in UTC.
pub async fn export(evaluation: &Evaluation, facts: &Facts, target: &Path) -> Result<Exported, ExportError> {
    let engine = |error: DataFusionError| ExportError::Evaluation(error.into());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".export-").tempfile_in(folder)?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file.reopen()?));
    let frame = evaluation.plan(facts).map_err(engine)?;
    let known = |name: &str| evaluation.scope.find(name, true).is_some() || name == "rfm";
    let columns: Vec<String> =
        frame.schema().fields().iter().map(|field| field.name().clone()).filter(|name| known(name)).collect();
    writer.write_record(&columns).map_err(as_io)?;
    let sorted = frame.select(columns.iter().map(ident)).and_then(|frame| frame.sort_by(vec![ident("user_id")]));
    let mut stream = sorted.map_err(engine)?.execute_stream().await.map_err(engine)?;
    let mut users = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine)?;
        users += write(&mut writer, batch.columns()).map_err(|error| match error {
            ArrowError::IoError(_, error) => ExportError::Io(error),
            other => engine(DataFusionError::ArrowError(Box::new(other), None)),
        })?;
    }
    let faults = facts.verify().map_err(EvaluationError::Source)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(Exported { users, faults })
}

fn write(writer: &mut csv::Writer<BufWriter<File>>, columns: &[std::sync::Arc<dyn Array>]) -> Result<u64, ArrowError> {
    let options = FormatOptions::default();
    let cells =
        columns.iter().map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<Vec<_>, _>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    for row in 0..rows {
        for cell in &cells {
            writer.write_field(cell.value(row).try_to_string()?).map_err(|error| wrap(as_io(error)))?;
        }
        writer.write_record(None::<&[u8]>).map_err(|error| wrap(as_io(error)))?;
    }
    Ok(rows as u64)
}

fn wrap(error: io::Error) -> ArrowError {
    ArrowError::IoError(error.to_string(), error)
}

fn as_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
