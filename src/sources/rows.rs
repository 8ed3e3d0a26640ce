//! Rows of text files, one at a time, with their lines: what cannot be read is one bad row.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::error::SourceError;
use super::files::{Format, SourceFile};

/// A reader over the rows of one text file.
pub struct Rows {
    columns: Vec<String>,
    input: Input,
    file: String,
}

enum Input {
    Csv { reader: Box<csv::Reader<Box<dyn Read + Send>>>, record: csv::ByteRecord, end: Arc<End> },
    Ndjson { reader: Box<dyn BufRead + Send>, line: Vec<u8>, number: u64 },
}

/// One row: its line and its cells in the order of the columns, or what is wrong with it.
pub type Row<'a> = (u64, Result<Vec<Option<&'a str>>, Unusable>);

/// Why a row cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unusable {
    /// What is wrong.
    pub why: &'static str,
    /// How many rows are lost by it: one, or all the lines that it swallowed.
    pub rows: u64,
}

/// Lines after which a row is no row: a quotation mark was left open above them.
const LONGEST_ROW: u64 = 100;

/// What is said of a row that reaches over several lines and is wrong.
const OPEN_QUOTE: &str = "a row over several lines that does not fit the header; is a quotation mark left open?";

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("file", &self.file).field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Rows {
    /// Opens a file. NDJSON has no header: its columns are the keys of its first `sample` rows.
    pub fn open(file: &SourceFile, sample: usize) -> Result<Rows, SourceError> {
        match file.format {
            Format::Csv { gzip } => Rows::csv(file, gzip),
            Format::Ndjson { gzip } => Rows::ndjson(file, gzip, sample),
            Format::Parquet => {
                Err(SourceError::Refused { path: file.name.clone(), why: "Parquet has no rows of text" })
            }
        }
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    fn csv(file: &SourceFile, gzip: bool) -> Result<Rows, SourceError> {
        let end = Arc::new(End::default());
        let reader: Box<dyn Read + Send> = Box::new(Tail { inner: text(file, gzip)?, end: Arc::clone(&end) });
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(reader);
        let header = |why: String| SourceError::Header { file: file.name.clone(), why };
        let names = reader.byte_headers().map_err(|error| csv_error(file, error))?.clone();
        if names.is_empty() || names.iter().all(|name| name.is_empty()) {
            return Err(header("it has no header line".to_owned()));
        }
        let mut columns: Vec<String> = Vec::new();
        for name in &names {
            let name = std::str::from_utf8(name)
                .map_err(|_| header("its header is not UTF-8; save the file as UTF-8".to_owned()))?
                .trim();
            if name.contains('\0') {
                return Err(header("its header holds a NUL byte; is it UTF-16? Save the file as UTF-8".to_owned()));
            }
            if name.is_empty() {
                return Err(header(format!("column {} of its header has no name", columns.len() + 1)));
            }
            if columns.iter().any(|known| known == name) {
                return Err(header(format!("its header names the column `{name}` twice")));
            }
            columns.push(name.to_owned());
        }
        let input = Input::Csv { reader: Box::new(reader), record: csv::ByteRecord::new(), end };
        Ok(Rows { columns, input, file: file.name.clone() })
    }

    fn ndjson(file: &SourceFile, gzip: bool, sample: usize) -> Result<Rows, SourceError> {
        let io = |source| SourceError::Io { file: file.name.clone(), source };
        let mut columns: Vec<String> = Vec::new();
        let mut line = Vec::new();
        let mut first = text(file, gzip)?;
        for _ in 0..sample {
            line.clear();
            if first.read_until(b'\n', &mut line).map_err(io)? == 0 {
                break;
            }
            if let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(&line) {
                for key in object.keys() {
                    if !columns.iter().any(|known| known == key) {
                        columns.push(key.clone());
                    }
                }
            }
        }
        let input = Input::Ndjson { reader: Box::new(text(file, gzip)?), line, number: 0 };
        Ok(Rows { columns, input, file: file.name.clone() })
    }

    /// Calls `each` with every row until it returns `false`.
    pub fn for_each(&mut self, mut each: impl FnMut(Row<'_>) -> bool) -> Result<(), SourceError> {
        let width = self.columns.len();
        match &mut self.input {
            Input::Csv { reader, record, end } => loop {
                match reader.read_byte_record(record) {
                    Ok(false) => return Ok(()),
                    Ok(true) => {}
                    Err(error) => {
                        let source = std::io::Error::other(error.to_string());
                        return Err(SourceError::Io { file: self.file.clone(), source });
                    }
                }
                let line = record.position().map_or(0, csv::Position::line);
                let lines = reader.position().line().saturating_sub(line).max(1);
                let open = lines > 1 && ends_open(record, end);
                let cells = match csv_cells(record, width) {
                    Ok(_) if lines > LONGEST_ROW || open => Err(Unusable { why: OPEN_QUOTE, rows: lines }),
                    Ok(cells) => Ok(cells),
                    Err(_) if lines > 1 => Err(Unusable { why: OPEN_QUOTE, rows: lines }),
                    Err(why) => Err(Unusable { why, rows: 1 }),
                };
                if !each((line, cells)) {
                    return Ok(());
                }
            },
            Input::Ndjson { reader, line, number } => loop {
                line.clear();
                let read = reader
                    .read_until(b'\n', line)
                    .map_err(|source| SourceError::Io { file: self.file.clone(), source })?;
                if read == 0 {
                    return Ok(());
                }
                *number += 1;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let go_on = match json_cells(line, &self.columns) {
                    Ok(cells) => each((*number, Ok(cells.iter().map(Option::as_deref).collect()))),
                    Err(why) => each((*number, Err(Unusable { why, rows: 1 }))),
                };
                if !go_on {
                    return Ok(());
                }
            },
        }
    }
}

/// Whether this is the last record of a file, which ran into the file's end between quotation marks.
fn ends_open(record: &csv::ByteRecord, end: &End) -> bool {
    end.reached.load(Ordering::Relaxed)
        && end.last.load(Ordering::Relaxed) != b'"'
        && record.iter().next_back().is_some_and(|cell| cell.contains(&b'\n'))
}

/// What is known of a file's end.
#[derive(Debug, Default)]
struct End {
    /// Whether it was read to.
    reached: AtomicBool,
    /// The last octet so far that was no line break.
    last: AtomicU8,
}

/// A reader that keeps an eye on the end.
struct Tail<R> {
    inner: R,
    end: Arc<End>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(last) = buffer[..read].iter().rev().find(|octet| !matches!(octet, b'\r' | b'\n')) {
            self.end.last.store(*last, Ordering::Relaxed);
        }
        if read == 0 && !buffer.is_empty() {
            self.end.reached.store(true, Ordering::Relaxed);
        }
        Ok(read)
    }
}

fn csv_cells(record: &csv::ByteRecord, width: usize) -> Result<Vec<Option<&str>>, &'static str> {
    if record.len() < width {
        return Err("fewer cells than the header has");
    }
    if record.len() > width {
        return Err("more cells than the header has");
    }
    record
        .iter()
        .map(|cell| {
            let text = std::str::from_utf8(cell).map_err(|_| "not UTF-8")?;
            if text.contains('\0') {
                return Err("a NUL byte");
            }
            let text = text.trim_matches(' ');
            Ok((!text.is_empty()).then_some(text))
        })
        .collect()
}

fn json_cells(line: &[u8], columns: &[String]) -> Result<Vec<Option<String>>, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| "not JSON")?;
    let serde_json::Value::Object(object) = value else { return Err("not a JSON object") };
    columns
        .iter()
        .map(|column| match object.get(column) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(serde_json::Value::String(text)) if text.contains('\0') => Err("a NUL byte"),
            Some(serde_json::Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
            Some(other) => Ok(Some(other.to_string())),
        })
        .collect()
}

/// The text of a file, without a byte order mark.
fn text(file: &SourceFile, gzip: bool) -> Result<impl BufRead + Send + use<>, SourceError> {
    let io = |source| SourceError::Io { file: file.name.clone(), source };
    let raw = BufReader::with_capacity(1 << 16, File::open(&file.path).map_err(io)?);
    let plain: Box<dyn Read + Send> = if gzip { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let mut buffered = BufReader::with_capacity(1 << 16, plain);
    if buffered.fill_buf().map_err(io)?.starts_with(b"\xEF\xBB\xBF") {
        buffered.consume(3);
    }
    Ok(buffered)
}

fn csv_error(file: &SourceFile, error: csv::Error) -> SourceError {
    SourceError::Io { file: file.name.clone(), source: std::io::Error::other(error.to_string()) }
}
