//! Outcomes: what was found in the events of enrolled users.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::connection::{Store, StoreError};
use super::enrollments::CHUNK;
use super::entities::{enrollment, outcome};
use crate::domain::vocabulary::OutcomeKind;

/// An enrollment whose window is not fully read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWindow {
    /// The enrollment.
    pub enrollment_id: i64,
    /// The user.
    pub user_id: String,
    /// Events later than this count.
    pub entered_at: DateTime<Utc>,
    /// Events up to here count.
    pub window_ends_at: DateTime<Utc>,
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
    /// Enrollments of a workflow that began before `as_of` and whose window was open when last read.
    pub async fn open_windows(&self, workflow: &str, as_of: DateTime<Utc>) -> Result<Vec<OpenWindow>, StoreError> {
        let rows: Vec<(i64, String, DateTime<Utc>, DateTime<Utc>)> = enrollment::Entity::find()
            .select_only()
            .columns([
                enrollment::Column::Id,
                enrollment::Column::UserId,
                enrollment::Column::EnteredAt,
                enrollment::Column::WindowEndsAt,
            ])
            .filter(enrollment::Column::Workflow.eq(workflow))
            .filter(enrollment::Column::EnteredAt.lt(as_of))
            .filter(Expr::col(enrollment::Column::OutcomesUntil).lt(Expr::col(enrollment::Column::WindowEndsAt)))
            .filter(enrollment::Column::OutcomesUntil.lt(as_of))
            .order_by_asc(enrollment::Column::Id)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(enrollment_id, user_id, entered_at, window_ends_at)| OpenWindow {
                enrollment_id,
                user_id,
                entered_at,
                window_ends_at,
            })
            .collect())
    }

    /// Writes outcomes, and that the windows of the workflow were read up to `as_of`.
    pub async fn write_outcomes(
        &self,
        workflow: &str,
        found: Vec<Found>,
        as_of: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        for chunk in found.chunks(CHUNK) {
            let rows = chunk.iter().map(|new| outcome::ActiveModel {
                enrollment_id: Set(new.enrollment_id),
                kind: Set(new.kind.as_str().to_owned()),
                first_at: Set(new.first_at),
                events: Set(new.events),
                value_minor: Set(new.value_minor),
            });
            let replace = OnConflict::columns([outcome::Column::EnrollmentId, outcome::Column::Kind])
                .update_columns([outcome::Column::FirstAt, outcome::Column::Events, outcome::Column::ValueMinor])
                .to_owned();
            outcome::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(&transaction).await?;
        }
        enrollment::Entity::update_many()
            .col_expr(enrollment::Column::OutcomesUntil, Expr::value(as_of))
            .filter(enrollment::Column::Workflow.eq(workflow))
            .filter(enrollment::Column::EnteredAt.lt(as_of))
            .filter(Expr::col(enrollment::Column::OutcomesUntil).lt(Expr::col(enrollment::Column::WindowEndsAt)))
            .filter(enrollment::Column::OutcomesUntil.lt(as_of))
            .exec(&transaction)
            .await?;
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
