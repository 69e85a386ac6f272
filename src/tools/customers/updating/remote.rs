//! Changing a customer whom the shop's CRM keeps: there first, then here.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Changes, UpdateCustomer, Updated, contact, told};
use crate::cache::crm::{overlay, settle};
use crate::clients::crm;
use crate::clients::{Upstream, UpstreamError};
use crate::domain::id::CustomerId;
use crate::domain::remote::Warnings;
use crate::domain::remote::customer::CrmCustomer;
use crate::domain::text::fold;
use crate::error::{Code, Refusal, ToolError};
use crate::store::CustomerRow;
use crate::tools::customers::contact::refuse_taken;
use crate::tools::customers::customer_not_found;
use crate::tools::reply::log_failure;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Tool};

/// A change of a customer whom the CRM keeps; everything about it was checked here.
pub(super) struct Asked {
    customer_id: CustomerId,
    crm_id: String,
    is_phone_shared: bool,
}

impl Asked {
    /// Looks whether the change could be made here; `None` where the CRM does not know the customer.
    pub async fn prepare(
        arguments: &UpdateCustomer,
        changes: &Changes,
        call: &Call<'_>,
    ) -> Result<Option<Self>, ToolError> {
        let mut session = call.engine.store().await?.read().await?;
        let Some(old) = session.customer(arguments.customer_id).await? else {
            return Err(customer_not_found(arguments.customer_id).into());
        };
        let Some(crm_id) = old.crm_id.clone() else { return Ok(None) };
        let row = arguments.apply(changes, &old)?;
        refuse_taken(&mut session, &contact(&row, &old)).await?;
        Ok(Some(Self { customer_id: old.id, crm_id, is_phone_shared: row.phone_shared }))
    }

    /// Has the CRM change the customer, and then changes what is on file. No transaction is open while
    /// the CRM is asked.
    pub async fn update(
        self,
        changes: &Changes,
        mut updated_fields: Vec<&'static str>,
        call: &Call<'_>,
    ) -> Result<Answer<Updated>, ToolError> {
        let body = Value::Object(changes.body());
        let updated = call.engine.crm.update(&self.crm_id, body, call.now).await;
        let said = match updated.map_err(failure)? {
            crm::Updated::Made(said) => said,
            crm::Updated::Refused => return Err(refused().into()),
            crm::Updated::Absent => return Err(self.absent().into()),
        };
        let kept = async {
            let (write, row, warnings, unlike) = self.keep(changes, said.as_deref(), call).await?;
            let mut warnings = warnings.into_sentences();
            updated_fields.retain(|field| {
                let is_unlike = unlike.contains(field);
                if is_unlike {
                    warnings.push(format!(
                        "The CRM says another {field} than it was told, and that is kept."
                    ));
                }
                !is_unlike
            });
            write.finish(told(row, updated_fields, warnings, call)).await
        };
        kept.await.map_err(|error| not_kept_here(&error))
    }

    /// The customer as changed, written in a transaction that is yet to be committed.
    async fn keep(
        &self,
        changes: &Changes,
        said: Option<&CrmCustomer>,
        call: &Call<'_>,
    ) -> Result<(Write, CustomerRow, Warnings, Vec<&'static str>), ToolError> {
        let mut write = Write::open(call).await?;
        let Some(old) = write.session.customer(self.customer_id).await? else {
            return Err(customer_not_found(self.customer_id).into());
        };
        let wanted = changes.apply(&old)?;
        let mut row = wanted.clone();
        let mut warnings = Warnings::default();
        if let Some(said) = said {
            row = overlay(&row, said, call.now);
            warnings = said.warnings.clone();
        }
        settle(&mut write.session, &mut row, &old, &mut warnings).await?;
        row.phone_shared |= self.is_phone_shared;
        write.session.update_customer(&row).await?;
        let unlike = unlike(&wanted, &row);
        Ok((write, row, warnings, unlike))
    }

    fn absent(&self) -> Refusal {
        Refusal::new(
            Code::CustomerNotFound,
            "The customer system does not have that customer any more; nothing was changed.",
            format!("the CRM has no customer with the crm_id of customer {}", self.customer_id),
        )
        .hint("The shop's own record is still there; tell the shop.")
    }
}

/// The fields that are not as they were wanted.
fn unlike(wanted: &CustomerRow, row: &CustomerRow) -> Vec<&'static str> {
    let fields = [
        ("first_name", wanted.first_name != row.first_name),
        ("last_name", wanted.last_name != row.last_name),
        ("email", wanted.email.as_deref().map(fold) != row.email.as_deref().map(fold)),
        ("phone_number", wanted.phone_number != row.phone_number),
        ("account_status", wanted.account_status != row.account_status),
        ("tier", wanted.tier != row.tier),
        ("satisfaction_score", wanted.satisfaction_score != row.satisfaction_score),
        ("notes", wanted.notes != row.notes),
    ];
    fields.into_iter().filter(|&(_, is_unlike)| is_unlike).map(|(field, _)| field).collect()
}

impl Changes {
    /// What the CRM is sent: the fields that are set, by our names for them; null removes one.
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut set = |field: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(field.to_owned(), value);
            }
        };
        set("first_name", self.first_name.as_ref().map(|text| json!(text)));
        set("last_name", self.last_name.as_ref().map(|text| json!(text)));
        set("email", self.email.as_ref().map(|text| json!(text)));
        set("phone_number", self.phone_number.as_ref().map(|phone| json!(phone)));
        set("account_status", self.account_status.map(|status| json!(status)));
        set("tier", self.tier.as_ref().map(|text| json!(text)));
        set("satisfaction_score", self.satisfaction_score.map(|score| json!(score + 0.0)));
        set("notes", self.notes.as_ref().map(|text| json!(text)));
        if !self.preferences.is_empty() {
            set("preferences", Some(Value::Object(self.preferences.clone())));
        }
        body
    }
}

fn failure(source: Arc<UpstreamError>) -> ToolError {
    ToolError::Upstream { service: Upstream::Crm, is_change: true, source }
}

fn refused() -> Refusal {
    Refusal::new(
        Code::UpstreamError,
        "The customer system refused that change; nothing was changed.",
        "the CRM says that it did not make the change",
    )
    .hint("Check the details with the customer; if they are right, tell the shop.")
}

/// The change is made where it counts, and only the shop's copy of it is missing.
fn not_kept_here(error: &ToolError) -> ToolError {
    log_failure(UpdateCustomer::NAME, error);
    Refusal::new(
        error.refusal().code(),
        "The customer system made the change, but the shop's own records did not take it over.",
        "the CRM made the change; the shop's copy of the customer was not changed",
    )
    .hint("Do not send it again: lookup_customer by crm_id brings the change here.")
    .into()
}
