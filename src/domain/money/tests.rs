use proptest::prelude::*;

use super::*;

const ALL: (i64, i64) = (-MAX_MINOR, MAX_MINOR);

fn number(text: &str) -> Number {
    serde_json::from_str(text).expect("a number")
}

#[track_caller]
fn check(minor: i64, currency: Currency, json: &str, spoken: &str) {
    let money = Money { minor, currency };
    assert_eq!(serde_json::to_string(&money).expect("a number"), json);
    assert_eq!(money.spoken(), spoken);
    assert_eq!(Money::read(&number(json), currency, ALL), Ok(money), "it reads as it was written");
}

#[test]
fn an_amount_reads_in_major_units() {
    check(14_995, Currency::USD, "149.95", "149.95 USD");
    check(0, Currency::USD, "0.0", "0.00 USD");
    check(-5, Currency::EUR, "-0.05", "-0.05 EUR");
    check(1_000, Currency::JPY, "1000", "1000 JPY");
    check(1_234, Currency::KWD, "1.234", "1.234 KWD");
    check(MAX_MINOR, Currency::USD, "9999999999999.99", "9999999999999.99 USD");
    check(MAX_MINOR, Currency::KWD, "999999999999.999", "999999999999.999 KWD");
}

#[track_caller]
fn check_read(text: &str, currency: Currency, expected: Result<i64, &str>) {
    let read = Money::read(&number(text), currency, (1, 1_000_000));
    let read = read.map(|money| money.minor).map_err(|wrong| wrong.to_string());
    assert_eq!(read, expected.map_err(str::to_owned), "{text}");
}

#[test]
fn a_number_is_read_by_its_text() {
    check_read("0.29", Currency::USD, Ok(29));
    check_read("1.10", Currency::USD, Ok(110));
    check_read("100.000", Currency::USD, Ok(10_000));
    check_read("5", Currency::USD, Ok(500));
    check_read("1.5e1", Currency::USD, Ok(1_500));
    check_read("5.0", Currency::JPY, Ok(5));
    check_read("0.001", Currency::KWD, Ok(1));
}

#[test]
fn what_is_no_amount_is_refused() {
    let precise = |digits: u32, code: &str, found: &str| {
        format!("must have at most {digits} digits after the point in {code}; this is {found}")
    };
    for text in ["0.295", "0.30000000000000004", "1e-7", "1e-300"] {
        check_read(text, Currency::USD, Err(&precise(2, "USD", &number(text).to_string())));
    }
    check_read("0.5", Currency::JPY, Err(&precise(0, "JPY", "0.5")));
    for text in ["0", "-1", "10000.01", "1e21", "1e300", "9223372036854775807"] {
        let expected = format!("must be from 0.01 to 10000.00; this is {}", number(text));
        check_read(text, Currency::USD, Err(&expected));
    }
}

#[test]
fn a_line_is_rounded_half_away_from_zero() {
    let check = |milli, price, expected| {
        let unit_price = Money { minor: price, currency: Currency::USD };
        assert_eq!(Quantity(milli).times(unit_price).minor, expected, "{milli} × {price}");
    };
    check(1_500, 9_999, 14_999);
    check(500, 1, 1);
    check(499, 1, 0);
    check(500, -1, -1);
    check(1_000, 12_345, 12_345);
    check(MAX_QUANTITY_MILLI, MAX_PRICE_MINOR, 1_000_000_000_000_000);
}

#[test]
fn a_quantity_has_three_digits_at_most() {
    let read = |text: &str| Quantity::read(&number(text)).map_err(|wrong| wrong.to_string());
    assert_eq!(read("1.5"), Ok(Quantity(1_500)));
    assert_eq!(read("2"), Ok(Quantity(2_000)));
    for (text, expected) in [
        ("0.0001", "must have at most 3 digits after the point; this is 0.0001"),
        ("0", "must be from 0.001 to 100000.000; this is 0"),
        ("-1", "must be from 0.001 to 100000.000; this is -1"),
        ("100000.001", "must be from 0.001 to 100000.000; this is 100000.001"),
    ] {
        assert_eq!(read(text), Err(expected.to_owned()));
    }
    let json = |milli| serde_json::to_string(&Quantity(milli)).expect("a number");
    assert_eq!([json(1_500), json(2_000), json(1)], ["1.5", "2", "0.001"]);
}

proptest! {
    #[test]
    fn every_amount_reads_back_as_it_was_written(
        minor in -MAX_MINOR..=MAX_MINOR,
        currency in prop::sample::select(vec![Currency::USD, Currency::JPY, Currency::KWD]),
    ) {
        let money = Money { minor, currency };
        let json = serde_json::to_string(&money).expect("a number");
        prop_assert_eq!(Money::read(&number(&json), currency, ALL), Ok(money));
        let decimals = json.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        prop_assert!(decimals <= digits(currency) as usize, "{}", json);
        let (amount, code) = (money.spoken(), currency.code());
        let spoken = number(amount.strip_suffix(code).expect("the code").trim_end());
        prop_assert_eq!(Money::read(&spoken, currency, ALL), Ok(money));
    }

    #[test]
    fn a_line_is_never_further_from_the_product_than_half_a_unit(
        milli in 1..=MAX_QUANTITY_MILLI,
        price in -MAX_PRICE_MINOR..=MAX_PRICE_MINOR,
    ) {
        let amount = Quantity(milli).times(Money { minor: price, currency: Currency::USD });
        let exact = i128::from(milli) * i128::from(price);
        let error = i128::from(amount.minor) * 1_000 - exact;
        prop_assert!(error.abs() <= 500);
        // On the half, it goes away from zero.
        prop_assert!(error.abs() < 500 || error.signum() == exact.signum());
        let mirrored = Quantity(milli).times(Money { minor: -price, currency: Currency::USD });
        prop_assert_eq!(mirrored.minor, -amount.minor);
    }

    #[test]
    fn a_sum_is_exact_or_none(minors in prop::collection::vec(-MAX_MINOR..=MAX_MINOR, 0..20)) {
        let amounts = minors.iter().map(|&minor| Money { minor, currency: Currency::USD });
        let exact: i128 = minors.iter().map(|&minor| i128::from(minor)).sum();
        match sum(amounts) {
            Some(sum) => prop_assert_eq!(i128::from(sum), exact),
            None => prop_assert!(exact.abs() > i128::from(MAX_MINOR)),
        }
    }
}
