//! Facts of NHTSA's data, one or two for each rule. An update of the data may change what NHTSA says
//! of a vehicle; then these say which.

use proptest::prelude::*;

use super::*;

static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vpic.bin"));

/// November 25, 2026.
const NOW: Timestamp = Timestamp(1_795_564_800);

fn vpic() -> Vpic<'static> {
    Vpic::embedded(DATA).expect("vPIC data")
}

fn decode(vin: &str, model_year: Option<i32>) -> Decoded<'static> {
    vpic().decode(&VinText::new(vin), model_year, NOW)
}

#[track_caller]
fn check(vin: &str, model_year: Option<i32>, expected: &[(&str, &str)]) {
    let decoded = decode(vin, model_year);
    for (code, value) in expected {
        let (_, found) = decoded.elements().find(|(known, _)| known == code).expect("an element");
        let found = found.first().map(|value| value.to_string()).unwrap_or_default();
        assert_eq!(found, *value, "{vin} {code}");
    }
}

#[test]
fn a_car_tells_what_it_is() {
    check(
        "1LNFM75X31N902123",
        None,
        &[
            ("Make", "MERCURY"),
            ("Model", "Grand Marquis"),
            ("ModelYear", "2001"),
            ("VehicleType", "PASSENGER CAR"),
            ("Manufacturer", "FORD MOTOR COMPANY"),
            ("BodyClass", "Sedan/Saloon"),
            ("Doors", "4"),
            ("PlantCity", "NORFOLK"),
            ("ErrorCode", "0"),
            ("VehicleDescriptor", "1LNFM75X*1N"),
        ],
    );
}

#[test]
fn a_vehicle_with_a_letter_at_position_7_is_of_2010_or_later() {
    check(
        "W1N0G8EE3NS161123",
        None,
        &[
            ("Make", "MERCEDES-BENZ"),
            ("Model", "GLC-Class"),
            ("ModelYear", "2022"),
            ("ErrorCode", "0"),
        ],
    );
}

#[test]
fn specifications_add_what_the_patterns_leave_out() {
    check("W1N0G8EE3NS161123", None, &[("ABS", "Standard"), ("ESC", "Standard")]);
}

#[test]
fn a_formula_reads_a_number_from_the_vin() {
    check(
        "1J9BG8950P1471012",
        None,
        &[
            ("Axles", "5"),
            ("TrailerLength", "89"),
            ("Make", "J&E CUSTOM UTILITY TRAILERS LLC"),
            ("VehicleType", "TRAILER"),
            ("ErrorCode", "0"),
        ],
    );
}

#[test]
fn an_engine_model_implies_what_it_is_known_for() {
    check(
        "1B9E1BA61AH708012",
        None,
        &[
            ("EngineModel", "ISB"),
            ("DisplacementL", "6"),
            ("DisplacementCC", "6000"),
            ("DisplacementCI", "366.1424645683"),
            ("FuelTypePrimary", "Diesel"),
            ("EngineManufacturer", "CUMMINS"),
            ("ModelYear", "2010"),
        ],
    );
}

#[test]
fn cubic_inches_are_converted() {
    check(
        "46GBC1821V3428123",
        None,
        &[
            ("DisplacementCI", "504.5"),
            ("DisplacementCC", "8267.2737880"),
            ("DisplacementL", "8.3"),
        ],
    );
}

#[test]
fn cubic_centimeters_are_converted() {
    check(
        "LZPTCBP3743011123",
        None,
        &[
            ("DisplacementCC", "50"),
            ("DisplacementCI", "3.051187204"),
            ("DisplacementL", "0.050000"),
            ("Make", "CHINA BAOTIAN MOTORCYCLE"),
            ("ModelYear", "2004"),
        ],
    );
}

#[test]
fn a_small_maker_is_known_by_six_characters() {
    check(
        "1B9RR288XWP819012",
        None,
        &[
            ("Make", "BRIANS CHOPPERS"),
            ("Manufacturer", "BRIANS CHOPPERS"),
            ("ModelYear", "2028"),
            ("VehicleType", "MOTORCYCLE"),
            ("VehicleDescriptor", "1B9RR288*WP819"),
        ],
    );
}

#[test]
fn what_does_not_drive_on_roads_is_told() {
    check(
        "1F9B65GB9WC616012",
        None,
        &[("ErrorCode", "0,10"), ("BodyClass", "Off-road Vehicle - Golf Cart")],
    );
}

#[test]
fn a_glider_is_told() {
    check("1FU724Y97XR720123", None, &[("ErrorCode", "0,9"), ("BodyClass", "Incomplete - Glider")]);
}

#[test]
fn one_possible_character_is_put_in_its_place() {
    check(
        "1A9B81337DS604012",
        None,
        &[
            ("ErrorCode", "2,14"),
            ("SuggestedVIN", "1A9BE1337DS604012"),
            ("PossibleValues", "(5:E)"),
        ],
    );
}

#[test]
fn of_several_characters_the_one_that_fits_the_check_digit_is() {
    check(
        "3A9M5KP19TM050012",
        None,
        &[
            ("ErrorCode", "3,14"),
            ("SuggestedVIN", "3A9M5BP19TM050012"),
            ("PossibleValues", "(6:B)"),
        ],
    );
}

#[test]
fn several_possible_characters_are_listed() {
    check(
        "4T9BV3W60RC055012",
        None,
        &[
            ("ErrorCode", "4,14"),
            ("SuggestedVIN", "4T9B!3W60RC055012"),
            ("PossibleValues", "(5:BT)"),
        ],
    );
}

#[test]
fn several_positions_in_error_are_marked() {
    check(
        "1L9BLPD27NM640012",
        None,
        &[
            ("ErrorCode", "5,14"),
            ("SuggestedVIN", "1L9!!PD27NM640012"),
            ("PossibleValues", "(4:L)(5:BFG)"),
        ],
    );
}

#[test]
fn unused_positions_are_told() {
    check(
        "4F2CU7333BY124123",
        None,
        &[("ErrorCode", "0,14"), ("AdditionalErrorText", "Unused position(s): 5,6,7,8,11.")],
    );
}

#[test]
fn a_vin_in_part_is_decoded_as_far_as_it_goes() {
    check(
        "1LNFM75X*1N",
        None,
        &[
            ("Make", "MERCURY"),
            ("Model", "Grand Marquis"),
            ("ModelYear", "2001"),
            ("ErrorCode", "6"),
            ("ErrorText", "6 - Incomplete VIN"),
        ],
    );
}

#[test]
fn an_unknown_manufacturer_is_told() {
    check("000BM75X81N902123", None, &[("Make", ""), ("ModelYear", ""), ("ErrorCode", "1,7")]);
}

#[test]
fn nothing_known_but_the_manufacturer_is_told() {
    check("LLJSWG683AR159123", None, &[("ErrorCode", "8"), ("Make", "")]);
}

#[test]
fn a_position_10_that_means_no_year_is_told() {
    check(
        "4S9S3JE070A397012",
        None,
        &[
            ("ErrorCode", "1,11,400"),
            ("ModelYear", ""),
            ("SuggestedVIN", "4S9S3JE07!A397012"),
            ("AdditionalErrorText", "Invalid character(s): 10:0."),
        ],
    );
}

#[test]
fn a_letter_in_the_serial_number_is_told() {
    check(
        "7HMFA7394LM43V123",
        None,
        &[
            ("ErrorCode", "1,400"),
            ("SuggestedVIN", "7HMFA7394LM43!123"),
            (
                "AdditionalErrorText",
                "Invalid character(s): 14:V. The Model Year decoded for this VIN may be incorrect. If you know the Model year, please enter it and decode again to get more accurate information.",
            ),
        ],
    );
}

#[test]
fn a_wrong_check_digit_is_told() {
    check(
        "1LNFM75X21N902123",
        None,
        &[("ErrorCode", "1"), ("Make", "MERCURY"), ("SuggestedVIN", "")],
    );
}

#[test]
fn defaults_fill_in_what_a_type_of_vehicle_does_not_have() {
    check(
        "1LNFM75X31N902123",
        None,
        &[
            ("TrailerType", "Not Applicable"),
            ("BusType", "Not Applicable"),
            ("CustomMotorcycleType", "Not Applicable"),
        ],
    );
}

#[test]
fn a_model_year_that_the_caller_tells_is_tried() {
    check("1J9BG8950P1471012", Some(1993), &[("ModelYear", "2023"), ("ErrorCode", "0,12")]);
}

#[test]
fn another_model_year_than_the_caller_tells_is_warned_of() {
    check("1LNFM75X31N902123", Some(2015), &[("ModelYear", "2001"), ("ErrorCode", "0,12")]);
}

#[test]
fn a_descriptor_has_the_year_that_nhtsa_fixed() {
    // By position 7 and 10 it would be of 2008.
    check("KNDJH741885123123", None, &[("ModelYear", "2009")]);
}

#[test]
fn a_vehicle_without_the_right_check_digit_may_be_excused() {
    let excused = "1C9FA3229R1257455";
    check(excused, None, &[("ErrorCode", "0")]);
    assert!(decode(excused, None).is_excused());
    assert!(!decode("1C9FA3229R1257465", None).is_excused());
}

#[test]
fn where_two_model_years_are_possible_the_other_one_is_told() {
    let trailer = decode("1J9BG8950P1471012", None);
    assert_eq!((trailer.year(), trailer.other_year()), (Some(2023), Some(1993)));
    let car = decode("1LNFM75X31N902123", None);
    assert_eq!((car.year(), car.other_year()), (Some(2001), None));
}

#[test]
fn an_element_that_keeps_all_its_values_has_them_all() {
    let decoded = decode("1FTMW1T85MFA00123", None);
    let (_, notes) = decoded.elements().find(|(code, _)| *code == "Note").expect("an element");
    assert!(notes.len() > 1, "{notes:?}");
}

#[test]
fn every_public_element_is_told_and_no_other() {
    let decoded = decode("", None);
    let codes: Vec<&str> = decoded.elements().map(|(code, _)| code).collect();
    assert!(codes.len() > 130, "{}", codes.len());
    assert!(codes.iter().all(|code| !code.is_empty() && !code.starts_with("NCSA")), "{codes:?}");
    assert!(["Make", "ErrorCode", "GVWR_to"].iter().all(|code| codes.contains(code)), "{codes:?}");
}

fn decode_all_of_it(vpic: Vpic<'_>, vin: &str, model_year: Option<i32>) -> usize {
    let decoded = vpic.decode(&VinText::new(vin), model_year, NOW);
    decoded.elements().map(|(code, values)| code.len() + values.len()).sum()
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,24}", year in proptest::option::of(0..3000)) {
        decode_all_of_it(vpic(), &text, year);
    }

    #[test]
    fn no_vin_of_a_known_maker_makes_it_panic(
        index in 0..13_000_usize,
        rest in "[0-9A-Z*!#|\\[\\]-]{14}",
        length in 3..=17_usize,
    ) {
        let code = vpic().wmis.slice(index * 28..index * 28 + 6);
        let code = str::from_utf8(code).expect("a code").trim_end();
        let mut vin = format!("{}{rest}", &code[..3]);
        if let Some(end) = code.get(3..) {
            vin.replace_range(11..14, if end.is_empty() { "A12" } else { end });
        }
        decode_all_of_it(vpic(), &vin[..length], None);
    }

    #[test]
    fn data_that_lies_about_itself_decodes_to_something(
        // The head, which says where everything is, as often as all the rest.
        near in proptest::collection::vec((40..2_000_usize, any::<u8>()), 0..20),
        far in proptest::collection::vec((40..DATA.len(), any::<u8>()), 0..50),
    ) {
        let mut bytes = DATA.to_vec();
        for (place, value) in near.into_iter().chain(far) {
            bytes[place] = value;
        }
        if let Ok(vpic) = Vpic::embedded(&bytes) {
            for vin in ["1LNFM75X31N902123", "1J9BG8950P1471012", "W1N0G8EE3NS161123"] {
                decode_all_of_it(vpic, vin, None);
            }
        }
    }
}
