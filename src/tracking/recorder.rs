//! Hits into the ledger, many in one commit: each answer waits until its hit is durable.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::record::{Click, How, Known, Record, RecordError};
use crate::domain::vocabulary::{HitClass, HitKind};
use crate::store::Store;
use crate::store::hits::NewHit;

/// Hits waiting while a commit is under way; more make their requests wait.
const WAITING: usize = 4_096;

type Answer = oneshot::Sender<Result<bool, String>>;

/// Writes hits for all requests.
#[derive(Debug)]
pub struct Recorder {
    hits: mpsc::Sender<(NewHit, Answer)>,
}

impl Recorder {
    /// Starts the writer; it ends with the recorder.
    pub fn start(store: Store) -> Recorder {
        let (hits, mut queue) = mpsc::channel::<(NewHit, Answer)>(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while queue.recv_many(&mut batch, WAITING).await > 0 {
                let (hits, answers): (Vec<NewHit>, Vec<Answer>) = batch.drain(..).unzip();
                let ids: Vec<i64> = hits.iter().map(|hit| hit.message_id).collect();
                let written = store.insert_hits(hits).await.map_err(|error| error.to_string());
                if let Err(error) = &written {
                    tracing::error!(error, "hits cannot be recorded");
                }
                for (id, answer) in ids.into_iter().zip(answers) {
                    let known = |known: &HashMap<i64, bool>| known.get(&id).copied().unwrap_or(false);
                    // A request that has gone away needs no answer.
                    let _ = answer.send(written.as_ref().map(known).map_err(Clone::clone));
                }
            }
        });
        Recorder { hits }
    }

    async fn write(&self, hit: NewHit) -> Result<bool, RecordError> {
        let (answer, wait) = oneshot::channel();
        let gone = || RecordError("the writer has ended".to_owned());
        self.hits.send((hit, answer)).await.map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?.map_err(RecordError)
    }
}

impl Record for Recorder {
    async fn click(&self, hit: Click) -> Result<(), RecordError> {
        let new = NewHit {
            message_id: hit.message_id,
            kind: HitKind::Click,
            class: hit.class,
            role: hit.role,
            url: Some(hit.url),
            at: hit.at,
            agent: None,
        };
        self.write(new).await.map(|_| ())
    }

    async fn unsubscribe(&self, message_id: i64, at: DateTime<Utc>, how: How) -> Result<Known, RecordError> {
        let how = match how {
            How::OneClick => "one_click",
            How::Page => "page",
        };
        let new = NewHit {
            message_id,
            kind: HitKind::Unsubscribe,
            class: HitClass::Human,
            role: Some(how.to_owned()),
            url: None,
            at,
            agent: None,
        };
        Ok(if self.write(new).await? { Known::Yes } else { Known::No })
    }
}
