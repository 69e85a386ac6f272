//! What a VIN tells of a vehicle, from NHTSA's vPIC elements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Vin;
use super::make::{is_same_make, letters, make_name};
use crate::domain::text::is_direction_control;

/// The longest text taken over; NHTSA's own are shorter.
const TEXT_MAX_CHARACTERS: usize = 200;

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
    /// `value` gives the value of a vPIC element by its name, such as `Model Year`. Elements that
    /// were renamed are looked for under both names. Empty values and `Not Applicable` count as
    /// unknown, and so do numbers that cannot be.
    pub fn from_elements<'a>(
        vin: Vin,
        value: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Option<Self> {
        let known = |name| value(name).map(str::trim).filter(|text| is_known(text));
        let text = |name| known(name).map(clean).filter(|text| !text.is_empty());
        let whole = |name| known(name).and_then(|number| number.parse::<i64>().ok());
        let decimal = |name| known(name).and_then(positive);
        let make = make_name(&text("Make")?);
        Some(Self {
            vin,
            make: Some(make),
            model: text("Model"),
            year: whole("Model Year").filter(|year| (1900..=2100).contains(year)),
            trim: text("Trim"),
            series: text("Series"),
            body_class: text("Body Class"),
            vehicle_type: text("Vehicle Type"),
            manufacturer: text("Manufacturer Name"),
            plant_country: text("Plant Country"),
            plant_city: text("Plant City"),
            drive_type: text("Drive Type"),
            fuel_type: text("Fuel Type - Primary"),
            engine_cylinders: whole("Engine Number of Cylinders").filter(|n| (1..=99).contains(n)),
            engine_displacement_l: decimal("Displacement (L)").map(to_thousandths),
            engine_hp: decimal("Engine Brake (hp) From").or_else(|| decimal("Engine Brake (hp)")),
            transmission: text("Transmission Style"),
            doors: whole("Doors").filter(|doors| (1..=99).contains(doors)),
            gvwr: text("Gross Vehicle Weight Rating From")
                .or_else(|| text("Gross Vehicle Weight Rating")),
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
    let text = text.replace(is_direction_control, "");
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

    fn decoded(elements: &[(&str, &str)]) -> Option<DecodedVin> {
        let vin = "1HGCM82633A004352".parse().expect("a VIN");
        DecodedVin::from_elements(vin, |name| {
            elements.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        })
    }

    #[track_caller]
    fn check(elements: &[(&str, &str)], expected: &str) {
        let json = decoded(elements).map(|decoded| serde_json::to_string(&decoded).expect("JSON"));
        assert_eq!(json.as_deref(), Some(expected));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let expected = r#"{"vin":"1HGCM82633A004352","make":"Honda"}"#;
        check(&[("Make", "HONDA")], expected);
        check(&[("Make", "HONDA"), ("Model", ""), ("Trim", "Not Applicable")], expected);
        check(&[("Make", "HONDA"), ("Model Year", "20O3"), ("Doors", "0")], expected);
        check(&[("Make", "HONDA"), ("Displacement (L)", "NaN"), ("Model Year", "9")], expected);
    }

    #[test]
    fn without_a_make_nothing_is_decoded() {
        assert_eq!(decoded(&[]), None);
        assert_eq!(decoded(&[("Make", " "), ("Model", "Accord")]), None);
        assert_eq!(decoded(&[("Make", "\u{1}"), ("Model", "Accord")]), None);
    }

    #[test]
    fn elements_are_read_by_their_new_and_old_names() {
        let new = [
            ("Make", "HONDA"),
            ("Engine Brake (hp) From", "240"),
            ("Gross Vehicle Weight Rating From", "Class 1C"),
        ];
        let old = [
            ("Make", "HONDA"),
            ("Engine Brake (hp)", "240"),
            ("Gross Vehicle Weight Rating", "Class 1C"),
        ];
        let expected =
            r#"{"vin":"1HGCM82633A004352","make":"Honda","engine_hp":240.0,"gvwr":"Class 1C"}"#;
        check(&new, expected);
        check(&old, expected);
    }

    #[test]
    fn texts_are_one_clean_line_and_liters_are_rounded() {
        check(
            &[("Make", "HONDA"), ("Vehicle Type", "TRUCK "), ("Displacement (L)", "2.997765302")],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","vehicle_type":"TRUCK","engine_displacement_l":2.998}"#,
        );
        check(
            &[("Make", "HONDA"), ("Model", "Civic\n\tSi\u{0}")],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","model":"Civic Si"}"#,
        );
    }

    #[test]
    fn another_year_or_make_contradicts_the_vin() {
        let elements = [("Make", "HONDA"), ("Model", "Accord"), ("Model Year", "2003")];
        let honda = decoded(&elements).expect("a vehicle");
        assert_eq!(honda.contradicted(None, None), [""; 0]);
        assert_eq!(honda.contradicted(Some(2003), Some("honda")), [""; 0]);
        assert_eq!(honda.contradicted(Some(1999), Some("Ford")), ["year", "make"]);
        assert!(honda.is_a(2003, "HONDA", "accord"));
        assert!(!honda.is_a(2003, "Honda", "Civic"));
        let unknown = decoded(&[("Make", "HONDA")]).expect("a vehicle");
        assert_eq!(unknown.contradicted(Some(1999), Some("Honda")), [""; 0]);
        assert!(!unknown.is_a(1999, "Honda", "Accord"));
    }

    #[test]
    fn characters_that_hide_or_reorder_text_are_dropped() {
        check(
            &[("Make", "HO\u{202E}NDA"), ("Model", "\u{2066}Accord\u{2069}"), ("Trim", "\u{202A}")],
            r#"{"vin":"1HGCM82633A004352","make":"Honda","model":"Accord"}"#,
        );
        assert_eq!(decoded(&[("Make", "\u{2067}\u{2069}")]), None);
    }

    #[test]
    fn a_decoded_vin_reads_back_as_it_was_written() {
        let before = decoded(&[("Make", "HONDA"), ("Model Year", "2003"), ("Doors", "4")]);
        let json = serde_json::to_string(&before).expect("JSON");
        assert_eq!(serde_json::from_str::<Option<DecodedVin>>(&json).expect("JSON"), before);
    }
}
