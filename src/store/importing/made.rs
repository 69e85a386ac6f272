//! Which records an import has made itself.

use std::sync::{Mutex, PoisonError};

/// The numbers of the customers, vehicles and visits that an import made.
#[derive(Debug, Default)]
pub struct Made {
    pub(super) customers: Numbers,
    pub(super) vehicles: Numbers,
    pub(super) visits: Numbers,
}

/// Numbers that were given away in ascending order: few spans, since others seldom write in between.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<Vec<(i64, i64)>>);

impl Numbers {
    /// Adds the numbers from `first` to `last`, which come after all that are there.
    pub fn add(&self, first: i64, last: i64) {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match spans.last_mut() {
            Some(before) if before.1 + 1 == first => before.1 = last,
            _ => spans.push((first, last)),
        }
    }

    pub fn has(&self, number: i64) -> bool {
        let spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = spans.partition_point(|&(first, _)| first <= number);
        let span = after.checked_sub(1).and_then(|place| spans.get(place));
        span.is_some_and(|&(_, last)| number <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn numbers_are_those_that_were_added() {
        let numbers = Numbers::default();
        assert!(!numbers.has(1));
        for (first, last) in [(2, 2), (3, 5), (9, 9), (11, 12)] {
            numbers.add(first, last);
        }
        let has: Vec<i64> = (0..14).filter(|&number| numbers.has(number)).collect();
        assert_eq!(has, [2, 3, 4, 5, 9, 11, 12]);
        assert_eq!(numbers.0.lock().unwrap().len(), 3);
    }
}
