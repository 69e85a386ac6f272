//! The shapes in which CRMs describe a customer.

use serde_json::json;

use super::*;
use crate::domain::money::Currency;

const CONTEXT: Context<'_> = Context {
    service: "CRM",
    region: "US",
    currency: Currency::USD,
    zone: chrono_tz::UTC,
    now: Timestamp(1_800_000_000),
};

#[track_caller]
fn read(answer: &Value) -> CrmCustomer {
    let read = CrmCustomer::read(answer, Asked::Id("C-1"), CONTEXT);
    read.expect("a usable answer").expect("a customer")
}

fn sentences(said: &CrmCustomer) -> Vec<String> {
    said.warnings.clone().into_sentences()
}

/// A record as the CRM of the original design answers it.
fn ann() -> Value {
    json!({
        "id": "C-1", "customer_id": "C-1", "email": "ann@example.com", "name": "Ann Lee",
        "status": "active", "tier": "premium", "created_at": "2023-01-15T10:00:00Z",
        "last_contact": "2024-01-10T14:30:00Z", "lifetime_value": 15000.50, "open_tickets": 2,
        "satisfaction_score": 4.5, "preferences": {"language": "en", "gone": null},
    })
}

#[test]
fn a_whole_record_is_read() {
    let said = read(&ann());
    assert_eq!(said.name, Some(Name::Whole("Ann Lee".to_owned())));
    assert_eq!(said.email.as_deref(), Some("ann@example.com"));
    assert_eq!(said.account_status, Some(AccountStatus::Active));
    assert_eq!(said.tier.as_deref(), Some("premium"));
    assert_eq!(said.created_at, Some(Timestamp(1_673_776_800)));
    assert_eq!(said.lifetime_value_minor, Some(1_500_050));
    assert_eq!(said.open_tickets, Some(2));
    assert_eq!(said.satisfaction_score, Some(4.5));
    assert_eq!(said.preferences, json!({"language": "en"}).as_object().cloned());
    assert_eq!(sentences(&said), Vec::<String>::new());
}

#[test]
fn other_names_and_types_of_fields_are_understood() {
    let said = read(&json!({"data": {"customer": {
        "customer_id": "C-1", "full_name": "Lee, Ann", "phone": "(202) 555-0123",
        "account_status": "Suspended", "lifetime_value": "99.95", "open_tickets": "3.0",
        "satisfaction": "4", "created": 1_673_776_800_000_i64,
    }}}));
    assert_eq!(said.name.as_ref().map(|name| name.split(None)), Some(("Ann".into(), "Lee".into())));
    assert_eq!(said.phone_number.as_ref().map(PhoneNumber::as_str), Some("+12025550123"));
    assert_eq!(said.account_status, Some(AccountStatus::Blocked));
    assert_eq!(said.lifetime_value_minor, Some(9_995));
    assert_eq!(said.open_tickets, Some(3));
    assert_eq!(said.satisfaction_score, Some(4.0));
    assert_eq!(said.created_at, Some(Timestamp(1_673_776_800)));
    let said =
        read(&json!({"id": "C-1", "first_name": "Ann", "last_name": "Lee", "name": "A. L."}));
    assert_eq!(said.name, Some(Name::Parts { first: "Ann".into(), last: "Lee".into() }));
    for (last, expected) in [
        (json!(null), Name::Parts { first: "Ann".into(), last: String::new() }),
        (json!(""), Name::Parts { first: "Ann".into(), last: String::new() }),
        (json!(["Lee"]), Name::First("Ann".into())),
    ] {
        let said = read(&json!({"id": "C-1", "first_name": "Ann", "last_name": last}));
        assert_eq!(said.name, Some(expected));
    }
    let said = read(&json!({"id": "C-1", "first_name": "Ann"}));
    assert_eq!(said.name, Some(Name::First("Ann".into())));
}

#[test]
fn an_id_may_be_a_number() {
    let answer = json!({"id": 17, "name": "Ann Lee"});
    let said = CrmCustomer::read(&answer, Asked::Id("17"), CONTEXT).unwrap().unwrap();
    assert_eq!(said.crm_id, "17");
}

#[test]
fn what_is_of_no_use_is_left_out_with_a_warning() {
    let said = read(&json!({
        "id": "C-1", "name": "A\u{202E}nn", "email": "nobody", "phone": "12", "status": "vip",
        "tier": ["gold"], "created_at": "2199-01-01", "last_contact": "soon",
        "lifetime_value": 1.005, "open_tickets": -1, "satisfaction_score": 11,
        "preferences": {"": 1}, "notes": "a\u{0}b",
    }));
    let nothing = CrmCustomer {
        crm_id: "C-1".to_owned(),
        name: None,
        email: None,
        has_no_email: false,
        phone_number: None,
        account_status: None,
        tier: None,
        created_at: None,
        last_contact: None,
        lifetime_value_minor: None,
        open_tickets: None,
        satisfaction_score: None,
        preferences: None,
        notes: None,
        warnings: said.warnings.clone(),
    };
    assert_eq!(said, nothing);
    let warnings = sentences(&said);
    assert_eq!(warnings.len(), 11, "{warnings:#?}");
    let email =
        "The CRM's email is not an e-mail address; write it as name@example.com; it was left out.";
    assert!(warnings.iter().any(|warning| warning == email), "{warnings:#?}");
}

#[test]
fn an_answer_about_somebody_else_is_refused() {
    let read = |asked| CrmCustomer::read(&ann(), asked, CONTEXT);
    assert_eq!(read(Asked::Id("C-2")), Err(Unusable::Another));
    assert_eq!(read(Asked::Email("bob@example.com")), Err(Unusable::Another));
    assert!(read(Asked::Email("Ann@Example.com")).is_ok());
    // Whose address it is has to be said.
    let answer = json!({"id": "C-7", "name": "Eve"});
    let read = CrmCustomer::read(&answer, Asked::Email("ann@example.com"), CONTEXT);
    assert_eq!(read, Err(Unusable::Another));
}

#[test]
fn answers_without_a_customer_are_told_apart() {
    let read = |answer: Value| CrmCustomer::read(&answer, Asked::Id("C-1"), CONTEXT);
    for nobody in [json!({"customers": []}), json!({"found": false}), json!({"customer": null})] {
        assert_eq!(read(nobody.clone()), Ok(None), "{nobody}");
    }
    for nonsense in [json!({"status": "ok"}), json!("C-1"), json!({"id": true}), json!({"id": ""})]
    {
        assert!(read(nonsense.clone()).is_err(), "{nonsense}");
    }
}

#[test]
fn a_name_parts_where_the_known_one_does() {
    let name = Name::Whole("Mary Ann Lee".to_owned());
    let parts = |known| name.split(known);
    assert_eq!(parts(None), ("Mary".into(), "Ann Lee".into()));
    assert_eq!(parts(Some(("Mary Ann", "Lee"))), ("Mary Ann".into(), "Lee".into()));
    assert_eq!(parts(Some(("Bob", "Lee"))), ("Mary".into(), "Ann Lee".into()));
    let first = Name::First("Ann".to_owned());
    assert_eq!(first.split(Some(("Anna", "Lee"))), ("Ann".into(), "Lee".into()));
    assert_eq!(first.split(None), ("Ann".into(), String::new()));
    assert_eq!(Name::Whole("Cher".to_owned()).split(None), ("Cher".into(), String::new()));
}
