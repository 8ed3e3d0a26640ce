//! Finding the files of a source: patterns and folders below the project's root, nothing else.

use std::path::{Component, Path, PathBuf};

use super::error::SourceError;

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Relative to the root, for people.
    pub name: String,
    /// How to read it.
    pub format: Format,
}

/// How to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated with a header; `gzip` when compressed.
    Csv {
        /// Whether it is compressed.
        gzip: bool,
    },
    /// One JSON object per line.
    Ndjson {
        /// Whether it is compressed.
        gzip: bool,
    },
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// By the file's name.
    pub fn of(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let (plain, gzip) = match name.strip_suffix(".gz") {
            Some(plain) => (plain, true),
            None => (name.as_str(), false),
        };
        match Path::new(plain).extension()?.to_str()? {
            "csv" => Some(Format::Csv { gzip }),
            "ndjson" | "jsonl" => Some(Format::Ndjson { gzip }),
            "parquet" if !gzip => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// The files that a pattern, path or folder names, in order of their names.
///
/// Links that lead out of the root, devices and pipes are refused, not followed.
pub fn find(root: &Path, pattern: &str) -> Result<Vec<SourceFile>, SourceError> {
    let refused = |path: &str, why| SourceError::Refused { path: path.to_owned(), why };
    let relative = Path::new(pattern);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(refused(pattern, "a source stays below the project's folder, without `..`"));
    }
    let io = |file: &Path, source| SourceError::Io { file: file.display().to_string(), source };
    let root = root.canonicalize().map_err(|error| io(root, error))?;
    let literal = root.join(relative);
    let mut found = Vec::new();
    if literal.is_dir() {
        folder(&literal, &mut found, 0)?;
    } else {
        // The root may hold characters that mean something in a pattern; only the YAML's part is one.
        let escaped = Path::new(&glob::Pattern::escape(&root.to_string_lossy())).join(relative);
        let paths = glob::glob(&escaped.to_string_lossy()).map_err(|_| refused(pattern, "the pattern is not valid"))?;
        for path in paths {
            found.push(path.map_err(|error| {
                let path = error.path().to_owned();
                io(&path, error.into())
            })?);
        }
    }
    found.sort();
    let mut files = Vec::new();
    for path in found {
        let real = path.canonicalize().map_err(|error| io(&path, error))?;
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if !real.starts_with(&root) {
            return Err(refused(&name, "it leads out of the project's folder"));
        }
        let kind = std::fs::metadata(&real).map_err(|error| io(&path, error))?.file_type();
        if !kind.is_file() {
            return Err(refused(&name, "it is not a regular file"));
        }
        let format = Format::of(&name).ok_or_else(|| {
            refused(&name, "its name must end in .csv, .ndjson, .jsonl (or these with .gz) or .parquet")
        })?;
        files.push(SourceFile { path: real, name, format });
    }
    if files.is_empty() {
        return Err(SourceError::NoFiles { pattern: pattern.to_owned() });
    }
    Ok(files)
}

/// Files of a readable format in a folder and the folders in it; others, such as notes, are passed over.
fn folder(path: &Path, found: &mut Vec<PathBuf>, depth: u32) -> Result<(), SourceError> {
    let io = |source| SourceError::Io { file: path.display().to_string(), source };
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() && depth < 16 {
            folder(&entry.path(), found, depth + 1)?;
        } else if Format::of(&entry.file_name().to_string_lossy()).is_some() {
            found.push(entry.path());
        }
    }
    Ok(())
}
