//! Servers that work while an import runs.

use chrono::{Days, Weekday};
use rstest::rstest;

use super::{import, many, spawn_import};
use crate::data;
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn a_server_books_while_an_import_runs(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let mut under_way = spawn_import(&shop, &many(4_000), &[]);
    let monday = data::next_weekday(Weekday::Mon, 0);
    let mut booked = 0_usize;
    for week in 0..40 {
        for time in ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00"] {
            let day = monday + Days::new(7 * week);
            shop.appointment(owner, &data::at(day, time)).await;
            booked += 1;
        }
        if under_way.try_wait().unwrap().is_some() {
            break;
        }
    }
    let output = under_way.wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(shop.occupied_rows().await.len(), booked);
    import(&shop, &many(4_000), &[]).await.complete();
}

#[rstest]
#[tokio::test]
async fn what_another_import_has_taken_is_on_file(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let files = many(4_000);
    let both = [spawn_import(&shop, &files, &[]), spawn_import(&shop, &files, &[])];
    for under_way in both {
        let output = under_way.wait_with_output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{told}");
    }
    let told = import(&shop, &files, &[]).await.complete();
    assert!(told.contains("customers: 0 added, 4000 on file already, none rejected"), "{told}");
}
