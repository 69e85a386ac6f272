//! What is on file of visits, one at a time, and one more of them.

use super::super::OwnName;
use super::super::deciding::is_called;
use super::super::rows::{NewVisit, Row};
use crate::domain::appointment::Placement;
use crate::domain::id::{CustomerId, ResourceId, VehicleId};
use crate::domain::time::Timestamp;
use crate::store::{Session, on};

impl Session {
    pub(super) async fn bay_named(&mut self, name: &str) -> sqlx::Result<ResourceId> {
        let sql = "select id from resources where kind = 'bay' and name = $1";
        on!(self, |db| sqlx::query_scalar(sql).bind(name).fetch_one(db).await)
    }

    /// The visit on file that has the row's `external_id`, and its customer.
    pub(super) async fn imported_visit(
        &mut self,
        row: &NewVisit,
    ) -> sqlx::Result<Option<(i64, CustomerId)>> {
        let sql = "select id, customer_id from appointments where external_id = $1";
        let found =
            on!(self, |db| sqlx::query_as(sql).bind(row.external_id()).fetch_optional(db).await)?;
        let (None, Some(OwnName { id, .. })) = (found, row.own_name()) else { return Ok(found) };
        let sql = "select created_at, customer_id from appointments
                   where id = $1 and external_id is null";
        let found: Option<(i64, CustomerId)> =
            on!(self, |db| sqlx::query_as(sql).bind(id).fetch_optional(db).await)?;
        let found = found.filter(|&(created_at, _)| is_called(row, id, created_at));
        Ok(found.map(|(_, customer)| (id, customer)))
    }

    /// The vehicle that an `external_id` means, and its owner.
    pub(super) async fn vehicle_called(
        &mut self,
        name: &str,
    ) -> sqlx::Result<Option<(VehicleId, CustomerId)>> {
        let sql = "select id, customer_id from vehicles where external_id = $1";
        let found = on!(self, |db| sqlx::query_as(sql).bind(name).fetch_optional(db).await)?;
        let (None, Ok(OwnName { id, created_at })) = (found, name.parse()) else {
            return Ok(found);
        };
        let sql = "select id, customer_id from vehicles
                   where id = $1 and created_at = $2 and external_id is null";
        on!(self, |db| sqlx::query_as(sql).bind(id).bind(created_at).fetch_optional(db).await)
    }

    /// The customer whom an `external_id` means, after a merge the one that was kept.
    pub(super) async fn customer_called(&mut self, name: &str) -> sqlx::Result<Option<CustomerId>> {
        let sql = "select coalesce(merged_into, id) from customers where crm_id = $1";
        let found = on!(self, |db| sqlx::query_scalar(sql).bind(name).fetch_optional(db).await)?;
        let (None, Ok(OwnName { id, created_at })) = (found, name.parse()) else {
            return Ok(found);
        };
        let sql = "select coalesce(merged_into, id) from customers
                   where id = $1 and created_at = $2 and crm_id is null";
        on!(self, |db| sqlx::query_scalar(sql).bind(id).bind(created_at).fetch_optional(db).await)
    }

    pub(super) async fn import_visit(
        &mut self,
        row: &NewVisit,
        vehicle: VehicleId,
        customer: CustomerId,
        placement: &Placement,
        now: Timestamp,
    ) -> sqlx::Result<i64> {
        let more = row.more.as_deref().cloned().unwrap_or_default();
        let sql = "insert into appointments
                       (customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at,
                        reserved_until, service_type, service_description, customer_concerns,
                        notes, work_performed, status, confirmation_sent, calendar_event_id,
                        booking_method, booked_by, created_at, updated_at, external_id)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                           $17, $18, $19, $20)
                   returning id";
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(customer)
            .bind(vehicle)
            .bind(placement.bay)
            .bind(placement.technician)
            .bind(placement.span.start)
            .bind(placement.span.end)
            .bind(placement.reserved_until)
            .bind(row.service_type)
            .bind(row.service_description())
            .bind(row.customer_concerns())
            .bind(row.notes())
            .bind(more.work_performed.as_deref())
            .bind(row.status)
            .bind(more.confirmation_sent)
            .bind(more.calendar_event_id.as_deref())
            .bind(row.booking_method())
            .bind(row.booked_by())
            .bind(row.created_at(now))
            .bind(row.updated_at(now))
            .bind(row.external_id())
            .fetch_one(db)
            .await)
    }
}
