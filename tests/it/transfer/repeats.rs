//! Lines that say what an earlier line of the same file has said.

use rstest::rstest;
use serde_json::json;

use super::{ACCORD, ANN, APPOINTMENTS, CUSTOMERS, PRODUCTS, VEHICLES, import, many, read};
use crate::shop::{Database, Shop};

const KINDS: [&str; 4] = ["customers", "vehicles", "appointments", "products"];

/// The rejected rows of each file.
fn rejected(shop: &Shop) -> [String; 4] {
    KINDS.map(|kind| read(shop, &format!("{kind}.csv.rejected.csv")))
}

#[rstest]
#[tokio::test]
async fn a_repeated_line_is_rejected_by_each_run_alike(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let visits = "A1,C1,V1,2021-03-05T09:00,60,repair,completed\n\
                  A1,C1,V1,2021-03-06T09:00,60,repair,completed\n\
                  A2,C1,V1,2021-03-07T09:00,60,repair,scheduled\n\
                  A2,C1,V1,2021-03-08T09:00,60,repair,scheduled\n";
    let files = [
        ("customers", format!("{CUSTOMERS}{ANN}C2,Bob,Ray,,,,\nC1,Di,Fox,,,,\n")),
        ("vehicles", format!("{VEHICLES}{ACCORD}V1,C2,,2003,Honda,Accord,,\n")),
        ("appointments", format!("{APPOINTMENTS}{visits}")),
        ("products", format!("{PRODUCTS}f-1,Filter,1,,\nF-2,Oil,1,,\nF-1,Filter,1,,\n")),
    ];
    let told = import(&shop, &files, &[]).await.rejected();
    let first = rejected(&shop);
    for ((kind, added, count), rejected) in
        [("customers", 2, 1), ("vehicles", 1, 1), ("appointments", 2, 2), ("products", 2, 1)]
            .into_iter()
            .zip(&first)
    {
        let expected = format!("{kind}: {added} added, 0 on file already, {count} rejected");
        assert!(told.contains(&expected), "{expected}: {told}");
        assert_eq!(rejected.lines().count(), count + 1, "{rejected}");
    }
    assert!(first[0].contains("4,an earlier line has the same external_id,C1,Di"), "{}", first[0]);
    assert!(first[3].contains("4,an earlier line has the same sku,F-1"), "{}", first[3]);

    // Somebody else has changed the shop meanwhile, and made two customers one.
    let id = |name: &str| {
        let sql = format!("select id from customers where crm_id = '{name}'");
        let shop = &shop;
        async move { shop.number(&sql).await }
    };
    let merge = json!({"keep_customer_id": id("C2").await, "merge_customer_id": id("C1").await});
    shop.call("merge_customers", merge).await.success();
    for _ in 0..2 {
        let told = import(&shop, &files, &[]).await.rejected();
        for kind in ["customers: 0 added, 2", "appointments: 0 added, 2", "products: 0 added, 2"] {
            assert!(told.contains(&format!("{kind} on file already")), "{told}");
        }
        assert_eq!(rejected(&shop), first);
    }
}

#[rstest]
#[tokio::test]
async fn a_record_that_an_export_has_called_by_its_number_comes_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.owner().await;
    let name = |table: &str| {
        let sql = format!("select 'servicebay-' || id || '-' || created_at from {table}");
        let shop = &shop;
        async move { shop.text(&sql).await }
    };
    let (customer, vehicle) = (name("customers").await, name("vehicles").await);
    let files = [
        ("customers", format!("{CUSTOMERS}{}", format!("{customer},John,Doe,,,,\n").repeat(2))),
        (
            "vehicles",
            format!(
                "{VEHICLES}{}",
                format!("{vehicle},{customer},,2020,Honda,Accord,,\n").repeat(2)
            ),
        ),
    ];
    for _ in 0..2 {
        let told = import(&shop, &files, &[]).await.rejected();
        for kind in ["customers", "vehicles"] {
            let expected = format!("{kind}: 0 added, 1 on file already, 1 rejected");
            assert!(told.contains(&expected), "{told}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_repeated_line_among_many_is_rejected_however_far_it_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let files = many(6_000).map(|(kind, text)| {
        let again = text.lines().nth(1).unwrap().to_owned();
        (kind, format!("{text}{again}\n"))
    });
    for (added, known) in [(6_000, 0), (0, 6_000)] {
        let told = import(&shop, &files, &[]).await.rejected();
        for (kind, _) in &files {
            let expected = format!("{kind}: {added} added, {known} on file already, 1 rejected");
            assert!(told.contains(&expected), "{expected}: {told}");
            let rejected = read(&shop, &format!("{kind}.csv.rejected.csv"));
            assert!(rejected.contains("6002,an earlier line has the same"), "{rejected}");
        }
    }
}
