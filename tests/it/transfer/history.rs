//! Visits of the past, and visits to come.

use chrono::Weekday;
use rstest::rstest;

use super::{ACCORD, ANN, APPOINTMENTS, CUSTOMERS, VEHICLES, import, read};
use crate::data;
use crate::shop::{Database, Shop};

const FOCUS: &str = "V2,C2,,2020,Ford,Focus,,\n";

async fn shop_with_two(database: Database) -> Shop {
    let shop = Shop::open(database).await;
    let files = [
        ("customers", format!("{CUSTOMERS}{ANN}C2,Bob,Ray,,,,\n")),
        ("vehicles", format!("{VEHICLES}{ACCORD}{FOCUS}")),
    ];
    import(&shop, &files, &[]).await.complete();
    shop
}

#[rstest]
#[tokio::test]
async fn what_is_past_is_kept_as_it_is_said(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = shop_with_two(database).await;
    // At night, on a Sunday, at the same time, in a shop with one bay, and some never closed.
    let appointments = format!(
        "{APPOINTMENTS}A1,C1,V1,2021-03-07T03:00,600,repair,completed\n\
         A2,C2,V2,2021-03-07T03:00,60,repair,Canceled\nA3,C2,V2,2021-03-07T03:00,60,repair,no-show\n\
         A4,C1,V1,2021-03-07T03:30,60,repair,confirmed\nA5,C2,V2,2021-03-07T03:30,60,repair,scheduled\n\
         A6,C2,V1,2021-03-08T03:30,1,repair,\n"
    );
    let told = import(&shop, &[("appointments", appointments)], &[]).await.complete();
    assert!(told.contains("appointments: 6 added"), "{told}");
    assert_eq!(shop.occupied_rows().await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn what_is_to_come_keeps_to_the_rules_of_a_booking(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = shop_with_two(database).await;
    let monday = data::next_weekday(Weekday::Mon, 0);
    let at = |time| data::at(monday, time);
    let rows = [
        (format!("A1,C1,V1,{},60,repair,", at("09:00")), ""),
        (format!("A2,C2,V2,{},60,repair,", at("09:30")), "nobody who does repair is free from"),
        (format!("A3,C2,V2,{},60,repair,", at("11:30")), "is outside business hours"),
        (format!("A4,C2,V2,{},60,repair,confirmed", at("10:00")), ""),
        (format!("A5,C2,V2,{},60,repair,", at("10:30")), "the vehicle has another visit then"),
        (format!("A6,C2,V1,{},60,repair,", at("14:00")), "the vehicle belongs to customer"),
        (format!("A7,C2,V2,{},500,repair,", at("14:00")), "must be from 5 to 480"),
        (
            format!("A9,C2,V2,{},60,repair,", data::at(monday + chrono::Days::new(371), "14:00")),
            "is too far ahead",
        ),
        (format!("A8,C2,V2,{},60,repair,cancelled", at("09:00")), ""),
    ];
    let lines: String = rows.iter().map(|(row, _)| format!("{row}\n")).collect();
    let files = [("appointments", format!("{APPOINTMENTS}{lines}"))];
    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("appointments: 3 added, 0 on file already, 6 rejected"), "{told}");
    let rejected = read(&shop, "appointments.csv.rejected.csv");
    for (row, reason) in rows.iter().filter(|(_, reason)| !reason.is_empty()) {
        let found = rejected.lines().find(|line| line.ends_with(row)).expect(row);
        assert!(found.contains(reason), "{reason}: {found}");
    }
    // The calendar knows them.
    let slots = shop.call("get_available_slots", serde_json::json!({"date": monday})).await;
    let times = data::times(&slots.success()["available_slots"]);
    assert_eq!(times.first().map(String::as_str), Some("11:00"));
    let owner = crate::shop::Owner { customer_id: 1, vehicle_id: 1 };
    assert!(shop.overlap_occupied_rows(owner).await.is_err());
    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("appointments: 0 added, 3 on file already, 6 rejected"), "{told}");
}

#[tokio::test]
async fn a_bay_that_nobody_recorded_is_not_told() {
    let shop = shop_with_two(Database::Sqlite).await;
    let visit = format!("{APPOINTMENTS}A1,C1,V1,2021-03-05T09:00,60,repair,completed\n");
    import(&shop, &[("appointments", visit)], &[]).await.complete();
    let found = shop.call("search_appointments", serde_json::json!({"from": "2021-03-05"})).await;
    let visit = &found.success()["appointments"][0];
    assert_eq!(visit["status"], "completed");
    assert!(visit.get("bay").is_none(), "{visit}");
}
