//! Messages, one per enrollment and stage, and every attempt at one.

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
                    .table(Messages::Table)
                    .col(big_integer(Messages::Id).not_null().auto_increment().primary_key())
                    .col(text(Messages::Key))
                    .col(big_integer(Messages::EnrollmentId))
                    .col(text(Messages::Workflow))
                    .col(text(Messages::Stage))
                    .col(text(Messages::UserId))
                    .col(text(Messages::Variant))
                    .col(text(Messages::Channel))
                    .col(text(Messages::Status))
                    .col(text_null(Messages::Reason))
                    .col(integer(Messages::Priority))
                    .col(timestamp_with_time_zone(Messages::CreatedAt))
                    .col(timestamp_with_time_zone(Messages::DueAt))
                    .col(timestamp_with_time_zone_null(Messages::ExpiresAt))
                    .col(timestamp_with_time_zone_null(Messages::NextAttemptAt))
                    .col(integer(Messages::Attempts))
                    .col(integer(Messages::Epoch))
                    .col(text_null(Messages::ClaimedBy))
                    .col(timestamp_with_time_zone_null(Messages::SettledAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("messages_key").table(Messages::Table).col(Messages::Key).unique().to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_enrollment_stage")
                    .table(Messages::Table)
                    .col(Messages::EnrollmentId)
                    .col(Messages::Stage)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_queue")
                    .table(Messages::Table)
                    .col(Messages::Status)
                    .col(Messages::Channel)
                    .col((Messages::Priority, IndexOrder::Desc))
                    .col(Messages::NextAttemptAt)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_workflow_stage")
                    .table(Messages::Table)
                    .col(Messages::Workflow)
                    .col(Messages::Stage)
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Attempts::Table)
                    .col(big_integer(Attempts::Id).not_null().auto_increment().primary_key())
                    .col(big_integer(Attempts::MessageId))
                    .col(integer(Attempts::Number))
                    .col(timestamp_with_time_zone(Attempts::At))
                    .col(text(Attempts::Result))
                    .col(text(Attempts::Reply))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("attempts_message").table(Attempts::Table).col(Attempts::MessageId).to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Attempts::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Messages::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Messages {
    Table,
    Id,
    Key,
    EnrollmentId,
    Workflow,
    Stage,
    UserId,
    Variant,
    Channel,
    Status,
    Reason,
    Priority,
    CreatedAt,
    DueAt,
    ExpiresAt,
    NextAttemptAt,
    Attempts,
    Epoch,
    ClaimedBy,
    SettledAt,
}

#[derive(DeriveIden)]
enum Attempts {
    Table,
    Id,
    MessageId,
    Number,
    At,
    Result,
    Reply,
}
