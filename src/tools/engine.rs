//! What every tool can reach, and the way of a call to its tool.

mod counting;
mod hashing;
mod opening;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock, RwLock};

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::hashing::{KEY, hash, hash_keyed};
use super::confirming::{Consent, Person, take_token};
use super::progress::{Progress, Step};
use super::registry::{ALL, Entry};
use super::reply::{Reply, log_failure};
use super::{Effect, voice};
use crate::cache::{BillingCache, CrmCache, CustomerCache, InventoryCache, VinCache};
use crate::calendar::Calendar;
use crate::config::{Config, Profile, Toolset};
use crate::domain::confirmation::Deed;
use crate::domain::local_time::rfc3339;
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{
    LOST_CONNECTIONS, Session, Store, is_connection_lost, is_malformed, is_schema_missing,
};

/// Everything that the tools reach. Cheap to make: the database is opened by the first call that
/// needs it.
pub struct Engine {
    config: Config,
    store: RwLock<Option<Arc<Store>>>,
    /// Held by the one call that opens the database.
    opening: Mutex<()>,
    definitions: OnceLock<Vec<rmcp::model::Tool>>,
    /// Customers in memory.
    pub(super) customers: CustomerCache,
    /// Decoded VINs in memory, in the database and from NHTSA.
    pub(super) vins: VinCache,
    /// The shop's CRM, where it has one.
    pub(super) crm: CrmCache,
    /// The shop's inventory, where it has one.
    pub(super) inventory: InventoryCache,
    /// The shop's billing service, where it has one.
    pub(super) billing: BillingCache,
    /// The shop's calendar, where one is connected.
    pub(super) calendar: Option<Arc<Calendar>>,
    /// The task that keeps it.
    keeping: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What a client says beside the arguments.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Cancelled when the client no longer waits for the reply.
    pub cancelled: CancellationToken,
    /// Where a long call tells how far it has come.
    pub progress: Progress,
    /// Who confirms what cannot be undone.
    pub person: Person,
}

/// One call under way.
pub struct Call<'a> {
    /// What the tool can reach.
    pub engine: &'a Engine,
    /// What the client says beside the arguments.
    pub context: &'a CallContext,
    /// When the call came.
    pub now: Timestamp,
    /// What the arguments are known by where they bring an idempotency key.
    pub arguments_hash: Option<String>,
    /// Whether a person has confirmed the call.
    pub consent: Consent,
}

impl<'a> Call<'a> {
    /// A call that only reads.
    pub(super) fn reading(engine: &'a Engine, context: &'a CallContext, now: Timestamp) -> Self {
        Self { engine, context, now, arguments_hash: None, consent: Consent::NotNeeded }
    }
}

impl Call<'_> {
    /// Whether the reply is for a caller on the phone.
    pub fn is_voice(&self) -> bool {
        self.engine.config.server.profile == Profile::Voice
    }

    /// A name as a sentence of the reply has room for it.
    pub fn say<'t>(&self, name: &'t str) -> Cow<'t, str> {
        if self.is_voice() { voice::clipped(name) } else { Cow::Borrowed(name) }
    }

    /// Whether what the shop's calendar blocks counts as taken.
    pub fn counts_blocks(&self) -> bool {
        self.engine.calendar.is_some()
    }

    /// What the reply has to say of the shop's calendar, where not all that it blocks is known.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn calendar_note(&self, session: &mut Session) -> Result<Option<String>, ToolError> {
        match &self.engine.calendar {
            None => Ok(None),
            Some(calendar) => Ok(calendar.note(session, self.now).await?),
        }
    }

    /// Tells the client how far the call has come, where it asked for that.
    pub async fn report(&self, done: usize, total: usize) {
        self.context.progress.report(Step { done, total }).await;
    }
}

impl Engine {
    /// An engine for this configuration.
    pub fn new(config: Config) -> Self {
        Self {
            store: RwLock::default(),
            opening: Mutex::new(()),
            definitions: OnceLock::new(),
            customers: CustomerCache::new(),
            vins: VinCache::new(config.nhtsa.clone(), config.vin.clone()),
            crm: CrmCache::new(&config.crm, &config.shop),
            inventory: InventoryCache::new(&config.inventory, &config.shop),
            billing: BillingCache::new(&config.billing, &config.shop),
            calendar: Calendar::new(&config).map(Arc::new),
            keeping: std::sync::Mutex::default(),
            config,
        }
    }

    /// The shop.
    pub fn shop(&self) -> &Shop {
        &self.config.shop
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The tools as MCP lists them, in a fixed order; made at the first use.
    pub fn definitions(&self) -> &[rmcp::model::Tool] {
        self.definitions.get_or_init(|| {
            let listed = self.offered().filter(|entry| self.is_listed(entry));
            listed.map(|entry| entry.definition(&self.config)).collect()
        })
    }

    /// Whether the list of the tools has one of this name.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| self.is_listed(entry))
    }

    fn is_listed(&self, entry: &Entry) -> bool {
        !self.config.server.read_only || entry.effect == Effect::Reads
    }

    /// Whether there is a tool of this name.
    pub fn has_tool(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Whether the tool of this name changes nothing, so that it may be broken off at any point.
    pub fn is_read_only(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.effect == Effect::Reads)
    }

    /// Whether a person confirms a call of the tool of this name.
    pub fn is_confirmed(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.is_confirmed)
    }

    fn offered(&self) -> impl Iterator<Item = &'static Entry> {
        let server = &self.config.server;
        let is_offered = |entry: &&Entry| match server.profile {
            Profile::Full => true,
            Profile::Voice => voice::has(entry.name),
        };
        ALL.iter().filter(|entry| server.toolsets.contains(&entry.toolset)).filter(is_offered)
    }

    fn entry(&self, name: &str) -> Option<&'static Entry> {
        self.offered().find(|entry| entry.name == name)
    }

    /// Runs one tool on whatever a client sent as its arguments; `Null` where it sent none.
    pub async fn call(&self, name: &str, arguments: Value, context: &CallContext) -> Reply {
        let Some(entry) = self.entry(name) else { return Reply::refused(&unknown_tool(name)) };
        match self.config.server.profile {
            Profile::Full => self.answer(entry, arguments, context).await,
            Profile::Voice => self.answer_briefly(entry, arguments, context).await,
        }
    }

    /// The reply of one tool for a caller on the phone.
    async fn answer_briefly(
        &self,
        entry: &Entry,
        mut arguments: Value,
        context: &CallContext,
    ) -> Reply {
        let wish = match voice::Wish::take(entry.name, &mut arguments) {
            Ok(wish) => wish,
            Err(refusal) => {
                return voice::Wish::default().shorten(entry.name, Reply::refused(&refusal));
            }
        };
        let mut reply = self.answer(entry, arguments, context).await;
        if let Some(customer_id) = wish.who(&reply, self).await {
            let one = serde_json::json!({"customer_id": customer_id});
            reply = self.answer(entry, one, context).await;
        }
        wish.shorten(entry.name, reply)
    }

    /// The reply of one tool in all its words.
    pub(super) async fn answer(
        &self,
        entry: &Entry,
        arguments: Value,
        context: &CallContext,
    ) -> Reply {
        let now = Timestamp::from(chrono::Utc::now());
        let limit = entry.limit(&self.config);
        let answer = tokio::time::timeout(limit, self.run(entry, arguments, context, now)).await;
        match answer.unwrap_or_else(|_| Err(overdue(entry))) {
            Ok(reply) => reply,
            Err(error) => self.tell(entry, error, now),
        }
    }

    async fn run(
        &self,
        entry: &Entry,
        arguments: Value,
        context: &CallContext,
        now: Timestamp,
    ) -> Result<Reply, ToolError> {
        if self.config.server.read_only && entry.effect != Effect::Reads {
            return Err(read_only(entry.name).into());
        }
        if entry.is_confirmed {
            return Box::pin(self.run_confirmed(entry, arguments, context, now)).await;
        }
        let arguments = entry.fit(arguments, self.config.server.profile)?;
        let arguments_hash = hash_keyed(&arguments, self.shop());
        let call = Call { engine: self, context, now, arguments_hash, consent: Consent::NotNeeded };
        if entry.effect != Effect::Reads {
            return entry.run(arguments, &call).await;
        }
        let mut lost = 0;
        loop {
            match entry.run(arguments.clone(), &call).await {
                // The connection was cut while it lay in the pool; reading once more does no harm.
                Err(ToolError::DatabaseUnavailable(error))
                    if is_connection_lost(&error) && lost < LOST_CONNECTIONS =>
                {
                    lost += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Runs a tool that stops before it changes anything where a person has to be asked first.
    async fn run_confirmed(
        &self,
        entry: &Entry,
        mut arguments: Value,
        context: &CallContext,
        now: Timestamp,
    ) -> Result<Reply, ToolError> {
        let token = take_token(self.config.server.confirm, &mut arguments)?;
        let arguments = entry.fit(arguments, self.config.server.profile)?;
        let hash = hash(&arguments, self.shop());
        let deed = Deed { tool: entry.name, arguments: &hash };
        let consent = self.consent(deed, token, &context.person, now).await?;
        let arguments_hash = arguments.get(KEY).is_some().then(|| hash.clone());
        let call = Call { engine: self, context, now, arguments_hash, consent };
        match entry.run(arguments, &call).await {
            Err(ToolError::Unconfirmed(question)) => self.ask(*question, deed, context, now).await,
            answer => answer,
        }
    }

    fn tell(&self, entry: &Entry, error: ToolError, now: Timestamp) -> Reply {
        let error = match error {
            // Somebody made the database anew; the next call makes its schema.
            ToolError::Query(error) if is_schema_missing(&error) => {
                self.set_store(None);
                ToolError::DatabaseUnavailable(error)
            }
            // Somebody may have overwritten the file, and what its connections keep of it misleads them; the next
            // call opens it anew.
            ToolError::DatabaseUnavailable(error) if is_malformed(&error) => {
                self.set_store(None);
                ToolError::DatabaseUnavailable(error)
            }
            error => error,
        };
        log_failure(entry.name, &error);
        let refusal = error.refusal();
        match entry.toolset {
            Toolset::Appointments => Reply::refused(&refusal.at(rfc3339(now, self.shop().zone))),
            _ => Reply::refused(&refusal),
        }
    }
}

fn overdue(entry: &Entry) -> ToolError {
    match entry.effect {
        Effect::Reads => ToolError::DatabaseUnavailable(sqlx::Error::PoolTimedOut),
        Effect::Writes { .. } | Effect::Destroys => ToolError::OutcomeUnknown(None),
    }
}

fn unknown_tool(name: &str) -> Refusal {
    let name: String = name.chars().take(60).collect();
    Refusal::new(Code::InvalidArgument, "There is no such tool.", format!("unknown tool: {name}"))
        .hint("List the tools and choose one of them.")
}

fn read_only(name: &str) -> Refusal {
    Refusal::new(
        Code::ReadOnly,
        "I can look things up but not change them here.",
        format!("{name} changes records, and this server is read-only"),
    )
    .hint("Ask the shop to make the change.")
}
