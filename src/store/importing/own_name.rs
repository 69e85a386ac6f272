//! What a record is called in an export where no other program has named it.

use std::fmt;
use std::str::FromStr;

use crate::domain::time::Timestamp;

/// The name of a record of ours: its number, and when it was made, so that records of two databases are
/// never taken for one another.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct OwnName {
    /// The record's number.
    pub id: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A name that another program gave.
#[derive(Clone, Copy, Debug)]
pub struct Foreign;

const PREFIX: &str = "servicebay-";

impl fmt::Display for OwnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}", self.id, self.created_at.0)
    }
}

impl FromStr for OwnName {
    type Err = Foreign;

    fn from_str(text: &str) -> Result<Self, Foreign> {
        let (id, created_at) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).ok_or(Foreign)?;
        let number = |text: &str| text.parse::<i64>().map_err(|_| Foreign);
        Ok(Self { id: number(id)?, created_at: Timestamp(number(created_at)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_as_what_it_names() {
        let name = OwnName { id: 12, created_at: Timestamp(1_700_000_000) };
        assert_eq!(name.to_string(), "servicebay-12-1700000000");
        assert_eq!(name.to_string().parse::<OwnName>().ok(), Some(name));
        for foreign in ["", "C0000012", "servicebay-", "servicebay-12", "servicebay-x-1"] {
            assert!(foreign.parse::<OwnName>().is_err(), "{foreign}");
        }
    }
}
