//! The few small pages that people see, in English and Simplified Chinese.

use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Seconds after which a client may try again.
const AGAIN_AFTER: &str = "5";
/// Nothing is loaded, run or framed; the form goes back to us alone.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The one that the reader likes better (RFC 9110 12.5.4); English where neither is named.
    pub fn of(headers: &HeaderMap) -> Language {
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let weight = |language: &str| {
            let weights = asked.split(',').filter_map(|range| {
                let (tag, parameter) = range.split_once(';').unwrap_or((range, "q=1"));
                let primary = tag.trim().split('-').next().unwrap_or_default();
                let q = parameter.trim().strip_prefix("q=")?.trim().parse::<f32>().ok()?;
                primary.eq_ignore_ascii_case(language).then_some(q)
            });
            weights.fold(0.0, f32::max)
        };
        if weight("zh") > weight("en") { Language::Chinese } else { Language::English }
    }
}

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Whether to unsubscribe, with the button.
    Ask,
    /// That it is done.
    Done,
    /// That the message is no longer on record.
    Gone,
    /// That the request lacked the field of the form.
    Incomplete,
}

/// A page's heading, sentence, and button.
type Words = (&'static str, &'static str, Option<&'static str>);

fn words(language: Language, text: Text) -> Words {
    match (language, text) {
        (Language::English, Text::Ask) => {
            ("Unsubscribe", "Do you want to stop receiving these messages?", Some("Unsubscribe"))
        }
        (Language::English, Text::Done) => {
            ("You are unsubscribed", "You will not receive these messages any more.", None)
        }
        (Language::English, Text::Gone) => (
            "Nothing to unsubscribe",
            "This message is no longer on record. If more messages come, please use the link in the newest one.",
            None,
        ),
        (Language::English, Text::Incomplete) => {
            ("Not unsubscribed yet", "Please press the button to unsubscribe.", Some("Unsubscribe"))
        }
        (Language::Chinese, Text::Ask) => ("退订", "您确定不再接收此类邮件吗？", Some("确认退订")),
        (Language::Chinese, Text::Done) => ("退订成功", "您将不再收到此类邮件。", None),
        (Language::Chinese, Text::Gone) => {
            ("无需退订", "我们已没有这封邮件的记录。如果您仍收到邮件，请使用最新邮件中的退订链接。", None)
        }
        (Language::Chinese, Text::Incomplete) => ("尚未退订", "请点击按钮完成退订。", Some("确认退订")),
    }
}

/// A page with its security headers.
pub(super) fn show(status: StatusCode, language: Language, text: Text) -> Response {
    let (title, sentence, button) = words(language, text);
    let tag = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let form = button.map_or_else(String::new, |button| {
        format!(
            "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\
             <input type=\"hidden\" name=\"from\" value=\"page\"><button type=\"submit\">{button}</button></form>"
        )
    });
    let html = format!(
        "<!doctype html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:15vh auto;\
         padding:0 1rem;color:#1b1b1b;background:#fff}}button{{font:inherit;padding:.6rem 1.4rem;border:0;\
         border-radius:.4rem;background:#1a56b0;color:#fff;cursor:pointer}}button:focus-visible{{outline:3px solid #f2b705}}\
         </style></head><body><main><h1>{title}</h1><p>{sentence}</p>{form}</main></body></html>\n"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept-language"),
    ];
    (status, headers, html).into_response()
}

/// For a token that we did not make, and for every other path.
pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "Not found\n")
}

/// For when nothing can be recorded.
pub(super) fn unavailable() -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "Please try again in a moment\n");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text).into_response()
}
