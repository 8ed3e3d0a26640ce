//! Opening the ledger: the settings that make a commit durable, and the schema brought up to date.

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use winback_migrations::{Migrator, MigratorTrait, SchemaManager};

/// What can go wrong between us and the ledger.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said so.
    #[error("the database refused: {0}")]
    Database(#[from] DbErr),
    /// The folder of the SQLite file cannot be made.
    #[error("cannot make the folder of the database: {0}")]
    Folder(#[source] std::io::Error),
    /// Another process works on this ledger.
    #[error("another winback process is working on this database")]
    Locked,
    /// The lock file cannot be used.
    #[error("cannot use the lock file beside the database: {0}")]
    LockFile(#[source] std::io::Error),
    /// A value in a table is none of ours.
    #[error("the ledger holds `{value}` where a {what} belongs")]
    Foreign {
        /// The vocabulary.
        what: &'static str,
        /// What was found.
        value: String,
    },
}

/// The ledger. Clones share the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    url: String,
}

impl Store {
    /// Opens the ledger at `sqlite:path` or `postgres://…` and brings its schema up to date.
    ///
    /// SQLite runs with WAL and `synchronous=FULL`, so that a commit survives power loss, and with
    /// one writing connection: writers wait in line here instead of failing with "busy" there.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let store = Store::connect(url).await?;
        Migrator::up(&store.write, None).await?;
        Ok(store)
    }

    /// Opens a ledger only to read; `None` where none has been made yet. Changes nothing, not even the
    /// schema.
    pub async fn open_to_read(url: &str) -> Result<Option<Store>, StoreError> {
        if sqlite_path(url).is_some_and(|path| !path.exists()) {
            return Ok(None);
        }
        let store = Store::connect(url).await?;
        let made = SchemaManager::new(&store.read).has_table("lake_files").await?;
        Ok(made.then_some(store))
    }

    async fn connect(url: &str) -> Result<Store, StoreError> {
        match sqlite_path(url) {
            Some(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(StoreError::Folder)?;
                }
                let write = sqlite(&path, 1).await?;
                let read = sqlite(&path, 4).await?;
                Ok(Store { write, read, url: url.to_owned() })
            }
            None => {
                let mut options = ConnectOptions::new(url);
                options.max_connections(8).sqlx_logging(false).acquire_timeout(Duration::from_secs(30));
                let pool = Database::connect(options).await?;
                Ok(Store { write: pool.clone(), read: pool, url: url.to_owned() })
            }
        }
    }

    /// For single statements that write.
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// For reading.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// A transaction that writes; on SQLite it takes the write lock at once.
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.write.begin_with_options(options).await?)
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// The URL it was opened with.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// The file of a `sqlite:` URL.
pub(super) fn sqlite_path(url: &str) -> Option<PathBuf> {
    url.strip_prefix("sqlite:").map(|path| PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

async fn sqlite(path: &std::path::Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let file = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    // Idle connections are kept: a new one would have to read the schema again.
    options
        .min_connections(1)
        .max_connections(connections)
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(60));
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .filename(&file)
            .in_memory(false)
            .shared_cache(false)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(30))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .foreign_keys(true)
    });
    Database::connect(options).await
}
