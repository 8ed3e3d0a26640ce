//! Outcomes: what was found in the events of enrolled users.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::connection::{Store, StoreError};
use super::enrollments::CHUNK;
use super::entities::{enrollment, outcome};
use crate::domain::vocabulary::{EnrollmentStatus, OutcomeKind};

/// An enrollment and the stretch in which its events count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The enrollment.
    pub enrollment_id: i64,
    /// The user.
    pub user_id: String,
    /// Events later than this count.
    pub entered_at: DateTime<Utc>,
    /// Events before here count.
    pub ends_at: DateTime<Utc>,
}

/// An outcome as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The enrollment.
    pub enrollment_id: i64,
    /// What.
    pub kind: OutcomeKind,
    /// The first such event.
    pub first_at: DateTime<Utc>,
    /// How many in the window so far.
    pub events: i64,
    /// Their value in minor units.
    pub value_minor: i64,
}

impl Store {
    /// Windows of the active enrollments of a workflow that entered before `as_of`.
    pub async fn active_windows(&self, workflow: &str, as_of: DateTime<Utc>) -> Result<Vec<Window>, StoreError> {
        let rows: Vec<(i64, String, DateTime<Utc>, DateTime<Utc>)> = enrollment::Entity::find()
            .select_only()
            .columns([
                enrollment::Column::Id,
                enrollment::Column::UserId,
                enrollment::Column::EnteredAt,
                enrollment::Column::WindowEndsAt,
            ])
            .filter(enrollment::Column::Workflow.eq(workflow))
            .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
            .filter(enrollment::Column::EnteredAt.lt(as_of))
            .order_by_asc(enrollment::Column::Id)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(enrollment_id, user_id, entered_at, ends_at)| Window { enrollment_id, user_id, entered_at, ends_at })
            .collect())
    }

    /// Replaces the outcomes of these enrollments by what was found.
    pub async fn write_outcomes(&self, windows: &[Window], found: Vec<Found>) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        for chunk in windows.chunks(CHUNK * 10) {
            outcome::Entity::delete_many()
                .filter(outcome::Column::EnrollmentId.is_in(chunk.iter().map(|window| window.enrollment_id)))
                .exec(&transaction)
                .await?;
        }
        for chunk in found.chunks(CHUNK) {
            let rows = chunk.iter().map(|new| outcome::ActiveModel {
                enrollment_id: Set(new.enrollment_id),
                kind: Set(new.kind.as_str().to_owned()),
                first_at: Set(new.first_at),
                events: Set(new.events),
                value_minor: Set(new.value_minor),
            });
            outcome::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The kinds of outcome found for these enrollments.
    pub async fn outcome_facts(&self, enrollments: &[i64]) -> Result<HashMap<i64, Vec<OutcomeKind>>, StoreError> {
        let mut facts: HashMap<i64, Vec<OutcomeKind>> = HashMap::new();
        for chunk in enrollments.chunks(CHUNK * 10) {
            let rows = outcome::Entity::find()
                .filter(outcome::Column::EnrollmentId.is_in(chunk.iter().copied()))
                .all(self.read())
                .await?;
            for row in rows {
                let kind = OutcomeKind::parse(&row.kind)
                    .ok_or(StoreError::Foreign { what: "kind of outcome", value: row.kind })?;
                facts.entry(row.enrollment_id).or_default().push(kind);
            }
        }
        Ok(facts)
    }
}
