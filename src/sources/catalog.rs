//! The sources of a project, opened: their files, their columns, and the two tables as of an instant.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, col, ident, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;

use super::cell::ColumnType;
use super::error::SourceError;
use super::faults::SharedFaults;
use super::files::{self, Format, SourceFile};
use super::mapping::{EVENT_COLUMNS, Layout, USER_COLUMNS, missing, named_event_columns, named_user_columns};
use super::parquet;
use super::rows::Rows;
use super::scan::{self, TextScan};
use crate::project::model::{Column, Project};

/// The sources of a project, with known columns. Opening reads headers and samples, not the data.
#[derive(Debug, Clone)]
pub struct Catalog {
    users: Table,
    events: Vec<Table>,
    properties: Vec<(String, ColumnType)>,
    has_value: bool,
    has_id: bool,
    zone: Tz,
    memory: Option<Memory>,
}

#[derive(Debug, Clone)]
struct Table {
    pattern: String,
    files: Vec<SourceFile>,
    /// The columns of each file.
    headers: Vec<Vec<String>>,
    layout: Layout,
    named: Vec<Column>,
    unique_users: bool,
    has_ids: bool,
}

/// Both tables held in memory, for many runs over facts that do not change (demo, replay).
#[derive(Debug, Clone)]
struct Memory {
    users: Arc<MemTable>,
    events: Arc<MemTable>,
}

/// The two tables as of an instant.
pub struct Facts {
    /// The engine's session; plans of both tables belong to it.
    pub context: SessionContext,
    /// The instant: nothing later is in the tables.
    pub as_of: DateTime<Utc>,
    /// One row per user: [`USER_COLUMNS`], then attributes.
    pub users: DataFrame,
    /// One row per event: [`EVENT_COLUMNS`], then properties.
    pub events: DataFrame,
    sources: Vec<(String, SharedFaults)>,
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

impl Catalog {
    /// Finds the files and learns their columns.
    pub async fn open(project: &Project) -> Result<Catalog, SourceError> {
        let (catalog, errors) = Catalog::look(project).await;
        match (catalog, errors.into_iter().next()) {
            (_, Some(error)) => Err(error),
            (Some(catalog), None) => Ok(catalog),
            (None, None) => Err(SourceError::NoFiles { pattern: "sources".to_owned() }),
        }
    }

    /// [`Catalog::open`] for a check: everything that is wrong with any source. There is a catalog, whose
    /// columns are known, also where only columns that the YAML names are missing.
    pub async fn look(project: &Project) -> (Option<Catalog>, Vec<SourceError>) {
        let context = session();
        let mut errors = Vec::new();
        let source = &project.sources.users;
        let users = Table::find(&context, project, &source.files.pattern, named_user_columns(source), &USER_COLUMNS)
            .await
            .map(|(mut table, others)| {
                table.layout = Layout::users(source, &others);
                table.unique_users = true;
                table
            });
        let mut events = Vec::new();
        let mut properties: Vec<(String, ColumnType)> = Vec::new();
        for source in &project.sources.events {
            let named = named_event_columns(source);
            match Table::find(&context, project, &source.files.pattern, named, &EVENT_COLUMNS).await {
                Ok((table, others)) => {
                    for (name, kind) in others {
                        match properties.iter_mut().find(|(known, _)| *known == name) {
                            Some((_, known)) => *known = common(*known, kind),
                            None => properties.push((name, kind)),
                        }
                    }
                    events.push((source, table));
                }
                Err(error) => errors.push(error),
            }
        }
        let has_value = project.sources.events.iter().any(|source| source.value.is_some());
        let has_id = project.sources.events.iter().any(|source| source.id.is_some());
        let events: Vec<Table> = events
            .into_iter()
            .map(|(source, mut table)| {
                table.layout = Layout::events(source, &properties);
                table.has_ids = source.id.is_some();
                table
            })
            .collect();
        let complete = errors.is_empty();
        let users = users.map_err(|error| errors.insert(0, error)).ok();
        for table in users.iter().chain(&events) {
            for (file, header) in table.files.iter().zip(&table.headers) {
                errors.extend(missing(&file.name, header, &table.named));
            }
        }
        let catalog = users.filter(|_| complete).map(|users| Catalog {
            users,
            events,
            properties,
            has_value,
            has_id,
            zone: project.timezone,
            memory: None,
        });
        (catalog, errors)
    }

    /// Schema of `users`.
    pub fn user_schema(&self) -> SchemaRef {
        self.users.layout.schema()
    }

    /// Columns of `users` that the project maps or has as attributes; the others are always NULL.
    pub fn mapped_user_columns(&self) -> impl Iterator<Item = &str> {
        self.users.layout.columns.iter().filter(|column| column.origin.is_some()).map(|column| column.name.as_str())
    }

    /// Properties of events, and `value` and `id` where a source says which column they are.
    pub fn event_columns(&self) -> Vec<(String, ColumnType)> {
        let value = self.has_value.then(|| ("value".to_owned(), ColumnType::Float));
        let id = self.has_id.then(|| ("id".to_owned(), ColumnType::Text));
        value.into_iter().chain(id).chain(self.properties.iter().cloned()).collect()
    }

    /// Columns of the users' files that have another name in the table: the file's, the table's.
    pub fn renamed_user_columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.users.layout.renamed()
    }

    /// [`Catalog::renamed_user_columns`] of the events.
    pub fn renamed_event_columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.events.iter().flat_map(|table| table.layout.renamed())
    }

    /// Reads everything into memory, once; later [`Catalog::facts`] read from there.
    pub async fn load(&mut self) -> Result<(), SourceError> {
        let facts = self.facts(DateTime::<Utc>::MAX_UTC).await?;
        let hold = async |frame: DataFrame| {
            // Plans and their batches differ in what may be NULL; the table in memory allows it everywhere.
            let fields = frame.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
            let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let batches = frame.collect().await?.into_iter();
            let batches = batches
                .map(|batch| RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec()))
                .collect::<Result<Vec<_>, _>>()?;
            MemTable::try_new(schema, vec![batches]).map(Arc::new)
        };
        let users = hold(facts.users.clone()).await?;
        let events = hold(facts.events.clone()).await?;
        facts.verify()?;
        self.memory = Some(Memory { users, events });
        Ok(())
    }

    /// The two tables as of an instant. Check [`Facts::verify`] after reading them.
    pub async fn facts(&self, as_of: DateTime<Utc>) -> Result<Facts, SourceError> {
        let context = session();
        let mut sources = Vec::new();
        let (users, events) = match &self.memory {
            Some(memory) => (
                context.read_table(Arc::clone(&memory.users) as _)?,
                context.read_table(Arc::clone(&memory.events) as _)?,
            ),
            None => {
                let users = self.table(&context, &self.users, &mut sources).await?;
                let mut plain: Option<DataFrame> = None;
                let mut with_ids: Option<DataFrame> = None;
                for table in &self.events {
                    let frame = self.table(&context, table, &mut sources).await?;
                    let target = if table.has_ids { &mut with_ids } else { &mut plain };
                    *target = Some(match target.take() {
                        Some(before) => before.union(frame)?,
                        None => frame,
                    });
                }
                let with_ids = with_ids.map(once_per_id).transpose()?;
                let events = match (plain, with_ids) {
                    (Some(plain), Some(with_ids)) => plain.union(with_ids)?,
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => {
                        return Err(SourceError::Empty {
                            pattern: "sources.events".to_owned(),
                            faults: Default::default(),
                        });
                    }
                };
                (users, events)
            }
        };
        let instant = instant(as_of);
        let users = users.filter(col("registered_at").is_null().or(col("registered_at").lt_eq(instant.clone())))?;
        let events = events.filter(col("time").lt_eq(instant))?;
        Ok(Facts { context, as_of, users, events, sources })
    }

    async fn table(
        &self,
        context: &SessionContext,
        table: &Table,
        sources: &mut Vec<(String, SharedFaults)>,
    ) -> Result<DataFrame, SourceError> {
        let (text, binary): (Vec<_>, Vec<_>) =
            table.files.iter().cloned().partition(|file| file.format != Format::Parquet);
        let mut frame = None;
        if !binary.is_empty() {
            let opened = parquet::open(context, &binary).await?;
            let (mapped, found) = parquet::mapped(opened, &table.layout, &table.pattern, self.zone).await?;
            let faults = SharedFaults::default();
            faults.set(&table.pattern, found);
            sources.push((table.pattern.clone(), faults));
            frame = Some(mapped);
        }
        if !text.is_empty() {
            let faults = SharedFaults::default();
            sources.push((table.pattern.clone(), faults.clone()));
            let schema = table.layout.schema();
            let scan = |files: Vec<SourceFile>| {
                Arc::new(TextScan {
                    files,
                    layout: table.layout.clone(),
                    schema: Arc::clone(&schema),
                    named: table.named.clone(),
                    zone: self.zone,
                    unique_users: table.unique_users,
                    faults: faults.clone(),
                }) as _
            };
            // Users come from one reader, which sees that none comes twice; events from one per file.
            let partitions = if table.unique_users {
                vec![scan(text)]
            } else {
                text.into_iter().map(|file| scan(vec![file])).collect()
            };
            let streaming = StreamingTable::try_new(Arc::clone(&schema), partitions)?;
            let read = context.read_table(Arc::new(streaming))?;
            frame = Some(match frame {
                Some(before) => before.union(read)?,
                None => read,
            });
        }
        let frame = frame.ok_or_else(|| SourceError::NoFiles { pattern: table.pattern.clone() })?;
        // One reader of text sees by itself that no user comes twice.
        if table.unique_users && !binary.is_empty() { once_per_user(frame) } else { Ok(frame) }
    }
}

impl Facts {
    /// Whether what was read can carry a decision: no source empty, few rows unusable.
    ///
    /// Call it after the tables have been read; it returns what to tell about unusable rows.
    pub fn verify(&self) -> Result<Vec<(String, super::faults::Faults)>, SourceError> {
        let mut told = Vec::new();
        for (pattern, shared) in &self.sources {
            // A table that the plan had no need to read says nothing.
            let Some(faults) = shared.total() else { continue };
            let all = faults.good + faults.bad;
            if faults.good == 0 {
                return Err(SourceError::Empty { pattern: pattern.clone(), faults });
            }
            if faults.bad > 10 && faults.bad * 100 > all {
                return Err(SourceError::TooManyBad { pattern: pattern.clone(), bad: faults.bad, all, faults });
            }
            if faults.bad > 0 {
                told.push((pattern.clone(), faults));
            }
        }
        Ok(told)
    }
}

/// An instant as a literal of the engine.
pub fn instant(at: DateTime<Utc>) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into())))
}

/// A session with the engine's defaults, one partition per core.
fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_information_schema(false))
}

/// Users of whom there is more than one row, with one: the first in the order of all columns.
fn once_per_user(frame: DataFrame) -> Result<DataFrame, SourceError> {
    let names = names(&frame);
    let order = names.iter().map(|name| name.clone().sort(true, false)).collect();
    Ok(frame.distinct_on(vec![col("user_id")], names, Some(order))?)
}

fn names(frame: &DataFrame) -> Vec<Expr> {
    frame.schema().fields().iter().map(|field| ident(field.name())).collect()
}

/// Events that carry an id, each (name, id) once: the earliest. Events without an id all count.
fn once_per_id(frame: DataFrame) -> Result<DataFrame, SourceError> {
    let names = names(&frame);
    let without = frame.clone().filter(col("id").is_null())?;
    let order = ["event", "id", "time", "user_id", "value"].iter().map(|name| col(*name).sort(true, false)).collect();
    let once = frame.filter(col("id").is_not_null())?.distinct_on(vec![col("event"), col("id")], names, Some(order))?;
    Ok(without.union(once)?)
}

impl Table {
    /// The files of a source, their headers, and the columns without a meaning. The layout comes later.
    async fn find(
        context: &SessionContext,
        project: &Project,
        pattern: &str,
        named: Vec<Column>,
        reserved: &[&str],
    ) -> Result<(Table, Vec<(String, ColumnType)>), SourceError> {
        let files = files::find(&project.root, pattern)?;
        let others = columns(context, &files, &named, reserved).await?;
        let mut headers = Vec::new();
        for file in &files {
            headers.push(match file.format {
                Format::Parquet => parquet::header(&parquet::open(context, std::slice::from_ref(file)).await?),
                Format::Csv { .. } | Format::Ndjson { .. } => Rows::open(file, scan::SAMPLE)?.columns().to_vec(),
            });
        }
        let table = Table {
            pattern: pattern.to_owned(),
            files,
            headers,
            layout: Layout { columns: Vec::new() },
            named,
            unique_users: false,
            has_ids: false,
        };
        Ok((table, others))
    }
}

async fn columns(
    context: &SessionContext,
    files: &[SourceFile],
    named: &[Column],
    reserved: &[&str],
) -> Result<Vec<(String, ColumnType)>, SourceError> {
    let (text, binary): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| file.format != Format::Parquet);
    let mut all = scan::infer(&text, named, reserved)?;
    if !binary.is_empty() {
        let frame = parquet::open(context, &binary).await?;
        for (name, kind) in parquet::infer(&frame, named, reserved) {
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = common(*known, kind),
                None => all.push((name, kind)),
            }
        }
    }
    Ok(all)
}

/// The narrowest type that holds both.
fn common(a: ColumnType, b: ColumnType) -> ColumnType {
    match (a, b) {
        (a, b) if a == b => a,
        (ColumnType::Int, ColumnType::Float) | (ColumnType::Float, ColumnType::Int) => ColumnType::Float,
        (ColumnType::Date, ColumnType::Time) | (ColumnType::Time, ColumnType::Date) => ColumnType::Time,
        (_, _) => ColumnType::Text,
    }
}
