//! Rows to be taken over; every value was checked.

use super::OwnName;
use super::texts::Texts;
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::customer::AccountStatus;
use crate::domain::phone::PhoneNumber;
use crate::domain::time::{Interval, Timestamp};

/// Text that is held by the hundred thousand.
pub type Text = Box<str>;

/// What all rows have.
pub trait Row {
    /// What the record is called in the program that it comes from.
    fn external_id(&self) -> &str;

    /// The record of ours that an export gave this name, if one did.
    fn own_name(&self) -> Option<OwnName> {
        self.external_id().parse().ok()
    }
}

/// A customer.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// Becomes the `crm_id`.
    pub external_id: Text,
    /// First name.
    pub first_name: Text,
    /// Last name.
    pub last_name: Text,
    /// E-mail address as it was written.
    pub email: Option<Text>,
    /// The e-mail address by which others are compared with it.
    pub email_key: Option<Text>,
    /// Phone number.
    pub phone_number: Option<PhoneNumber>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// What the shop wrote down.
    pub notes: Option<Text>,
    /// What only an export says.
    pub more: Option<Box<CustomerMore>>,
}

/// What an export says of a customer beyond the usual columns.
#[derive(Clone, Debug, Default)]
pub struct CustomerMore {
    /// Whether others may have the same phone number.
    pub phone_shared: bool,
    /// Whether the shop works for this customer.
    pub account_status: Option<AccountStatus>,
    /// The tier.
    pub tier: Option<Text>,
    /// 0 to 5.
    pub satisfaction_score: Option<f64>,
    /// A JSON object.
    pub preferences: Option<Text>,
    /// When the customer was last in contact.
    pub last_contact: Option<Timestamp>,
    /// When the last visit was completed.
    pub last_service_at: Option<Timestamp>,
    /// Payments received, in minor units.
    pub lifetime_value_minor: i64,
    /// The customer into whom this one was merged.
    pub merged_into: Option<Text>,
}

impl NewCustomer {
    /// First and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub(super) fn phone_shared(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.phone_shared)
    }

    pub(super) fn merged_into(&self) -> Option<&str> {
        self.more.as_ref()?.merged_into.as_deref()
    }
}

/// A vehicle.
#[derive(Clone, Debug)]
pub struct NewVehicle {
    /// What the vehicle is called in the other program.
    pub external_id: Text,
    /// The owner.
    pub customer_external_id: Text,
    /// Vehicle identification number.
    pub vin: Option<Text>,
    /// Model year.
    pub year: i64,
    /// Make.
    pub make: Text,
    /// Model.
    pub model: Text,
    /// Trim.
    pub trim: Option<Text>,
    /// Color.
    pub color: Option<Text>,
    /// License plate.
    pub license_plate: Option<Text>,
    /// Odometer reading.
    pub current_mileage: Option<i64>,
    /// Whether it is said to be the primary one.
    pub is_primary: bool,
}

/// A visit.
#[derive(Clone, Debug)]
pub struct NewVisit {
    texts: Texts<6>,
    /// From its start to its end.
    pub span: Interval,
    /// What is done.
    pub service_type: ServiceType,
    /// Where it stands.
    pub status: Status,
    /// What only an export says.
    pub more: Option<Box<VisitMore>>,
}

/// What a visit's row says in words.
#[derive(Clone, Copy, Debug, Default)]
pub struct VisitTexts<'a> {
    /// What the visit is called in the other program.
    pub external_id: &'a str,
    /// Who came; `None`: the vehicle's owner.
    pub customer_external_id: Option<&'a str>,
    /// With what.
    pub vehicle_external_id: &'a str,
    /// The work in detail.
    pub service_description: Option<&'a str>,
    /// What the customer said.
    pub customer_concerns: Option<&'a str>,
    /// What the shop should know.
    pub notes: Option<&'a str>,
}

/// What an export says of a visit beyond the usual columns.
#[derive(Clone, Debug, Default)]
pub struct VisitMore {
    /// The bay's name.
    pub bay: Option<Text>,
    /// The technician's name.
    pub technician: Option<Text>,
    /// How long bay and technician stayed taken after it, in seconds.
    pub buffer_seconds: Option<i64>,
    /// What was done.
    pub work_performed: Option<Text>,
    /// Whether somebody was reached to confirm it.
    pub confirmation_sent: bool,
    /// Why it was cancelled.
    pub cancellation_reason: Option<Text>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Its event in the shop's calendar.
    pub calendar_event_id: Option<Text>,
    /// How the booking reached the shop.
    pub booking_method: Option<Text>,
    /// Who took the booking.
    pub booked_by: Option<Text>,
    /// When it was booked.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// How a visit is marked that another program booked.
pub const BOOKED_BY: &str = "import";

impl NewVisit {
    /// A visit.
    #[must_use]
    pub fn new(
        texts: VisitTexts<'_>,
        span: Interval,
        service_type: ServiceType,
        status: Status,
        more: Option<Box<VisitMore>>,
    ) -> Self {
        let texts = Texts::new([
            Some(texts.external_id),
            Some(texts.vehicle_external_id),
            texts.customer_external_id,
            texts.service_description,
            texts.customer_concerns,
            texts.notes,
        ]);
        Self { texts, span, service_type, status, more }
    }

    pub(super) fn vehicle_external_id(&self) -> &str {
        self.texts.get(1).unwrap_or_default()
    }

    pub(super) fn customer_external_id(&self) -> Option<&str> {
        self.texts.get(2)
    }

    pub(super) fn service_description(&self) -> Option<&str> {
        self.texts.get(3)
    }

    pub(super) fn customer_concerns(&self) -> Option<&str> {
        self.texts.get(4)
    }

    pub(super) fn notes(&self) -> Option<&str> {
        self.texts.get(5)
    }

    /// Whether it occupies its bay.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Scheduled | Status::Confirmed | Status::InProgress)
    }

    /// When it was booked: where nobody says, then when it began, which is never too early; what is still
    /// to come, now.
    pub(super) fn created_at(&self, now: Timestamp) -> Timestamp {
        let said = self.more.as_ref().and_then(|more| more.created_at);
        said.unwrap_or(self.span.start.min(now))
    }

    pub(super) fn updated_at(&self, now: Timestamp) -> Timestamp {
        let said = self.more.as_ref().and_then(|more| more.updated_at);
        said.unwrap_or_else(|| self.created_at(now))
    }

    pub(super) fn reserved_until(&self) -> Timestamp {
        let buffer = self.more.as_ref().and_then(|more| more.buffer_seconds);
        self.span.end.plus_seconds(buffer.unwrap_or_default())
    }

    pub(super) fn booking_method(&self) -> &str {
        let said = self.more.as_ref().and_then(|more| more.booking_method.as_deref());
        said.unwrap_or(BOOKED_BY)
    }

    pub(super) fn booked_by(&self) -> &str {
        let said = self.more.as_ref().and_then(|more| more.booked_by.as_deref());
        said.unwrap_or(BOOKED_BY)
    }
}

/// A product.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// What it is known by.
    pub sku: Text,
    /// Its name.
    pub name: Text,
    /// What one costs, in minor units.
    pub price_minor: i64,
    /// The currency of the price.
    pub currency: Text,
    /// How many are there.
    pub stock_quantity: i64,
    /// What it is filed under.
    pub category: Option<Text>,
}

impl Row for NewCustomer {
    fn external_id(&self) -> &str {
        &self.external_id
    }
}

impl Row for NewVehicle {
    fn external_id(&self) -> &str {
        &self.external_id
    }
}

impl Row for NewVisit {
    fn external_id(&self) -> &str {
        self.texts.get(0).unwrap_or_default()
    }
}

impl Row for NewProduct {
    fn external_id(&self) -> &str {
        &self.sku
    }
}
