//! What the shop's records come to: one query over an index for each report.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::time::Interval;

/// The seconds of the stretches in which appointments are counted: no zone's offset is finer.
pub const STRETCH_SECONDS: i64 = 900;
/// The longest time between the beginning and the end of work that is believed.
const MAX_WORK_SECONDS: i64 = 86_400;

/// How many appointments of a service stand there.
#[derive(Clone, Debug, FromRow)]
pub struct Counted {
    /// What was to be done.
    pub service_type: ServiceType,
    /// Where they stand.
    pub status: Status,
    /// How many they are.
    pub appointments: i64,
}

/// How long appointments of a service take.
#[derive(Clone, Debug, FromRow)]
pub struct Duration {
    /// What was to be done.
    pub service_type: ServiceType,
    /// How many they are.
    pub appointments: i64,
    /// The seconds for which they were booked, in all.
    pub booked_seconds: i64,
    /// Of how many the beginning and the end of the work are known.
    pub timed: i64,
    /// How long the work on those took, in all.
    pub worked_seconds: i64,
}

/// What was received in a month, in one currency.
#[derive(Clone, Debug, FromRow)]
pub struct Revenue {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// The currency's code.
    pub currency: String,
    /// How many payments.
    pub payments: i64,
    /// Their sum.
    pub amount_minor: i64,
}

pub(super) const COUNTS: &str = "select service_type, status, count(*) as appointments
     from appointments
     where starts_at >= $1 and starts_at < $2
     group by service_type, status";
pub(super) const STARTS: &str = "select starts_at / $3 as stretch, count(*) as appointments
     from appointments
     where starts_at >= $1 and starts_at < $2 and status <> 'cancelled'
     group by starts_at / $3";
pub(super) const DURATIONS: &str = "select a.service_type, count(*) as appointments,
            cast(sum(a.ends_at - a.starts_at) as bigint) as booked_seconds,
            count(w.appointment_id) as timed,
            cast(coalesce(sum(w.ended_at - w.began_at), 0) as bigint) as worked_seconds
     from appointments a
     left join work_times w on w.appointment_id = a.id and w.ended_at - w.began_at between 60 and $3
     where a.starts_at >= $1 and a.starts_at < $2 and a.status not in ('cancelled', 'no_show')
     group by a.service_type";

macro_rules! revenue {
    ($months:literal) => {
        concat!(
            "with months (month, starts_at, ends_at) as (",
            $months,
            // The currency is looked up row by row, so that no plan reads all invoices for it.
            ") select month, currency, count(*) as payments,
                    cast(sum(amount_minor) as bigint) as amount_minor
             from (select months.month, payments.amount_minor,
                          (select i.currency from invoices i
                           where i.id = payments.invoice_id) as currency
                   from months
                   join payments on payments.created_at >= months.starts_at
                                and payments.created_at < months.ends_at) received
             group by month, currency
             order by month, currency"
        )
    };
}

/// The query for one month, as a plan is made for.
#[cfg(test)]
pub(super) const REVENUE_OF_A_MONTH: &str =
    revenue!("values (cast($1 as text), cast($2 as bigint), cast($3 as bigint))");
/// The query for any number of months, which take the place of the sign.
const REVENUE: &str = revenue!("?");

impl Session {
    /// How many appointments start in this time, by service and status.
    pub async fn count_appointments(&mut self, starts: Interval) -> sqlx::Result<Vec<Counted>> {
        on!(self, |db| sqlx::query_as(COUNTS)
            .bind(starts.start)
            .bind(starts.end)
            .fetch_all(db)
            .await)
    }

    /// In which stretches of [`STRETCH_SECONDS`] since 1970 appointments start that were not cancelled,
    /// and how many.
    pub async fn count_starts(&mut self, starts: Interval) -> sqlx::Result<Vec<(i64, i64)>> {
        on!(self, |db| sqlx::query_as(STARTS)
            .bind(starts.start)
            .bind(starts.end)
            .bind(STRETCH_SECONDS)
            .fetch_all(db)
            .await)
    }

    /// How long appointments take that start in this time and were neither cancelled nor missed.
    pub async fn durations(&mut self, starts: Interval) -> sqlx::Result<Vec<Duration>> {
        on!(self, |db| sqlx::query_as(DURATIONS)
            .bind(starts.start)
            .bind(starts.end)
            .bind(MAX_WORK_SECONDS)
            .fetch_all(db)
            .await)
    }

    /// What was received in these months, by month and currency.
    pub async fn revenue(&mut self, months: &[(String, Interval)]) -> sqlx::Result<Vec<Revenue>> {
        if months.is_empty() {
            return Ok(Vec::new());
        }
        let (head, tail) = REVENUE.split_once('?').unwrap_or_default();
        on!(self, |db| {
            let mut select = sqlx::QueryBuilder::new(head);
            select.push_values(months, |mut row, (month, span)| {
                row.push_bind(month).push_bind(span.start).push_bind(span.end);
            });
            select.push(tail);
            select.build_query_as().fetch_all(db).await
        })
    }
}
