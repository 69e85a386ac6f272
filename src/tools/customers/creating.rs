//! Putting customers on file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contact::{Contact, refuse_taken};
use super::preferences::check_preferences;
use super::{optional, phone_number, view};
use crate::config::Toolset;
use crate::domain::customer::{Customer, DEFAULT_TIER, NewCustomer};
use crate::domain::preferences::without_nulls;
use crate::domain::shop::Shop;
use crate::domain::text;
use crate::error::{Refusal, ToolError};
use crate::store::is_refused;
use crate::tools::arguments::refuse;
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `create_customer`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateCustomer {
    /// First name.
    #[schemars(length(min = 1, max = 200))]
    first_name: String,
    /// Last name.
    #[schemars(length(min = 1, max = 200))]
    last_name: String,
    /// In any usual writing.
    #[schemars(length(min = 1, max = 40))]
    phone_number: String,
    /// E-mail address.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// Default standard.
    #[schemars(length(max = 200))]
    tier: Option<String>,
    /// By name, such as {"contact": "sms"}.
    preferences: Option<Map<String, Value>>,
    /// What the shop should remember.
    #[schemars(length(max = 4000))]
    notes: Option<String>,
    /// True only if the caller says that the number is shared.
    allow_shared_phone: Option<bool>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A customer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Created {
    /// The customer.
    customer: Customer,
}

impl Tool for CreateCustomer {
    const NAME: &'static str = "create_customer";
    const TITLE: &'static str = "Create a customer";
    const DESCRIPTION: &'static str = "Put a new customer on file once lookup_customer found nobody. A phone or e-mail on file fails as already_exists with data.customer_id. Next: add_vehicle.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Created;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Created>, ToolError> {
        let shop = call.engine.shop();
        let new = self.check(shop)?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        let contact = Contact {
            own_id: None,
            phone_number: Some(&new.phone_number).filter(|_| !new.phone_shared),
            email: new.email.as_deref(),
        };
        refuse_taken(&mut write.session, &contact).await?;
        let id = match write.session.insert_customer(&new, call.now).await {
            Ok(id) => id,
            // Another process was faster; its row is visible once this transaction is over.
            Err(error) if is_refused(&error) => {
                drop(write);
                let mut session = call.engine.store().await?.read().await?;
                refuse_taken(&mut session, &contact).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let Some(row) = write.session.customer(id).await? else {
            return Err(sqlx::Error::RowNotFound.into());
        };
        let customer = view(row, shop);
        let message = format!("{} is now on file.", customer.full_name());
        write.finish(Answer::new(message, Created { customer })).await
    }
}

impl CreateCustomer {
    fn check(&self, shop: &Shop) -> Result<NewCustomer, Refusal> {
        let preferences = self.preferences.clone().unwrap_or_default();
        check_preferences(&preferences)?;
        Ok(NewCustomer {
            first_name: text::name(&self.first_name)
                .map_err(|wrong| refuse("first_name", wrong))?,
            last_name: text::name(&self.last_name).map_err(|wrong| refuse("last_name", wrong))?,
            phone_number: phone_number(&self.phone_number, shop)?,
            phone_shared: self.allow_shared_phone.unwrap_or_default(),
            email: optional("email", self.email.as_deref(), text::email)?,
            tier: optional("tier", self.tier.as_deref(), text::name)?
                .unwrap_or_else(|| DEFAULT_TIER.to_owned()),
            preferences: without_nulls(preferences),
            notes: optional("notes", self.notes.as_deref(), text::free_text)?,
        })
    }
}
