//! What staff block in the calendar.

use rstest::rstest;
use serde_json::{Value, json};

use super::{connect, connected, hour, tomorrow, until, utc_hour};
use crate::data;
use crate::radicale::Radicale;
use crate::shop::{Database, Shop};

/// The hours of tomorrow that can be booked for an hour.
pub(super) async fn free_hours(shop: &Shop) -> (Vec<i64>, Value) {
    let asked = json!({"date": tomorrow().to_string(), "duration_minutes": 60});
    let reply = shop.call("get_available_slots", asked).await;
    let data = reply.success().clone();
    let times = data::times(&data["available_slots"]);
    let full = times.iter().filter_map(|time| time.strip_suffix(":00"));
    (full.map(|hour| hour.parse().unwrap()).collect(), data)
}

pub(super) async fn until_free(shop: &Shop, expected: impl Fn(i64) -> bool) {
    let expected: Vec<i64> = (0..24).filter(|&hour| expected(hour)).collect();
    until("free hours", async || (free_hours(shop).await.0 == expected).then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn a_block_takes_the_time_away_until_it_goes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("SHOP_BAYS", "2").with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    let id = shop.appointment(owner, &hour(9)).await;
    until_free(&shop, |_| true).await;
    let block = [
        "UID:block".to_owned(),
        "SUMMARY:Closed for inventory".to_owned(),
        format!("DTSTART:{}", utc_hour(10)),
        format!("DTEND:{}", utc_hour(12)),
    ];
    radicale.put("block", &block.each_ref().map(String::as_str)).await;
    until_free(&shop, |hour| !(10..12).contains(&hour)).await;

    let half_past_nine = hour(9).replace(":00:00", ":30:00");
    let other = shop.owner().await;
    for (tool, arguments) in [
        ("book_appointment", data::visit(other, &hour(11))),
        ("book_appointment", data::visit(other, &half_past_nine)),
        ("hold_slot", data::hold(&hour(11))),
        ("reschedule_appointment", json!({"appointment_id": id, "new_datetime": hour(11)})),
    ] {
        let reply = shop.call(tool, arguments).await;
        assert_eq!(reply.refusal(), "slot_unavailable", "{tool}");
        assert!(reply.message().contains("blocked in the shop's calendar"), "{}", reply.message());
        let alternatives = reply.envelope["data"]["alternatives"].as_array().unwrap();
        assert_eq!(alternatives.len(), 5);
        let (from, to) = (hour(10), hour(12));
        for alternative in alternatives {
            let start = &alternative["scheduled_at"].as_str().unwrap()[..19];
            assert!(start <= from.as_str() && start != from || start >= to.as_str(), "{start}");
        }
    }
    radicale.delete("block").await;
    until_free(&shop, |_| true).await;
    shop.call("book_appointment", data::visit(other, &hour(11))).await.success();
}

#[rstest]
#[tokio::test]
async fn an_invitation_that_the_shop_has_declined_blocks_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let invited = |name: &str, hours, shop: &str, ann: &str| {
        [
            format!("UID:{name}"),
            "SUMMARY:Trade fair".to_owned(),
            "ORGANIZER:mailto:fair@fair.example".to_owned(),
            format!("ATTENDEE;CN=\"Shop: desk\";PARTSTAT={shop}:mailto:Shop@garage.example"),
            format!("ATTENDEE;PARTSTAT={ann}:mailto:ann@garage.example"),
            format!("DTSTART:{}", utc_hour(hours)),
            format!("DTEND:{}", utc_hour(hours + 1)),
        ]
    };
    for (name, hours, shop, ann) in
        [("declined", 8, "DECLINED", "ACCEPTED"), ("accepted", 10, "ACCEPTED", "DECLINED")]
    {
        let lines = invited(name, hours, shop, ann);
        radicale.put(name, &lines.each_ref().map(String::as_str)).await;
    }
    until_free(&shop, |hour| hour != 10).await;
    let owner = shop.owner().await;
    shop.call("book_appointment", data::visit(owner, &hour(8))).await.success();
}

#[rstest]
#[tokio::test]
async fn a_block_that_names_a_bay_or_a_technician_closes_no_more_than_that(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let radicale = Radicale::start().await;
    let toml = "[[bays]]\nname = \"North\"\n[[bays]]\nname = \"South\"\n\
                [[technicians]]\nname = \"Kim\"\n[[technicians]]\nname = \"Lee\"\n";
    let shop = connect(Shop::open_all_day(database, toml).await, &radicale)
        .with_env("CALENDAR_BUSY_TTL", "2");
    let at = |name: &str, title: &str, from, to| {
        [
            format!("UID:{name}"),
            format!("SUMMARY:{title}"),
            format!("DTSTART:{}", utc_hour(from)),
            format!("DTEND:{}", utc_hour(to)),
        ]
    };
    let north = at("a", "Lift of north is broken", 8, 10);
    radicale.put("a", &north.each_ref().map(String::as_str)).await;
    let kim = at("b", "Kim: dentist", 8, 10);
    radicale.put("b", &kim.each_ref().map(String::as_str)).await;
    let both = at("c", "north and South: painting", 12, 13);
    radicale.put("c", &both.each_ref().map(String::as_str)).await;
    until_free(&shop, |hour| hour != 12).await;
    let (one, other) = (shop.owner().await, shop.owner().await);
    let booked = shop.call("book_appointment", data::visit(one, &hour(8))).await;
    assert_eq!(booked.success()["bay"], "South");
    assert_eq!(booked.success()["technician"], "Lee");
    let refused = shop.call("book_appointment", data::visit(other, &hour(8))).await;
    assert_eq!(refused.refusal(), "slot_unavailable");
}

#[rstest]
#[tokio::test]
async fn days_repetitions_and_what_leaves_people_free_are_read_as_they_are_meant(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let day = |days: u64| (tomorrow() + chrono::Days::new(days)).format("%Y%m%d").to_string();
    let zone = super::zone();
    radicale
        .put(
            "free",
            &[
                "UID:free",
                "SUMMARY:Birthday of Ann",
                &format!("DTSTART;VALUE=DATE:{}", day(0)),
                "TRANSP:TRANSPARENT",
            ],
        )
        .await;
    radicale
        .put(
            "daily",
            &[
                "UID:daily",
                "SUMMARY:Stand-up",
                &format!("DTSTART;TZID={zone}:{}T080000", day(0)),
                &format!("DTEND;TZID={zone}:{}T090000", day(0)),
                "RRULE:FREQ=DAILY",
                &format!("EXDATE;TZID={zone}:{}T080000", day(2)),
            ],
        )
        .await;
    radicale
        .put(
            "holiday",
            &[
                "UID:holiday",
                "SUMMARY:Closed",
                &format!("DTSTART;VALUE=DATE:{}", day(3)),
                &format!("DTEND;VALUE=DATE:{}", day(5)),
            ],
        )
        .await;
    let asked = json!({"date": tomorrow().to_string(), "duration_minutes": 60, "days": 7});
    let read = async || {
        let reply = shop.call("get_available_slots", asked.clone()).await;
        let days = reply.success()["by_date"].as_array().unwrap().clone();
        let free = |day: &Value| {
            let times = data::times(&day["available_slots"]);
            (times.len(), times.contains(&"08:00".to_owned()))
        };
        days.iter().map(free).collect::<Vec<_>>()
    };
    // Every day has 48 starts, the last of them at 23:30 running into the next one.
    let expected = [(45, false), (45, false), (47, true), (0, false), (0, false), (45, false)];
    until("days", async || (read().await[..6] == expected).then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn while_the_calendar_is_down_what_was_known_counts_and_replies_say_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, mut radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "1");
    let block =
        ["UID:block".to_owned(), format!("DTSTART:{}", utc_hour(10)), "DURATION:PT2H".to_owned()];
    radicale.put("block", &block.each_ref().map(String::as_str)).await;
    until_free(&shop, |hour| !(10..12).contains(&hour)).await;
    assert!(free_hours(&shop).await.1.get("calendar_note").is_none());
    radicale.stop();
    let note = until("a note", async || {
        free_hours(&shop).await.1.get("calendar_note").map(|note| note.as_str().unwrap().to_owned())
    })
    .await;
    assert!(note.contains("was last read"), "{note}");
    // Another process knows it from the database, also without having reached the calendar.
    shop.restart().await;
    let (free, data) = free_hours(&shop).await;
    assert!(!free.contains(&10) && !free.contains(&11), "{free:?}");
    assert!(data["calendar_note"].is_string(), "{data}");
    let owner = shop.owner().await;
    let refused = shop.call("book_appointment", data::visit(owner, &hour(10))).await;
    assert_eq!(refused.refusal(), "slot_unavailable");
    assert!(refused.envelope["data"]["calendar_note"].is_string(), "{:#}", refused.envelope);
    let booked = shop.call("book_appointment", data::visit(owner, &hour(13))).await;
    assert!(booked.success()["calendar_note"].is_string());
    radicale.delete_when_back("block").await;
    until_free(&shop, |hour| hour != 13).await;
    assert!(free_hours(&shop).await.1.get("calendar_note").is_none());
}
