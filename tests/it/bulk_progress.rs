//! Many visits in one call: how far it has come, breaking it off, and how many are too many.

use chrono::{Days, Weekday};
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday};
use crate::reply::Reply;
use crate::server::Server;
use crate::shop::{Database, Owner, Shop};

/// How many visits of five minutes fit in a weekday.
const PER_DAY: i64 = 84;

/// Fills the weekdays from the next Monday but one on with `count` visits of five minutes.
pub async fn fill(shop: &Shop, count: i64) {
    let Owner { customer_id, vehicle_id } = shop.owner().await;
    let monday = data::seconds(&json!(data::out(next_weekday(Weekday::Mon, 1), "09:00")));
    // Lunch lies between the 36th visit and the next.
    let start = format!(
        "{monday} + 86400 * (i / {PER_DAY}) + 300 * (i % {PER_DAY}) \
         + case when i % {PER_DAY} >= 36 then 3600 else 0 end"
    );
    let sql = format!(
        "insert into appointments (customer_id, vehicle_id, bay_id, starts_at, ends_at, \
         reserved_until, service_type, status, booking_method, booked_by, created_at, updated_at) \
         with recursive numbers (i) as \
         (select 0 union all select i + 1 from numbers where i + 1 < {count}), \
         starts (start) as (select {start} from numbers) \
         select {customer_id}, {vehicle_id}, (select min(id) from resources where kind = 'bay'), \
         start, start + 300, start + 300, 'oil_change', 'scheduled', 'import', 'test', 0, 0 \
         from starts"
    );
    assert_eq!(shop.execute_sql(&sql).await.unwrap(), count.unsigned_abs());
}

/// The call that moves what `fill` wrote by a week, with a token for its progress if there is one.
pub fn moving(token: Option<&str>) -> Value {
    let monday = next_weekday(Weekday::Mon, 1);
    let arguments = json!({
        "action": "reschedule", "shift_days": 7, "dry_run": false,
        "from": monday.to_string(), "to": (monday + Days::new(4)).to_string(),
    });
    let mut call = json!({ "name": "bulk_update_appointments", "arguments": arguments });
    if let Some(token) = token {
        call["_meta"] = json!({ "progressToken": token });
    }
    call
}

/// The reply to request `id`, and what came before it.
pub async fn reply_and_progress(server: &mut Server, id: u64) -> (Reply, Vec<Value>) {
    let mut earlier = Vec::new();
    loop {
        let message = server.next_line().await.unwrap();
        if message["id"] == id {
            return (Reply::new(&message["result"]), earlier);
        }
        earlier.push(message);
    }
}

#[rstest]
#[tokio::test]
async fn a_call_with_a_token_tells_how_far_it_has_come(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_modern: bool,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 30).await;
    let mut server = shop.raw_server();
    if is_modern {
        server.speak_modern();
    } else {
        server.initialize().await;
    }
    let id = server.send_request("tools/call", moving(Some("p-1"))).await;
    let (reply, told) = reply_and_progress(&mut server, id).await;
    assert_eq!(reply.success()["changed"], 30, "{}", reply.envelope);
    assert!(!told.is_empty(), "no progress was told");
    let mut last = 0.0;
    for message in told {
        assert_eq!(message["method"], "notifications/progress", "{message}");
        assert_eq!(message["params"]["progressToken"], "p-1");
        assert_eq!(message["params"]["total"].as_f64(), Some(30.0));
        let progress = message["params"]["progress"].as_f64().unwrap();
        assert!(last < progress && progress <= 30.0, "{progress} after {last}");
        last = progress;
    }
    server.close_stdin();
    assert!(server.next_line().await.is_none(), "nothing comes after the reply");
}

#[rstest]
#[tokio::test]
async fn a_call_without_a_token_tells_nothing_but_its_reply(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 10).await;
    let mut server = shop.server().await;
    let id = server.send_request("tools/call", moving(None)).await;
    let (reply, told) = reply_and_progress(&mut server, id).await;
    assert_eq!(reply.success()["changed"], 10);
    assert_eq!(told, [] as [Value; 0]);
}

#[rstest]
#[tokio::test]
async fn a_call_that_is_broken_off_leaves_no_visit_half_moved(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 200).await;
    let mut server = shop.server().await;
    let id = server.send_request("tools/call", moving(Some("p-1"))).await;
    let message = server.next_line().await.unwrap();
    assert_eq!(message["method"], "notifications/progress", "{message}");
    server.notify("notifications/cancelled", json!({ "requestId": id })).await;
    let next = server.send_call("search_appointments", json!({ "limit": 1 })).await;
    let (reply, told) = reply_and_progress(&mut server, next).await;
    reply.success();
    assert!(told.iter().all(|message| message["id"] != id), "a reply to what was cancelled");
    // The process ends after the visit that was under way.
    server.close_stdin();
    while let Some(message) = server.next_line().await {
        assert_ne!(message["id"], id, "a reply to what was cancelled");
    }
    let middle =
        data::seconds(&json!(data::out(next_weekday(Weekday::Mon, 1), "00:00"))) + 5 * 86_400;
    let moved = format!("select count(*) from appointments where starts_at > {middle}");
    let moved = shop.number(&moved).await;
    assert!((1..200).contains(&moved), "{moved} were moved");
    let reserved = "select count(*) from appointments a join reservations r on \
        r.appointment_id = a.id and r.resource_id = a.bay_id and r.starts_at = a.starts_at \
        and r.ends_at = a.reserved_until";
    assert_eq!(shop.number(reserved).await, 200);
    assert_eq!(shop.number("select count(*) from reservations").await, 200);
    let mut server = shop.server().await;
    let id = server.send_request("tools/call", moving(None)).await;
    let (reply, _) = reply_and_progress(&mut server, id).await;
    assert_eq!(reply.success()["changed"], 200 - moved, "{}", reply.envelope);
}

#[rstest]
#[tokio::test]
async fn at_most_500_visits_are_changed_by_one_call(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 501).await;
    let first = next_weekday(Weekday::Mon, 1);
    let cancelling = |from: String| {
        json!({ "action": "cancel", "reason": "flooded", "dry_run": false, "from": from,
                "to": (first + Days::new(20)).to_string() })
    };
    let reply = shop.call("bulk_update_appointments", cancelling(first.to_string())).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("500"), "{}", reply.error());
    assert_eq!(shop.occupied_rows().await.len(), 501);
    let reply = shop.call("bulk_update_appointments", cancelling(at(first, "09:05"))).await;
    assert_eq!(reply.success()["changed"], 500);
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_call_whose_progress_nobody_hears_any_more_is_answered(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 40).await;
    let mut server = shop.server().await;
    let id = server.send_request("tools/call", moving(Some("p-1"))).await;
    server.close_stdin();
    let (reply, _) = reply_and_progress(&mut server, id).await;
    assert_eq!(reply.success()["changed"], 40);
}
