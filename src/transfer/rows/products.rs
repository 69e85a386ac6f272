//! Rows of products.csv.

use super::{Fields, ImportedRow};
use crate::domain::money::Currency;
use crate::store::importing::NewProduct;
use crate::transfer::columns::{Column, PRODUCTS};
use crate::transfer::values::{Reading, Reason, amount, whole, wrong};

const SKU: usize = 0;
const NAME: usize = 1;
const PRICE: usize = 2;
const STOCK_QUANTITY: usize = 3;
const CATEGORY: usize = 4;
const CURRENCY: usize = 5;

/// More of one thing than any shop has.
const MAX_STOCK: i64 = 1_000_000_000;

impl ImportedRow for NewProduct {
    const COLUMNS: &'static [Column] = PRODUCTS;

    fn read(row: &Fields<'_>, reading: &Reading) -> Result<Self, Reason> {
        let currency = row.read(CURRENCY, |column, value| {
            Currency::from_code(value)
                .ok_or_else(|| wrong(column, value, "is not a currency's ISO 4217 code"))
        })?;
        let currency = currency.unwrap_or(reading.shop.currency);
        Ok(Self {
            sku: row.needed_name(SKU)?,
            name: row.needed_name(NAME)?,
            price_minor: amount(row.column(PRICE), row.needed(PRICE)?, currency)?,
            currency: currency.code().into(),
            stock_quantity: row
                .read(STOCK_QUANTITY, |column, value| whole(column, value, 0, MAX_STOCK))?
                .unwrap_or_default(),
            category: row.name(CATEGORY)?,
        })
    }
}
