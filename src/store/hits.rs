//! Hits: written in batches, each durable before its answer goes out.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, QueryFilter, QuerySelect};

use super::connection::{Store, StoreError};
use super::enrollments::CHUNK;
use super::entities::{enrollment, hit, message, suppression};
use crate::domain::vocabulary::{EnrollmentStatus, ExitReason, HitClass, HitKind, SuppressionReason};

/// A hit about to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHit {
    /// The message.
    pub message_id: i64,
    /// What happened.
    pub kind: HitKind,
    /// Who was behind it.
    pub class: HitClass,
    /// Role of the link.
    pub role: Option<String>,
    /// Where the link leads.
    pub url: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// The user agent as it named itself.
    pub agent: Option<String>,
}

/// What the hits of an enrollment say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitFacts {
    /// A person followed a link.
    pub clicked: bool,
    /// Roles of the links that a person followed.
    pub roles: Vec<String>,
    /// A message came back.
    pub bounced: bool,
}

impl Store {
    /// Writes hits in one transaction. An unsubscribe also suppresses the address and ends every
    /// active enrollment of the user. Hits of messages that are not there are left out; returns
    /// which messages are known.
    pub async fn insert_hits(&self, hits: Vec<NewHit>) -> Result<HashMap<i64, bool>, StoreError> {
        let transaction = self.begin().await?;
        let ids: Vec<i64> = hits.iter().map(|hit| hit.message_id).collect();
        let mut owners: HashMap<i64, i64> = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            let rows: Vec<(i64, i64)> = message::Entity::find()
                .select_only()
                .columns([message::Column::Id, message::Column::EnrollmentId])
                .filter(message::Column::Id.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(&transaction)
                .await?;
            owners.extend(rows);
        }
        let known: Vec<&NewHit> = hits.iter().filter(|hit| owners.contains_key(&hit.message_id)).collect();
        for chunk in known.chunks(CHUNK) {
            let rows = chunk.iter().map(|new| hit::ActiveModel {
                id: NotSet,
                message_id: Set(new.message_id),
                kind: Set(new.kind.as_str().to_owned()),
                class: Set(new.class.as_str().to_owned()),
                role: Set(new.role.clone()),
                url: Set(new.url.clone()),
                at: Set(new.at),
                agent: Set(new.agent.clone()),
            });
            hit::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        }
        for new in known.iter().filter(|hit| hit.kind == HitKind::Unsubscribe) {
            let Some(owner) = owners.get(&new.message_id) else { continue };
            let Some(row) = enrollment::Entity::find_by_id(*owner).one(&transaction).await? else { continue };
            let mut entries = vec![("user", row.user_id.clone())];
            if let Some(address) =
                row.email.as_deref().and_then(|email| crate::domain::contact::EmailAddress::parse(email).ok())
            {
                entries.push(("email", address.suppression_key()));
            }
            let rows = entries.into_iter().map(|(kind, value)| suppression::ActiveModel {
                kind: Set(kind.to_owned()),
                value: Set(value),
                reason: Set(SuppressionReason::Unsubscribed.as_str().to_owned()),
                at: Set(new.at),
                note: Set(None),
            });
            suppression::Entity::insert_many(rows)
                .on_conflict_do_nothing_on([suppression::Column::Kind, suppression::Column::Value])
                .exec_without_returning(&transaction)
                .await?;
            enrollment::Entity::update_many()
                .col_expr(enrollment::Column::Status, Expr::value(EnrollmentStatus::Exited.as_str()))
                .col_expr(enrollment::Column::ExitReason, Expr::value(Some(ExitReason::Unsubscribed.as_str())))
                .col_expr(enrollment::Column::DueAt, Expr::value(None::<DateTime<Utc>>))
                .col_expr(enrollment::Column::EndedAt, Expr::value(Some(new.at)))
                .filter(enrollment::Column::UserId.eq(row.user_id))
                .filter(enrollment::Column::Status.eq(EnrollmentStatus::Active.as_str()))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(ids.into_iter().map(|id| (id, owners.contains_key(&id))).collect())
    }

    /// What the hits of these enrollments say; enrollments without hits are absent.
    pub async fn hit_facts(&self, enrollments: &[i64]) -> Result<HashMap<i64, HitFacts>, StoreError> {
        let mut facts: HashMap<i64, HitFacts> = HashMap::new();
        for chunk in enrollments.chunks(CHUNK * 10) {
            let rows: Vec<(i64, String, String, Option<String>)> = hit::Entity::find()
                .select_only()
                .column(message::Column::EnrollmentId)
                .columns([hit::Column::Kind, hit::Column::Class, hit::Column::Role])
                .join(
                    sea_orm::JoinType::InnerJoin,
                    hit::Entity::belongs_to(message::Entity)
                        .from(hit::Column::MessageId)
                        .to(message::Column::Id)
                        .into(),
                )
                .filter(message::Column::EnrollmentId.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(self.read())
                .await?;
            for (enrollment, kind, class, role) in rows {
                let fact = facts.entry(enrollment).or_default();
                match HitKind::parse(&kind) {
                    Some(HitKind::Click) if HitClass::parse(&class) == Some(HitClass::Human) => {
                        fact.clicked = true;
                        fact.roles.extend(role);
                    }
                    Some(HitKind::Bounce) => fact.bounced = true,
                    Some(HitKind::Click | HitKind::Unsubscribe) | None => {}
                }
            }
        }
        Ok(facts)
    }

    /// Every hit on the messages of a workflow.
    pub async fn hits(&self, workflow: &str) -> Result<Vec<hit::Model>, StoreError> {
        let of_workflow = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::Workflow.eq(workflow));
        let rows = hit::Entity::find()
            .filter(hit::Column::MessageId.in_subquery(sea_orm::QueryTrait::into_query(of_workflow)))
            .all(self.read())
            .await?;
        Ok(rows)
    }
}
