//! Products: few, and known by their SKU.

use super::rows::NewProduct;
use super::{ImportError, Importer, Outcome};
use crate::domain::time::Timestamp;
use crate::store::{Session, on};

/// How many products are written in one transaction.
const PRODUCTS_PER_TURN: usize = 2_000;

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
            for row in turn {
                match session.import_product(row, self.settings.now).await? {
                    1 => outcome.added += 1,
                    _ => outcome.known += 1,
                }
            }
            session.commit().await?;
            outcome.done += turn.len();
        }
        Ok(outcome)
    }
}

impl Session {
    async fn import_product(&mut self, row: &NewProduct, now: Timestamp) -> sqlx::Result<u64> {
        let sql = "insert into products
                       (sku, name, price_minor, currency, stock_quantity, category, created_at,
                        updated_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $7)
                   on conflict do nothing";
        on!(self, |db| sqlx::query(sql)
            .bind(&*row.sku)
            .bind(&*row.name)
            .bind(row.price_minor)
            .bind(&*row.currency)
            .bind(row.stock_quantity)
            .bind(row.category.as_deref())
            .bind(now)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))
    }
}
