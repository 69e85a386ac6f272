//! Whether a SQLite file is malformed.

use std::ffi::OsString;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use url::Url;

/// What a check of a file came to.
#[derive(Debug)]
pub enum Checked {
    /// Nothing in it is malformed.
    Sound,
    /// Nothing was found in the time that there was.
    TimeIsUp,
    /// Something is.
    Malformed {
        /// What, in SQLite's words.
        what: String,
        /// Whether the file is well without its write-ahead log, which then is not its own.
        is_log_foreign: bool,
    },
}

/// Looks through a database file for so long at most, and changes nothing: a log that is not the file's own would be
/// folded into it by whoever opens and closes it in the usual way.
///
/// # Errors
/// Where it cannot be read at all.
pub fn check_sqlite(path: &Path, limit: Duration) -> rusqlite::Result<Checked> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let what = match quick_check(&connection, limit) {
        Ok(None) => return Ok(Checked::Sound),
        Ok(Some(what)) => what,
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => return Ok(Checked::TimeIsUp),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => error.to_string(),
            _ => return Err(error),
        },
    };
    let is_log_foreign = has_log(path) && is_sound_alone(path, flags, limit);
    Ok(Checked::Malformed { what, is_log_foreign })
}

fn has_log(path: &Path) -> bool {
    let mut log = OsString::from(path);
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Whether the file is well where nobody looks at its log.
fn is_sound_alone(path: &Path, flags: OpenFlags, limit: Duration) -> bool {
    let Ok(mut url) = Url::from_file_path(path) else { return false };
    url.set_query(Some("immutable=1"));
    let alone = Connection::open_with_flags(url.as_str(), flags | OpenFlags::SQLITE_OPEN_URI).ok();
    alone.is_some_and(|alone| matches!(quick_check(&alone, limit), Ok(None)))
}

/// The first thing that is malformed.
fn quick_check(connection: &Connection, limit: Duration) -> rusqlite::Result<Option<String>> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let (done, is_done) = channel::<()>();
    let interrupt = connection.get_interrupt_handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(limit).is_err() {
                interrupt.interrupt();
            }
        });
        let found = connection.query_row("pragma quick_check(1)", [], |row| row.get(0));
        // Where nobody hears it, the time is up.
        let _ = done.send(());
        found.map(|found: String| Some(found).filter(|found| found != "ok"))
    })
}
