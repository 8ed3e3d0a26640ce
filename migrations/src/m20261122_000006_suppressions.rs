//! Addresses and users that must not be written to.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Suppressions::Table)
                    .col(text(Suppressions::Kind))
                    .col(text(Suppressions::Value))
                    .col(text(Suppressions::Reason))
                    .col(timestamp_with_time_zone(Suppressions::At))
                    .col(text_null(Suppressions::Note))
                    .primary_key(Index::create().col(Suppressions::Kind).col(Suppressions::Value))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Suppressions::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Suppressions {
    Table,
    Kind,
    Value,
    Reason,
    At,
    Note,
}
