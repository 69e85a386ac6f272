//! What NHTSA's own decoder says of a VIN, from the tables that it uses (vPIC).
//!
//! The rules are those of `spVinDecode`, which comes with NHTSA's monthly dump of vPIC
//! (<https://vpic.nhtsa.dot.gov/downloads/>), and where the public service differs from it, those
//! of the service: the format of numbers, and descriptors whose model year is fixed.

mod check;
mod codes;
pub mod data;
mod decimal;
mod derive;
mod items;
mod keys;
mod pass;
mod patterns;
mod report;
mod text;
mod wmi;
mod year;

pub use data::Vpic;
pub use report::Decoded;
pub use text::VinText;

use chrono::Datelike;
use pass::Pass;
use wmi::Wmi;
use year::ModelYears;

use super::Vin;
use super::decoded::DecodedVin;
use crate::domain::time::Timestamp;

// Elements that have rules of their own.
const BODY_CLASS: u8 = 5;
const ENGINE_MODEL: u8 = 18;
const MAKE: u8 = 26;
const MANUFACTURER: u8 = 27;
const MODEL: u8 = 28;
const MODEL_YEAR: u8 = 29;
const VEHICLE_TYPE: u8 = 39;

impl<'a> Vpic<'a> {
    /// What is known of the vehicle with this VIN; `None` where no make is.
    pub fn vehicle(self, vin: &Vin, now: Timestamp) -> Option<DecodedVin> {
        let decoded = self.decode(&VinText::new(vin.as_str()), None, now);
        DecodedVin::from_elements(*vin, |element| decoded.value(element))
    }

    /// Decodes a VIN, whole or in part. `model_year` is the one that the caller knows, if any.
    pub fn decode(self, vin: &VinText, model_year: Option<i32>, now: Timestamp) -> Decoded<'a> {
        let now_year = now.to_utc().year();
        let wmi = Wmi::find(self, vin.as_bytes(), now.0);
        let years = ModelYears::of(self, vin, wmi, now_year);
        let run = |year, is_told| Pass::run(self, vin, wmi, year, is_told);
        let news = model_year.filter(|year| years.is_news(*year, now_year));
        let told = news.map(|year| run(Some(year), true).by_caller());
        let mut passes = Vec::with_capacity(3);
        let is_enough =
            told.as_ref().is_some_and(|pass| !pass.has_code(8) || years.first.is_none());
        passes.extend(told);
        if !is_enough {
            let differs = |year: Option<i32>| model_year.zip(year).is_some_and(|(a, b)| a != b);
            passes.push(run(years.first, differs(years.first)));
            if years.second.is_some() {
                passes.push(run(years.second, differs(years.second)));
            }
        }
        let best = passes.into_iter().reduce(|best, pass| {
            if pass.rank(self, model_year) > best.rank(self, model_year) { pass } else { best }
        });
        let best = best.unwrap_or_else(|| run(None, false));
        let is_certain = years.is_conclusive || best.is_callers;
        let others = [years.first, years.second].into_iter().flatten();
        let other_year = others.filter(|_| !is_certain).find(|year| Some(*year) != best.year);
        Decoded::new(self, *vin, wmi, best, other_year)
    }
}

#[cfg(test)]
mod tests;
