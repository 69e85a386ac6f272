//! Reading the events of a calendar: when they are, and what they are called.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use crate::domain::local_time::{WallTime, day_bounds};
use crate::domain::time::{Interval, Timestamp};

use super::UID_SUFFIX;

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
    /// Whether it says how it repeats.
    pub repeats: bool,
    /// Its title and its place.
    pub words: String,
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
struct Line<'a> {
    name: String,
    parameters: Vec<(String, &'a str)>,
    value: &'a str,
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

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }
}

/// A date or a time as it was written.
#[derive(Clone, Copy)]
enum When {
    Day(NaiveDate),
    Instant(Timestamp),
}

impl When {
    fn read(line: &Line<'_>, shop: Tz) -> Option<Self> {
        let value = line.value.trim();
        if let Ok(day) = NaiveDate::parse_from_str(value, "%Y%m%d") {
            return Some(Self::Day(day));
        }
        let wall = value.strip_suffix('Z').unwrap_or(value);
        let wall = NaiveDateTime::parse_from_str(wall, "%Y%m%dT%H%M%S").ok()?;
        let zone = match line.parameter("TZID") {
            _ if value.ends_with('Z') => Tz::UTC,
            // Some programs write a path in front of the zone's name.
            Some(name) => name.trim_start_matches('/').parse().unwrap_or(shop),
            None => shop,
        };
        Some(Self::Instant(WallTime::read(wall, zone).first()))
    }

    fn start(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(day) => day_bounds(day, zone).start,
            Self::Instant(at) => at,
        }
    }
}

#[derive(Default)]
struct Draft {
    start: Option<When>,
    end: Option<When>,
    duration_seconds: Option<i64>,
    is_free: bool,
    event: Component,
}

impl Draft {
    fn take(&mut self, line: &Line<'_>, zone: Tz) {
        match line.name.as_str() {
            "UID" => {
                let name = line.value.trim().strip_suffix(UID_SUFFIX);
                self.event.event_name = name.map(str::to_owned);
            }
            "DTSTART" => self.start = When::read(line, zone),
            "DTEND" => self.end = When::read(line, zone),
            "DURATION" => self.duration_seconds = duration_seconds(line.value.trim()),
            "TRANSP" if line.value.trim().eq_ignore_ascii_case("TRANSPARENT") => {
                self.is_free = true;
            }
            "STATUS" if line.value.trim().eq_ignore_ascii_case("CANCELLED") => self.is_free = true,
            "RRULE" | "RDATE" => self.event.repeats = true,
            "SUMMARY" | "LOCATION" => {
                self.event.words.extend(unescape(line.value).chars().take(WORDS_CHARACTERS));
                self.event.words.push('\n');
            }
            _ => {}
        }
    }

    fn finish(self, zone: Tz) -> Component {
        let end_of = |start: When| match (self.end, self.duration_seconds, start) {
            (Some(end), _, _) => end.start(zone),
            (None, Some(seconds), start) => start.start(zone).plus_seconds(seconds),
            // RFC 5545, 3.6.1: a day lasts a day, an instant no time at all.
            (None, None, When::Day(day)) => day_bounds(day, zone).end,
            (None, None, When::Instant(at)) => at,
        };
        let span =
            self.start.map(|start| Interval { start: start.start(zone), end: end_of(start) });
        Component { span, is_busy: !self.is_free, ..self.event }
    }
}

/// `PT1H30M`, `P1DT2H`, `P2W` (RFC 5545, 3.3.6); one that is negative is none.
fn duration_seconds(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (mut total, mut number) = (0_i64, None::<i64>);
    for letter in rest.chars() {
        if let Some(digit) = letter.to_digit(10) {
            number = Some(number.unwrap_or_default().checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let unit = match letter {
            'T' => continue,
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    number.is_none().then_some(total)
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
