//! From a claimed row to what the transport takes, or the reason why nothing is sent.

use chrono::{DateTime, Utc};

use super::mime::{self, MailParts};
use super::render::{LinkMaker, Rendered, Scope, Templates};
use super::transport::{Call, Mail};
use crate::domain::contact::{EmailAddress, is_clean, phone_key};
use crate::domain::vocabulary::{EnrollmentStatus, SkipReason};
use crate::project::model::{Channel, ChannelKind, ContactField, MailIdentity, Workflow};
use crate::store::entities::{enrollment, message};
use crate::store::suppressions::Suppressed;

/// A message ready to leave.
#[derive(Debug, Clone)]
pub enum Ready {
    /// Through a relay.
    Mail(Mail),
    /// As a call.
    Call(Call),
    /// Into a folder: the file's name and bytes.
    File(String, Vec<u8>),
}

/// What a message needs beside its row.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The version that the enrollment entered with.
    pub workflow: &'a Workflow,
    /// The channel.
    pub channel: &'a Channel,
    /// All templates.
    pub templates: &'a Templates,
    /// Makes links; absent where the project has no `tracking`.
    pub links: Option<&'a LinkMaker>,
    /// Who must not be written to.
    pub suppressed: &'a Suppressed,
    /// The current instant.
    pub now: DateTime<Utc>,
}

/// The address of an enrollment in its suppression form, where the channel has one.
pub fn address_key(channel: &Channel, enrollment: &enrollment::Model) -> Option<String> {
    let field = match &channel.kind {
        ChannelKind::Smtp(_) | ChannelKind::Directory(_) => ContactField::Email,
        ChannelKind::Webhook(webhook) => webhook.to,
    };
    match field {
        ContactField::Email => {
            enrollment.email.as_deref().and_then(|text| EmailAddress::parse(text).ok()).map(|a| a.suppression_key())
        }
        ContactField::Phone => enrollment.phone.as_deref().map(phone_key),
        ContactField::UserId => None,
    }
}

/// Prepares one message. Everything is asked again that may have changed since it was written down.
pub fn prepare(
    message: &message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'_>,
) -> Result<Ready, SkipReason> {
    if message.expires_at.is_some_and(|expires| context.now > expires) {
        return Err(SkipReason::Expired);
    }
    let address = address_key(context.channel, enrollment);
    if context.suppressed.holds(&enrollment.user_id, address.as_deref()) {
        return Err(SkipReason::Suppressed);
    }
    if enrollment.status == EnrollmentStatus::Exited.as_str() {
        return Err(SkipReason::Exited);
    }
    match &context.channel.kind {
        ChannelKind::Smtp(smtp) => {
            let (to, bytes) = mail(message, enrollment, context, &smtp.identity)?;
            let return_path = smtp.identity.from.clone();
            Ok(Ready::Mail(Mail { key: message.key.clone(), return_path, to, bytes }))
        }
        ChannelKind::Directory(directory) => {
            let (_, bytes) = mail(message, enrollment, context, &directory.identity)?;
            Ok(Ready::File(format!("{}.eml", message.key), bytes))
        }
        ChannelKind::Webhook(webhook) => {
            match webhook.to {
                ContactField::Email if address.is_none() => return Err(SkipReason::InvalidAddress),
                ContactField::Phone if address.as_deref().is_none_or(str::is_empty) => {
                    return Err(SkipReason::NoAddress);
                }
                ContactField::Email | ContactField::Phone | ContactField::UserId => {}
            }
            Ok(Ready::Call(Call { key: message.key.clone(), body: body(message, enrollment, context)? }))
        }
    }
}

fn mail(
    message: &message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'_>,
    identity: &MailIdentity,
) -> Result<(EmailAddress, Vec<u8>), SkipReason> {
    let text = enrollment.email.as_deref().filter(|text| !text.trim().is_empty()).ok_or(SkipReason::NoAddress)?;
    let to = EmailAddress::parse(text).map_err(|_| SkipReason::InvalidAddress)?;
    if !enrollment.name.as_deref().is_none_or(is_clean) {
        return Err(SkipReason::Invalid);
    }
    let (rendered, links) = rendered(message, enrollment, context, identity)?;
    let unsubscribe_url = links.unsubscribe_url(message.id);
    let bytes = mime::build(&MailParts {
        key: &message.key,
        from_name: identity.from_name.as_deref(),
        from: &identity.from,
        reply_to: identity.reply_to.as_ref(),
        to_name: enrollment.name.as_deref(),
        to: &to,
        subject: &rendered.subject,
        date: message.created_at,
        unsubscribe_url: &unsubscribe_url,
        text: &rendered.text,
        html: &rendered.html,
    })
    .map_err(|error| invalid(message, &error.to_string()))?;
    Ok((to, bytes))
}

fn rendered<'a>(
    message: &message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'a>,
    identity: &MailIdentity,
) -> Result<(Rendered, &'a LinkMaker), SkipReason> {
    // A mail channel without `tracking` does not pass the project's check; a mail without a way to
    // unsubscribe is not sent.
    let links = context.links.ok_or(SkipReason::Invalid)?;
    let (scope, template) = scope(message, enrollment, context, identity.postal_address.as_deref())?;
    let rendered = context
        .templates
        .render_mail(template, enrollment.locale.as_deref(), &scope, links)
        .map_err(|error| invalid(message, &error.to_string()))?;
    Ok((rendered, links))
}

fn body(
    message: &message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'_>,
) -> Result<Vec<u8>, SkipReason> {
    let (scope, template) = scope(message, enrollment, context, None)?;
    let straight = untracked();
    let links = context.links.unwrap_or(&straight);
    context
        .templates
        .render_json(template, enrollment.locale.as_deref(), &scope, links)
        .map_err(|error| invalid(message, &error.to_string()))
}

/// A message as somebody would read it.
#[derive(Debug, Clone)]
pub enum Preview {
    /// A mail.
    Mail(Rendered),
    /// The body of a call.
    Call(Vec<u8>),
}

/// Renders one message without preparing it to leave.
pub fn preview(
    message: &message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'_>,
) -> Result<Preview, SkipReason> {
    let identity = match &context.channel.kind {
        ChannelKind::Smtp(smtp) => &smtp.identity,
        ChannelKind::Directory(directory) => &directory.identity,
        ChannelKind::Webhook(_) => return Ok(Preview::Call(body(message, enrollment, context)?)),
    };
    Ok(Preview::Mail(rendered(message, enrollment, context, identity)?.0))
}

/// What the templates see, and which message they are.
fn scope<'a>(
    message: &'a message::Model,
    enrollment: &enrollment::Model,
    context: &Context<'a>,
    postal_address: Option<&'a str>,
) -> Result<(Scope<'a>, &'a str), SkipReason> {
    let stage = context.workflow.stages.iter().find(|stage| stage.id == message.stage);
    let variant = stage.and_then(|stage| stage.variants.iter().find(|variant| variant.name == message.variant));
    let variant = variant.ok_or_else(|| invalid(message, "the stage or variant is not in the workflow's version"))?;
    let mut user = match serde_json::from_str(&enrollment.profile) {
        Ok(serde_json::Value::Object(user)) => user,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    for (name, value) in [
        ("user_id", Some(&enrollment.user_id)),
        ("email", enrollment.email.as_ref()),
        ("phone", enrollment.phone.as_ref()),
        ("name", enrollment.name.as_ref()),
        ("locale", enrollment.locale.as_ref()),
    ] {
        user.insert(name.to_owned(), value.map_or(serde_json::Value::Null, |value| value.as_str().into()));
    }
    let workflow = context.workflow;
    let scope = Scope {
        user: serde_json::Value::Object(user),
        workflow: serde_json::json!({
            "name": workflow.name,
            "title": workflow.title,
            "owner": workflow.owner,
            "objective": workflow.objective,
        }),
        stage: &message.stage,
        with: serde_json::Value::Object(variant.with.clone().into_iter().collect()),
        postal_address,
        message_id: message.id,
    };
    Ok((scope, &variant.message))
}

/// Logged with the message's id; the reason names files and lines, never a user's data.
fn invalid(message: &message::Model, why: &str) -> SkipReason {
    tracing::warn!(message = message.id, why, "a message cannot be made");
    SkipReason::Invalid
}

/// Links of a project without `tracking`: they lead straight to their destinations.
fn untracked() -> LinkMaker {
    LinkMaker { signer: crate::domain::token::Signer::new(b""), base_url: String::new() }
}
