//! What a VIN tells of a vehicle, from NHTSA's vPIC elements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Vin;
use super::make::{is_same_make, letters, make_name};
use crate::domain::text::is_hidden;

/// NHTSA's numbers of the elements that are told (`VariableId` in its answers).
pub mod element {
    #![expect(missing_docs, reason = "the names are those of the fields")]

    pub const BODY_CLASS: u8 = 5;
    pub const ENGINE_CYLINDERS: u8 = 9;
    pub const DISPLACEMENT_L: u8 = 13;
    pub const DOORS: u8 = 14;
    pub const DRIVE_TYPE: u8 = 15;
    pub const FUEL_TYPE: u8 = 24;
    pub const GVWR: u8 = 25;
    pub const MAKE: u8 = 26;
    pub const MANUFACTURER: u8 = 27;
    pub const MODEL: u8 = 28;
    pub const MODEL_YEAR: u8 = 29;
    pub const PLANT_CITY: u8 = 31;
    pub const SERIES: u8 = 34;
    pub const TRANSMISSION: u8 = 37;
    pub const TRIM: u8 = 38;
    pub const VEHICLE_TYPE: u8 = 39;
    pub const ENGINE_HP: u8 = 71;
    pub const PLANT_COUNTRY: u8 = 75;
}

/// The longest text taken over; NHTSA's own are shorter.
const TEXT_MAX_CHARACTERS: usize = 200;

/// Who said what a VIN means.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Source {
    /// NHTSA, asked just now.
    Nhtsa,
    /// NHTSA's data inside the program.
    Offline,
    /// NHTSA, asked in the last 7 days.
    Cache,
}

/// What a VIN tells of a vehicle. What is not known is absent.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct DecodedVin {
    /// The vehicle identification number, 17 characters, e.g. "1HGCM82633A004352".
    #[schemars(with = "String")]
    pub vin: Vin,
    /// Make as people write it, e.g. "Honda", "BMW" or "Mercedes-Benz".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model, e.g. "Accord".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Model year, e.g. 2003; the vehicle may have been built in the year before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i64>,
    /// Trim level, e.g. "EX".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<String>,
    /// Series within the model, e.g. "F-Series".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Body class, e.g. "Sedan/Saloon" or "Pickup".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_class: Option<String>,
    /// Kind of vehicle, in capitals, e.g. "PASSENGER CAR", "TRUCK" or "MOTORCYCLE".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle_type: Option<String>,
    /// The company that built it, e.g. "HONDA OF AMERICA MFG., INC.".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Country it was built in, e.g. "UNITED STATES (USA)".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant_country: Option<String>,
    /// City it was built in, e.g. "MARYSVILLE".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant_city: Option<String>,
    /// Driven wheels, e.g. "4WD/4-Wheel Drive/4x4".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drive_type: Option<String>,
    /// Main fuel, e.g. "Gasoline", "Diesel" or "Electric".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_type: Option<String>,
    /// How many cylinders the engine has, e.g. 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_cylinders: Option<i64>,
    /// Engine displacement in liters, e.g. 3.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_displacement_l: Option<f64>,
    /// Engine power in horsepower, e.g. 240; where NHTSA gives a range, its lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_hp: Option<f64>,
    /// Kind of transmission, e.g. "Automatic" or "Manual/Standard".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmission: Option<String>,
    /// How many doors it has, e.g. 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doors: Option<i64>,
    /// Gross vehicle weight rating class, e.g. "Class 1C: 4,001 - 5,000 lb (1,814 - 2,268 kg)";
    /// where NHTSA gives a range of classes, its lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gvwr: Option<String>,
}

impl DecodedVin {
    /// What NHTSA's vPIC says of a VIN; `None` if it knows no make.
    ///
    /// `value` gives the value of a vPIC element by its number: names change. Empty values and
    /// `Not Applicable` count as unknown, and so do numbers that cannot be.
    pub fn from_elements<'a>(vin: Vin, value: impl Fn(u8) -> Option<&'a str>) -> Option<Self> {
        let known = |number| value(number).map(str::trim).filter(|text| is_known(text));
        let text = |number| known(number).map(clean).filter(|text| !text.is_empty());
        let whole = |number| known(number).and_then(|text| text.parse::<i64>().ok());
        let decimal = |number| known(number).and_then(positive);
        let make = make_name(&text(element::MAKE)?);
        Some(Self {
            vin,
            make: Some(make),
            model: text(element::MODEL),
            year: whole(element::MODEL_YEAR).filter(|year| (1900..=2100).contains(year)),
            trim: text(element::TRIM),
            series: text(element::SERIES),
            body_class: text(element::BODY_CLASS),
            vehicle_type: text(element::VEHICLE_TYPE),
            manufacturer: text(element::MANUFACTURER),
            plant_country: text(element::PLANT_COUNTRY),
            plant_city: text(element::PLANT_CITY),
            drive_type: text(element::DRIVE_TYPE),
            fuel_type: text(element::FUEL_TYPE),
            engine_cylinders: whole(element::ENGINE_CYLINDERS).filter(|n| (1..=99).contains(n)),
            engine_displacement_l: decimal(element::DISPLACEMENT_L).map(to_thousandths),
            engine_hp: decimal(element::ENGINE_HP),
            transmission: text(element::TRANSMISSION),
            doors: whole(element::DOORS).filter(|doors| (1..=99).contains(doors)),
            gvwr: text(element::GVWR),
        })
    }
}

impl DecodedVin {
    /// Which of the year and the make that were told contradict the VIN. What is unknown, told or
    /// decoded, contradicts nothing.
    pub fn contradicted(&self, year: Option<i64>, make: Option<&str>) -> Vec<&'static str> {
        let wrong_year = year.zip(self.year).is_some_and(|(told, decoded)| told != decoded);
        let wrong_make = make
            .zip(self.make.as_deref())
            .is_some_and(|(told, decoded)| !is_same_make(told, decoded));
        let fields = [("year", wrong_year), ("make", wrong_make)];
        fields.into_iter().filter(|&(_, is_wrong)| is_wrong).map(|(field, _)| field).collect()
    }

    /// Whether this is known to be of that year, make and model, however they are written.
    pub fn is_a(&self, year: i64, make: &str, model: &str) -> bool {
        self.year == Some(year)
            && self.make.as_deref().is_some_and(|decoded| is_same_make(make, decoded))
            && self.model.as_deref().is_some_and(|decoded| letters(model) == letters(decoded))
    }
}

/// Whether NHTSA says something here.
fn is_known(text: &str) -> bool {
    !text.is_empty() && !text.eq_ignore_ascii_case("Not Applicable")
}

/// The text on one line, without hidden characters and not too long to be said.
fn clean(text: &str) -> String {
    let text = text.replace(is_hidden, "");
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ").chars().take(TEXT_MAX_CHARACTERS).collect()
}

/// A measure above nought.
fn positive(number: &str) -> Option<f64> {
    number.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0)
}

/// Liters to the cubic centimeter: NHTSA converts from cubic inches and gives ten digits.
fn to_thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(elements: &[(u8, &str)]) -> Option<DecodedVin> {
        let vin = "1HGCM82633A004352".parse().expect("a VIN");
        DecodedVin::from_elements(vin, |number| {
            elements.iter().find(|(known, _)| *known == number).map(|(_, value)| *value)
        })
    }

    #[track_caller]
    fn check(elements: &[(u8, &str)], expected: &str) {
        let json = decoded(elements).map(|decoded| serde_json::to_string(&decoded).expect("JSON"));
        assert_eq!(json.as_deref(), Some(expected));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let expected = r#"{"vin":"1HGCM82633A004352","make":"Honda"}"#;
        check(&[(element::MAKE, "HONDA")], expected);
        check(
            &[(element::MAKE, "HONDA"), (element::MODEL, ""), (element::TRIM, "Not Applicable")],
            expected,
        );
        check(
            &[(element::MAKE, "HONDA"), (element::MODEL_YEAR, "20O3"), (element::DOORS, "0")],
            expected,
        );
        check(
            &[
                (element::MAKE, "HONDA"),
                (element::DISPLACEMENT_L, "NaN"),
                (element::MODEL_YEAR, "9"),
            ],
            expected,
        );
    }

    #[test]
    fn without_a_make_nothing_is_decoded() {
        assert_eq!(decoded(&[]), None);
        assert_eq!(decoded(&[(element::MAKE, " "), (element::MODEL, "Accord")]), None);
        assert_eq!(decoded(&[(element::MAKE, "\u{1}"), (element::MODEL, "Accord")]), None);
    }

    #[test]
    fn texts_are_one_clean_line_and_liters_are_rounded() {
        check(
            &[
                (element::MAKE, "HONDA"),
                (element::VEHICLE_TYPE, "TRUCK "),
                (element::DISPLACEMENT_L, "2.997765302"),
            ],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","vehicle_type":"TRUCK","engine_displacement_l":2.998}"#,
        );
        check(
            &[(element::MAKE, "HONDA"), (element::MODEL, "Civic\n\tSi\u{0}")],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","model":"Civic Si"}"#,
        );
    }

    #[test]
    fn another_year_or_make_contradicts_the_vin() {
        let elements =
            [(element::MAKE, "HONDA"), (element::MODEL, "Accord"), (element::MODEL_YEAR, "2003")];
        let honda = decoded(&elements).expect("a vehicle");
        assert_eq!(honda.contradicted(None, None), [""; 0]);
        assert_eq!(honda.contradicted(Some(2003), Some("honda")), [""; 0]);
        assert_eq!(honda.contradicted(Some(1999), Some("Ford")), ["year", "make"]);
        assert!(honda.is_a(2003, "HONDA", "accord"));
        assert!(!honda.is_a(2003, "Honda", "Civic"));
        let unknown = decoded(&[(element::MAKE, "HONDA")]).expect("a vehicle");
        assert_eq!(unknown.contradicted(Some(1999), Some("Honda")), [""; 0]);
        assert!(!unknown.is_a(1999, "Honda", "Accord"));
    }

    #[test]
    fn characters_that_hide_or_reorder_text_are_dropped() {
        check(
            &[
                (element::MAKE, "HO\u{202E}NDA"),
                (element::MODEL, "\u{2066}Accord\u{2069}"),
                (element::TRIM, "\u{202A}"),
            ],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","model":"Accord"}"#,
        );
        assert_eq!(decoded(&[(element::MAKE, "\u{2067}\u{2069}")]), None);
    }

    #[test]
    fn a_decoded_vin_reads_back_as_it_was_written() {
        let before = decoded(&[
            (element::MAKE, "HONDA"),
            (element::MODEL_YEAR, "2003"),
            (element::DOORS, "4"),
        ]);
        let json = serde_json::to_string(&before).expect("JSON");
        assert_eq!(serde_json::from_str::<Option<DecodedVin>>(&json).expect("JSON"), before);
    }
}
