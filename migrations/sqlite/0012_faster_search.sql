-- Searches that are as fast in a large shop as in a small one.

-- Four digits in a row are a term of their own: of three there are so few that each is in every hundredth
-- phone number. All customers are indexed anew.
delete from search_postings;
insert into search_pending (customer_id)
select distinct coalesce(merged_into, id) from customers where true
on conflict (customer_id) do update set claim = 0;

-- The plates by which a customer is found, without a look at the vehicles themselves.
create index vehicles_customer_plate on vehicles (customer_id, license_plate);
drop index vehicles_customer;

-- Who is pending already and claimed by nobody stays as it is: an import brings vehicles of new customers by
-- the million.
drop trigger search_customers_inserted;
create trigger search_customers_inserted after insert on customers
begin
    insert into search_pending (customer_id) values (coalesce(new.merged_into, new.id))
    on conflict (customer_id) do update set claim = 0 where claim <> 0;
end;
drop trigger search_vehicles_inserted;
create trigger search_vehicles_inserted after insert on vehicles
    when new.license_plate is not null
begin
    insert into search_pending (customer_id) values (new.customer_id)
    on conflict (customer_id) do update set claim = 0 where claim <> 0;
end;
