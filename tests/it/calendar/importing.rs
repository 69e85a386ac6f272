//! Visits that are imported beside what staff block.

use rstest::rstest;

use super::blocks::until_free;
use super::{connected, hour, utc_hour};
use crate::shop::Database;
use crate::transfer;

#[rstest]
#[tokio::test]
async fn an_imported_visit_is_held_to_the_blocks_as_a_booking_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let block =
        ["UID:block".to_owned(), format!("DTSTART:{}", utc_hour(10)), "DURATION:PT1H".to_owned()];
    radicale.put("block", &block.each_ref().map(String::as_str)).await;
    until_free(&shop, |hour| hour != 10).await;
    let row =
        |name: &str, at: &str, status: &str| format!("{name},C1,V1,{at},60,repair,{status}\n");
    let past = hour(10 - 48);
    let rows = [
        row("A1", &hour(10), "scheduled"),
        row("A2", &hour(11), "scheduled"),
        row("A3", &hour(10), "cancelled"),
        row("A4", &past, "completed"),
    ];
    let files = [
        ("customers", format!("{}{}", transfer::CUSTOMERS, transfer::ANN)),
        ("vehicles", format!("{}{}", transfer::VEHICLES, transfer::ACCORD)),
        ("appointments", format!("{}{}", transfer::APPOINTMENTS, rows.concat())),
    ];
    let told = transfer::import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("appointments: 3 added, 0 on file already, 1 rejected"), "{told}");
    let rejected = transfer::read(&shop, "appointments.csv.rejected.csv");
    assert!(rejected.contains("2,the shop's calendar blocks some of the time from"), "{rejected}");
}
