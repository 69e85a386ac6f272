-- Searches that are as fast in a large shop as in a small one.

-- Four digits in a row are a term of their own: of three there are so few that each is in every hundredth
-- phone number. All customers are indexed anew.
truncate search_postings;
insert into search_pending (customer_id)
select distinct coalesce(merged_into, id) from customers
on conflict (customer_id) do update set claim = 0;

-- The plates by which a customer is found, without a look at the vehicles themselves.
create index vehicles_customer_plate on vehicles (customer_id, license_plate);
drop index vehicles_customer;

-- Who is pending already and claimed by nobody stays as it is: an import brings vehicles of new customers by
-- the million.
create or replace function search_customers_inserted() returns trigger language plpgsql as $$
begin
    insert into search_pending (customer_id) select distinct coalesce(merged_into, id) from added
    on conflict (customer_id) do update set claim = 0 where search_pending.claim <> 0;
    return null;
end $$;
create or replace function search_vehicles_inserted() returns trigger language plpgsql as $$
begin
    insert into search_pending (customer_id)
    select distinct customer_id from added where license_plate is not null
    on conflict (customer_id) do update set claim = 0 where search_pending.claim <> 0;
    return null;
end $$;
