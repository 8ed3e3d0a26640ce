//! The signature of Standard Webhooks 1.0.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use standardwebhooks::Webhook;

/// Signs calls with one key.
pub struct Signer {
    webhook: Webhook,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(•••)")
    }
}

/// Why a text is no key. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64, with or without `whsec_`.
    #[error("the secret is not `whsec_` followed by base64")]
    Encoding,
    /// Shorter than 24 or longer than 64 bytes.
    #[error("the secret must hold 24 to 64 bytes")]
    Length,
}

impl Signer {
    /// Reads `whsec_…`; the prefix may be missing, as the specification's libraries allow.
    pub fn new(secret: &str) -> Result<Signer, KeyError> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| KeyError::Encoding)?;
        if !(24..=64).contains(&key.len()) {
            return Err(KeyError::Length);
        }
        Ok(Signer { webhook: Webhook::from_bytes(key).map_err(|_| KeyError::Encoding)? })
    }

    /// The value of `webhook-signature` for exactly these bytes; `None` if they are not UTF-8, which
    /// JSON always is.
    pub fn sign(&self, id: &str, at: DateTime<Utc>, body: &[u8]) -> Option<String> {
        self.webhook.sign(id, at.timestamp(), body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the specification's repository and of its libraries.
    #[test]
    fn published_vectors() {
        for (secret, id, at, body, signature) in [
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ] {
            let at = DateTime::from_timestamp(at, 0).expect("an instant");
            let signer = Signer::new(secret).expect("a key");
            assert_eq!(signer.sign(id, at, body.as_bytes()).as_deref(), Some(signature));
        }
    }

    #[test]
    fn keys_are_24_to_64_bytes() {
        let key = |n: usize| format!("whsec_{}", STANDARD.encode(vec![7_u8; n]));
        assert!(Signer::new(&key(24)).is_ok() && Signer::new(&key(64)).is_ok());
        for short_or_long in [0, 23, 65] {
            assert_eq!(Signer::new(&key(short_or_long)).err(), Some(KeyError::Length));
        }
        assert_eq!(Signer::new("whsec_not base64!").err(), Some(KeyError::Encoding));
    }
}
