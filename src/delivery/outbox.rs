//! The channels of a project, opened: a transport each, with its rate and its pauses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::directory::DirectoryTransport;
use super::limit::Limit;
use super::retry::{Schedule, transport_pause};
use super::smtp::settings::{SmtpSettings, Timeouts};
use super::smtp::transport::SmtpTransport;
use super::webhook::transport::{TIMEOUT, WebhookTransport};
use crate::project::model::{Channel, ChannelKind, Project};

/// Why a channel cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the channel `{channel}` cannot be opened: {why}")]
pub struct OutboxError {
    /// Its name.
    pub channel: String,
    /// What is wrong, without secrets.
    pub why: String,
}

/// What differs between a machine and a test.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The name that EHLO gives; the From domain's where absent.
    pub hello: Option<String>,
    /// A certificate to trust beside the usual ones.
    pub extra_root: Option<std::path::PathBuf>,
    /// Divides the timeouts of SMTP: 1 in production.
    pub timeout_divisor: u32,
}

/// A channel with its transport.
#[derive(Debug)]
pub struct Outlet {
    /// As in the project.
    pub channel: Channel,
    /// How messages leave.
    pub transport: Transport,
    /// The channel's rate.
    pub limit: Limit,
    pause: Mutex<Pause>,
}

/// How messages leave.
#[derive(Debug)]
pub enum Transport {
    /// Through a relay.
    Smtp(SmtpTransport),
    /// As calls.
    Webhook(WebhookTransport),
    /// Into a folder.
    Directory(DirectoryTransport),
}

#[derive(Debug, Default)]
struct Pause {
    failures: u32,
    until: Option<DateTime<Utc>>,
}

impl Outlet {
    /// Opens a channel; no connection is made yet.
    pub fn open(channel: &Channel, settings: &Settings) -> Result<Outlet, OutboxError> {
        let refuse = |why: String| OutboxError { channel: channel.name.clone(), why };
        let transport = match &channel.kind {
            ChannelKind::Smtp(smtp) => {
                let mut parsed = SmtpSettings::parse(&smtp.url.0).map_err(|error| refuse(error.to_string()))?;
                parsed.hello = settings.hello.clone().or_else(|| Some(smtp.identity.from.domain().to_owned()));
                parsed.extra_root.clone_from(&settings.extra_root);
                let timeouts = Timeouts::default().divided_by(settings.timeout_divisor.max(1));
                Transport::Smtp(SmtpTransport::new(parsed, timeouts).map_err(|error| refuse(error.to_string()))?)
            }
            ChannelKind::Webhook(webhook) => Transport::Webhook(
                WebhookTransport::new(&webhook.url, webhook.secret.as_ref(), &webhook.allow, TIMEOUT)
                    .map_err(|error| refuse(error.to_string()))?,
            ),
            ChannelKind::Directory(directory) => Transport::Directory(DirectoryTransport::new(directory.path.clone())),
        };
        Ok(Outlet { channel: channel.clone(), transport, limit: Limit::new(channel.rate), pause: Mutex::default() })
    }

    /// How many messages to claim at once: about a second's worth of a rated channel, so that what
    /// changes meanwhile (an unsubscribe, a stop) is seen soon.
    pub fn batch(&self) -> u64 {
        match self.channel.rate {
            None => 500,
            Some(rate) => (u64::from(rate.count) / rate.per.as_secs().max(1)).clamp(1, 500),
        }
    }

    /// Messages in the air at once.
    pub fn concurrency(&self) -> usize {
        match self.transport {
            Transport::Smtp(_) => 40,
            Transport::Webhook(_) => 64,
            Transport::Directory(_) => 1,
        }
    }

    /// Whose promise about retries holds.
    pub fn schedule(&self) -> Schedule {
        match self.transport {
            Transport::Webhook(_) => Schedule::Webhook,
            Transport::Smtp(_) | Transport::Directory(_) => Schedule::Mail,
        }
    }

    /// Whether repeating a message is harmless: a file is written over, a receiver of webhooks knows
    /// the id.
    pub fn is_repeatable(channel: &Channel) -> bool {
        match channel.kind {
            ChannelKind::Smtp(_) => false,
            ChannelKind::Webhook(_) | ChannelKind::Directory(_) => true,
        }
    }

    /// Until when the channel waits, if it does.
    pub fn paused_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.lock().until.filter(|until| *until > now)
    }

    /// The channel as a whole does not work: wait, longer each time.
    pub fn fail(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut pause = self.lock();
        if let Some(until) = pause.until.filter(|until| *until > now) {
            return until;
        }
        pause.failures = pause.failures.saturating_add(1);
        let wait = TimeDelta::from_std(transport_pause(pause.failures)).unwrap_or(TimeDelta::minutes(5));
        let until = now + wait;
        pause.until = Some(until);
        until
    }

    /// The channel works.
    pub fn succeed(&self) {
        let mut pause = self.lock();
        pause.failures = 0;
        pause.until = None;
    }

    /// Says goodbye to the other side.
    pub async fn close(&self) {
        match &self.transport {
            Transport::Smtp(smtp) => {
                let _ = tokio::time::timeout(Duration::from_secs(2), smtp.close()).await;
            }
            Transport::Webhook(_) | Transport::Directory(_) => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens every channel of a project.
pub fn open(project: &Project, settings: &Settings) -> Result<BTreeMap<String, Outlet>, OutboxError> {
    project.channels.iter().map(|(name, channel)| Ok((name.clone(), Outlet::open(channel, settings)?))).collect()
}
