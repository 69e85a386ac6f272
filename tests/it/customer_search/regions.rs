//! The index keeps few customers in one row and many in a row for each block, over any range of numbers.

use rstest::rstest;
use serde_json::{Value, json};

use super::indexing::{migrate, search_patiently};
use super::{by_query, ids};
use crate::shop::{Database, Shop};

/// More than a row takes.
const MANY: i64 = 4_500;
/// The numbers from here on are kept in other rows.
const SECOND_REGION: i64 = 1 << 22;

/// Puts customers with these numbers on file past the server, and has the index catch up.
async fn put(shop: &Shop, first: i64, count: i64, name: &str) {
    let last = first + count - 1;
    let sql = format!(
        "with recursive n (i) as (select {first} union all select i + 1 from n where i < {last})
         insert into customers (id, first_name, last_name, email, email_key, phone_number, created_at)
         select i, '{name}', 'Nr' || i, 'x' || i || '@example.com', 'x' || i || '@example.com',
                '+1' || (2125550000 + i), i
         from n"
    );
    shop.execute_sql(&sql).await.unwrap();
    migrate(shop).await;
}

/// All whom a query finds, page by page.
async fn all(shop: &Shop, query: &str) -> Vec<i64> {
    let mut found = Vec::new();
    let mut arguments = json!({ "query": query, "limit": 100 });
    loop {
        let reply = search_patiently(shop, arguments.clone()).await;
        let data = reply.success();
        found.extend(ids(data));
        match &data["next_cursor"] {
            Value::Null => return found,
            cursor => arguments["cursor"] = cursor.clone(),
        }
    }
}

fn newest_first(ranges: impl IntoIterator<Item = (i64, i64)>) -> Vec<i64> {
    let mut ids: Vec<i64> =
        ranges.into_iter().flat_map(|(first, count)| first..first + count).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids
}

/// How many rows a term has for regions, how many of them are empty, and how many for blocks.
async fn rows(shop: &Shop, term: &str) -> [i64; 3] {
    let mut counts = [0; 3];
    for (count, condition) in
        counts.iter_mut().zip(["block < 0", "block < 0 and length(customers) = 0", "block >= 0"])
    {
        let sql =
            format!("select count(*) from search_postings where term = '{term}' and {condition}");
        *count = shop.number(&sql).await;
    }
    counts
}

#[rstest]
#[tokio::test]
async fn a_row_that_becomes_too_long_is_kept_by_block(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("search_customers", json!({})).await.success();
    // In two blocks.
    let few = (64_000, 4_000);
    put(&shop, few.0, few.1, "Xenia").await;
    assert_eq!(rows(&shop, "xen").await, [1, 0, 0]);
    assert_eq!(all(&shop, "xenia").await, newest_first([few]));
    let more = (150_000, 500);
    put(&shop, more.0, more.1, "Xenia").await;
    assert_eq!(rows(&shop, "xen").await, [1, 1, 3]);
    assert_eq!(all(&shop, "xenia").await, newest_first([few, more]));
    // To rows by block, too, is added what comes later.
    let last = (70_000, 10);
    put(&shop, last.0, last.1, "Xenia").await;
    put(&shop, 71_000, 1, "Quirin").await;
    assert_eq!(rows(&shop, "xen").await, [1, 1, 3]);
    assert_eq!(all(&shop, "xenia").await, newest_first([few, more, last]));
    assert_eq!(by_query(&shop, "xenia nr64123").await, [64_123]);
    assert_eq!(by_query(&shop, "quirin").await, [71_000]);
    assert_eq!(by_query(&shop, "xenia quirin").await, [0_i64; 0]);
}

#[rstest]
#[tokio::test]
async fn customers_of_all_regions_are_found_newest_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("search_customers", json!({})).await.success();
    // Many in the oldest region, many across the next border, and a few far from all others.
    let ranges = [(1, MANY), (SECOND_REGION - 20, MANY + 20), (5 * SECOND_REGION, 15)];
    put(&shop, ranges[0].0, ranges[0].1, "Xenia").await;
    put(&shop, ranges[1].0, ranges[1].1, "Xenia").await;
    assert_eq!(all(&shop, "xenia").await, newest_first(ranges[..2].iter().copied()));
    put(&shop, ranges[2].0, ranges[2].1, "Xenia").await;
    let quirins = [(MANY + 10, 1), (SECOND_REGION - 30, 2), (5 * SECOND_REGION + 20, 1)];
    for (first, count) in quirins {
        put(&shop, first, count, "Quirin").await;
    }
    assert_eq!(rows(&shop, "xen").await, [3, 2, 3]);
    assert_eq!(all(&shop, "xenia").await, newest_first(ranges));
    assert_eq!(all(&shop, "quirin").await, newest_first(quirins));
    assert_eq!(by_query(&shop, "quirin nr4510").await, [4_510]);
    assert_eq!(by_query(&shop, "xenia nr4194310").await, [SECOND_REGION + 6]);
    assert_eq!(by_query(&shop, "xenia nr17").await.first(), Some(&1_799));
    assert_eq!(by_query(&shop, "+12125550003").await, [3]);
}
