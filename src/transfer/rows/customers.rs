//! Rows of customers.csv.

use serde_json::{Map, Value};

use super::{Fields, ImportedRow};
use crate::domain::customer::AccountStatus;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::{self, fold};
use crate::store::importing::{CustomerMore, NewCustomer, Text};
use crate::transfer::columns::{CUSTOMERS, Column};
use crate::transfer::values::{
    Reading, Reason, amount, choice, flag, instant, instant_or_day, notes, wrong,
};

const EXTERNAL_ID: usize = 0;
const FIRST_NAME: usize = 1;
const LAST_NAME: usize = 2;
const EMAIL: usize = 3;
const PHONE_NUMBER: usize = 4;
const CREATED_AT: usize = 5;
const NOTES: usize = 6;
const ACCOUNT_STATUS: usize = 7;
const TIER: usize = 8;
const SATISFACTION_SCORE: usize = 9;
const PREFERENCES: usize = 10;
const PHONE_SHARED: usize = 11;
const LAST_CONTACT: usize = 12;
const LAST_SERVICE_AT: usize = 13;
const LIFETIME_VALUE: usize = 14;
const MERGED_INTO: usize = 15;

impl ImportedRow for NewCustomer {
    const COLUMNS: &'static [Column] = CUSTOMERS;

    fn read(row: &Fields<'_>, reading: &Reading) -> Result<Self, Reason> {
        let email = row.read(EMAIL, |column, value| {
            text::email(value).map_err(|why| wrong(column, value, why))
        })?;
        let phone_number = row.read(PHONE_NUMBER, |column, value| {
            PhoneNumber::parse(value, &reading.shop.region).map_err(|why| wrong(column, value, why))
        })?;
        let created_at = row.read(CREATED_AT, |column, value| {
            let at = instant_or_day(column, value, reading)?;
            if at > reading.now { Err(wrong(column, value, "lies in the future")) } else { Ok(at) }
        })?;
        Ok(Self {
            external_id: row.needed_name(EXTERNAL_ID)?,
            first_name: row.needed_name(FIRST_NAME)?,
            last_name: row.needed_name(LAST_NAME)?,
            email_key: email.as_deref().map(|email| fold(email).into()),
            email: email.map(Text::from),
            phone_number,
            created_at: created_at.unwrap_or(reading.now),
            notes: row.untrimmed(NOTES, notes)?,
            more: more(row, reading)?,
        })
    }
}

fn more(row: &Fields<'_>, reading: &Reading) -> Result<Option<Box<CustomerMore>>, Reason> {
    if !row.has_more(ACCOUNT_STATUS) {
        return Ok(None);
    }
    Ok(Some(Box::new(CustomerMore {
        phone_shared: row.read(PHONE_SHARED, flag)?.unwrap_or_default(),
        account_status: row.read(ACCOUNT_STATUS, |column, value| {
            choice(column, value, AccountStatus::ALL, AccountStatus::as_str)
        })?,
        tier: row.name(TIER)?,
        satisfaction_score: row.read(SATISFACTION_SCORE, score)?,
        preferences: row.read(PREFERENCES, preferences)?,
        last_contact: row.read(LAST_CONTACT, |column, value| instant(column, value, reading))?,
        last_service_at: row
            .read(LAST_SERVICE_AT, |column, value| instant(column, value, reading))?,
        lifetime_value_minor: row
            .read(LIFETIME_VALUE, |column, value| amount(column, value, reading.shop.currency))?
            .unwrap_or_default(),
        merged_into: row.name(MERGED_INTO)?,
    })))
}

fn score(column: &str, value: &str) -> Result<f64, Reason> {
    let score = value.parse::<f64>().ok().filter(|score| (0.0..=5.0).contains(score));
    score.ok_or_else(|| wrong(column, value, "is not a number from 0 to 5"))
}

/// A JSON object, its texts free of hidden characters as everywhere.
fn preferences(column: &str, value: &str) -> Result<Text, Reason> {
    let object: Map<String, Value> =
        serde_json::from_str(value).map_err(|_| wrong(column, value, "is not a JSON object"))?;
    let object = Value::Object(object);
    check_preference(&object).map_err(|why| format!("{column} {why}"))?;
    Ok(object.to_string().into())
}

fn check_preference(value: &Value) -> Result<(), text::InvalidText> {
    match value {
        Value::String(text) => text::free_text(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_preference),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            text::free_text(key)?;
            check_preference(value)
        }),
        _ => Ok(()),
    }
}
