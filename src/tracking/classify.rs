//! Who is behind a request, by what the request itself shows. Pure.

use axum::http::{HeaderMap, Method, header};

use crate::domain::vocabulary::HitClass;

/// Headers by which clients say that nobody looks yet.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Parts of user agents, in small letters, that no person's browser has.
const BOTS: [&str; 46] = [
    "crawler",
    "spider",
    "slurp",
    "scanner",
    "scrapy",
    "archiver",
    "monitor",
    "preview",
    "linkcheck",
    "validator",
    "curl/",
    "wget/",
    "libwww",
    "lwp::",
    "python-requests",
    "python-urllib",
    "python/",
    "aiohttp",
    "httpx",
    "urllib",
    "go-http-client",
    "java/",
    "apache-httpclient",
    "okhttp",
    "node-fetch",
    "undici",
    "axios",
    "guzzle",
    "ruby",
    "perl",
    "php/",
    "dart/",
    "reqwest",
    "headlesschrome",
    "phantomjs",
    "puppeteer",
    "playwright",
    "facebookexternalhit",
    "whatsapp",
    "googleimageproxy",
    "yahoomailproxy",
    "barracuda",
    "mimecast",
    "proofpoint",
    "urlscan",
    "virustotal",
];

/// The class of one hit. HEAD is what scanners send; a click of a person is always a GET.
pub fn classify(method: &Method, headers: &HeaderMap) -> HitClass {
    if method == Method::HEAD {
        return HitClass::Bot;
    }
    let says_so = |name: &str| headers.get_all(name).iter().any(|value| is_prefetch(value.as_bytes()));
    if PURPOSES.into_iter().any(says_so) {
        return HitClass::Prefetch;
    }
    let agent = headers.get(header::USER_AGENT).map(|value| value.as_bytes().to_ascii_lowercase());
    match agent.as_deref().map(String::from_utf8_lossy) {
        None => HitClass::Unknown,
        Some(agent) if agent.trim().is_empty() => HitClass::Unknown,
        Some(agent) if is_bot(&agent) => HitClass::Bot,
        Some(_) => HitClass::Human,
    }
}

fn is_prefetch(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let value = String::from_utf8_lossy(&value);
    ["prefetch", "prerender", "preview", "preload"].iter().any(|word| value.contains(word))
}

fn is_bot(agent: &str) -> bool {
    // "bot" ends the name of most bots; Cubot makes telephones.
    let named_bot = agent.match_indices("bot").any(|(at, _)| {
        !agent[..at].ends_with("cu") && !agent[at + 3..].starts_with(|next: char| next.is_ascii_alphabetic())
    });
    named_bot || BOTS.iter().any(|part| agent.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_bots_and_preloaders() {
        let class = |headers: &[(&'static str, &'static str)]| {
            let map = headers
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)));
            classify(&Method::GET, &map.collect())
        };
        let chrome =
            "Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36";
        assert_eq!(class(&[("user-agent", chrome)]), HitClass::Human);
        assert_eq!(class(&[("user-agent", chrome), ("sec-purpose", "prefetch;prerender")]), HitClass::Prefetch);
        assert_eq!(class(&[("user-agent", chrome), ("purpose", "Prefetch")]), HitClass::Prefetch);
        assert_eq!(class(&[("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)")]), HitClass::Bot);
        assert_eq!(class(&[("user-agent", "curl/8.5.0")]), HitClass::Bot);
        assert_eq!(class(&[("user-agent", " ")]), HitClass::Unknown);
        assert_eq!(class(&[]), HitClass::Unknown);
        assert_eq!(classify(&Method::HEAD, &HeaderMap::new()), HitClass::Bot);
    }
}
