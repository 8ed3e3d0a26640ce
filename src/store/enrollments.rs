//! Enrollments in bulk: entering, advancing, and what the source newly says of those on the way.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet, QueryFilter, QueryOrder, QuerySelect,
};

use super::connection::{Store, StoreError};
use super::entities::enrollment;
use crate::domain::vocabulary::{Arm, EnrollmentStatus, ExitReason};

/// Rows per multi-row statement: well below SQLite's 32,766 and PostgreSQL's 65,535 parameters.
pub(super) const CHUNK: usize = 500;

/// A user about to enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnrollment {
    /// The user.
    pub user_id: String,
    /// Which side of the experiment.
    pub arm: Arm,
    /// Contacts and values as evaluated.
    pub person: Person,
}

/// What an evaluation says of a user: contacts, and the values that templates and conditions see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Address, valid or not.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Name as addressed.
    pub name: Option<String>,
    /// Language tag.
    pub locale: Option<String>,
    /// JSON object of attributes and features.
    pub profile: String,
}

/// What all enrollments of one run share.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: String,
    /// The run.
    pub run_id: i64,
    /// The run's instant.
    pub entered_at: DateTime<Utc>,
    /// End of the goal's window.
    pub window_ends_at: DateTime<Utc>,
    /// When the first stage is due.
    pub due_at: DateTime<Utc>,
}

/// A user's history in a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prior {
    /// The user.
    pub user_id: String,
    /// The last entry.
    pub entered_at: DateTime<Utc>,
    /// Whether an enrollment is active.
    pub active: bool,
}

/// Where an enrollment goes after a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To the stage at this index, due then.
    Next {
        /// Index of the stage.
        position: i32,
        /// When.
        due_at: DateTime<Utc>,
    },
    /// Nowhere: it was the last stage.
    Finish,
    /// Out.
    Exit(ExitReason),
}

/// A row of the analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The enrollment.
    pub id: i64,
    /// The user.
    pub user_id: String,
    /// Its side.
    pub arm: Arm,
    /// The start of its window.
    pub entered_at: DateTime<Utc>,
}

impl Store {
    /// Enters users; those already entered by this run, or active in the workflow, are left as they are.
    pub async fn enroll(
        &self,
        transaction: &impl ConnectionTrait,
        entry: &Entry,
        users: &[NewEnrollment],
    ) -> Result<(), StoreError> {
        for chunk in users.chunks(CHUNK) {
            let rows = chunk.iter().map(|user| enrollment::ActiveModel {
                id: NotSet,
                workflow: Set(entry.workflow.clone()),
                version: Set(entry.version.clone()),
                run_id: Set(entry.run_id),
                user_id: Set(user.user_id.clone()),
                arm: Set(user.arm.as_str().to_owned()),
                status: Set(EnrollmentStatus::Active.as_str().to_owned()),
                exit_reason: Set(None),
                entered_at: Set(entry.entered_at),
                window_ends_at: Set(entry.window_ends_at),
                position: Set(0),
                due_at: Set(Some(entry.due_at)),
                ended_at: Set(None),
                email: Set(user.person.email.clone()),
                phone: Set(user.person.phone.clone()),
                name: Set(user.person.name.clone()),
                locale: Set(user.person.locale.clone()),
                profile: Set(user.person.profile.clone()),
            });
            enrollment::Entity::insert_many(rows).on_conflict_do_nothing().exec_without_returning(transaction).await?;
        }
        Ok(())
    }

    /// Every user who ever entered the workflow.
    pub async fn priors(&self, workflow: &str) -> Result<Vec<Prior>, StoreError> {
        let active = Expr::case(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()), 1).finally(0);
        let rows: Vec<(String, DateTime<Utc>, i32)> = enrollment::Entity::find()
            .select_only()
            .column(enrollment::Column::UserId)
            .column_as(enrollment::Column::EnteredAt.max(), "entered")
            .column_as(Expr::expr(active).max(), "active")
            .filter(enrollment::Column::Workflow.eq(workflow))
            .group_by(enrollment::Column::UserId)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(user_id, entered_at, active)| Prior { user_id, entered_at, active: active == 1 })
            .collect())
    }

    /// Active enrollments whose next stage is due, earliest first.
    pub async fn due_enrollments(&self, now: DateTime<Utc>, limit: u64) -> Result<Vec<enrollment::Model>, StoreError> {
        let rows = enrollment::Entity::find()
            .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
            .filter(enrollment::Column::DueAt.lte(now))
            .order_by_asc(enrollment::Column::DueAt)
            .order_by_asc(enrollment::Column::Id)
            .limit(limit)
            .all(self.write())
            .await?;
        Ok(rows)
    }

    /// Workflows that have an enrollment whose stage is due.
    pub async fn workflows_due(&self, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        let names = enrollment::Entity::find()
            .select_only()
            .column(enrollment::Column::Workflow)
            .distinct()
            .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
            .filter(enrollment::Column::DueAt.lte(now))
            .order_by_asc(enrollment::Column::Workflow)
            .into_tuple()
            .all(self.write())
            .await?;
        Ok(names)
    }

    /// When the next stage of any enrollment is due.
    pub async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let due = enrollment::Entity::find()
            .select_only()
            .column(enrollment::Column::DueAt)
            .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
            .filter(enrollment::Column::DueAt.is_not_null())
            .order_by_asc(enrollment::Column::DueAt)
            .limit(1)
            .into_tuple::<Option<DateTime<Utc>>>()
            .one(self.read())
            .await?;
        Ok(due.flatten())
    }

    /// Moves enrollments on, one statement per distinct step.
    pub async fn advance(
        &self,
        transaction: &impl ConnectionTrait,
        steps: Vec<(i64, Step)>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut groups: BTreeMap<Step, Vec<i64>> = BTreeMap::new();
        for (id, step) in steps {
            groups.entry(step).or_default().push(id);
        }
        for (step, ids) in groups {
            for chunk in ids.chunks(CHUNK * 10) {
                let update = enrollment::Entity::update_many()
                    .filter(enrollment::Column::Id.is_in(chunk.iter().copied()))
                    .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()));
                let update = match &step {
                    Step::Next { position, due_at } => update
                        .col_expr(enrollment::Column::Position, Expr::value(*position))
                        .col_expr(enrollment::Column::DueAt, Expr::value(Some(*due_at))),
                    Step::Finish => over(update, EnrollmentStatus::Finished, None, now),
                    Step::Exit(reason) => over(update, EnrollmentStatus::Exited, Some(*reason), now),
                };
                update.exec(transaction).await?;
            }
        }
        Ok(())
    }

    /// Active enrollments of a workflow, in pages by id.
    pub async fn active_enrollments(
        &self,
        workflow: &str,
        after: i64,
        limit: u64,
    ) -> Result<Vec<enrollment::Model>, StoreError> {
        let rows = enrollment::Entity::find()
            .filter(enrollment::Column::Workflow.eq(workflow))
            .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
            .filter(enrollment::Column::Id.gt(after))
            .order_by_asc(enrollment::Column::Id)
            .limit(limit)
            .all(self.read())
            .await?;
        Ok(rows)
    }

    /// Enrollments by id.
    pub async fn enrollments_by_id(&self, ids: &[i64]) -> Result<Vec<enrollment::Model>, StoreError> {
        let mut rows = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK * 10) {
            let found = enrollment::Entity::find()
                .filter(enrollment::Column::Id.is_in(chunk.iter().copied()))
                .all(self.read())
                .await?;
            rows.extend(found);
        }
        Ok(rows)
    }

    /// Writes what the source newly says of users on the way; only changed ones are passed in.
    pub async fn refresh(
        &self,
        transaction: &impl ConnectionTrait,
        people: Vec<(i64, Person)>,
    ) -> Result<(), StoreError> {
        for (id, person) in people {
            enrollment::Entity::update_many()
                .col_expr(enrollment::Column::Email, Expr::value(person.email))
                .col_expr(enrollment::Column::Phone, Expr::value(person.phone))
                .col_expr(enrollment::Column::Name, Expr::value(person.name))
                .col_expr(enrollment::Column::Locale, Expr::value(person.locale))
                .col_expr(enrollment::Column::Profile, Expr::value(person.profile))
                .filter(enrollment::Column::Id.eq(id))
                .exec(transaction)
                .await?;
        }
        Ok(())
    }

    /// How many enrolled under each version of a workflow up to an instant.
    pub async fn enrolled_by_version(
        &self,
        workflow: &str,
        until: DateTime<Utc>,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = enrollment::Entity::find()
            .select_only()
            .column(enrollment::Column::Version)
            .column_as(enrollment::Column::Id.count(), "enrolled")
            .filter(enrollment::Column::Workflow.eq(workflow))
            .filter(enrollment::Column::EnteredAt.lte(until))
            .group_by(enrollment::Column::Version)
            .order_by_asc(enrollment::Column::Version)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(rows)
    }

    /// Every enrollment of a workflow, in order of entry.
    pub async fn participants(&self, workflow: &str) -> Result<Vec<Participant>, StoreError> {
        let rows = enrollment::Entity::find()
            .select_only()
            .columns([
                enrollment::Column::Id,
                enrollment::Column::UserId,
                enrollment::Column::Arm,
                enrollment::Column::EnteredAt,
            ])
            .filter(enrollment::Column::Workflow.eq(workflow))
            .order_by_asc(enrollment::Column::EnteredAt)
            .order_by_asc(enrollment::Column::Id)
            .into_tuple::<(i64, String, String, DateTime<Utc>)>()
            .all(self.read())
            .await?;
        rows.into_iter()
            .map(|(id, user_id, arm, entered_at)| {
                let arm = Arm::parse(&arm).ok_or(StoreError::Foreign { what: "arm", value: arm })?;
                Ok(Participant { id, user_id, arm, entered_at })
            })
            .collect()
    }
}

fn over(
    update: sea_orm::UpdateMany<enrollment::Entity>,
    status: EnrollmentStatus,
    reason: Option<ExitReason>,
    now: DateTime<Utc>,
) -> sea_orm::UpdateMany<enrollment::Entity> {
    update
        .col_expr(enrollment::Column::Status, Expr::value(status.as_str()))
        .col_expr(enrollment::Column::ExitReason, Expr::value(reason.map(|reason| reason.as_str().to_owned())))
        .col_expr(enrollment::Column::DueAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(enrollment::Column::EndedAt, Expr::value(Some(now)))
}
