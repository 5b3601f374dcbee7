//! SQLite: one file, write-ahead log, one writer.

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::StoreError;

mod runs;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long to wait for another process before giving up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often opening is tried, and the pause in between.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// A history in one SQLite file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    /// One connection, so that this process never competes with itself.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// Opens a history and brings its tables up to date; makes the file when there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or belongs to a newer program.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut tries = 1;
        loop {
            match Self::open_once(path).await {
                // Two processes that make the same new history get into each other's way; the second finds it made.
                Err(StoreError::Locked | StoreError::Other(_) | StoreError::Open { .. }) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                done => return done,
            }
        }
    }

    async fn open_once(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An event that was appended must survive a loss of power: what is not known cannot be judged.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let as_open = |error: sqlx::Error| match StoreError::from(error) {
            StoreError::Other(cause) => StoreError::Open { path: path.to_owned(), cause },
            known => known,
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(options.clone())
            .await
            .map_err(as_open)?;
        MIGRATIONS.run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(_)
            | MigrateError::VersionMismatch(_)
            | MigrateError::VersionTooNew(..) => StoreError::Newer { cause: error.to_string() },
            MigrateError::Execute(error) => as_open(error),
            other => StoreError::Other(other.to_string()),
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options.create_if_missing(false));
        Ok(Self { writer, readers })
    }

    /// Closes all connections, which folds the write-ahead log into the file.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
