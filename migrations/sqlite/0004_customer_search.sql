-- How customers are found by any part of what is known of them.

drop table search_terms;
drop table search_words;
drop table search_backlog;

-- For each run of one to three letters and digits, the customers in whose names, e-mail address, phone
-- number or license plates it occurs. A block is 65,536 consecutive customer numbers, and a row holds
-- those of one block as a serialized Roaring bitmap of the numbers' lower 16 bits
-- (https://github.com/RoaringBitmap/RoaringFormatSpec).
--
-- A row may lead to a customer of whom it is no longer true: whoever searches looks at the customer.
create table search_postings (
    term text not null,
    block integer not null,
    customers blob not null,
    primary key (term, block)
) strict, without rowid;

-- Customers who have to be looked at by every search, since the postings do not lead to them yet. The
-- claim is that of the process that is about to add them, and is lost when they change meanwhile.
create table search_pending (
    customer_id integer primary key,
    claim integer not null default 0
) strict;
insert into search_pending (customer_id) select distinct coalesce(merged_into, id) from customers;

create trigger search_customers_inserted after insert on customers
begin
    insert into search_pending (customer_id) values (coalesce(new.merged_into, new.id))
    on conflict (customer_id) do update set claim = 0;
end;
create trigger search_customers_updated
    after update of first_name, last_name, email, phone_number, merged_into on customers
    when new.first_name <> old.first_name or new.last_name <> old.last_name
      or new.email is not old.email or new.phone_number is not old.phone_number
      or new.merged_into is not old.merged_into
begin
    insert into search_pending (customer_id) values (coalesce(new.merged_into, new.id))
    on conflict (customer_id) do update set claim = 0;
end;
create trigger search_vehicles_inserted after insert on vehicles
    when new.license_plate is not null
begin
    insert into search_pending (customer_id) values (new.customer_id)
    on conflict (customer_id) do update set claim = 0;
end;
create trigger search_vehicles_updated after update of license_plate, customer_id on vehicles
    when new.license_plate is not null
     and (new.license_plate is not old.license_plate or new.customer_id <> old.customer_id)
begin
    insert into search_pending (customer_id) values (new.customer_id)
    on conflict (customer_id) do update set claim = 0;
end;
