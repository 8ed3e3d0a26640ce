//! Runs, unique per workflow and slot, and the text of every workflow version that ever ran.

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
                    .table(Runs::Table)
                    .col(big_integer(Runs::Id).not_null().auto_increment().primary_key())
                    .col(text(Runs::Workflow))
                    .col(timestamp_with_time_zone(Runs::Slot))
                    .col(text(Runs::Version))
                    .col(text(Runs::Status))
                    .col(timestamp_with_time_zone(Runs::StartedAt))
                    .col(timestamp_with_time_zone_null(Runs::FinishedAt))
                    .col(big_integer(Runs::Considered))
                    .col(big_integer(Runs::Treated))
                    .col(big_integer(Runs::Holdout))
                    .col(text(Runs::Excluded))
                    .col(text_null(Runs::Error))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("runs_workflow_slot")
                    .table(Runs::Table)
                    .col(Runs::Workflow)
                    .col(Runs::Slot)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(WorkflowVersions::Table)
                    .col(text(WorkflowVersions::Workflow))
                    .col(text(WorkflowVersions::Version))
                    .col(text(WorkflowVersions::Yaml))
                    .col(timestamp_with_time_zone(WorkflowVersions::FirstSeenAt))
                    .primary_key(Index::create().col(WorkflowVersions::Workflow).col(WorkflowVersions::Version))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(WorkflowVersions::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Runs::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Runs {
    Table,
    Id,
    Workflow,
    Slot,
    Version,
    Status,
    StartedAt,
    FinishedAt,
    Considered,
    Treated,
    Holdout,
    Excluded,
    Error,
}

#[derive(DeriveIden)]
enum WorkflowVersions {
    Table,
    Workflow,
    Version,
    Yaml,
    FirstSeenAt,
}
