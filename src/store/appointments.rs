//! Appointments: reading them by customer or number, writing them. `search.rs` has the other ways
//! to look for them.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::{Placement, ServiceType, Status};
use crate::domain::hold::HoldId;
use crate::domain::id::{AppointmentId, CustomerId, VehicleId};
use crate::domain::phone::PhoneNumber;
use crate::domain::time::Timestamp;

/// An appointment with the names that replies show.
#[derive(Clone, Debug, FromRow)]
pub struct Appointment {
    /// The appointment's number.
    pub id: AppointmentId,
    /// Who comes.
    pub customer_id: CustomerId,
    /// The customer's first name.
    pub first_name: String,
    /// The customer's last name.
    pub last_name: String,
    /// The customer's phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// With what.
    pub vehicle_id: VehicleId,
    /// The vehicle's model year.
    pub year: i64,
    /// The vehicle's make.
    pub make: String,
    /// The vehicle's model.
    pub model: String,
    /// The vehicle's VIN.
    pub vin: Option<String>,
    /// The vehicle's license plate.
    pub license_plate: Option<String>,
    /// The bay's name.
    pub bay: String,
    /// The technician's name, where the shop has named some.
    pub technician: Option<String>,
    /// The start.
    pub starts_at: Timestamp,
    /// The end.
    pub ends_at: Timestamp,
    /// What is to be done.
    pub service_type: ServiceType,
    /// The work in detail.
    pub service_description: Option<String>,
    /// What the customer said.
    pub customer_concerns: Option<String>,
    /// What the shop should know.
    pub notes: Option<String>,
    /// What was done.
    pub work_performed: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Whether somebody was reached to confirm it.
    pub confirmation_sent: bool,
    /// Why it was cancelled.
    pub cancellation_reason: Option<String>,
    /// Its event in the shop's calendar.
    pub calendar_event_id: Option<String>,
    /// How the booking reached the shop.
    pub booking_method: String,
    /// Who took the booking.
    pub booked_by: String,
}

/// An appointment to be written.
#[derive(Clone, Debug)]
pub struct NewAppointment<'a> {
    /// Who comes.
    pub customer_id: CustomerId,
    /// With what.
    pub vehicle_id: VehicleId,
    /// When and where.
    pub placement: Placement,
    /// What is to be done.
    pub service_type: ServiceType,
    /// The work in detail.
    pub service_description: Option<&'a str>,
    /// What the customer said.
    pub customer_concerns: Option<&'a str>,
    /// What the shop should know.
    pub notes: Option<&'a str>,
    /// How the booking reached the shop.
    pub booking_method: &'a str,
    /// Who took the booking.
    pub booked_by: &'a str,
    /// The hold that kept the time for it.
    pub hold_id: Option<&'a HoldId>,
}

/// Which part of a list is wanted: what lies after this row, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The last row of the page before.
    pub after: Option<(Timestamp, AppointmentId)>,
    /// How many rows at most.
    pub limit: i64,
}

/// The query for appointments, ending in a condition, an order and a limit.
macro_rules! select_appointments {
    ($($rest:expr),+) => {
        concat!(
            "select a.id, a.customer_id, c.first_name, c.last_name, c.phone_number, c.email,
                    a.vehicle_id, v.year, v.make, v.model, v.vin, v.license_plate,
                    b.name as bay, t.name as technician, a.starts_at, a.ends_at, a.service_type,
                    a.service_description, a.customer_concerns, a.notes, a.work_performed,
                    a.status, a.confirmation_sent, a.cancellation_reason, a.calendar_event_id,
                    a.booking_method, a.booked_by
             from appointments a
             join customers c on c.id = a.customer_id
             join vehicles v on v.id = a.vehicle_id
             join resources b on b.id = a.bay_id
             left join resources t on t.id = a.technician_id
             where ",
            $($rest),+
        )
    };
}
pub(super) use select_appointments;

pub(super) const BY_ID: &str = select_appointments!("a.id = $1");
pub(super) const BY_HOLD: &str = select_appointments!("a.hold_id = $1");
pub(super) const UPCOMING: &str = select_appointments!(
    "a.customer_id = $1 and a.starts_at > $2
       and a.status in ('scheduled', 'confirmed')
       and (a.starts_at, a.id) > ($3, $4)
     order by a.starts_at, a.id limit $5"
);
pub(super) const ALL: &str = select_appointments!(
    "a.customer_id = $1 and (a.starts_at, a.id) < ($2, $3)
     order by a.starts_at desc, a.id desc limit $4"
);

impl Appointment {
    /// Where it stands once it starts then: work that had begun is to begin anew at another time.
    pub fn status_from(&self, start: Timestamp) -> Status {
        match self.status {
            Status::InProgress if start != self.starts_at => Status::Scheduled,
            status => status,
        }
    }
}

impl Session {
    /// The appointment with this number.
    pub async fn appointment(&mut self, id: AppointmentId) -> sqlx::Result<Option<Appointment>> {
        on!(self, |db| sqlx::query_as(BY_ID).bind(id).fetch_optional(db).await)
    }

    /// The appointment that was booked by this hold.
    pub async fn appointment_by_hold(
        &mut self,
        hold: &HoldId,
    ) -> sqlx::Result<Option<Appointment>> {
        on!(self, |db| sqlx::query_as(BY_HOLD).bind(hold).fetch_optional(db).await)
    }

    /// The customer's scheduled and confirmed appointments that start after `now`, soonest first.
    pub async fn upcoming_appointments(
        &mut self,
        customer: CustomerId,
        now: Timestamp,
        page: Page,
    ) -> sqlx::Result<Vec<Appointment>> {
        let (after, after_id) = page.after.unwrap_or((Timestamp(0), AppointmentId(0)));
        on!(self, |db| sqlx::query_as(UPCOMING)
            .bind(customer)
            .bind(now)
            .bind(after)
            .bind(after_id)
            .bind(page.limit)
            .fetch_all(db)
            .await)
    }

    /// All of the customer's appointments, newest first.
    pub async fn all_appointments(
        &mut self,
        customer: CustomerId,
        page: Page,
    ) -> sqlx::Result<Vec<Appointment>> {
        let (before, before_id) =
            page.after.unwrap_or((Timestamp(i64::MAX), AppointmentId(i64::MAX)));
        on!(self, |db| sqlx::query_as(ALL)
            .bind(customer)
            .bind(before)
            .bind(before_id)
            .bind(page.limit)
            .fetch_all(db)
            .await)
    }

    /// Writes an appointment; the schema reserves its bay and technician, or refuses it.
    pub async fn insert_appointment(
        &mut self,
        new: &NewAppointment<'_>,
        now: Timestamp,
    ) -> sqlx::Result<AppointmentId> {
        let sql = "insert into appointments
                       (customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at,
                        reserved_until, service_type, service_description, customer_concerns,
                        notes, status, booking_method, booked_by, hold_id, created_at, updated_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'scheduled', $12, $13,
                           $14, $15, $15)
                   returning id";
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(new.customer_id)
            .bind(new.vehicle_id)
            .bind(new.placement.bay)
            .bind(new.placement.technician)
            .bind(new.placement.span.start)
            .bind(new.placement.span.end)
            .bind(new.placement.reserved_until)
            .bind(new.service_type)
            .bind(new.service_description)
            .bind(new.customer_concerns)
            .bind(new.notes)
            .bind(new.booking_method)
            .bind(new.booked_by)
            .bind(new.hold_id)
            .bind(now)
            .fetch_one(db)
            .await)
    }

    /// Moves an appointment; the schema moves its reservations, or refuses the move. A moved visit
    /// has to be confirmed anew, and remembers the hold that kept its new time.
    pub async fn move_appointment(
        &mut self,
        old: &Appointment,
        to: Placement,
        hold: Option<&HoldId>,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update appointments
                   set starts_at = $2, ends_at = $3, reserved_until = $4, bay_id = $5,
                       technician_id = $6, confirmation_sent = false,
                       hold_id = coalesce($7, hold_id), updated_at = $8, status = $9
                   where id = $1";
        let status = old.status_from(to.span.start);
        on!(self, |db| sqlx::query(sql)
            .bind(old.id)
            .bind(to.span.start)
            .bind(to.span.end)
            .bind(to.reserved_until)
            .bind(to.bay)
            .bind(to.technician)
            .bind(hold)
            .bind(now)
            .bind(status)
            .execute(db)
            .await
            .map(drop))?;
        if status == old.status { Ok(()) } else { self.forget_work(old.id).await }
    }

    /// Work on a visit that has begun is to begin anew.
    async fn forget_work(&mut self, id: AppointmentId) -> sqlx::Result<()> {
        let sql = "delete from work_times where appointment_id = $1";
        on!(self, |db| sqlx::query(sql).bind(id).execute(db).await.map(drop))
    }

    /// Cancels an appointment, which frees what it reserved.
    pub async fn cancel_appointment(
        &mut self,
        id: AppointmentId,
        reason: &str,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update appointments
                   set status = 'cancelled', cancellation_reason = $2, cancelled_at = $3,
                       updated_at = $3
                   where id = $1";
        on!(self, |db| sqlx::query(sql).bind(id).bind(reason).bind(now).execute(db).await.map(drop))
    }

    /// Sets where an appointment stands; a status that occupies nothing frees what it reserved.
    /// Work that was written down before stays where none is given.
    pub async fn set_status(
        &mut self,
        id: AppointmentId,
        status: Status,
        work_performed: Option<&str>,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update appointments
                   set status = $2, work_performed = coalesce($3, work_performed), updated_at = $4
                   where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(id)
            .bind(status)
            .bind(work_performed)
            .bind(now)
            .execute(db)
            .await
            .map(drop))
    }

    /// Notes that the customer's vehicle was served then, unless a later service is on record.
    pub async fn record_service(
        &mut self,
        customer: CustomerId,
        served_at: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update customers set last_service_at = $2
                   where id = $1 and (last_service_at is null or last_service_at < $2)";
        on!(self, |db| sqlx::query(sql).bind(customer).bind(served_at).execute(db).await.map(drop))
    }
}
