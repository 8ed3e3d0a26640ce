//! Claim, prepare, send, settle: batch after batch for each channel, until nothing is due.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::journal::{Claim, Journal};
use super::outbox::{Outlet, Transport};
use super::prepare::{self, Context, Ready};
use super::render::{LinkMaker, Templates};
use super::smtp::reply::is_bare_550;
use super::transport::{Delivery, Fault};
use super::verdict::{Tried, judge};
use crate::domain::clock::Clock;
use crate::domain::vocabulary::{MessageStatus, SkipReason, SuppressionReason};
use crate::project::model::{Project, Workflow};
use crate::stages::versions::Versions;
use crate::store::entities::{enrollment, message};
use crate::store::messages::{Settled, Settlement};
use crate::store::suppressions::Suppressed;
use crate::store::{Store, StoreError};

/// How long the last settlements may take at the end of a process.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Sends what is due. One per process.
#[derive(Debug)]
pub struct Dispatcher {
    /// The ledger.
    pub store: Store,
    /// The project.
    pub project: Arc<Project>,
    /// Its messages.
    pub templates: Arc<Templates>,
    /// Its channels.
    pub outlets: BTreeMap<String, Outlet>,
    /// Makes links; absent where the project has no `tracking`.
    pub links: Option<Arc<LinkMaker>>,
    /// What time it is.
    pub clock: Clock,
    /// The name of this process in claims.
    pub claimant: String,
    /// Marks and settlements.
    pub journal: Journal,
    /// Versions of workflows.
    pub versions: tokio::sync::Mutex<Versions>,
}

/// A claimed message with all that belongs to it.
struct Item {
    message: message::Model,
    enrollment: enrollment::Model,
    workflow: Arc<Workflow>,
}

impl Dispatcher {
    /// Sends everything that is due, all channels side by side; returns how many claims were settled.
    ///
    /// When `stop` is cancelled nothing more is claimed or begun; what is in the air is finished.
    pub async fn deliver_due(&self, stop: &CancellationToken) -> Result<u64, StoreError> {
        let drains = self.outlets.values().map(|outlet| self.drain(outlet, stop));
        let mut total = 0;
        for settled in futures::future::join_all(drains).await {
            total += settled?;
        }
        Ok(total)
    }

    async fn drain(&self, outlet: &Outlet, stop: &CancellationToken) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let now = self.clock.now();
            if stop.is_cancelled() || outlet.paused_until(now).is_some() {
                return Ok(total);
            }
            let claimed = self.store.claim(&self.claimant, &outlet.channel.name, now, outlet.batch()).await?;
            if claimed.is_empty() {
                return Ok(total);
            }
            total += claimed.len() as u64;
            let items = self.gather(claimed).await?;
            self.send(outlet, items, stop).await?;
        }
    }

    /// Joins claimed messages with their enrollments and versions. Those without go back for a while.
    async fn gather(&self, claimed: Vec<message::Model>) -> Result<Vec<Item>, StoreError> {
        let ids: Vec<i64> = claimed.iter().map(|message| message.enrollment_id).collect();
        let mut enrollments: HashMap<i64, enrollment::Model> =
            self.store.enrollments_by_id(&ids).await?.into_iter().map(|row| (row.id, row)).collect();
        let mut versions = self.versions.lock().await;
        let mut items = Vec::with_capacity(claimed.len());
        for message in claimed {
            let Some(enrollment) = enrollments.remove(&message.enrollment_id) else {
                self.settle(&message, None, Settled::Final(MessageStatus::Skipped, Some(SkipReason::Exited))).await;
                continue;
            };
            let found = versions.get(&self.project, &self.store, &message.workflow, &enrollment.version).await?;
            match found {
                Some(workflow) => items.push(Item { message, enrollment, workflow }),
                None => {
                    let later = self.clock.now() + chrono::TimeDelta::minutes(5);
                    self.settle(&message, None, Settled::Again(later)).await;
                }
            }
        }
        Ok(items)
    }

    async fn send(&self, outlet: &Outlet, items: Vec<Item>, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(items.len() * 2);
        for item in &items {
            values.push(item.enrollment.user_id.clone());
            values.extend(prepare::address_key(&outlet.channel, &item.enrollment));
        }
        let suppressed = Arc::new(self.store.suppressed_among(&values).await?);
        let mut ready = Vec::with_capacity(items.len());
        for (item, prepared) in self.prepare(outlet, items, suppressed).await {
            match prepared {
                Ok(one) => ready.push((item, one)),
                Err(reason) => {
                    self.settle(&item.message, None, Settled::Final(MessageStatus::Skipped, Some(reason))).await;
                }
            }
        }
        match &outlet.transport {
            Transport::Directory(directory) => {
                let (items, files): (Vec<Item>, Vec<(String, Vec<u8>)>) = ready
                    .into_iter()
                    .filter_map(|(item, one)| match one {
                        Ready::File(name, bytes) => Some((item, (name, bytes))),
                        Ready::Mail(_) | Ready::Call(_) => None,
                    })
                    .unzip();
                let answers = directory.write_batch(files).await;
                for (item, answer) in items.into_iter().zip(answers) {
                    self.conclude(outlet, &item, answer).await?;
                }
            }
            Transport::Smtp(_) | Transport::Webhook(_) => {
                let work = futures::stream::iter(ready).map(|(item, one)| async move {
                    if let Some(until) = self.held_back(outlet, stop) {
                        self.settle(&item.message, None, Settled::Again(until)).await;
                        return Ok(());
                    }
                    let answer = self.attempt(outlet, &item, one).await;
                    self.conclude(outlet, &item, answer).await
                });
                let mut done = work.buffer_unordered(outlet.concurrency());
                while let Some(result) = done.next().await {
                    result?;
                }
            }
        }
        self.journal.flush().await
    }

    /// Renders a batch on the blocking pool, in as many parts as there are cores to use.
    async fn prepare(
        &self,
        outlet: &Outlet,
        items: Vec<Item>,
        suppressed: Arc<Suppressed>,
    ) -> Vec<(Item, Result<Ready, SkipReason>)> {
        let parts = std::thread::available_parallelism().map_or(2, usize::from);
        let size = items.len().div_ceil(parts).max(1);
        let mut tasks = Vec::new();
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let part: Vec<Item> = items.by_ref().take(size).collect();
            let (channel, templates) = (outlet.channel.clone(), Arc::clone(&self.templates));
            let (links, suppressed) = (self.links.clone(), Arc::clone(&suppressed));
            let now = self.clock.now();
            tasks.push(tokio::task::spawn_blocking(move || {
                let prepared = part.into_iter().map(|item| {
                    let context = Context {
                        workflow: &item.workflow,
                        channel: &channel,
                        templates: &templates,
                        links: links.as_deref(),
                        suppressed: &suppressed,
                        now,
                    };
                    let one = prepare::prepare(&item.message, &item.enrollment, &context);
                    (item, one)
                });
                prepared.collect::<Vec<_>>()
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            match task.await {
                Ok(part) => all.extend(part),
                // Its messages stay claimed and are taken over at the next start.
                Err(error) => tracing::error!(%error, "a batch could not be rendered"),
            }
        }
        all
    }

    /// Until when a claimed message goes back into the queue, if it must not begin any more.
    fn held_back(&self, outlet: &Outlet, stop: &CancellationToken) -> Option<DateTime<Utc>> {
        let now = self.clock.now();
        if stop.is_cancelled() { Some(now) } else { outlet.paused_until(now) }
    }

    async fn attempt(&self, outlet: &Outlet, item: &Item, one: Ready) -> Delivery {
        outlet.limit.ready().await;
        match (&outlet.transport, one) {
            (Transport::Smtp(smtp), Ready::Mail(mail)) => {
                let claim = Claim {
                    id: item.message.id,
                    epoch: item.message.epoch,
                    user_id: item.enrollment.user_id.clone(),
                    address: prepare::address_key(&outlet.channel, &item.enrollment),
                };
                smtp.send(&mail, self.journal.mark(claim)).await
            }
            (Transport::Webhook(webhook), Ready::Call(call)) => {
                // No mark: the receiver knows a repeated call by its id. The instant is the machine's also
                // where the clock is virtual: the receiver compares what was signed with its own clock.
                webhook.send(&call, Clock::System.now()).await
            }
            (Transport::Smtp(_) | Transport::Webhook(_) | Transport::Directory(_), _) => {
                Delivery::Unavailable { reply: "not for this channel".to_owned() }
            }
        }
    }

    /// One 550 without an enhanced code may mean anything; a second one, to another message for the
    /// same address, means that nobody is there.
    async fn weigh(&self, item: &Item, answer: Delivery) -> Result<Delivery, StoreError> {
        let reply = match answer {
            Delivery::Refused { reply, fault: Fault::Unclear } if is_bare_550(&reply) => reply,
            other => return Ok(other),
        };
        let workflows: Vec<&str> = self.project.workflows.iter().map(|workflow| workflow.name.as_str()).collect();
        let email = item.enrollment.email.as_deref().unwrap_or_default();
        let before = self.store.refusals(&workflows, &item.message, email).await?;
        let again = before.iter().any(|reply| is_bare_550(reply));
        Ok(Delivery::Refused { reply, fault: if again { Fault::Address } else { Fault::Unclear } })
    }

    async fn conclude(&self, outlet: &Outlet, item: &Item, answer: Delivery) -> Result<(), StoreError> {
        let now = self.clock.now();
        let answer = self.weigh(item, answer).await?;
        let resume_at = match &answer {
            Delivery::Unavailable { reply } => {
                if outlet.paused_until(now).is_none() {
                    let channel = &outlet.channel.name;
                    tracing::warn!(channel, reply, "the channel does not work; it is tried again later");
                }
                outlet.fail(now)
            }
            Delivery::Accepted { .. } => {
                outlet.succeed();
                now
            }
            Delivery::Deferred { .. }
            | Delivery::Refused { .. }
            | Delivery::Uncertain { .. }
            | Delivery::Abandoned
            | Delivery::NeedsSmtputf8 => now + chrono::TimeDelta::minutes(1),
        };
        let tried = Tried {
            attempts: u32::try_from(item.message.attempts).unwrap_or(0),
            created_at: item.message.created_at,
            expires_at: item.message.expires_at,
        };
        let on_uncertain = self.project.policy.on_uncertain;
        let verdict = judge(answer, &tried, outlet.schedule(), on_uncertain, resume_at, now, fastrand::f64());
        if verdict.dead_address
            && let Some(address) = prepare::address_key(&outlet.channel, &item.enrollment)
        {
            self.store.suppress(vec![("email", address)], SuppressionReason::HardBounce, None, now).await?;
        }
        let attempt = verdict.attempt.map(|(result, reply)| (item.message.attempts + 1, result, reply));
        self.settle(&item.message, attempt, verdict.to).await;
        Ok(())
    }

    async fn settle(
        &self,
        message: &message::Model,
        attempt: Option<(i32, crate::domain::vocabulary::AttemptResult, String)>,
        to: Settled,
    ) {
        self.journal.settle(Settlement { id: message.id, epoch: message.epoch, attempt, to }).await;
    }

    /// Takes over what a dead process left behind; returns how many messages became uncertain.
    pub async fn recover(&self) -> Result<u64, StoreError> {
        let repeatable: Vec<String> = self
            .project
            .channels
            .values()
            .filter(|channel| Outlet::is_repeatable(channel))
            .map(|channel| channel.name.clone())
            .collect();
        let resend = match self.project.policy.on_uncertain {
            crate::project::model::OnUncertain::Hold => false,
            crate::project::model::OnUncertain::Resend => true,
        };
        self.store.recover(&repeatable, resend, self.clock.now()).await
    }

    /// Makes durable what was noted, also by senders that were cut off, and says goodbye to the other sides.
    pub async fn close(&self) {
        match tokio::time::timeout(LAST_WRITE, self.journal.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the last answers could not be recorded"),
            Err(_) => tracing::error!("the last answers could not be recorded in time"),
        }
        for outlet in self.outlets.values() {
            outlet.close().await;
        }
    }
}
