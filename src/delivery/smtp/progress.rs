//! The message's bytes on their way, with a record of how far they came.
//!
//! lettre writes a message and its final dot in one call. The iterator it takes the blocks from is
//! asked for the next block only after the last one was written, so being asked tells where the
//! writing stands: whether it moves, and whether the dot is next.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::settings::Timeouts;

/// The size of a block: large enough to be few, small enough that a slow line moves within the limit.
const BLOCK: usize = 64 * 1024;

/// How far a message has been written.
pub(super) struct Progress {
    timeouts: Timeouts,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    moved: Instant,
    dot: bool,
}

impl Progress {
    /// Nothing written yet.
    pub(super) fn new(timeouts: Timeouts) -> Progress {
        Progress { timeouts, state: Mutex::new(State { moved: Instant::now(), dot: false }) }
    }

    /// When to lose patience, as things stand.
    pub(super) fn deadline(&self) -> Instant {
        let state = self.state();
        state.moved + if state.dot { self.timeouts.dot } else { self.timeouts.block }
    }

    /// Whether the final dot may have gone out.
    pub(super) fn dot_started(&self) -> bool {
        self.state().dot
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, dot: bool) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State { moved: Instant::now(), dot };
    }
}

/// A message in blocks, without its last line end: the final dot brings its own.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    progress: &'a Progress,
}

impl<'a> Blocks<'a> {
    /// The blocks of `message`, recorded in `progress`.
    pub(super) fn new(message: &'a [u8], progress: &'a Progress) -> Blocks<'a> {
        Blocks { rest: message.strip_suffix(b"\r\n").unwrap_or(message), progress }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.progress.moved(self.rest.is_empty());
        if self.rest.is_empty() {
            return None;
        }
        let (block, rest) = self.rest.split_at(self.rest.len().min(BLOCK));
        self.rest = rest;
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_counts_as_started_only_after_the_last_block() {
        let progress = Progress::new(Timeouts::default());
        let message = [b'x'; BLOCK + 1];
        let mut blocks = Blocks::new(&message, &progress);
        assert_eq!(blocks.next().map(<[u8]>::len), Some(BLOCK));
        assert_eq!(blocks.next().map(<[u8]>::len), Some(1));
        assert!(!progress.dot_started());
        assert_eq!(blocks.next(), None);
        assert!(progress.dot_started());
    }

    #[test]
    fn exactly_one_line_end_is_left_to_the_dot() {
        let progress = Progress::new(Timeouts::default());
        let sent = |message: &[u8]| Blocks::new(message, &progress).collect::<Vec<_>>().concat();
        assert_eq!(sent(b"a\r\nb\r\n"), b"a\r\nb");
        assert_eq!(sent(b"a\r\n\r\n"), b"a\r\n");
        assert_eq!(sent(b"a"), b"a");
        assert_eq!(sent(b""), b"");
    }
}
