//! The channel as the dispatcher sees it: one call, one POST.

use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::guard::{Guard, NotAllowed};
use super::retry_after;
use super::sign::{KeyError, Signer};
use crate::delivery::excerpt::excerpt;
use crate::delivery::transport::{Call, Delivery, Fault};
use crate::project::model::Secret;

/// How long a call may take from connecting to the last byte, unless said otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Of an answer no more is read than this: enough to use the connection again after any sane one.
const MOST_READ: usize = 64 * 1024;

/// An overloaded endpoint is left alone for at least so long.
const OVERLOADED: Duration = Duration::from_secs(60);

/// An endpoint that failed throughout for so long counts as gone.
const GONE_AFTER: TimeDelta = TimeDelta::days(5);

/// Calls one endpoint; cheap to share, safe to call from many tasks.
pub struct WebhookTransport {
    client: Client,
    url: Url,
    signer: Option<Signer>,
    disabled: AtomicBool,
    failing_since: Mutex<Option<DateTime<Utc>>>,
}

impl fmt::Debug for WebhookTransport {
    /// Never the URL: it may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookTransport").field("disabled", &self.disabled).finish_non_exhaustive()
    }
}

/// Why no transport can be made. Nothing of the URL or the secret is repeated.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not a URL with a host.
    #[error("not a URL; write `https://host/path`")]
    Url,
    /// Neither http nor https.
    #[error("the URL must start with `https://` or `http://`")]
    Scheme,
    /// The host is an address that may not be reached.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The secret is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The client cannot be set up.
    #[error("the HTTPS client cannot be set up: {0}")]
    Client(String),
}

impl WebhookTransport {
    /// Prepares a transport; nothing is connected yet. `allow` are blocks that may be reached though
    /// they are not public; `timeout` bounds a whole call ([`TIMEOUT`] in production).
    pub fn new(
        url: &Secret,
        secret: Option<&Secret>,
        allow: &[IpNet],
        timeout: Duration,
    ) -> Result<WebhookTransport, WebhookError> {
        let guard = Guard::new(allow);
        let url = checked(&url.0, &guard)?;
        let signer = secret.map(|secret| Signer::new(&secret.0)).transpose()?;
        // reqwest without a bundled provider takes the process's; an error says that there is one.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .dns_resolver(guard)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout)
            .user_agent(concat!("winback/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| WebhookError::Client(excerpt(&cause(error))))?;
        Ok(WebhookTransport { client, url, signer, disabled: AtomicBool::new(false), failing_since: Mutex::new(None) })
    }

    /// Whether the endpoint said 410 Gone, or failed for five days without a single success. Such an
    /// endpoint is called no more; every message waits until the channel is set up anew.
    pub fn is_disabled(&self) -> bool {
        self.disabled.load(Ordering::SeqCst)
    }

    /// Makes one call; `now` is the attempt's instant and is signed.
    ///
    /// No mark is needed before it: `webhook-id` is the same on every attempt and the receiver
    /// tells repetitions by it, so calling twice is harmless where sending a mail twice is not.
    pub async fn send(&self, call: &Call, now: DateTime<Utc>) -> Delivery {
        if self.is_disabled() {
            return Delivery::Unavailable { reply: "the endpoint is disabled".to_owned() };
        }
        let Some(headers) = self.headers(call, now) else {
            return Delivery::Refused {
                reply: "not sent: the key or the body cannot be signed".to_owned(),
                fault: Fault::Ours,
            };
        };
        let request = self.client.post(self.url.clone()).headers(headers).body(call.body.clone());
        let delivery = match request.send().await {
            Ok(response) => {
                let delivery = self.read_status(&response, now);
                drain(response).await;
                delivery
            }
            Err(error) => failed(error),
        };
        self.record(&delivery, now);
        delivery
    }

    fn headers(&self, call: &Call, now: DateTime<Utc>) -> Option<HeaderMap> {
        // The id is followed by a dot in what is signed, so it must not hold one.
        if call.key.is_empty() || call.key.contains('.') {
            return None;
        }
        let id = HeaderValue::from_str(&call.key).ok()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("webhook-timestamp", HeaderValue::from(now.timestamp()));
        if let Some(signer) = &self.signer {
            let signature = signer.sign(&call.key, now, &call.body)?;
            headers.insert("webhook-signature", HeaderValue::from_str(&signature).ok()?);
        }
        headers.insert("idempotency-key", id.clone());
        headers.insert("webhook-id", id);
        Some(headers)
    }

    fn read_status(&self, response: &Response, now: DateTime<Utc>) -> Delivery {
        let status = response.status();
        // Only the status is kept: an answer may repeat what we sent, and that is personal.
        let reply = format!("HTTP {status}");
        if status.is_success() {
            return Delivery::Accepted { reply };
        }
        if status == StatusCode::GONE {
            self.disabled.store(true, Ordering::SeqCst);
            return Delivery::Refused { reply, fault: Fault::Ours };
        }
        if status.is_redirection() {
            return Delivery::Deferred { reply: format!("{reply} (redirects are not followed)"), wait: None };
        }
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after::parse(value, now));
        let wait = if status == StatusCode::TOO_MANY_REQUESTS {
            Some(asked.unwrap_or_default().max(OVERLOADED))
        } else {
            asked
        };
        Delivery::Deferred { reply, wait }
    }

    /// Remembers since when nothing succeeds.
    fn record(&self, delivery: &Delivery, now: DateTime<Utc>) {
        let mut failing_since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        match delivery {
            Delivery::Accepted { .. } => *failing_since = None,
            Delivery::Deferred { .. }
            | Delivery::Refused { .. }
            | Delivery::Uncertain { .. }
            | Delivery::Unavailable { .. }
            | Delivery::Abandoned
            | Delivery::NeedsSmtputf8 => {
                if now - *failing_since.get_or_insert(now) >= GONE_AFTER {
                    self.disabled.store(true, Ordering::SeqCst);
                }
            }
        }
    }
}

/// Reads the URL and checks a host that is an address: those never reach the resolver.
fn checked(url: &str, guard: &Guard) -> Result<Url, WebhookError> {
    let url = Url::parse(url).map_err(|_| WebhookError::Url)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(WebhookError::Scheme);
    }
    let allowed = match url.host() {
        Some(Host::Ipv4(address)) => guard.allows(address.into()),
        Some(Host::Ipv6(address)) => guard.allows(address.into()),
        Some(Host::Domain(_)) => true,
        None => return Err(WebhookError::Url),
    };
    if allowed { Ok(url) } else { Err(NotAllowed.into()) }
}

/// Reads the rest of an answer, so that the connection can be used again, but not more than 64 KiB:
/// beyond that a new connection is the cheaper way. The status was the answer; what breaks here
/// changes nothing.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MOST_READ {
            return;
        }
    }
}

fn failed(error: reqwest::Error) -> Delivery {
    if error.is_connect() {
        return Delivery::Unavailable { reply: format!("no connection: {}", excerpt(&cause(error))) };
    }
    if error.is_timeout() {
        return Delivery::Deferred { reply: "no answer in time".to_owned(), wait: Some(OVERLOADED) };
    }
    Delivery::Deferred { reply: format!("no answer: {}", excerpt(&cause(error))), wait: None }
}

/// The innermost cause, which says most and never holds the URL.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(url: &str) -> Result<WebhookTransport, WebhookError> {
        WebhookTransport::new(&Secret(url.to_owned()), None, &[], TIMEOUT)
    }

    #[test]
    fn hosts_that_are_private_addresses_are_refused_before_any_connection() {
        for host in ["2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1:8080"] {
            let error = transport(&format!("http://{host}/?token=hunter2")).expect_err(host);
            assert!(matches!(error, WebhookError::NotAllowed(_)), "{host}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        assert!(matches!(transport("ftp://example.com").err(), Some(WebhookError::Scheme)));
        assert!(matches!(transport("example.com").err(), Some(WebhookError::Url)));
        assert!(transport("https://1.1.1.1/hook").is_ok());
    }

    #[test]
    fn five_days_of_failure_disable_and_one_success_forgives() {
        let transport = transport("https://1.1.1.1/").expect("a transport");
        let day = |n| DateTime::UNIX_EPOCH + TimeDelta::days(n);
        let failure = Delivery::Deferred { reply: String::new(), wait: None };
        transport.record(&failure, day(0));
        transport.record(&failure, day(4));
        transport.record(&Delivery::Accepted { reply: String::new() }, day(4));
        transport.record(&failure, day(6));
        assert!(!transport.is_disabled());
        transport.record(&failure, day(11));
        assert!(transport.is_disabled());
    }

    #[test]
    fn keys_that_would_blur_the_signature_are_not_sent() {
        let transport = transport("https://1.1.1.1/").expect("a transport");
        let headers = |key: &str| {
            transport.headers(&Call { key: key.to_owned(), body: Vec::new() }, DateTime::UNIX_EPOCH).is_some()
        };
        assert!(headers("m-1"));
        assert!(!headers("a.b") && !headers("") && !headers("a\nb"));
    }
}
