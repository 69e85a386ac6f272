//! The settings of the shop's calendar.

use super::{SECRET, check, check_round_trip, check_secret, loaded};
use crate::config::{CalDavSettings, CalendarSettings, GoogleKey, Secret};

#[test]
fn nothing_is_connected_unless_it_is_set() {
    assert_eq!(loaded("", &[]).calendar, CalendarSettings::default());
    // Other programs know that file, too.
    let credentials = [("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")];
    assert!(!loaded("", &credentials).calendar.is_connected());
    check_round_trip("", &credentials);
    check_round_trip(
        "[caldav]\nurl = \"https://dav.example/shop\"\n[calendar]\nbusy_ttl = 7\n\
         [google]\nbusy_calendars = [\"a@b.example\", \"c\"]",
        &[],
    );
}

#[test]
fn a_caldav_calendar_is_an_address_and_who_may_change_it() {
    let password = format!("{SECRET} with spaces");
    let env = [
        ("CALDAV_URL", "https://dav.example/shop/"),
        ("CALDAV_USERNAME", "ann"),
        ("CALDAV_PASSWORD", password.as_str()),
    ];
    let config = loaded("", &env);
    let expected = CalDavSettings {
        url: Some("https://dav.example/shop".to_owned()),
        username: Some("ann".to_owned()),
        password: Some(Secret::new(&password)),
    };
    assert_eq!(config.calendar.caldav, expected);
    for text in [format!("{config:?}"), config.describe()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    let without = "CALDAV_USERNAME is of no use without CALDAV_PASSWORD; set that too";
    check("", &env[..2], without);
    let without = "CALDAV_PASSWORD is of no use without CALDAV_USERNAME; set that too";
    check("", &[env[0], env[2]], without);
    check_secret(&format!("[caldav]\npassword = \"{SECRET}\""), &[]);
    check_secret("", &[("CALDAV_URL", &format!("https://ann:{SECRET}@dav.example"))]);
}

#[test]
fn a_calendar_of_googles_needs_its_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.json");
    let key = format!(
        "{{\"type\": \"service_account\", \"client_email\": \"a@b.example\", \
          \"private_key\": \"{SECRET}\"}}"
    );
    std::fs::write(&path, key).expect("a file");
    let path = path.to_str().expect("a path");
    let env = [("GOOGLE_CALENDAR_ID", "shop@b.example"), ("GOOGLE_APPLICATION_CREDENTIALS", path)];
    let config = loaded("", &env);
    let expected = GoogleKey::ServiceAccount {
        client_email: "a@b.example".to_owned(),
        private_key: Secret::new(SECRET),
        token_url: "https://oauth2.googleapis.com/token".to_owned(),
    };
    assert_eq!(config.calendar.google.key, Some(expected));
    for text in [format!("{config:?}"), config.describe()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    check(
        "",
        &env[..1],
        "GOOGLE_CALENDAR_ID needs GOOGLE_APPLICATION_CREDENTIALS; set it to the file of a service \
         account",
    );
    check(
        "",
        &[env[0], env[1], ("CALDAV_URL", "https://dav.example")],
        "GOOGLE_CALENDAR_ID and CALDAV_URL are both set; keep one of them",
    );
    std::fs::write(path, SECRET).expect("a file");
    check_secret("", &env);
}
