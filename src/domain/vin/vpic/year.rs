//! The model year, by positions 7 and 10 and by what the manufacturer built when.

use super::data::Vpic;
use super::text::VinText;
use super::wmi::Wmi;
use crate::domain::vin::first_cycle_year;

/// No model year is earlier.
const FIRST_YEAR: i32 = 1980;
/// Position 10 repeats itself after so many years.
const CYCLE: i32 = 30;

/// Which model years a VIN may mean, in the order in which they are tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ModelYears {
    /// The likeliest; `None` where position 10 has no year.
    pub first: Option<i32>,
    /// The year of the cycle before, where it is as likely.
    pub second: Option<i32>,
    /// Whether there is no doubt.
    pub is_conclusive: bool,
}

/// The later of the two years from 1980 to 2039 that a code at position 10 stands for.
pub fn year_of_code(code: u8) -> Option<i32> {
    first_cycle_year(code).map(|year| year + CYCLE)
}

impl ModelYears {
    /// The years of a VIN, in the year `now_year`.
    pub fn of(vpic: Vpic<'_>, vin: &VinText, wmi: Option<Wmi<'_>>, now_year: i32) -> Self {
        let latest = now_year + 2;
        let fixed = fixed_year(vpic, vin).filter(|year| (FIRST_YEAR..=latest).contains(year));
        if fixed.is_some() {
            return Self { first: fixed, second: None, is_conclusive: true };
        }
        let Some(mut year) = vin.at(10).and_then(year_of_code) else {
            return Self { first: None, second: None, is_conclusive: false };
        };
        let is_light = wmi.is_some_and(Wmi::is_light);
        let mut is_conclusive = false;
        if is_light && vin.at(7).is_some_and(|c| c.is_ascii_digit()) {
            year -= CYCLE;
            is_conclusive = true;
        } else if is_light && vin.at(7).is_some_and(|c| c.is_ascii_uppercase()) {
            is_conclusive = true;
        }
        if year > latest {
            year -= CYCLE;
            is_conclusive = true;
        }
        if !is_conclusive {
            return Self { first: Some(year), second: Some(year - CYCLE), is_conclusive };
        }
        let first = wmi.and_then(|wmi| other_cycle(wmi, year, latest)).unwrap_or(year);
        Self { first: Some(first), second: None, is_conclusive }
    }
}

impl ModelYears {
    /// Whether a year that the caller told is possible, and none that the VIN means.
    pub fn is_news(&self, year: i32, now_year: i32) -> bool {
        (FIRST_YEAR..=now_year + 2).contains(&year)
            && self.first != Some(year)
            && self.second != Some(year)
    }
}

/// The year of the other cycle, if the manufacturer built something in it and nothing in this one.
fn other_cycle(wmi: Wmi<'_>, year: i32, latest: i32) -> Option<i32> {
    let other = if (FIRST_YEAR..=latest - CYCLE).contains(&year) {
        year + CYCLE
    } else if (FIRST_YEAR + CYCLE..=latest).contains(&year) {
        year - CYCLE
    } else {
        return None;
    };
    (!wmi.covers(year) && wmi.covers(other)).then_some(other)
}

/// The year that NHTSA fixed for the descriptor of a VIN.
fn fixed_year(vpic: Vpic<'_>, vin: &VinText) -> Option<i32> {
    let descriptor = vin.descriptor();
    let mut key = *b"              ";
    key.iter_mut().zip(descriptor.bytes()).for_each(|(place, c)| *place = c);
    vpic.descriptors.find(16, &key).map(|record| i32::from(record.u16(14)))
}
