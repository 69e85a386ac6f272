//! What an event of the calendar that is no visit takes away: the whole shop, or what it names.

use crate::domain::id::ResourceId;
use crate::domain::time::{Interval, Timestamp};

use super::Found;

/// The longest piece of a block, in seconds: as long as the longest reservation, so that a search
/// for what overlaps need not look further back.
const LONGEST_SECONDS: i64 = 86_400;

/// A time in which the shop, or a bay or a technician of it, is not to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block {
    /// From its start to its end, at most a day.
    pub span: Interval,
    /// The bay or the technician; `None`: the whole shop.
    pub resource: Option<ResourceId>,
}

/// What this event blocks within `window`, in pieces of a day at most.
///
/// Nothing where it leaves its owner free. The bays and technicians that its title or place names
/// where it names some, else the whole shop.
pub fn block(found: &Found, resources: &[(ResourceId, &str)], window: Interval) -> Vec<Block> {
    if !found.is_busy {
        return Vec::new();
    }
    let named = named(&found.words, resources);
    let whom: Vec<Option<ResourceId>> =
        if named.is_empty() { vec![None] } else { named.into_iter().map(Some).collect() };
    let within = found.times.iter().filter(|span| span.overlaps(&window));
    let clipped = within.map(|span| Interval {
        start: span.start.max(window.start),
        end: span.end.min(window.end),
    });
    let pieces = clipped.flat_map(pieces);
    pieces.flat_map(|span| whom.iter().map(move |&resource| Block { span, resource })).collect()
}

fn pieces(span: Interval) -> impl Iterator<Item = Interval> {
    let step = usize::try_from(LONGEST_SECONDS).unwrap_or(usize::MAX);
    (span.start.0..span.end.0).step_by(step).map(move |start| {
        let end = Timestamp(start).plus_seconds(LONGEST_SECONDS).min(span.end);
        Interval { start: Timestamp(start), end }
    })
}

/// The bays and technicians whose names stand in `words` as words of their own, whatever the case.
/// A name of one letter or digit counts only behind `bay`.
pub fn named(words: &str, resources: &[(ResourceId, &str)]) -> Vec<ResourceId> {
    let words = words.to_lowercase();
    let stands_in = |name: &str| {
        let name = name.to_lowercase();
        let is_short = name.chars().count() == 1;
        stands_alone(&words, &if is_short { format!("bay {name}") } else { name })
    };
    resources.iter().filter(|(_, name)| stands_in(name)).map(|&(id, _)| id).collect()
}

fn stands_alone(words: &str, name: &str) -> bool {
    words.match_indices(name).any(|(at, _)| {
        let before = words.get(..at).and_then(|text| text.chars().next_back());
        let after = words.get(at + name.len()..).and_then(|text| text.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCES: [(ResourceId, &str); 4] = [
        (ResourceId(1), "Bay 1"),
        (ResourceId(2), "Bay 10"),
        (ResourceId(3), "Kim"),
        (ResourceId(4), "B"),
    ];

    #[track_caller]
    fn check_named(words: &str, expected: &[i64]) {
        let named: Vec<i64> = named(words, &RESOURCES).into_iter().map(|id| id.0).collect();
        assert_eq!(named, expected, "{words}");
    }

    #[test]
    fn a_block_names_whom_it_is_about() {
        check_named("Closed", &[]);
        check_named("Lift of bay 1 is broken", &[1]);
        check_named("BAY 10: inspection", &[2]);
        check_named("Kim: dentist", &[3]);
        check_named("Kimberly visits", &[]);
        check_named("Bay 1 and Kim", &[1, 3]);
        check_named("plan B", &[]);
        check_named("Bay B", &[4]);
    }

    #[track_caller]
    fn check(is_busy: bool, words: &str, times: &[(i64, i64)], expected: &[(i64, i64, i64)]) {
        let times = times
            .iter()
            .map(|&(start, end)| Interval { start: Timestamp(start), end: Timestamp(end) });
        let found = Found {
            name: "x".to_owned(),
            etag: None,
            times: times.collect(),
            is_busy,
            words: words.to_owned(),
            is_partial: false,
        };
        let window = Interval { start: Timestamp(1000), end: Timestamp(200_000) };
        let blocks = block(&found, &RESOURCES, window);
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|block| {
                (block.span.start.0, block.span.end.0, block.resource.map_or(0, |id| id.0))
            })
            .collect();
        assert_eq!(blocks, expected);
    }

    #[test]
    fn a_block_is_cut_to_the_window_and_to_days() {
        check(true, "", &[(2000, 3000)], &[(2000, 3000, 0)]);
        check(false, "", &[(2000, 3000)], &[]);
        check(true, "", &[(0, 3000), (100, 900), (300_000, 300_001)], &[(1000, 3000, 0)]);
        check(true, "", &[(5000, 5000)], &[]);
        check(true, "Kim", &[(2000, 88_401)], &[(2000, 88_400, 3), (88_400, 88_401, 3)]);
        check(
            true,
            "",
            &[(0, 1_000_000)],
            &[(1000, 87_400, 0), (87_400, 173_800, 0), (173_800, 200_000, 0)],
        );
    }
}
