//! What a booking decides on: who comes with what, and what is reserved.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::assignment::Reserved;
use crate::domain::customer::full_name;
use crate::domain::id::{AppointmentId, CustomerId, ResourceId, VehicleId};
use crate::domain::time::{Interval, Timestamp};
use crate::domain::vehicle::describe;

/// The longest reservation, in seconds; the schema holds every one to it, so that a search for
/// overlaps need not look further back.
const LONGEST_SECONDS: i64 = 86_400;
/// More than the longest reservation, for packing a start and a length into one number.
const LENGTH_UNIT: i64 = 131_072;

/// Who is to come with what, and when the vehicle is in the shop already.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The customer's number, after a merge that of the record that was kept, and the first and last
    /// name; `None` where there is no such customer.
    pub customer: Option<(CustomerId, String)>,
    /// The vehicle's owner; `None` where there is no such vehicle.
    pub owner_id: Option<CustomerId>,
    /// What people call the vehicle.
    pub vehicle_description: String,
    /// The vehicle's own appointments that overlap the wanted time, soonest first.
    pub own: Vec<OwnVisit>,
    /// What is reserved in the window.
    pub reserved: Reservations,
}

/// What a booking wants to know before it decides.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Who is to come.
    pub customer: CustomerId,
    /// With what.
    pub vehicle: VehicleId,
    /// From the visit's start to its end.
    pub span: Interval,
    /// The time around it in which reservations matter.
    pub window: Interval,
    /// The appointment that is to be moved, whose own time counts as free.
    pub except: Option<AppointmentId>,
    /// Whether what the calendar blocks counts as reserved.
    pub blocks: bool,
}

/// An appointment of the vehicle that is to come.
#[derive(Clone, Debug)]
pub struct OwnVisit {
    /// The appointment's number.
    pub id: AppointmentId,
    /// Who comes.
    pub customer_id: CustomerId,
    /// From its start to its end.
    pub span: Interval,
    /// What is to be done.
    pub service_type: ServiceType,
    /// Where it stands.
    pub status: Status,
    /// The bay's name.
    pub bay: String,
    /// The technician's name, where the shop has named some.
    pub technician: Option<String>,
    /// How the booking reached the shop.
    pub booking_method: String,
    /// Who took the booking.
    pub booked_by: String,
}

/// One row for each overlapping appointment, or a single one where there is none.
#[derive(FromRow)]
struct VisitRow {
    asked_id: Option<CustomerId>,
    first_name: Option<String>,
    last_name: Option<String>,
    owner_id: Option<CustomerId>,
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    appointment_id: Option<AppointmentId>,
    customer_id: Option<CustomerId>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    service_type: Option<ServiceType>,
    status: Option<Status>,
    bay: Option<String>,
    technician: Option<String>,
    booking_method: Option<String>,
    booked_by: Option<String>,
    reserved: Option<String>,
}

/// What is reserved in a window of time.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    /// What is taken; a hold only until it expires. `ResourceId::WHOLE_SHOP` is all bays at once.
    pub taken: Vec<Reserved>,
    /// Whether expired holds are still in the way of a write.
    pub has_expired: bool,
}

/// What is reserved in the window from `$from` to `$to`, back to `$back`, but by `$except`: rows of
/// `resource time` or `resource time expiry` by comma, as one text. `time` is the seconds from
/// `$back` to the start, times `LENGTH_UNIT`, plus the length in seconds.
///
/// A busy month has thousands of reservations. To hand a row from SQLite's thread to ours costs ten
/// times what reading it does, and then half of the cost is the text: so it is short.
macro_rules! packed_reservations {
    ($from:literal, $to:literal, $back:literal, $except:literal) => {
        concat!(
            packed!($back),
            " from reservations where ",
            overlapping!($from, $to, $back),
            " and (appointment_id is null or appointment_id <> ",
            $except,
            ")"
        )
    };
}

/// The same with what the calendar blocks.
macro_rules! packed_with_blocks {
    ($from:literal, $to:literal, $back:literal, $except:literal) => {
        concat!(
            packed!($back),
            " from (select resource_id, starts_at, ends_at, expires_at from reservations where ",
            overlapping!($from, $to, $back),
            " and (appointment_id is null or appointment_id <> ",
            $except,
            ") union all
               select resource_id, starts_at, ends_at, null from calendar_blocks where ",
            overlapping!($from, $to, $back),
            ") taken"
        )
    };
}

macro_rules! packed {
    ($back:literal) => {
        concat!(
            "select string_agg(resource_id || ' '
                               || ((starts_at - ",
            $back,
            ") * 131072 + ends_at - starts_at)
                               || case when expires_at is null then '' else ' ' || expires_at end,
                               ',') as reserved"
        )
    };
}

macro_rules! overlapping {
    ($from:literal, $to:literal, $back:literal) => {
        concat!("starts_at < ", $to, " and starts_at > ", $back, " and ends_at > ", $from)
    };
}

macro_rules! visit {
    ($packed:expr) => {
        concat!(
    "select c.id as asked_id, c.first_name, c.last_name, v.customer_id as owner_id, v.year, v.make, v.model,
            a.id as appointment_id, a.customer_id, a.starts_at, a.ends_at, a.service_type,
            a.status, b.name as bay, t.name as technician, a.booking_method, a.booked_by,
            one.reserved
     from (",
    $packed,
    ") one
     left join customers c on c.id = (select coalesce(m.merged_into, m.id)
                                      from customers m where m.id = $1)
     left join vehicles v on v.id = $2
     left join appointments a on a.vehicle_id = v.id
          and a.status in ('scheduled', 'confirmed', 'in_progress')
          and a.starts_at < $4 and a.ends_at > $3 and a.starts_at > $5
     left join resources b on b.id = a.bay_id
     left join resources t on t.id = a.technician_id
     order by a.starts_at"
        )
    };
}

/// Who comes with what, its own appointments around that time, and what is reserved that day.
pub(super) const VISIT: &str = visit!(packed_reservations!("$6", "$7", "$8", "$9"));
/// The same with what the calendar blocks.
pub(super) const VISIT_WITH_BLOCKS: &str = visit!(packed_with_blocks!("$6", "$7", "$8", "$9"));
/// What is reserved in a window.
pub(super) const RESERVED: &str = packed_reservations!("$1", "$2", "$3", "$4");
/// What is reserved in a window, or blocked by the calendar.
pub(super) const RESERVED_OR_BLOCKED: &str = packed_with_blocks!("$1", "$2", "$3", "$4");

impl Session {
    /// Who is to come with what, the vehicle's own appointments that overlap `span`, and what is
    /// reserved in `window`: all that a booking decides on, in one query. `except` is the
    /// appointment that is to be moved.
    pub async fn visit(&mut self, question: &Question, now: Timestamp) -> sqlx::Result<Visit> {
        let Question { customer, vehicle, span, window, except, blocks } = *question;
        let back = window.start.plus_seconds(-LONGEST_SECONDS);
        let sql = if blocks { VISIT_WITH_BLOCKS } else { VISIT };
        let rows: Vec<VisitRow> = on!(self, |db| sqlx::query_as(sql)
            .bind(customer)
            .bind(vehicle)
            .bind(span.start)
            .bind(span.end)
            .bind(span.start.plus_seconds(-LONGEST_SECONDS))
            .bind(window.start)
            .bind(window.end)
            .bind(back)
            .bind(except.unwrap_or(AppointmentId(0)))
            .fetch_all(db)
            .await)?;
        Ok(gather(rows, back, now))
    }

    /// What is reserved somewhere in `window`; with `blocks`, also what the calendar blocks.
    pub async fn reservations(
        &mut self,
        window: Interval,
        now: Timestamp,
        except: Option<AppointmentId>,
        blocks: bool,
    ) -> sqlx::Result<Reservations> {
        let back = window.start.plus_seconds(-LONGEST_SECONDS);
        let sql = if blocks { RESERVED_OR_BLOCKED } else { RESERVED };
        let packed: Option<String> = on!(self, |db| sqlx::query_scalar(sql)
            .bind(window.start)
            .bind(window.end)
            .bind(back)
            .bind(except.unwrap_or(AppointmentId(0)))
            .fetch_one(db)
            .await)?;
        Ok(Reservations::unpack(packed.as_deref(), back, now))
    }
}

impl Reservations {
    /// Reads what `packed_reservations` wrote, with its `$back`.
    fn unpack(packed: Option<&str>, back: Timestamp, now: Timestamp) -> Self {
        let mut reservations = Self { taken: Vec::new(), has_expired: false };
        for row in packed.unwrap_or_default().split(',') {
            let mut numbers = row.split(' ').map_while(|number| number.parse::<i64>().ok());
            let (Some(resource), Some(time)) = (numbers.next(), numbers.next()) else { continue };
            if numbers.next().is_some_and(|expires_at| Timestamp(expires_at) <= now) {
                reservations.has_expired = true;
                continue;
            }
            let start = back.plus_seconds(time / LENGTH_UNIT);
            let span = Interval { start, end: start.plus_seconds(time % LENGTH_UNIT) };
            reservations.taken.push(Reserved { resource: ResourceId(resource), span });
        }
        reservations
    }
}

fn gather(rows: Vec<VisitRow>, back: Timestamp, now: Timestamp) -> Visit {
    // Every row has them.
    let packed = rows.first().and_then(|row| row.reserved.as_deref());
    let mut visit = Visit {
        customer: None,
        owner_id: None,
        vehicle_description: String::new(),
        own: Vec::new(),
        reserved: Reservations::unpack(packed, back, now),
    };
    for row in rows {
        if let (Some(id), Some(first), Some(last)) = (row.asked_id, &row.first_name, &row.last_name)
        {
            visit.customer = Some((id, full_name(first, last)));
        }
        if let (Some(year), Some(make), Some(model)) = (row.year, &row.make, &row.model) {
            visit.vehicle_description = describe(year, make, model);
        }
        visit.owner_id = row.owner_id;
        visit.own.extend(row.own());
    }
    visit
}

impl VisitRow {
    fn own(self) -> Option<OwnVisit> {
        Some(OwnVisit {
            id: self.appointment_id?,
            customer_id: self.customer_id?,
            span: Interval { start: self.starts_at?, end: self.ends_at? },
            service_type: self.service_type?,
            status: self.status?,
            bay: self.bay?,
            technician: self.technician,
            booking_method: self.booking_method?,
            booked_by: self.booked_by?,
        })
    }
}
