//! Hits: what came back from a message, raw and with its class.

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
                    .table(Hits::Table)
                    .col(big_integer(Hits::Id).not_null().auto_increment().primary_key())
                    .col(big_integer(Hits::MessageId))
                    .col(text(Hits::Kind))
                    .col(text(Hits::Class))
                    .col(text_null(Hits::Role))
                    .col(text_null(Hits::Url))
                    .col(timestamp_with_time_zone(Hits::At))
                    .col(text_null(Hits::Agent))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("hits_message").table(Hits::Table).col(Hits::MessageId).to_owned())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Hits::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Hits {
    Table,
    Id,
    MessageId,
    Kind,
    Class,
    Role,
    Url,
    At,
    Agent,
}
