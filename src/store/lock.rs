//! One process works on a ledger at a time; another refuses to start instead of sending twice.

use std::fs::{File, TryLockError};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use super::connection::{Store, StoreError, sqlite_path};

/// Any number, the same in every process: advisory locks belong to one database.
const ADVISORY_KEY: i64 = 0x57_49_4e_42_41_43_4b;

/// The right to work on a ledger, until dropped or until the process dies in any way.
#[derive(Debug)]
pub enum Lock {
    /// An exclusive lock on a file beside the SQLite file.
    File(File),
    /// A session-level advisory lock on a connection of its own.
    Session(DatabaseConnection),
}

impl Lock {
    /// Takes the lock, or says that somebody has it.
    ///
    /// PostgreSQL notices the death of a session's client with a little delay, so a held lock is
    /// asked for again for two seconds.
    pub async fn take(store: &Store) -> Result<Lock, StoreError> {
        match sqlite_path(store.url()) {
            Some(path) => {
                let mut name = path.into_os_string();
                name.push(".lock");
                let file = File::options()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(name)
                    .map_err(StoreError::LockFile)?;
                match file.try_lock() {
                    Ok(()) => Ok(Lock::File(file)),
                    Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
                    Err(TryLockError::Error(error)) => Err(StoreError::LockFile(error)),
                }
            }
            None => {
                let mut options = ConnectOptions::new(store.url());
                options.min_connections(1).max_connections(1).sqlx_logging(false);
                options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
                let session = Database::connect(options).await?;
                for _ in 0..20 {
                    let ask = Statement::from_sql_and_values(
                        session.get_database_backend(),
                        "SELECT pg_try_advisory_lock($1) AS held",
                        [ADVISORY_KEY.into()],
                    );
                    let row = session.query_one_raw(ask).await?;
                    if row.map(|row| row.try_get::<bool>("", "held")).transpose()? == Some(true) {
                        return Ok(Lock::Session(session));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(StoreError::Locked)
            }
        }
    }
}
