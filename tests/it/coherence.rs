//! What one process keeps in memory, after somebody else has changed it.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::proxy::{At, Proxy};
use crate::server::Server;
use crate::shop::{Database, Shop, by_id};

/// The stated bound on the age of an answer from memory on Postgres.
const BOUND: Duration = Duration::from_secs(2);

/// Who changes the customer.
#[derive(Clone, Copy, Debug)]
enum Writer {
    /// Another server process.
    Process,
    /// A program of somebody else's.
    Foreign,
    /// One that has switched all triggers off, as replication does.
    Untold,
    /// Another server process, after the watching ones have lost their connections.
    AfterCut,
}

impl Writer {
    async fn rename(self, shop: &Shop, id: i64) {
        let sql = format!("update customers set first_name = 'Renamed' where id = {id}");
        match self {
            Self::Process | Self::AfterCut => {
                if matches!(self, Self::AfterCut) {
                    cut_connections(shop).await;
                }
                let updates = json!({"customer_id": id, "updates": {"first_name": "Renamed"}});
                shop.server().await.call("update_customer", updates).await.success();
            }
            Self::Foreign => drop(shop.execute_sql(&sql).await.unwrap()),
            Self::Untold => {
                let sql = format!("set session_replication_role = replica; {sql}");
                shop.execute_sql(&sql).await.unwrap();
            }
        }
    }
}

/// Ends every connection to the shop's Postgres database but the one that asks for it.
async fn cut_connections(shop: &Shop) {
    let sql = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()";
    shop.execute_sql(sql).await.unwrap();
}

async fn first_name(server: &mut Server, id: i64) -> String {
    let reply = server.call("lookup_customer", by_id(id)).await;
    reply.success()["customer"]["first_name"].as_str().unwrap().to_owned()
}

/// Looks the customer up until an answer came from memory: without a question to the database.
async fn warm(server: &mut Server, proxy: &Proxy, id: i64) {
    loop {
        let before = proxy.round_trips();
        assert_eq!(first_name(server, id).await, "John");
        if proxy.round_trips() == before {
            return;
        }
    }
}

#[rstest]
#[case(Writer::Process)]
#[case(Writer::Foreign)]
#[case(Writer::Untold)]
#[case(Writer::AfterCut)]
#[tokio::test]
async fn no_answer_on_postgres_is_older_than_the_bound(#[case] writer: Writer) {
    let shop = Shop::open(Database::Postgres).await;
    let id = shop.customer().await;
    shop.restart().await;
    let mut servers = Vec::new();
    for _ in 0..3 {
        let proxy = Proxy::start(shop.postgres_address(), At::AfterCommit).await;
        let mut server = shop.server_through(proxy.address).await;
        warm(&mut server, &proxy, id).await;
        servers.push(server);
    }
    writer.rename(&shop, id).await;
    tokio::time::sleep(BOUND).await;
    for server in &mut servers {
        assert_eq!(first_name(server, id).await, "Renamed");
    }
}

#[tokio::test]
async fn memory_is_not_trusted_when_the_network_is_silent() {
    let shop = Shop::open(Database::Postgres).await;
    let id = shop.customer().await;
    shop.restart().await;
    let proxy = Proxy::start(shop.postgres_address(), At::AfterCommit).await;
    let mut server = shop.server_through(proxy.address).await;
    warm(&mut server, &proxy, id).await;
    proxy.fall_silent();
    Writer::Foreign.rename(&shop, id).await;
    tokio::time::sleep(BOUND).await;
    // The connections that hang are given up, one after the other, for new ones.
    for _ in 0..10 {
        let reply = server.call("lookup_customer", by_id(id)).await;
        if !reply.is_error {
            assert_eq!(reply.success()["customer"]["first_name"], "Renamed");
            return;
        }
        assert_eq!(reply.refusal(), "database_unavailable");
    }
    panic!("the server found no way back to its database");
}

#[rstest]
#[case(Writer::Process)]
#[case(Writer::Foreign)]
#[tokio::test]
async fn an_answer_on_sqlite_is_never_old(#[case] writer: Writer) {
    let shop = Shop::open(Database::Sqlite).await;
    let id = shop.customer().await;
    let mut servers = [shop.server().await, shop.server().await, shop.server().await];
    for server in &mut servers {
        for _ in 0..2 {
            assert_eq!(first_name(server, id).await, "John");
        }
    }
    writer.rename(&shop, id).await;
    for server in &mut servers {
        assert_eq!(first_name(server, id).await, "Renamed");
    }
}

#[rstest]
#[tokio::test]
async fn counts_follow_what_another_process_did(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let mut watching = shop.server().await;
    let open_tickets = async |server: &mut Server| {
        let reply = server.call("lookup_customer", by_id(id)).await;
        reply.success()["customer"]["open_tickets"].as_i64().unwrap()
    };
    assert_eq!(open_tickets(&mut watching).await, 0);
    let ticket = json!({"customer_id": id, "subject": "Call back"});
    shop.call("create_ticket", ticket).await.success();
    if database == Database::Postgres {
        tokio::time::sleep(BOUND).await;
    }
    assert_eq!(open_tickets(&mut watching).await, 1);
}
