//! Everything on file as the files of an import, as it was at one moment.

mod sheets;

use std::io;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use self::sheets::{Drafts, Sheet};
use super::columns::{APPOINTMENTS, CUSTOMERS, PRODUCTS, VEHICLES};
use crate::domain::local_time::rfc3339;
use crate::domain::money::Currency;
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::store::exporting::{ExportedCustomer, ExportedProduct, ExportedVehicle, ExportedVisit};
use crate::store::importing::{BOOKED_BY, NOT_RECORDED};
use crate::store::{Session, Store};

/// The files, in the order in which they are written.
const NAMES: [&str; 4] = ["customers.csv", "vehicles.csv", "appointments.csv", "products.csv"];

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file is there already.
    #[error("{} is there already; name another folder, or replace it with --replace", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The database.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// Writes the four files into a folder, which is made where it is not there. They are in their places
/// only when all of them are complete.
///
/// # Errors
/// Where a file is there and is not to be replaced, one cannot be written, or the database fails.
pub async fn export(
    store: &Store,
    shop: &Shop,
    folder: &Path,
    replace: bool,
) -> Result<(), ExportError> {
    let exists = |name: &&str| folder.join(name).try_exists().unwrap_or(true);
    if let Some(name) = NAMES.iter().find(|name| !replace && exists(name)) {
        return Err(ExportError::Exists(folder.join(name)));
    }
    make_folder(folder).map_err(|error| file_error(folder, error))?;
    let drafts = Drafts::new(folder);
    let mut export = Export { session: store.snapshot().await?, shop, drafts: &drafts };
    export.customers().await?;
    export.vehicles().await?;
    export.visits().await?;
    export.products().await?;
    drafts.publish()
}

fn file_error(path: &Path, error: impl Into<io::Error>) -> ExportError {
    ExportError::File { path: path.to_owned(), error: error.into() }
}

/// Makes the folder for its owner alone: the files hold personal data.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

struct Export<'a> {
    session: Session,
    shop: &'a Shop,
    drafts: &'a Drafts,
}

impl Export<'_> {
    fn zone(&self) -> Tz {
        self.shop.zone
    }

    /// How many rows there are, and how many of them need each column that is not a usual one.
    async fn counts(&mut self, from: &str, needs: &[&str]) -> Result<Vec<i64>, ExportError> {
        let all = std::iter::once(&"1 = 1").chain(needs);
        let conditions: Vec<String> = all.map(|&condition| condition.to_owned()).collect();
        Ok(self.session.counts(from, &conditions).await?)
    }

    async fn customers(&mut self) -> Result<(), ExportError> {
        let needs = [
            "account_status <> 'active'",
            "tier <> 'standard'",
            "satisfaction_score is not null",
            "preferences <> '{}'",
            "phone_shared and merged_into is null",
            "last_contact <> created_at and merged_into is null",
            "last_service_at is not null and merged_into is null",
            "lifetime_value_minor <> 0",
            "merged_into is not null",
        ];
        let counts = self.counts("customers", &needs).await?;
        let mut sheet = Sheet::begin(self.drafts, NAMES[0], CUSTOMERS, &counts)?;
        // Those that lead to others come after them, so that they can be taken in this order.
        for is_merged in [false, true] {
            let mut after = 0;
            loop {
                let page = match is_merged {
                    false => self.session.customers_page(after).await?,
                    true => self.session.merged_page(after).await?,
                };
                let Some(last) = page.last() else { break };
                after = last.id;
                for customer in &page {
                    sheet.row(&customer.values(self.shop))?;
                }
                sheet.page_done();
            }
        }
        sheet.finish()
    }

    async fn vehicles(&mut self) -> Result<(), ExportError> {
        let counts = self.counts("vehicles", &[]).await?;
        let mut sheet = Sheet::begin(self.drafts, NAMES[1], VEHICLES, &counts)?;
        let mut after = (0, 0);
        loop {
            let page = self.session.vehicles_page(after).await?;
            let Some(last) = page.last() else { break };
            after = (last.customer_id, last.id);
            for vehicle in &page {
                sheet.row(&vehicle.values())?;
            }
            sheet.page_done();
        }
        sheet.finish()
    }

    /// Visits that begin at the same moment come in the order of their names, which is the same in every
    /// database.
    async fn visits(&mut self) -> Result<(), ExportError> {
        let by_import = format!("<> '{BOOKED_BY}'");
        let (method, by) =
            (format!("booking_method {by_import}"), format!("booked_by {by_import}"));
        let bay =
            format!("bay_id not in (select id from resources where name like '{NOT_RECORDED}%')");
        let needs = [
            &bay,
            "technician_id is not null",
            "reserved_until <> ends_at",
            "work_performed is not null",
            "confirmation_sent",
            "cancellation_reason is not null",
            "cancelled_at is not null",
            "calendar_event_id is not null",
            &method,
            &by,
            "created_at <> starts_at",
            "updated_at <> created_at",
        ];
        let counts = self.counts("appointments", &needs).await?;
        let mut sheet = Sheet::begin(self.drafts, NAMES[2], APPOINTMENTS, &counts)?;
        let (mut after, mut held) = ((-1, 0), Vec::new());
        loop {
            let page = self.session.visits_page(after).await?;
            let last = page.last().map(|last| (last.starts_at, last.id));
            held.extend(page);
            // The rest of those that begin together may be on the next page.
            let complete = last.map_or(held.len(), |(starts_at, _)| {
                held.partition_point(|visit: &ExportedVisit| visit.starts_at < starts_at)
            });
            let mut complete: Vec<ExportedVisit> = held.drain(..complete).collect();
            complete.sort_by_cached_key(|visit| (visit.starts_at, visit.external_id()));
            for visit in &complete {
                sheet.row(&visit.values(self.zone()))?;
            }
            sheet.page_done();
            let Some((starts_at, id)) = last else { break };
            after = (starts_at.0, id);
        }
        sheet.finish()
    }

    async fn products(&mut self) -> Result<(), ExportError> {
        let currency = self.shop.currency;
        let other = format!("currency <> '{}'", currency.code());
        let counts = self.counts("products", &[&other]).await?;
        let mut sheet = Sheet::begin(self.drafts, NAMES[3], PRODUCTS, &counts)?;
        let mut after = String::new();
        loop {
            let page = self.session.products_page(&after).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.sku);
            for product in &page {
                sheet.row(&product.values(currency))?;
            }
            sheet.page_done();
        }
        sheet.finish()
    }
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

fn number(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn time(at: Option<Timestamp>, zone: Tz) -> String {
    at.map(|at| rfc3339(at, zone)).unwrap_or_default()
}

fn flag(value: bool) -> String {
    if value { "true".to_owned() } else { String::new() }
}

/// An amount in major units, with all of its currency's decimals.
fn amount(minor: i64, currency: Currency) -> String {
    let exponent = currency.exponent().map_or(0, u32::from);
    let unit = 10_i64.pow(exponent);
    match usize::try_from(exponent) {
        Ok(width) if width > 0 => format!("{}.{:0width$}", minor / unit, minor % unit),
        _ => minor.to_string(),
    }
}

/// The value, unless it is the one that an import takes where nothing is said.
fn unless(value: &str, usual: &str) -> String {
    if value == usual { String::new() } else { value.to_owned() }
}

impl ExportedCustomer {
    fn values(&self, shop: &Shop) -> Vec<String> {
        let zone = shop.zone;
        let merged_into = self.merged_into();
        // Of a record that only leads to another one, nobody asks for these.
        let own = |at: Option<Timestamp>| at.filter(|_| merged_into.is_none());
        let last_contact = own(self.last_contact).filter(|&at| at != self.created_at);
        vec![
            self.external_id(),
            self.first_name.clone(),
            self.last_name.clone(),
            text(self.email.as_ref()),
            text(self.phone_number.as_ref()),
            rfc3339(self.created_at, zone),
            text(self.notes.as_ref()),
            unless(self.account_status.as_str(), "active"),
            unless(&self.tier, "standard"),
            number(self.satisfaction_score),
            unless(&self.preferences, "{}"),
            flag(self.phone_shared && merged_into.is_none()),
            time(last_contact, zone),
            time(own(self.last_service_at), zone),
            match self.lifetime_value_minor {
                0 => String::new(),
                minor => amount(minor, shop.currency),
            },
            merged_into.unwrap_or_default(),
        ]
    }
}

impl ExportedVehicle {
    fn values(&self) -> Vec<String> {
        vec![
            self.external_id(),
            self.customer_external_id(),
            text(self.vin.as_ref()),
            self.year.to_string(),
            self.make.clone(),
            self.model.clone(),
            text(self.trim_level.as_ref()),
            text(self.color.as_ref()),
            text(self.license_plate.as_ref()),
            number(self.current_mileage),
            self.is_primary.to_string(),
        ]
    }
}

impl ExportedVisit {
    fn values(&self, zone: Tz) -> Vec<String> {
        let is_recorded = !self.bay.starts_with(NOT_RECORDED);
        let buffer_minutes = (self.reserved_until.0 - self.ends_at.0) / 60;
        vec![
            self.external_id(),
            self.customer_external_id(),
            self.vehicle_external_id(),
            rfc3339(self.starts_at, zone),
            ((self.ends_at.0 - self.starts_at.0) / 60).to_string(),
            self.service_type.to_string(),
            self.status.to_string(),
            text(self.service_description.as_ref()),
            text(self.customer_concerns.as_ref()),
            text(self.notes.as_ref()),
            text(Some(&self.bay).filter(|_| is_recorded)),
            text(self.technician.as_ref()),
            number(Some(buffer_minutes).filter(|&minutes| minutes != 0)),
            text(self.work_performed.as_ref()),
            flag(self.confirmation_sent),
            text(self.cancellation_reason.as_ref()),
            time(self.cancelled_at, zone),
            text(self.calendar_event_id.as_ref()),
            unless(&self.booking_method, BOOKED_BY),
            unless(&self.booked_by, BOOKED_BY),
            time(Some(self.created_at).filter(|&at| at != self.starts_at), zone),
            time(Some(self.updated_at).filter(|&at| at != self.created_at), zone),
        ]
    }
}

impl ExportedProduct {
    fn values(&self, shop_currency: Currency) -> Vec<String> {
        let currency = Currency::from_code(&self.currency).unwrap_or(shop_currency);
        vec![
            self.sku.clone(),
            self.name.clone(),
            amount(self.price_minor, currency),
            self.stock_quantity.to_string(),
            text(self.category.as_ref()),
            unless(&self.currency, shop_currency.code()),
        ]
    }
}
