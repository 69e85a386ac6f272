use proptest::prelude::*;

use super::*;

fn vin(text: &str) -> Vin {
    text.parse().expect("a VIN")
}

#[track_caller]
fn check(text: &str, expected: Result<&str, InvalidVin>) {
    assert_eq!(text.parse::<Vin>(), expected.map(vin), "{text:?}");
}

#[track_caller]
fn check_character(text: &str, character: char, position: usize, likely: Option<&str>) {
    check(text, Err(InvalidVin::Character { character, position, likely: likely.map(vin) }));
}

#[test]
fn spaces_and_hyphens_are_dropped_and_letters_are_upper_cased() {
    check("1hgcm82633a004352", Ok("1HGCM82633A004352"));
    check(" 1HG-CM826 33A 004352\n", Ok("1HGCM82633A004352"));
    check("1HG\u{2013}CM826\u{a0}33A004352", Ok("1HGCM82633A004352"));
}

#[test]
fn seventeen_characters_are_needed() {
    check("", Err(InvalidVin::Length(0)));
    check("1HGCM82633A00435", Err(InvalidVin::Length(16)));
    check("1HGCM82633A0043521", Err(InvalidVin::Length(18)));
    check("1HGCM82633Ä00435", Err(InvalidVin::Length(16)));
    check(&"🚗".repeat(1_000), Err(InvalidVin::Length(1_000)));
    assert_eq!(InvalidVin::Length(3).to_string(), "VIN must be exactly 17 characters");
}

#[test]
fn a_character_that_no_vin_has_is_named_with_its_position() {
    check_character("IHGCM82633A004352", 'I', 1, Some("1HGCM82633A004352"));
    check_character("1hgcm82633aoo4352", 'O', 12, Some("1HGCM82633A004352"));
    check_character("1HGCM82633AQ-0435I", 'Q', 12, Some("1HGCM82633A004351"));
    check_character("1HGCM82633A00435!", '!', 17, None);
    check_character("1HGCM82633AO0435!", 'O', 12, None);
    check_character("1HGCM82633Ä004352", 'Ä', 11, None);
    check_character("1HGCM82633ı004352", 'ı', 11, None);
    check_character("1HGCM82633\u{0}004352", '\0', 11, None);
}

#[test]
fn the_message_names_the_character_and_the_letters_that_never_occur() {
    let refused = "1HGCM82633AO04352".parse::<Vin>().expect_err("an O");
    assert_eq!(
        refused.to_string(),
        "VIN must have only digits and letters, and 'O' at position 12 is not allowed: the \
         letters I, O and Q never occur in a VIN"
    );
    assert_eq!(refused.likely_vin(), Some(vin("1HGCM82633A004352")));
    assert_eq!(InvalidVin::Length(3).likely_vin(), None);
}

#[track_caller]
fn check_digit(text: &str, expected: char) {
    assert_eq!(vin(text).expected_check_digit(), expected, "{text}");
}

#[test]
fn the_check_digit_follows_from_the_other_characters() {
    check_digit("1HGCM82633A004352", '3');
    check_digit("1M8GDM9AXKP042788", 'X');
    check_digit("11111111111111111", '1');
    check_digit("00000000000000000", '0');
    check_digit("5GZCZ43D13S812715", '1');
}

#[test]
fn a_wrong_check_digit_is_told_with_the_right_one() {
    assert!(vin("1HGCM82633A004352").check_digit_valid());
    assert_eq!(vin("1HGCM82633A004352").check_digit_warning(), None);
    assert!(!vin("1HGCM82673A004352").check_digit_valid());
    let warning = vin("1HGCM82673A004352").check_digit_warning().expect("a warning");
    assert!(warning.contains("position 9 is 7 and should be 3"), "{warning}");
}

#[track_caller]
fn check_model_year(text: &str, now_year: i32, expected: Option<i32>) {
    assert_eq!(vin(text).model_year(now_year), expected, "{text}");
}

#[test]
fn positions_7_and_10_tell_the_model_year() {
    // Position 7 is a digit: 1980 to 2009.
    check_model_year("1HGCM82633A004352", 2026, Some(2003));
    check_model_year("1HGCM8263AA004352", 2026, Some(1980));
    check_model_year("1HGCM8263YA004352", 2026, Some(2000));
    check_model_year("1HGCM82639A004352", 2026, Some(2009));
    // A letter: 2010 to 2039.
    check_model_year("1HGCM8A63AA004352", 2026, Some(2010));
    check_model_year("1HGCM8A63TA004352", 2026, Some(2026));
    // Two years ahead is the most that is sold.
    check_model_year("1HGCM8A63WA004352", 2026, Some(2028));
    check_model_year("1HGCM8A63XA004352", 2026, Some(1999));
    check_model_year("1HGCM8A635A004352", 2026, Some(2005));
    // Codes that are not used.
    for code in ['U', 'Z', '0'] {
        check_model_year(&format!("1HGCM8A63{code}A004352"), 2026, None);
    }
}

#[test]
fn a_vin_is_text_in_json() {
    let json = serde_json::to_string(&vin("1HGCM82633A004352")).expect("JSON");
    assert_eq!(json, r#""1HGCM82633A004352""#);
    assert_eq!(serde_json::from_str::<Vin>(&json).expect("a VIN"), vin("1HGCM82633A004352"));
    assert!(serde_json::from_str::<Vin>(r#""tacos""#).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        let _ = text.parse::<Vin>();
    }

    #[test]
    fn one_wrong_character_at_position_9_is_always_noticed(text in "[A-HJ-NPR-Z0-9]{17}") {
        let vin: Vin = text.parse().expect("a VIN");
        let mended = format!("{}{}{}", &text[..8], vin.expected_check_digit(), &text[9..]);
        prop_assert_eq!(vin.to_string(), text);
        prop_assert!(mended.parse::<Vin>().expect("a VIN").check_digit_valid());
    }
}
