//! Runs: claimed by workflow and slot, so that no slot runs twice, and the versions that ran.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet, QueryFilter, QueryOrder, QuerySelect,
};

use super::connection::{Store, StoreError};
use super::entities::{run, workflow_version};
use crate::domain::vocabulary::RunStatus;

/// How a run stands when somebody wants to execute its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is ours to do: new, failed before, or cut off before its result was written.
    Ours(i64),
    /// It has been done.
    Done(run::Model),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Users considered.
    pub considered: i64,
    /// Users enrolled with messages.
    pub treated: i64,
    /// Users enrolled without.
    pub holdout: i64,
    /// JSON object: users per reason.
    pub excluded: String,
}

impl Store {
    /// Begins the run of a slot, keeping the version's text.
    pub async fn begin_run(
        &self,
        workflow: &str,
        slot: DateTime<Utc>,
        version: &str,
        now: DateTime<Utc>,
    ) -> Result<Begun, StoreError> {
        let row = run::ActiveModel {
            id: NotSet,
            workflow: Set(workflow.to_owned()),
            slot: Set(slot),
            version: Set(version.to_owned()),
            status: Set(RunStatus::Running.as_str().to_owned()),
            started_at: Set(now),
            finished_at: Set(None),
            considered: Set(0),
            treated: Set(0),
            holdout: Set(0),
            excluded: Set("{}".to_owned()),
            error: Set(None),
        };
        run::Entity::insert(row)
            .on_conflict_do_nothing_on([run::Column::Workflow, run::Column::Slot])
            .exec_without_returning(self.write())
            .await?;
        let found = self
            .find_run(workflow, slot)
            .await?
            .ok_or(StoreError::Foreign { what: "run", value: "no row after insert".to_owned() })?;
        if found.status == RunStatus::Done.as_str() {
            return Ok(Begun::Done(found));
        }
        run::Entity::update_many()
            .col_expr(run::Column::Status, Expr::value(RunStatus::Running.as_str()))
            .col_expr(run::Column::Version, Expr::value(version))
            .col_expr(run::Column::StartedAt, Expr::value(now))
            .filter(run::Column::Id.eq(found.id))
            .exec(self.write())
            .await?;
        Ok(Begun::Ours(found.id))
    }

    /// The run of a slot.
    pub async fn find_run(&self, workflow: &str, slot: DateTime<Utc>) -> Result<Option<run::Model>, StoreError> {
        let found = run::Entity::find()
            .filter(run::Column::Workflow.eq(workflow))
            .filter(run::Column::Slot.eq(slot))
            .one(self.write())
            .await?;
        Ok(found)
    }

    /// All runs of a workflow, oldest first.
    pub async fn runs(&self, workflow: &str) -> Result<Vec<run::Model>, StoreError> {
        let rows = run::Entity::find()
            .filter(run::Column::Workflow.eq(workflow))
            .order_by_asc(run::Column::Slot)
            .all(self.read())
            .await?;
        Ok(rows)
    }

    /// Writes a run's result; part of the transaction that enrolls its audience.
    pub async fn finish_run(
        &self,
        transaction: &impl ConnectionTrait,
        id: i64,
        result: RunResult,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        run::Entity::update_many()
            .col_expr(run::Column::Status, Expr::value(RunStatus::Done.as_str()))
            .col_expr(run::Column::FinishedAt, Expr::value(Some(now)))
            .col_expr(run::Column::Considered, Expr::value(result.considered))
            .col_expr(run::Column::Treated, Expr::value(result.treated))
            .col_expr(run::Column::Holdout, Expr::value(result.holdout))
            .col_expr(run::Column::Excluded, Expr::value(result.excluded))
            .col_expr(run::Column::Error, Expr::value(None::<String>))
            .filter(run::Column::Id.eq(id))
            .exec(transaction)
            .await?;
        Ok(())
    }

    /// Writes down that a run failed, and why.
    pub async fn fail_run(&self, id: i64, error: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        run::Entity::update_many()
            .col_expr(run::Column::Status, Expr::value(RunStatus::Failed.as_str()))
            .col_expr(run::Column::FinishedAt, Expr::value(Some(now)))
            .col_expr(run::Column::Error, Expr::value(Some(error.to_owned())))
            .filter(run::Column::Id.eq(id))
            .exec(self.write())
            .await?;
        Ok(())
    }

    /// Writes down slots that passed unattended.
    pub async fn missed_runs(
        &self,
        workflow: &str,
        version: &str,
        slots: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if slots.is_empty() {
            return Ok(());
        }
        let rows = slots.iter().map(|slot| run::ActiveModel {
            id: NotSet,
            workflow: Set(workflow.to_owned()),
            slot: Set(*slot),
            version: Set(version.to_owned()),
            status: Set(RunStatus::Missed.as_str().to_owned()),
            started_at: Set(now),
            finished_at: Set(Some(now)),
            considered: Set(0),
            treated: Set(0),
            holdout: Set(0),
            excluded: Set("{}".to_owned()),
            error: Set(Some("the slot passed while nothing was running".to_owned())),
        });
        run::Entity::insert_many(rows)
            .on_conflict_do_nothing_on([run::Column::Workflow, run::Column::Slot])
            .exec_without_returning(self.write())
            .await?;
        Ok(())
    }

    /// Keeps the text of a version, and says when it was first seen.
    pub async fn keep_version(
        &self,
        workflow: &str,
        version: &str,
        yaml: &str,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let row = workflow_version::ActiveModel {
            workflow: Set(workflow.to_owned()),
            version: Set(version.to_owned()),
            yaml: Set(yaml.to_owned()),
            first_seen_at: Set(now),
        };
        workflow_version::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([workflow_version::Column::Workflow, workflow_version::Column::Version])
                    .do_nothing_on([workflow_version::Column::Workflow, workflow_version::Column::Version])
                    .to_owned(),
            )
            .exec_without_returning(self.write())
            .await
            .map(|_| ())
            .or_else(|error| match error {
                sea_orm::DbErr::RecordNotInserted => Ok(()),
                other => Err(other),
            })?;
        let kept =
            workflow_version::Entity::find_by_id((workflow.to_owned(), version.to_owned())).one(self.write()).await?;
        Ok(kept.map_or(now, |row| row.first_seen_at))
    }

    /// The text of a version.
    pub async fn version(&self, workflow: &str, version: &str) -> Result<Option<String>, StoreError> {
        let row =
            workflow_version::Entity::find_by_id((workflow.to_owned(), version.to_owned())).one(self.read()).await?;
        Ok(row.map(|row| row.yaml))
    }

    /// The latest slot of a workflow that has a run of any kind.
    pub async fn last_slot(&self, workflow: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let slot = run::Entity::find()
            .select_only()
            .column(run::Column::Slot)
            .filter(run::Column::Workflow.eq(workflow))
            .order_by_desc(run::Column::Slot)
            .limit(1)
            .into_tuple::<DateTime<Utc>>()
            .one(self.read())
            .await?;
        Ok(slot)
    }
}
