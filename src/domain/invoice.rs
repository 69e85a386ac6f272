//! Invoices: what they are made of, where they stand, and how they are paid.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::appointment::text_enum;
use super::money::{Money, Quantity};

/// The most line items of an invoice.
pub const MAX_LINE_ITEMS: usize = 100;

text_enum!(
    /// Where an invoice stands.
    Status {
        /// Not yet to be paid; no tool makes one.
        Draft = "draft",
        Pending = "pending",
        Paid = "paid",
        /// To be paid, and its due date is over.
        Overdue = "overdue",
        /// Not to be paid any more; no tool makes one.
        Void = "void",
    }
);

text_enum!(
    /// How a payment was made.
    Method {
        Cash = "cash",
        Card = "card",
        Check = "check",
        Transfer = "transfer",
        Other = "other",
    }
);

/// One line of an invoice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LineItem {
    /// What it is for.
    pub description: String,
    /// How many units.
    pub quantity: Quantity,
    /// The price of one; less than nothing for a discount.
    pub unit_price: Money,
    /// What they come to.
    pub amount: Money,
    /// The product's SKU, as it was when the invoice was made.
    pub sku: Option<String>,
}
