//! How long a turn may keep the others from writing, who wait for five seconds before they give up.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::records::Records;

/// While others write.
pub(super) const TURN: Duration = Duration::from_millis(1_200);
/// While nobody does: the longer a turn, the fewer times a page is written that many of its rows change. To commit
/// it takes some time, too.
const LONG_TURN: Duration = Duration::from_millis(2_500);
/// How long others are taken to be writing after they have.
const CALM: Duration = Duration::from_secs(30);

/// What is known of the others.
#[derive(Debug)]
pub(super) struct Turns {
    /// What the database's `data_version` was in the last turn.
    version: i64,
    /// When a turn found first that somebody had written.
    others_wrote: Option<Instant>,
}

impl Turns {
    pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { version: Records(connection).data_version()?, others_wrote: None })
    }

    /// How long the turn may take that begins now, where `data_version` is this.
    pub(super) fn next(&mut self, data_version: i64, now: Instant) -> Duration {
        if data_version != self.version {
            (self.version, self.others_wrote) = (data_version, Some(now));
        }
        let are_others_at_it =
            self.others_wrote.is_some_and(|at| now.saturating_duration_since(at) < CALM);
        if are_others_at_it { TURN } else { LONG_TURN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_short_while_others_write() {
        let (start, mut turns) = (Instant::now(), Turns { version: 1, others_wrote: None });
        let mut check = |second: u64, version: i64, length: Duration| {
            let now = start + Duration::from_secs(second);
            assert_eq!(turns.next(version, now), length, "{second} s, version {version}");
        };
        check(0, 1, LONG_TURN);
        check(3, 1, LONG_TURN);
        check(6, 2, TURN);
        check(20, 2, TURN);
        check(30, 3, TURN);
        check(59, 3, TURN);
        check(60, 3, LONG_TURN);
        check(63, 4, TURN);
    }

    #[test]
    fn what_another_connection_writes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("shop.db")).unwrap();
        let (own, other) = (open(), open());
        own.execute_batch("pragma journal_mode = wal; create table t (a)").unwrap();
        let mut turns = Turns::begin(&own).unwrap();
        let mut next = || turns.next(Records(&own).data_version().unwrap(), Instant::now());
        own.execute_batch("insert into t values (1)").unwrap();
        assert_eq!(next(), LONG_TURN);
        other.execute_batch("insert into t values (2)").unwrap();
        assert_eq!(next(), TURN);
    }
}
