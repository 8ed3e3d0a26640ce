//! Suppressions: who must not be written to.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::connection::{Store, StoreError};
use super::enrollments::CHUNK;
use super::entities::suppression;
use crate::domain::vocabulary::SuppressionReason;

/// The suppressed addresses and users, for look-up.
#[derive(Debug, Default, Clone)]
pub struct Suppressed {
    entries: HashSet<(String, String)>,
}

impl Suppressed {
    /// Whether a user, or an address in its suppression form, is in it.
    pub fn holds(&self, user_id: &str, address: Option<&str>) -> bool {
        // Two look-ups with owned keys: the set is asked per selected user, not per considered one.
        self.entries.contains(&("user".to_owned(), user_id.to_owned()))
            || address.is_some_and(|address| {
                ["email", "phone"].iter().any(|kind| self.entries.contains(&((*kind).to_owned(), address.to_owned())))
            })
    }
}

impl Store {
    /// All suppressions.
    pub async fn suppressed(&self) -> Result<Suppressed, StoreError> {
        let rows = suppression::Entity::find().all(self.read()).await?;
        Ok(Suppressed { entries: rows.into_iter().map(|row| (row.kind, row.value)).collect() })
    }

    /// The suppressions among these users and addresses (in suppression form).
    pub async fn suppressed_among(&self, values: &[String]) -> Result<Suppressed, StoreError> {
        let mut entries = HashSet::new();
        for chunk in values.chunks(CHUNK * 10) {
            let rows = suppression::Entity::find()
                .filter(suppression::Column::Value.is_in(chunk.iter().map(String::as_str)))
                .all(self.write())
                .await?;
            entries.extend(rows.into_iter().map(|row| (row.kind, row.value)));
        }
        Ok(Suppressed { entries })
    }

    /// Suppresses addresses (`email`, `phone`) or users (`user`); those already suppressed keep their reason.
    pub async fn suppress(
        &self,
        entries: Vec<(&'static str, String)>,
        reason: SuppressionReason,
        note: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for chunk in entries.chunks(CHUNK) {
            let rows = chunk.iter().map(|(kind, value)| suppression::ActiveModel {
                kind: Set((*kind).to_owned()),
                value: Set(value.clone()),
                reason: Set(reason.as_str().to_owned()),
                at: Set(now),
                note: Set(note.clone()),
            });
            suppression::Entity::insert_many(rows)
                .on_conflict_do_nothing_on([suppression::Column::Kind, suppression::Column::Value])
                .exec_without_returning(self.write())
                .await?;
        }
        Ok(())
    }

    /// Lifts a suppression; says whether there was one.
    pub async fn unsuppress(&self, kind: &str, value: &str) -> Result<bool, StoreError> {
        let done = suppression::Entity::delete_by_id((kind.to_owned(), value.to_owned())).exec(self.write()).await?;
        Ok(done.rows_affected > 0)
    }

    /// All suppressions, newest first.
    pub async fn suppression_list(&self) -> Result<Vec<suppression::Model>, StoreError> {
        let rows = suppression::Entity::find()
            .order_by_desc(suppression::Column::At)
            .order_by_asc(suppression::Column::Value)
            .all(self.read())
            .await?;
        Ok(rows)
    }
}
