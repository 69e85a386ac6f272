//! Customers who come in, and those who are on file already.

use rstest::rstest;
use serde_json::json;

use super::{ACCORD, ANN, APPOINTMENTS, CUSTOMERS, PRODUCTS, VEHICLES, import, read};
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn the_records_of_another_program_are_on_file(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_REGION", "GB");
    let files = [
        ("products", format!("{PRODUCTS}F-1,Filter,\"1,149.95\",7,filters\n")),
        ("appointments", format!("{APPOINTMENTS}A1,C1,V1,2021-03-05T09:00,45,Oil Change,\n")),
        ("vehicles", format!("{VEHICLES}{ACCORD}V2,C1,,2020,Ford,Focus,XYZ,yes\n")),
        (
            "customers",
            format!(
                "\u{FEFF}{CUSTOMERS}C1,Ann, Núñez ,Ann@Example.com,020 7946 0958,2020-02-03,\"one\r\ntwo\"\r\n"
            ),
        ),
    ];
    let told = import(&shop, &files, &[]).await.complete();
    assert!(told.contains("appointments: 1 added, 0 on file already, none rejected"), "{told}");

    let found = shop.call("lookup_customer", json!({"crm_id": "C1"})).await;
    let customer = &found.success()["customer"];
    assert_eq!(customer["last_name"], "Núñez");
    assert_eq!(customer["email"], "Ann@Example.com");
    assert_eq!(customer["phone_number"], "+442079460958");
    assert_eq!(customer["notes"], "one\ntwo");
    assert_eq!(customer["customer_since"], "2020-02-03");
    assert_eq!(customer["last_service_date"], "2021-03-05");
    assert_eq!(customer["last_contact"], "2021-03-05T09:00:00-05:00");
    // The later one that is said to be the primary one is.
    assert_eq!(customer["vehicles"][0]["model"], "Focus");
    assert_eq!(customer["vehicles"][1]["is_primary_vehicle"], false);
    let visits = json!({"customer_id": customer["id"], "include_past": true});
    let visits = shop.call("get_upcoming_appointments", visits).await;
    let visit = &visits.success()["appointments"][0];
    assert_eq!(visit["status"], "completed");
    assert_eq!(visit["ends_at"], "2021-03-05T09:45:00-05:00");
    assert_eq!(shop.number("select count(*) from search_pending").await, 0);
    assert_eq!(shop.number("select price_minor from products where sku = 'F-1'").await, 114_995);

    let told = import(&shop, &files, &[]).await.complete();
    for kind in ["customers", "appointments", "products"] {
        assert!(told.contains(&format!("{kind}: 0 added, 1 on file already")), "{told}");
    }
}

#[rstest]
#[tokio::test]
async fn what_a_row_leaves_out_of_a_vehicle_is_told_by_its_vin(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let row = "V1,C1,1HGCM82633A004352,,honda,,,\n";
    let files =
        [("customers", format!("{CUSTOMERS}{ANN}")), ("vehicles", format!("{VEHICLES}{row}"))];
    import(&shop, &files, &[]).await.complete();
    let found = shop.call("lookup_customer", json!({"crm_id": "C1"})).await;
    let vehicle = &found.success()["customer"]["vehicles"][0];
    assert_eq!(vehicle["year"], 2003);
    assert_eq!(vehicle["make"], "honda", "what the row says is kept");
    assert_eq!(vehicle["model"], "Accord");
    let trim = shop.call("decode_vin", json!({"vin": "1HGCM82633A004352"})).await;
    assert_eq!(vehicle["trim"], trim.success()["trim"]);
}

#[rstest]
#[tokio::test]
async fn a_person_who_is_on_file_is_not_made_twice(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ann = json!({"first_name": "Ann", "last_name": "Lee", "phone_number": "+12025550101",
                     "email": "ann@example.com"});
    let id = shop.call("create_customer", ann).await.success()["customer"]["id"].clone();
    let customers = format!(
        "{CUSTOMERS}C1,ANN,lee,,202-555-0101,,\nC2,Anna,Lee,ANN@example.com,,,\nC3,Ann,Lee,,,,\n\
         C4,Bob,Ray,,2025550199,,\nC5,Bob,ray,,2025550199,,\n"
    );
    let files = [
        ("customers", customers),
        ("vehicles", format!("{VEHICLES}V1,C1,,2003,Honda,Accord,,\n")),
        ("appointments", format!("{APPOINTMENTS}A1,C2,V1,2021-03-05T09:00,60,repair,\n")),
    ];
    for run in 1..=2 {
        let told = import(&shop, &files, &[]).await.rejected();
        let (added, known) = if run == 1 { (2, 0) } else { (0, 2) };
        let expected = format!("customers: {added} added, {known} on file already, 3 rejected");
        assert!(told.contains(&expected), "{told}");
        let rejected = read(&shop, "customers.csv.rejected.csv");
        assert!(rejected.contains(&format!("the same person is on file: customer {id}, Ann Lee")));
        assert!(rejected.starts_with("line,reason,external_id,"), "{rejected}");
        assert_eq!(rejected.lines().count(), 4, "{rejected}");
    }
    // What refers to the other names is kept.
    let found = shop.call("lookup_customer", json!({"crm_id": "C2"})).await;
    assert_eq!(found.success()["customer"]["id"], id);
    assert_eq!(found.success()["customer"]["vehicles"][0]["model"], "Accord");
    assert_eq!(found.success()["customer"]["last_service_date"], "2021-03-05");
    let found = shop.call("lookup_customer", json!({"phone_number": "+12025550101"})).await;
    assert_eq!(found.success()["customer"]["id"], id);
}

#[rstest]
#[tokio::test]
async fn a_phone_number_of_another_name_needs_leave(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customers = format!("{CUSTOMERS}{ANN}C2,Bob,Lee,,(202) 555-0101,,\n");
    let told = import(&shop, &[("customers", customers.clone())], &[]).await.rejected();
    assert!(told.contains("customers: 1 added, 0 on file already, 1 rejected"), "{told}");
    let rejected = read(&shop, "customers.csv.rejected.csv");
    assert!(rejected.contains("3,\"phone_number is that of customer 1, Ann Lee;"), "{rejected}");

    // What was rejected is a file that can be imported.
    let told = import(&shop, &[("customers", rejected)], &["--allow-shared-phones"]).await;
    let told = told.complete();
    assert!(told.contains("customers: 1 added"), "{told}");
    assert!(!shop.folder().join("customers.csv.rejected.csv").exists());
    let found = shop.call("lookup_customer", json!({"phone_number": "+12025550101"})).await;
    assert_eq!(found.success()["candidates"].as_array().unwrap().len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_vin_that_is_on_file_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ann = [("customers", format!("{CUSTOMERS}{ANN}C2,Bob,Ray,,,,\n"))];
    import(&shop, &ann, &[]).await.complete();
    let id = shop.number("select id from customers where crm_id = 'C1'").await;
    let vehicle = json!({"customer_id": id, "vin": "1HGCM82633A004352", "year": 2003,
                         "make": "Honda", "model": "Accord"});
    shop.call("add_vehicle", vehicle).await.success();
    let files = [
        (
            "vehicles",
            format!(
                "{VEHICLES}V9,C2,1HGCM82633A004352,2003,Honda,Accord,,\n{ACCORD}V3,C2,JH4KA7561PC008269,1993,Acura,Legend,,\n\
             V4,C2,JH4KA7561PC008269,1993,Acura,Legend,,\n"
            ),
        ),
        ("appointments", format!("{APPOINTMENTS}A1,C1,V1,2021-03-05T09:00,60,repair,\n")),
    ];
    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("appointments: 1 added, 0 on file already, none rejected"), "{told}");
    let rejected = read(&shop, "vehicles.csv.rejected.csv");
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines.len(), 4, "{rejected}");
    assert!(lines[1].contains(&format!("which belongs to customer {id}")), "{rejected}");
    assert!(lines[2].contains("of the same customer; the external_id leads there now"));
    assert!(lines[3].starts_with("5,\"vin is that of vehicle "), "{rejected}");
}

#[rstest]
#[tokio::test]
async fn a_row_in_the_middle_of_many_is_refused_alone(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    // Each of the three kinds has one row, among many that are new, that is in another one's way.
    let (mut customers, mut vehicles, mut visits) =
        (CUSTOMERS.to_owned(), VEHICLES.to_owned(), APPOINTMENTS.to_owned());
    for number in 0..300 {
        let phone = if number == 100 { 7 } else { number };
        customers.push_str(&format!("C{number},Ann,Lee {number},,2025550{phone:03},,\n"));
        let plate = if number % 2 == 0 { "" } else { "7ABC123" };
        let vehicle = if number == 150 { 20 } else { number };
        vehicles.push_str(&format!("V{vehicle},C{number},,2003,Honda,Accord,{plate},\n"));
        let visit = if number == 200 { 30 } else { number };
        let owner = if number == 100 || number == 150 { 0 } else { number };
        visits.push_str(&format!("A{visit},C{owner},V{owner},2021-03-05T09:00,60,repair,\n"));
    }
    let files = [("customers", customers), ("vehicles", vehicles), ("appointments", visits)];
    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("customers: 299 added, 0 on file already, 1 rejected"), "{told}");
    // The car of the customer who was refused has no owner.
    assert!(told.contains("vehicles: 298 added, 0 on file already, 2 rejected"), "{told}");
    assert!(told.contains("appointments: 299 added, 0 on file already, 1 rejected"), "{told}");
    let rejected = read(&shop, "customers.csv.rejected.csv");
    assert!(
        rejected.contains("102,\"phone_number is that of customer 8, Ann Lee 7;"),
        "{rejected}"
    );
    let rejected = read(&shop, "vehicles.csv.rejected.csv");
    assert!(rejected.contains("102,customer_external_id leads to nobody"), "{rejected}");
    assert!(rejected.contains("152,an earlier line has the same external_id"), "{rejected}");
    let rejected = read(&shop, "appointments.csv.rejected.csv");
    assert!(rejected.contains("202,an earlier line has the same external_id"), "{rejected}");
    assert_eq!(shop.number("select count(*) from vehicles where is_primary").await, 298);
    assert_eq!(shop.number("select count(*) from search_pending").await, 0);

    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("customers: 0 added, 299 on file already, 1 rejected"), "{told}");
    assert!(told.contains("appointments: 0 added, 299 on file already, 1 rejected"), "{told}");
}

#[rstest]
#[tokio::test]
async fn a_customer_who_was_merged_is_on_file(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let files = [("customers", format!("{CUSTOMERS}{ANN}C2,Bob,Ray,,2025550177,,\n"))];
    import(&shop, &files, &[]).await.complete();
    let kept = shop.number("select id from customers where crm_id = 'C1'").await;
    let merged = shop.number("select id from customers where crm_id = 'C2'").await;
    let merge = json!({"keep_customer_id": kept, "merge_customer_id": merged});
    shop.call("merge_customers", merge).await.success();

    let told = import(&shop, &files, &[]).await.complete();
    assert!(told.contains("customers: 0 added, 2 on file already, none rejected"), "{told}");
    let found = shop.call("lookup_customer", json!({"crm_id": "C2"})).await;
    assert_eq!(found.success()["customer"]["id"], kept);
}

#[rstest]
#[tokio::test]
async fn a_customer_of_two_names_has_one_primary_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    // C9 is C1 once more.
    let mut customers = format!("{CUSTOMERS}C1,Ann,Lee,,2025550101,,\n");
    (2..9).for_each(|number| customers.push_str(&format!("C{number},Bob,Ray {number},,,,\n")));
    customers.push_str("C9,ann,lee,,2025550101,,\n");
    for (run, said) in [("V", ""), ("W", "yes")] {
        let mut vehicles = VEHICLES.to_owned();
        for number in 1..=9 {
            vehicles.push_str(&format!("{run}{number},C{number},,2003,Honda,Accord,,{said}\n"));
        }
        let files = [("customers", customers.clone()), ("vehicles", vehicles)];
        let told = import(&shop, &files, &[]).await.rejected();
        assert!(told.contains("vehicles: 9 added, 0 on file already, none rejected"), "{told}");
        let primary = "select count(*) from vehicles where is_primary and external_id like";
        let primary = shop.number(&format!("{primary} '{run}%'")).await;
        assert_eq!(primary, 8, "{run}");
    }
    assert_eq!(shop.number("select count(*) from vehicles where is_primary").await, 8);
}

#[rstest]
#[tokio::test]
async fn a_refused_row_changes_nothing_of_which_vehicle_is_primary(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let vehicles = format!(
        "{VEHICLES}V1,NOBODY,1HGCM82633A004352,2003,Honda,Accord,,yes\n\
         V2,C1,1HGCM82633A004352,2003,Honda,Accord,,yes\nV3,C1,,2003,Honda,Accord,,yes\n"
    );
    let files = [("customers", format!("{CUSTOMERS}{ANN}")), ("vehicles", vehicles)];
    let told = import(&shop, &files, &[]).await.rejected();
    assert!(told.contains("vehicles: 2 added, 0 on file already, 1 rejected"), "{told}");
    let primary = "select count(*) from vehicles where is_primary and external_id = 'V3'";
    assert_eq!(shop.number(primary).await, 1);
}
