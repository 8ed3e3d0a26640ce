//! One try at a message's delivery.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The message.
    pub message_id: i64,
    /// From 1.
    pub number: i32,
    /// When it ended.
    pub at: DateTimeUtc,
    /// An `AttemptResult`.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// What the receiving side said, without addresses.
    #[sea_orm(column_type = "Text")]
    pub reply: String,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
