//! Marks and settlements in groups: many senders wait for one commit instead of one each.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::transport::Mark;
use crate::domain::clock::Clock;
use crate::store::messages::Settlement;
use crate::store::{Store, StoreError};

/// What a sender asks of the journal.
enum Entry {
    /// May this message go out? Answered when the mark is durable.
    Mark { claim: Claim, answer: oneshot::Sender<bool> },
    /// This is how it ended. Not answered; [`Journal::flush`] waits for it.
    Settle(Settlement),
    /// Answered when everything before it is durable.
    Flush(oneshot::Sender<()>),
}

/// A claimed message and whom it would reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The message.
    pub id: i64,
    /// The epoch of the claim.
    pub epoch: i32,
    /// The user.
    pub user_id: String,
    /// The address in its suppression form.
    pub address: Option<String>,
}

/// Writes for all senders of a process. Clones share the same writer.
#[derive(Debug, Clone)]
pub struct Journal {
    entries: mpsc::Sender<Entry>,
    failure: Arc<Mutex<Option<StoreError>>>,
}

/// Entries waiting while a commit is under way; more make senders wait.
const WAITING: usize = 4_096;

impl Journal {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(store: Store, clock: Clock) -> Journal {
        let (entries, mut queue) = mpsc::channel(WAITING);
        let failure = Arc::new(Mutex::new(None));
        let journal = Journal { entries, failure: Arc::clone(&failure) };
        tokio::spawn(async move {
            let mut batch = Vec::new();
            // Whatever came in during one commit is the next group.
            while queue.recv_many(&mut batch, WAITING).await > 0 {
                if let Err(error) = write(&store, &clock, std::mem::take(&mut batch)).await {
                    tracing::error!(%error, "the journal cannot write; what was marked stays marked");
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        });
        journal
    }

    /// A mark for one message.
    pub fn mark(&self, claim: Claim) -> JournalMark {
        JournalMark { journal: self.clone(), claim }
    }

    /// Notes how a claim ended.
    pub async fn settle(&self, settlement: Settlement) {
        // The writer ends only with its last sender, which is this one.
        let _ = self.entries.send(Entry::Settle(settlement)).await;
    }

    /// Waits until everything noted so far is durable.
    ///
    /// # Errors
    /// When a write failed since the last call: what it would have settled stays as it was marked.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        if self.entries.send(Entry::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// The mark of one message; see [`Mark`].
#[derive(Debug)]
pub struct JournalMark {
    journal: Journal,
    claim: Claim,
}

impl Mark for JournalMark {
    async fn set(self) -> bool {
        let (answer, wait) = oneshot::channel();
        let asked = self.journal.entries.send(Entry::Mark { claim: self.claim, answer }).await;
        // No answer means that the mark may not be there: the message must not go out.
        asked.is_ok() && wait.await.unwrap_or(false)
    }
}

/// Settlements before marks: what is done frees its claim even if marking fails.
async fn write(store: &Store, clock: &Clock, batch: Vec<Entry>) -> Result<(), StoreError> {
    let mut settlements = Vec::new();
    let mut marks = Vec::new();
    let mut flushes = Vec::new();
    for entry in batch {
        match entry {
            Entry::Settle(settlement) => settlements.push(settlement),
            Entry::Mark { claim, answer } => marks.push((claim, answer)),
            Entry::Flush(done) => flushes.push(done),
        }
    }
    let settled = if settlements.is_empty() { Ok(()) } else { store.settle(settlements, clock.now()).await };
    let marked = mark(store, marks).await;
    for done in flushes {
        let _ = done.send(());
    }
    settled.and(marked)
}

/// Marks what may still go out: an unsubscribe that arrived since the claim is heeded here, before
/// the final dot.
async fn mark(store: &Store, mut marks: Vec<(Claim, oneshot::Sender<bool>)>) -> Result<(), StoreError> {
    // A sender that was cut off meanwhile sends nothing: its message must not look as if it had.
    marks.retain(|(_, answer)| !answer.is_closed());
    if marks.is_empty() {
        return Ok(());
    }
    let mut values: Vec<String> = Vec::with_capacity(marks.len() * 2);
    for (claim, _) in &marks {
        values.push(claim.user_id.clone());
        values.extend(claim.address.clone());
    }
    let suppressed = store.suppressed_among(&values).await?;
    let free: Vec<(i64, i32)> = marks
        .iter()
        .filter(|(claim, _)| !suppressed.holds(&claim.user_id, claim.address.as_deref()))
        .map(|(claim, _)| (claim.id, claim.epoch))
        .collect();
    let marked = store.mark_sending(&free).await?;
    for (claim, answer) in marks {
        let _ = answer.send(marked.contains(&claim.id));
    }
    Ok(())
}
