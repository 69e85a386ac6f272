//! Scheduling settings that are wrong: the start stops with one line that says what to mend.

use rstest::rstest;

use crate::shop::{Database, Shop};

#[rstest]
#[case("[booking]\nbuffer_minutes = 481\n", &["buffer_minutes", "481", "480"])]
#[case("[booking]\nbuffer_minutes = -1\n", &["buffer_minutes", "-1", "0"])]
#[case("[services.oil_change]\nbuffer_minutes = \"long\"\n", &["oil_change", "buffer_minutes", "long", "480"])]
#[case("[services.car_wash]\nduration_minutes = 30\n", &["car_wash"])]
#[case("[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"closed\"\n", &["special_hours", "entry 1", "hours", "closed"])]
#[case("[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"12:00-09:00\"\n", &["special_hours", "12:00-09:00"])]
#[case("[[special_hours]]\ndate = \"2027-12-24\"\n", &["special_hours", "entry 1", "hours"])]
#[case("[[special_hours]]\ndate = \"2027-02-30\"\nhours = \"09:00-12:00\"\n", &["special_hours", "date", "2027-02-30"])]
#[case("[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"09:00-12:00\"\nlunch = \"noon\"\n", &["special_hours", "lunch", "noon"])]
#[case("[[special_hours]]\nfrom = \"2027-12-24\"\nto = \"2027-12-23\"\nhours = \"09:00-12:00\"\n", &["special_hours", "to", "2027-12-23"])]
#[case(
    "[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"09:00-12:00\"\n\
     [[closures]]\nfrom = \"2027-12-20\"\nto = \"2027-12-24\"\n",
    &["special_hours", "2027-12-24", "closures"]
)]
#[case(
    "[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"09:00-12:00\"\n\
     [[special_hours]]\nfrom = \"2027-12-23\"\nto = \"2027-12-25\"\nhours = \"09:00-11:00\"\n",
    &["special_hours", "entry 2", "2027-12-24", "entry 1"]
)]
#[case("[[technicians]]\nname = \"Kim\"\nservices = [\"washing\"]\n", &["technicians", "services", "washing", "oil_change"])]
#[case("[[technicians]]\nname = \"Kim\"\n[[technicians]]\nname = \"kim\"\n", &["technicians", "kim", "twice"])]
#[case("[[bays]]\nname = \"A\"\nservices = []\n", &["bays", "services", "oil_change"])]
#[case("[[bays]]\nservices = [\"repair\"]\n", &["bays", "entry 1", "name"])]
#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_one_line(#[case] toml: &str, #[case] told: &[&str]) {
    let shop = Shop::open(Database::Sqlite).await.with_config(toml);
    let output = shop.command().arg("serve").output().await.unwrap();
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    for word in told {
        assert!(line.contains(word), "{word} is missing: {line}");
    }
}

#[tokio::test]
async fn a_wrong_buffer_of_the_environment_is_named_by_its_variable() {
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop.with_env("SERVICES_OIL_CHANGE_BUFFER_MINUTES", "1.5");
    let output = shop.command().arg("serve").output().await.unwrap();
    assert!(!output.status.success());
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.contains("SERVICES_OIL_CHANGE_BUFFER_MINUTES") && line.contains("1.5"), "{line}");
}
