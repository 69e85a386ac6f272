//! Whether a customer to be taken over is on file already.

use super::rows::NewCustomer;
use super::{Refused, Row};
use crate::domain::text::fold;

/// A customer on file, where the record was merged the one that was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Person {
    pub id: i64,
    pub name: String,
}

/// The record that has the row's `external_id`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Namesake {
    /// Whether an earlier line of this import led to it.
    pub is_repeated: bool,
}

/// What is on file that a row may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub namesake: Option<Namesake>,
    /// Whom the record of the same `external_id` leads to, where an import made it for nothing else.
    pub leads_to: Option<Person>,
    /// The customer with the same e-mail address.
    pub by_email: Option<Person>,
    /// The customers with the same phone number.
    pub by_phone: Vec<Person>,
    /// The customer into whom the row says that it was merged.
    pub target: Option<i64>,
}

/// What is to be done with a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// It is a customer of its own.
    Add {
        /// Others may have the same phone number.
        phone_shared: bool,
        /// It leads to this one.
        merged_into: Option<i64>,
    },
    /// It is on file.
    Known,
    /// It is on file under another name, and its own shall lead there.
    Alias(Person, &'static str),
    /// It is not taken.
    Refuse(Refused),
}

/// The same e-mail address, or the same phone number and name, is the same person. What an export says
/// of phone numbers that are shared was decided by people, and holds.
pub(super) fn decide(row: &NewCustomer, facts: Facts, allow_shared_phones: bool) -> Decision {
    if let Some(Namesake { is_repeated }) = facts.namesake {
        return match facts.leads_to.filter(|_| row.merged_into().is_none()) {
            // An export says itself which records lead to others; anybody else is told each time.
            Some(Person { id, name }) => {
                Decision::Refuse(Refused::SamePerson { id, name, by: "external_id" })
            }
            None if is_repeated => Decision::Refuse(Refused::Repeated),
            None => Decision::Known,
        };
    }
    if row.merged_into().is_some() {
        if let Some(Person { id, name }) = facts.by_email {
            return Decision::Refuse(Refused::SamePerson { id, name, by: "email" });
        }
        return match facts.target {
            Some(_) => Decision::Add { phone_shared: true, merged_into: facts.target },
            None => Decision::Refuse(Refused::Unknown("merged_into")),
        };
    }
    if let Some(person) = facts.by_email {
        return Decision::Alias(person, "email");
    }
    if row.phone_shared() {
        return Decision::Add { phone_shared: true, merged_into: None };
    }
    let name = fold(&row.full_name());
    if let Some(person) = facts.by_phone.iter().find(|person| fold(&person.name) == name) {
        return Decision::Alias(person.clone(), "phone_number and name");
    }
    match facts.by_phone.into_iter().next() {
        Some(Person { id, name }) if !allow_shared_phones => {
            Decision::Refuse(Refused::PhoneTaken { id, name })
        }
        other => Decision::Add { phone_shared: other.is_some(), merged_into: None },
    }
}

/// What is true of a record, a customer `m`, that an import made only to lead from an `external_id` to a
/// customer; one who was merged has been a customer.
macro_rules! is_alias {
    () => {
        "m.merged_into is not null and m.last_contact is null and m.email_key is null and m.phone_number is null"
    };
}
pub(super) use is_alias;

/// Whether an `external_id` is the name by which an export called this record.
pub(super) fn is_called(row: &impl Row, id: i64, created_at: i64) -> bool {
    row.own_name().is_some_and(|name| name.id == id && name.created_at.0 == created_at)
}
