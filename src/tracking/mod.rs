//! What comes back from messages over HTTP: followed links and unsubscriptions.
//!
//! Flows in: requests of strangers on the public listener. Flows out: hits and suppressions, handed
//! to a [`record::Record`] before the answer is given, so that what was answered is durable. It
//! never trusts anything but an authenticated token, never redirects to an address that is not
//! inside one, changes nothing on GET or HEAD of an unsubscription, and sets no cookies.

pub mod classify;
pub mod click;
mod form;
mod page;
pub mod record;
pub mod recorder;
pub mod routes;
pub mod server;
pub mod unsubscribe;

#[cfg(test)]
mod tests;
