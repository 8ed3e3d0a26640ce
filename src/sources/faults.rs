//! Rows that cannot be used: the first ten of each kind by line, then a count.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How many rows of a kind are named.
const NAMED: usize = 10;

/// What was found in one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Rows that could be used.
    pub good: u64,
    /// Rows that could not.
    pub bad: u64,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Kind {
    count: u64,
    places: u64,
    first: Vec<String>,
}

impl Faults {
    /// Counts a row that cannot be used. `kind` names no value, so that rows of a kind gather.
    pub fn add(&mut self, kind: &str, file: &str, line: u64) {
        self.add_many(kind, format!("{file}:{line}"), 1);
    }

    /// Counts rows that cannot be used and that have one place together.
    pub fn add_many(&mut self, kind: &str, place: String, rows: u64) {
        self.bad += rows;
        let entry = self.kinds.entry(kind.to_owned()).or_default();
        entry.count += rows;
        entry.places += 1;
        if entry.first.len() < NAMED {
            entry.first.push(place);
        }
    }

    /// Adds what another reader of the same source found.
    pub fn merge(&mut self, other: &Faults) {
        self.good += other.good;
        self.bad += other.bad;
        for (kind, theirs) in &other.kinds {
            let entry = self.kinds.entry(kind.clone()).or_default();
            entry.count += theirs.count;
            entry.places += theirs.places;
            let room = NAMED.saturating_sub(entry.first.len());
            entry.first.extend(theirs.first.iter().take(room).cloned());
        }
    }
}

impl fmt::Display for Faults {
    /// A line per kind: how many, what, where.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, rows)) in self.kinds.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let rest = rows.places - rows.first.len() as u64;
            write!(f, "  {} × {kind}: {}", rows.count, rows.first.join(", "))?;
            if rest > 0 {
                write!(f, " and {rest} more")?;
            }
        }
        Ok(())
    }
}

/// The faults of all files of a source, shared by its readers. A file that is read again replaces
/// what was said of it, so that two passes over the same facts count once.
#[derive(Debug, Clone, Default)]
pub struct SharedFaults {
    by_file: Arc<Mutex<BTreeMap<String, Faults>>>,
}

impl SharedFaults {
    /// Says what was found in a file.
    pub fn set(&self, file: &str, faults: Faults) {
        self.by_file.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), faults);
    }

    /// All files together; `None` when nothing of the source has been read.
    pub fn total(&self) -> Option<Faults> {
        let by_file = self.by_file.lock().unwrap_or_else(PoisonError::into_inner);
        by_file.values().cloned().reduce(|mut total, faults| {
            total.merge(&faults);
            total
        })
    }
}
