//! What `doctor` says of the shop's calendar: whether it can be written and read now, and how reading
//! it has gone so far.

use std::time::Instant;

use chrono_tz::Tz;

use super::Finding;
use crate::calendar::Calendar;
use crate::clients::UpstreamError;
use crate::config::Config;
use crate::domain::local_time::rfc3339;
use crate::domain::time::Timestamp;
use crate::store::{CalendarState, Store};

/// How many events are named that cannot be read.
const NAMED: usize = 5;
/// What can be done about entries that cannot be read.
const PARTIAL: &str = "More may be blocked than is known: write these entries anew, with a plain \
                       repetition and a time zone.";

/// Nothing where no calendar is connected.
pub(super) async fn findings(config: &Config, state: Option<&CalendarState>) -> Vec<Finding> {
    let Some(calendar) = Calendar::new(config) else { return Vec::new() };
    let client = calendar.client();
    // What is known of another calendar says nothing of this one.
    let is_of_this = |state: &&CalendarState| state.address.as_deref() == Some(&client.address());
    let state = state.filter(is_of_this);
    let started = Instant::now();
    let answer = match client.check().await {
        Ok(what) => {
            Finding::Good(format!("{what}, answers in {} ms", started.elapsed().as_millis()))
        }
        // Whoever cannot get to it cannot read it either.
        Err(error) => {
            let what = format!("{}: {error}", client.address());
            let answer = Finding::Poor { what, mend: client.advice(&error).to_owned() };
            return std::iter::once(answer)
                .chain(state.map(|state| past(state, config.shop.zone)))
                .collect();
        }
    };
    let read = calendar.partial_events().await;
    let read = read_now(&read, state, config.shop.zone, |error| client.advice(error));
    let past = state.filter(|state| state.failures > 0);
    let past = past.map(|state| past_failures(state, config.shop.zone));
    [answer, read].into_iter().chain(past).collect()
}

/// What the database knows of the calendar.
pub(super) async fn state(store: &Store) -> Option<CalendarState> {
    let mut session = store.read().await.ok()?;
    session.calendar_state().await.ok()
}

fn read_now(
    read: &Result<Vec<String>, UpstreamError>,
    state: Option<&CalendarState>,
    zone: Tz,
    advice: impl Fn(&UpstreamError) -> &'static str,
) -> Finding {
    let last = last_read(state.and_then(|state| state.read_at), zone);
    match read {
        Ok(partial) if partial.is_empty() => {
            Finding::Good(format!("what the calendar blocks can be read; {last}"))
        }
        Ok(partial) => {
            let named: Vec<&str> = partial.iter().take(NAMED).map(String::as_str).collect();
            let more = if partial.len() > NAMED { ", …" } else { "" };
            let what = format!(
                "calendar: {} cannot be read in full: {}{more}; {last}",
                match partial.len() {
                    1 => "1 entry".to_owned(),
                    several => format!("{several} entries"),
                },
                named.join(", ")
            );
            Finding::Poor { what, mend: PARTIAL.to_owned() }
        }
        Err(error) => Finding::Poor {
            what: format!("what the calendar blocks cannot be read: {error}; {last}"),
            mend: format!("What was known then counts. {}", advice(error)),
        },
    }
}

/// How reading has gone where the calendar does not answer now.
fn past(state: &CalendarState, zone: Tz) -> Finding {
    if state.failures > 0 {
        return past_failures(state, zone);
    }
    let what = format!("what the calendar blocks: {}", last_read(state.read_at, zone));
    match state.read_at {
        Some(_) => Finding::Good(what),
        None => Finding::Poor { what, mend: "Nothing that it blocks is known.".to_owned() },
    }
}

fn past_failures(state: &CalendarState, zone: Tz) -> Finding {
    let times = match state.failures {
        1 => "once".to_owned(),
        several => format!("{several} times in a row"),
    };
    Finding::Poor {
        what: format!(
            "the servers could not read the calendar, {times}; {}",
            last_read(state.read_at, zone)
        ),
        mend: "What was known then counts; why it failed is in the line of the calendar above, and in \
               the servers' logs."
            .to_owned(),
    }
}

fn last_read(at: Option<Timestamp>, zone: Tz) -> String {
    match at {
        Some(at) => format!("a server last read it at {}", rfc3339(at, zone)),
        None => "no server has read it yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: Result<&[&str], UpstreamError>, expected: &str) {
        let read = read.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let told = match read_now(&read, None, Tz::UTC, |_| "Check it.") {
            Finding::Good(what) => format!("ok {what}"),
            Finding::Poor { what, .. } => format!("poor {what}"),
            Finding::Bad { what, .. } => format!("bad {what}"),
        };
        assert_eq!(told, format!("{expected}; no server has read it yet"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        check(Ok(&[]), "ok what the calendar blocks can be read");
        check(Ok(&["a"]), "poor calendar: 1 entry cannot be read in full: a");
        let all = ["a", "b", "c", "d", "e", "f"];
        check(Ok(&all), "poor calendar: 6 entries cannot be read in full: a, b, c, d, e, …");
        let error = UpstreamError::Status(500);
        let expected =
            "poor what the calendar blocks cannot be read: the service answered with status 500";
        check(Err(error), expected);
    }
}
