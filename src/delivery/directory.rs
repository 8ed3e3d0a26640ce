//! Messages as files in a folder: trials and the demo.
//!
//! The files hold personal data and are readable by their owner alone. A file's name is the message's key, so writing one twice changes nothing and no mark is needed
//! before it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

use super::transport::Delivery;

/// Files written together; bounds the open files.
const GROUP: usize = 128;

/// Threads that wait for the disk. A file system commits what several threads sync at the same time
/// in one go: eight of them are many times faster than one, and more gain nothing.
const SYNCERS: usize = 8;

/// Writes messages into one folder.
#[derive(Debug, Clone)]
pub struct DirectoryTransport {
    folder: PathBuf,
}

impl DirectoryTransport {
    /// A transport into `folder`, which is made when the first message is written.
    pub fn new(folder: PathBuf) -> DirectoryTransport {
        DirectoryTransport { folder }
    }

    /// Writes files, each a name (`KEY.eml`, `KEY.json`) and its bytes, and answers for each in the
    /// same order.
    ///
    /// A reader of the folder sees whole files only. When this returns `Accepted`, file and name are
    /// on the disk: the ledger will call the message sent, and must not be right about fewer
    /// messages than it says after a power cut. Errors of the folder or the disk are no message's
    /// fault and hold for the rest of the files too.
    pub async fn write_batch(&self, files: Vec<(String, Vec<u8>)>) -> Vec<Delivery> {
        let count = files.len();
        let folder = self.folder.clone();
        match tokio::task::spawn_blocking(move || write_all(&folder, &files)).await {
            Ok(deliveries) => deliveries,
            // The runtime is shutting down: whether something was written does not matter, it will
            // be written again.
            Err(_) => vec![unavailable("the writing was cut off"); count],
        }
    }
}

fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(files.len());
    for group in files.chunks(GROUP) {
        match write_group(folder, group) {
            Ok(written) => deliveries.extend(written),
            Err(error) => {
                let failed = unavailable(&error.kind().to_string());
                deliveries.resize(files.len(), failed);
                return deliveries;
            }
        }
    }
    deliveries
}

fn write_group(folder: &Path, group: &[(String, Vec<u8>)]) -> io::Result<Vec<Delivery>> {
    fs::create_dir_all(folder)?;
    let mut temporary = Vec::with_capacity(group.len());
    for (name, bytes) in group {
        // A name with a separator would leave the folder; keys never have one.
        if !is_plain(name) {
            temporary.push(None);
            continue;
        }
        let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
        file.write_all(bytes)?;
        temporary.push(Some((file, name)));
    }
    sync_all(temporary.iter().flatten().map(|(file, _)| file.as_file()).collect())?;
    let mut deliveries = Vec::with_capacity(group.len());
    for entry in temporary {
        deliveries.push(match entry {
            Some((file, name)) => {
                file.persist(folder.join(name)).map_err(|error| error.error)?;
                Delivery::Accepted { reply: format!("written to {name}") }
            }
            None => unavailable("the key cannot be a file name"),
        });
    }
    // The names are in the folder, which has its own fsync; one is enough for the whole group.
    File::open(folder)?.sync_all()?;
    Ok(deliveries)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn sync_all(files: Vec<&File>) -> io::Result<()> {
    let share = files.len().div_ceil(SYNCERS).max(1);
    thread::scope(|scope| {
        let syncers: Vec<_> = files
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().try_for_each(|file| file.sync_data())))
            .collect();
        syncers
            .into_iter()
            .try_for_each(|syncer| syncer.join().unwrap_or_else(|_| Err(io::Error::other("syncing failed"))))
    })
}

fn unavailable(reason: &str) -> Delivery {
    Delivery::Unavailable { reply: format!("cannot write to the folder: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<(String, Vec<u8>)> {
        names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect()
    }

    #[tokio::test]
    async fn repeating_changes_nothing_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().expect("a folder");
        let transport = DirectoryTransport::new(root.path().join("out"));
        for _ in 0..2 {
            let deliveries = transport.write_batch(files(&["b.eml", "a.eml"])).await;
            let reply = |name: &str| Delivery::Accepted { reply: format!("written to {name}") };
            assert_eq!(deliveries, [reply("b.eml"), reply("a.eml")]);
        }
        let mut found: Vec<String> = fs::read_dir(root.path().join("out"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        found.sort();
        assert_eq!(found, ["a.eml", "b.eml"]);
        assert_eq!(fs::read(root.path().join("out/a.eml")).expect("a file"), b"a.eml");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_no_messages_fault() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("out"), "a file in the way").expect("a file");
        let transport = DirectoryTransport::new(root.path().join("out"));
        let deliveries = transport.write_batch(files(&["a.eml", "b.eml"])).await;
        assert_eq!(deliveries.len(), 2);
        assert!(deliveries.iter().all(|d| matches!(d, Delivery::Unavailable { .. })));
    }

    #[tokio::test]
    async fn names_cannot_leave_the_folder() {
        let root = tempfile::tempdir().expect("a folder");
        let transport = DirectoryTransport::new(root.path().join("out"));
        let deliveries = transport.write_batch(files(&["../x.eml", "a.eml", "/tmp/y.eml"])).await;
        let accepted: Vec<bool> = deliveries.iter().map(|d| matches!(d, Delivery::Accepted { .. })).collect();
        assert_eq!(accepted, [false, true, false]);
        assert!(!root.path().join("x.eml").exists());
    }
}
