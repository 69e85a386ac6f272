//! The feed of visits to come, for shops without a calendar server.

use rstest::rstest;
use serde_json::json;

use super::{hour, property, utc_hour};
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn the_feed_has_every_visit_to_come(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let owner = shop.owner().await;
    for hours in 0..5 {
        shop.appointment(owner, &hour(hours)).await;
    }
    let cancelled = shop.appointment(owner, &hour(5)).await;
    let reason = json!({"appointment_id": cancelled, "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    let feed = async |target: &str| {
        let mut command = shop.command();
        let output = command.args(["calendar", "--ics", target]).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = feed("-").await;
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    let events: Vec<&str> = text.split("BEGIN:VEVENT").skip(1).collect();
    let starts: Vec<&str> = events.iter().map(|event| property(event, "DTSTART")).collect();
    assert_eq!(starts, (0..5).map(utc_hour).collect::<Vec<_>>());
    let mut names: Vec<&str> = events.iter().map(|event| property(event, "UID")).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 5);

    let file = shop.folder().join("visits.ics");
    assert_eq!(feed(file.to_str().unwrap()).await, "");
    let written = std::fs::read_to_string(&file).unwrap();
    let uids = |text: &str| text.lines().filter(|line| line.starts_with("UID")).count();
    assert_eq!(uids(&written), 5);
    for name in names {
        assert!(written.contains(name), "{name} is the same each time");
    }
    let lost = shop.folder().join("nowhere").join("visits.ics");
    let output = shop.command().args(["calendar", "--ics", lost.to_str().unwrap()]).output().await;
    assert_eq!(output.unwrap().status.code(), Some(2));
}
