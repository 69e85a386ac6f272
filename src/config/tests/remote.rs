//! The settings of the shop's own services.

use rstest::rstest;

use super::{SECRET, check, check_round_trip, check_secret, loaded};
use crate::config::{RemoteApi, Secret};

#[test]
fn each_service_has_settings_of_its_own() {
    let config = loaded(
        "[crm]\napi_endpoint = \"https://crm.example/v1/\"\ntimeout = 5\n\
         [billing]\nmax_retries = 0\n[inventory]\napi_endpoint = \"http://stock.example\"",
        &[("CRM_API_KEY", SECRET), ("CRM_MAX_RETRIES", "1"), ("INVENTORY_API_ENDPOINT", "")],
    );
    let crm = RemoteApi {
        api_endpoint: Some("https://crm.example/v1".to_owned()),
        api_key: Some(Secret::new(SECRET)),
        timeout_seconds: 5,
        max_retries: 1,
    };
    assert_eq!(config.crm, crm);
    assert_eq!(config.billing, RemoteApi { max_retries: 0, ..RemoteApi::default() });
    assert_eq!(config.inventory, RemoteApi::default());
}

#[test]
fn a_key_is_used_and_not_shown() {
    let config = loaded("", &[("BILLING_API_KEY", SECRET)]);
    for text in [format!("{config:?}"), format!("{config:#?}"), config.describe()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    let shown = "api_key = \"***\" # from BILLING_API_KEY\n";
    assert!(config.describe().contains(shown), "{}", config.describe());
}

#[test]
fn a_key_may_come_from_a_file_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{SECRET}\n")).expect("a file");
    let path = path.to_str().expect("text");
    let file = format!("[crm]\napi_key_file = {path:?}");
    for config in [loaded(&file, &[]), loaded("", &[("CRM_API_KEY_FILE", path)])] {
        assert_eq!(config.crm.api_key, Some(Secret::new(SECRET)));
        assert!(config.describe().contains("api_key = \"***\" # from "), "{}", config.describe());
    }
    let other = loaded(&file, &[("CRM_API_KEY", "other")]);
    assert_eq!(other.crm.api_key, Some(Secret::new("other")));
    let both = [("CRM_API_KEY", "other"), ("CRM_API_KEY_FILE", path)];
    check("", &both, "CRM_API_KEY and CRM_API_KEY_FILE are both set; keep one of them");
    std::fs::write(path, format!("{SECRET} {SECRET}")).expect("a file");
    check_secret("", &[("CRM_API_KEY_FILE", path)]);
}

#[test]
fn a_key_stays_out_of_the_file() {
    let line = "servicebay.toml: crm.api_key is a secret, which does not belong in this file; set \
                CRM_API_KEY in the environment instead, or name a file that holds it as \
                api_key_file";
    check(&format!("[crm]\napi_key = \"{SECRET}\""), &[], line);
}

#[rstest]
#[case("hunter2 hunter2")]
#[case("hunter2\thunter2")]
#[case("hünter2-hunter2")]
#[case("${hunter2}")]
fn no_refusal_tells_a_key(#[case] key: &str) {
    check_secret("", &[("CRM_API_KEY", key)]);
}

#[rstest]
#[case(
    "CRM_API_ENDPOINT",
    "crm.example",
    "is not an http or https address; leave it empty to never ask"
)]
#[case(
    "BILLING_API_ENDPOINT",
    "https://b.example/api#v1",
    "has more than a host and a path; write it without user, ? and #"
)]
#[case("CRM_TIMEOUT", "0", "is not a whole number from 1 to 60")]
#[case("INVENTORY_MAX_RETRIES", "11", "is not a whole number from 0 to 10")]
fn a_wrong_value_is_named(#[case] variable: &str, #[case] value: &str, #[case] problem: &str) {
    check("", &[(variable, value)], &format!("{variable} = \"{value}\" {problem}"));
}

#[test]
fn a_key_in_an_endpoint_is_refused_and_not_told() {
    check_secret("", &[("CRM_API_ENDPOINT", "https://ann:hunter2@crm.example")]);
    check_secret("", &[("CRM_API_ENDPOINT", "https://crm.example?key=hunter2")]);
}

#[test]
fn what_is_described_reads_back_as_the_same() {
    let endpoint = [("CRM_API_ENDPOINT", "https://crm.example/v1"), ("CRM_TIMEOUT", "60")];
    check_round_trip("[inventory]\nmax_retries = 10", &endpoint);
}
