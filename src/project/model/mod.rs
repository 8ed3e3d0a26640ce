//! The resolved project: what every folder to the right works with.
//!
//! Built by `compile` from the YAML; whoever holds a [`Project`] holds one that has been checked,
//! except for names and types inside expressions, which `segments` checks against the columns that
//! the sources really have.

mod channels;
mod project;
mod sources;
mod values;
mod workflow;

pub use channels::{
    Channel, ChannelKind, ContactField, DirectoryChannel, MailIdentity, OnUncertain, Policy, Rate, SmtpChannel,
    Tracking, WebhookChannel,
};
pub use project::{BasisPoints, Expression, Project, Secret, Window};
pub use sources::{Column, EventName, EventSource, Files, Sources, UserSource};
pub use values::{
    Aggregate, AggregateFunction, Dimension, EventSelector, Feature, FeatureKind, LifecycleRule, Rfm, Segment, Ties,
};
pub use workflow::{Audience, Goal, Metric, OrderBy, Reentry, Schedule, Stage, Target, Variant, Workflow};
