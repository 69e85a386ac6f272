//! Lists that are shown in part.

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
