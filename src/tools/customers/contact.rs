//! How customers are reached, which tells one from another.

use serde_json::json;

use crate::domain::id::CustomerId;
use crate::domain::phone::PhoneNumber;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{CustomerRow, Session};

/// How a customer is to be reached: what nobody else may have.
pub(super) struct Contact<'a> {
    /// Whose it is, where the customer is on file already.
    pub own_id: Option<CustomerId>,
    /// The phone number, where it is new and may not be shared.
    pub phone_number: Option<&'a PhoneNumber>,
    /// The e-mail address, where it is new.
    pub email: Option<&'a str>,
}

impl Contact<'_> {
    fn is_other(&self, other: &CustomerRow) -> bool {
        Some(other.id) != self.own_id
    }
}

/// Refuses a phone number or an e-mail address that is another customer's, naming that customer.
pub(super) async fn refuse_taken(
    session: &mut Session,
    contact: &Contact<'_>,
) -> Result<(), ToolError> {
    if let Some(phone_number) = contact.phone_number
        && let Some(other) =
            session.customers_by_phone(phone_number).await?.iter().find(|c| contact.is_other(c))
    {
        return Err(taken("phone_number", other)
            .hint("Use that customer, or set allow_shared_phone to true if the caller says that the number is shared.")
            .into());
    }
    if let Some(email) = contact.email
        && let Some(other) = session.customer_by_email(email).await?
        && contact.is_other(&other)
    {
        return Err(taken("email", &other)
            .hint("Use that customer, or leave the e-mail out.")
            .into());
    }
    Ok(())
}

fn taken(field: &str, other: &CustomerRow) -> Refusal {
    Refusal::new(
        Code::AlreadyExists,
        "A customer with these contact details is already on file.",
        format!("{field} is that of customer {}", other.id),
    )
    .data(json!({"customer_id": other.id}))
}
