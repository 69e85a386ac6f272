//! Products that a remote inventory keeps, beside the shop's own.

use super::products::{Product, ProductRow};
use super::{Session, on};
use crate::domain::id::ProductId;
use crate::domain::product::{key, search_key};
use crate::domain::remote::product::RemoteProduct;
use crate::domain::text::fold;
use crate::domain::time::Timestamp;

/// How many products are looked up or written in one statement.
const AT_ONCE: usize = 100;

pub(super) const REMOTE_AS_OF: &str =
    "select min(remote_as_of) from products where remote_as_of is not null";

/// Ids follow, and then [`OR_SKUS`].
pub(super) const WITH_REMOTE_IDS: &str =
    "select id, sku, name, price_minor, currency, stock_quantity, category, remote_id, remote_as_of
     from products where remote_id in (";
/// SKUs in lower case follow, and a bracket.
pub(super) const OR_SKUS: &str = ") or lower(sku) in (";

impl Session {
    /// The products on file that have the id or the SKU of one of these.
    pub async fn products_like(&mut self, said: &[RemoteProduct]) -> sqlx::Result<Vec<Product>> {
        let mut products = Vec::new();
        for said in said.chunks(AT_ONCE) {
            let rows: Vec<ProductRow> = on!(self, |db| {
                let mut select = sqlx::QueryBuilder::new(WITH_REMOTE_IDS);
                let mut ids = select.separated(", ");
                for product in said {
                    ids.push_bind(&product.remote_id);
                }
                select.push(OR_SKUS);
                let mut skus = select.separated(", ");
                for product in said {
                    skus.push("lower(").push_bind_unseparated(&product.sku).push_unseparated(")");
                }
                select.push(") order by id");
                select.build_query_as().fetch_all(db).await
            })?;
            for row in rows {
                products.push(row.into_product()?);
            }
        }
        Ok(products)
    }

    /// The products with these numbers, in this order.
    pub async fn products_by_id(&mut self, ids: &[ProductId]) -> sqlx::Result<Vec<Product>> {
        let mut rows: Vec<ProductRow> = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            let more: Vec<ProductRow> = on!(self, |db| {
                let mut select = sqlx::QueryBuilder::new(
                    "select id, sku, name, price_minor, currency, stock_quantity, category, remote_id,
                            remote_as_of
                     from products where id in (",
                );
                let mut list = select.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                select.push(")");
                select.build_query_as().fetch_all(db).await
            })?;
            rows.extend(more);
        }
        let mut products =
            rows.into_iter().map(ProductRow::into_product).collect::<sqlx::Result<Vec<_>>>()?;
        products.sort_by_key(|product| ids.iter().position(|id| *id == product.id));
        Ok(products)
    }

    /// Since when nothing of the inventory is known for sure any more: when it last spoke of the product
    /// of which it has not spoken for the longest time; `None` where it never spoke.
    pub async fn remote_products_as_of(&mut self) -> sqlx::Result<Option<Timestamp>> {
        on!(self, |db| sqlx::query_scalar(REMOTE_AS_OF).fetch_one(db).await)
    }

    /// The shop's own products with these numbers are the inventory's from now on.
    pub async fn link_products(
        &mut self,
        links: &[(ProductId, String)],
        now: Timestamp,
    ) -> sqlx::Result<()> {
        for links in links.chunks(AT_ONCE) {
            on!(self, |db| {
                let mut update = sqlx::QueryBuilder::new("update products set remote_as_of = ");
                update.push_bind(now).push(", remote_id = linked.column2 from (");
                update.push_values(links, |mut row, (id, remote_id)| {
                    row.push_bind(*id).push_bind(remote_id);
                });
                update.push(") as linked where products.id = linked.column1");
                update.build().execute(db).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Takes over what the inventory says; a change of stock is kept with this reason.
    pub async fn keep_products(
        &mut self,
        said: &[RemoteProduct],
        reason: &str,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        for said in said.chunks(AT_ONCE) {
            on!(self, |db| {
                let mut upsert = sqlx::QueryBuilder::new(
                    "insert into products
                         (remote_id, sku, name, price_minor, currency, stock_quantity, stock_reason,
                          category, search_key, category_key, created_at, updated_at, remote_as_of) ",
                );
                upsert.push_values(said, |mut row, product| {
                    row.push_bind(&product.remote_id)
                        .push_bind(&product.sku)
                        .push_bind(&product.name)
                        .push_bind(product.price.minor)
                        .push_bind(product.price.currency.code())
                        .push_bind(product.stock_quantity)
                        .push_bind((product.stock_quantity != 0).then_some(reason))
                        .push_bind(&product.category)
                        .push_bind(search_key(&product.sku, &product.name))
                        .push_bind(product.category.as_deref().map(key))
                        .push_bind(now)
                        .push_bind(now)
                        .push_bind(now);
                });
                upsert.push(
                    " on conflict (remote_id) where remote_id is not null do update
                      set sku = excluded.sku, name = excluded.name, price_minor = excluded.price_minor,
                          currency = excluded.currency, stock_quantity = excluded.stock_quantity,
                          stock_reason = case when products.stock_quantity <> excluded.stock_quantity
                                              then ",
                );
                upsert.push_bind(reason).push(
                    " end,
                          category = excluded.category, search_key = excluded.search_key, category_key = excluded.category_key,
                          updated_at = excluded.updated_at, remote_as_of = excluded.remote_as_of",
                );
                upsert.build().execute(db).await.map(drop)
            })?;
        }
        Ok(())
    }
}

impl Product {
    /// Whether this is just what the inventory says of it.
    pub fn is_as(&self, said: &RemoteProduct) -> bool {
        self.remote_id.as_ref() == Some(&said.remote_id)
            && self.sku == said.sku
            && self.name == said.name
            && self.price == said.price
            && self.stock_quantity == said.stock_quantity
            && self.category == said.category
    }

    /// Whether it has this SKU; letter case does not count.
    pub fn has_sku(&self, sku: &str) -> bool {
        fold(&self.sku) == fold(sku)
    }
}
