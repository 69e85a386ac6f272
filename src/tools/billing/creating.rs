//! Making an invoice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use super::{InvoiceView, find, read_money, remote, today, view};
use crate::clients::{Changed, Upstream};
use crate::config::Toolset;
use crate::domain::customer::full_name;
use crate::domain::id::{AppointmentId, CustomerId};
use crate::domain::invoice::{LineItem, MAX_LINE_ITEMS};
use crate::domain::local_time::spoken_date;
use crate::domain::money::{self, Currency, MAX_MINOR, MAX_PRICE_MINOR, Money, Quantity};
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{CustomerRow, Invoice, NewInvoice, RemoteCustomer, Session};
use crate::tools::appointments;
use crate::tools::arguments::refuse;
use crate::tools::customers::{customer_not_found, optional, present_id};
use crate::tools::remote_change::RemoteChange;
use crate::tools::times::read_day;
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `create_invoice`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateInvoice {
    /// From lookup_customer.
    customer_id: CustomerId,
    /// 1 to 100 lines.
    #[schemars(length(min = 1, max = 100))]
    line_items: Vec<Line>,
    /// The visit that it is for.
    appointment_id: Option<AppointmentId>,
    /// ISO 4217; default the shop's.
    #[schemars(length(max = 10))]
    currency: Option<String>,
    /// YYYY-MM-DD; default none.
    #[schemars(length(min = 1, max = 60))]
    due_date: Option<String>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A line item as a caller gives one.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Line {
    /// The work or part.
    #[schemars(length(min = 1, max = 200))]
    description: String,
    /// Such as 1.5 hours.
    quantity: Number,
    /// Price of one; negative: a discount.
    unit_price: Number,
    /// If it is one of the shop's products.
    #[schemars(length(min = 1, max = 200))]
    sku: Option<String>,
}

/// An invoice.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Created {
    /// The invoice.
    invoice: InvoiceView,
}

impl Tool for CreateInvoice {
    const NAME: &'static str = "create_invoice";
    const TITLE: &'static str = "Create an invoice";
    const DESCRIPTION: &'static str = "Make an invoice over line_items, pending until paid. A sku must be a product's; stock stays as it is (adjust_stock).";
    const TOOLSET: Toolset = Toolset::Billing;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    const ASKS: Option<Upstream> = Some(Upstream::Billing);
    type Data = Created;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Created>, ToolError> {
        let mut new = self.check(call)?;
        if call.engine.billing.is_on() {
            return self.create_remotely(new, call).await;
        }
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        new.customer_id = present_id(&mut write.session, new.customer_id).await?;
        check_appointment(&mut write.session, &new).await?;
        check_skus(&mut write.session, &new.line_items).await?;
        let id = write.session.insert_invoice(&new, call.now).await?;
        let invoice = find(&mut write.session, id, call).await?;
        let message = told(&invoice);
        write.finish(Answer::new(message, Created { invoice: view(invoice, call) })).await
    }
}

impl CreateInvoice {
    /// Has the billing service make the invoice, and keeps it here.
    async fn create_remotely(
        &self,
        mut new: NewInvoice,
        call: &Call<'_>,
    ) -> Result<Answer<Created>, ToolError> {
        let key = self.idempotency_key.as_deref();
        if let Some(envelope) = Write::earlier(call, Self::NAME, key).await? {
            return Ok(Answer::Kept(envelope));
        }
        let mut session = call.engine.store().await?.read().await?;
        let Some(customer) = session.customer(new.customer_id).await? else {
            return Err(customer_not_found(new.customer_id).into());
        };
        new.customer_id = customer.id;
        check_appointment(&mut session, &new).await?;
        if !call.engine.inventory.is_on() {
            check_skus(&mut session, &new.line_items).await?;
        }
        drop(session);
        let name = remote::remote_name(&customer);
        let body = body(&new, &customer);
        let asked = RemoteChange::begin(call, key, &format!("invoice {body}")).await?;
        let making = call.engine.billing.create(body, (name.clone(), asked.key()), call.now);
        let said = match asked.wait(making).await {
            Ok(Changed::Made(said)) => said,
            Ok(Changed::Conflict(objection)) if objection.is_about_the_key() => {
                return Err(asked.key_conflict(Upstream::Billing).await.into());
            }
            Ok(Changed::Absent) => {
                asked.absent(Upstream::Billing).await?;
                return Err(refused("it does not know the customer").into());
            }
            Ok(Changed::Conflict(_)) => {
                asked.refused().await;
                return Err(refused("something there is in the way of it").into());
            }
            Err(error) => return Err(asked.failed(Upstream::Billing, error).await),
        };
        let kept: Result<Answer<Created>, ToolError> = async {
            let mut write = match Write::begin(call, Self::NAME, key).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
            let owner = RemoteCustomer { id: customer.id, name: &name };
            let ids = write.session.keep_invoices(owner, &[said], call.now).await?;
            let id = ids.first().copied().ok_or(sqlx::Error::RowNotFound)?;
            let row = write.session.remote_invoice(id, &today(call)).await?;
            let invoice = row.ok_or(sqlx::Error::RowNotFound)?.invoice;
            let message = told(&invoice);
            asked.end(&mut write.session).await?;
            write.finish(Answer::new(message, Created { invoice: view(invoice, call) })).await
        }
        .await;
        kept.map_err(|error| remote::not_kept_here(Self::NAME, &error))
    }

    fn check(&self, call: &Call<'_>) -> Result<NewInvoice, Refusal> {
        let currency = match &self.currency {
            Some(code) => read_currency(code)?,
            None => call.engine.shop().currency,
        };
        let due_date = self.due_date.as_deref().map(|day| read_day("due_date", day, call));
        Ok(NewInvoice {
            customer_id: self.customer_id,
            appointment_id: self.appointment_id,
            currency,
            due_date: due_date.transpose()?.map(|day| day.to_string()),
            line_items: self.check_lines(currency)?,
        })
    }

    fn check_lines(&self, currency: Currency) -> Result<Vec<LineItem>, Refusal> {
        if !(1..=MAX_LINE_ITEMS).contains(&self.line_items.len()) {
            return Err(refuse("line_items", format!("must have 1 to {MAX_LINE_ITEMS} lines")));
        }
        let lines = self.line_items.iter().enumerate();
        let items: Vec<LineItem> = lines
            .map(|(index, line)| line.check(&format!("line_items[{index}]"), currency))
            .collect::<Result<_, _>>()?;
        let range = 0..=MAX_MINOR;
        match money::sum(items.iter().map(|item| item.amount)) {
            Some(sum) if range.contains(&sum) => Ok(items),
            Some(sum) if sum < 0 => {
                let sum = Money { minor: sum, currency }.spoken();
                Err(refuse(
                    "line_items",
                    format!("must not come to less than nothing; it is {sum}"),
                ))
            }
            _ => Err(refuse("line_items", "come to more than an invoice can hold")),
        }
    }
}

fn told(invoice: &Invoice) -> String {
    let message = super::tell(invoice);
    match invoice.due_date.as_deref().and_then(|day| day.parse().ok()) {
        Some(day) => format!("{message} It is to be paid by {}.", spoken_date(day)),
        None => message,
    }
}

/// What the billing service is sent.
fn body(new: &NewInvoice, customer: &CustomerRow) -> Value {
    let items: Vec<Value> = new
        .line_items
        .iter()
        .map(|item| {
            let mut line = json!({
                "description": item.description,
                "quantity": item.quantity,
                "unit_price": item.unit_price,
                "amount": item.amount,
            });
            if let (Some(sku), Some(line)) = (&item.sku, line.as_object_mut()) {
                line.insert("sku".to_owned(), json!(sku));
            }
            line
        })
        .collect();
    let minor = money::sum(new.line_items.iter().map(|item| item.amount)).unwrap_or_default();
    let mut body = json!({
        "customer_id": remote::remote_name(customer),
        "customer_name": full_name(&customer.first_name, &customer.last_name),
        "amount": Money { minor, currency: new.currency },
        "currency": new.currency.code(),
        "line_items": items,
    });
    if let Some(body) = body.as_object_mut() {
        if let Some(day) = &new.due_date {
            body.insert("due_date".to_owned(), json!(day));
        }
        if let Some(id) = new.appointment_id {
            body.insert("appointment_id".to_owned(), json!(id));
        }
    }
    body
}

fn refused(why: &str) -> Refusal {
    Refusal::new(
        Code::UpstreamError,
        "The billing system did not accept that invoice; nothing was changed.",
        format!("the billing service refuses the invoice: {why}"),
    )
    .hint("Tell the shop.")
}

impl Line {
    fn check(&self, place: &str, currency: Currency) -> Result<LineItem, Refusal> {
        let field = |name: &str| format!("{place}.{name}");
        let quantity =
            Quantity::read(&self.quantity).map_err(|wrong| refuse(&field("quantity"), wrong))?;
        let prices = (-MAX_PRICE_MINOR, MAX_PRICE_MINOR);
        let unit_price = read_money(&field("unit_price"), &self.unit_price, currency, prices)?;
        Ok(LineItem {
            description: text::name(&self.description)
                .map_err(|wrong| refuse(&field("description"), wrong))?,
            quantity,
            unit_price,
            amount: quantity.times(unit_price),
            sku: optional(&field("sku"), self.sku.as_deref(), text::name)?,
        })
    }
}

fn read_currency(code: &str) -> Result<Currency, Refusal> {
    let code = code.trim().to_ascii_uppercase();
    Currency::from_code(&code)
        .ok_or_else(|| refuse("currency", "is no currency code of ISO 4217, such as USD or EUR"))
}

/// A visit is billed to whom it was for.
async fn check_appointment(session: &mut Session, new: &NewInvoice) -> Result<(), ToolError> {
    let Some(id) = new.appointment_id else { return Ok(()) };
    let appointment = appointments::find(session, id).await?;
    if appointment.customer_id == new.customer_id {
        return Ok(());
    }
    let error = format!("{id} is a visit of customer {}", appointment.customer_id);
    Err(refuse("appointment_id", error)
        .hint("get_upcoming_appointments with include_past lists the customer's visits.")
        .into())
}

async fn check_skus(session: &mut Session, items: &[LineItem]) -> Result<(), ToolError> {
    let skus: Vec<&str> = items.iter().filter_map(|item| item.sku.as_deref()).collect();
    let unknown = session.unknown_skus(&skus).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let refusal = Refusal::new(
        Code::ProductNotFound,
        "One of the parts is not among the shop's products.",
        format!("there is no product with the SKU {}", unknown.join(", ")),
    );
    Err(refusal
        .hint("Find the SKU with search_products, or leave it out.")
        .data(json!({"skus": unknown}))
        .into())
}
