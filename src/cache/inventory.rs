//! What the shop's inventory says: asked each time, kept in the database with the products, and known
//! from there while it is down. Nothing of it is kept in memory.

use std::sync::Arc;

use super::flights::Flights;
use super::remote::{Asked as AskedRemote, Remote};
use crate::clients::inventory::{InventoryClient, Search};
use crate::clients::{Changed, Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::id::ProductId;
use crate::domain::remote::product::{Asked, RemoteProduct};
use crate::domain::remote::{Context, Warnings};
use crate::domain::shop::Shop;
use crate::domain::text::fold;
use crate::domain::time::Timestamp;
use crate::store::{Product, Session, Store};

/// How long what was said anew, and is what was known, leaves the rows as they are, in seconds.
const FRESH_SECONDS: i64 = 60;
/// The reason of a change of stock of which the inventory told.
const REASON: &str = "as the inventory says";

/// The shop's inventory, where it has one.
pub struct InventoryCache {
    remote: Remote<InventoryClient>,
    flights: Flights<Question, Found>,
}

/// What the inventory is asked.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// The product with this id.
    Id(String),
    /// The product with this SKU.
    Sku(String),
    /// Which products there are.
    Search(Search),
}

/// What came of a question.
#[derive(Clone, Debug)]
pub enum Found {
    /// These products, which are on file under these numbers now, in the inventory's order.
    Kept(Arc<Products>),
    /// The inventory has no such product.
    Absent,
    /// It has products, and the database would not take them.
    NotKept,
    /// It gave no usable answer.
    Failed(Arc<UpstreamError>),
}

/// Products of the inventory that are on file.
#[derive(Clone, Debug, Default)]
pub struct Products {
    /// Their numbers.
    pub ids: Vec<ProductId>,
    /// What leads to more.
    pub next_cursor: Option<String>,
    /// What was left out.
    pub warnings: Vec<String>,
}

/// A change that the inventory is asked for.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new product.
    Create(serde_json::Value),
    /// Another stock of the product with this id.
    Adjust(String, serde_json::Value),
}

impl Change {
    /// What it is the same as, where the same is said again.
    pub fn request(&self) -> String {
        match self {
            Self::Create(product) => format!("product {product}"),
            Self::Adjust(id, change) => format!("stock {id:?} {change}"),
        }
    }
}

impl InventoryCache {
    /// The inventory of these settings; nothing is connected before the first question.
    pub fn new(api: &RemoteApi, shop: &Shop) -> Self {
        let remote = Remote::new(Upstream::Inventory, InventoryClient::of(api), shop);
        Self { remote, flights: Flights::new() }
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.remote.is_on()
    }

    /// Asks, and keeps what is said.
    pub async fn ask(&self, question: Question, store: &Arc<Store>, now: Timestamp) -> Found {
        let (store, own) = (Arc::clone(store), question.clone());
        let ask = move |asked: AskedRemote<InventoryClient>| async move {
            match said(&asked.client, &own, asked.context()).await {
                Ok(Some((products, next_cursor, warnings))) => {
                    kept(&store, &products, (next_cursor, warnings), now).await
                }
                Ok(None) | Err(UpstreamError::Unsendable) => Found::Absent,
                Err(error) => Found::Failed(Arc::new(error)),
            }
        };
        let found = self.remote.ask((&self.flights, question), now, ask).await;
        found.unwrap_or_else(Found::Failed)
    }

    /// Has the inventory change something, once for this key, however often it is sent.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn change(
        &self,
        change: Change,
        key: String,
        now: Timestamp,
    ) -> Result<Changed<RemoteProduct>, Arc<UpstreamError>> {
        let change = move |asked: AskedRemote<InventoryClient>| async move {
            let (client, context) = (&asked.client, asked.context());
            match change {
                Change::Create(product) => client.create(&product, &key, context).await,
                Change::Adjust(id, change) => client.adjust(&id, &change, &key, context).await,
            }
        };
        self.remote.change(&self.flights, now, change).await
    }
}

type Said = (Vec<RemoteProduct>, Option<String>, Warnings);

async fn said(
    client: &InventoryClient,
    question: &Question,
    context: Context<'_>,
) -> Result<Option<Said>, UpstreamError> {
    let asked = match question {
        Question::Id(id) => Asked::Id(id),
        Question::Sku(sku) => Asked::Sku(sku),
        Question::Search(search) => {
            let found = client.search(search, context).await?;
            return Ok(Some((found.products, found.next_cursor, found.warnings)));
        }
    };
    let product = client.product(asked, context).await?;
    Ok(product.map(|(product, warnings)| (vec![product], None, warnings)))
}

async fn kept(
    store: &Store,
    products: &[RemoteProduct],
    (next_cursor, mut warnings): (Option<String>, Warnings),
    now: Timestamp,
) -> Found {
    match keep(store, products, &mut warnings, now).await {
        Ok(ids) => {
            let warnings = warnings.into_sentences();
            Found::Kept(Arc::new(Products { ids, next_cursor, warnings }))
        }
        Err(error) => {
            tracing::warn!(%error, "what the inventory said could not be kept");
            Found::NotKept
        }
    }
}

/// Keeps products, unless they are known as they are; their numbers here.
async fn keep(
    store: &Store,
    said: &[RemoteProduct],
    warnings: &mut Warnings,
    now: Timestamp,
) -> sqlx::Result<Vec<ProductId>> {
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let known = store.read().await?.products_like(said).await?;
    let is_fresh = |said: &RemoteProduct| {
        let oldest = now.plus_seconds(-FRESH_SECONDS);
        known.iter().any(|row| row.is_as(said) && row.remote_as_of.is_some_and(|at| at > oldest))
    };
    if said.iter().all(is_fresh) {
        return Ok(numbers(said, &known));
    }
    let mut session = store.write().await?;
    let ids = keep_in(&mut session, said, (REASON, warnings), now).await?;
    session.commit().await?;
    Ok(ids)
}

/// Keeps products in a transaction. One that has the SKU of another product cannot be told from it, and
/// is left out.
pub async fn keep_in(
    session: &mut Session,
    said: &[RemoteProduct],
    (reason, warnings): (&str, &mut Warnings),
    now: Timestamp,
) -> sqlx::Result<Vec<ProductId>> {
    let known = session.products_like(said).await?;
    let mut links = Vec::new();
    let mut usable = Vec::new();
    for product in said {
        let own = known.iter().find(|row| row.remote_id.as_ref() == Some(&product.remote_id));
        let is_another = |row: &&Product| own.is_none_or(|own| own.id != row.id);
        let rivals = known.iter().filter(|row| row.has_sku(&product.sku)).filter(is_another);
        // The one that is written just so first.
        let rival = rivals.max_by_key(|row| row.sku == product.sku);
        let is_twin = |other: &RemoteProduct| fold(&other.sku) == fold(&product.sku);
        match (own, rival) {
            _ if usable.iter().any(is_twin) => warnings.add(format!(
                "Two products of the inventory have the SKU {}; the second one was left out.",
                product.sku
            )),
            (None, Some(rival)) if rival.remote_id.is_none() => {
                links.push((rival.id, product.remote_id.clone()));
                usable.push(product.clone());
            }
            (_, Some(_)) => warnings.add(format!(
                "A product of the inventory has the SKU {} of another one; it was left out.",
                product.sku
            )),
            (_, None) => usable.push(product.clone()),
        }
    }
    session.link_products(&links, now).await?;
    session.keep_products(&usable, reason, now).await?;
    let known = session.products_like(said).await?;
    Ok(numbers(&usable, &known))
}

/// The numbers of products of the inventory, in its order.
fn numbers(said: &[RemoteProduct], known: &[Product]) -> Vec<ProductId> {
    let id = |said: &RemoteProduct| {
        let row = known.iter().find(|row| row.remote_id.as_ref() == Some(&said.remote_id))?;
        Some(row.id)
    };
    said.iter().filter_map(id).collect()
}
