//! Row ids as newtypes, so that a customer's number cannot be passed for a vehicle's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd,
            Serialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        #[sqlx(transparent)]
        pub struct $name(#[schemars(range(min = 1))] pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A customer's number.
    CustomerId
);
id!(
    /// A vehicle's number.
    VehicleId
);
id!(
    /// An appointment's number.
    AppointmentId
);
id!(
    /// A ticket's number.
    TicketId
);
id!(
    /// An invoice's number.
    InvoiceId
);
id!(
    /// A payment's number.
    PaymentId
);
id!(
    /// A product's number.
    ProductId
);
id!(
    /// The number of a bay or a technician: what an appointment or a hold reserves.
    ResourceId
);

impl ResourceId {
    /// In the place of a bay or a technician: all of them.
    pub const WHOLE_SHOP: Self = Self(0);
    /// In the place of a bay or a technician: none of them. A block of nobody says that its event is
    /// only known in part.
    pub const NOBODY: Self = Self(-1);
}
