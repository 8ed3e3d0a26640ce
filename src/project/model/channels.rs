//! Ways to reach people, and what holds over all workflows.

use std::path::PathBuf;
use std::time::Duration;

use super::project::{BasisPoints, Expression, Secret};
use crate::project::problems::Place;

/// A way to reach people.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name in `send`.
    pub name: String,
    /// What it is.
    pub kind: ChannelKind,
    /// Price of one message, in units of currency (not minor units).
    pub cost: f64,
    /// At most this many messages.
    pub rate: Option<Rate>,
    /// Where the name stands.
    pub place: Place,
}

impl Channel {
    /// Whether its messages are e-mails.
    pub fn is_mail(&self) -> bool {
        match self.kind {
            ChannelKind::Smtp(_) | ChannelKind::Directory(_) => true,
            ChannelKind::Webhook(_) => false,
        }
    }
}

/// The kinds of channel.
#[derive(Debug, Clone)]
pub enum ChannelKind {
    /// E-mail through a relay.
    Smtp(SmtpChannel),
    /// A POST per message.
    Webhook(WebhookChannel),
    /// One `.eml` per message in a folder: trials and the demo.
    Directory(DirectoryChannel),
}

/// What every e-mail of a channel carries.
#[derive(Debug, Clone)]
pub struct MailIdentity {
    /// `Name <address>` of From, both parts checked.
    pub from_name: Option<String>,
    /// The address of From.
    pub from: crate::domain::contact::EmailAddress,
    /// Where answers go, if not to From.
    pub reply_to: Option<crate::domain::contact::EmailAddress>,
    /// The sender's postal address, available to templates as `postal_address`.
    pub postal_address: Option<String>,
}

/// E-mail through a relay.
#[derive(Debug, Clone)]
pub struct SmtpChannel {
    /// `smtp://user:password@host:port?tls=required|opportunistic|none` (default `required` for
    /// port 587 and `smtp://` with credentials, else `opportunistic`) or `smtps://…`.
    pub url: Secret,
    /// From and what goes with it.
    pub identity: MailIdentity,
}

/// A POST per message.
#[derive(Debug, Clone)]
pub struct WebhookChannel {
    /// Where to.
    pub url: Secret,
    /// `whsec_…`: 24 to 64 bytes in base64.
    pub secret: Option<Secret>,
    /// Which of the user's contacts the receiver needs.
    pub to: ContactField,
    /// Address blocks that are allowed though they are private (`allow:`).
    pub allow: Vec<ipnet::IpNet>,
}

/// One `.eml` per message in a folder.
#[derive(Debug, Clone)]
pub struct DirectoryChannel {
    /// The folder (absolute, below the project's root).
    pub path: PathBuf,
    /// From and what goes with it.
    pub identity: MailIdentity,
}

/// A contact of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactField {
    /// The e-mail address.
    Email,
    /// The telephone number.
    Phone,
    /// The user's id: the receiver knows the rest.
    UserId,
}

/// So many per span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least 1.
    pub count: u32,
    /// In which span, at least a second.
    pub per: Duration,
}

/// What holds over all workflows.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Never written to.
    pub exclude: Option<Expression>,
    /// Never enrolled anywhere.
    pub holdout: BasisPoints,
    /// What becomes of a message whose answer was not recorded.
    pub on_uncertain: OnUncertain,
}

/// What becomes of a message whose final dot went out and whose answer was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUncertain {
    /// It stays `uncertain`; nobody gets it twice.
    Hold,
    /// It is sent again; some may get it twice.
    Resend,
}

/// Public address and key of links.
#[derive(Debug, Clone)]
pub struct Tracking {
    /// `https://host` without a trailing slash.
    pub url: String,
    /// Signs links and unsubscribe addresses.
    pub secret: Secret,
}
