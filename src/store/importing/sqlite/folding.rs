//! Folding the log of what was written into the file, on a thread of its own.

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// How long the log grows before it is folded into the file: a page that many turns change is folded once for all
/// of them, but the longer the log, the longer it takes to find a page in it.
const GROWING: Duration = Duration::from_secs(3);

/// Who folds the log.
#[derive(Debug)]
pub(super) struct Folding {
    path: PathBuf,
    thread: Option<JoinHandle<rusqlite::Result<()>>>,
    /// When it was folded last.
    at: Instant,
}

impl Folding {
    pub fn new(path: PathBuf) -> Self {
        Self { path, thread: None, at: Instant::now() }
    }

    /// Has the log folded from time to time. The thread leaves what was written meanwhile, which is little: that is
    /// folded here, so that the log begins anew.
    pub fn go_on(&mut self, writer: &Connection) {
        match self.thread.take_if(|thread| thread.is_finished()) {
            Some(thread) => {
                join(thread);
                tell(fold(writer));
                self.at = Instant::now();
            }
            None if self.thread.is_none() && self.at.elapsed() >= GROWING => {
                let path = self.path.clone();
                let open =
                    move || Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
                self.thread = Some(std::thread::spawn(move || fold(&open()?)));
            }
            None => {}
        }
    }

    /// Waits for the thread.
    pub fn finish(&mut self) {
        self.thread.take().into_iter().for_each(join);
    }
}

/// Folds as much of the log as nobody needs who reads.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}

fn join(thread: JoinHandle<rusqlite::Result<()>>) {
    match thread.join() {
        Ok(folded) => tell(folded),
        Err(_) => tracing::warn!("a thread of the import ended early"),
    }
}

/// Nothing is lost where the log cannot be folded: it stays, and somebody else folds it.
fn tell(folded: rusqlite::Result<()>) {
    if let Err(error) = folded {
        tracing::warn!(%error, "what was written stays in the log for now");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_folded_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (a)",
            )
            .unwrap();
        let mut folding = Folding::new(path.clone());
        let write = |folding: &mut Folding| {
            connection.execute("insert into t values (randomblob(100000))", []).unwrap();
            folding.go_on(&connection);
        };
        write(&mut folding);
        assert!(folding.thread.is_none(), "not yet");
        folding.at = Instant::now().checked_sub(GROWING).unwrap();
        write(&mut folding);
        while !folding.thread.as_ref().unwrap().is_finished() {
            std::thread::yield_now();
        }
        write(&mut folding);
        assert!(folding.thread.is_none(), "folded");
        let length = || path.with_extension("db-wal").metadata().unwrap().len();
        let before = length();
        write(&mut folding);
        assert_eq!(length(), before, "what comes next takes the place of what was folded");
        folding.finish();
    }
}
