//! Copies of the database while it is in use.

use std::ffi::OsString;
use std::process::Command;

use chrono::Weekday;
use serde_json::json;

use super::{read, run, write};
use crate::data;
use crate::shop::{Database, Shop};

#[tokio::test]
async fn a_copy_of_sqlite_is_a_database_with_everything_in_it() {
    let shop = Shop::open(Database::Sqlite).await;
    let owner = shop.owner().await;
    let monday = data::next_weekday(Weekday::Mon, 0);
    shop.appointment(owner, &data::at(monday, "09:00")).await;
    // The server is still there.
    let output = run(&shop, &["backup", "copy.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    shop.appointment(owner, &data::at(monday, "10:00")).await;

    let copy = format!("sqlite:{}", shop.folder().join("copy.db").display());
    let told = on_copy(&shop, &copy, &["doctor"]).await;
    assert!(told.contains("all of its checks are in place"), "{told}");
    let customer = json!({"customer_id": owner.customer_id}).to_string();
    let told = on_copy(&shop, &copy, &["call", "get_upcoming_appointments", &customer]).await;
    assert!(told.contains("Found 1 upcoming appointment"), "{told}");
    // What is booked there is reserved there, too.
    let other = data::visit(owner, &data::at(monday, "09:30")).to_string();
    let told = on_copy(&shop, &copy, &["call", "book_appointment", &other]).await;
    assert!(told.contains("duplicate_appointment"), "{told}");
}

/// What a command says on its standard output about another database.
async fn on_copy(shop: &Shop, url: &str, arguments: &[&str]) -> String {
    let output = shop.command().env("DATABASE_URL", url).args(arguments).output();
    String::from_utf8(output.await.unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a_copy_of_postgres_is_what_pg_restore_reads() {
    let shop = Shop::open(Database::Postgres).await;
    shop.owner().await;
    let output = dump(&shop, std::env::var_os("PATH").unwrap(), "copy.dump").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copy = shop.folder().join("copy.dump");
    let listed = Command::new("pg_restore").arg("--list").arg(copy).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for table in ["customers", "reservations", "appointments"] {
        assert!(listed.contains(&format!("TABLE DATA public {table}")), "{listed}");
    }
    // Without the program there is a way out.
    let output = dump(&shop, shop.folder().as_os_str().to_owned(), "other.dump").await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("pg_dump is not installed; install"), "{told}");
    assert!(!shop.folder().join("other.dump").exists());
}

async fn dump(shop: &Shop, path: OsString, file: &str) -> std::process::Output {
    shop.command().env("PATH", path).args(["backup", file]).output().await.unwrap()
}

#[tokio::test]
async fn a_file_that_is_there_stays() {
    let shop = Shop::open(Database::Sqlite).await;
    shop.call("lookup_customer", json!({"customer_id": 1})).await.success();
    write(&shop, "copy.db", "mine");
    let output = run(&shop, &["backup", "copy.db"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is there already"));
    assert_eq!(read(&shop, "copy.db"), "mine");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_no_empty_shop() {
    let shop = Shop::open(Database::Sqlite).await;
    let missing = shop.folder().join("typo.db");
    for arguments in [["backup", "copy.db"], ["export", "files"]] {
        let mut command = shop.command();
        command.env("DATABASE_URL", format!("sqlite:{}", missing.display())).args(arguments);
        let output = command.output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains("there is no such file"), "{told}");
        assert!(!missing.exists() && !shop.folder().join(arguments[1]).exists(), "{arguments:?}");
    }
    // Neither is one that is made anew for the command.
    let mut command = shop.command();
    let output = command.env("DATABASE_URL", "sqlite::memory:").args(["export", "files"]).output();
    let output = output.await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("is in memory"), "{told}");
    assert!(!shop.folder().join("files").exists());
}
