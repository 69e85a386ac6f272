//! One attempt to decode a VIN, for one model year.

use super::check::{Findings, is_excused};
use super::data::Vpic;
use super::derive::{
    add_specifications, body_class_number, certain, convert_displacements, fill_defaults, make,
};
use super::items::{Items, Source, Value};
use super::keys::VinKey;
use super::patterns::Patterns;
use super::text::VinText;
use super::wmi::Wmi;
use super::{MAKE, MANUFACTURER, MODEL, MODEL_YEAR, VEHICLE_TYPE};

/// Body classes of gliders and of vehicles that do not drive on roads, by NHTSA's numbers.
const GLIDER: u16 = 64;
const OFF_ROAD: [u16; 10] = [69, 84, 86, 88, 97, 105, 113, 124, 126, 127];

/// What one attempt found.
#[derive(Clone, Debug)]
pub struct Pass {
    pub year: Option<i32>,
    pub items: Items,
    pub findings: Findings,
    /// Whether it was made for a model year that the caller told.
    pub is_callers: bool,
    pub is_excused: bool,
    pub is_off_road: bool,
    /// NHTSA's number of the body class.
    pub body_class: Option<u16>,
    /// How many values patterns gave.
    patterns: usize,
}

impl Pass {
    /// Decodes for a model year, or for all where it is not known. `is_told` is whether the caller
    /// told another year than position 10 does.
    pub fn run(
        vpic: Vpic<'_>,
        vin: &VinText,
        wmi: Option<Wmi<'_>>,
        year: Option<i32>,
        is_told: bool,
    ) -> Self {
        let mut pass = Self {
            year,
            items: Items::new(),
            findings: Findings::default(),
            is_callers: false,
            is_excused: is_excused(vpic, vin),
            is_off_road: false,
            body_class: None,
            patterns: 0,
        };
        if is_told {
            pass.findings.codes.add(12);
        }
        match wmi {
            Some(wmi) => pass.decode(vpic, vin, wmi),
            None => pass.findings.codes.add(7),
        }
        if year.is_none() {
            pass.findings.codes.add(11);
        }
        pass.check(vin, wmi.is_some_and(Wmi::is_light));
        pass
    }

    fn decode(&mut self, vpic: Vpic<'_>, vin: &VinText, wmi: Wmi<'_>) {
        let year = self.year;
        self.items = Patterns::collect(vpic, wmi, VinKey::new(vin.as_bytes()), year);
        self.patterns = self.items.iter().count();
        let items = &mut self.items;
        let vehicle = |element, value| certain(element, value, Source::Vehicle);
        items.set(vehicle(VEHICLE_TYPE, Value::Filed(wmi.vehicle_type())));
        items.set(vehicle(MANUFACTURER, Value::Filed(wmi.manufacturer())));
        if let Some(year) = year {
            items.set(vehicle(MODEL_YEAR, Value::Made(year.to_string())));
        }
        if let Some(make) = make(vpic, wmi, items) {
            items.set(vehicle(MAKE, Value::Filed(make)));
        }
        convert_displacements(vpic, items);
        add_specifications(vpic, wmi, year, items);
        if self.patterns == 0 {
            self.findings.codes.add(8);
        } else {
            self.findings.check_positions(vpic, wmi, vin, year, &self.items);
        }
        self.body_class = body_class_number(vpic, &self.items);
        self.is_off_road = self.body_class.is_some_and(|number| OFF_ROAD.contains(&number));
        if self.body_class == Some(GLIDER) {
            self.findings.codes.add(9);
        } else if self.is_off_road {
            self.findings.codes.add(10);
        }
        fill_defaults(vpic, wmi, &mut self.items);
    }

    fn check(&mut self, vin: &VinText, is_light: bool) {
        let findings = &mut self.findings;
        if vin.is_whole() {
            findings.check_digit(vin, is_light, self.is_excused);
        } else {
            findings.codes.add(6);
        }
        findings.check_characters(vin, is_light, self.is_off_road || self.is_excused);
        let is_clean = findings.codes.are_among(&[9, 10, 12]);
        if is_clean || (findings.codes.has(14) && findings.codes.are_among(&[9, 10, 12, 14])) {
            findings.codes.add(0);
            if !self.items.has(MODEL) {
                findings.codes.add(14);
            }
        }
    }

    /// The same, made because the caller told the model year.
    pub fn by_caller(self) -> Self {
        Self { is_callers: true, ..self }
    }

    pub fn has_code(&self, code: u16) -> bool {
        self.findings.codes.has(code)
    }

    /// The higher one of two is believed: the one with the lighter errors, then the one that tells
    /// more, then the one of the caller's year, then the later one.
    pub fn rank(&self, vpic: Vpic<'_>, model_year: Option<i32>) -> (i32, i32, usize, i32) {
        let mut seen = [false; super::data::ELEMENTS];
        let weight = |element: u8| {
            let is_new = seen
                .get_mut(usize::from(element))
                .is_some_and(|seen| !std::mem::replace(seen, true));
            if is_new { vpic.element(element).weight() } else { 0 }
        };
        let weights = self.items.iter().map(|item| item.element).map(weight).sum();
        let is_callers = self.year.is_some() && self.year == model_year;
        let year = self.year.unwrap_or_default() + if is_callers { 10_000 } else { 0 };
        (self.findings.codes.weight(vpic), weights, self.patterns, year)
    }
}
