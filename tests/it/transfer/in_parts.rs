//! Files that are imported one after another.

use super::{ANN, CUSTOMERS, PRODUCTS, import};
use crate::shop::{Database, Shop};

#[tokio::test]
async fn what_comes_into_an_empty_table_is_looked_for_by_an_index() {
    let shop = Shop::open(Database::Postgres).await;
    import(&shop, &[("customers", format!("{CUSTOMERS}{ANN}"))], &[]).await.complete();
    let sql = "select count(*) from pg_class where relname in ('products', 'customers') and reltuples >= 0";
    assert_eq!(shop.number(sql).await, 1, "nothing is noted of an empty table");
    shop.execute_sql("analyze products").await.unwrap();
    let products: String = (1..=3_000).map(|n| format!("P{n},Part {n},1.50,2,\n")).collect();
    import(&shop, &[("products", format!("{PRODUCTS}{products}"))], &[]).await.complete();
    let read =
        "select coalesce(seq_tup_read, 0) from pg_stat_user_tables where relname = 'products'";
    let read = shop.number(read).await;
    assert!(read < 100_000, "{read} rows were read to find 3,000");
}
