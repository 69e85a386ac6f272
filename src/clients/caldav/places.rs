//! Where visits' events lie that are not where we put them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::EXTENSION;
use crate::domain::calendar::EventId;

/// How many are kept; what is forgotten is looked for again.
const MOST: usize = 10_000;

/// The last parts of events' paths, by their names.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<String, String>>);

impl Places {
    /// Where this event lies.
    pub fn of(&self, id: &EventId) -> String {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(id.as_str()).cloned().unwrap_or_else(|| resource(id))
    }

    /// Notes where an event was found, if anywhere. Returns whether it is to be looked for elsewhere
    /// than before.
    pub fn note(&self, id: &EventId, href: Option<&str>) -> bool {
        let found = href.and_then(last_part);
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = resource(id);
        let before = places.remove(id.as_str()).unwrap_or_else(|| usual.clone());
        let Some(found) = found else { return false };
        let is_elsewhere = found != before;
        if found != usual {
            if places.len() >= MOST {
                places.clear();
            }
            places.insert(id.as_str().to_owned(), found);
        }
        is_elsewhere
    }
}

/// Where we put an event.
fn resource(id: &EventId) -> String {
    format!("{}{EXTENSION}", id.as_str())
}

/// The last part of a path, without its percent-encoding; `None` where it cannot be read.
fn last_part(href: &str) -> Option<String> {
    let part = href.trim_end_matches('/').rsplit('/').next()?;
    let mut pieces = part.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(piece.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_path_is_read() {
        let check = |href, expected: Option<&str>| {
            assert_eq!(last_part(href).as_deref(), expected, "{href}");
        };
        check("/shop/visits/a%20b%2Bc.ics", Some("a b+c.ics"));
        check("https://dav.example/visits/x.ics", Some("x.ics"));
        check("/visits/100%", None);
        check("/visits/%FF", None);
        check("/", None);
    }

    #[test]
    fn an_event_is_looked_for_where_it_was_found() {
        let (places, id) = (Places::default(), EventId::from("sb1".to_owned()));
        assert_eq!(places.of(&id), "sb1.ics");
        assert!(!places.note(&id, Some("/visits/sb1.ics")));
        assert!(places.note(&id, Some("/visits/restored.ics")));
        assert_eq!(places.of(&id), "restored.ics");
        assert!(!places.note(&id, Some("/visits/restored.ics")));
        assert!(places.note(&id, Some("/visits/sb1.ics")));
        assert!(!places.note(&id, None));
        assert_eq!(places.of(&id), "sb1.ics");
    }
}
