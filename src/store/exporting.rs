//! Reading everything, page by page, as it was at one moment.

use sqlx::FromRow;

use super::importing::OwnName;
use super::{Backend, Kind, Session, Store, on};
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::customer::AccountStatus;
use crate::domain::time::Timestamp;

/// How many rows are read at once.
pub const PAGE: i64 = 5_000;

/// A customer, or a record that leads to one.
#[derive(Debug, FromRow)]
pub struct ExportedCustomer {
    /// The number.
    pub id: i64,
    crm_id: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone_number: Option<String>,
    /// Whether others may have it, too.
    pub phone_shared: bool,
    /// Whether the shop works for this customer.
    pub account_status: AccountStatus,
    /// The tier.
    pub tier: String,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the customer was last in contact.
    pub last_contact: Option<Timestamp>,
    /// When the last visit was completed.
    pub last_service_at: Option<Timestamp>,
    /// Payments received, in minor units.
    pub lifetime_value_minor: i64,
    /// 0 to 5.
    pub satisfaction_score: Option<f64>,
    /// A JSON object.
    pub preferences: String,
    /// What the shop wrote down.
    pub notes: Option<String>,
    kept_id: Option<i64>,
    kept_crm_id: Option<String>,
    kept_created_at: Option<Timestamp>,
}

/// A vehicle.
#[derive(Debug, FromRow)]
pub struct ExportedVehicle {
    /// The number.
    pub id: i64,
    external_id: Option<String>,
    /// The owner's number.
    pub customer_id: i64,
    crm_id: Option<String>,
    owner_since: Timestamp,
    /// Vehicle identification number.
    pub vin: Option<String>,
    /// Model year.
    pub year: i64,
    /// Make.
    pub make: String,
    /// Model.
    pub model: String,
    /// Trim.
    pub trim_level: Option<String>,
    /// Color.
    pub color: Option<String>,
    /// License plate.
    pub license_plate: Option<String>,
    /// Odometer reading.
    pub current_mileage: Option<i64>,
    /// Whether it is the primary one.
    pub is_primary: bool,
    created_at: Timestamp,
}

/// A visit.
#[derive(Debug, FromRow)]
pub struct ExportedVisit {
    /// The number.
    pub id: i64,
    external_id: Option<String>,
    customer_id: i64,
    crm_id: Option<String>,
    customer_since: Timestamp,
    vehicle_id: i64,
    vehicle_external_id: Option<String>,
    vehicle_since: Timestamp,
    /// The start.
    pub starts_at: Timestamp,
    /// The end.
    pub ends_at: Timestamp,
    /// When bay and technician were free again.
    pub reserved_until: Timestamp,
    /// What is done.
    pub service_type: ServiceType,
    /// Where it stands.
    pub status: Status,
    /// The work in detail.
    pub service_description: Option<String>,
    /// What the customer said.
    pub customer_concerns: Option<String>,
    /// What the shop should know.
    pub notes: Option<String>,
    /// The bay.
    pub bay: String,
    /// The technician.
    pub technician: Option<String>,
    /// What was done.
    pub work_performed: Option<String>,
    /// Whether somebody was reached to confirm it.
    pub confirmation_sent: bool,
    /// Why it was cancelled.
    pub cancellation_reason: Option<String>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Its event in the shop's calendar.
    pub calendar_event_id: Option<String>,
    /// How the booking reached the shop.
    pub booking_method: String,
    /// Who took the booking.
    pub booked_by: String,
    /// When it was booked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A product.
#[derive(Debug, FromRow)]
pub struct ExportedProduct {
    /// What it is known by.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What one costs, in minor units.
    pub price_minor: i64,
    /// The currency of the price.
    pub currency: String,
    /// How many are there.
    pub stock_quantity: i64,
    /// What it is filed under.
    pub category: Option<String>,
}

fn name(external_id: Option<&String>, id: i64, created_at: Timestamp) -> String {
    external_id.cloned().unwrap_or_else(|| OwnName { id, created_at }.to_string())
}

impl ExportedCustomer {
    /// What the customer is called in the files.
    pub fn external_id(&self) -> String {
        name(self.crm_id.as_ref(), self.id, self.created_at)
    }

    /// The customer whom this record leads to.
    pub fn merged_into(&self) -> Option<String> {
        Some(name(self.kept_crm_id.as_ref(), self.kept_id?, self.kept_created_at?))
    }
}

impl ExportedVehicle {
    /// What the vehicle is called in the files.
    pub fn external_id(&self) -> String {
        name(self.external_id.as_ref(), self.id, self.created_at)
    }

    /// What its owner is called there.
    pub fn customer_external_id(&self) -> String {
        name(self.crm_id.as_ref(), self.customer_id, self.owner_since)
    }
}

impl ExportedVisit {
    /// What the visit is called in the files.
    pub fn external_id(&self) -> String {
        name(self.external_id.as_ref(), self.id, self.created_at)
    }

    /// What the customer is called there.
    pub fn customer_external_id(&self) -> String {
        name(self.crm_id.as_ref(), self.customer_id, self.customer_since)
    }

    /// What the vehicle is called there.
    pub fn vehicle_external_id(&self) -> String {
        name(self.vehicle_external_id.as_ref(), self.vehicle_id, self.vehicle_since)
    }
}

macro_rules! customers_page {
    ($condition:literal) => {
        concat!(
            "select c.id, c.crm_id, c.first_name, c.last_name, c.email, c.phone_number,
                    c.phone_shared, c.account_status, c.tier, c.created_at, c.last_contact,
                    c.last_service_at, c.lifetime_value_minor, c.satisfaction_score,
                    c.preferences, c.notes, kept.id as kept_id, kept.crm_id as kept_crm_id,
                    kept.created_at as kept_created_at
             from customers c
             left join customers kept on kept.id = c.merged_into
             where c.id > $1 and ",
            $condition,
            " order by c.id limit $2"
        )
    };
}

const CUSTOMERS: &str = customers_page!("c.merged_into is null");
const MERGED: &str = customers_page!("c.merged_into is not null");
const VEHICLES: &str = "
    select v.id, v.external_id, v.customer_id, c.crm_id, c.created_at as owner_since, v.vin, v.year,
           v.make, v.model, v.trim_level, v.color, v.license_plate, v.current_mileage, v.is_primary,
           v.created_at
    from vehicles v
    join customers c on c.id = v.customer_id
    where (v.customer_id, v.id) > ($1, $2)
    order by v.customer_id, v.id limit $3";
const VISITS: &str = "
    select a.id, a.external_id, a.customer_id, c.crm_id, c.created_at as customer_since, a.vehicle_id,
           v.external_id as vehicle_external_id, v.created_at as vehicle_since, a.starts_at, a.ends_at,
           a.reserved_until, a.service_type, a.status, a.service_description, a.customer_concerns, a.notes,
           b.name as bay, t.name as technician, a.work_performed, a.confirmation_sent,
           a.cancellation_reason, a.cancelled_at, a.calendar_event_id, a.booking_method, a.booked_by,
           a.created_at, a.updated_at
    from appointments a
    join customers c on c.id = a.customer_id
    join vehicles v on v.id = a.vehicle_id
    join resources b on b.id = a.bay_id
    left join resources t on t.id = a.technician_id
    where (a.starts_at, a.id) > ($1, $2)
    order by a.starts_at, a.id limit $3";
const PRODUCTS: &str = "
    select sku, name, price_minor, currency, stock_quantity, category
    from products where sku > $1 order by sku limit $2";

impl Store {
    /// A session that sees the database as it is now, however long it reads; it keeps nobody from
    /// writing.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn snapshot(&self) -> sqlx::Result<Session> {
        match &self.backend {
            Backend::Sqlite(files) => Ok(Session(Kind::Sqlite(files.bulk_reader.begin().await?))),
            Backend::Postgres(server) => {
                let begin = "begin isolation level repeatable read read only";
                let mut transaction = server.pool.begin_with(begin).await?;
                // It reads everything, which takes its time.
                let sql = "set local statement_timeout = '10min';
                           set local idle_in_transaction_session_timeout = '10min'";
                sqlx::raw_sql(sql).execute(&mut *transaction).await?;
                Ok(Session(Kind::Postgres(transaction)))
            }
        }
    }
}

impl Session {
    /// A page of the customers after this number.
    pub async fn customers_page(&mut self, after: i64) -> sqlx::Result<Vec<ExportedCustomer>> {
        on!(self, |db| sqlx::query_as(CUSTOMERS).bind(after).bind(PAGE).fetch_all(db).await)
    }

    /// A page of the records that lead to other customers.
    pub async fn merged_page(&mut self, after: i64) -> sqlx::Result<Vec<ExportedCustomer>> {
        on!(self, |db| sqlx::query_as(MERGED).bind(after).bind(PAGE).fetch_all(db).await)
    }

    /// A page of the vehicles after this one, by owner.
    pub async fn vehicles_page(&mut self, after: (i64, i64)) -> sqlx::Result<Vec<ExportedVehicle>> {
        on!(self, |db| sqlx::query_as(VEHICLES)
            .bind(after.0)
            .bind(after.1)
            .bind(PAGE)
            .fetch_all(db)
            .await)
    }

    /// A page of the visits after this one, by time.
    pub async fn visits_page(&mut self, after: (i64, i64)) -> sqlx::Result<Vec<ExportedVisit>> {
        on!(self, |db| sqlx::query_as(VISITS)
            .bind(after.0)
            .bind(after.1)
            .bind(PAGE)
            .fetch_all(db)
            .await)
    }

    /// A page of the products after this SKU.
    pub async fn products_page(&mut self, after: &str) -> sqlx::Result<Vec<ExportedProduct>> {
        on!(self, |db| sqlx::query_as(PRODUCTS).bind(after).bind(PAGE).fetch_all(db).await)
    }

    /// For how many rows each of these conditions holds, in one look at the table.
    pub async fn counts(&mut self, from: &str, conditions: &[String]) -> sqlx::Result<Vec<i64>> {
        let count =
            |condition: &String| format!("cast(count(case when {condition} then 1 end) as text)");
        let counts: Vec<String> = conditions.iter().map(count).collect();
        let sql = format!("select {} from {from}", counts.join(" || ' ' || "));
        let sql = sqlx::AssertSqlSafe(sql);
        let packed: String = on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)?;
        Ok(packed.split(' ').filter_map(|count| count.parse().ok()).collect())
    }
}
