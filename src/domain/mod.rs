//! The words every other folder speaks: closed vocabularies of the ledger, contacts, the hash that
//! assigns users to arms, and the clock.
//!
//! Flows in: nothing. Flows out: small values. It imports nothing of ours, does no IO, and only
//! `clock` knows what time it is.

pub mod assignment;
pub mod clock;
pub mod contact;
pub mod token;
pub mod vocabulary;
