//! A product as a remote inventory describes one.

use serde_json::Value;

use super::{Context, Fields, Unusable, Warnings, list};
use crate::domain::money::{Currency, MAX_PRICE_MINOR, Money};
use crate::domain::text::{self, fold};

const WRAPPERS: [&str; 6] = ["product", "data", "result", "item", "products", "items"];
const LISTS: [&str; 5] = ["products", "data", "items", "results", "result"];
const ID: [&str; 2] = ["product_id", "id"];
/// The most products of one answer that are read.
const MAX_PRODUCTS: usize = 100;
/// The longest cursor that is passed on.
const MAX_CURSOR: usize = 80;
/// The most that can be in stock of one product.
const MAX_STOCK: i64 = 1_000_000_000_000;

/// Which product the inventory was asked about.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// The one with this id.
    Id(&'a str),
    /// The one with this SKU; letter case does not count.
    Sku(&'a str),
}

/// What an inventory says of a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteProduct {
    /// The id in the inventory.
    pub remote_id: String,
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

/// What an inventory found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RemoteProducts {
    /// The products, in its order.
    pub products: Vec<RemoteProduct>,
    /// What leads to more.
    pub next_cursor: Option<String>,
    /// What was left out.
    pub warnings: Warnings,
}

impl RemoteProduct {
    /// Reads an answer about one product; `None` where it says that there is none.
    ///
    /// # Errors
    /// Where it is no product with a price and a stock, or another one than was asked for.
    pub fn read(
        answer: &Value,
        asked: Option<Asked<'_>>,
        context: Context<'_>,
    ) -> Result<Option<(Self, Warnings)>, Unusable> {
        let Some(fields) = Fields::find(answer, &WRAPPERS, &ID)? else { return Ok(None) };
        let mut warnings = Warnings::default();
        let product = Self::read_fields(fields, context, &mut warnings)?;
        let is_another = match asked {
            Some(Asked::Id(id)) => product.remote_id != id,
            Some(Asked::Sku(sku)) => fold(&product.sku) != fold(sku),
            None => false,
        };
        if is_another { Err(Unusable::Another) } else { Ok(Some((product, warnings))) }
    }

    fn read_fields(
        fields: Fields<'_>,
        context: Context<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, Unusable> {
        let name = |names: &[&str]| fields.text(names).and_then(|text| text::name(&text).ok());
        let remote_id = name(&ID).ok_or(Unusable::NoId)?;
        let sku = name(&["sku", "code"]).ok_or(Unusable::NoId)?;
        let currency = match fields.text(&["currency"]) {
            Some(code) => Currency::from_code(&code.to_ascii_uppercase()),
            None => Some(context.currency),
        };
        let price = fields.number(&["price", "unit_price"]).zip(currency);
        let price = price.and_then(|(number, currency)| {
            Money::read(&number, currency, (0, MAX_PRICE_MINOR)).ok()
        });
        let stock = fields.whole(&["stock_quantity", "stock", "quantity", "on_hand"]);
        let (Some(price), Some(stock)) = (price, stock.filter(|stock| *stock <= MAX_STOCK)) else {
            return Err(Unusable::NoRecord);
        };
        if stock < 0 {
            let service = context.service;
            warnings
                .add(format!("The {service} has less than none of {sku}; it is taken for none."));
        }
        Ok(Self {
            remote_id,
            name: name(&["name", "title"]).unwrap_or_else(|| sku.clone()),
            sku,
            price,
            stock_quantity: stock.max(0),
            category: fields.read(&["category", "type"], (context, warnings), text::name),
        })
    }
}

impl RemoteProducts {
    /// Reads a list of products.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(answer: &Value, context: Context<'_>) -> Result<Self, Unusable> {
        let items = list(answer, &LISTS)?;
        let mut read = Self::default();
        for item in items.iter().take(MAX_PRODUCTS) {
            let product = item.as_object().ok_or(Unusable::NoRecord).and_then(|object| {
                RemoteProduct::read_fields(Fields(object), context, &mut read.warnings)
            });
            match product {
                Ok(product) => {
                    let is_same = |other: &RemoteProduct| {
                        other.remote_id == product.remote_id
                            || fold(&other.sku) == fold(&product.sku)
                    };
                    if !read.products.iter().any(is_same) {
                        read.products.push(product);
                    }
                }
                Err(unusable) => {
                    let why = format!("has one that cannot be used: {}", unusable.reason());
                    read.warnings.left_out(context, "list of products", why);
                }
            }
        }
        if read.products.is_empty() && !items.is_empty() {
            return Err(Unusable::NoRecord);
        }
        let cursor = answer.as_object().and_then(|object| Fields(object).text(&["next_cursor"]));
        let is_plain = |c: char| c.is_ascii_graphic();
        read.next_cursor =
            cursor.filter(|cursor| cursor.len() <= MAX_CURSOR && cursor.chars().all(is_plain));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::time::Timestamp;

    const CONTEXT: Context<'_> = Context {
        service: "inventory service",
        region: "US",
        currency: Currency::USD,
        zone: chrono_tz::UTC,
        now: Timestamp(1_800_000_000),
    };

    fn read(answer: &Value, asked: Asked<'_>) -> Result<Option<RemoteProduct>, Unusable> {
        let read = RemoteProduct::read(answer, Some(asked), CONTEXT)?;
        Ok(read.map(|(product, _)| product))
    }

    #[test]
    fn a_product_is_read_in_several_shapes() {
        let filter = RemoteProduct {
            remote_id: "P-1".to_owned(),
            sku: "OF-1".to_owned(),
            name: "Oil Filter".to_owned(),
            price: Money { minor: 1_295, currency: Currency::USD },
            stock_quantity: 7,
            category: Some("filters".to_owned()),
        };
        for answer in [
            json!({"product_id": "P-1", "sku": "OF-1", "name": "Oil Filter", "price": 12.95,
                   "stock_quantity": 7, "available": true, "category": "filters"}),
            json!({"data": {"product": {"id": "P-1", "code": "OF-1", "title": "Oil Filter",
                   "unit_price": "12.95", "currency": "usd", "on_hand": "7.0", "type": "filters"}}}),
        ] {
            assert_eq!(read(&answer, Asked::Id("P-1")), Ok(Some(filter.clone())), "{answer}");
            assert_eq!(read(&answer, Asked::Sku("of-1")), Ok(Some(filter.clone())), "{answer}");
            assert_eq!(read(&answer, Asked::Id("P-2")), Err(Unusable::Another));
            assert_eq!(read(&answer, Asked::Sku("OF-2")), Err(Unusable::Another));
        }
    }

    #[test]
    fn a_product_without_a_price_or_a_stock_is_none() {
        for fields in [
            json!({"id": 1, "sku": "A", "stock_quantity": 1}),
            json!({"id": 1, "sku": "A", "price": 1}),
            json!({"id": 1, "sku": "A", "price": 1.005, "stock_quantity": 1}),
            json!({"id": 1, "sku": "A", "price": -1, "stock_quantity": 1}),
            json!({"id": 1, "sku": "A", "price": 1, "currency": "XX", "stock_quantity": 1}),
            json!({"id": 1, "sku": "A", "price": 1, "stock_quantity": 1.5}),
        ] {
            assert_eq!(read(&fields, Asked::Id("1")), Err(Unusable::NoRecord), "{fields}");
        }
        assert_eq!(read(&json!({"id": 1, "price": 1}), Asked::Id("1")), Err(Unusable::NoId));
    }

    #[test]
    fn of_a_list_what_can_be_used_is_read() {
        let good = json!({"id": 1, "sku": "A", "price": 1, "stock_quantity": -2});
        let answer = json!({"products": [good, {"id": 2}, good], "next_cursor": "p2"});
        let listed = RemoteProducts::read(&answer, CONTEXT).unwrap();
        let [only] = listed.products.as_slice() else { panic!("{listed:?}") };
        assert_eq!((only.name.as_str(), only.stock_quantity), ("A", 0));
        assert_eq!(listed.next_cursor.as_deref(), Some("p2"));
        assert_eq!(listed.warnings.into_sentences().len(), 2);
        let nonsense = json!({"products": [{"x": 1}]});
        assert_eq!(RemoteProducts::read(&nonsense, CONTEXT), Err(Unusable::NoRecord));
    }
}
