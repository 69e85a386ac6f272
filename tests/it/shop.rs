//! A shop of a test's own: a fresh database, its settings, and a server on it.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::data;
use crate::reply::Reply;
use crate::server::Server;

/// The databases on which every tool has to work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Database {
    /// A file in the test's own folder.
    Sqlite,
    /// A database of the test's own on the server of `TEST_POSTGRES_URL`.
    Postgres,
}

/// A shop with a database that nobody else uses.
pub struct Shop {
    place: Place,
    folder: TempDir,
    env: BTreeMap<String, OsString>,
    default_server: Mutex<Option<Server>>,
}

enum Place {
    Sqlite(PathBuf),
    Postgres { admin: Box<PgConnectOptions>, own: Box<PgConnectOptions>, name: String },
}

/// A customer and a vehicle of theirs, by their ids.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The customer.
    pub customer_id: i64,
    /// A vehicle that the customer owns.
    pub vehicle_id: i64,
}

/// A stretch of time in which a bay is occupied, as the database holds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Occupied {
    /// The bay.
    pub bay_id: i64,
    /// Seconds since 1970 in UTC.
    pub starts_at: i64,
    /// Seconds since 1970 in UTC, not part of the stretch.
    pub ends_at: i64,
}

impl Shop {
    /// An empty shop in New York that asks no service of the internet.
    pub async fn open(database: Database) -> Self {
        let folder = tempfile::Builder::new().prefix("servicebay-it.").tempdir().unwrap();
        let place = match database {
            Database::Sqlite => Place::Sqlite(folder.path().join("shop.db")),
            Database::Postgres => create_postgres_database().await,
        };
        let url = place.url();
        let home = folder.path().to_owned();
        let shop = Self { place, folder, env: BTreeMap::new(), default_server: Mutex::new(None) };
        shop.with_env("DATABASE_URL", url)
            .with_env("HOME", &home)
            .with_env("XDG_CONFIG_HOME", home.join("config"))
            .with_env("XDG_DATA_HOME", home.join("data"))
            .with_env("XDG_CACHE_HOME", home.join("cache"))
            .with_env("XDG_STATE_HOME", home.join("state"))
            .with_env("SHOP_TIMEZONE", data::ZONE.name())
            .with_env("NHTSA_BASE_URL", "")
    }

    /// A shop that is open all day and in whose zone it is morning, with more lines of configuration.
    pub async fn open_all_day(database: Database, toml: &str) -> Self {
        let shop = Self::open(database).await.with_env("SHOP_TIMEZONE", data::morning_zone());
        shop.with_config(&format!("{}{toml}", data::ALL_DAY))
    }

    /// The same shop with one more setting in its servers' environment.
    pub fn with_env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(key.to_owned(), value.into());
        self
    }

    /// The same shop with a configuration file.
    pub fn with_config(self, toml: &str) -> Self {
        let path = self.folder.path().join("servicebay.toml");
        std::fs::write(&path, toml).unwrap();
        self.with_env("SERVICEBAY_CONFIG", path)
    }

    /// The folder in which the shop's files lie, gone with the shop.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The binary with this shop's environment and nothing else.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_servicebay"));
        command.env_clear().envs(&self.env).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// A process that speaks the protocol, not yet greeted.
    pub fn raw_server(&self) -> Server {
        let log = tempfile::Builder::new().prefix("stderr.").tempfile_in(self.folder.path());
        let (file, path) = log.unwrap().keep().unwrap();
        let mut command = self.command();
        command.arg("serve").stderr(file);
        Server::spawn(command, path)
    }

    /// A process that has answered `initialize`.
    pub async fn server(&self) -> Server {
        let mut server = self.raw_server();
        server.initialize().await;
        server
    }

    /// Host and port of the Postgres that the shop is on.
    pub fn postgres_address(&self) -> String {
        let Place::Postgres { own, .. } = &self.place else { panic!("the shop is on SQLite") };
        format!("{}:{}", own.get_host(), own.get_port())
    }

    /// A process that reaches the shop's Postgres by way of a proxy.
    pub async fn server_through(&self, proxy: SocketAddr) -> Server {
        let Place::Postgres { own, .. } = &self.place else { panic!("the shop is on SQLite") };
        let url = own.clone().host(&proxy.ip().to_string()).port(proxy.port()).to_url_lossy();
        let mut command = self.command();
        command.arg("serve").env("DATABASE_URL", url.as_str());
        let (file, path) = tempfile::NamedTempFile::new_in(self.folder()).unwrap().keep().unwrap();
        command.stderr(file);
        let mut server = Server::spawn(command, path);
        server.initialize().await;
        server
    }

    /// One call on this shop's default server, which the first call starts.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        let mut server = self.default_server.lock().await;
        if server.is_none() {
            *server = Some(self.server().await);
        }
        server.as_mut().unwrap().call(tool, arguments).await
    }

    /// This shop's default server, for more than one call at a time; the next call starts another one.
    pub async fn take_server(&self) -> Server {
        match self.default_server.lock().await.take() {
            Some(server) => server,
            None => self.server().await,
        }
    }

    /// Ends the default server in the regular way; the next call starts another one.
    pub async fn restart(&self) {
        if let Some(mut server) = self.default_server.lock().await.take() {
            server.close_stdin();
            server.wait_exit(data::EXIT_LIMIT).await;
        }
    }

    /// The id of a new customer.
    pub async fn customer(&self) -> i64 {
        let reply = self.call("create_customer", data::customer()).await;
        reply.success()["customer"]["id"].as_i64().unwrap()
    }

    /// A new customer with a 2020 Honda Accord.
    pub async fn owner(&self) -> Owner {
        let customer_id = self.customer().await;
        self.owner_of_another_vehicle(customer_id).await
    }

    /// The same customer with one more vehicle.
    pub async fn owner_of_another_vehicle(&self, customer_id: i64) -> Owner {
        let reply = self.call("add_vehicle", data::vehicle(customer_id)).await;
        let vehicle_id = reply.success()["vehicle"]["id"].as_i64().unwrap();
        Owner { customer_id, vehicle_id }
    }

    /// The id of a new appointment of 60 minutes for `owner`.
    pub async fn appointment(&self, owner: Owner, scheduled_at: &str) -> i64 {
        let reply = self.call("book_appointment", data::visit(owner, scheduled_at)).await;
        reply.success()["appointment_id"].as_i64().unwrap()
    }

    /// The appointments that occupy a bay, by bay and time.
    pub async fn occupied_rows(&self) -> Vec<Occupied> {
        let rows: sqlx::Result<Vec<(i64, i64, i64)>> = match &self.place {
            Place::Sqlite(path) => {
                let mut connection = sqlite(path).await;
                sqlx::query_as(OCCUPIED_SQL).fetch_all(&mut connection).await
            }
            Place::Postgres { own, .. } => {
                let mut connection = own.connect().await.unwrap();
                sqlx::query_as(OCCUPIED_SQL).fetch_all(&mut connection).await
            }
        };
        let occupied = |(bay_id, starts_at, ends_at)| Occupied { bay_id, starts_at, ends_at };
        rows.unwrap().into_iter().map(occupied).collect()
    }

    /// The number that a query of one row and one column returns.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let number = match &self.place {
            Place::Sqlite(path) => sqlx::query_scalar(sql).fetch_one(&mut sqlite(path).await).await,
            Place::Postgres { own, .. } => {
                sqlx::query_scalar(sql).fetch_one(&mut own.connect().await.unwrap()).await
            }
        };
        number.unwrap()
    }

    /// The text that a query of one row and one column returns.
    pub async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        let text = match &self.place {
            Place::Sqlite(path) => sqlx::query_scalar(sql).fetch_one(&mut sqlite(path).await).await,
            Place::Postgres { own, .. } => {
                sqlx::query_scalar(sql).fetch_one(&mut own.connect().await.unwrap()).await
            }
        };
        text.unwrap()
    }

    /// Books past the server: a visit of `owner` over each existing one, in its bay, a minute later.
    pub async fn overlap_occupied_rows(&self, owner: Owner) -> sqlx::Result<u64> {
        self.execute_sql(&overlap_sql(owner)).await
    }

    /// Runs SQL on this database by a connection of its own; the number of rows that it changed.
    pub async fn execute_sql(&self, sql: &str) -> sqlx::Result<u64> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match &self.place {
            Place::Sqlite(path) => {
                let mut connection: SqliteConnection = sqlite(path).await;
                Ok(sql.execute(&mut connection).await?.rows_affected())
            }
            Place::Postgres { own, .. } => {
                let mut connection: PgConnection = own.connect().await?;
                Ok(sql.execute(&mut connection).await?.rows_affected())
            }
        }
    }

    /// Runs SQL that begins a transaction, by a connection of its own; it ends when the connection is dropped.
    pub async fn hold_open(&self, sql: &str) -> Box<dyn Any> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match &self.place {
            Place::Sqlite(path) => {
                let mut connection: SqliteConnection = sqlite(path).await;
                sql.execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            Place::Postgres { own, .. } => {
                let mut connection: PgConnection = own.connect().await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
        }
    }
}

/// Reads the appointments that occupy a bay. Tests know no more of the schema than this and
/// `overlap_sql`.
const OCCUPIED_SQL: &str = "select bay_id, starts_at, ends_at from appointments \
    where status in ('scheduled', 'confirmed', 'in_progress') order by bay_id, starts_at";

/// Copies every appointment for another owner.
fn overlap_sql(owner: Owner) -> String {
    let Owner { customer_id, vehicle_id } = owner;
    format!(
        "insert into appointments (customer_id, vehicle_id, bay_id, starts_at, ends_at, \
         reserved_until, service_type, status, booking_method, booked_by, created_at, updated_at) \
         select {customer_id}, {vehicle_id}, bay_id, starts_at + 60, ends_at + 60, \
         reserved_until + 60, service_type, status, booking_method, booked_by, created_at, updated_at \
         from appointments"
    )
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { own, .. } => own.to_url_lossy().to_string(),
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // The server goes first, so that nobody holds the database.
        drop(self.default_server.get_mut().take());
        if let Place::Postgres { admin, name, .. } = &self.place {
            let (admin, sql) = (admin.clone(), format!("drop database {name} with (force)"));
            // A runtime of its own, because this may run inside the test's.
            let dropped = std::thread::spawn(move || run_alone(admin, sql)).join();
            if !std::thread::panicking() {
                dropped.expect("no panic").expect("the test's database can be dropped");
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run_alone(server: Box<PgConnectOptions>, sql: String) -> sqlx::Result<()> {
    let mut connection = server.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

async fn create_postgres_database() -> Place {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let url = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    let url = url.expect("TEST_POSTGRES_URL is not set: run scripts/test, which starts a Postgres");
    let admin: PgConnectOptions = url.parse().expect("TEST_POSTGRES_URL is a postgres:// URL");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = chrono::Utc::now().timestamp_micros();
    let name = format!("servicebay_it_{}_{now}_{number}", std::process::id());
    let mut connection = admin.connect().await.expect("the server of TEST_POSTGRES_URL answers");
    // template1 cannot be copied by two tests at once.
    let sql = format!("create database {name} template template0");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a database");
    let own = admin.clone().database(&name);
    Place::Postgres { admin: Box::new(admin), own: Box::new(own), name }
}

async fn sqlite(path: &std::path::Path) -> SqliteConnection {
    let wait = std::time::Duration::from_secs(10);
    SqliteConnectOptions::new().filename(path).busy_timeout(wait).connect().await.unwrap()
}

/// Arguments that name a customer and nothing else.
pub fn by_id(customer_id: i64) -> Value {
    json!({ "customer_id": customer_id })
}
