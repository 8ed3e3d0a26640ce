//! Which files of the lake count.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::connection::{Store, StoreError};
use super::entities::lake_file;

/// A file that is to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLakeFile {
    /// Below the lake's folder, with `/`.
    pub path: String,
    /// What it holds.
    pub kind: &'static str,
    /// The run that wrote it.
    pub run_id: Option<i64>,
    /// Number of rows.
    pub rows: i64,
    /// Its size.
    pub bytes: i64,
}

impl Store {
    /// Names a file; part of the transaction whose result it belongs to.
    pub async fn name_lake_file(
        &self,
        transaction: &impl ConnectionTrait,
        file: NewLakeFile,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        lake_file::Entity::delete_by_id(file.path.clone()).exec(transaction).await?;
        let row = lake_file::ActiveModel {
            path: Set(file.path),
            kind: Set(file.kind.to_owned()),
            run_id: Set(file.run_id),
            rows: Set(file.rows),
            bytes: Set(file.bytes),
            created_at: Set(now),
        };
        lake_file::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }

    /// The files of a kind, in the order they were written.
    pub async fn lake_files(&self, kind: &str) -> Result<Vec<lake_file::Model>, StoreError> {
        let rows = lake_file::Entity::find()
            .filter(lake_file::Column::Kind.eq(kind))
            .order_by_asc(lake_file::Column::CreatedAt)
            .order_by_asc(lake_file::Column::Path)
            .all(self.read())
            .await?;
        Ok(rows)
    }
}
