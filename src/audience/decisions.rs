//! The decision file of a run: every considered user with the reason for in or out.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use crate::domain::vocabulary::Decision;
use crate::store::lake::NewLakeFile;

/// Why a decision file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DecisionFileError {
    /// The lake's folder.
    #[error("cannot write to the lake: {0}")]
    Io(#[from] std::io::Error),
    /// The file's format.
    #[error("cannot write the decision file: {0}")]
    Parquet(#[from] datafusion::parquet::errors::ParquetError),
    /// A batch.
    #[error("cannot write the decision file: {0}")]
    Arrow(#[from] datafusion::arrow::error::ArrowError),
}

/// A decision file under construction. It counts only once the ledger names it.
pub struct DecisionFile {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    temporary: PathBuf,
    target: PathBuf,
    name: String,
    rows: i64,
}

impl std::fmt::Debug for DecisionFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionFile").field("name", &self.name).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl DecisionFile {
    /// Begins the file of a run. The same slot has the same name: done again, it is written anew.
    pub fn create(lake: &Path, workflow: &str, slot: chrono::DateTime<chrono::Utc>) -> Result<Self, DecisionFileError> {
        let name = format!("decisions/{workflow}/{}.parquet", slot.format("%Y%m%dT%H%M%S%.6fZ"));
        let target = lake.join(&name);
        let folder = target.parent().map_or_else(|| lake.to_owned(), Path::to_path_buf);
        fs::create_dir_all(&folder)?;
        let temporary = target.with_extension("parquet.part");
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("user_id", DataType::Utf8, false),
            Field::new("decision", DataType::Utf8, false),
        ]));
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = ArrowWriter::try_new(File::create(&temporary)?, Arc::clone(&schema), Some(properties))?;
        Ok(DecisionFile { writer, schema, temporary, target, name, rows: 0 })
    }

    /// Adds decisions.
    pub fn write(&mut self, users: StringArray, decisions: &[Decision]) -> Result<(), DecisionFileError> {
        let reasons = StringArray::from_iter_values(decisions.iter().map(|decision| decision.as_str()));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::new(users), Arc::new(reasons)])?;
        self.rows += decisions.len() as i64;
        Ok(self.writer.write(&batch)?)
    }

    /// Ends the file, durably, and says what the ledger has to name.
    pub fn finish(self, run_id: i64) -> Result<NewLakeFile, DecisionFileError> {
        let file = self.writer.into_inner()?;
        file.sync_all()?;
        let bytes = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
        fs::rename(&self.temporary, &self.target)?;
        if let Some(folder) = self.target.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(NewLakeFile { path: self.name, kind: KIND, run_id: Some(run_id), rows: self.rows, bytes })
    }
}

/// The kind of these files in `lake_files`.
pub const KIND: &str = "decisions";
