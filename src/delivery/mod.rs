//! From message rows to messages out: claim, render, send, settle.
//!
//! Flows in: pending messages of the ledger. Flows out: mails, calls and files, and for each message
//! exactly one final state with its attempts. Nothing goes out without its row, nothing twice: what
//! cannot be taken back is preceded by a durable mark. It never decides who gets a message.

pub mod directory;
pub mod dispatch;
pub mod excerpt;
pub mod journal;
pub mod limit;
pub mod mime;
pub mod outbox;
pub mod prepare;
pub mod render;
pub mod retry;
pub mod smtp;
pub mod transport;
pub mod verdict;
pub mod webhook;
