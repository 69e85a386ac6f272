//! Databases that vanish, hang, fill up or are changed by somebody else.

use std::time::Duration;

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::data::{self, at, next_weekday, visit};
use crate::proxy::{At, Proxy};
use crate::shop::{Database, Owner, Shop};

async fn friday_visit(shop: &Shop) -> (Owner, String) {
    (shop.owner().await, at(next_weekday(Weekday::Fri, 1), "10:00"))
}

#[tokio::test]
async fn a_server_recovers_from_writes_that_timed_out() {
    let shop = Shop::open(Database::Postgres).await;
    let owners = [shop.owner().await, shop.owner().await, shop.owner().await];
    let locked = shop.execute_sql(
        "begin; lock table appointments in exclusive mode; select pg_sleep(6.5); rollback",
    );
    let start = at(next_weekday(Weekday::Fri, 1), "10:00");
    let mut server = shop.server().await;
    let booking = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut ids = Vec::new();
        for owner in owners {
            ids.push(server.send_call("book_appointment", visit(owner, &start)).await);
        }
        let mut timed_out = 0;
        for id in ids {
            // The last in the queue may live to see the table freed.
            let reply = server.reply(id).await;
            timed_out += usize::from(reply.envelope["code"] == "database_unavailable");
        }
        assert!(timed_out > 0, "no write timed out");
    };
    let (lock, ()) = tokio::join!(locked, booking);
    lock.unwrap();
    for _ in 0..8 {
        server.call("lookup_customer", json!({"phone_number": data::phone()})).await.success();
    }
    let later = at(next_weekday(Weekday::Fri, 2), "10:00");
    server.call("book_appointment", visit(owners[0], &later)).await.success();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_called_undone() {
    let shop = Shop::open(Database::Postgres).await;
    let (owner, start) = friday_visit(&shop).await;
    shop.restart().await;
    let proxy = Proxy::start(shop.postgres_address(), At::AfterCommit).await;
    let mut server = shop.server_through(proxy.address).await;
    server.call("lookup_customer", json!({"customer_id": owner.customer_id})).await.success();
    proxy.arm();
    let reply = server.call("book_appointment", visit(owner, &start)).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(!reply.error().contains("nothing was changed"), "{}", reply.error());
    // Sent again, it is the visit that was booked.
    let again = server.call("book_appointment", visit(owner, &start)).await;
    again.success();
    assert!(again.is_replayed());
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_vanished_does_not_keep_the_others_from_booking() {
    let shop = Shop::open(Database::Postgres).await.with_env("SHOP_BAYS", "2");
    let (owner, start) = friday_visit(&shop).await;
    let other = shop.owner().await;
    let proxy = Proxy::start(shop.postgres_address(), At::BeforeCommit).await;
    let mut vanishing = shop.server_through(proxy.address).await;
    vanishing.call("lookup_customer", json!({"customer_id": owner.customer_id})).await.success();
    proxy.arm();
    vanishing.send_call("book_appointment", visit(owner, &start)).await;
    // Its transaction holds the lock for as long as the server lets it lie idle.
    let booked = tokio::time::timeout(Duration::from_secs(30), async {
        while shop.call("book_appointment", visit(other, &start)).await.is_error {}
    });
    booked.await.expect("the other server can book");
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[tokio::test]
async fn a_database_that_was_made_anew_gets_its_schema_again() {
    let shop = Shop::open(Database::Postgres).await;
    shop.customer().await;
    shop.execute_sql("drop schema public cascade; create schema public").await.unwrap();
    let reply = shop.call("create_customer", data::customer()).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    shop.customer().await;
}

#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_is_opened_anew() {
    let shop = Shop::open(Database::Sqlite).await;
    shop.customer().await;
    for file in ["shop.db", "shop.db-wal", "shop.db-shm"] {
        let _ = std::fs::remove_file(shop.folder().join(file));
    }
    let id = shop.customer().await;
    shop.restart().await;
    let found = shop.call("lookup_customer", json!({"customer_id": id})).await;
    assert_eq!(found.success()["found"], true);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_is_read_on() {
    let shop = Shop::open(Database::Sqlite).await;
    let Owner { customer_id, .. } = shop.owner().await;
    let filled = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
                  insert into customers (id, first_name, last_name, phone_number, created_at, notes)
                  select 1000 + i, 'Ann', 'Lee', '+1212' || (5550000 + i), 0, hex(zeroblob(400)) from n;
                  pragma wal_checkpoint (truncate)";
    let shortened =
        "delete from customers where id > 1000; vacuum; pragma wal_checkpoint (truncate)";
    for sql in [filled, shortened] {
        shop.execute_sql(sql).await.unwrap();
        // Each of the connections has looked into the whole file before it is made shorter.
        for _ in 0..4 {
            let newest = shop.call("search_customers", json!({ "query": "e", "limit": 100 })).await;
            assert!(!newest.success()["customers"].as_array().unwrap().is_empty());
            let arguments = json!({ "customer_id": customer_id });
            shop.call("lookup_customer", arguments).await.success();
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_without_its_path() {
    let shop = Shop::open(Database::Sqlite).await;
    std::fs::write(shop.folder().join("shop.db"), "no database ".repeat(100)).unwrap();
    let reply = shop.call("lookup_customer", json!({"customer_id": 1})).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(reply.error().contains("is no database"), "{}", reply.error());
}

/// Everything by which another program might take a bay away from a visit.
#[rstest]
#[case(Database::Sqlite, &[
    "insert into holds select 'h', bay_id, null, starts_at + 86400, ends_at + 86400, \
        reserved_until + 86400, null, starts_at, 1 from appointments; \
     insert or replace into reservations select r.id, h.bay_id, h.starts_at + 9, h.ends_at + 9, \
        h.expires_at, null, h.id from holds h, reservations r where r.appointment_id is not null",
    "delete from reservations",
    "update reservations set ends_at = starts_at + 1",
    "update or replace reservations set resource_id = resource_id + 1",
    "insert or replace into resources (id, kind, name) select id + 50, kind, name from resources",
    "delete from resources",
])]
#[case(Database::Postgres, &[
    "delete from reservations",
    "update reservations set ends_at = starts_at + 1",
    "truncate reservations",
    "truncate appointments cascade",
    "delete from resources",
])]
#[tokio::test]
async fn nobody_takes_a_bay_away_from_a_visit(
    #[case] database: Database,
    #[case] attacks: &[&str],
) {
    let shop = Shop::open(database).await;
    let (owner, start) = friday_visit(&shop).await;
    shop.appointment(owner, &start).await;
    let other = shop.owner().await;
    for attack in attacks {
        let sql = match database {
            // Other programs leave foreign keys off.
            Database::Sqlite => format!("pragma foreign_keys = off; {attack}"),
            Database::Postgres => (*attack).to_owned(),
        };
        assert!(shop.execute_sql(&sql).await.is_err(), "{attack}");
        assert!(shop.overlap_occupied_rows(other).await.is_err(), "{attack}");
    }
}

#[tokio::test]
async fn a_file_that_another_program_keeps_locked_is_told_as_that() {
    let shop = Shop::open(Database::Sqlite).await;
    let (owner, start) = friday_visit(&shop).await;
    let file = SqliteConnectOptions::new().filename(shop.folder().join("shop.db"));
    let mut other = file.connect().await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
    let reply = shop.call("book_appointment", visit(owner, &start)).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    let said = "another program keeps the database file locked; nothing was changed";
    assert_eq!(reply.error(), said);
    assert!(reply.envelope["data"]["now"].is_string(), "{}", reply.envelope);
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    shop.call("book_appointment", visit(owner, &start)).await.success();
}

#[tokio::test]
async fn connections_that_the_server_ended_cost_no_call() {
    let shop = Shop::open(Database::Postgres).await;
    let (owner, start) = friday_visit(&shop).await;
    let mut server = shop.server().await;
    for round in 0..2 {
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(server.send_call("search_appointments", json!({})).await);
        }
        for id in ids {
            server.reply(id).await.success();
        }
        let end = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid()";
        shop.execute_sql(end).await.unwrap();
        if round == 0 {
            server.call("search_appointments", json!({})).await.success();
        } else {
            server.call("book_appointment", visit(owner, &start)).await.success();
        }
    }
}
