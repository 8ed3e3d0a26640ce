//! The files of the lake that count; a file not named here is not read.

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
                    .table(LakeFiles::Table)
                    .col(text(LakeFiles::Path).primary_key())
                    .col(text(LakeFiles::Kind))
                    .col(big_integer_null(LakeFiles::RunId))
                    .col(big_integer(LakeFiles::Rows))
                    .col(big_integer(LakeFiles::Bytes))
                    .col(timestamp_with_time_zone(LakeFiles::CreatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("lake_files_run").table(LakeFiles::Table).col(LakeFiles::RunId).to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(LakeFiles::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum LakeFiles {
    Table,
    Path,
    Kind,
    RunId,
    Rows,
    Bytes,
    CreatedAt,
}
