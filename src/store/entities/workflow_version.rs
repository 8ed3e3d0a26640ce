//! The text of a workflow file as it was when it ran: enrollments keep their version.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_versions")]
pub struct Model {
    /// Name of the workflow.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub workflow: String,
    /// Hex SHA-256 of the file.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub version: String,
    /// The file.
    #[sea_orm(column_type = "Text")]
    pub yaml: String,
    /// When it first ran.
    pub first_seen_at: DateTimeUtc,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
