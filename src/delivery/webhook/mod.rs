//! Webhooks out (Standard Webhooks 1.0.0): finished calls in, one `Delivery` each out.
//!
//! At least once, verifiable, and with no way into our own network. Nothing here decides about
//! retries or the ledger, follows a redirect, or keeps what an endpoint answers beyond its status.

pub mod guard;
pub mod retry_after;
pub mod sign;
pub mod transport;
