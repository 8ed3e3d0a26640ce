//! Assignment by hash: the same user, salt and share always give the same arm.
//!
//! `bucket = u64_be(SHA-256(salt ":" user)[0..8]) mod 10000`, and a user is held out when
//! `bucket < share`. Raising the share only adds users. Independent decisions (programme, stage,
//! variant) use different salts.

use sha2::{Digest, Sha256};

/// Number of buckets: a share is a count of these (basis points).
pub const BUCKETS: u32 = 10_000;

/// The bucket of a user under a salt, 0 to 9999.
pub fn bucket(salt: &str, user: &str) -> u32 {
    let mut hash = Sha256::new();
    hash.update(salt.as_bytes());
    hash.update(b":");
    hash.update(user.as_bytes());
    let digest = hash.finalize();
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(first) % u64::from(BUCKETS)) as u32
}

/// Whether a user falls into a held-out share of `basis_points` (0 to 10000).
pub fn held_out(salt: &str, user: &str, basis_points: u32) -> bool {
    bucket(salt, user) < basis_points
}

/// Which of several weighted choices a user gets; `None` when all weights are 0.
///
/// The 10,000 buckets are divided in proportion to the weights, in the order given.
pub fn choose(salt: &str, user: &str, weights: &[u32]) -> Option<usize> {
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    if total == 0 {
        return None;
    }
    let position = u64::from(bucket(salt, user)) * total / u64::from(BUCKETS);
    let mut upper = 0;
    weights.iter().position(|weight| {
        upper += u64::from(*weight);
        position < upper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_divide_users_in_proportion() {
        let mut counts = [0u32; 3];
        for user in 0..20_000 {
            counts[choose("salt", &user.to_string(), &[1, 0, 3]).expect("weights")] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((4_700..5_300).contains(&counts[0]), "{counts:?}");
        assert_eq!(choose("salt", "u", &[0, 0]), None);
    }

    #[test]
    fn a_larger_share_only_adds_users() {
        for user in 0..2_000 {
            let user = user.to_string();
            if held_out("s", &user, 500) {
                assert!(held_out("s", &user, 1_000));
            }
        }
    }
}
