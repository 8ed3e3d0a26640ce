//! A file of the lake that counts.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lake_files")]
pub struct Model {
    /// Below the lake's folder, with `/`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub path: String,
    /// What it holds.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The run that wrote it.
    pub run_id: Option<i64>,
    /// Number of rows.
    pub rows: i64,
    /// Its size.
    pub bytes: i64,
    /// When it was written.
    pub created_at: DateTimeUtc,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
