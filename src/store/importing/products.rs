//! Products: few, and known by their SKU.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::rows::NewProduct;
use super::{ImportError, Importer, Outcome, Refused};
use crate::domain::time::Timestamp;
use crate::store::{Session, on};

/// How many products are written in one transaction, and in one statement.
const PRODUCTS_PER_TURN: usize = 2_000;
const PRODUCTS_PER_STATEMENT: usize = 100;

impl Importer<'_> {
    /// Takes products; what is on file under its SKU stays as it is.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn products(&mut self, rows: &[NewProduct]) -> Result<Outcome, ImportError> {
        let mut outcome = Outcome::default();
        for turn in rows.chunks(PRODUCTS_PER_TURN) {
            if self.settings.is_stopping() {
                break;
            }
            let mut session = self.store.write_in_bulk().await?;
            for rows in turn.chunks(PRODUCTS_PER_STATEMENT) {
                let before = session.products_called(rows).await?;
                let mut after = before.clone();
                if before.contains(&None) {
                    session.import_products(rows, self.settings.now).await?;
                    after = session.products_called(rows).await?;
                }
                for (before, after) in before.into_iter().zip(after) {
                    if after.is_some_and(|id| !self.settings.seen.products.insert(id)) {
                        outcome.refused.push((outcome.done, Refused::Repeated));
                    } else if before.is_some() {
                        outcome.known += 1;
                    } else {
                        outcome.added += 1;
                    }
                    outcome.done += 1;
                }
            }
            session.commit().await?;
        }
        Ok(outcome)
    }
}

impl Session {
    /// The products on file that have the rows' SKUs, whatever their case, in the rows' order.
    async fn products_called(&mut self, rows: &[NewProduct]) -> sqlx::Result<Vec<Option<i64>>> {
        let sql = AssertSqlSafe(select_sql(rows.len()));
        on!(self, |db| {
            let mut query =
                sqlx::query_scalar(sql).persistent(rows.len() == PRODUCTS_PER_STATEMENT);
            for row in rows {
                query = query.bind(&*row.sku);
            }
            query.fetch_all(db).await
        })
    }

    /// Puts those of the products on file that are new.
    async fn import_products(&mut self, rows: &[NewProduct], now: Timestamp) -> sqlx::Result<()> {
        let sql = AssertSqlSafe(insert_sql(rows.len()));
        on!(self, |db| {
            // Statements of other lengths do not come again.
            let is_full = rows.len() == PRODUCTS_PER_STATEMENT;
            let mut query = sqlx::query(sql).persistent(is_full).bind(now);
            for row in rows {
                query = query
                    .bind(&*row.sku)
                    .bind(&*row.name)
                    .bind(row.price_minor)
                    .bind(&*row.currency)
                    .bind(row.stock_quantity)
                    .bind(row.category.as_deref());
            }
            query.execute(db).await.map(drop)
        })
    }
}

/// Selects the products that have so many SKUs, in their order, each by the indexes. Two may have one,
/// where they are older than the rule that none have; then it is the one that is written alike.
fn select_sql(count: usize) -> String {
    let skus: Vec<String> = (0..count).map(|place| format!("({place}, ${})", place + 1)).collect();
    format!(
        "select coalesce((select p.id from products p where p.sku = k.column2),
                         (select p.id from products p where lower(p.sku) = lower(k.column2)
                          order by p.sku_place limit 1))
         from (values {}) k
         order by k.column1",
        skus.join(", ")
    )
}

/// Puts so many products on file.
fn insert_sql(count: usize) -> String {
    let mut sql = "insert into products
                       (sku, name, price_minor, currency, stock_quantity, category, created_at,
                        updated_at)
                   values "
        .to_owned();
    for place in 0..count {
        let comma = if place == 0 { "" } else { ", " };
        let values: Vec<String> =
            (1..=6).map(|column| format!("${}", place * 6 + column + 1)).collect();
        let _ = write!(sql, "{comma}({}, $1, $1)", values.join(", "));
    }
    sql + " on conflict do nothing"
}
