//! What a VIN was decoded to, as NHTSA tells it.

use std::borrow::Cow;

use super::codes::{more_text, text};
use super::data::Vpic;
use super::pass::Pass;
use super::text::VinText;
use super::wmi::Wmi;
use crate::domain::vin::Vin;

/// Elements that tell of the decoding itself.
const SUGGESTED_VIN: u8 = 142;
const ERROR_CODE: u8 = 143;
const POSSIBLE_VALUES: u8 = 144;
const ADDITIONAL_ERROR_TEXT: u8 = 156;
const ERROR_TEXT: u8 = 191;
const VEHICLE_DESCRIPTOR: u8 = 196;

/// How many characters NHTSA gives to a text about errors.
const TEXT_MAX_CHARACTERS: usize = 500;
/// The vehicle type, and the body classes, of what somebody else completes.
const INCOMPLETE_TYPE: u8 = 10;
const INCOMPLETE_BODIES: [u16; 16] =
    [62, 63, 64, 65, 67, 70, 71, 72, 74, 75, 76, 77, 78, 107, 112, 116];

const INCOMPLETE_WARNING: &str = "Incomplete Vehicle Warning - Please be advised that the vehicle may have been altered and may not be an accurate representation of the vehicle in its current condition.";
const YEAR_WARNING: &str = "The Model Year decoded for this VIN may be incorrect. If you know the Model year, please enter it and decode again to get more accurate information.";
const EXCUSED_NOTE: &str = "NOTE: Check Digit Exception - The check digit was given an exception based on data from the OEM indicating an error on production.";
const OFF_ROAD_NOTE: &str = "NOTE: Disregard if this is an off-road vehicle PIN, as check digit calculation may not be accurate.";

/// A decoded VIN.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    vpic: Vpic<'a>,
    vin: VinText,
    pass: Pass,
    is_incomplete: bool,
    /// Another model year that is as possible.
    other_year: Option<i32>,
}

impl<'a> Decoded<'a> {
    pub(super) fn new(
        vpic: Vpic<'a>,
        vin: VinText,
        wmi: Option<Wmi<'a>>,
        pass: Pass,
        other_year: Option<i32>,
    ) -> Self {
        let is_incomplete = wmi.is_some_and(|wmi| wmi.vehicle_type_number() == INCOMPLETE_TYPE)
            || pass.body_class.is_some_and(|body| INCOMPLETE_BODIES.contains(&body));
        Self { vpic, vin, pass, is_incomplete, other_year }
    }

    /// The VIN as it was read.
    pub fn vin(&self) -> &str {
        self.vin.as_str()
    }

    /// The first value of an element, by NHTSA's number of it, if it has any.
    pub fn value(&self, element: u8) -> Option<&str> {
        self.pass.items.values(element).next().map(|item| item.value.text(self.vpic))
    }

    /// Whether NHTSA's decoder reports this error.
    pub fn has_error(&self, code: u16) -> bool {
        self.pass.has_code(code)
    }

    /// The model year.
    pub fn year(&self) -> Option<i32> {
        self.pass.year
    }

    /// Another model year that is as possible.
    pub fn other_year(&self) -> Option<i32> {
        self.other_year
    }

    /// Whether NHTSA knows that the check digit is wrong on the vehicle itself.
    pub fn is_excused(&self) -> bool {
        self.pass.is_excused && self.has_wrong_check_digit()
    }

    fn has_wrong_check_digit(&self) -> bool {
        self.vin.as_str().parse::<Vin>().is_ok_and(|vin| !vin.check_digit_valid())
    }

    /// Whether somebody else than the manufacturer completes such vehicles.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// The positions, counted from 1, whose characters this manufacturer does not use there, with
    /// those that it uses.
    pub fn misfits(&self) -> Vec<(usize, String)> {
        let misfits = self.pass.findings.possible.iter();
        misfits.map(|m| (m.position, m.characters().map(char::from).collect())).collect()
    }

    /// Every public element's code with its values, in the order of the elements.
    pub fn elements(&self) -> impl Iterator<Item = (&'a str, Vec<Cow<'_, str>>)> {
        (0..=u8::MAX)
            .filter(|element| self.vpic.element(*element).is_public())
            .map(|element| (self.vpic.element(element).code(), self.values(element)))
    }

    fn values(&self, element: u8) -> Vec<Cow<'_, str>> {
        let findings = &self.pass.findings;
        let told = match element {
            SUGGESTED_VIN => findings.suggested.map(|vin| vin.as_str().to_owned()),
            ERROR_CODE => Some(findings.codes.list()),
            POSSIBLE_VALUES => Some(findings.possible.iter().map(|m| m.tell()).collect()),
            ADDITIONAL_ERROR_TEXT => Some(self.additional_error_text()),
            ERROR_TEXT => Some(self.error_text()),
            VEHICLE_DESCRIPTOR => Some(self.vin.descriptor()),
            _ => {
                let values = self.pass.items.values(element);
                return values.map(|item| Cow::Borrowed(item.value.text(self.vpic))).collect();
            }
        };
        told.map(Cow::Owned).into_iter().collect()
    }

    /// What the errors are, in NHTSA's words.
    pub fn error_text(&self) -> String {
        let texts: Vec<Cow<'_, str>> =
            self.pass.findings.codes.iter().map(|c| self.tell(c)).collect();
        cut(&texts.join("; "))
    }

    fn tell(&self, code: u16) -> Cow<'_, str> {
        let text = text(self.vpic, code);
        match code {
            0 if self.pass.is_excused => Cow::Owned(format!("{text} {EXCUSED_NOTE}")),
            1 if self.pass.is_off_road => Cow::Owned(format!("{text} {OFF_ROAD_NOTE}")),
            _ => Cow::Borrowed(text),
        }
    }

    fn additional_error_text(&self) -> String {
        let findings = &self.pass.findings;
        let mut parts: Vec<Cow<'_, str>> = Vec::new();
        if let Some(code) = [4, 5].into_iter().find(|code| findings.codes.has(*code)) {
            parts.push(more_text(self.vpic, code).into());
        }
        if !findings.unused.is_empty() {
            parts.push(format!("Unused position(s): {}.", join(&findings.unused, ",")).into());
        }
        if !findings.invalid.is_empty() {
            let each = findings.invalid.iter();
            let each: Vec<String> = each.map(|(p, c)| format!("{p}:{}", char::from(*c))).collect();
            parts.push(format!("Invalid character(s): {}.", each.join(", ")).into());
        }
        if self.is_incomplete {
            parts.push(INCOMPLETE_WARNING.into());
        }
        if self.other_year.is_some() {
            parts.push(YEAR_WARNING.into());
        }
        cut(&parts.join(" "))
    }
}

fn join(numbers: &[usize], separator: &str) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(separator)
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX_CHARACTERS).collect()
}
