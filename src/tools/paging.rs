//! Lists that are shown in part, and where their next page begins: a cursor is opaque to callers, and good
//! only for the same question.

use super::arguments::refuse;
use crate::error::Refusal;

/// How many rows to read for a list of `limit`: one more than is shown tells whether there is more.
pub(super) const fn rows_to_read(limit: i64) -> i64 {
    limit + 1
}

/// Cuts what was read down to what is shown; whether there is more.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: i64) -> bool {
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > shown;
    rows.truncate(shown);
    has_more
}

/// The cursor behind the row with this place, in the list that answers `question`.
pub(super) fn cursor<const N: usize>(question: &str, place: [i64; N]) -> String {
    place.iter().fold(question.to_owned(), |text, number| format!("{text}.{number:x}"))
}

/// The place that a cursor names.
pub(super) fn read_cursor<const N: usize>(text: &str, question: &str) -> Result<[i64; N], Refusal> {
    let place = || {
        let numbers = text.strip_prefix(question)?.strip_prefix('.')?.split('.');
        let numbers: Option<Vec<i64>> =
            numbers.map(|number| i64::from_str_radix(number, 16).ok()).collect();
        numbers?.try_into().ok()
    };
    place()
        .ok_or_else(|| refuse("cursor", "is not the next_cursor of a reply to the same question"))
}
