//! The columns of the four files.

/// A column, and whether a file without it can be imported.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub is_required: bool,
}

const fn needed(name: &'static str) -> Column {
    Column { name, is_required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, is_required: false }
}

/// What a file of rejected rows adds; it is left out when such a file is imported.
pub const REJECT_COLUMNS: [&str; 2] = ["line", "reason"];

/// customers.csv; from `account_status` on, what only an export says.
pub const CUSTOMERS: &[Column] = &[
    needed("external_id"),
    needed("first_name"),
    needed("last_name"),
    optional("email"),
    optional("phone_number"),
    optional("created_at"),
    optional("notes"),
    optional("account_status"),
    optional("tier"),
    optional("satisfaction_score"),
    optional("preferences"),
    optional("phone_shared"),
    optional("last_contact"),
    optional("last_service_at"),
    optional("lifetime_value"),
    optional("merged_into"),
];

/// vehicles.csv.
pub const VEHICLES: &[Column] = &[
    needed("external_id"),
    needed("customer_external_id"),
    optional("vin"),
    optional("year"),
    optional("make"),
    optional("model"),
    optional("trim"),
    optional("color"),
    optional("license_plate"),
    optional("current_mileage"),
    optional("is_primary_vehicle"),
];

/// appointments.csv; from `bay` on, what only an export says.
pub const APPOINTMENTS: &[Column] = &[
    needed("external_id"),
    optional("customer_external_id"),
    needed("vehicle_external_id"),
    needed("scheduled_at"),
    optional("duration_minutes"),
    needed("service_type"),
    optional("status"),
    optional("service_description"),
    optional("customer_concerns"),
    optional("notes"),
    optional("bay"),
    optional("technician"),
    optional("buffer_minutes"),
    optional("work_performed"),
    optional("confirmation_sent"),
    optional("cancellation_reason"),
    optional("cancelled_at"),
    optional("calendar_event_id"),
    optional("booking_method"),
    optional("booked_by"),
    optional("created_at"),
    optional("updated_at"),
];

/// products.csv; `currency` only where it is not the shop's.
pub const PRODUCTS: &[Column] = &[
    needed("sku"),
    needed("name"),
    needed("price"),
    optional("stock_quantity"),
    optional("category"),
    optional("currency"),
];

/// Where a file has its columns.
#[derive(Clone, Debug)]
pub struct Header {
    /// The place of each known column, in the order of the list; `None` where the file lacks it.
    places: Vec<Option<usize>>,
    /// How many columns the file has.
    pub width: usize,
    /// Columns that mean nothing here.
    pub unknown: Vec<String>,
}

/// Why a header cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidHeader {
    /// Nothing in the file.
    #[error("is empty; its first line has to name the columns: {0}")]
    Empty(String),
    /// A column twice.
    #[error("has the column {0} twice")]
    Twice(String),
    /// Columns that have to be there.
    #[error("lacks the column {missing}; its first line has to name the columns: {all}{hint}")]
    Missing {
        /// Those that are missing.
        missing: String,
        /// All that there may be.
        all: String,
        /// What is likely wrong.
        hint: &'static str,
    },
}

impl Header {
    /// Reads the first line of a file.
    pub fn read<'a>(
        names: impl Iterator<Item = &'a str> + Clone,
        columns: &[Column],
    ) -> Result<Self, InvalidHeader> {
        let all = columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",");
        let names: Vec<String> = names.map(|name| name.trim().to_lowercase()).collect();
        if names.iter().all(String::is_empty) {
            return Err(InvalidHeader::Empty(all));
        }
        let mut header =
            Self { places: vec![None; columns.len()], width: names.len(), unknown: Vec::new() };
        for (at, name) in names.iter().enumerate() {
            if !name.is_empty() && names.iter().take(at).any(|earlier| earlier == name) {
                return Err(InvalidHeader::Twice(name.clone()));
            }
            let place = columns.iter().position(|column| column.name == name);
            match place.and_then(|place| header.places.get_mut(place)) {
                Some(place) => *place = Some(at),
                None if REJECT_COLUMNS.contains(&name.as_str()) => {}
                None => header.unknown.push(name.clone()),
            }
        }
        let is_missing = |(place, column): (&Option<usize>, &Column)| {
            (place.is_none() && column.is_required).then_some(column.name)
        };
        let missing: Vec<&str> = header.places.iter().zip(columns).filter_map(is_missing).collect();
        if missing.is_empty() {
            return Ok(header);
        }
        let hint = match names.as_slice() {
            [only] if only.contains(';') => "; it separates them by semicolons, not by commas",
            [only] if only.contains('\t') => "; it separates them by tabs, not by commas",
            _ => "",
        };
        Err(InvalidHeader::Missing { missing: missing.join(", "), all, hint })
    }

    /// Where the file has the column with this place in the list.
    pub fn place(&self, column: usize) -> Option<usize> {
        self.places.get(column).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<Header, InvalidHeader> {
        Header::read(header.split(','), PRODUCTS)
    }

    #[test]
    fn columns_may_come_in_any_order_and_some_may_be_missing() {
        let header = read(" Price,fax,sku,NAME,line").expect("a header");
        let places: Vec<_> = (0..PRODUCTS.len()).map(|column| header.place(column)).collect();
        assert_eq!(places, [Some(2), Some(3), Some(0), None, None, None]);
        assert_eq!((header.width, header.unknown), (5, vec!["fax".to_owned()]));
    }

    #[test]
    fn a_header_that_cannot_be_used_says_why() {
        let check = |header: &str, expected: &str| {
            let error = read(header).expect_err("no header").to_string();
            assert!(error.contains(expected), "{header}: {error}");
        };
        check("", "is empty");
        check("sku,name,price,SKU", "has the column sku twice");
        check("sku,price", "lacks the column name; ");
        check("sku;name;price", "separates them by semicolons");
    }
}
