//! Outcomes of enrollments in either arm, found in the events.

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
                    .table(Outcomes::Table)
                    .col(big_integer(Outcomes::EnrollmentId))
                    .col(text(Outcomes::Kind))
                    .col(timestamp_with_time_zone(Outcomes::FirstAt))
                    .col(big_integer(Outcomes::Events))
                    .col(big_integer(Outcomes::ValueMinor))
                    .primary_key(Index::create().col(Outcomes::EnrollmentId).col(Outcomes::Kind))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Outcomes::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Outcomes {
    Table,
    EnrollmentId,
    Kind,
    FirstAt,
    Events,
    ValueMinor,
}
