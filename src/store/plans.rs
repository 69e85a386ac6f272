//! That the queries of scheduling find their rows by an index, on a shop with many of them.

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::customer_search::{self, IN_BLOCKS};
use super::{
    Store, appointments, calendar, crm, customers, invoices, merging, payments, products,
    reminders, remote_changes, remote_invoices, remote_payments, remote_products, reports,
    reservations, search, tickets,
};
use crate::config::{Config, DatabaseUrl, SqlitePath};

/// The queries, and how many parameters each has.
const QUERIES: [(&str, &str, usize); 61] = [
    ("a customer", customers::CUSTOMER_BY_ID, 1),
    ("customers by phone", customers::CUSTOMERS_BY_PHONE, 1),
    ("a customer by e-mail", customers::CUSTOMER_BY_EMAIL, 1),
    ("a customer by CRM id", customers::CUSTOMER_BY_CRM_ID, 1),
    ("what a merge moves", merging::HOLDINGS, 1),
    ("a day's reservations", reservations::RESERVED, 4),
    ("a visit's", reservations::VISIT, 9),
    ("a day's reservations and blocks", reservations::RESERVED_OR_BLOCKED, 4),
    ("a visit's and blocks", reservations::VISIT_WITH_BLOCKS, 9),
    ("an appointment", appointments::BY_ID, 1),
    ("a hold's appointment", appointments::BY_HOLD, 1),
    ("upcoming appointments", appointments::UPCOMING, 5),
    ("all of a customer's", appointments::ALL, 4),
    ("appointments by time", search::BY_TIME, 9),
    ("appointments by customer", search::BY_CUSTOMER, 10),
    ("appointments by VIN", search::BY_VIN, 13),
    ("open appointments", search::OPEN, 5),
    ("due reminders", search::DUE, 3),
    ("attempts to remind", reminders::ATTEMPTS_OF, 2),
    ("a ticket", tickets::TICKET, 1),
    ("tickets of a customer", tickets::TICKETS, 6),
    ("how many tickets", tickets::TICKET_COUNT, 3),
    ("tickets of the CRM", crm::CRM_TICKETS, 2),
    ("how many tickets of the CRM", crm::CRM_TICKET_COUNT, 3),
    ("an invoice", invoices::INVOICE, 2),
    ("invoices of a customer", invoices::INVOICES, 7),
    ("payments on an invoice", payments::PAYMENTS, 2),
    ("a repeated payment", payments::LIKE_PAYMENT, 5),
    ("a product", products::BY_ID, 1),
    ("a product by SKU", products::BY_SKU, 1),
    ("products in their order", products::SEARCH, 10),
    ("products of a category", products::SEARCH_CATEGORY, 11),
    ("new products", products::UNFOLDED, 1),
    ("visits by service", reports::COUNTS, 2),
    ("visits by time", reports::STARTS, 3),
    ("how long visits take", reports::DURATIONS, 3),
    ("a month's payments", reports::REVENUE_OF_A_MONTH, 3),
    ("newest customers", customer_search::NEWEST_CUSTOMERS, 3),
    ("customers by VIN", customer_search::BY_VIN, 5),
    ("a few candidates", customer_search::FEW, 17),
    ("many candidates", customer_search::MANY, 65),
    ("grams among the newest", customer_search::NEWEST, 14),
    ("grams in a region", customer_search::IN_REGION, 13),
    ("customers with a gram", IN_BLOCKS[0], 3),
    ("customers with two grams", IN_BLOCKS[1], 4),
    ("customers with four grams", IN_BLOCKS[3], 6),
    ("the calendar", calendar::STATE, 0),
    ("marks that are due", calendar::DUE, 2),
    ("conflicts with the calendar", calendar::CONFLICTS, 4),
    ("visits to come", calendar::TO_COME, 4),
    ("an invoice of the billing service", remote_invoices::REMOTE_INVOICE, 1),
    ("a customer's invoices there", remote_invoices::REMOTE_INVOICES, 2),
    ("payments on an invoice there", remote_payments::REMOTE_PAYMENTS, 2),
    ("a payment on an invoice there", remote_payments::REMOTE_PAYMENT, 2),
    ("the last invoice there", remote_invoices::LAST_INVOICE, 0),
    ("the last payment there", remote_payments::LAST_PAYMENT, 0),
    ("what a customer paid there", remote_invoices::COUNT_BILLING, 1),
    ("the inventory's oldest news", remote_products::REMOTE_AS_OF, 0),
    ("whether a remote change is under way", remote_changes::BUSY, 2),
    ("a remote change of unknown outcome", remote_changes::TAKE_UP, 3),
    ("customers to index", customer_search::RECORDS_TO_INDEX, 4),
];

/// Tables that grow with the years; `resources` and `holds` do not.
const LARGE: [&str; 17] = [
    "appointments",
    "reservations",
    "customers",
    "vehicles",
    "reminders",
    "tickets",
    "ticket_comments",
    "invoices",
    "invoice_items",
    "payments",
    "products",
    "search_postings",
    "calendar_events",
    "calendar_blocks",
    "remote_changes",
    "remote_invoices",
    "remote_payments",
];

/// Half hours in 20 bays, one visit each, 40,000 in all; `reservations` as the triggers fill it,
/// which are off, since they would take long. As many customers as a large shop has.
const FILL: [&str; 18] = [
    "insert into resources (id, kind, name) select n, 'bay', 'Bay ' || n from numbers where n <= 20",
    "insert into customers (id, first_name, last_name, phone_number, created_at)
     select n, 'Ann', 'Lee', '+1202' || (5550000 + n), 0 from numbers where n <= 20000",
    "insert into vehicles (id, customer_id, vin, year, make, model, is_primary, created_at)
     select n, n, substr('1HGCM826000000000', 1, 17 - length(n || '')) || n, 2020, 'Honda',
            'Accord', 1 = 1, 0
     from numbers where n <= 20000",
    "insert into appointments (id, customer_id, vehicle_id, bay_id, starts_at, ends_at,
            reserved_until, service_type, status, booking_method, booked_by, created_at, updated_at)
     select n, 1 + n % 20000, 1 + n % 20000, 1 + n % 20, 1800000000 + n / 20 * 1800,
            1800000000 + n / 20 * 1800 + 1800, 1800000000 + n / 20 * 1800 + 1800, 'oil_change',
            'scheduled', 'ai_voice', 'AI', 0, 0
     from numbers",
    "insert into reservations (resource_id, starts_at, ends_at, appointment_id)
     select bay_id, starts_at, reserved_until, id from appointments",
    "insert into reminders (appointment_id, channel, outcome, sent_at)
     select n, 'call', 'no_answer', 0 from numbers where n <= 20000",
    "insert into tickets (id, customer_id, subject, priority, status, created_at, updated_at)
     select n, n % 10000 + 1, 'Call back', 'normal', 'open', n, n from numbers where n <= 20000",
    "insert into ticket_comments (ticket_id, said_at, author, said)
     select n, n, 'AI', 'Done.' from numbers where n <= 20000",
    "insert into invoices (id, customer_id, currency, amount_minor, paid_minor, created_at)
     select n, n % 10000 + 1, 'USD', 1000, 500, 1800000000 + n * 600 from numbers where n <= 20000",
    "insert into invoice_items (invoice_id, position, description, quantity_milli,
            unit_price_minor, amount_minor)
     select n, 1, 'Labor', 1000, 1000, 1000 from numbers where n <= 20000",
    "insert into payments (invoice_id, amount_minor, method, created_at)
     select n, 500, 'card', 1800000000 + n * 600 from numbers where n <= 20000",
    "insert into products (id, sku, name, price_minor, currency, search_key, category_key,
            created_at, updated_at)
     select n, 'S' || n, 'Part', 100, 'USD', 's' || n || ' part', 'c' || n % 100, 0, 0
     from numbers where n <= 20000",
    "insert into search_postings (term, block, customers)
     select 'g' || n % 2000, n / 2000, cast('' as bytea) from numbers",
    "insert into calendar_events (appointment_id, written, event_id, starts_at, ends_at, staff_did)
     select id, 1, 'sb' || id, starts_at, ends_at, case when id % 1000 = 0 then 'deleted' end
     from appointments",
    "insert into calendar_blocks (event, starts_at, ends_at, resource_id)
     select 'e' || n, 1800000000 + n * 3600, 1800000000 + n * 3600 + 1800, 0
     from numbers where n <= 20000",
    "insert into remote_changes (key, request, first_asked_at, last_asked_at, busy_until)
     select 'k' || n, 'r' || n, 0, 0, 0 from numbers where n <= 20000",
    "insert into remote_invoices (id, remote_id, customer_id, remote_customer, currency,
            amount_minor, paid_minor, status, created_at, line_items, as_of)
     select 1000000000 + n, 'i' || n, n % 10000 + 1, 'c' || n % 10000, 'USD', 1000, 500, 'pending',
            n, '[]', n
     from numbers where n <= 20000",
    "insert into remote_payments (id, invoice_id, remote_id, amount_minor, method, created_at)
     select 1000000000 + n, 1000000000 + n, 'p', 500, 'card', n from numbers where n <= 20000",
];

/// All of them, also those that are put together for as many values as there are.
fn queries() -> Vec<(&'static str, String, usize)> {
    let fixed = QUERIES.into_iter().map(|(name, sql, count)| (name, sql.to_owned(), count));
    let lists = [
        ("SKUs on file", format!("{}lower($1), lower($2))", products::SKUS), 2),
        ("invoices by their ids", format!("{}$1, $2)", remote_invoices::KNOWN_INVOICES), 2),
        (
            "products of the inventory",
            format!(
                "{}$1, $2{}lower($3), lower($4)) order by id",
                remote_products::WITH_REMOTE_IDS,
                remote_products::OR_SKUS
            ),
            4,
        ),
        (
            "tickets that are gone",
            format!("{}$1{}$2, $3)", crm::DELETE_CRM_TICKETS, crm::AND_CRM_TICKETS),
            3,
        ),
    ];
    fixed.chain(lists).collect()
}

/// A scan of a large table, in what SQLite calls a plan: `SCAN a`, without `USING INDEX`.
fn reads_all_of_sqlite(line: &str) -> bool {
    let aliases = ["a", "b", "c", "d", "e", "i", "m", "r", "s", "v"];
    // Nothing else is in that index than what is looked for.
    if line.ends_with("USING INDEX products_unfolded") {
        return false;
    }
    let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
    scanned.is_some_and(|table| LARGE.contains(&table) || aliases.contains(&table))
}

#[tokio::test]
async fn sqlite_finds_the_rows_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
    Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
    // No rows are needed: without statistics, SQLite plans by the schema alone.
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    for (name, sql, _) in queries() {
        let explain = AssertSqlSafe(format!("explain query plan {sql}"));
        let rows = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let scan = plan.iter().find(|line| reads_all_of_sqlite(line));
        assert_eq!(scan, None, "{name}: {plan:#?}");
    }
}

#[tokio::test]
async fn postgres_finds_the_rows_by_an_index() {
    let server = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    let server = server.expect("TEST_POSTGRES_URL is not set: run scripts/test");
    let server: PgConnectOptions = server.parse().unwrap();
    let name = format!("servicebay_plans_{}", std::process::id());
    let mut admin = server.connect().await.unwrap();
    let run = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql));
    run(format!("create database {name} template template0")).execute(&mut admin).await.unwrap();
    let own = server.clone().database(&name);
    let plans = tokio::spawn(async move { postgres_plans(own).await }).await;
    run(format!("drop database {name} with (force)")).execute(&mut admin).await.unwrap();
    for (name, plan) in plans.unwrap() {
        let scans_all = |table| plan.contains(&format!("Seq Scan on {table}"));
        assert!(!LARGE.into_iter().any(scans_all), "{name}: {plan}");
    }
}

/// The plans that Postgres keeps for prepared queries, whatever their parameters.
async fn postgres_plans(own: PgConnectOptions) -> Vec<(&'static str, String)> {
    let url = DatabaseUrl::Postgres(own.to_url_lossy().to_string());
    Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
    let mut connection = own.connect().await.unwrap();
    let mut setup = vec![
        "set session_replication_role = replica".to_owned(),
        "delete from resources".to_owned(),
        "create temp table numbers as select generate_series(1, 40000) as n".to_owned(),
    ];
    setup.extend(FILL.map(str::to_owned));
    setup.push("analyze".to_owned());
    setup.push("set plan_cache_mode = force_generic_plan".to_owned());
    for sql in setup {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let mut plans = Vec::new();
    for (number, (name, sql, parameters)) in queries().into_iter().enumerate() {
        let nulls = vec!["null"; parameters].join(", ");
        let values = if parameters == 0 { String::new() } else { format!("({nulls})") };
        let explain = format!("prepare q{number} as {sql}; explain execute q{number}{values}");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        plans.push((name, lines.join("\n")));
    }
    connection.close().await.unwrap();
    plans
}
