//! Enrollments: at most one active per workflow and user, at most one per run and user.

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
                    .table(Enrollments::Table)
                    .col(big_integer(Enrollments::Id).not_null().auto_increment().primary_key())
                    .col(text(Enrollments::Workflow))
                    .col(text(Enrollments::Version))
                    .col(big_integer(Enrollments::RunId))
                    .col(text(Enrollments::UserId))
                    .col(text(Enrollments::Arm))
                    .col(text(Enrollments::Status))
                    .col(text_null(Enrollments::ExitReason))
                    .col(timestamp_with_time_zone(Enrollments::EnteredAt))
                    .col(timestamp_with_time_zone(Enrollments::WindowEndsAt))
                    .col(integer(Enrollments::Position))
                    .col(timestamp_with_time_zone_null(Enrollments::DueAt))
                    .col(timestamp_with_time_zone_null(Enrollments::EndedAt))
                    .col(text_null(Enrollments::Email))
                    .col(text_null(Enrollments::Phone))
                    .col(text_null(Enrollments::Name))
                    .col(text_null(Enrollments::Locale))
                    .col(text(Enrollments::Profile))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("enrollments_run_user")
                    .table(Enrollments::Table)
                    .col(Enrollments::RunId)
                    .col(Enrollments::UserId)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("enrollments_due")
                    .table(Enrollments::Table)
                    .col(Enrollments::Status)
                    .col(Enrollments::DueAt)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("enrollments_workflow_user")
                    .table(Enrollments::Table)
                    .col(Enrollments::Workflow)
                    .col(Enrollments::UserId)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("enrollments_workflow_window")
                    .table(Enrollments::Table)
                    .col(Enrollments::Workflow)
                    .col(Enrollments::WindowEndsAt)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("enrollments_one_active")
                    .table(Enrollments::Table)
                    .col(Enrollments::Workflow)
                    .col(Enrollments::UserId)
                    .unique()
                    .and_where(Expr::col(Enrollments::Status).eq("active"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Enrollments::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Enrollments {
    Table,
    Id,
    Workflow,
    Version,
    RunId,
    UserId,
    Arm,
    Status,
    ExitReason,
    EnteredAt,
    WindowEndsAt,
    Position,
    DueAt,
    EndedAt,
    Email,
    Phone,
    Name,
    Locale,
    Profile,
}
