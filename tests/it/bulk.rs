//! Cancelling and moving many visits at once.

use chrono::{Days, NaiveDate, Weekday};
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, ids, next_clock_change, next_weekday, out, visit, with, without};
use crate::reply::Reply;
use crate::shop::{Database, Shop};

/// The seven visits of an hour that fill a weekday.
const FULL_DAY: [&str; 7] = ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00"];

fn cancelling(from: NaiveDate, to: NaiveDate) -> Value {
    json!({ "action": "cancel", "from": from.to_string(), "to": to.to_string(),
            "reason": "the roof leaks", "dry_run": false })
}

fn shifting(from: NaiveDate, to: NaiveDate, shift_days: i64) -> Value {
    json!({ "action": "reschedule", "from": from.to_string(), "to": to.to_string(),
            "shift_days": shift_days, "dry_run": false })
}

async fn bulk(shop: &Shop, arguments: &Value) -> Reply {
    shop.call("bulk_update_appointments", arguments.clone()).await
}

/// The starts of the visits that still occupy a bay, by the visits' numbers.
async fn starts(shop: &Shop) -> Vec<(i64, String)> {
    let open = json!({ "status": "scheduled", "limit": 100 });
    let reply = shop.call("search_appointments", open).await;
    let rows = reply.success()["appointments"].as_array().unwrap();
    let start = |row: &Value| row["scheduled_at"].as_str().unwrap().to_owned();
    let mut starts: Vec<_> =
        rows.iter().map(|row| (row["appointment_id"].as_i64().unwrap(), start(row))).collect();
    starts.sort();
    starts
}

/// What a reply says besides whether it was a rehearsal, and when.
fn outcome(reply: &Reply) -> Value {
    without(without(reply.success().clone(), "now"), "dry_run")
}

#[rstest]
#[tokio::test]
async fn all_visits_of_a_time_are_cancelled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (mon, tue) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    let mut booked = Vec::new();
    for (day, time) in [(mon, "09:00"), (mon, "16:00"), (tue, "09:00"), (tue, "16:00")] {
        booked.push(shop.appointment(shop.owner().await, &at(day, time)).await);
    }
    let confirmed = json!({ "appointment_id": booked[0], "status": "confirmed" });
    shop.call("update_appointment_status", confirmed).await.success();
    let begun = json!({ "appointment_id": booked[1], "status": "in_progress" });
    shop.call("update_appointment_status", begun).await.success();
    let reply = bulk(&shop, &cancelling(mon, mon)).await;
    let data = reply.success();
    assert_eq!((&data["matched"], &data["changed"]), (&json!(1), &json!(1)));
    assert_eq!(data["appointment_ids"], json!([booked[0]]));
    assert_eq!(data["failed"], json!([]));
    assert_eq!(data["dry_run"], false);
    let rows = shop.call("search_appointments", json!({ "status": "cancelled" })).await;
    assert_eq!(ids(rows.success(), "appointments"), [booked[0]]);
    assert_eq!(rows.success()["appointments"][0]["cancellation_reason"], "the roof leaks");
    shop.appointment(shop.owner().await, &at(mon, "09:00")).await;
    let again = bulk(&shop, &cancelling(tue, tue)).await;
    assert_eq!(again.success()["appointment_ids"], json!(booked[2..]));
    let none = bulk(&shop, &cancelling(tue, tue)).await;
    assert_eq!(none.success()["matched"], 0);
}

#[rstest]
#[tokio::test]
async fn a_dry_run_changes_nothing_and_predicts_the_real_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let friday = next_weekday(Weekday::Fri, 1);
    let (thursday, saturday) = (friday.pred_opt().unwrap(), friday.succ_opt().unwrap());
    let closed = format!("[[closures]]\ndate = \"{}\"\n", thursday.pred_opt().unwrap());
    let shop = Shop::open(database).await.with_config(&closed);
    for time in FULL_DAY {
        shop.appointment(shop.owner().await, &at(friday, time)).await;
    }
    for (day, time) in [(thursday, "09:30"), (saturday, "13:30"), (saturday, "09:00")] {
        shop.appointment(shop.owner().await, &at(day, time)).await;
    }
    shop.call("hold_slot", data::hold(&at(saturday, "11:00"))).await.success();
    // Forward, Saturday's visits are in the way, and it closes at three; back, Thursday's is.
    for arguments in [
        shifting(friday, friday, 1),
        shifting(thursday, friday, -1),
        cancelling(saturday, saturday),
    ] {
        let dry = without(arguments.clone(), "dry_run");
        let before = starts(&shop).await;
        let rehearsed = bulk(&shop, &dry).await;
        assert_eq!(rehearsed.success()["dry_run"], true);
        assert_eq!(starts(&shop).await, before, "nothing was changed");
        let done = bulk(&shop, &arguments).await;
        assert_eq!(outcome(&rehearsed), outcome(&done), "{arguments}");
        assert_eq!(done.success()["dry_run"], false);
        let failed = ids(done.success(), "failed");
        let all = done.success()["matched"].as_u64().unwrap();
        let changed = done.success()["changed"].as_u64().unwrap();
        assert_eq!(all, changed + failed.len() as u64, "{arguments}");
        let after = starts(&shop).await;
        assert!(before.iter().filter(|(id, _)| failed.contains(id)).all(|row| after.contains(row)));
        assert!(changed > 0, "{arguments}: {}", done.envelope);
    }
}

#[rstest]
#[case::forward(1)]
#[case::back(-1)]
#[tokio::test]
async fn a_full_week_makes_room_for_itself(
    #[case] shift_days: i64,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[hours]\nsunday = \"09:00-17:00\"\nsaturday = \"09:00-17:00\"\n";
    let shop = Shop::open(database).await.with_config(config);
    let monday = next_weekday(Weekday::Mon, 2);
    let mut expected = Vec::new();
    for day in (0..7).map(|ahead| monday + Days::new(ahead)) {
        for time in FULL_DAY {
            let id = shop.appointment(shop.owner().await, &at(day, time)).await;
            let new_day = day.checked_add_signed(chrono::TimeDelta::days(shift_days)).unwrap();
            expected.push((id, out(new_day, time)));
        }
    }
    let sunday = monday + Days::new(6);
    let reply = bulk(&shop, &shifting(monday, sunday, shift_days)).await;
    assert_eq!(reply.success()["changed"], 49, "{}", reply.envelope);
    let soonest_first: Vec<i64> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(reply.success()["appointment_ids"], json!(soonest_first));
    assert_eq!(starts(&shop).await, expected);
}

#[rstest]
#[tokio::test]
async fn what_cannot_move_says_why_and_stays(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (sat, mon) = (next_weekday(Weekday::Sat, 1), next_weekday(Weekday::Sat, 1) + Days::new(2));
    let on_saturday = shop.appointment(shop.owner().await, &at(sat, "09:00")).await;
    let in_the_way = shop.appointment(shop.owner().await, &at(mon, "09:30")).await;
    for (shift_days, code) in [
        (1, "outside_business_hours"),
        (2, "slot_unavailable"),
        (-60, "in_the_past"),
        (365, "slot_unavailable"),
    ] {
        let reply = bulk(&shop, &shifting(sat, sat, shift_days)).await;
        let data = reply.success();
        assert_eq!((&data["matched"], &data["changed"]), (&json!(1), &json!(0)), "{shift_days}");
        assert_eq!(data["appointment_ids"], json!([]));
        let item = &data["failed"][0];
        assert_eq!(item["appointment_id"], on_saturday);
        assert_eq!(item["code"], code, "{item}");
        assert!(!item["error"].as_str().unwrap().is_empty());
        assert!(item["when"].is_string());
        let expected = [(on_saturday, out(sat, "09:00")), (in_the_way, out(mon, "09:30"))];
        assert_eq!(starts(&shop).await, expected);
    }
}

#[rstest]
#[tokio::test]
async fn what_has_begun_by_the_clock_stays(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id =
        shop.appointment(shop.owner().await, &at(next_weekday(Weekday::Mon, 1), "09:00")).await;
    let start = chrono::Utc::now().timestamp() - 60;
    let sql = format!(
        "update appointments set starts_at = {start}, ends_at = {start} + 3600, \
         reserved_until = {start} + 3600"
    );
    shop.execute_sql(&sql).await.unwrap();
    let yesterday = data::today() - Days::new(1);
    for arguments in [
        cancelling(yesterday, next_weekday(Weekday::Mon, 2)),
        shifting(yesterday, next_weekday(Weekday::Mon, 2), 7),
    ] {
        assert_eq!(bulk(&shop, &arguments).await.success()["matched"], 0);
    }
    assert_eq!(starts(&shop).await[0].0, id);
}

#[rstest]
#[tokio::test]
async fn only_visits_for_the_service_are_changed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (mon, owner) = (next_weekday(Weekday::Mon, 1), shop.owner().await);
    shop.appointment(owner, &at(mon, "09:00")).await;
    let repair = with(visit(owner, &at(mon, "10:00")), "service_type", "repair");
    let id = shop.call("book_appointment", repair).await.success()["appointment_id"].clone();
    for arguments in [shifting(mon, mon, 1), cancelling(mon, mon + Days::new(1))] {
        let reply = bulk(&shop, &with(arguments, "service_type", "repair")).await;
        assert_eq!(reply.success()["appointment_ids"], json!([id]));
    }
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn the_time_of_day_stays_over_a_change_of_the_clocks(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[hours]\nsaturday = \"00:00-17:00\"\nsunday = \"00:00-06:00\"\n\
                  [booking]\nhorizon_days = 400\n";
    let shop = Shop::open(database).await.with_config(config);
    let (spring, autumn) = (next_clock_change(3), next_clock_change(11));
    let sunday = spring.max(autumn);
    let friday = sunday - Days::new(2);
    let id = shop.appointment(shop.owner().await, &at(friday, "10:00")).await;
    let reply = bulk(&shop, &shifting(friday, friday, 7)).await;
    assert_eq!(reply.success()["changed"], 1, "{}", reply.envelope);
    assert_eq!(starts(&shop).await, [(id, out(friday + Days::new(7), "10:00"))]);
    let saturday = spring - Days::new(1);
    if saturday > data::today() {
        let skipped = shop.appointment(shop.owner().await, &at(saturday, "02:30")).await;
        let reply = bulk(&shop, &shifting(saturday, saturday, 1)).await;
        let item = &reply.success()["failed"][0];
        assert_eq!(
            (&item["appointment_id"], &item["code"]),
            (&json!(skipped), &json!("invalid_argument"))
        );
    }
}

#[rstest]
#[tokio::test]
async fn what_is_missing_or_contradictory_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (mon, tue) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    shop.appointment(shop.owner().await, &at(mon, "09:00")).await;
    for arguments in [
        without(cancelling(mon, mon), "reason"),
        with(cancelling(mon, mon), "reason", " "),
        with(cancelling(mon, mon), "shift_days", 1),
        without(shifting(mon, mon, 1), "shift_days"),
        shifting(mon, mon, 0),
        shifting(mon, mon, 366),
        shifting(mon, mon, -366),
        cancelling(tue, mon),
        without(cancelling(mon, mon), "from"),
        without(cancelling(mon, mon), "to"),
        without(cancelling(mon, mon), "action"),
        with(cancelling(mon, mon), "action", "complete"),
        with(cancelling(mon, mon), "from", "someday"),
        with(cancelling(mon, mon), "service_type", "car_wash"),
    ] {
        let reply = bulk(&shop, &arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
    assert_eq!(starts(&shop).await.len(), 1);
}
