//! The entries of a CalDAV calendar: what each is called, when it is, and whom it keeps busy.

use chrono_tz::Tz;

use super::{EXTENSION, xml};
use crate::domain::calendar::Found;
use crate::domain::icalendar::{Occurrences, occurrences, read_events};
use crate::domain::time::Interval;

/// Whose calendar it is.
#[derive(Clone, Debug)]
pub(super) struct Owner(String);

impl Owner {
    pub fn new(username: &str) -> Self {
        Self(username.trim().to_lowercase())
    }

    /// Whether this e-mail address is theirs: it is the user's name, or begins with it.
    fn has(&self, address: &str) -> bool {
        let Self(name) = self;
        address == name || address.split_once('@').is_some_and(|(user, _)| user == name)
    }
}

/// The event of a response; `None` where it has none.
pub(super) fn found(
    response: xml::Response,
    window: Interval,
    owner: Option<&Owner>,
    zone: Tz,
) -> Option<Found> {
    let is_gone = matches!(response.status, Some(404 | 410));
    // Some servers list the collection itself, too.
    if is_gone || response.href.ends_with('/') {
        return None;
    }
    let name = || name_of(&response.href).to_owned();
    let events = response.calendar.as_deref().map(|text| read_events(text, zone));
    let Some(Ok(mut events)) = events else { return Some(Found::unread(name(), response.etag)) };
    // Where the owner does not go, nobody is busy.
    for event in &mut events {
        let is_declined = |owner: &Owner| event.declined.iter().any(|address| owner.has(address));
        event.is_busy &= !owner.is_some_and(is_declined);
    }
    let first = events.first()?;
    let own = events.iter().find_map(|event| event.event_name.clone());
    // A visit's event that staff have called off is looked for, as one that is gone.
    if own.is_some() && events.iter().all(|event| event.is_cancelled) {
        return None;
    }
    let Occurrences { times, is_all } = occurrences(&events, window, zone);
    let is_busy = events.iter().any(|event| event.is_busy);
    // Single times of a repeating event may be free or called otherwise; those that are busy count,
    // under the title of the first.
    let counts = |&(span, is_so): &(Interval, bool)| (is_so || !is_busy).then_some(span);
    Some(Found {
        name: own.unwrap_or_else(name),
        etag: response.etag,
        times: times.iter().filter_map(counts).collect(),
        is_busy,
        words: first.words.clone(),
        is_partial: !is_all,
    })
}

/// What the calendar calls a resource: the last part of its path, and of a visit's event no more
/// than its name.
pub(super) fn name_of(href: &str) -> &str {
    let name = href.trim_end_matches('/').rsplit('/').next().unwrap_or(href);
    name.strip_suffix(EXTENSION).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_known_by_the_address() {
        let check = |user: &str, address: &str, expected| {
            assert_eq!(Owner::new(user).has(address), expected, "{user} {address}");
        };
        check("Shop", "shop@garage.example", true);
        check("shop@garage.example", "shop@garage.example", true);
        check("shop@garage.example", "shop@other.example", false);
        check("shop", "workshop@garage.example", false);
    }
}
