//! From the columns of a file to the two tables: fixed columns first, everything else by its own name.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};

use super::cell::ColumnType;
use super::error::SourceError;
use crate::project::model::{Column, EventName, EventSource, UserSource};

/// Columns of `users` that have a meaning.
pub const USER_COLUMNS: [&str; 8] =
    ["user_id", "email", "phone", "name", "timezone", "locale", "registered_at", "consent"];

/// Columns of `events` that have a meaning.
pub const EVENT_COLUMNS: [&str; 5] = ["user_id", "event", "time", "value", "id"];

/// Where a column's cells come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A column of the file.
    Column(String),
    /// The same text in every row.
    Constant(String),
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its name in the table.
    pub name: String,
    /// Where its cells come from; NULL everywhere when nowhere.
    pub origin: Option<Origin>,
    /// Its type.
    pub kind: ColumnType,
    /// Whether a row without it is unusable.
    pub required: bool,
}

/// How the rows of a source become rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// In the order of the table.
    pub columns: Vec<Mapped>,
}

impl Layout {
    /// The table's schema.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.kind.data_type(), !column.required))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Users: the columns with a meaning, then every other column as an attribute.
    pub fn users(source: &UserSource, others: &[(String, ColumnType)]) -> Layout {
        let given = [
            (Some(&source.id), ColumnType::Text),
            (source.email.as_ref(), ColumnType::Text),
            (source.phone.as_ref(), ColumnType::Text),
            (source.name.as_ref(), ColumnType::Text),
            (source.timezone.as_ref(), ColumnType::Text),
            (source.locale.as_ref(), ColumnType::Text),
            (source.registered_at.as_ref(), ColumnType::Time),
            (source.consent.as_ref(), ColumnType::Bool),
        ];
        let mut columns: Vec<Mapped> = USER_COLUMNS
            .iter()
            .zip(given)
            .map(|(name, (column, kind))| Mapped {
                name: (*name).to_owned(),
                origin: column.map(|column| Origin::Column(column.name.clone())),
                kind,
                required: *name == "user_id",
            })
            .collect();
        columns.extend(others.iter().map(other));
        Layout { columns }
    }

    /// Events: the columns with a meaning, then every other column as a property.
    pub fn events(source: &EventSource, others: &[(String, ColumnType)]) -> Layout {
        let column = |column: &Column| Some(Origin::Column(column.name.clone()));
        let name = match &source.event {
            EventName::Fixed(name) => Some(Origin::Constant(name.clone())),
            EventName::Column(name) => column(name),
        };
        let given = [
            (column(&source.user), ColumnType::Text, true),
            (name, ColumnType::Text, true),
            (column(&source.time), ColumnType::Time, true),
            (source.value.as_ref().and_then(column), ColumnType::Float, false),
            (source.id.as_ref().and_then(column), ColumnType::Text, false),
        ];
        let mut columns: Vec<Mapped> = EVENT_COLUMNS
            .iter()
            .zip(given)
            .map(|(name, (origin, kind, required))| Mapped { name: (*name).to_owned(), origin, kind, required })
            .collect();
        columns.extend(others.iter().map(other));
        Layout { columns }
    }

    /// Columns that have another name in the table than in the file: the file's, the table's.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter_map(|column| match &column.origin {
            Some(Origin::Column(file)) if *file != column.name => Some((file.as_str(), column.name.as_str())),
            Some(_) | None => None,
        })
    }

    /// For each column of the table, its index among a file's columns; an error when a named column
    /// is not there. Attributes that only other files have are NULL here.
    pub fn resolve(&self, file: &str, header: &[String], named: &[Column]) -> Result<Vec<Option<usize>>, SourceError> {
        if let Some(missing) = missing(file, header, named).next() {
            return Err(missing);
        }
        Ok(self
            .columns
            .iter()
            .map(|column| match &column.origin {
                Some(Origin::Column(name)) => header.iter().position(|known| known == name),
                Some(Origin::Constant(_)) | None => None,
            })
            .collect())
    }
}

/// An error for each column that the YAML names and a file does not have.
pub fn missing(file: &str, header: &[String], named: &[Column]) -> impl Iterator<Item = SourceError> {
    named.iter().filter(|column| !header.contains(&column.name)).map(|column| SourceError::NoColumn {
        file: file.to_owned(),
        column: column.name.clone(),
        place: column.place.clone(),
        known: header.to_vec(),
    })
}

fn other((name, kind): &(String, ColumnType)) -> Mapped {
    Mapped { name: name.clone(), origin: Some(Origin::Column(name.clone())), kind: *kind, required: false }
}

/// The columns that the YAML names for users.
pub fn named_user_columns(source: &UserSource) -> Vec<Column> {
    let optional = [
        &source.email,
        &source.phone,
        &source.name,
        &source.timezone,
        &source.locale,
        &source.registered_at,
        &source.consent,
    ];
    std::iter::once(&source.id).chain(optional.into_iter().flatten()).cloned().collect()
}

/// The columns that the YAML names for events.
pub fn named_event_columns(source: &EventSource) -> Vec<Column> {
    let name = match &source.event {
        EventName::Fixed(_) => None,
        EventName::Column(column) => Some(column),
    };
    [Some(&source.user), name, Some(&source.time), source.value.as_ref(), source.id.as_ref()]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}
