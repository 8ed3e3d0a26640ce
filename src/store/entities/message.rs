//! The one send of a stage to an enrollment.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Public, unguessable by counting, the same on every attempt.
    #[sea_orm(column_type = "Text")]
    pub key: String,
    /// Whose.
    pub enrollment_id: i64,
    /// Name of the workflow.
    #[sea_orm(column_type = "Text")]
    pub workflow: String,
    /// Id of the stage.
    #[sea_orm(column_type = "Text")]
    pub stage: String,
    /// The user.
    #[sea_orm(column_type = "Text")]
    pub user_id: String,
    /// Name of the variant.
    #[sea_orm(column_type = "Text")]
    pub variant: String,
    /// Name of the channel.
    #[sea_orm(column_type = "Text")]
    pub channel: String,
    /// A `MessageStatus`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// A `SkipReason`, where skipped or withheld.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The workflow's; the larger goes first.
    pub priority: i32,
    /// When the stage was reached.
    pub created_at: DateTimeUtc,
    /// When it should have gone out.
    pub due_at: DateTimeUtc,
    /// Not sent later than this.
    pub expires_at: Option<DateTimeUtc>,
    /// When to try (again).
    pub next_attempt_at: Option<DateTimeUtc>,
    /// Attempts made.
    pub attempts: i32,
    /// Grows with each claim; a write under an old epoch has no effect.
    pub epoch: i32,
    /// The process that works on it.
    #[sea_orm(column_type = "Text", nullable)]
    pub claimed_by: Option<String>,
    /// When its state became final.
    pub settled_at: Option<DateTimeUtc>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
