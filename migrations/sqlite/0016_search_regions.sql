-- Searches that look in one place for customers with rare grams.

-- A row whose block is negative, -1 - n, is about the n-th 4,194,304 customer numbers, a region of 64 blocks: it
-- holds the customers of a term as a Roaring bitmap of the numbers' places in the region or, where there are
-- too many, nothing, and then each block has a row of its own. A term without such a row leads to nobody
-- there. All customers are indexed anew.
delete from search_postings;
insert into search_pending (customer_id)
select distinct coalesce(merged_into, id) from customers where true
on conflict (customer_id) do update set claim = 0;
