//! Which addresses a webhook may reach: the public ones, and what the channel allows.
//!
//! The check sits inside the resolver, on the very addresses that are then connected to: a name that
//! answers publicly first and privately next gains nothing. Hosts that are addresses never reach a
//! resolver and are checked before; the url crate reads all their spellings (`2130706433`,
//! `0x7f.1`) as browsers do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// IPv4 blocks that are not public (IANA's special-purpose registry, RFC 6890, and multicast).
const CLOSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// IPv6 blocks that are not public, among them those that carry an IPv4 address (compatible, NAT64,
/// 6to4, Teredo) and could lead anywhere.
const CLOSED_V6: [Ipv6Net; 13] = [
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 9),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// The addresses that may be reached. Clones share one list.
#[derive(Debug, Clone)]
pub struct Guard {
    allow: Arc<[IpNet]>,
}

/// A name has no address that may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host is not a public address; the channel's `allow` can name the block")]
pub struct NotAllowed;

impl Guard {
    /// Public addresses, and those in `allow`.
    pub fn new(allow: &[IpNet]) -> Guard {
        Guard { allow: allow.into() }
    }

    /// Whether the address may be reached. An IPv4 address written as IPv6 is judged as IPv4.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let closed = match address {
            IpAddr::V4(v4) => CLOSED_V4.iter().any(|net| net.contains(&v4)),
            IpAddr::V6(v6) => CLOSED_V6.iter().any(|net| net.contains(&v6)),
        };
        !closed || self.allow.iter().any(|net| net.contains(&address))
    }
}

impl Resolve for Guard {
    /// Resolves with the system's resolver and drops what may not be reached.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::{Host, Url};

    fn allows(guard: &Guard, host: &str) -> bool {
        match Url::parse(&format!("https://{host}/")).expect(host).host() {
            Some(Host::Ipv4(address)) => guard.allows(address.into()),
            Some(Host::Ipv6(address)) => guard.allows(address.into()),
            Some(Host::Domain(_)) | None => panic!("{host} is no address"),
        }
    }

    #[test]
    fn addresses_that_are_not_public() {
        let guard = Guard::new(&[]);
        for host in [
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "127.0.0.1.",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fdff::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
        ] {
            assert!(!allows(&guard, host), "{host}");
        }
    }

    #[test]
    fn addresses_that_are_public() {
        let guard = Guard::new(&[]);
        for host in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[::ffff:8.8.8.8]",
            "[2606:4700:4700::1111]",
            "[2a00:1450::1]",
            "[2001:4860:4860::8888]",
        ] {
            assert!(allows(&guard, host), "{host}");
        }
    }

    #[test]
    fn the_channel_may_allow_a_block_and_only_that() {
        let guard = Guard::new(&["10.1.0.0/16".parse().expect("a block"), "::1/128".parse().expect("a block")]);
        assert!(allows(&guard, "10.1.2.3") && allows(&guard, "[::ffff:10.1.2.3]") && allows(&guard, "[::1]"));
        assert!(!allows(&guard, "10.2.0.1") && !allows(&guard, "127.0.0.1"));
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        let name = || "localhost".parse::<Name>().expect("a name");
        let refused = Guard::new(&[]).resolve(name()).await.err().expect("refused");
        assert!(refused.is::<NotAllowed>());
        let allow = ["127.0.0.0/8".parse().expect("a block"), "::1/128".parse().expect("a block")];
        assert!(Guard::new(&allow).resolve(name()).await.is_ok());
    }
}
