//! The queue of messages: claimed, marked and settled in batches, each write fenced by its epoch.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, JoinType, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::connection::{Store, StoreError};
use super::enrollments::CHUNK;
use super::entities::{attempt, enrollment, message};
use crate::domain::vocabulary::{AttemptResult, MessageStatus, SkipReason};

/// A message about to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Public key.
    pub key: String,
    /// Whose.
    pub enrollment_id: i64,
    /// The workflow.
    pub workflow: String,
    /// The stage.
    pub stage: String,
    /// The user.
    pub user_id: String,
    /// The variant.
    pub variant: String,
    /// The channel.
    pub channel: String,
    /// The workflow's priority.
    pub priority: i32,
    /// When it should go out.
    pub due_at: DateTime<Utc>,
    /// Not later than this.
    pub expires_at: Option<DateTime<Utc>>,
    /// Pending, or final at once: skipped or withheld with the reason.
    pub fate: Fate,
}

/// What becomes of a message when it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It will be sent.
    Send,
    /// It will not, for this reason.
    Skip(SkipReason),
    /// It is a ghost send, for this reason.
    Withhold(SkipReason),
}

/// The end of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The message.
    pub id: i64,
    /// The epoch of the claim; under an older one nothing is written.
    pub epoch: i32,
    /// The attempt that was made, if one was: its number, how it ended, what the other side said.
    pub attempt: Option<(i32, AttemptResult, String)>,
    /// The new state.
    pub to: Settled,
}

/// The state of a message after a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settled {
    /// Final, with the reason of a skip.
    Final(MessageStatus, Option<SkipReason>),
    /// Back in the queue until then.
    Again(DateTime<Utc>),
}

impl Store {
    /// Writes messages down; one that exists for the enrollment and stage stays as it is.
    pub async fn insert_messages(
        &self,
        transaction: &impl ConnectionTrait,
        messages: Vec<NewMessage>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for chunk in messages.chunks(CHUNK) {
            let rows = chunk.iter().map(|new| {
                let (status, reason) = match new.fate {
                    Fate::Send => (MessageStatus::Pending, None),
                    Fate::Skip(reason) => (MessageStatus::Skipped, Some(reason)),
                    Fate::Withhold(reason) => (MessageStatus::Withheld, Some(reason)),
                };
                let waits = status == MessageStatus::Pending;
                message::ActiveModel {
                    id: NotSet,
                    key: Set(new.key.clone()),
                    enrollment_id: Set(new.enrollment_id),
                    workflow: Set(new.workflow.clone()),
                    stage: Set(new.stage.clone()),
                    user_id: Set(new.user_id.clone()),
                    variant: Set(new.variant.clone()),
                    channel: Set(new.channel.clone()),
                    status: Set(status.as_str().to_owned()),
                    reason: Set(reason.map(|reason| reason.as_str().to_owned())),
                    priority: Set(new.priority),
                    created_at: Set(now),
                    due_at: Set(new.due_at),
                    expires_at: Set(new.expires_at),
                    next_attempt_at: Set(waits.then_some(now)),
                    attempts: Set(0),
                    epoch: Set(0),
                    claimed_by: Set(None),
                    settled_at: Set((!waits).then_some(now)),
                }
            });
            message::Entity::insert_many(rows)
                .on_conflict_do_nothing_on([message::Column::EnrollmentId, message::Column::Stage])
                .exec_without_returning(transaction)
                .await?;
        }
        Ok(())
    }

    /// Takes due messages of a channel: higher priority first, then the longest due.
    pub async fn claim(
        &self,
        claimant: &str,
        channel: &str,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<message::Model>, StoreError> {
        let mut due = Query::select();
        due.column(message::Column::Id)
            .from(message::Entity)
            .and_where(message::Column::Status.eq(MessageStatus::Pending.as_str()))
            .and_where(message::Column::Channel.eq(channel))
            .and_where(message::Column::NextAttemptAt.lte(now))
            .order_by(message::Column::Priority, sea_orm::Order::Desc)
            .order_by(message::Column::NextAttemptAt, sea_orm::Order::Asc)
            .limit(limit);
        if self.backend() == DbBackend::Postgres {
            due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let mut rows = message::Entity::update_many()
            .col_expr(message::Column::Status, Expr::value(MessageStatus::Claimed.as_str()))
            .col_expr(message::Column::Epoch, Expr::col(message::Column::Epoch).add(1))
            .col_expr(message::Column::ClaimedBy, Expr::value(Some(claimant.to_owned())))
            .filter(message::Column::Id.in_subquery(due))
            .exec_with_returning(self.write())
            .await?;
        rows.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.next_attempt_at, row.id));
        Ok(rows)
    }

    /// The mark before what cannot be taken back: returns the messages that may go out.
    ///
    /// A message is refused when its claim is no longer the latest, or was settled.
    pub async fn mark_sending(&self, claims: &[(i64, i32)]) -> Result<HashSet<i64>, StoreError> {
        let mut marked = HashSet::with_capacity(claims.len());
        for (epoch, ids) in by_epoch(claims.iter().copied()) {
            let rows: Vec<message::Model> = message::Entity::update_many()
                .col_expr(message::Column::Status, Expr::value(MessageStatus::Sending.as_str()))
                .filter(message::Column::Id.is_in(ids))
                .filter(message::Column::Epoch.eq(epoch))
                .filter(message::Column::Status.eq(MessageStatus::Claimed.as_str()))
                .exec_with_returning(self.write())
                .await?;
            marked.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(marked)
    }

    /// Ends claims: attempts and new states in one transaction.
    pub async fn settle(&self, settlements: Vec<Settlement>, now: DateTime<Utc>) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let mut groups: BTreeMap<(Settled, bool, i32), Vec<i64>> = BTreeMap::new();
        let mut attempts = Vec::new();
        for settlement in settlements {
            let attempted = settlement.attempt.is_some();
            if let Some((number, result, reply)) = settlement.attempt {
                attempts.push(attempt::ActiveModel {
                    id: NotSet,
                    message_id: Set(settlement.id),
                    number: Set(number),
                    at: Set(now),
                    result: Set(result.as_str().to_owned()),
                    reply: Set(reply),
                });
            }
            groups.entry((settlement.to, attempted, settlement.epoch)).or_default().push(settlement.id);
        }
        for chunk in attempts.chunks(CHUNK) {
            attempt::Entity::insert_many(chunk.to_vec()).exec_without_returning(&transaction).await?;
        }
        for ((to, attempted, epoch), ids) in groups {
            let update = message::Entity::update_many()
                .filter(message::Column::Id.is_in(ids))
                .filter(message::Column::Epoch.eq(epoch))
                .filter(
                    message::Column::Status.is_in([MessageStatus::Claimed.as_str(), MessageStatus::Sending.as_str()]),
                )
                .col_expr(message::Column::ClaimedBy, Expr::value(None::<String>))
                .col_expr(message::Column::Attempts, Expr::col(message::Column::Attempts).add(i32::from(attempted)));
            let update = match to {
                Settled::Final(status, reason) => update
                    .col_expr(message::Column::Status, Expr::value(status.as_str()))
                    .col_expr(message::Column::Reason, Expr::value(reason.map(|reason| reason.as_str().to_owned())))
                    .col_expr(message::Column::NextAttemptAt, Expr::value(None::<DateTime<Utc>>))
                    .col_expr(message::Column::SettledAt, Expr::value(Some(now))),
                Settled::Again(at) => update
                    .col_expr(message::Column::Status, Expr::value(MessageStatus::Pending.as_str()))
                    .col_expr(message::Column::NextAttemptAt, Expr::value(Some(at))),
            };
            update.exec(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes over what a dead process left behind; only the holder of the ledger's lock may call it.
    ///
    /// What was claimed only goes back into the queue. What was marked becomes `uncertain`, or goes
    /// back too where repeating is harmless (`repeatable` channels) or was chosen (`resend`).
    /// Returns how many became uncertain.
    pub async fn recover(&self, repeatable: &[String], resend: bool, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let again = |update: sea_orm::UpdateMany<message::Entity>| {
            update
                .col_expr(message::Column::Status, Expr::value(MessageStatus::Pending.as_str()))
                .col_expr(message::Column::ClaimedBy, Expr::value(None::<String>))
                .col_expr(message::Column::NextAttemptAt, Expr::value(Some(now)))
        };
        let transaction = self.begin().await?;
        again(message::Entity::update_many())
            .filter(message::Column::Status.eq(MessageStatus::Claimed.as_str()))
            .exec(&transaction)
            .await?;
        let mut marked =
            again(message::Entity::update_many()).filter(message::Column::Status.eq(MessageStatus::Sending.as_str()));
        if !resend {
            marked = marked.filter(message::Column::Channel.is_in(repeatable.iter().map(String::as_str)));
        }
        marked.exec(&transaction).await?;
        let uncertain = message::Entity::update_many()
            .col_expr(message::Column::Status, Expr::value(MessageStatus::Uncertain.as_str()))
            .col_expr(message::Column::ClaimedBy, Expr::value(None::<String>))
            .col_expr(message::Column::NextAttemptAt, Expr::value(None::<DateTime<Utc>>))
            .col_expr(message::Column::SettledAt, Expr::value(Some(now)))
            .filter(message::Column::Status.eq(MessageStatus::Sending.as_str()))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(uncertain.rows_affected)
    }

    /// When the next pending message of any channel is to be tried.
    pub async fn next_attempt(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let at = message::Entity::find()
            .select_only()
            .column_as(message::Column::NextAttemptAt.min(), "at")
            .filter(message::Column::Status.eq(MessageStatus::Pending.as_str()))
            .into_tuple::<Option<DateTime<Utc>>>()
            .one(self.read())
            .await?;
        Ok(at.flatten())
    }

    /// How many messages each of these enrollments was sent; those without any are absent.
    pub async fn sent_counts(&self, enrollments: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut counts = Vec::new();
        for chunk in enrollments.chunks(CHUNK * 10) {
            let rows: Vec<(i64, i64)> = message::Entity::find()
                .select_only()
                .column(message::Column::EnrollmentId)
                .column_as(message::Column::Id.count(), "sent")
                .filter(message::Column::EnrollmentId.is_in(chunk.iter().copied()))
                .filter(message::Column::Status.eq(MessageStatus::Sent.as_str()))
                .group_by(message::Column::EnrollmentId)
                .into_tuple()
                .all(self.read())
                .await?;
            counts.extend(rows);
        }
        Ok(counts)
    }

    /// What the other side said when it refused other messages to the same user at the same address.
    pub async fn refusals(
        &self,
        workflows: &[&str],
        message: &message::Model,
        email: &str,
    ) -> Result<Vec<String>, StoreError> {
        let replies = attempt::Entity::find()
            .select_only()
            .column(attempt::Column::Reply)
            .join(
                JoinType::InnerJoin,
                attempt::Entity::belongs_to(message::Entity)
                    .from(attempt::Column::MessageId)
                    .to(message::Column::Id)
                    .into(),
            )
            .join(
                JoinType::InnerJoin,
                message::Entity::belongs_to(enrollment::Entity)
                    .from(message::Column::EnrollmentId)
                    .to(enrollment::Column::Id)
                    .into(),
            )
            // The workflows are named for the sake of the index on workflow and user.
            .filter(enrollment::Column::Workflow.is_in(workflows.iter().copied()))
            .filter(enrollment::Column::UserId.eq(message.user_id.as_str()))
            .filter(enrollment::Column::Email.eq(email))
            .filter(message::Column::Id.ne(message.id))
            .filter(attempt::Column::Result.eq(AttemptResult::Refused.as_str()))
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(replies)
    }

    /// How many messages are in a state.
    pub async fn count_messages(&self, status: MessageStatus) -> Result<u64, StoreError> {
        let count =
            message::Entity::find().filter(message::Column::Status.eq(status.as_str())).count(self.read()).await?;
        Ok(count)
    }

    /// Every message of a workflow, by enrollment and then in the order of their creation.
    pub async fn messages(&self, workflow: &str) -> Result<Vec<message::Model>, StoreError> {
        let rows = message::Entity::find()
            .filter(message::Column::Workflow.eq(workflow))
            .order_by_asc(message::Column::EnrollmentId)
            .order_by_asc(message::Column::Id)
            .all(self.read())
            .await?;
        Ok(rows)
    }
}

fn by_epoch(claims: impl Iterator<Item = (i64, i32)>) -> BTreeMap<i32, Vec<i64>> {
    let mut groups: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for (id, epoch) in claims {
        groups.entry(epoch).or_default().push(id);
    }
    groups
}
