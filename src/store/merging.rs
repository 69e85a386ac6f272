//! Making two customers one.

use sqlx::FromRow;

use super::{CustomerRow, Session, on};
use crate::domain::id::CustomerId;
use crate::domain::text::fold;

pub(super) const HOLDINGS: &str = "
    select 'appointments' as kind, count(*) as count, coalesce(max(id), 0) as last_id
    from appointments where customer_id = $1
    union all
    select 'invoices', count(*), coalesce(max(id), 0) from invoices where customer_id = $1
    union all
    select 'invoices', count(*), coalesce(max(id), 0) from remote_invoices where customer_id = $1
    union all
    select 'payments', count(*), coalesce(max(payments.id), 0)
    from invoices join payments on payments.invoice_id = invoices.id
    where invoices.customer_id = $1
    union all
    select 'payments', count(*), coalesce(max(remote_payments.id), 0)
    from remote_invoices join remote_payments on remote_payments.invoice_id = remote_invoices.id
    where remote_invoices.customer_id = $1
    union all
    select 'tickets', count(*), coalesce(max(id), 0) from tickets where customer_id = $1
    union all
    select 'vehicles', count(*), coalesce(max(id), 0) from vehicles where customer_id = $1
    order by 1, 3";

/// How much of one kind a customer has.
#[derive(Clone, Debug, FromRow)]
pub struct Holding {
    /// The kind, in the plural.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// The highest number among them; 0 where there is none.
    pub last_id: i64,
}

/// How much went from one customer to the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// Vehicles.
    pub vehicles: u64,
    /// Appointments, past and future.
    pub appointments: u64,
    /// Tickets.
    pub tickets: u64,
    /// Invoices, with what was paid on them.
    pub invoices: u64,
}

impl Session {
    /// Writes what of a customer may change; fails as a unique violation where the phone number, the
    /// e-mail address or the id in the remote CRM is somebody else's.
    pub async fn update_customer(&mut self, row: &CustomerRow) -> sqlx::Result<()> {
        // An address that a merged record keeps for this customer goes back to the customer.
        let sql = "update customers set email = null, email_key = null
                   where merged_into = $1 and email_key = $2";
        on!(self, |db| sqlx::query(sql)
            .bind(row.id)
            .bind(row.email.as_deref().map(fold))
            .execute(db)
            .await
            .map(drop))?;
        let sql = "update customers
                   set first_name = $2, last_name = $3, email = $4, email_key = $5,
                       phone_number = $6, phone_shared = $7, account_status = $8, tier = $9,
                       satisfaction_score = $10, preferences = $11, notes = $12, crm_id = $13,
                       created_at = $14, last_contact = $15, last_service_at = $16,
                       crm_as_of = $17, crm_tickets_as_of = $18, crm_lifetime_value_minor = $19,
                       crm_open_tickets = $20
                   where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(row.id)
            .bind(&row.first_name)
            .bind(&row.last_name)
            .bind(&row.email)
            .bind(row.email.as_deref().map(fold))
            .bind(&row.phone_number)
            .bind(row.phone_shared)
            .bind(row.account_status)
            .bind(&row.tier)
            .bind(row.satisfaction_score)
            .bind(&row.preferences)
            .bind(&row.notes)
            .bind(&row.crm_id)
            .bind(row.created_at)
            .bind(row.last_contact)
            .bind(row.last_service_at)
            .bind(row.crm.crm_as_of)
            .bind(row.crm.crm_tickets_as_of)
            .bind(row.crm.crm_lifetime_value_minor)
            .bind(row.crm.crm_open_tickets)
            .execute(db)
            .await
            .map(drop))
    }

    /// All that a merge moves away from a customer, by kind: the shop's own and, after it, that of the
    /// billing service.
    pub async fn holdings(&mut self, id: CustomerId) -> sqlx::Result<Vec<Holding>> {
        on!(self, |db| sqlx::query_as(HOLDINGS).bind(id).fetch_all(db).await)
    }

    /// Moves everything of the customer `merged` to `kept`, which is written as it says. The merged
    /// record stays, as what leads from its number, its phone number, its e-mail address and its id
    /// in the remote CRM to the kept one.
    pub async fn merge_customers(
        &mut self,
        kept: &CustomerRow,
        merged: &CustomerRow,
    ) -> sqlx::Result<Moved> {
        self.retire(kept, merged).await?;
        let moved = Moved {
            vehicles: self.move_vehicles(kept, merged).await?,
            appointments: self
                .give(
                    "update appointments set customer_id = $1 where customer_id = $2",
                    kept,
                    merged,
                )
                .await?,
            tickets: self
                .give("update tickets set customer_id = $1 where customer_id = $2", kept, merged)
                .await?,
            // What was paid on them moves along: the schema sums it up.
            invoices: self
                .give("update invoices set customer_id = $1 where customer_id = $2", kept, merged)
                .await?
                + self
                    .give(
                        "update remote_invoices set customer_id = $1 where customer_id = $2",
                        kept,
                        merged,
                    )
                    .await?,
        };
        self.update_customer(kept).await?;
        self.count_billing(kept.id).await?;
        Ok(moved)
    }

    /// Makes a record one that leads to another; what the other takes over of it is no longer its own.
    async fn retire(&mut self, kept: &CustomerRow, merged: &CustomerRow) -> sqlx::Result<()> {
        let has_email = kept.email.as_deref().map(fold) != merged.email.as_deref().map(fold);
        let has_crm_id = kept.crm_id != merged.crm_id;
        let sql = "update customers
                   set merged_into = $1, phone_shared = true, email = $3, email_key = $4, crm_id = $5
                   where id = $2";
        let email = merged.email.as_deref().filter(|_| has_email);
        on!(self, |db| sqlx::query(sql)
            .bind(kept.id)
            .bind(merged.id)
            .bind(email)
            .bind(email.map(fold))
            .bind(merged.crm_id.as_deref().filter(|_| has_crm_id))
            .execute(db)
            .await
            .map(drop))?;
        self.give("update customers set merged_into = $1 where merged_into = $2", kept, merged)
            .await
            .map(drop)
    }

    /// A customer has one primary vehicle: that of `kept`, where there is one.
    async fn move_vehicles(
        &mut self,
        kept: &CustomerRow,
        merged: &CustomerRow,
    ) -> sqlx::Result<u64> {
        let sql = "update vehicles set is_primary = false
                   where customer_id = $2 and is_primary
                     and exists (select 1 from vehicles where customer_id = $1)";
        self.give(sql, kept, merged).await?;
        self.give("update vehicles set customer_id = $1 where customer_id = $2", kept, merged).await
    }

    /// Runs an update that gives rows of `merged` to `kept`; how many they were.
    async fn give(
        &mut self,
        sql: &'static str,
        kept: &CustomerRow,
        merged: &CustomerRow,
    ) -> sqlx::Result<u64> {
        on!(self, |db| sqlx::query(sql)
            .bind(kept.id)
            .bind(merged.id)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))
    }
}
