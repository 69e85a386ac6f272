//! Reading what staff have changed: what is blocked, and what they made of visits' events.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::Days;
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::{Calendar, CalendarError, now};
use crate::clients::UpstreamError;
use crate::clients::calendar::Current;
use crate::domain::calendar::{Changed, Changes, Found, block};
use crate::domain::id::ResourceId;
use crate::domain::local_time::{day_bounds, local_date};
use crate::domain::time::{Interval, Timestamp};
use crate::store::{CalendarState, KnownBlock, OwnEvent, Read, StaffDid, Store};

/// How far ahead blocks are known at most, in days.
const LONGEST_DAYS: u64 = 400;
/// How many blocks are kept; the soonest count.
const MOST_BLOCKS: usize = 20_000;
/// What stands for the blocks that are not kept.
const MORE: &str = "further blocks";
/// How long one reading may take, and for how long nobody else reads meanwhile.
const ONE: Duration = Duration::from_secs(20);
const LEASE_SECONDS: i64 = 25;
/// How many visits' events that are not where they were are looked for by name, and how many of them
/// at once.
const MISSING: usize = 50;
const AT_ONCE: usize = 4;
/// The longest time after which a calendar that does not answer is read again, in seconds.
const LONGEST_WAIT_SECONDS: i64 = 30;
/// How long what is known of events that are over is kept, in seconds.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// The events of visits, by name.
type Own = HashMap<String, OwnEvent>;

impl Calendar {
    /// Reads the calendar where that is due and nobody else is at it; whether it was read.
    ///
    /// # Errors
    /// Where the database or the calendar does not answer.
    pub async fn read_if_due(
        &self,
        store: &Store,
        state: &CalendarState,
    ) -> Result<bool, CalendarError> {
        let started = now();
        if state.next_read_at > started || state.reading_until > started {
            return Ok(false);
        }
        let until = started.plus_seconds(LEASE_SECONDS);
        if !store.begin_reading(&self.reader, started, until).await? {
            return Ok(false);
        }
        self.read(store, started).await.map(|()| true)
    }

    /// Reads the calendar now.
    ///
    /// # Errors
    /// Where the database or the calendar does not answer.
    pub async fn read_now(&self, store: &Store) -> Result<(), CalendarError> {
        let started = now();
        store.hurry_reading(&self.reader, started.plus_seconds(LEASE_SECONDS)).await?;
        self.read(store, started).await
    }

    async fn read(&self, store: &Store, started: Timestamp) -> Result<(), CalendarError> {
        let read = timeout(ONE, self.look(store, started)).await;
        let read = read.unwrap_or(Err(CalendarError::Calendar(UpstreamError::Timeout)));
        match read {
            Ok((read, is_whole)) => {
                let next = started.plus_seconds((self.busy_ttl_seconds / 2).max(1));
                store.finish_reading(&self.reader, &read, started, next).await?;
                if is_whole {
                    store.tidy_calendar(started.plus_seconds(-KEPT_SECONDS)).await?;
                }
                Ok(())
            }
            Err(CalendarError::Calendar(error)) => {
                let state = store.read_aside().await?.calendar_state().await?;
                let wait = 1_i64 << state.failures.clamp(0, 5);
                let next = now().plus_seconds(wait.min(LONGEST_WAIT_SECONDS));
                store.fail_reading(&self.reader, next).await?;
                Err(error.into())
            }
            Err(error) => Err(error),
        }
    }

    /// The names of events that cannot be read, or not all of whose times can, as it is now.
    ///
    /// # Errors
    /// Where the calendar does not answer.
    pub async fn partial_events(&self) -> Result<Vec<String>, UpstreamError> {
        let changed = self.client.changed(None, self.window(now())).await?;
        let Changed::Events(changes) = changed else { return Ok(Vec::new()) };
        let partial = changes.found.into_iter().filter(|found| found.is_partial);
        Ok(partial.map(|found| found.name).collect())
    }

    /// What the calendar says that is not known yet, and whether it was read as a whole.
    async fn look(&self, store: &Store, started: Timestamp) -> Result<(Read, bool), CalendarError> {
        // What is no calendar may answer as well, and would seem to block nothing.
        self.prove().await?;
        let window = self.window(started);
        let state = store.read_aside().await?.calendar_state().await?;
        // Once a day the window has moved on, and everything is read anew.
        let is_recent = state.known_until >= window.end.plus_seconds(-86_400);
        let token = state.token.filter(|_| is_recent);
        let changes = match self.client.changed(token.as_deref(), window).await? {
            Changed::Events(changes) => changes,
            Changed::Names { names, token } => {
                let asked: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                let own = by_name(store.read_aside().await?.own_events_named(&asked).await?);
                if names.iter().all(|(name, etag)| is_known(own.get(name), etag.as_deref())) {
                    Changes { token, ..Changes::default() }
                } else {
                    self.client.everything(window, token).await?
                }
            }
        };
        let is_whole = changes.is_everything;
        let own = by_name(if is_whole {
            store.read_aside().await?.own_events().await?
        } else {
            let names = changes.found.iter().map(|found| &found.name).chain(&changes.gone);
            let names: Vec<&str> = names.map(String::as_str).collect();
            store.read_aside().await?.own_events_named(&names).await?
        });
        let known_until = if is_whole { window.end } else { state.known_until };
        let mut read = self.sort(&changes, &own, store, window, known_until);
        if is_whole {
            read.events.extend(self.missing(&changes, &own, window).await?);
        }
        let is_asked = read.forgotten.as_ref().is_none_or(|events| !events.is_empty());
        if is_asked {
            let known = store.read_aside().await?.known_blocks().await?;
            read.blocks.extend(still_known(&changes, &known));
            if is_known_already(&read, known) {
                (read.forgotten, read.blocks) = (Some(Vec::new()), Vec::new());
            }
        }
        Ok((read, is_whole))
    }

    /// From yesterday, so that what lasts over midnight is seen, to the last day that can be booked.
    fn window(&self, started: Timestamp) -> Interval {
        let today = local_date(started, self.zone);
        let days = self.horizon_days.saturating_add(1).min(LONGEST_DAYS);
        let last = today.checked_add_days(Days::new(days)).unwrap_or(today);
        let yesterday = today.pred_opt().unwrap_or(today);
        Interval {
            start: day_bounds(yesterday, self.zone).start,
            end: day_bounds(last, self.zone).end,
        }
    }

    /// Tells visits' events from blocks.
    fn sort(
        &self,
        changes: &Changes,
        own: &Own,
        store: &Store,
        window: Interval,
        known_until: Timestamp,
    ) -> Read {
        let names = store.resources.names();
        let mut blocks = Vec::new();
        let mut partial = Vec::new();
        let mut events = Vec::new();
        let mut forgotten = Vec::new();
        for found in &changes.found {
            match own.get(&found.name) {
                Some(own) => events.extend(seen(own, found)),
                None => {
                    forgotten.push(found.name.clone());
                    blocks.extend(blocked(found, &names, window));
                    if found.is_partial {
                        partial.push(found.name.as_str());
                    }
                }
            }
        }
        for name in &changes.gone {
            match own.get(name) {
                Some(own) => events.extend(gone(own)),
                None => forgotten.push(name.clone()),
            }
        }
        blocks.sort_unstable_by_key(|block: &KnownBlock| block.starts_at);
        if blocks.len() > MOST_BLOCKS {
            tracing::warn!(blocks = blocks.len(), "the calendar blocks more than can be kept");
            blocks.truncate(MOST_BLOCKS);
            partial.push(MORE);
        }
        blocks.extend(partial.into_iter().map(|name| KnownBlock::partial(name, known_until)));
        Read {
            forgotten: (!changes.is_everything).then_some(forgotten),
            blocks,
            events,
            token: changes.token.clone(),
            known_until,
        }
    }

    /// What became of visits' events that should be in the window and are not.
    async fn missing(
        &self,
        changes: &Changes,
        own: &Own,
        window: Interval,
    ) -> Result<Vec<OwnEvent>, CalendarError> {
        let found: HashSet<&str> = changes.found.iter().map(|found| found.name.as_str()).collect();
        let is_missing = |own: &&OwnEvent| {
            !found.contains(own.id.as_str())
                && own.staff.is_none()
                && own.given.is_some_and(|given| given.overlaps(&window))
        };
        let unmarked = own.values().filter(|own| !own.is_marked);
        let missing: Vec<OwnEvent> = unmarked.filter(is_missing).take(MISSING).cloned().collect();
        let looked: Vec<Result<Option<OwnEvent>, UpstreamError>> = stream::iter(missing)
            .map(|own| self.look_for(own))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut events = Vec::new();
        for looked in looked {
            events.extend(looked?);
        }
        Ok(events)
    }

    async fn look_for(&self, own: OwnEvent) -> Result<Option<OwnEvent>, UpstreamError> {
        Ok(match self.client.find(&own.id).await? {
            None | Some(Current { span: None, .. }) => gone(&own),
            Some(Current { etag, span: Some(span) }) => noted(&own, etag, span),
        })
    }
}

fn by_name(events: Vec<OwnEvent>) -> Own {
    events.into_iter().map(|own| (own.id.as_str().to_owned(), own)).collect()
}

/// Whether this version of an event is the one that we wrote; no version: that it is gone.
fn is_known(own: Option<&OwnEvent>, etag: Option<&str>) -> bool {
    // One that is about to be written is looked at by whoever writes it.
    own.is_some_and(|own| {
        own.is_marked || own.etag.as_deref() == etag && (etag.is_some() || own.given.is_none())
    })
}

/// What is known from before of events that cannot be read now: it goes on to count.
fn still_known(changes: &Changes, known: &[KnownBlock]) -> Vec<KnownBlock> {
    let unread = changes.found.iter().filter(|found| found.is_partial && found.times.is_empty());
    let unread: HashSet<&str> = unread.map(|found| found.name.as_str()).collect();
    let counts = |block: &&KnownBlock| {
        block.resource_id != ResourceId::NOBODY && unread.contains(block.event.as_str())
    };
    known.iter().filter(counts).cloned().collect()
}

/// Whether the blocks that were read are those that are known.
fn is_known_already(read: &Read, known: Vec<KnownBlock>) -> bool {
    let is_replaced = |block: &KnownBlock| match &read.forgotten {
        None => true,
        Some(events) => events.contains(&block.event),
    };
    let known: HashSet<KnownBlock> = known.into_iter().filter(is_replaced).collect();
    known.len() == read.blocks.len() && read.blocks.iter().all(|block| known.contains(block))
}

/// What an event blocks, each time once.
fn blocked(found: &Found, names: &[(ResourceId, &str)], window: Interval) -> Vec<KnownBlock> {
    let mut times = HashMap::new();
    for block in block(found, names, window) {
        let known = KnownBlock::new(&found.name, block);
        let time = times.entry((known.starts_at, known.resource_id)).or_insert(known.ends_at);
        *time = known.ends_at.max(*time);
    }
    times
        .into_iter()
        .map(|((starts_at, resource_id), ends_at)| KnownBlock {
            event: found.name.clone(),
            starts_at,
            ends_at,
            resource_id,
        })
        .collect()
}

/// What is new about a visit's event.
fn seen(own: &OwnEvent, found: &Found) -> Option<OwnEvent> {
    noted(own, found.etag.clone(), *found.times.first()?)
}

fn noted(own: &OwnEvent, etag: Option<String>, span: Interval) -> Option<OwnEvent> {
    let given = own.given.filter(|_| !own.is_marked)?;
    let staff = (span != given).then_some(StaffDid::Moved(span));
    let is_new = staff != own.staff || etag != own.etag;
    is_new.then(|| OwnEvent { etag, staff, ..own.clone() })
}

fn gone(own: &OwnEvent) -> Option<OwnEvent> {
    own.given.filter(|_| !own.is_marked)?;
    let is_new = own.staff != Some(StaffDid::Deleted);
    is_new.then(|| OwnEvent { etag: None, staff: Some(StaffDid::Deleted), ..own.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::EventId;
    use crate::domain::id::AppointmentId;

    fn span(start: i64) -> Interval {
        Interval { start: Timestamp(start), end: Timestamp(start + 60) }
    }

    fn own(staff: Option<StaffDid>) -> OwnEvent {
        OwnEvent {
            appointment: AppointmentId(1),
            id: EventId::from("sb1".to_owned()),
            etag: Some("1".to_owned()),
            given: Some(span(0)),
            staff,
            is_marked: false,
        }
    }

    #[test]
    fn what_staff_did_is_noted_once_and_taken_back() {
        let moved = StaffDid::Moved(span(500));
        let staff = |own: &OwnEvent, etag: &str, at| {
            noted(own, Some(etag.to_owned()), span(at)).map(|own| own.staff)
        };
        assert_eq!(staff(&own(None), "1", 0), None);
        assert_eq!(staff(&own(None), "2", 0), Some(None));
        assert_eq!(staff(&own(None), "2", 500), Some(Some(moved)));
        assert_eq!(staff(&own(Some(moved)), "1", 500), None);
        assert_eq!(staff(&own(Some(moved)), "3", 0), Some(None));
        assert_eq!(staff(&own(Some(StaffDid::Deleted)), "3", 0), Some(None));
        let deleted = |own: &OwnEvent| gone(own).map(|own| own.staff);
        assert_eq!(deleted(&own(None)), Some(Some(StaffDid::Deleted)));
        assert_eq!(deleted(&own(Some(moved))), Some(Some(StaffDid::Deleted)));
        assert_eq!(deleted(&own(Some(StaffDid::Deleted))), None);
        // What is about to be written is looked at by whoever writes it.
        let marked = OwnEvent { is_marked: true, ..own(None) };
        assert_eq!(staff(&marked, "2", 500), None);
        assert_eq!(deleted(&marked), None);
    }

    #[test]
    fn only_what_we_wrote_ourselves_is_known() {
        let known = |own: &OwnEvent, etag| is_known(Some(own), etag);
        assert!(known(&own(None), Some("1")));
        assert!(!known(&own(None), Some("2")));
        assert!(!known(&own(None), None));
        assert!(known(&OwnEvent { etag: None, given: None, ..own(None) }, None));
        assert!(!known(&OwnEvent { etag: None, ..own(None) }, None));
        assert!(known(&OwnEvent { is_marked: true, ..own(None) }, Some("2")));
        assert!(!is_known(None, Some("1")));
    }
}
