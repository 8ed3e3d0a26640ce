//! What can go wrong with a source as a whole.

use datafusion::error::DataFusionError;

use super::faults::Faults;

/// Why a source cannot be used; the run that needs it fails and changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The pattern matches no file.
    #[error("no file matches `{pattern}`")]
    NoFiles {
        /// As in the YAML.
        pattern: String,
    },
    /// The path leaves the project's root, or is no regular file.
    #[error("`{path}` cannot be a source: {why}")]
    Refused {
        /// As in the YAML, or the file found.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file cannot be opened or read.
    #[error("cannot read `{file}`: {source}")]
    Io {
        /// Relative to the root.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file's header cannot be used.
    #[error("`{file}`: {why}")]
    Header {
        /// Relative to the root.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A column that the YAML names is not in the file.
    #[error("`{file}` has no column `{column}`")]
    NoColumn {
        /// Relative to the root.
        file: String,
        /// As in the YAML.
        column: String,
        /// Where it stands in the YAML.
        place: crate::project::problems::Place,
        /// What the file has.
        known: Vec<String>,
    },
    /// Not one usable row. Silence of a source is never silence of the users.
    #[error(
        "the source `{pattern}` has no rows that can be used; an empty source never means that everybody left{}",
        below(faults)
    )]
    Empty {
        /// As in the YAML.
        pattern: String,
        /// What was wrong with the rows it has.
        faults: Faults,
    },
    /// More rows are unusable than an honest result can bear.
    #[error("{bad} of {all} rows of `{pattern}` cannot be used; the limit is 1 % (or 10 rows){}", below(faults))]
    TooManyBad {
        /// As in the YAML.
        pattern: String,
        /// Unusable rows.
        bad: u64,
        /// All rows.
        all: u64,
        /// What was wrong.
        faults: Faults,
    },
    /// The engine said so.
    #[error("reading the sources failed: {0}")]
    Engine(#[from] DataFusionError),
}

/// What was wrong with the rows, on lines of their own.
fn below(faults: &Faults) -> String {
    if faults.bad == 0 { String::new() } else { format!("\n{faults}") }
}

impl SourceError {
    /// What the engine reports when a source that it was reading failed: the source's own error where it
    /// carries one, without the layers around it.
    pub fn from_engine(error: DataFusionError) -> SourceError {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<SourceError>() {
                Ok(own) => *own,
                Err(other) => SourceError::Engine(DataFusionError::External(other)),
            },
            DataFusionError::Context(_, inner) => SourceError::from_engine(*inner),
            other => SourceError::Engine(other),
        }
    }
}
