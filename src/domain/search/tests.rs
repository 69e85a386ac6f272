use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::domain::text::InvalidText;

/// Maria José García-O'Brien, with a plate and a phone number.
fn maria() -> Record {
    let mut record = Record::default();
    record.add_name("Maria José", "García-O'Brien");
    record.add_email("Maria.Garcia42@Example.com");
    record.add_phone("+12025550123");
    record.add_plate("ABC-1234");
    record
}

fn named(first: &str, last: &str) -> Record {
    let mut record = Record::default();
    record.add_name(first, last);
    record
}

#[track_caller]
fn check(query: &str, record: &Record, expected: bool) {
    let query = Query::parse(query, "US").expect(query);
    assert_eq!(query.finds(record), expected, "{query:?} {record:?}");
}

#[test]
fn a_plate_in_pieces_is_a_plate() {
    for (query, is_plate) in [
        ("ab c 12 34", true),
        ("A B C 1 2 3 4", true),
        ("A B C - 1 2 3 4", true),
        ("ab c12 34", true),
        // Might be a name and the end of a phone number.
        ("abc 1234", false),
        ("abc 12 34", false),
        ("ABC - 1234", false),
        ("abc1234", false),
        ("ab c 12", false),
        ("ab c 12 345", false),
        ("maria 0123", false),
        ("maria garcia", false),
        ("12 34", false),
        ("maria garcia 0123", false),
    ] {
        let query = Query::parse(query, "US").unwrap();
        let finds = query.as_plate().is_some_and(|plate| plate.finds(&maria()));
        assert_eq!(finds, is_plate, "{query:?}");
    }
}

#[test]
fn any_part_is_found_whatever_its_accents_and_case() {
    let parts = [
        "maria",
        "MARIA",
        "María",
        "garcia",
        "García",
        "jose",
        "arc",
        "a",
        "ia",
        "maria garcia",
        "garcia maria",
        "obrien",
        "o'brien",
        "O’Brien",
        "o brien",
        "garcia-obrien",
        "mariajose",
        "mariajosegarcia",
        "garciaobrienmaria",
        "maria.garcia42@example.com",
        "GARCIA42@EXAM",
        "a.garcia4",
        "garcia42",
        "example.com",
        "@example",
        "maria 0123",
        "abc",
        "1234",
        "ABC1234",
        "abc 1234",
        "abc-1234",
        "a bc12 34",
        "c12",
        "ＭＡＲＩＡ",
        "maria & garcia",
    ];
    for part in parts {
        check(part, &maria(), true);
    }
    for part in [
        "ian",
        "iag",
        "marai",
        "garcia q",
        "mariagarcia@example.com",
        "42@example.org",
        "abc 1235",
        "jg",
    ] {
        check(part, &maria(), false);
    }
}

#[test]
fn a_phone_number_is_found_in_any_writing() {
    for number in [
        "(202) 555-0123",
        "202-555-0123",
        "+1 202 555 0123",
        "1 202 555 01 23",
        "2025550123",
        "0123",
        "555-0123",
        "202 555",
        "+1 (202) 555-0123",
        "202\u{2011}555\u{2011}0123",
        "011 1 202 555 0123",
    ] {
        check(number, &maria(), true);
    }
    for number in ["202 555 0132", "0123 555", "+44 202 555 0123", "555 2025550123"] {
        check(number, &maria(), false);
    }
    let mut record = Record::default();
    record.add_phone("+442079460958");
    for (number, region, expected) in [
        ("020 7946 0958", "GB", true),
        ("020 7946 09", "GB", true),
        ("+44 (0)20 7946 0958", "US", true),
        ("00 44 20 7946 0958", "GB", true),
        ("020 7946 0959", "GB", false),
    ] {
        let query = Query::parse(number, region).expect(number);
        assert_eq!(query.finds(&record), expected, "{number}");
    }
}

#[test]
fn names_of_all_kinds_are_found() {
    for (first, last, query) in [
        ("太郎", "山田", "山田"),
        ("太郎", "山田", "山田太郎"),
        ("明", "李", "李明"),
        ("민수", "김", "김민수"),
        ("Ó", "X", "o x"),
        ("Łukasz", "Żółć", "lukasz zolc"),
        ("Søren", "Đorđević", "soren dordevic"),
        ("Jürgen", "Groß", "jurgen gross"),
        ("Æsa", "Þórsdóttir", "aesa thorsdottir"),
        ("İpek", "Işık", "ipek isik"),
        ("Νίκος", "Παπαδόπουλος", "νικος παπαδοπουλοσ"),
        ("Вячеслав", "Йовович", "йович"),
        ("😀", "Smith", "😀"),
        ("❤️", "❤", "❤"),
        ("محمد", "علي", "محمد"),
        ("if\u{308}rah", "Ann", "ïfrah"),
    ] {
        let expected = query != "йович";
        check(query, &named(first, last), expected);
    }
}

#[test]
fn what_is_no_query_is_refused() {
    let parse = |query: &str| Query::parse(query, "US").map(drop);
    assert_eq!(parse("  "), Err(InvalidQuery::Text(InvalidText::Empty)));
    assert_eq!(parse("- ' ."), Err(InvalidQuery::NoLetters));
    assert_eq!(parse("a\u{202E}b"), Err(InvalidQuery::Text(InvalidText::Control('\u{202E}'))));
    assert_eq!(parse("a\0b"), Err(InvalidQuery::Text(InvalidText::Control('\0'))));
    assert_eq!(parse("a b c d e f g h i j"), Ok(()));
    assert_eq!(parse("a b c d e f g h i j k"), Err(InvalidQuery::TooManyWords(11)));
    assert!(parse(&"x".repeat(201)).is_err());
    assert!(parse(&"1".repeat(200)).is_ok());
}

#[test]
fn a_gram_is_its_characters() {
    let mut grams = Vec::new();
    named("Ab", "\u{1F600}").each_gram(|gram| grams.push(gram.to_text()));
    grams.sort();
    grams.dedup();
    assert_eq!(grams, ["a", "ab", "ab\u{1F600}", "b", "\u{1F600}", "\u{1F600}a", "\u{1F600}ab"]);
}

fn grams_of(record: &Record) -> HashSet<Gram> {
    let mut grams = HashSet::new();
    record.each_gram(|gram| {
        grams.insert(gram);
    });
    grams
}

/// Words of few letters, so that queries find something.
fn word() -> impl Strategy<Value = String> {
    "[abÄé1' .-]{1,6}|[太郎山田]{1,3}"
}

prop_compose! {
    fn record()(
        names in prop::collection::vec((word(), word()), 1..3),
        emails in prop::collection::vec("[abé1.-]{1,5}@[ab]{1,2}\\.com", 0..2),
        phones in prop::collection::vec("\\+1[12]{2,6}", 0..2),
        plates in prop::collection::vec("[AB12 -]{1,7}", 0..3),
    ) -> Record {
        let mut record = Record::default();
        names.iter().for_each(|(first, last)| record.add_name(first, last));
        emails.iter().for_each(|email| record.add_email(email));
        phones.iter().for_each(|phone| record.add_phone(phone));
        plates.iter().for_each(|plate| record.add_plate(plate));
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_grams_lead_to_every_record_that_is_found(
        record in record(),
        query in "[abé1'@.]{1,4}( [ab12.-]{1,4})?|[太郎山田]{1,4}|[12]{1,8}",
        most in 1_usize..14,
    ) {
        let query = Query::parse(&query, "US").ok();
        let queries = query.iter().chain(query.as_ref().and_then(Query::as_plate));
        for query in queries.filter(|query| query.finds(&record)) {
            let grams = grams_of(&record);
            let leads = |reading: &Reading| reading.grams(most).iter().all(|gram| grams.contains(gram));
            prop_assert!(query.readings().iter().any(leads));
        }
    }

    #[test]
    fn whatever_stands_in_a_record_is_found(first in "\\PC{1,12}", last in "\\PC{1,12}") {
        let record = named(&first, &last);
        for part in [&first, &last, &format!("{first} {last}"), &format!("{last} {first}")] {
            // What has an @ is read as a part of an e-mail address.
            if let Ok(query) = Query::parse(part, "US")
                && !fold(part).contains('@')
            {
                prop_assert!(query.finds(&record), "{query:?} {record:?}");
            }
        }
    }
}
