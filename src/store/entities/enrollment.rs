//! A user's passage through a workflow.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "enrollments")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Name of the workflow.
    #[sea_orm(column_type = "Text")]
    pub workflow: String,
    /// The version it entered with, and keeps.
    #[sea_orm(column_type = "Text")]
    pub version: String,
    /// The run that took the user.
    pub run_id: i64,
    /// The user.
    #[sea_orm(column_type = "Text")]
    pub user_id: String,
    /// An `Arm`, assigned once by hash.
    #[sea_orm(column_type = "Text")]
    pub arm: String,
    /// An `EnrollmentStatus`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// An `ExitReason`.
    #[sea_orm(column_type = "Text", nullable)]
    pub exit_reason: Option<String>,
    /// The run's instant: the start of every window.
    pub entered_at: DateTimeUtc,
    /// Outcomes count until here.
    pub window_ends_at: DateTimeUtc,
    /// Index of the stage that comes next.
    pub position: i32,
    /// When it comes; null when none does.
    pub due_at: Option<DateTimeUtc>,
    /// When it was over.
    pub ended_at: Option<DateTimeUtc>,
    /// Address as in the source at the last evaluation.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// Telephone number, likewise.
    #[sea_orm(column_type = "Text", nullable)]
    pub phone: Option<String>,
    /// Name, likewise.
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    /// Language tag, likewise.
    #[sea_orm(column_type = "Text", nullable)]
    pub locale: Option<String>,
    /// JSON object: attributes and features, likewise.
    #[sea_orm(column_type = "Text")]
    pub profile: String,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
