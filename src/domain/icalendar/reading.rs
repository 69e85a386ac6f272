//! Reading the events of a calendar: when they are, and what they are called.

use std::borrow::Cow;

use chrono_tz::Tz;

use crate::domain::time::Interval;

use super::UID_SUFFIX;
use super::repeating::Repetition;
use super::when::{Length, When, duration_seconds};

/// The longest text that is kept of a title or a place, in characters.
const WORDS_CHARACTERS: usize = 500;
/// How deep components may lie in one another.
const DEPTH: usize = 8;

/// A text that is no calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it is not a calendar")]
pub struct InvalidCalendar;

/// One event, or one time of a repeating one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Component {
    /// The name by which its UID says that it is a visit's, where it is.
    pub event_name: Option<String>,
    /// When it takes place.
    pub span: Option<Interval>,
    /// Whether whoever it is about is busy meanwhile.
    pub is_busy: bool,
    /// Whether it does not take place.
    pub is_cancelled: bool,
    /// Its title and its place.
    pub words: String,
    /// The e-mail addresses of those who were invited and do not come, in lower case.
    pub declined: Vec<String>,
    /// What it has in common with the other times of the same event.
    pub(super) uid: String,
    /// How it repeats, where it does.
    pub(super) repetition: Option<Box<Repetition>>,
    /// The time of a repeating event in whose place it is.
    pub(super) replaces: Option<When>,
    /// Whether it also stands for all later times of the repeating event.
    pub(super) is_for_later: bool,
}

/// The events of a calendar. Times without a zone, and days, are the shop's; so are those of a zone
/// that nobody knows.
///
/// # Errors
/// Where the text is none.
pub fn read_events(text: &str, zone: Tz) -> Result<Vec<Component>, InvalidCalendar> {
    let mut events = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut draft = Draft::default();
    let mut is_calendar = false;
    for line in unfold(text) {
        let Some(line) = Line::parse(&line) else { continue };
        match line.name.as_str() {
            "BEGIN" if open.len() < DEPTH => {
                let kind = line.value.trim().to_ascii_uppercase();
                is_calendar |= open.is_empty() && kind == "VCALENDAR";
                if kind == "VEVENT" {
                    draft = Draft::default();
                }
                open.push(kind);
            }
            "BEGIN" => return Err(InvalidCalendar),
            "END" => {
                let closed = open.pop();
                if closed.is_some_and(|kind| kind == "VEVENT") {
                    events.push(std::mem::take(&mut draft).finish(zone));
                }
            }
            // What an alarm inside the event says is not about the event.
            _ if open.last().is_some_and(|kind| kind == "VEVENT") => draft.take(&line, zone),
            _ => {}
        }
    }
    if is_calendar && open.is_empty() { Ok(events) } else { Err(InvalidCalendar) }
}

/// The lines of a text, those that were folded joined again.
fn unfold(text: &str) -> Vec<Cow<'_, str>> {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.to_mut().push_str(rest),
            _ => lines.push(Cow::Borrowed(line)),
        }
    }
    lines
}

/// `NAME;PARAMETER=value:value`.
pub(super) struct Line<'a> {
    name: String,
    parameters: Vec<(String, &'a str)>,
    pub(super) value: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // A colon or a semicolon between quotes is part of a parameter.
        let mut is_quoted = false;
        let mut ends = Vec::new();
        let mut value_at = None;
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b';' if !is_quoted => ends.push(at),
                b':' if !is_quoted => {
                    ends.push(at);
                    value_at = Some(at + 1);
                    break;
                }
                _ => {}
            }
        }
        let value = line.get(value_at?..)?;
        let mut pieces = Vec::with_capacity(ends.len());
        let mut from = 0;
        for end in ends {
            pieces.push(line.get(from..end)?);
            from = end + 1;
        }
        let mut pieces = pieces.into_iter();
        let name = pieces.next()?.trim().to_ascii_uppercase();
        let parameter = |piece: &'a str| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), value.trim_matches('"')))
        };
        Some(Self { name, parameters: pieces.filter_map(parameter).collect(), value })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }
}

#[derive(Default)]
struct Draft {
    start: Option<When>,
    end: Option<When>,
    duration_seconds: Option<i64>,
    is_free: bool,
    repetition: Repetition,
    event: Component,
}

impl Draft {
    fn take(&mut self, line: &Line<'_>, zone: Tz) {
        let value = line.value.trim();
        match line.name.as_str() {
            "UID" => {
                self.event.event_name = value.strip_suffix(UID_SUFFIX).map(str::to_owned);
                value.clone_into(&mut self.event.uid);
            }
            "DTSTART" => self.start = When::read(line, zone),
            "DTEND" => self.end = When::read(line, zone),
            "DURATION" => self.duration_seconds = duration_seconds(value),
            "TRANSP" if value.eq_ignore_ascii_case("TRANSPARENT") => self.is_free = true,
            "STATUS" if value.eq_ignore_ascii_case("CANCELLED") => self.event.is_cancelled = true,
            "ATTENDEE" => self.event.declined.extend(declined(line)),
            "RRULE" => self.repetition.rules.push(value.to_owned()),
            "RDATE" => self.repetition.add(line, zone),
            "EXDATE" => self.repetition.leave_out(line, zone),
            "EXRULE" => self.repetition.is_strange = true,
            "RECURRENCE-ID" => {
                self.event.replaces = When::read(line, zone);
                self.event.is_for_later = line.parameter("RANGE").is_some();
            }
            "SUMMARY" | "LOCATION" => {
                self.event.words.extend(unescape(line.value).chars().take(WORDS_CHARACTERS));
                self.event.words.push('\n');
            }
            _ => {}
        }
    }

    fn finish(self, zone: Tz) -> Component {
        let Self { start, end, duration_seconds, .. } = self;
        let length = start.map(|start| Length::of(start, end, duration_seconds, zone));
        let span = start.zip(length).map(|(start, length)| length.from(start, zone));
        let repetition = start.zip(length).filter(|_| !self.repetition.is_none());
        let repetition =
            repetition.map(|(start, length)| Box::new(self.repetition.of(start, length)));
        let is_busy = !self.is_free && !self.event.is_cancelled;
        Component { span, is_busy, repetition, ..self.event }
    }
}

/// Who does not come, where this line says so of somebody.
fn declined(line: &Line<'_>) -> Option<String> {
    line.parameter("PARTSTAT").filter(|answer| answer.eq_ignore_ascii_case("DECLINED"))?;
    let address = line.value.trim();
    let scheme = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = match scheme {
        Some(_) => address.get(7..),
        // Some servers name their users otherwise, with the address beside it.
        None => line.parameter("EMAIL"),
    };
    address.map(str::to_lowercase)
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
