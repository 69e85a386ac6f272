//! Products: few, and known by their SKU.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::rows::NewProduct;
use super::{ImportError, Importer, Outcome};
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
            let mut session = self.store.write().await?;
            for rows in turn.chunks(PRODUCTS_PER_STATEMENT) {
                outcome.added += session.import_products(rows, self.settings.now).await?;
            }
            session.commit().await?;
            outcome.done += turn.len();
        }
        let done = u64::try_from(outcome.done).unwrap_or(u64::MAX);
        outcome.known = done.saturating_sub(outcome.added);
        Ok(outcome)
    }
}

impl Session {
    /// How many of the products were new.
    async fn import_products(&mut self, rows: &[NewProduct], now: Timestamp) -> sqlx::Result<u64> {
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
            query.execute(db).await.map(|done| done.rows_affected())
        })
    }
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
