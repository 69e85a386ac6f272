//! What was tried to remind customers of their visits.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::id::{AppointmentId, CustomerId};
use crate::domain::reminder::{Channel, Outcome};
use crate::domain::time::Timestamp;

/// How many attempts of one visit are read.
const ATTEMPTS: i64 = 100;

/// One attempt to remind a customer.
#[derive(Clone, Debug, FromRow)]
pub struct Reminder {
    /// How it was tried.
    pub channel: Channel,
    /// What came of it.
    pub outcome: Outcome,
    /// When.
    pub sent_at: Timestamp,
}

/// The newest attempts for a visit.
pub(super) const ATTEMPTS_OF: &str = "select channel, outcome, sent_at from reminders
    where appointment_id = $1 order by id desc limit $2";

impl Session {
    /// Records an attempt; one that reached somebody, or left a message, confirms the visit.
    pub async fn insert_reminder(
        &mut self,
        appointment: AppointmentId,
        reminder: &Reminder,
    ) -> sqlx::Result<()> {
        let sql = "insert into reminders (appointment_id, channel, outcome, sent_at)
                   values ($1, $2, $3, $4)";
        on!(self, |db| sqlx::query(sql)
            .bind(appointment)
            .bind(reminder.channel)
            .bind(reminder.outcome)
            .bind(reminder.sent_at)
            .execute(db)
            .await
            .map(drop))?;
        if !reminder.outcome.confirms() {
            return Ok(());
        }
        let sql = "update appointments set confirmation_sent = true, updated_at = $2 where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(appointment)
            .bind(reminder.sent_at)
            .execute(db)
            .await
            .map(drop))
    }

    /// The newest attempts for a visit, oldest first.
    pub async fn reminders(&mut self, appointment: AppointmentId) -> sqlx::Result<Vec<Reminder>> {
        let mut newest: Vec<Reminder> = on!(self, |db| sqlx::query_as(ATTEMPTS_OF)
            .bind(appointment)
            .bind(ATTEMPTS)
            .fetch_all(db)
            .await)?;
        newest.reverse();
        Ok(newest)
    }

    /// Notes that the customer was spoken to.
    pub async fn record_contact(
        &mut self,
        customer: CustomerId,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update customers set last_contact = $2
                   where id = $1 and (last_contact is null or last_contact < $2)";
        on!(self, |db| sqlx::query(sql).bind(customer).bind(now).execute(db).await.map(drop))
    }
}
