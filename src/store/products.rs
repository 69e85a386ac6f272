//! Products and their stock.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::id::ProductId;
use crate::domain::money::{Currency, Money};
use crate::domain::product::{MAX_WORDS, key, search_key};
use crate::domain::text::fold;
use crate::domain::time::Timestamp;

/// The most that can be in stock of one product.
pub const MAX_STOCK: i64 = 1_000_000_000_000;

/// A product as the database holds one.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The product's number.
    pub id: ProductId,
    /// The shop's own code for it.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The price of one.
    pub price: Money,
    /// How many are there.
    pub stock_quantity: i64,
    /// The kind of product.
    pub category: Option<String>,
    /// Its id in the remote inventory, where it is kept there.
    pub remote_id: Option<String>,
    /// When that last said something about it.
    pub remote_as_of: Option<Timestamp>,
}

/// A product to be put on file.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// The shop's own code for it.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The price of one.
    pub price: Money,
    /// How many are there.
    pub stock_quantity: i64,
    /// The kind of product.
    pub category: Option<String>,
}

/// Which products are looked for.
#[derive(Clone, Debug)]
pub struct ProductSearch {
    /// What the key matches, all of it.
    pub patterns: [String; MAX_WORDS],
    /// The category, folded.
    pub category: Option<String>,
    /// Whether there are some.
    pub in_stock: Option<bool>,
    /// Only those behind this one.
    pub after: ProductId,
    /// How many at most.
    pub limit: i64,
}

#[derive(FromRow)]
pub(super) struct ProductRow {
    id: ProductId,
    sku: String,
    name: String,
    price_minor: i64,
    currency: String,
    stock_quantity: i64,
    category: Option<String>,
    remote_id: Option<String>,
    remote_as_of: Option<Timestamp>,
}

macro_rules! select_products {
    ($($rest:literal),+) => {
        concat!(
            "select id, sku, name, price_minor, currency, stock_quantity, category, remote_id,
                    remote_as_of
             from products
             where ",
            $($rest),+
        )
    };
}

// `$1` to `$10` are the patterns, the stock, and the page.
macro_rules! search_products {
    ($condition:literal) => {
        select_products!(
            $condition,
            "id > $9 and stock_quantity between $7 and $8
               and coalesce(search_key, lower(sku || ' ' || name)) like $1 escape '\\'
               and coalesce(search_key, lower(sku || ' ' || name)) like $2 escape '\\'
               and coalesce(search_key, lower(sku || ' ' || name)) like $3 escape '\\'
               and coalesce(search_key, lower(sku || ' ' || name)) like $4 escape '\\'
               and coalesce(search_key, lower(sku || ' ' || name)) like $5 escape '\\'
               and coalesce(search_key, lower(sku || ' ' || name)) like $6 escape '\\'
             order by id
             limit $10"
        )
    };
}

pub(super) const BY_ID: &str = select_products!("id = $1");
/// As it is written, before those that differ in letter case.
pub(super) const BY_SKU: &str = select_products!(
    "lower(sku) = lower($1) order by case sku when $1 then 0 else 1 end, id limit 1"
);
pub(super) const SEARCH: &str = search_products!("");
pub(super) const SEARCH_CATEGORY: &str =
    search_products!("coalesce(category_key, lower(category)) = $11 and ");
pub(super) const UNFOLDED: &str =
    "select id, sku, name, category from products where search_key is null order by id limit $1";
pub(super) const SKUS: &str = "select lower(sku) from products where lower(sku) in (";

/// How many products are folded in one statement.
const FOLDED_AT_ONCE: usize = 500;

impl Session {
    /// The product with this number.
    pub async fn product(&mut self, id: ProductId) -> sqlx::Result<Option<Product>> {
        let row: Option<ProductRow> =
            on!(self, |db| sqlx::query_as(BY_ID).bind(id).fetch_optional(db).await)?;
        row.map(ProductRow::into_product).transpose()
    }

    /// The product with this SKU; letter case does not count, unless there are several.
    pub async fn product_by_sku(&mut self, sku: &str) -> sqlx::Result<Option<Product>> {
        let row: Option<ProductRow> =
            on!(self, |db| sqlx::query_as(BY_SKU).bind(sku).fetch_optional(db).await)?;
        row.map(ProductRow::into_product).transpose()
    }

    /// The products that are looked for, in the order in which they were put on file.
    pub async fn search_products(&mut self, search: &ProductSearch) -> sqlx::Result<Vec<Product>> {
        let sql = if search.category.is_some() { SEARCH_CATEGORY } else { SEARCH };
        let (least, most) = match search.in_stock {
            None => (0, i64::MAX),
            Some(true) => (1, i64::MAX),
            Some(false) => (0, 0),
        };
        let rows: Vec<ProductRow> = on!(self, |db| {
            let mut query = sqlx::query_as(sql);
            for pattern in &search.patterns {
                query = query.bind(pattern);
            }
            let query = query.bind(least).bind(most).bind(search.after).bind(search.limit);
            match &search.category {
                Some(category) => query.bind(category).fetch_all(db).await,
                None => query.fetch_all(db).await,
            }
        })?;
        rows.into_iter().map(ProductRow::into_product).collect()
    }

    /// Puts a product on file; fails as a unique violation where the SKU is another one's.
    pub async fn insert_product(
        &mut self,
        new: &NewProduct,
        now: Timestamp,
    ) -> sqlx::Result<Product> {
        let sql = "insert into products
                       (sku, name, price_minor, currency, stock_quantity, category, search_key,
                        category_key, created_at, updated_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
                   returning id, sku, name, price_minor, currency, stock_quantity, category,
                             remote_id, remote_as_of";
        let row: ProductRow = on!(self, |db| sqlx::query_as(sql)
            .bind(&new.sku)
            .bind(&new.name)
            .bind(new.price.minor)
            .bind(new.price.currency.code())
            .bind(new.stock_quantity)
            .bind(&new.category)
            .bind(search_key(&new.sku, &new.name))
            .bind(new.category.as_deref().map(key))
            .bind(now)
            .fetch_one(db)
            .await)?;
        row.into_product()
    }

    /// Changes the stock by `delta`; `None` where there is no such product, or where it would be below
    /// zero or more than there can be.
    pub async fn move_stock(
        &mut self,
        id: ProductId,
        delta: i64,
        reason: &str,
        now: Timestamp,
    ) -> sqlx::Result<Option<Product>> {
        let sql = "update products
                   set stock_quantity = stock_quantity + $2, stock_reason = $3, updated_at = $4
                   where id = $1 and stock_quantity + $2 between 0 and $5
                   returning id, sku, name, price_minor, currency, stock_quantity, category,
                             remote_id, remote_as_of";
        let row: Option<ProductRow> = on!(self, |db| sqlx::query_as(sql)
            .bind(id)
            .bind(delta)
            .bind(reason)
            .bind(now)
            .bind(MAX_STOCK)
            .fetch_optional(db)
            .await)?;
        row.map(ProductRow::into_product).transpose()
    }

    /// Those of the SKUs, in lower case, that no product has.
    pub async fn unknown_skus(&mut self, skus: &[&str]) -> sqlx::Result<Vec<String>> {
        if skus.is_empty() {
            return Ok(Vec::new());
        }
        let known: Vec<String> = on!(self, |db| {
            let mut select = sqlx::QueryBuilder::new(SKUS);
            let mut list = select.separated(", ");
            for sku in skus {
                list.push("lower(").push_bind_unseparated(*sku).push_unseparated(")");
            }
            select.push(")");
            select.build_query_scalar().fetch_all(db).await
        })?;
        let is_unknown = |sku: &&&str| !known.iter().any(|known| fold(known) == fold(sku));
        Ok(skus.iter().filter(is_unknown).map(|sku| (*sku).to_owned()).collect())
    }

    /// Whether there are products that another program wrote, so that search does not know them well.
    pub async fn has_unfolded_products(&mut self) -> sqlx::Result<bool> {
        let rows: Vec<(i64, String, String, Option<String>)> =
            on!(self, |db| sqlx::query_as(UNFOLDED).bind(1_i64).fetch_all(db).await)?;
        Ok(!rows.is_empty())
    }

    /// Makes up to `limit` of them known to search.
    pub async fn fold_products(&mut self, limit: i64) -> sqlx::Result<()> {
        let rows: Vec<(i64, String, String, Option<String>)> =
            on!(self, |db| sqlx::query_as(UNFOLDED).bind(limit).fetch_all(db).await)?;
        for rows in rows.chunks(FOLDED_AT_ONCE) {
            on!(self, |db| {
                let mut update = sqlx::QueryBuilder::new(
                    "update products
                     set search_key = folded.column2, category_key = folded.column3
                     from (",
                );
                update.push_values(rows, |mut row, (id, sku, name, category)| {
                    row.push_bind(*id)
                        .push_bind(search_key(sku, name))
                        .push_bind(category.as_deref().map(key));
                });
                update.push(") as folded where products.id = folded.column1");
                update.build().execute(db).await.map(drop)
            })?;
        }
        Ok(())
    }
}

impl ProductRow {
    pub(super) fn into_product(self) -> sqlx::Result<Product> {
        let currency: Currency = super::invoices::currency(&self.currency)?;
        Ok(Product {
            id: self.id,
            sku: self.sku,
            name: self.name,
            price: Money { minor: self.price_minor, currency },
            stock_quantity: self.stock_quantity,
            category: self.category,
            remote_id: self.remote_id,
            remote_as_of: self.remote_as_of,
        })
    }
}
