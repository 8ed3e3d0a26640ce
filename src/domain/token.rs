//! Authenticated tokens in public links: what a link says is inside it, so following one needs no
//! database, and nobody but us can make one.
//!
//! A token is base64url (no padding) of `version | payload | tag`; the tag is the first 128 bits of
//! HMAC-SHA256 over version and payload, with a key of its own for each purpose, so that a click's
//! token is never taken for an unsubscription. Tokens never expire: an old mail must still let its
//! reader out (rules of one-click unsubscription), and its links must still lead somewhere.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The only version there is.
const VERSION: u8 = 1;
/// Octets of the tag: 128 bits.
const TAG: usize = 16;
/// Longest role, in octets.
pub const MAX_ROLE: usize = 32;
/// Longest destination, in octets.
pub const MAX_URL: usize = 2048;
/// Longest token, in characters: the longest payload in base64.
pub const MAX_TOKEN: usize = (1 + 8 + 1 + MAX_ROLE + MAX_URL + TAG).div_ceil(3) * 4;

type Mac256 = Hmac<Sha256>;

/// What the token of a tracked link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The message whose link it is.
    pub message_id: i64,
    /// What the link is for (`pay`), where the author said so.
    pub role: Option<String>,
    /// Where it leads: an absolute http(s) URL.
    pub url: String,
}

/// Makes and reads tokens under one secret.
#[derive(Clone)]
pub struct Signer {
    click: Mac256,
    unsubscribe: Mac256,
}

impl fmt::Debug for Signer {
    /// Nothing of the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Derives one key per purpose from the project's secret, of any length.
    pub fn new(secret: &[u8]) -> Signer {
        let master = keyed(&Sha256::digest(secret).into());
        let derive = |purpose: &[u8]| keyed(&master.clone().chain_update(purpose).finalize().into_bytes().into());
        Signer { click: derive(b"winback click v1"), unsubscribe: derive(b"winback unsubscribe v1") }
    }

    /// The token of a tracked link. A role longer than [`MAX_ROLE`] is left out, and a destination
    /// longer than [`MAX_URL`] makes a token that [`Signer::read_click`] refuses: whoever takes links
    /// from an author checks both first.
    pub fn click(&self, message_id: i64, role: Option<&str>, url: &str) -> String {
        let role = role.filter(|role| role.len() <= MAX_ROLE).unwrap_or_default();
        let mut payload = Vec::with_capacity(10 + role.len() + url.len() + TAG);
        payload.push(VERSION);
        payload.extend_from_slice(&message_id.to_be_bytes());
        payload.push(role.len() as u8);
        payload.extend_from_slice(role.as_bytes());
        payload.extend_from_slice(url.as_bytes());
        seal(&self.click, payload)
    }

    /// The token of an unsubscription.
    pub fn unsubscribe(&self, message_id: i64) -> String {
        let mut payload = Vec::with_capacity(9 + TAG);
        payload.push(VERSION);
        payload.extend_from_slice(&message_id.to_be_bytes());
        seal(&self.unsubscribe, payload)
    }

    /// Reads the token of a tracked link; `None` for whatever we did not make.
    pub fn read_click(&self, token: &str) -> Option<Click> {
        let payload = open(&self.click, token)?;
        let (id, rest) = payload.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (role, url) = rest.split_at_checked(usize::from(*length))?;
        let url = String::from_utf8(url.to_vec()).ok()?;
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return None;
        }
        let role = String::from_utf8(role.to_vec()).ok()?;
        Some(Click { message_id: i64::from_be_bytes(*id), role: (!role.is_empty()).then_some(role), url })
    }

    /// Reads the token of an unsubscription: the message it came with.
    pub fn read_unsubscribe(&self, token: &str) -> Option<i64> {
        let payload = open(&self.unsubscribe, token)?;
        Some(i64::from_be_bytes(payload.try_into().ok()?))
    }
}

/// HMAC pads a key shorter than its block with zeros, which is done here, so that the key's length
/// is right by its type.
fn keyed(key: &[u8; 32]) -> Mac256 {
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(key);
    Mac256::new(&block.into())
}

fn seal(key: &Mac256, mut payload: Vec<u8>) -> String {
    let tag = key.clone().chain_update(&payload).finalize().into_bytes();
    payload.extend_from_slice(&tag[..TAG]);
    URL_SAFE_NO_PAD.encode(payload)
}

/// The payload after its version, once the tag is right; compared in constant time.
fn open(key: &Mac256, token: &str) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let tag = bytes.split_off(bytes.len().checked_sub(TAG)?);
    key.clone().chain_update(&bytes).verify_truncated_left(&tag).ok()?;
    (*bytes.first()? == VERSION).then(|| bytes.split_off(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_purpose_or_secret_never_reads_anothers_token() {
        let (ours, theirs) = (Signer::new(b"ours"), Signer::new(b"theirs"));
        let click = ours.click(7, Some("pay"), "https://shop.example/?a=1&b=2");
        assert_eq!(ours.read_click(&click).map(|c| (c.message_id, c.role)), Some((7, Some("pay".into()))));
        assert_eq!(theirs.read_click(&click), None);
        assert_eq!(ours.read_unsubscribe(&click), None);
        let leave = ours.unsubscribe(i64::MIN);
        assert_eq!(ours.read_unsubscribe(&leave), Some(i64::MIN));
        assert_eq!(ours.read_click(&leave), None);
        assert_eq!(ours.read_click(&ours.click(1, None, "javascript:alert(1)")), None);
    }

    #[test]
    fn the_longest_link_fits_and_a_longer_one_does_not() {
        let signer = Signer::new(b"s");
        let url = format!("https://{}", "a".repeat(MAX_URL - 8));
        let token = signer.click(1, Some(&"r".repeat(MAX_ROLE)), &url);
        assert!(token.len() <= MAX_TOKEN);
        assert!(signer.read_click(&token).is_some());
        assert_eq!(signer.read_click(&signer.click(1, None, &format!("{url}{}", "a".repeat(64)))), None);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(id: i64, role in "[a-z]{0,8}", tail in "[ -~]{0,40}", at: prop::sample::Index, bit in 0..8u8) {
            let signer = Signer::new(b"secret");
            let url = format!("https://shop.example/{tail}");
            let token = signer.click(id, Some(&role), &url);
            let read = signer.read_click(&token).expect("our own token");
            prop_assert_eq!((read.message_id, read.role.unwrap_or_default(), read.url), (id, role, url));
            let mut bytes = token.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert_eq!(signer.read_click(&changed), None);
                prop_assert_eq!(signer.read_unsubscribe(&changed), None);
            }
        }

        #[test]
        fn arbitrary_text_is_refused(text in ".{0,200}", letters in "[A-Za-z0-9_-]{0,100}") {
            let signer = Signer::new(b"secret");
            for token in [&text, &letters] {
                prop_assert_eq!(signer.read_click(token), None);
                prop_assert_eq!(signer.read_unsubscribe(token), None);
            }
        }
    }
}
