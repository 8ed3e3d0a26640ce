//! Followed links: recorded, then redirected to the destination inside the token, whoever asks.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::classify::classify;
use super::page;
use super::record::{Click, Record};
use super::routes::Public;

/// `GET` and `HEAD /c/TOKEN`.
///
/// The destination comes from the token alone; nothing else of the request is looked at, so there is
/// no address to smuggle in. A token that we did not make is not found.
pub(super) async fn follow<R: Record>(
    State(public): State<Public<R>>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Some(click) = public.signer.read_click(&token) else { return page::not_found() };
    let Ok(location) = HeaderValue::from_str(&click.url) else { return page::not_found() };
    let hit = Click {
        message_id: click.message_id,
        role: click.role,
        url: click.url,
        at: public.clock.now(),
        class: classify(&method, &headers),
    };
    match public.record.click(hit).await {
        Ok(()) => {
            let headers = [
                (LOCATION, location),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            ];
            (StatusCode::FOUND, headers).into_response()
        }
        Err(error) => {
            tracing::warn!(message_id = click.message_id, %error, "a click could not be recorded");
            page::unavailable()
        }
    }
}
