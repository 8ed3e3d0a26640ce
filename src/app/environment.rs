//! Everything that a process works with, opened once.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::delivery::dispatch::Dispatcher;
use crate::delivery::journal::Journal;
use crate::delivery::outbox::{self, OutboxError, Settings};
use crate::delivery::render::{LinkMaker, Templates};
use crate::domain::clock::Clock;
use crate::domain::token::Signer;
use crate::project::model::Project;
use crate::store::lock::Lock;
use crate::store::{Store, StoreError};

/// Why a process cannot start working.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A channel.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// The parts of a working process. It holds the ledger's lock until it is dropped.
#[derive(Debug)]
pub struct Environment {
    /// The project.
    pub project: Arc<Project>,
    /// The ledger.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Sends messages.
    pub dispatcher: Dispatcher,
    /// Signs and reads links; absent where the project has no `tracking`.
    pub signer: Option<Signer>,
    /// When the enrollments of each workflow were last brought up to date.
    pub(super) caught_up: tokio::sync::Mutex<HashMap<String, DateTime<Utc>>>,
    _lock: Lock,
}

impl Environment {
    /// Opens the ledger and the channels, and takes the ledger for this process alone.
    pub async fn open(
        project: Arc<Project>,
        templates: Templates,
        clock: Clock,
        settings: &Settings,
    ) -> Result<Environment, EnvironmentError> {
        let store = Store::open(&project.database.0).await?;
        let lock = Lock::take(&store).await?;
        let signer = project.tracking.as_ref().map(|tracking| Signer::new(tracking.secret.0.as_bytes()));
        let links = project
            .tracking
            .as_ref()
            .zip(signer.clone())
            .map(|(tracking, signer)| Arc::new(LinkMaker { signer, base_url: tracking.url.clone() }));
        let dispatcher = Dispatcher {
            store: store.clone(),
            project: Arc::clone(&project),
            templates: Arc::new(templates),
            outlets: outbox::open(&project, settings)?,
            links,
            clock: clock.clone(),
            claimant: claimant(),
            journal: Journal::start(store.clone(), clock.clone()),
            versions: tokio::sync::Mutex::default(),
        };
        Ok(Environment { project, store, clock, dispatcher, signer, caught_up: Default::default(), _lock: lock })
    }
}

/// The name of this process in claims: unique enough to tell two processes apart.
fn claimant() -> String {
    format!("{}-{:08x}", std::process::id(), fastrand::u32(..))
}

/// Settings that come from the process's environment, not from the project: they belong to the machine.
pub fn settings(variable: &dyn Fn(&str) -> Option<String>) -> Settings {
    Settings {
        hello: variable("WINBACK_SMTP_HELLO"),
        extra_root: variable("WINBACK_SMTP_CA").map(Into::into),
        timeout_divisor: variable("WINBACK_SMTP_TIMEOUT_DIVISOR").and_then(|text| text.parse().ok()).unwrap_or(1),
    }
}
