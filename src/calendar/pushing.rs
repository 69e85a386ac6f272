//! Writing what differs: makes an event equal to its appointment, whatever was tried before.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::{Calendar, CalendarError, now};
use crate::clients::UpstreamError;
use crate::clients::calendar::{Current, Put};
use crate::domain::calendar::Event;
use crate::domain::time::{Interval, Timestamp};
use crate::store::{Mark, Outcome, StaffDid, Store};

/// How many events are claimed at once, and how many of them are written beside one another.
const BATCH: i64 = 8;
const AT_ONCE: usize = 4;
/// How long one event may take.
const ONE: Duration = Duration::from_secs(4);
/// How long a claim holds: longer than the whole batch takes, so that nobody else writes an event
/// that is about to be written. After a process was killed it takes so long until another one goes on.
const CLAIM_SECONDS: i64 = 10;
/// The longest wait where the calendar says that it is asked too often and not until when.
const LONGEST_LIMITED_WAIT_SECONDS: i64 = 32;
/// How often an event is written anew because somebody else changed it at the same moment.
const TRIES: usize = 3;
/// The longest time after which an event is tried again that the calendar refuses, in seconds.
const LONGEST_WAIT_SECONDS: i64 = 300;
/// The longest time after which a calendar is tried again that does not answer at all, and the one
/// after which it is that does not let us in, in seconds.
const LONGEST_OUTAGE_WAIT_SECONDS: i64 = 10;
const LOCKED_OUT_WAIT_SECONDS: i64 = 60;

/// What became of the marks that were due.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pushed {
    /// How many events are as they should be now.
    pub written: usize,
    /// How many could not be written.
    pub failed: usize,
    /// How long the calendar should be left alone.
    pub pause: Option<Duration>,
    /// Whether there may be more.
    pub is_full: bool,
}

impl Calendar {
    /// Writes some of the events that differ from their appointments.
    ///
    /// # Errors
    /// Where the database does not answer. That the calendar does not is no error: it is tried again.
    pub async fn push(&self, store: &Store, salt: &str) -> Result<Pushed, CalendarError> {
        let _only = self.writing.lock().await;
        let claimed_at = now();
        if !self.proved.initialized() && store.read_aside().await?.has_due_marks(claimed_at).await?
        {
            let proved = timeout(ONE, self.prove()).await;
            if let Err(error) = proved.unwrap_or(Err(UpstreamError::Timeout)) {
                return Ok(self.unproved(&error));
            }
        }
        let until = claimed_at.plus_seconds(CLAIM_SECONDS);
        let address = self.client.address();
        let marks = store.claim_marks(&address, salt, BATCH, claimed_at, until).await?;
        let marks = marks.ok_or(CalendarError::Another)?;
        if marks.is_empty() {
            return Ok(Pushed::default());
        }
        let results: Vec<(Mark, Result<Outcome, UpstreamError>)> = stream::iter(marks)
            .map(|mark| self.write_one(mark))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let (pushed, outcomes) = judge(results, now(), &self.outages);
        store.settle_marks(&outcomes).await?;
        Ok(pushed)
    }

    /// Nothing is written to what has not proved to be a calendar; it is asked again later.
    fn unproved(&self, error: &UpstreamError) -> Pushed {
        let wait = if error.is_outage() {
            wait_seconds(0, self.outages.fetch_add(1, Ordering::Relaxed), error)
        } else {
            LOCKED_OUT_WAIT_SECONDS
        };
        let advice = self.client.advice(error);
        tracing::warn!(%error, wait_seconds = wait, "nothing is written to the calendar: {advice}");
        let pause = Some(Duration::from_secs(u64::try_from(wait).unwrap_or(1)));
        Pushed { failed: 1, pause, ..Pushed::default() }
    }

    async fn write_one(&self, mark: Mark) -> (Mark, Result<Outcome, UpstreamError>) {
        let written = timeout(ONE, self.write(&mark)).await;
        (mark, written.unwrap_or(Err(UpstreamError::Timeout)))
    }

    /// Makes the calendar equal to one appointment.
    async fn write(&self, mark: &Mark) -> Result<Outcome, UpstreamError> {
        let Some(wanted) = &mark.event else {
            self.client.remove(&mark.id).await?;
            return Ok(Outcome::Absent { deleted: None });
        };
        let (mut etag, mut staff) = (mark.etag.clone(), mark.staff);
        for _ in 0..TRIES {
            let Some(span) = place(wanted.span, mark.given, staff) else {
                return Ok(Outcome::Absent { deleted: mark.given });
            };
            let event = Event { span, ..wanted.clone() };
            match self.client.put(&event, etag.as_deref()).await? {
                Put::Done { etag } => {
                    let staff = staff.filter(|_| span != wanted.span);
                    return Ok(Outcome::Written { etag, given: wanted.span, staff });
                }
                Put::Differs(current) => (etag, staff) = noticed(current, mark.given),
            }
        }
        Err(UpstreamError::Status(412))
    }
}

/// Where an event is to be; `None`: staff have deleted it, and it stays so.
///
/// What staff did with it stays until the appointment itself is moved: then our row wins.
fn place(wanted: Interval, given: Option<Interval>, staff: Option<StaffDid>) -> Option<Interval> {
    match staff.filter(|_| given == Some(wanted)) {
        None => Some(wanted),
        Some(StaffDid::Moved(to)) => Some(to),
        Some(StaffDid::Deleted) => None,
    }
}

/// What the calendar's own version says: what it is called, and what staff did.
fn noticed(
    current: Option<Current>,
    given: Option<Interval>,
) -> (Option<String>, Option<StaffDid>) {
    let deleted = given.map(|_| StaffDid::Deleted);
    match current {
        None => (None, deleted),
        Some(Current { etag, span: None }) => (etag, deleted),
        Some(Current { etag, span: Some(span) }) => {
            let is_moved = given.is_some_and(|given| given != span);
            (etag, is_moved.then_some(StaffDid::Moved(span)))
        }
    }
}

/// What is noted of each, and how long to leave the calendar alone: where it answers nothing at all,
/// single events are not tried one after the other.
fn judge(
    results: Vec<(Mark, Result<Outcome, UpstreamError>)>,
    now: Timestamp,
    outages: &AtomicU32,
) -> (Pushed, Vec<(Mark, Outcome)>) {
    let is_down = results
        .iter()
        .all(|(_, result)| result.as_ref().err().is_some_and(UpstreamError::is_outage));
    let outage = if is_down {
        outages.fetch_add(1, Ordering::Relaxed)
    } else {
        outages.store(0, Ordering::Relaxed);
        0
    };
    let mut pushed = Pushed {
        is_full: i64::try_from(results.len()).unwrap_or(i64::MAX) >= BATCH,
        ..Pushed::default()
    };
    let mut outcomes = Vec::with_capacity(results.len());
    for (mark, result) in results {
        let outcome = match result {
            Ok(outcome) => {
                pushed.written += 1;
                outcome
            }
            Err(error) => {
                pushed.failed += 1;
                let wait = wait_seconds(mark.attempts, outage, &error);
                tracing::warn!(appointment = mark.appointment.0, %error, wait_seconds = wait,
                               "an event could not be written to the calendar");
                if is_down {
                    let pause = Duration::from_secs(u64::try_from(wait).unwrap_or(1));
                    pushed.pause = Some(pushed.pause.unwrap_or_default().max(pause));
                }
                let next_at = now.plus_seconds(wait);
                Outcome::Failed { next_at, is_refused: !error.is_outage() }
            }
        };
        outcomes.push((mark, outcome));
    }
    (pushed, outcomes)
}

/// How long to wait before an event is tried again: twice as long each time that it was refused, or
/// that nothing was answered at all.
fn wait_seconds(attempts: i64, outage: u32, error: &UpstreamError) -> i64 {
    let doubled = |count: i64| 1_i64 << count.clamp(0, 10);
    match error {
        UpstreamError::RateLimited { retry_after_seconds: Some(seconds) } => {
            i64::try_from(*seconds).unwrap_or(LONGEST_WAIT_SECONDS).clamp(1, LONGEST_WAIT_SECONDS)
        }
        // Without a word of how long: a quota is one of a minute.
        UpstreamError::RateLimited { .. } => {
            (2 * doubled(outage.into())).min(LONGEST_LIMITED_WAIT_SECONDS)
        }
        UpstreamError::Unauthorized => LOCKED_OUT_WAIT_SECONDS,
        error if error.is_outage() => doubled(outage.into()).min(LONGEST_OUTAGE_WAIT_SECONDS),
        _ => (5 * doubled(attempts)).min(LONGEST_WAIT_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64) -> Interval {
        Interval { start: Timestamp(start), end: Timestamp(start + 60) }
    }

    #[test]
    fn what_staff_did_stays_until_the_appointment_is_moved() {
        let check = |wanted, given: Option<i64>, staff, expected: Option<i64>| {
            let place = place(span(wanted), given.map(span), staff);
            assert_eq!(place, expected.map(span));
        };
        let moved = Some(StaffDid::Moved(span(500)));
        check(0, None, None, Some(0));
        check(0, Some(0), None, Some(0));
        check(0, Some(0), moved, Some(500));
        check(0, Some(0), Some(StaffDid::Deleted), None);
        check(100, Some(0), moved, Some(100));
        check(100, Some(0), Some(StaffDid::Deleted), Some(100));
        check(0, None, moved, Some(0));
    }

    #[test]
    fn another_version_tells_what_staff_did() {
        let check = |current: Option<Option<i64>>, given: Option<i64>, expected| {
            let current = current.map(|at| Current { etag: Some("e".into()), span: at.map(span) });
            assert_eq!(noticed(current, given.map(span)).1, expected);
        };
        check(None, None, None);
        check(None, Some(0), Some(StaffDid::Deleted));
        check(Some(None), Some(0), Some(StaffDid::Deleted));
        check(Some(None), None, None);
        check(Some(Some(0)), Some(0), None);
        check(Some(Some(0)), None, None);
        check(Some(Some(500)), Some(0), Some(StaffDid::Moved(span(500))));
    }

    #[test]
    fn the_waits_grow_and_end_somewhere() {
        let poison = UpstreamError::Status(400);
        let waits: Vec<i64> = (0..8).map(|attempts| wait_seconds(attempts, 0, &poison)).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        let outage = |outage| wait_seconds(9, outage, &UpstreamError::Timeout);
        assert_eq!((0..6).map(outage).collect::<Vec<_>>(), [1, 2, 4, 8, 10, 10]);
        let limited = |seconds| UpstreamError::RateLimited { retry_after_seconds: seconds };
        assert_eq!(wait_seconds(i64::MAX, u32::MAX, &limited(Some(7))), 7);
        assert_eq!(wait_seconds(0, u32::MAX, &limited(None)), 32);
    }
}
