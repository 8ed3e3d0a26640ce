//! Unsubscribing (RFC 2369, RFC 8058): a page with a button for people, one POST for mail programs.
//!
//! GET and HEAD change nothing, because scanners follow every link of a mail. The POST needs neither
//! cookies nor a login, is never redirected, and is answered with 200 however often it comes.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::form;
use super::page::{self, Language, Text};
use super::record::{How, Known, Record};
use super::routes::Public;

/// `GET` and `HEAD /u/TOKEN`: the page that asks.
pub(super) async fn ask<R: Record>(
    State(public): State<Public<R>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match public.signer.read_unsubscribe(&token) {
        Some(_) => page::show(StatusCode::OK, Language::of(&headers), Text::Ask),
        None => page::not_found(),
    }
}

/// `POST /u/TOKEN` with `List-Unsubscribe=One-Click`, as a form of either encoding.
pub(super) async fn act<R: Record>(
    State(public): State<Public<R>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(message_id) = public.signer.read_unsubscribe(&token) else { return page::not_found() };
    let language = Language::of(&headers);
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let fields = form::fields(kind, &body);
    let has = |name: &str, value: &str| fields.iter().any(|(n, v)| n == name && v == value);
    if !has("List-Unsubscribe", "One-Click") {
        return page::show(StatusCode::BAD_REQUEST, language, Text::Incomplete);
    }
    let how = if has("from", "page") { How::Page } else { How::OneClick };
    match public.record.unsubscribe(message_id, public.clock.now(), how).await {
        Ok(Known::Yes) => page::show(StatusCode::OK, language, Text::Done),
        Ok(Known::No) => page::show(StatusCode::OK, language, Text::Gone),
        Err(error) => {
            tracing::warn!(message_id, %error, "an unsubscription could not be recorded");
            page::unavailable()
        }
    }
}
