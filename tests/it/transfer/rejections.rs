//! Rows and files that cannot be taken.

use rstest::rstest;

use super::{ACCORD, ANN, APPOINTMENTS, CUSTOMERS, PRODUCTS, VEHICLES, import, read, run, write};
use crate::shop::{Database, Shop};

/// Files of one kind with one row each that is not taken, and why.
const BAD_CUSTOMERS: &[(&str, &str)] = &[
    (",Ann,Lee,,,,", "external_id must not be empty"),
    ("X,,Lee,,,,", "first_name must not be empty"),
    ("X,Ann,\u{202E}Lee,,,,", "last_name must not contain the control character U+202E"),
    ("X,Ann,Lee,ann,,,", "email \"ann\" is not an e-mail address"),
    ("X,Ann,Lee,,555-1234,,", "phone_number \"555-1234\" lacks its area code"),
    ("X,Ann,Lee,,,yesterday,", "created_at \"yesterday\" is not a time"),
    ("X,Ann,Lee,,,2999-01-01,", "created_at \"2999-01-01\" lies in the future"),
    ("X,Ann,Lee,,,,\u{7}", "notes must not contain the control character U+0007"),
    ("X,Ann,Lee", "the row has 3 columns, the first line 7"),
    ("C1,Bob,Ray,,,,", "an earlier line has the same external_id"),
];
const BAD_VEHICLES: &[(&str, &str)] = &[
    ("X,C9,,2003,Honda,Accord,,", "customer_external_id leads to nobody"),
    ("X,C1,1HGCM8263,2003,Honda,Accord,,", "vin \"1HGCM8263\" VIN must be exactly 17 characters"),
    ("X,C1,,1800,Honda,Accord,,", "year \"1800\" must be from 1886"),
    ("X,C1,,2003,Honda,,,", "year, make and model are needed"),
    ("X,C1,1HGCM82633A004352,2015,,,,", "year and vin contradict each other"),
    ("X,C1,1HGCM82633A004352,,Ford,,,", "make and vin contradict each other"),
    ("X,C1,2A300000000000000,,,,,", "year, make and model are needed; the VIN does not yield them"),
    ("X,C1,,2003,Honda,Accord,,maybe", "is_primary_vehicle \"maybe\" is neither true nor false"),
    ("V1,C1,,2003,Honda,Accord,,", "an earlier line has the same external_id"),
];
const BAD_APPOINTMENTS: &[(&str, &str)] = &[
    ("X,C1,V9,2021-03-05T09:00,60,repair,", "vehicle_external_id leads to nobody"),
    ("X,C9,V1,2021-03-05T09:00,60,repair,", "customer_external_id leads to nobody"),
    ("X,C1,V1,2021-03-05,60,repair,", "scheduled_at \"2021-03-05\" is a day without a time of day"),
    (
        "X,C1,V1,2021-03-14T02:30,60,repair,",
        "the nearest real times are 2021-03-14T01:30:00-05:00 and 2021-03-14T03:30:00-04:00",
    ),
    ("X,C1,V1,2021-03-05T09:00,0,repair,", "duration_minutes \"0\" must be from 1"),
    ("X,C1,V1,2021-03-05T09:00,60,polish,", "service_type \"polish\" is none of oil_change,"),
    ("X,C1,V1,2021-03-05T09:00,60,repair,done", "status \"done\" is none of scheduled,"),
    ("A1,C1,V1,2021-03-06T09:00,60,repair,", "an earlier line has the same external_id"),
];
const BAD_PRODUCTS: &[(&str, &str)] = &[
    ("X,,1,,", "name must not be empty"),
    ("X,Filter,1.005,,", "price \"1.005\" has more decimals than USD has"),
    ("X,Filter,free,,", "price \"free\" is not an amount"),
    ("X,Filter,1,-1,", "stock_quantity \"-1\" is not a whole number"),
];

fn file(header: &str, good: &str, bad: &[(&str, &str)]) -> String {
    let bad: String = bad.iter().map(|(row, _)| format!("{row}\n")).collect();
    format!("{header}{good}{bad}")
}

#[rstest]
#[tokio::test]
async fn a_bad_row_goes_with_its_line_and_reason_and_the_others_are_kept(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let visit = "A1,C1,V1,2021-03-05T09:00,60,oil_change,completed\n";
    let files = [
        ("customers", CUSTOMERS, ANN, BAD_CUSTOMERS),
        ("vehicles", VEHICLES, ACCORD, BAD_VEHICLES),
        ("appointments", APPOINTMENTS, visit, BAD_APPOINTMENTS),
        ("products", PRODUCTS, "F-1,Filter,1,,\n", BAD_PRODUCTS),
    ];
    let written = files.map(|(kind, header, good, bad)| (kind, file(header, good, bad)));
    let told = import(&shop, &written, &[]).await.rejected();
    for (kind, header, _, bad) in files {
        let count = bad.len();
        let expected = format!("{kind}: 1 added, 0 on file already, {count} rejected");
        assert!(told.contains(&expected), "{expected}: {told}");
        let rejected = read(&shop, &format!("{kind}.csv.rejected.csv"));
        assert_eq!(rejected.lines().next().unwrap(), format!("line,reason,{}", header.trim_end()));
        for ((line, (row, reason)), found) in (3..).zip(bad).zip(rejected.lines().skip(1)) {
            assert!(found.starts_with(&format!("{line},")), "{found}");
            assert!(found.replace("\"\"", "\"").contains(reason), "{reason}: {found}");
            assert!(found.ends_with(row), "{row}: {found}");
        }
    }
}

#[tokio::test]
async fn a_file_without_its_columns_is_refused_before_anything_changes() {
    let shop = Shop::open(Database::Sqlite).await;
    let good = write(&shop, "customers.csv", format!("{CUSTOMERS}{ANN}"));
    let good = good.to_str().unwrap();
    for (name, text, why) in [
        ("empty.csv", "", "is empty; its first line has to name the columns"),
        ("short.csv", "external_id,make\n", "lacks the column customer_external_id"),
        ("twice.csv", "vin,vin\n", "has the column vin twice"),
        ("semicolons.csv", "external_id;customer_external_id\n", "separates them by semicolons"),
    ] {
        let path = write(&shop, name, text);
        let path = path.to_str().unwrap();
        let output = run(&shop, &["import", "--customers", good, "--vehicles", path]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(name) && told.contains(why), "{told}");
    }
    assert_eq!(shop.number("select count(*) from customers").await, 0);
    assert_eq!(run(&shop, &["import"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn columns_that_mean_nothing_are_told_and_a_header_alone_is_no_mistake() {
    let shop = Shop::open(Database::Sqlite).await;
    let customers = "fax,last_name,external_id,First_Name\n".to_owned();
    let told = import(&shop, &[("customers", customers.clone())], &[]).await.complete();
    assert!(told.contains("not imported: the columns fax"), "{told}");
    assert!(told.contains("customers: 0 added, 0 on file already, none rejected"), "{told}");
    let told = import(&shop, &[("customers", format!("{customers}1,Lee,C1,Ann\n"))], &[]).await;
    assert!(told.complete().contains("customers: 1 added"));
}

#[tokio::test]
async fn a_missing_quotation_mark_costs_its_own_row_alone() {
    let shop = Shop::open(Database::Sqlite).await;
    let rows = "C1,Ann,Lee,,,,\"call after 5\nC2,Bo,Ray,,,,plain\nC3,\"Jo\"seph,Roy,,,,\nC4,Di,Fox,,,,\"likes tea\"\nC5,Al,Poe,,,,\"open";
    let told = import(&shop, &[("customers", format!("{CUSTOMERS}{rows}"))], &[]).await.rejected();
    assert!(told.contains("customers: 2 added, 0 on file already, 3 rejected"), "{told}");
    let rejected = read(&shop, "customers.csv.rejected.csv");
    let rejected: Vec<&str> = rejected.lines().skip(1).collect();
    assert!(rejected[0].starts_with("2,") && rejected[0].ends_with(",C1,Ann,Lee,,,,call after 5"));
    assert!(rejected[1].starts_with("4,") && rejected[1].ends_with(",C3,Joseph,Roy,,,,"));
    assert!(rejected[2].starts_with("6,") && rejected[2].ends_with(",C5,Al,Poe,,,,open"));
}

#[tokio::test]
async fn a_shop_that_is_read_only_imports_nothing() {
    let shop = Shop::open(Database::Sqlite).await;
    shop.customer().await;
    let customers = write(&shop, "customers.csv", format!("{CUSTOMERS}{ANN}"));
    let read_only = shop.with_env("SERVICEBAY_READ_ONLY", "true");
    let output = run(&read_only, &["import", "--customers", customers.to_str().unwrap()]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("SERVICEBAY_READ_ONLY"), "{told}");
    assert_eq!(read_only.number("select count(*) from customers").await, 1);
}
