//! The shop's calendar: visits as its events, and its events as what blocks the shop.

mod blocks;
mod event;

pub use blocks::{Block, block, named};
pub use event::{Event, EventId, Told, event_of};

use super::time::Interval;

/// An event as the calendar has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// What the calendar calls it; a visit's event is called by its [`EventId`].
    pub name: String,
    /// What this version of it is called, where that was told.
    pub etag: Option<String>,
    /// When it takes place; a repeating event several times.
    pub times: Vec<Interval>,
    /// Whether whoever it is about is busy meanwhile.
    pub is_busy: bool,
    /// Its title and its place.
    pub words: String,
    /// Whether it could not be read, or not all of its times.
    pub is_partial: bool,
}

impl Found {
    /// One that could not be read.
    pub fn unread(name: String, etag: Option<String>) -> Self {
        let (times, words) = (Vec::new(), String::new());
        Self { name, etag, times, is_busy: true, words, is_partial: true }
    }
}

/// What a calendar says has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Changed {
    /// The names of events and what their versions are called now; `None`: they are gone. What they
    /// are now is only told together with everything else.
    Names {
        /// The events.
        names: Vec<(String, Option<String>)>,
        /// From where on to ask the next time.
        token: Option<String>,
    },
    /// The events themselves.
    Events(Changes),
}

/// Events of a calendar.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// What is there now: everything in the time asked for, or what has changed.
    pub found: Vec<Found>,
    /// What is no longer there, by its name.
    pub gone: Vec<String>,
    /// Whether it is everything.
    pub is_everything: bool,
    /// From where on to ask the next time.
    pub token: Option<String>,
}
