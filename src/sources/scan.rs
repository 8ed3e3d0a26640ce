//! Text files as a stream of record batches: read on a blocking thread, typed row by row.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;

use super::cell::{ColumnBuilder, ColumnType};
use super::error::SourceError;
use super::faults::{Faults, SharedFaults};
use super::files::SourceFile;
use super::mapping::{Layout, Origin};
use super::rows::Rows;
use crate::project::model::Column;

/// Rows per batch: the engine's own default.
const BATCH: usize = 8192;

/// Rows that tell the columns of an NDJSON file.
pub const SAMPLE: usize = 10_000;

/// Some files of one source, read one after the other.
pub struct TextScan {
    /// The files.
    pub files: Vec<SourceFile>,
    /// How rows become rows of the table.
    pub layout: Layout,
    /// The table's schema.
    pub schema: SchemaRef,
    /// The columns that the YAML names.
    pub named: Vec<Column>,
    /// The zone of times without one.
    pub zone: Tz,
    /// Whether a second row of the same user is a fault: true for users.
    pub unique_users: bool,
    /// Where faults are counted.
    pub faults: SharedFaults,
}

impl fmt::Debug for TextScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextScan").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl PartitionStream for TextScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let out = stream.tx();
        let work = Work {
            layout: self.layout.clone(),
            schema: Arc::clone(&self.schema),
            named: self.named.clone(),
            zone: self.zone,
            unique_users: self.unique_users,
        };
        let (files, shared) = (self.files.clone(), self.faults.clone());
        stream.spawn_blocking(move || {
            let mut users = HashSet::new();
            for file in &files {
                let faults = work
                    .read(file, &mut users, |batch| out.blocking_send(Ok(batch)).is_ok())
                    .map_err(|error| DataFusionError::External(Box::new(error)))?;
                shared.set(&file.name, faults);
            }
            Ok(())
        });
        stream.build()
    }
}

struct Work {
    layout: Layout,
    schema: SchemaRef,
    named: Vec<Column>,
    zone: Tz,
    unique_users: bool,
}

impl Work {
    fn read(
        &self,
        file: &SourceFile,
        users: &mut HashSet<String>,
        mut emit: impl FnMut(RecordBatch) -> bool,
    ) -> Result<Faults, SourceError> {
        let mut rows = Rows::open(file, SAMPLE)?;
        let indexes = self.layout.resolve(&file.name, rows.columns(), &self.named)?;
        let mut builders: Vec<ColumnBuilder> =
            self.layout.columns.iter().map(|column| ColumnBuilder::new(column.kind, self.zone)).collect();
        let mut faults = Faults::default();
        let mut pending = 0;
        let mut broken = None;
        let finish = |builders: &mut Vec<ColumnBuilder>| {
            let arrays = builders.iter_mut().map(ColumnBuilder::finish).collect();
            RecordBatch::try_new(Arc::clone(&self.schema), arrays)
        };
        rows.for_each(|(line, cells)| {
            let cells = match cells {
                Ok(cells) => cells,
                Err(unusable) => {
                    faults.add_many(unusable.why, format!("{}:{line}", file.name), unusable.rows);
                    return true;
                }
            };
            if let Err(why) = self.check(&cells, &indexes, users) {
                faults.add(&why, &file.name, line);
                return true;
            }
            for ((column, index), builder) in self.layout.columns.iter().zip(&indexes).zip(&mut builders) {
                let cell = match &column.origin {
                    Some(Origin::Constant(text)) => Some(text.as_str()),
                    Some(Origin::Column(_)) | None => index.and_then(|index| cells[index]),
                };
                builder.push(cell);
            }
            faults.good += 1;
            pending += 1;
            if pending < BATCH {
                return true;
            }
            pending = 0;
            match finish(&mut builders) {
                Ok(batch) => emit(batch),
                Err(error) => {
                    broken = Some(error);
                    false
                }
            }
        })?;
        if pending > 0 {
            match finish(&mut builders) {
                Ok(batch) => {
                    emit(batch);
                }
                Err(error) => broken = Some(error),
            }
        }
        match broken {
            Some(error) => Err(SourceError::Engine(error.into())),
            None => Ok(faults),
        }
    }

    /// Whether a row can be used; the kind of fault otherwise.
    fn check(
        &self,
        cells: &[Option<&str>],
        indexes: &[Option<usize>],
        users: &mut HashSet<String>,
    ) -> Result<(), String> {
        for (column, index) in self.layout.columns.iter().zip(indexes) {
            let Some(Origin::Column(name)) = &column.origin else { continue };
            let cell = index.and_then(|index| cells[index]);
            if column.required && cell.is_none() {
                return Err(format!("no `{name}`"));
            }
            ColumnBuilder::fits(column.kind, cell).map_err(|noun| format!("`{name}` is not {noun}"))?;
        }
        if self.unique_users
            && let Some(user) = indexes.first().copied().flatten().and_then(|index| cells[index])
            && !users.insert(user.to_owned())
        {
            return Err("a second row of the same user; the first one counts".to_owned());
        }
        Ok(())
    }
}

/// The columns of text files that have no meaning, with the types that their first rows show.
pub fn infer(
    files: &[SourceFile],
    mapped: &[Column],
    reserved: &[&str],
) -> Result<Vec<(String, ColumnType)>, SourceError> {
    let mut guesses: Vec<(String, super::cell::Guess)> = Vec::new();
    let mut budget = SAMPLE;
    for file in files {
        let mut rows = Rows::open(file, SAMPLE)?;
        let header = rows.columns().to_vec();
        for name in &header {
            let free = !mapped.iter().any(|column| column.name == *name) && !reserved.contains(&name.as_str());
            if free && !guesses.iter().any(|(known, _)| known == name) {
                guesses.push((name.clone(), super::cell::Guess::default()));
            }
        }
        let mut left = budget.max(100);
        rows.for_each(|(_, cells)| {
            if let Ok(cells) = cells {
                for (name, cell) in header.iter().zip(cells) {
                    if let (Some(cell), Some((_, guess))) = (cell, guesses.iter_mut().find(|(known, _)| known == name))
                    {
                        guess.see(cell);
                    }
                }
            }
            left -= 1;
            left > 0
        })?;
        budget = budget.min(left);
    }
    Ok(guesses.into_iter().map(|(name, guess)| (name, guess.result())).collect())
}
