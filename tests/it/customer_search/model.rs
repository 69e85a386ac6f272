//! Searches against a model that looks at every customer.

use fastrand::Rng;
use rstest::rstest;
use serde_json::{Value, json};

use super::ids;
use super::indexing::search_patiently;
use crate::shop::{Database, Shop};

const CUSTOMERS: i64 = 400;
const QUERIES: usize = 100;
const FIRST: [&str; 10] =
    ["Ana", "Zoë", "José", "Mia Ava", "Łucja", "Jo", "Søren", "Anna-Lena", "O", "Renée"];
const LAST: [&str; 10] =
    ["Gómez", "O'Neal", "Nagy", "Müller", "de la Cruz", "Lee", "Strauß", "Ångström", "Vo", "Anaya"];

#[derive(Clone, Debug)]
struct Customer {
    id: i64,
    first: &'static str,
    last: &'static str,
    email: String,
    phone: String,
    plate: String,
}

/// The names' letters as they are typed without accents.
fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        'ë' | 'é' => "e".to_owned(),
        'ó' | 'ø' => "o".to_owned(),
        'ł' => "l".to_owned(),
        'ü' => "u".to_owned(),
        'ß' => "ss".to_owned(),
        'å' => "a".to_owned(),
        'ö' => "o".to_owned(),
        '\'' | '-' => String::new(),
        c => c.to_string(),
    };
    text.to_lowercase().chars().map(letter).collect()
}

impl Customer {
    fn random(id: i64, random: &mut Rng) -> Self {
        let (first, last) = (FIRST[random.usize(..10)], LAST[random.usize(..10)]);
        let plate =
            format!("{}{} {:03}", random.uppercase(), random.uppercase(), random.u16(..1000));
        Self {
            id,
            first,
            last,
            email: format!("{}.x{id}@example.com", plain(first).replace(' ', "")),
            phone: format!("+1202{:07}", 5_000_000 + id * 7919 % 1_000_000),
            plate,
        }
    }

    /// Words that stand in a row.
    fn rows(&self) -> Vec<Vec<String>> {
        let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (first, last) = (words(plain(self.first)), words(plain(self.last)));
        vec![
            [first.clone(), last.clone()].concat(),
            [last, first].concat(),
            self.email.split(['.', '@']).map(str::to_owned).collect(),
            vec![self.plate.to_lowercase().replace(' ', "")],
        ]
    }

    fn has(&self, word: &str) -> bool {
        (is_number(word) && self.phone.contains(word))
            || self.email.contains(word)
            || self.rows().iter().any(|row| {
                row.iter().any(|part| part.contains(word))
                    || (0..row.len()).any(|at| row[at..].concat().starts_with(word))
            })
    }

    fn insert_sql(&self) -> String {
        let Self { id, first, last, email, phone, plate } = self;
        let (first, last) = (first.replace('\'', "''"), last.replace('\'', "''"));
        format!(
            "insert into customers (id, first_name, last_name, email, email_key, phone_number, created_at)
             values ({id}, '{first}', '{last}', '{email}', '{email}', '{phone}', 0);
             insert into vehicles (customer_id, year, make, model, license_plate, is_primary, created_at)
             values ({id}, 2020, 'Honda', 'Accord', '{plate}', 1 = 1, 0);"
        )
    }
}

/// A part of something that is known of somebody, or two of them.
fn random_query(customers: &[Customer], random: &mut Rng) -> Vec<String> {
    let customer = &customers[random.usize(..customers.len())];
    let known = [
        plain(customer.first),
        plain(customer.last),
        customer.email.clone(),
        customer.phone.clone(),
        customer.plate.to_lowercase(),
        "zqx".to_owned(),
    ];
    let mut part = || {
        let text = &known[random.usize(..known.len())];
        let text: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let from = random.usize(..text.len());
        text[from..(from + 1 + random.usize(..6)).min(text.len())].iter().collect()
    };
    let mut words: Vec<String> = vec![part(), part()];
    // Seven digits may be a whole phone number, which the model knows nothing of.
    let is_long_number = words.iter().all(|word| is_number(word)) && words.concat().len() > 6;
    words.truncate(if is_long_number || random.bool() { 1 } else { 2 });
    words
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// All pages of what the server finds.
async fn found(shop: &Shop, query: &str, limit: usize) -> Vec<i64> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = json!({ "query": query, "limit": limit, "cursor": cursor });
        let reply = search_patiently(shop, page).await;
        all.extend(ids(reply.success()));
        match reply.success().get("next_cursor") {
            Some(next) => cursor = next.clone(),
            None => return all,
        }
    }
}

#[rstest]
#[tokio::test]
async fn searches_find_what_a_look_at_everybody_finds(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let seed = std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("MODEL_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let shop = Shop::open(database).await;
    shop.call("search_customers", json!({})).await.success();
    // Numbers on both sides of a block's end.
    let mut customers: Vec<Customer> =
        (0..CUSTOMERS).map(|number| Customer::random(65_336 + number, &mut random)).collect();
    let sql: String = customers.iter().map(Customer::insert_sql).collect();
    shop.execute_sql(&sql).await.unwrap();
    for _ in 0..QUERIES {
        let words = random_query(&customers, &mut random);
        // Numbers in a row are one.
        let are_numbers = words.iter().all(|word| is_number(word));
        let parts = if are_numbers { vec![words.concat()] } else { words.clone() };
        let expected: Vec<i64> = customers
            .iter()
            .rev()
            .filter(|customer| parts.iter().all(|word| customer.has(word)))
            .map(|customer| customer.id)
            .collect();
        let query = words.join(" ");
        assert_eq!(found(&shop, &query, 5 + random.usize(..96)).await, expected, "{query}");
        // Somebody gets another name.
        let customer = &mut customers[random.usize(..usize::try_from(CUSTOMERS).unwrap())];
        customer.last = LAST[random.usize(..10)];
        let last = customer.last.replace('\'', "''");
        let sql = format!("update customers set last_name = '{last}' where id = {}", customer.id);
        shop.execute_sql(&sql).await.unwrap();
    }
}
