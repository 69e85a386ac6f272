//! What is exported is what was there.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use super::{ACCORD, ANN, APPOINTMENTS, CUSTOMERS, PRODUCTS, VEHICLES, import, read, run};
use crate::data;
use crate::shop::{Database, Shop};

const FILES: [&str; 4] = ["customers", "vehicles", "appointments", "products"];

async fn export(shop: &Shop) -> [(&'static str, String); 4] {
    let output = run(shop, &["export", "out", "--replace"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    FILES.map(|kind| (kind, read(shop, &format!("out/{kind}.csv"))))
}

/// A shop in which everything was used that the usual columns do not hold.
async fn lively_shop(database: Database) -> Shop {
    let shop = Shop::open(database).await;
    let files = [
        (
            "customers",
            format!("{CUSTOMERS}{ANN}C2,\"=cmd|'x'\",\"O'Neil, \"\"Zoë\"\"\",,,,\"a\nb\"\n"),
        ),
        ("vehicles", format!("{VEHICLES}{ACCORD}V2,C2,,2020,Ford,Focus,,\n")),
        (
            "appointments",
            format!(
                "{APPOINTMENTS}A2,C2,V2,2021-03-05T09:00,60,repair,\nA1,C1,V1,2021-03-05T09:00,60,repair,no_show\n\
             A3,C1,V1,2021-03-06T09:00,60,repair,confirmed\n"
            ),
        ),
        ("products", format!("{PRODUCTS}F-1,Filter,149.95,7,filters\n")),
    ];
    import(&shop, &files, &[]).await.complete();
    let tuesday = data::next_weekday(Weekday::Tue, 0);
    let [owner, other] = [shop.owner().await, shop.owner().await];
    let kept = shop.appointment(owner, &data::at(tuesday, "09:00")).await;
    let moved = shop.appointment(other, &data::at(tuesday, "10:00")).await;
    let gone = shop.appointment(owner, &data::at(tuesday, "11:00")).await;
    let done =
        json!({"appointment_id": moved, "status": "completed", "work_performed": "New pads"});
    shop.call("update_appointment_status", done).await.success();
    let cancelled = json!({"appointment_id": gone, "reason": "Caller is ill"});
    shop.call("cancel_appointment", cancelled).await.success();
    let reached = json!({"appointment_id": kept, "channel": "call", "outcome": "reached"});
    shop.call("record_reminder", reached).await.success();
    let updates = json!({"tier": "gold", "account_status": "inactive", "satisfaction_score": 4.5,
                         "preferences": {"contact": "text"}, "notes": "Says \"hi\"", "email": "J@Doe.org"});
    let update = json!({"customer_id": owner.customer_id, "updates": updates});
    shop.call("update_customer", update).await.success();
    let third = shop.customer().await;
    let merge = json!({"keep_customer_id": owner.customer_id, "merge_customer_id": third});
    shop.call("merge_customers", merge).await.success();
    shop
}

#[rstest]
#[tokio::test]
async fn nothing_is_lost_on_the_way_to_another_database(
    #[values(Database::Sqlite, Database::Postgres)] from: Database,
    #[values(Database::Sqlite, Database::Postgres)] to: Database,
) {
    let shop = lively_shop(from).await;
    let exported = export(&shop).await;
    let other = Shop::open(to).await;
    import(&other, &exported, &[]).await.complete();
    assert_eq!(export(&other).await, exported);
    assert_eq!(other.occupied_rows().await.len(), shop.occupied_rows().await.len());

    // The files say nothing new where they come from.
    let told = import(&shop, &exported, &[]).await.complete();
    for kind in FILES {
        assert!(told.contains(&format!("{kind}: 0 added, ")), "{told}");
    }
    assert_eq!(export(&shop).await, exported);
}

#[tokio::test]
async fn an_export_is_private_and_replaces_nothing_unasked() {
    let shop = Shop::open(Database::Sqlite).await;
    shop.owner().await;
    export(&shop).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            std::fs::metadata(shop.folder().join("out/customers.csv")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
    super::write(&shop, "out/other.txt", "mine");
    super::write(&shop, "out/vehicles.csv", "old");
    let output = run(&shop, &["export", "out"]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("is there already"), "{told}");
    assert_eq!(read(&shop, "out/vehicles.csv"), "old");
    export(&shop).await;
    assert_ne!(read(&shop, "out/vehicles.csv"), "old");
    let mut left: Vec<_> = std::fs::read_dir(shop.folder().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["appointments.csv", "customers.csv", "other.txt", "products.csv", "vehicles.csv"]
    );
}
