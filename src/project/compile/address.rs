//! Addresses and keys, after the environment has been filled in. No message repeats one: it may hold
//! a password or be somebody's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::domain::contact::{EmailAddress, is_clean};
use crate::project::model::Secret;
use crate::project::problems::Problems;
use crate::project::spec::scalar::FromEnv;

/// Notes a problem at the value and gives nothing back.
fn refuse<T>(given: &FromEnv, message: &str, hint: &str, problems: &mut Problems) -> Option<T> {
    problems.push(given.place.clone(), message, Some(hint.to_owned()));
    None
}

fn parse_url(text: &str, schemes: [&str; 2]) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    (has_host && schemes.contains(&url.scheme()) && is_clean(text)).then_some(url)
}

/// The address of a relay: `smtp://` or `smtps://`, with `tls` as its only parameter.
pub fn smtp_url(given: &FromEnv, problems: &mut Problems) -> Option<Secret> {
    let example = "such as `smtp://user:password@mail.example:587`";
    let text = given.value.trim();
    let Some(url) = parse_url(text, ["smtp", "smtps"]) else {
        return refuse(given, "`smtp` is no address of a relay", example, problems);
    };
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return refuse(given, "`smtp` has something after its host", example, problems);
    }
    let known = |(key, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        key == "tls" && matches!(&*value, "required" | "opportunistic" | "none")
    };
    if !url.query_pairs().all(known) {
        let hint = "`?tls=required`, `?tls=opportunistic` or `?tls=none`";
        return refuse(given, "`smtp` has a parameter that is not known", hint, problems);
    }
    Some(Secret(text.to_owned()))
}

/// Where webhooks go.
pub fn webhook_url(given: &FromEnv, problems: &mut Problems) -> Option<Secret> {
    let text = given.value.trim();
    match parse_url(text, ["https", "http"]) {
        Some(_) => Some(Secret(text.to_owned())),
        None => refuse(given, "`webhook` is no web address", "such as `https://gateway.example/send`", problems),
    }
}

/// The public address: scheme, host and perhaps a path, without a slash at its end.
pub fn public_url(given: &FromEnv, problems: &mut Problems) -> Option<String> {
    let text = given.value.trim();
    let plain = |url: &Url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
    };
    match parse_url(text, ["https", "http"]).filter(plain) {
        Some(_) => Some(text.trim_end_matches('/').to_owned()),
        None => refuse(given, "`url` is no plain web address", "such as `https://go.shop.example`", problems),
    }
}

/// The key of a webhook's signatures (Standard Webhooks 1.0.0).
pub fn webhook_secret(given: &FromEnv, problems: &mut Problems) -> Option<Secret> {
    let text = given.value.trim();
    let key = text.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    match key {
        Some(key) if (24..=64).contains(&key.len()) => Some(Secret(text.to_owned())),
        Some(_) | None => {
            let hint = "`whsec_` and 24 to 64 bytes in base64";
            refuse(given, "`secret` is no key of a webhook", hint, problems)
        }
    }
}

/// A bare address.
pub fn email(key: &str, given: &FromEnv, problems: &mut Problems) -> Option<EmailAddress> {
    EmailAddress::parse(&given.value)
        .map_err(|error| problems.push(given.place.clone(), format!("`{key}`: {error}"), None))
        .ok()
}

/// `Name <address>` or a bare address.
pub fn mailbox(key: &str, given: &FromEnv, problems: &mut Problems) -> Option<(Option<String>, EmailAddress)> {
    let text = given.value.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if !is_clean(name) || name.contains(['<', '>', '"']) {
        let hint = "`Name <address>`, without quotes and control characters in the name";
        return refuse(given, &format!("`{key}` has a name that no message can carry"), hint, problems);
    }
    let address = EmailAddress::parse(address)
        .map_err(|error| {
            let hint = "`Name <name@domain.example>`".to_owned();
            problems.push(given.place.clone(), format!("`{key}`: {error}"), Some(hint));
        })
        .ok()?;
    Some(((!name.is_empty()).then(|| name.to_owned()), address))
}
