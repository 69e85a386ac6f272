//! SQLite files that are damaged, or overwritten while they are open.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::customer_search::{ids, search};
use crate::data::{self, with};
use crate::shop::{Database, Shop, by_id};

fn file(shop: &Shop, name: &str) -> PathBuf {
    shop.folder().join(name)
}

/// What a command says on its standard output, and whether it ended well.
async fn run(shop: &Shop, arguments: &[&str]) -> (String, bool) {
    let output = shop.command().args(arguments).output().await.unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

/// How many customers the copy has: so many that tables and indexes lie among one another in the file, and one after
/// the other in the copy.
const COPIED: i64 = 500;

/// A shop with some customers and a copy of that, then with eight more; its server runs.
async fn shop_with_copy() -> Shop {
    let shop = Shop::open(Database::Sqlite).await;
    shop.customer().await;
    let more = format!(
        "with recursive n (i) as (select 2 union all select i + 1 from n where i < {COPIED})
         insert into customers (id, first_name, last_name, email, email_key, phone_number, created_at)
         select i, 'Ann', 'Lee' || i, 'lee' || i || '@example.com', 'lee' || i || '@example.com',
                '+1212' || (5550000 + i), i
         from n"
    );
    shop.execute_sql(&more).await.unwrap();
    let (told, is_done) = run(&shop, &["backup", "copy.db"]).await;
    assert!(is_done, "{told}");
    fold(&shop).await;
    for _ in 0..8 {
        let customer = with(data::customer(), "notes", "x".repeat(3000));
        shop.call("create_customer", customer).await.success();
    }
    shop
}

/// Writes what is in the log into the file.
async fn fold(shop: &Shop) {
    shop.execute_sql("pragma wal_checkpoint (truncate)").await.unwrap();
}

fn copy_over(shop: &Shop) {
    fs::copy(file(shop, "copy.db"), file(shop, "shop.db")).unwrap();
}

#[tokio::test]
async fn a_file_that_is_overwritten_while_it_is_open_is_opened_anew() {
    let shop = shop_with_copy().await;
    fold(&shop).await;
    // Each connection keeps something of the file.
    let phone = shop.text("select phone_number from customers order by id desc limit 1").await;
    let known = shop.call("create_customer", data::customer_with_phone(&phone)).await;
    assert_eq!(known.refusal(), "already_exists");
    let newest = [8, 7, 6].map(|place| COPIED + place);
    assert_eq!(search(&shop, json!({ "limit": 3 })).await, newest);
    shop.call("lookup_customer", by_id(COPIED + 8)).await.success();

    copy_over(&shop);
    let reply = shop.call("search_customers", json!({ "limit": 1 })).await;
    if reply.is_error {
        assert_eq!(reply.refusal(), "database_unavailable");
        assert!(reply.error().contains("malformed; nothing was changed"), "{}", reply.error());
        assert!(reply.envelope["hint"].as_str().unwrap().contains("servicebay doctor"));
    } else {
        assert_eq!(ids(reply.success()), [COPIED]);
    }
    assert_eq!(search(&shop, json!({ "limit": 1 })).await, [COPIED]);
    let gone = shop.call("lookup_customer", by_id(COPIED + 8)).await;
    assert_eq!(gone.success()["found"], false);
    assert_eq!(shop.customer().await, COPIED + 1);
    let (told, is_well) = run(&shop, &["doctor"]).await;
    assert!(is_well && told.contains("nothing in it is malformed"), "{told}");
}

#[tokio::test]
async fn the_doctor_knows_a_log_that_is_another_file_s() {
    let shop = shop_with_copy().await;
    copy_over(&shop);
    // Nobody has the time to write the log into the file.
    drop(shop.take_server().await);
    let copied = fs::read(file(&shop, "shop.db")).unwrap();
    for _ in 0..2 {
        let (told, is_well) = run(&shop, &["doctor"]).await;
        assert!(!is_well, "{told}");
        assert!(told.contains("shop.db-wal, which is another file's: "), "{told}");
        assert!(told.contains("end all servers, put the copy in its place, and delete"), "{told}");
        assert!(fs::read(file(&shop, "shop.db")).unwrap() == copied, "the file is as it was");
    }
    let reply = shop.call("search_customers", json!({})).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(reply.error().contains("malformed"), "{}", reply.error());

    shop.restart().await;
    copy_over(&shop);
    for name in ["shop.db-wal", "shop.db-shm"] {
        let _ = fs::remove_file(file(&shop, name));
    }
    let (told, is_well) = run(&shop, &["doctor"]).await;
    assert!(is_well, "{told}");
    assert_eq!(search(&shop, json!({ "limit": 1 })).await, [COPIED]);
}

#[tokio::test]
async fn the_doctor_finds_what_is_malformed() {
    let shop = shop_with_copy().await;
    shop.restart().await;
    fold(&shop).await;
    let mut bytes = fs::read(file(&shop, "shop.db")).unwrap();
    let pages = 4 * 4096..60 * 4096;
    bytes[pages].fill(0xAA);
    fs::write(file(&shop, "shop.db"), bytes).unwrap();
    let (told, is_well) = run(&shop, &["doctor"]).await;
    assert!(!is_well, "{told}");
    assert!(told.contains("shop.db: malformed: "), "{told}");
    assert!(told.contains("End all servers, put a backup in the place of "), "{told}");
    let reply = shop.call("lookup_customer", by_id(1)).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(reply.error().contains("the database file is malformed"), "{}", reply.error());
}

#[tokio::test]
async fn the_doctor_tells_of_a_file_that_was_not_there() {
    let shop = Shop::open(Database::Sqlite).await;
    let url = format!("sqlite:{}", file(&shop, "mistyped.db").display());
    for is_new in [true, false] {
        let output = shop.command().arg("doctor").env("DATABASE_URL", &url).output().await.unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{told}");
        assert_eq!(told.contains("mistyped.db was not there or was empty; "), is_new, "{told}");
    }
}

#[tokio::test]
async fn nothing_is_remembered_of_a_file_that_was_replaced() {
    let shop = Shop::open(Database::Sqlite).await;
    for name in ["Ann", "Zoe"] {
        let customer = with(data::customer(), "first_name", name);
        shop.call("create_customer", customer).await.success();
        for _ in 0..2 {
            let found = shop.call("lookup_customer", by_id(1)).await;
            assert_eq!(found.success()["customer"]["first_name"], name);
        }
        for file in ["shop.db", "shop.db-wal", "shop.db-shm"] {
            let _ = fs::remove_file(shop.folder().join(file));
        }
    }
}
