//! Writing visits as iCalendar.

use crate::domain::calendar::{Event, EventId};
use crate::domain::time::Timestamp;

use super::UID_SUFFIX;

/// The longest line, in bytes, its end not counted.
const LINE_BYTES: usize = 75;
/// Who wrote it.
const HEAD: [&str; 3] = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//servicebay//servicebay//EN"];

/// One visit as a whole calendar, which is what CalDAV keeps.
pub fn write_event(event: &Event, now: Timestamp) -> String {
    let mut text = String::new();
    HEAD.into_iter().for_each(|line| push_line(&mut text, line));
    push_event(&mut text, event, now);
    push_line(&mut text, "END:VCALENDAR");
    text
}

/// A calendar of many visits, written piece by piece.
pub struct Feed;

impl Feed {
    /// What stands above the visits.
    pub fn head(name: &str) -> String {
        let mut text = String::new();
        HEAD.into_iter().for_each(|line| push_line(&mut text, line));
        push_line(&mut text, "METHOD:PUBLISH");
        push_text(&mut text, "X-WR-CALNAME", name);
        text
    }

    /// A visit.
    pub fn event(event: &Event, now: Timestamp) -> String {
        let mut text = String::new();
        push_event(&mut text, event, now);
        text
    }

    /// What stands below the visits.
    pub fn end() -> &'static str {
        "END:VCALENDAR\r\n"
    }
}

/// The UID of a visit's event.
pub fn uid(id: &EventId) -> String {
    format!("{}{UID_SUFFIX}", id.as_str())
}

fn push_event(text: &mut String, event: &Event, now: Timestamp) {
    push_line(text, "BEGIN:VEVENT");
    push_line(text, &format!("UID:{}", uid(&event.id)));
    push_line(text, &format!("DTSTAMP:{}", utc(now)));
    push_line(text, &format!("DTSTART:{}", utc(event.span.start)));
    push_line(text, &format!("DTEND:{}", utc(event.span.end)));
    push_line(text, &format!("SEQUENCE:{}", event.revision));
    push_text(text, "SUMMARY", &event.title);
    push_text(text, "LOCATION", &event.place);
    push_text(text, "DESCRIPTION", &event.description);
    push_line(text, "STATUS:CONFIRMED");
    push_line(text, if event.is_busy { "TRANSP:OPAQUE" } else { "TRANSP:TRANSPARENT" });
    push_line(text, "END:VEVENT");
}

/// `20270115T140000Z`.
pub(super) fn utc(at: Timestamp) -> String {
    at.to_utc().format("%Y%m%dT%H%M%SZ").to_string()
}

fn push_text(text: &mut String, name: &str, value: &str) {
    push_line(text, &format!("{name}:{}", escape(value)));
}

/// RFC 5545, 3.3.11. Other control characters have no place in a calendar.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Writes a line, folded where it is long (RFC 5545, 3.1), but never within a character.
fn push_line(text: &mut String, line: &str) {
    let mut length = 0;
    for letter in line.chars() {
        if length + letter.len_utf8() > LINE_BYTES {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(letter);
        length += letter.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("a;b,c\\d\ne\r\u{7}f"), "a\\;b\\,c\\\\d\\nef");
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let mut text = String::new();
        push_line(&mut text, &"é".repeat(80));
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), "é".repeat(80));
        let mut text = String::new();
        push_line(&mut text, &"a".repeat(75));
        assert_eq!(text, format!("{}\r\n", "a".repeat(75)));
    }
}
