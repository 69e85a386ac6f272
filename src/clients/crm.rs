//! The shop's CRM behind a REST API (`docs/openapi/crm.yaml`).

use reqwest::Method;
use serde_json::Value;

use super::change::ABSENT;
use super::http::{Answer, Http, Request};
use super::{Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::remote::customer::{Asked, CrmCustomer};
use crate::domain::remote::ticket::CrmTickets;
use crate::domain::remote::{Context, Unusable};
use crate::domain::ticket::Status;

/// A client of the shop's CRM.
#[derive(Debug)]
pub struct CrmClient {
    http: Http,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Updated {
    /// It was made; the customer as changed, where the CRM says so.
    Made(Option<Box<CrmCustomer>>),
    /// The CRM said in so many words that it was not.
    Refused,
    /// There is no such customer.
    Absent,
}

impl CrmClient {
    /// A client of the CRM in the settings; `None` where there is none. Nothing is connected before
    /// the first question.
    pub fn of(api: &RemoteApi) -> Option<Self> {
        Some(Self { http: Http::of_api(Upstream::Crm, api)? })
    }

    /// What it says of a customer; `None` where it has none.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn customer(
        &self,
        asked: Asked<'_>,
        context: Context<'_>,
    ) -> Result<Option<CrmCustomer>, UpstreamError> {
        let request = match asked {
            Asked::Id(id) => Request::get(["customers", id]),
            Asked::Email(email) => Request::get(["customers", "by-email", email]),
        };
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(None);
            }
            CrmCustomer::read(&answer.json::<Value>()?, asked, context).map_err(malformed)
        };
        self.http.call(&request.accepting(&ABSENT), read).await
    }

    /// A customer's newest tickets; `None` where it has no such customer.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn tickets(
        &self,
        crm_id: &str,
        (status, limit): (Option<Status>, i64),
        context: Context<'_>,
    ) -> Result<Option<CrmTickets>, UpstreamError> {
        let request = Request::get(["customers", crm_id, "tickets"]).query("limit", limit);
        let request = match status {
            Some(status) => request.query("status", status),
            None => request,
        };
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(None);
            }
            let listed = CrmTickets::read(&answer.json::<Value>()?, crm_id, context);
            listed.map(Some).map_err(malformed)
        };
        self.http.call(&request.accepting(&ABSENT), read).await
    }

    /// Changes a customer. It is sent once: a second time might undo what others changed in between.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn update(
        &self,
        crm_id: &str,
        changes: &Value,
        context: Context<'_>,
    ) -> Result<Updated, UpstreamError> {
        let request = Request::new(Method::PATCH, ["customers", crm_id]).json(changes);
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(Updated::Absent);
            }
            if answer.body().trim_ascii().is_empty() {
                return Ok(Updated::Made(None));
            }
            match CrmCustomer::read(&answer.json::<Value>()?, Asked::Id(crm_id), context) {
                Ok(said) => Ok(Updated::Made(said.map(Box::new))),
                Err(Unusable::Refused) => Ok(Updated::Refused),
                // Its status says that it was made; it need not tell the customer.
                Err(Unusable::NoRecord | Unusable::NoId) => Ok(Updated::Made(None)),
                Err(Unusable::Another) => Err(malformed(Unusable::Another)),
            }
        };
        self.http.call(&request.accepting(&ABSENT), read).await
    }
}

/// An answer that cannot be used.
pub(super) fn malformed(unusable: Unusable) -> UpstreamError {
    UpstreamError::Malformed { reason: unusable.reason(), source: None }
}
