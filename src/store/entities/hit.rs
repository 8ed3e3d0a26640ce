//! What came back from a message.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hits")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The message.
    pub message_id: i64,
    /// A `HitKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// A `HitClass`.
    #[sea_orm(column_type = "Text")]
    pub class: String,
    /// Role of the link.
    #[sea_orm(column_type = "Text", nullable)]
    pub role: Option<String>,
    /// Where the link leads.
    #[sea_orm(column_type = "Text", nullable)]
    pub url: Option<String>,
    /// When it came.
    pub at: DateTimeUtc,
    /// The user agent as it named itself.
    #[sea_orm(column_type = "Text", nullable)]
    pub agent: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
