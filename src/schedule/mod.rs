//! When a workflow runs: its cron line, the slots that are due, and the heartbeat that asks.
//!
//! Flows in: cron lines and zones of the project, instants of the clock. Flows out: slots, each one
//! instant in UTC. `cron` and `due` are pure; `ticker` only wakes its owner up. Nothing here keeps
//! state, claims a slot or starts a run: the ledger's unique key on (workflow, slot) does that.

pub mod cron;
pub mod due;
pub mod ticker;
