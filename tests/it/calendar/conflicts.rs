//! What staff have made of visits' events.

use rstest::rstest;
use serde_json::{Value, json};

use super::{connected, events, hour, property, until, utc_hour};
use crate::radicale::Radicale;
use crate::shop::{Database, Shop};

async fn conflicts(shop: &Shop) -> Vec<Value> {
    let reply = shop.call("get_calendar_conflicts", json!({})).await;
    reply.success()["conflicts"].as_array().unwrap().clone()
}

async fn until_conflicts(shop: &Shop, count: usize) -> Vec<Value> {
    until("conflicts", async || {
        let conflicts = conflicts(shop).await;
        (conflicts.len() == count).then_some(conflicts)
    })
    .await
}

/// The names of the events, once they start at these hours of tomorrow.
async fn names<const N: usize>(radicale: &Radicale, hours: [i64; N]) -> [String; N] {
    until("events at these hours", async || {
        let events = radicale.events().await;
        let name = |hours: i64| {
            let at = |event: &&String| property(event, "DTSTART") == utc_hour(hours);
            let name = property(events.iter().find(at)?, "UID");
            Some(name.trim_end_matches("@servicebay").to_owned())
        };
        let names: Option<Vec<String>> = hours.into_iter().map(name).collect();
        names.filter(|_| events.len() == N)?.try_into().ok()
    })
    .await
}

/// Drags an event to another hour, as staff do.
async fn drag(radicale: &Radicale, name: &str, hours: i64) {
    let lines = [
        format!("UID:{name}@servicebay"),
        "SUMMARY:Moved by Ann".to_owned(),
        format!("DTSTART:{}", utc_hour(hours)),
        format!("DTEND:{}", utc_hour(hours + 1)),
    ];
    radicale.put(name, &lines.each_ref().map(String::as_str)).await;
}

#[rstest]
#[tokio::test]
async fn what_staff_move_and_delete_is_told_and_changes_no_appointment(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    let mut ids = Vec::new();
    for hours in [8, 10, 12] {
        ids.push(shop.appointment(owner, &hour(hours)).await);
    }
    let [first, second, _] = names(&radicale, [8, 10, 12]).await;
    until_conflicts(&shop, 0).await;
    drag(&radicale, &first, 14).await;
    radicale.delete(&second).await;
    let told = until_conflicts(&shop, 2).await;
    assert_eq!(told[0]["appointment_id"], ids[0]);
    assert_eq!(told[0]["kind"], "moved");
    assert_eq!(told[0]["calendar_event_id"], json!(first));
    assert!(told[0]["scheduled_at"].as_str().unwrap().starts_with(&hour(8)));
    assert!(told[0]["calendar_starts_at"].as_str().unwrap().starts_with(&hour(14)));
    assert_eq!(told[1]["appointment_id"], ids[1]);
    assert_eq!(told[1]["kind"], "deleted");
    let upcoming = shop.call("get_upcoming_appointments", crate::shop::by_id(owner.customer_id));
    let upcoming = upcoming.await;
    let starts: Vec<&str> = upcoming.success()["appointments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|visit| &visit["scheduled_at"].as_str().unwrap()[..19])
        .collect();
    assert_eq!(starts, [hour(8), hour(10), hour(12)]);

    // A change that does not move the visits leaves them where staff put them.
    for id in &ids[..2] {
        let status = json!({"appointment_id": id, "status": "confirmed"});
        shop.call("update_appointment_status", status).await.success();
    }
    let confirmed = async || {
        let events = radicale.events().await;
        let moved = events.iter().find(|event| property(event, "DTSTART") == utc_hour(14));
        (events.len() == 2 && moved?.contains("confirmed")).then_some(())
    };
    until("the moved event says that its visit is confirmed", confirmed).await;
    until_conflicts(&shop, 2).await;

    // The one move is accepted, and the other event is put back.
    let to = json!({"appointment_id": ids[0], "new_datetime": hour(14)});
    shop.call("reschedule_appointment", to).await.success();
    let stays = json!({"appointment_id": ids[1], "new_datetime": hour(10)});
    shop.call("reschedule_appointment", stays).await.success();
    until_conflicts(&shop, 0).await;
    names(&radicale, [14, 10, 12]).await;
}

#[rstest]
#[tokio::test]
async fn an_event_that_staff_call_off_is_told_as_deleted(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    let id = shop.appointment(owner, &hour(8)).await;
    let [name] = names(&radicale, [8]).await;
    until_conflicts(&shop, 0).await;
    let lines = [
        format!("UID:{name}@servicebay"),
        "STATUS:CANCELLED".to_owned(),
        format!("DTSTART:{}", utc_hour(8)),
        format!("DTEND:{}", utc_hour(9)),
    ];
    radicale.put(&name, &lines.each_ref().map(String::as_str)).await;
    let told = until_conflicts(&shop, 1).await;
    assert_eq!((&told[0]["appointment_id"], &told[0]["kind"]), (&json!(id), &json!("deleted")));
    // It can be put back.
    let stays = json!({"appointment_id": id, "new_datetime": hour(8)});
    shop.call("reschedule_appointment", stays).await.success();
    events(&radicale, 1, |event| !event.contains("STATUS:CANCELLED")).await;
    until_conflicts(&shop, 0).await;
}

#[rstest]
#[tokio::test]
async fn an_event_that_staff_lengthen_is_told_by_its_new_end(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    shop.appointment(owner, &hour(8)).await;
    let [name] = names(&radicale, [8]).await;
    let lines = [
        format!("UID:{name}@servicebay"),
        format!("DTSTART:{}", utc_hour(8)),
        format!("DTEND:{}", utc_hour(11)),
    ];
    radicale.put(&name, &lines.each_ref().map(String::as_str)).await;
    let told = until_conflicts(&shop, 1).await;
    assert_eq!(told[0]["calendar_starts_at"], told[0]["scheduled_at"]);
    let reply = shop.call("get_calendar_conflicts", json!({})).await;
    let message = reply.message();
    assert!(message.contains(" at 8:00 AM now ends "), "{message}");
    assert!(message.ends_with(" at 11:00 AM in the calendar."), "{message}");
}

#[rstest]
#[tokio::test]
async fn an_appointment_that_a_tool_moves_takes_its_event_along(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    let moved = shop.appointment(owner, &hour(8)).await;
    let deleted = shop.appointment(owner, &hour(10)).await;
    let cancelled = shop.appointment(owner, &hour(12)).await;
    let [first, second, third] = names(&radicale, [8, 10, 12]).await;
    drag(&radicale, &first, 14).await;
    radicale.delete(&second).await;
    drag(&radicale, &third, 16).await;
    // Whether or not it was seen: our row wins.
    for (id, hours) in [(moved, 20), (deleted, 22)] {
        let to = json!({"appointment_id": id, "new_datetime": hour(hours)});
        shop.call("reschedule_appointment", to).await.success();
    }
    let reason = json!({"appointment_id": cancelled, "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    assert_eq!(names(&radicale, [20, 22]).await, [first, second]);
    until_conflicts(&shop, 0).await;
}

#[rstest]
#[tokio::test]
async fn visits_in_a_time_that_is_blocked_later_are_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let owner = shop.owner().await;
    let mut ids = Vec::new();
    for hours in [8, 10, 12] {
        ids.push(shop.appointment(owner, &hour(hours)).await);
    }
    events(&radicale, 3, |_| true).await;
    let block = [
        "UID:block".to_owned(),
        "SUMMARY:Closed".to_owned(),
        format!("DTSTART:{}", utc_hour(9)),
        format!("DTEND:{}", utc_hour(13)),
    ];
    radicale.put("block", &block.each_ref().map(String::as_str)).await;
    let told = until_conflicts(&shop, 2).await;
    let of: Vec<&Value> = told.iter().map(|conflict| &conflict["appointment_id"]).collect();
    assert_eq!(of, [ids[1], ids[2]]);
    assert!(told.iter().all(|conflict| conflict["kind"] == "blocked"));
    let page = shop.call("get_calendar_conflicts", json!({"limit": 1})).await;
    let cursor = page.success()["next_cursor"].clone();
    let rest = shop.call("get_calendar_conflicts", json!({"limit": 1, "cursor": cursor})).await;
    assert_eq!(rest.success()["conflicts"][0]["appointment_id"], ids[2]);
    assert!(rest.success().get("next_cursor").is_none());
}

#[rstest]
#[tokio::test]
async fn without_a_calendar_there_is_nothing_to_contradict(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("get_calendar_conflicts", json!({})).await;
    assert_eq!(reply.refusal(), "upstream_unavailable");
    assert!(reply.error().contains("CALDAV_URL"), "{}", reply.error());
}
