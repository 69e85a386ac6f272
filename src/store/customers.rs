//! Customers, read together with their vehicles.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::customer::NewCustomer;
use crate::domain::id::{CustomerId, VehicleId};
use crate::domain::phone::PhoneNumber;
use crate::domain::text::fold;
use crate::domain::time::Timestamp;
use crate::domain::vehicle::Vehicle;

/// A customer as the database holds one.
#[derive(Clone, Debug, FromRow, PartialEq)]
pub struct CustomerRow {
    /// The customer's number.
    pub id: CustomerId,
    /// The id in a remote CRM.
    pub crm_id: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address as it was written.
    pub email: Option<String>,
    /// Phone number.
    pub phone_number: Option<PhoneNumber>,
    /// Whether others may have the same phone number.
    pub phone_shared: bool,
    /// Whether the shop works for this customer.
    pub account_status: crate::domain::customer::AccountStatus,
    /// The tier.
    pub tier: String,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the customer was last in contact.
    pub last_contact: Option<Timestamp>,
    /// When the last visit was completed.
    pub last_service_at: Option<Timestamp>,
    /// Payments that the shop received, in minor units of its currency.
    pub lifetime_value_minor: i64,
    /// Tickets of the shop's own that are not yet resolved.
    pub open_tickets: i64,
    /// 0 to 5.
    pub satisfaction_score: Option<f64>,
    /// A JSON object.
    pub preferences: String,
    /// What the shop wrote down.
    pub notes: Option<String>,
    /// What the remote CRM said beside that.
    #[sqlx(flatten)]
    pub crm: CrmState,
    #[sqlx(skip)]
    /// The vehicles, the primary one first.
    pub vehicles: Vec<Vehicle>,
}

/// What is known of a customer through the remote CRM alone.
#[derive(Clone, Copy, Debug, Default, Eq, FromRow, PartialEq)]
pub struct CrmState {
    /// When it last said something about the customer; `None`: never.
    pub crm_as_of: Option<Timestamp>,
    /// When it last listed the tickets.
    pub crm_tickets_as_of: Option<Timestamp>,
    /// What it says was paid, in minor units of the shop's currency.
    pub crm_lifetime_value_minor: Option<i64>,
    /// How many of its own tickets are not yet resolved.
    pub crm_open_tickets: Option<i64>,
    /// What was paid on invoices of the remote billing service, in minor units of the shop's currency.
    pub billing_paid_minor: Option<i64>,
}

impl CustomerRow {
    /// What was paid in all, in minor units of the shop's currency: what the CRM counts, or what the
    /// shop received itself, whichever is more.
    pub fn lifetime_value(&self) -> i64 {
        let billed = self.crm.billing_paid_minor.unwrap_or_default();
        let received = self.lifetime_value_minor.saturating_add(billed);
        received.max(self.crm.crm_lifetime_value_minor.unwrap_or_default())
    }

    /// Tickets that are not yet resolved: the shop's own and the CRM's.
    pub fn all_open_tickets(&self) -> i64 {
        self.open_tickets.saturating_add(self.crm.crm_open_tickets.unwrap_or_default())
    }
}

/// One row of customers beside one of their vehicles, if there is one.
#[derive(FromRow)]
struct Joined {
    #[sqlx(flatten)]
    customer: CustomerRow,
    vehicle_id: Option<VehicleId>,
    vin: Option<String>,
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    trim_level: Option<String>,
    color: Option<String>,
    license_plate: Option<String>,
    current_mileage: Option<i64>,
    is_primary: Option<bool>,
}

/// The query for customers by what a record `m` says, also where it was merged into another one.
macro_rules! select_customers {
    ($condition:literal) => {
        concat!(
            "select c.id, c.crm_id, c.first_name, c.last_name, c.email, c.phone_number,
                    c.phone_shared, c.account_status, c.tier, c.created_at, c.last_contact,
                    c.last_service_at, c.lifetime_value_minor, c.open_tickets,
                    c.satisfaction_score, c.preferences, c.notes, c.crm_as_of,
                    c.crm_tickets_as_of, c.crm_lifetime_value_minor, c.crm_open_tickets,
                    c.billing_paid_minor,
                    v.id as vehicle_id, v.vin, v.year, v.make, v.model, v.trim_level, v.color, v.license_plate,
                    v.current_mileage, v.is_primary
             from customers m
             join customers c on c.id = coalesce(m.merged_into, m.id)
             left join vehicles v on v.customer_id = c.id
             where ",
            $condition,
            " order by c.id limit 500"
        )
    };
}

pub(super) const CUSTOMER_BY_ID: &str = select_customers!("m.id = $1");
pub(super) const CUSTOMERS_BY_PHONE: &str = select_customers!("m.phone_number = $1");
pub(super) const CUSTOMER_BY_EMAIL: &str = select_customers!("m.email_key = $1");
pub(super) const CUSTOMER_BY_CRM_ID: &str = select_customers!("m.crm_id = $1");

impl Session {
    /// The customer with this number, or into whom the one with this number was merged, with the
    /// vehicles.
    pub async fn customer(&mut self, id: CustomerId) -> sqlx::Result<Option<CustomerRow>> {
        let rows = on!(self, |db| sqlx::query_as(CUSTOMER_BY_ID).bind(id).fetch_all(db).await)?;
        Ok(group(rows).pop())
    }

    /// The customers with this phone number, with their vehicles; a household may share one.
    pub async fn customers_by_phone(
        &mut self,
        phone: &PhoneNumber,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        Ok(group(on!(self, |db| sqlx::query_as(CUSTOMERS_BY_PHONE)
            .bind(phone)
            .fetch_all(db)
            .await)?))
    }

    /// The customer with this e-mail address, with the vehicles; letter case does not count.
    pub async fn customer_by_email(&mut self, email: &str) -> sqlx::Result<Option<CustomerRow>> {
        let rows = on!(self, |db| sqlx::query_as(CUSTOMER_BY_EMAIL)
            .bind(fold(email))
            .fetch_all(db)
            .await)?;
        Ok(group(rows).pop())
    }

    /// The customer with this id in the remote CRM, with the vehicles.
    pub async fn customer_by_crm_id(&mut self, crm_id: &str) -> sqlx::Result<Option<CustomerRow>> {
        let rows =
            on!(self, |db| sqlx::query_as(CUSTOMER_BY_CRM_ID).bind(crm_id).fetch_all(db).await)?;
        Ok(group(rows).pop())
    }

    /// The number that the customer with this number has now: another one after a merge; `None`
    /// where nobody ever had it.
    pub async fn present_id(&mut self, id: CustomerId) -> sqlx::Result<Option<CustomerId>> {
        let sql = "select coalesce(merged_into, id) from customers where id = $1";
        on!(self, |db| sqlx::query_scalar(sql).bind(id).fetch_optional(db).await)
    }

    /// Puts a customer on file; fails as a unique violation where the phone number or the e-mail
    /// address is somebody else's.
    pub async fn insert_customer(
        &mut self,
        new: &NewCustomer,
        now: Timestamp,
    ) -> sqlx::Result<CustomerId> {
        let sql = "insert into customers
                       (first_name, last_name, email, email_key, phone_number, phone_shared, tier,
                        preferences, notes, created_at, last_contact)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
                   returning id";
        let preferences = serde_json::Value::Object(new.preferences.clone()).to_string();
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(&new.first_name)
            .bind(&new.last_name)
            .bind(&new.email)
            .bind(new.email.as_deref().map(fold))
            .bind(&new.phone_number)
            .bind(new.phone_shared)
            .bind(&new.tier)
            .bind(&preferences)
            .bind(&new.notes)
            .bind(now)
            .fetch_one(db)
            .await)
    }
}

/// Gathers the vehicles of each customer; the rows come in the customers' order.
fn group(rows: Vec<Joined>) -> Vec<CustomerRow> {
    let mut customers: Vec<CustomerRow> = Vec::with_capacity(1);
    for mut row in rows {
        let vehicle = row.take_vehicle();
        match customers.last_mut() {
            // Two records of one customer bring every vehicle twice.
            Some(last) if last.id == row.customer.id => {
                let is_new = |vehicle: &Vehicle| last.vehicles.iter().all(|v| v.id != vehicle.id);
                let vehicle = vehicle.filter(is_new);
                last.vehicles.extend(vehicle);
            }
            _ => {
                row.customer.vehicles = vehicle.into_iter().collect();
                customers.push(row.customer);
            }
        }
    }
    for customer in &mut customers {
        // Cheaper here than in the database, which would sort whole rows.
        customer.vehicles.sort_by_key(|vehicle| (!vehicle.is_primary_vehicle, vehicle.id));
    }
    customers
}

impl Joined {
    fn take_vehicle(&mut self) -> Option<Vehicle> {
        Some(Vehicle {
            id: self.vehicle_id?,
            customer_id: self.customer.id,
            vin: self.vin.take(),
            year: self.year?,
            make: self.make.take()?,
            model: self.model.take()?,
            trim: self.trim_level.take(),
            color: self.color.take(),
            license_plate: self.license_plate.take(),
            current_mileage: self.current_mileage,
            is_primary_vehicle: self.is_primary?,
        })
    }
}
