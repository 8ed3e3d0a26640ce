//! E-mail through a relay (RFC 5321): finished mails in, one `Delivery` each out.
//!
//! lettre carries the protocol of one connection; the pool, the order of commands, their time limits
//! and what a reply means are ours, because lettre's own pool bounds nothing but the TCP connect and
//! reuses connections whose replies have shifted. Nothing here decides about retries, suppression or
//! the ledger, and nothing here prints an address.

pub mod connect;
mod pool;
mod progress;
pub mod reply;
pub mod settings;
mod transaction;
pub mod transport;
