//! The settings that are lists.

use chrono::NaiveDate;
use rstest::rstest;

use super::{check, loaded, names};
use crate::domain::hours::{Closure, SpecialHours};

#[test]
fn a_closure_is_a_day_or_several() {
    let file = "[[closures]]\ndate = 2027-12-25\n\
                [[closures]]\nfrom = \"2028-01-01\"\nto = \"2028-01-03\"\nreason = \"New Year\"";
    let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
    let closure = |first, last, reason: &str| Closure {
        first: date(first),
        last: date(last),
        reason: reason.to_owned(),
    };
    let expected =
        [closure("2027-12-25", "2027-12-25", ""), closure("2028-01-01", "2028-01-03", "New Year")];
    assert_eq!(loaded(file, &[]).shop.hours.closures, expected);
}

#[test]
fn special_hours_are_those_of_a_day_or_of_several() {
    let file = "[[special_hours]]\ndate = 2027-12-24\nhours = \"09:00-12:00\"\n\
                lunch = \"none\"\nreason = \"Christmas Eve\"\n\
                [[special_hours]]\nfrom = 2027-07-01\nto = 2027-07-31\n\
                hours = \"8:00-20:00\"\nlunch = \"14:00-15:00\"\n\
                [[special_hours]]\ndate = 2027-06-30\nhours = \"08:00-20:00\"";
    let special = |first: &str, last: &str, hours: &str, lunch, reason: &str| SpecialHours {
        first: first.parse().expect("a date"),
        last: last.parse().expect("a date"),
        hours: hours.parse().expect("a span"),
        lunch,
        reason: reason.to_owned(),
    };
    let afternoon = "14:00-15:00".parse().ok();
    let expected = [
        special("2027-12-24", "2027-12-24", "09:00-12:00", Some(None), "Christmas Eve"),
        special("2027-07-01", "2027-07-31", "08:00-20:00", Some(afternoon), ""),
        special("2027-06-30", "2027-06-30", "08:00-20:00", None, ""),
    ];
    assert_eq!(loaded(file, &[]).shop.hours.special, expected);
}

#[rstest]
#[case("", "3", &["Bay 1", "Bay 2", "Bay 3"])]
#[case("", "North, South", &["North", "South"])]
#[case("[shop]\nbays = 2", "", &["Bay 1", "Bay 2"])]
#[case("[shop]\nbays = [\"Left, front\", \"7\"]", "", &["Left, front", "7"])]
#[case("[[bays]]\nname = \"North\"", "", &["North"])]
#[case("[[bays]]\nname = \"North\"", "2", &["Bay 1", "Bay 2"])]
fn bays_are_counted_or_named(#[case] file: &str, #[case] env: &str, #[case] expected: &[&str]) {
    assert_eq!(names(&loaded(file, &[("SHOP_BAYS", env)]).shop.bays), expected);
}

#[test]
fn bays_are_said_once() {
    let both = "[shop]\nbays = 2\n[[bays]]\nname = \"North\"";
    let line = "servicebay.toml: shop.bays and servicebay.toml: bays are both set; \
                keep one of them";
    check(both, &[], line);
    let env = [("SHOP_BAYS", "2"), ("BAYS", "[{ name = \"North\" }]")];
    check("", &env, "SHOP_BAYS and BAYS are both set; keep one of them");
    let in_file = loaded("[shop]\nbays = 2", &[("BAYS", "[{ name = \"North\" }]")]);
    assert_eq!(names(&in_file.shop.bays), ["North"]);
}
