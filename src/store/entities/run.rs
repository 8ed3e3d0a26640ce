//! The execution of one slot of a workflow.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Name of the workflow.
    #[sea_orm(column_type = "Text")]
    pub workflow: String,
    /// The instant of the schedule; nothing later is read.
    pub slot: DateTimeUtc,
    /// Version of the workflow file.
    #[sea_orm(column_type = "Text")]
    pub version: String,
    /// A `RunStatus`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// When the work began.
    pub started_at: DateTimeUtc,
    /// When it ended, well or not.
    pub finished_at: Option<DateTimeUtc>,
    /// Users considered.
    pub considered: i64,
    /// Users enrolled with messages.
    pub treated: i64,
    /// Users enrolled without.
    pub holdout: i64,
    /// JSON object: users per reason.
    #[sea_orm(column_type = "Text")]
    pub excluded: String,
    /// Why it failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
