//! Visits as events: booked, moved, cancelled, by whomever.

use rstest::rstest;
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{appointment, connect, connected, events, hour, property, until, utc_hour};
use crate::data;
use crate::radicale::Radicale;
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn a_visit_is_in_the_calendar_where_it_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    let visit = data::with(data::visit(owner, &hour(9)), "customer_concerns", "It squeaks, badly");
    let reply = shop.call("book_appointment", visit).await;
    let id = reply.success()["appointment_id"].clone();
    let booked = events(&radicale, 1, |_| true).await;
    assert_eq!(property(&booked[0], "SUMMARY"), "Oil change: 2020 Honda Accord\\, John Doe");
    assert_eq!(property(&booked[0], "LOCATION"), "Bay 1");
    assert_eq!(property(&booked[0], "DTSTART"), utc_hour(9));
    assert_eq!(property(&booked[0], "DTEND"), utc_hour(10));
    assert!(property(&booked[0], "DESCRIPTION").contains("It squeaks\\, badly"), "{booked:?}");

    let name = property(&booked[0], "UID").trim_end_matches("@servicebay").to_owned();
    let named = until("calendar_event_id", async || {
        appointment(&shop, owner).await.get("calendar_event_id").cloned()
    });
    assert_eq!(named.await, json!(name));

    let to = json!({"appointment_id": id, "new_datetime": hour(30)});
    shop.call("reschedule_appointment", to).await.success();
    let moved = events(&radicale, 1, |event| property(event, "DTSTART") == utc_hour(30)).await;
    assert_eq!(property(&moved[0], "UID"), property(&booked[0], "UID"));

    let renamed = json!({"customer_id": owner.customer_id, "updates": {"last_name": "Roe"}});
    shop.call("update_customer", renamed).await.success();
    events(&radicale, 1, |event| property(event, "SUMMARY").ends_with("John Roe")).await;

    let reason = json!({"appointment_id": id, "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    events(&radicale, 0, |_| true).await;
    let all = json!({"customer_id": owner.customer_id, "include_past": true});
    until("no calendar_event_id", async || {
        let reply = shop.call("get_upcoming_appointments", all.clone()).await;
        reply.success()["appointments"][0].get("calendar_event_id").is_none().then_some(())
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_event_that_was_restored_under_another_address_is_still_the_visits(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    let mut ids = Vec::new();
    for hours in [9, 11] {
        ids.push(shop.appointment(owner, &hour(hours)).await);
    }
    for (number, event) in events(&radicale, 2, |_| true).await.iter().enumerate() {
        let uid = property(event, "UID");
        let lines = [
            format!("UID:{uid}"),
            format!("DTSTART:{}", property(event, "DTSTART")),
            format!("DTEND:{}", property(event, "DTEND")),
        ];
        radicale.delete(uid.trim_end_matches("@servicebay")).await;
        let lines = lines.each_ref().map(String::as_str);
        radicale.put(&format!("restored {number}"), &lines).await;
    }
    let to = json!({"appointment_id": ids[0], "new_datetime": hour(30)});
    shop.call("reschedule_appointment", to).await.success();
    let reason = json!({"appointment_id": ids[1], "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    let moved = events(&radicale, 1, |event| property(event, "DTSTART") == utc_hour(30)).await;
    assert!(moved[0].contains("Oil change"), "{moved:?}");
    let marked = "select count(*) from calendar_events where written < wanted";
    until("no marks", async || (shop.number(marked).await == 0).then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn a_calendar_holds_no_more_of_people_than_staff_need(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let customer = json!({
        "first_name": "Ann", "last_name": "Lee", "phone_number": "+12025550199",
        "email": "ann@shop.example",
    });
    let reply = shop.call("create_customer", customer).await;
    let customer_id = reply.success()["customer"]["id"].as_i64().unwrap();
    let vehicle = json!({
        "customer_id": customer_id, "vin": "1HGCM82633A004352", "license_plate": "SECRET7",
    });
    let reply = shop.call("add_vehicle", vehicle).await;
    let vehicle_id = reply.success()["vehicle"]["id"].as_i64().unwrap();
    let owner = crate::shop::Owner { customer_id, vehicle_id };
    let visit = data::with(data::visit(owner, &hour(9)), "notes", "pays late");
    shop.call("book_appointment", visit).await.success();
    let event = &events(&radicale, 1, |_| true).await[0];
    assert!(event.contains("Ann Lee"), "{event}");
    for private in ["2025550199", "ann@shop.example", "1HGCM82633A004352", "SECRET7", "pays late"] {
        assert!(!event.contains(private), "{private}: {event}");
    }
}

#[rstest]
#[tokio::test]
async fn visits_from_before_the_calendar_was_connected_are_in_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let owner = shop.owner().await;
    for hours in 0..20 {
        shop.appointment(owner, &hour(hours)).await;
    }
    let cancelled = shop.appointment(owner, &hour(20)).await;
    let reason = json!({"appointment_id": cancelled, "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    // Nobody looks at marks, so there are none.
    assert_eq!(shop.number("select count(*) from calendar_events").await, 0);
    shop.restart().await;
    let radicale = Radicale::start().await;
    let shop = connect(shop, &radicale);
    let _server = shop.server().await;
    let mut starts: Vec<String> = events(&radicale, 20, |_| true)
        .await
        .iter()
        .map(|event| property(event, "DTSTART").to_owned())
        .collect();
    starts.sort();
    assert_eq!(starts, (0..20).map(utc_hour).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn what_other_programs_write_is_in_the_calendar(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    let id = shop.appointment(owner, &hour(9)).await;
    events(&radicale, 1, |_| true).await;
    let sql = format!("update appointments set service_type = 'recall' where id = {id}");
    shop.execute_sql(&sql).await.unwrap();
    events(&radicale, 1, |event| property(event, "SUMMARY").starts_with("Recall")).await;
    shop.execute_sql(&format!("delete from appointments where id = {id}")).await.unwrap();
    events(&radicale, 0, |_| true).await;
    until("no mark", async || {
        (shop.number("select count(*) from calendar_events").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_program_and_the_calendar_do_not_wait_for_each_other() {
    let (shop, radicale) = connected(Database::Postgres).await;
    let owner = shop.owner().await;
    let id = shop.appointment(owner, &hour(9)).await;
    until("the mark is settled", async || {
        let settled =
            "select count(*) from calendar_events where written = wanted and claim is null";
        (shop.number(settled).await == 1).then_some(())
    })
    .await;
    let sql = format!("update appointments set calendar_event_id = null where id = {id}");
    shop.execute_sql(&sql).await.unwrap();

    let lock = format!("begin; select 1 from appointments where id = {id} for update");
    let mut other = shop.hold_open(&lock).await;
    shop.execute_sql("update calendar_events set wanted = wanted + 1, next_at = 0").await.unwrap();
    until("the calendar's writer waits for the other program", async || {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'
                         and query like 'update appointments set calendar_event_id%'";
        (shop.number(waiting).await == 1).then_some(())
    })
    .await;
    // After a second of waiting, Postgres looks whether two wait for each other: the writer's second is over by then.
    let sql = format!(
        "select pg_sleep(1.5); update appointments set service_type = 'recall' where id = {id}; commit"
    );
    let other = other.downcast_mut::<PgConnection>().unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(other).await.unwrap();
    events(&radicale, 1, |event| property(event, "SUMMARY").starts_with("Recall")).await;
}

#[rstest]
#[tokio::test]
async fn a_visit_that_is_over_stays_for_staff_to_look_back(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    for (hours, status) in [(9, "completed"), (11, "no_show")] {
        let id = shop.appointment(owner, &hour(hours)).await;
        until("the event", async || {
            let events = radicale.events().await;
            let mut starts = events.iter().map(|event| property(event, "DTSTART"));
            starts.any(|start| start == utc_hour(hours)).then_some(())
        })
        .await;
        let status = json!({"appointment_id": id, "status": status});
        shop.call("update_appointment_status", status).await.success();
    }
    let over = |event: &str| {
        let title = property(event, "SUMMARY");
        let is_free = property(event, "TRANSP") == "TRANSPARENT";
        (title.starts_with("Done: ") && !is_free) || (title.starts_with("No-show: ") && is_free)
    };
    events(&radicale, 2, over).await;
}

#[rstest]
#[tokio::test]
async fn several_servers_write_each_visit_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    let mut servers = [shop.server().await, shop.server().await, shop.server().await];
    for hours in 0..30 {
        let server = &mut servers[usize::try_from(hours).unwrap() % 3];
        server.call("book_appointment", data::visit(owner, &hour(hours))).await.success();
    }
    events(&radicale, 30, |_| true).await;
    let settled = "select count(*) from calendar_events where written = 1 and wanted = 1";
    until("all written", async || (shop.number(settled).await == 30).then_some(())).await;
    // Whoever writes once more raises the version.
    let events = events(&radicale, 30, |event| property(event, "SEQUENCE") == "1").await;
    let mut starts: Vec<&str> = events.iter().map(|event| property(event, "DTSTART")).collect();
    starts.sort_unstable();
    assert_eq!(starts, (0..30).map(utc_hour).collect::<Vec<_>>());
}
