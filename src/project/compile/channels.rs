//! Channels: one kind each, with the keys that belong to that kind.

use std::collections::BTreeMap;
use std::path::Path;

use super::address;
use crate::project::model::{
    Channel, ChannelKind, ContactField, DirectoryChannel, MailIdentity, SmtpChannel, WebhookChannel,
};
use crate::project::names::{check_plain, inner_path};
use crate::project::problems::{Place, Problems};
use crate::project::reader::{Entry, Named};
use crate::project::spec::project::ChannelSpec;
use crate::project::spec::scalar::{FromEnv, Number};

/// Makes the channels that can be made.
pub fn compile(
    spec: Named<ChannelSpec>,
    root: &Path,
    has_tracking: bool,
    problems: &mut Problems,
) -> BTreeMap<String, Channel> {
    let channels = spec.entries.into_iter().filter_map(|entry| channel(entry, root, has_tracking, problems));
    channels.map(|channel| (channel.name.clone(), channel)).collect()
}

fn channel(entry: Entry<ChannelSpec>, root: &Path, has_tracking: bool, problems: &mut Problems) -> Option<Channel> {
    let Entry { name, place, value } = entry;
    check_plain("channel", &name, &place, problems);
    let spec = value?;
    let cost = price("cost", spec.cost.as_ref(), problems);
    let is_mail = spec.smtp.is_some() || spec.directory.is_some();
    if is_mail && !has_tracking {
        let hint = "add `tracking:` with `url` and `secret`".to_owned();
        problems.push(place.clone(), "a mail channel needs `tracking:` for its unsubscribe links", Some(hint));
    }
    let kind = match (&spec.smtp, &spec.webhook, &spec.directory) {
        (Some(url), None, None) => {
            let url = address::smtp_url(url, problems);
            let identity = mail(&spec, &place, problems);
            Some(ChannelKind::Smtp(SmtpChannel { url: url?, identity: identity? }))
        }
        (None, None, Some(folder)) => {
            let path = inner_path(folder.text.trim()).map_err(|hint| {
                problems.push(folder.place.clone(), "`directory` is no path that can be used", Some(hint));
            });
            let identity = mail(&spec, &place, problems);
            Some(ChannelKind::Directory(DirectoryChannel { path: root.join(path.ok()?), identity: identity? }))
        }
        (None, Some(url), None) => webhook(url, &spec, problems).map(ChannelKind::Webhook),
        (None, None, None) => {
            let hint = "one of `smtp`, `webhook`, `directory`".to_owned();
            problems.push(place.clone(), format!("`{name}` says no way to reach people"), Some(hint));
            None
        }
        (_, _, _) => {
            let hint = "give each its own name".to_owned();
            problems.push(place.clone(), format!("`{name}` is more than one kind of channel"), Some(hint));
            None
        }
    };
    Some(Channel { name, kind: kind?, cost: cost?, rate: spec.rate.map(|rate| rate.value), place })
}

fn mail(spec: &ChannelSpec, place: &Place, problems: &mut Problems) -> Option<MailIdentity> {
    let foreign = [
        ("secret", spec.secret.as_ref().map(|secret| &secret.place)),
        ("to", spec.to.map(|_| place)),
        ("allow", spec.allow.as_ref().map(|allow| allow.first().map_or(place, |block| &block.place))),
    ];
    refuse_foreign("a webhook", foreign, problems);
    let from = match &spec.from {
        Some(from) => address::mailbox("from", from, problems),
        None => {
            let hint = "`from: Name <name@domain.example>`".to_owned();
            problems.push(place.clone(), "a mail channel needs `from`", Some(hint));
            None
        }
    };
    let reply_to = spec.reply_to.as_ref().map(|address| address::email("reply_to", address, problems));
    let (from_name, from) = from?;
    let reply_to = match reply_to {
        Some(address) => Some(address?),
        None => None,
    };
    Some(MailIdentity { from_name, from, reply_to, postal_address: spec.postal_address.clone().map(|text| text.text) })
}

fn webhook(url: &FromEnv, spec: &ChannelSpec, problems: &mut Problems) -> Option<WebhookChannel> {
    let foreign = [
        ("from", spec.from.as_ref().map(|from| &from.place)),
        ("reply_to", spec.reply_to.as_ref().map(|address| &address.place)),
        ("postal_address", spec.postal_address.as_ref().map(|text| &text.place)),
    ];
    refuse_foreign("e-mail", foreign, problems);
    let url = address::webhook_url(url, problems);
    let secret = match &spec.secret {
        Some(secret) => Some(address::webhook_secret(secret, problems)?),
        None => None,
    };
    let to = spec.to.unwrap_or(ContactField::UserId);
    let allow = spec.allow.iter().flatten().map(|block| block.value).collect();
    Some(WebhookChannel { url: url?, secret, to, allow })
}

fn refuse_foreign(kind: &str, keys: [(&str, Option<&Place>); 3], problems: &mut Problems) {
    for (key, place) in keys.into_iter().filter_map(|(key, place)| Some((key, place?))) {
        let message = format!("`{key}` belongs to {kind}, which this channel is not");
        problems.push(place.clone(), message, Some("take it out".to_owned()));
    }
}

/// A sum of money that is not negative; 0 where none is given.
pub fn price(key: &str, given: Option<&Number>, problems: &mut Problems) -> Option<f64> {
    match given {
        None => Some(0.0),
        Some(number) if number.value >= 0.0 => Some(number.value),
        Some(number) => {
            problems.push(number.place.clone(), format!("`{key}` is not below 0"), None);
            None
        }
    }
}
