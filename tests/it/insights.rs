//! Reports.

use rstest::rstest;
use serde_json::{Value, json};

use crate::billing::invoiced;
use crate::data::{self, seconds};
use crate::fake_billing::Billing;
use crate::shop::{Database, Owner, Shop};

/// Puts a past visit of 60 minutes on file, as it stands now.
async fn visited(shop: &Shop, owner: Owner, start: &str, service: &str, status: &str) {
    let Owner { customer_id, vehicle_id } = owner;
    let start = seconds(&json!(start));
    let sql = format!(
        "insert into appointments (customer_id, vehicle_id, bay_id, starts_at, ends_at, \
         reserved_until, service_type, status, booking_method, booked_by, created_at, updated_at) \
         select {customer_id}, {vehicle_id}, min(id), {start}, {start} + 3600, {start} + 3600, \
         '{service}', '{status}', 'x', 'x', 0, 0 from resources"
    );
    shop.execute_sql(&sql).await.unwrap();
}

/// Visits around the day in March 2025 on which New York's clocks went forward.
async fn march(shop: &Shop) -> Owner {
    let owner = shop.owner().await;
    for (start, service, status) in [
        ("2025-03-07T09:00:00-05:00", "oil_change", "completed"),
        ("2025-03-14T09:00:00-04:00", "oil_change", "completed"),
        ("2025-03-21T09:45:00-04:00", "repair", "no_show"),
        ("2025-03-24T10:00:00-04:00", "oil_change", "no_show"),
        ("2025-03-25T10:00:00-04:00", "oil_change", "cancelled"),
        ("2025-03-26T10:00:00-04:00", "inspection", "scheduled"),
        ("2025-03-31T23:59:59-04:00", "repair", "completed"),
        ("2025-04-01T00:00:00-04:00", "recall", "completed"),
    ] {
        visited(shop, owner, start, service, status).await;
    }
    owner
}

async fn rows(shop: &Shop, report: &str) -> Value {
    let arguments = json!({ "report": report, "from": "2025-03-01", "to": "2025-03-31" });
    let reply = shop.call("get_analytics", arguments).await;
    let data = reply.success();
    assert_eq!(data["report"], report);
    assert_eq!([&data["from"], &data["to"]], ["2025-03-01", "2025-03-31"]);
    data["rows"].clone()
}

#[rstest]
#[tokio::test]
async fn services_are_counted_by_how_often_they_are_wanted(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    march(&shop).await;
    let expected = json!([
        { "service_type": "oil_change", "appointments": 3, "completed": 2, "cancelled": 1 },
        { "service_type": "repair", "appointments": 2, "completed": 1, "cancelled": 0 },
        { "service_type": "inspection", "appointments": 1, "completed": 0, "cancelled": 0 },
    ]);
    assert_eq!(rows(&shop, "popular_services").await, expected);
    let expected = json!([
        { "service_type": "oil_change", "appointments": 3, "no_shows": 1, "no_show_rate": 0.3333 },
        { "service_type": "repair", "appointments": 2, "no_shows": 1, "no_show_rate": 0.5 },
    ]);
    assert_eq!(rows(&shop, "no_shows").await, expected);
}

#[rstest]
#[tokio::test]
async fn hours_are_those_of_the_shops_clock(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    march(&shop).await;
    let expected = json!([
        { "weekday": "Friday", "hour": 9, "appointments": 3 },
        { "weekday": "Monday", "hour": 10, "appointments": 1 },
        { "weekday": "Monday", "hour": 23, "appointments": 1 },
        { "weekday": "Wednesday", "hour": 10, "appointments": 1 },
    ]);
    assert_eq!(rows(&shop, "peak_times").await, expected);
    let arguments = json!({ "report": "peak_times", "from": "2025-03-01", "to": "2025-03-31" });
    let reply = shop.call("get_analytics", arguments).await;
    let gist = "The busiest time was Friday from 9 AM on, when 3 visits started.";
    assert_eq!(reply.message(), gist);
}

#[rstest]
#[tokio::test]
async fn durations_are_those_booked_and_those_worked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    march(&shop).await;
    for (status, at) in [("in_progress", 1_000), ("completed", 1_000 + 90 * 60)] {
        let sql = format!(
            "update appointments set status = '{status}', updated_at = {at} \
             where service_type = 'inspection'"
        );
        shop.execute_sql(&sql).await.unwrap();
    }
    let expected = json!([
        { "service_type": "inspection", "appointments": 1, "average_minutes": 60.0,
          "average_worked_minutes": 90.0, "worked_appointments": 1 },
        { "service_type": "oil_change", "appointments": 2, "average_minutes": 60.0 },
        { "service_type": "repair", "appointments": 1, "average_minutes": 60.0 },
    ]);
    assert_eq!(rows(&shop, "average_duration").await, expected);
}

#[rstest]
#[tokio::test]
async fn revenue_is_what_was_received_in_each_month_of_the_shop(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let dollars = invoiced(&shop, customer).await;
    let yen = data::with(crate::billing::invoice(customer), "currency", "JPY");
    let line = json!([{ "description": "Part", "quantity": 1, "unit_price": 5000 }]);
    let yen = shop.call("create_invoice", data::with(yen, "line_items", line)).await;
    let yen = crate::billing::id_of(&yen);
    for (invoice, minor, at) in [
        (dollars, 1_000, "2025-02-28T23:59:59-05:00"),
        (dollars, 2_050, "2025-03-01T00:00:00-05:00"),
        (dollars, 1, "2025-03-31T23:59:59-04:00"),
        (yen, 3_000, "2025-03-15T12:00:00-04:00"),
        (dollars, 5_000, "2025-04-01T00:00:00-04:00"),
    ] {
        let sql = "insert into payments (invoice_id, amount_minor, method, created_at)";
        let at = seconds(&json!(at));
        shop.execute_sql(&format!("{sql} values ({invoice}, {minor}, 'cash', {at})"))
            .await
            .unwrap();
    }
    let march = [
        json!({ "month": "2025-03", "currency": "JPY", "payments": 1, "amount": 3000 }),
        json!({ "month": "2025-03", "currency": "USD", "payments": 2, "amount": 20.51 }),
    ];
    assert_eq!(rows(&shop, "revenue").await, json!(march));
    let all = json!({ "report": "revenue", "from": "1970-01-01", "to": "9999-12-31" });
    let reply = shop.call("get_analytics", all).await;
    let months = reply.success()["rows"].as_array().unwrap().clone();
    let names: Vec<_> = months.iter().map(|row| row["month"].as_str().unwrap()).collect();
    assert_eq!(names, ["2025-02", "2025-03", "2025-03", "2025-04"]);
    assert_eq!(reply.message(), "3000 JPY and 80.51 USD were received in that time.");
}

#[rstest]
#[tokio::test]
async fn a_report_is_of_the_last_90_days_unless_it_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let day = |days| (data::today() - chrono::Days::new(days)).to_string();
    for days in [90, 89, 0] {
        let start = data::out(data::today() - chrono::Days::new(days), "12:00");
        visited(&shop, owner, &start, "repair", "completed").await;
    }
    let report = |more: Value| {
        let mut arguments = json!({ "report": "popular_services" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    for (more, from, to, expected) in [
        (json!({}), day(89), day(0), 2),
        (json!({ "from": day(90) }), day(90), day(0), 3),
        (json!({ "to": day(1) }), day(90), day(1), 2),
        (json!({ "from": "today", "to": "today" }), day(0), day(0), 1),
    ] {
        let reply = shop.call("get_analytics", report(more)).await;
        let data = reply.success();
        assert_eq!([&data["from"], &data["to"]], [&json!(from), &json!(to)]);
        assert_eq!(data["rows"][0]["appointments"], expected, "{data}");
    }
    let hours =
        json!({ "from": data::at(data::today(), "11:00"), "to": data::at(data::today(), "13:00") });
    let reply = shop.call("get_analytics", report(hours)).await;
    assert_eq!(reply.success()["from"], data::out(data::today(), "11:00"));
    assert_eq!(reply.success()["to"], data::out(data::today(), "13:00"));
    for (arguments, told) in [
        (report(json!({ "from": day(0), "to": day(1) })), "from is after to"),
        (report(json!({ "from": "2099-01-01" })), "from is after today"),
        (report(json!({ "from": "soon" })), "from"),
        (json!({}), "report is required"),
        (json!({ "report": "profit" }), "popular_services, peak_times"),
    ] {
        let reply = shop.call("get_analytics", arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains(told), "{}", reply.error());
    }
    for report in ["popular_services", "peak_times", "average_duration", "no_shows", "revenue"] {
        let arguments = json!({ "report": report, "from": "2001-01-01", "to": "2001-12-31" });
        let reply = shop.call("get_analytics", arguments).await;
        assert_eq!(reply.success()["rows"], json!([]));
        assert!(reply.message().starts_with("There were no "), "{}", reply.message());
    }
}

#[rstest]
#[tokio::test]
async fn a_report_says_of_which_time_it_was_asked_for(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    march(&shop).await;
    for (from, to) in [
        ("1970-01-02", "9999-12-31"),
        ("9999-01-01", "9999-12-31"),
        ("4147-08-20", "4147-08-21"),
        ("1970-01-02T00:00:01-05:00", "9999-12-31T23:59:59-05:00"),
    ] {
        for report in ["popular_services", "peak_times", "average_duration", "no_shows", "revenue"]
        {
            let arguments = json!({"report": report, "from": from, "to": to});
            let reply = shop.call("get_analytics", arguments).await;
            let data = reply.success();
            // The last second of a day is told as the day.
            let day = if to.starts_with("9999") { "9999-12-31" } else { to };
            assert_eq!([&data["from"], &data["to"]], [from, day], "{report}");
            let is_none = data["rows"].as_array().unwrap().is_empty();
            assert!(is_none || from.starts_with("1970"), "{report}: {data}");
        }
    }
    let reply = shop.call("get_analytics", json!({"report": "no_shows", "to": "9999-12-31"})).await;
    assert_eq!(reply.success()["from"], "9999-10-03");
}

#[rstest]
#[tokio::test]
async fn revenue_says_that_the_billing_services_payments_are_not_in_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let customer = shop.customer().await;
    let invoice = invoiced(&shop, customer).await;
    let pay = json!({ "invoice_id": invoice, "amount": 5, "method": "cash" });
    shop.call("create_payment", pay).await.success();
    let reply = shop.call("get_analytics", json!({ "report": "revenue" })).await;
    assert_eq!(reply.success()["rows"], json!([]));
    let message =
        "There were no payments in that time. What the billing system recorded is not counted.";
    assert_eq!(reply.message(), message);
    // The other reports are about visits, which are the shop's own.
    let reply = shop.call("get_analytics", json!({ "report": "no_shows" })).await;
    assert!(!reply.message().contains("billing"), "{}", reply.message());
}
