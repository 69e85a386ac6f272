//! Customers whom somebody has claimed, and what they are found by.

use rustc_hash::FxHashMap;

use super::adding::Posting;
use crate::domain::id::CustomerId;
use crate::domain::search::{Gram, Record};
use crate::store::customer_search::add_packed;
use crate::store::customer_search::postings::{BLOCK, block_of, offset_of};

/// How many customers are claimed or settled in one transaction.
const CLAIMED: i64 = 16_384;

/// What a customer is found by.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: Option<&'a str>,
    pub phone_number: Option<&'a str>,
    /// License plates, and the names, addresses and numbers of customers who were merged into this one, as
    /// [`RECORDS_TO_INDEX`](super::RECORDS_TO_INDEX) packs them.
    pub plates: Option<&'a str>,
    pub merged: Option<&'a str>,
}

/// What customers of a block are found by.
pub struct FoundBy {
    block: i64,
    /// In ascending order.
    customers: FxHashMap<Gram, Vec<u16>>,
}

/// Blocks whose customers are claimed and whose sets wait to be written.
#[derive(Default)]
pub struct Lot {
    pub postings: Vec<Posting>,
    /// What they take in memory, about.
    pub bytes: usize,
    pub claims: Vec<Claim>,
}

/// The pending customers of a block, and the number that marks them as those of somebody who has the index lead
/// to them.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    block: i64,
    /// The number.
    pub number: i64,
}

impl Claim {
    /// A new one of the block in which a customer lies.
    pub fn new(customer: CustomerId) -> sqlx::Result<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let number = i64::from_be_bytes(bytes).checked_abs().unwrap_or_default().max(1);
        Ok(Self { block: block_of(customer), number })
    }

    /// The first number of the block.
    pub fn first(self) -> i64 {
        self.block * BLOCK
    }

    /// The numbers of the block in spans of so many.
    pub fn spans(self, length: i64) -> impl Iterator<Item = (i64, i64)> {
        let step = usize::try_from(length).unwrap_or(usize::MAX);
        let first = self.first();
        (first..first + BLOCK).step_by(step).map(move |from| (from, from + length - 1))
    }

    /// The same in spans of as many as are claimed or settled in one transaction.
    pub fn parts(self) -> impl Iterator<Item = (i64, i64)> {
        self.spans(CLAIMED)
    }
}

impl FoundBy {
    /// Nobody so far.
    pub fn of(claim: Claim) -> Self {
        Self { block: claim.block, customers: FxHashMap::default() }
    }

    /// Adds a customer, whose number is higher than those of all before.
    pub fn add(&mut self, id: CustomerId, words: &Words<'_>) {
        let mut record = Record::default();
        record.add_name(words.first_name, words.last_name);
        if let Some(email) = words.email {
            record.add_email(email);
        }
        if let Some(phone) = words.phone_number {
            record.add_phone(phone);
        }
        add_packed(&mut record, words.plates, words.merged);
        let offset = offset_of(id);
        record.each_gram(|gram| {
            let customers = self.customers.entry(gram).or_default();
            if customers.last() != Some(&offset) {
                customers.push(offset);
            }
        });
    }

    /// The sets of the customers to whom each term leads.
    pub fn postings(self) -> sqlx::Result<Vec<Posting>> {
        let customers = self.customers.into_iter();
        customers.map(|(gram, customers)| Posting::new(gram, self.block, &customers)).collect()
    }
}

impl Lot {
    /// Adds the postings of a block.
    pub fn extend(&mut self, claim: Claim, postings: Vec<Posting>) {
        self.bytes += postings.iter().map(Posting::size).sum::<usize>();
        self.postings.extend(postings);
        self.claims.push(claim);
    }
}
