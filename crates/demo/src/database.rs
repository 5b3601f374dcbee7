//! SQLite files of the services: WAL, so that reading never waits for writing.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use crate::error::DemoError;

/// Opens the one writing connection and creates what `schema` says is missing.
pub(crate) async fn open_writer(path: &Path, schema: &'static str) -> Result<SqliteConnection, DemoError> {
    // NORMAL: what is committed survives the death of the process; only a power cut could take the last moments.
    // A checkpoint every 16 MiB instead of 4 keeps its fsync out of most requests.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5))
        .pragma("wal_autocheckpoint", "4000");
    let mut connection = options.connect().await.map_err(DemoError::database("open", path))?;
    sqlx::raw_sql(schema).execute(&mut connection).await.map_err(DemoError::database("prepare", path))?;
    Ok(connection)
}

/// Opens up to two reading connections on a file that exists.
pub(crate) async fn open_reader(path: &Path) -> Result<SqlitePool, DemoError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new()
        .max_connections(2)
        .connect_with(options)
        .await
        .map_err(DemoError::database("open", path))
}
