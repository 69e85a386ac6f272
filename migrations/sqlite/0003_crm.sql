-- The CRM: tickets, customers who turned out to be one, search, and what came from other programs.

-- A customer who was merged into another keeps the row and all that identified it, so that its
-- number, its phone number, its e-mail address and its id in a remote CRM go on leading to the other.
alter table customers add column merged_into integer references customers (id) check (merged_into <> id);
create index customers_merged on customers (merged_into) where merged_into is not null;

-- What the record is called in the program that it was imported from.
alter table vehicles add column external_id text;
create unique index vehicles_external on vehicles (external_id) where external_id is not null;
alter table appointments add column external_id text;
create unique index appointments_external on appointments (external_id) where external_id is not null;

create table tickets (
    id integer primary key,
    customer_id integer not null references customers (id),
    subject text not null,
    description text,
    category text,
    priority text not null check (priority in ('low', 'normal', 'high', 'urgent')),
    status text not null check (status in ('open', 'in_progress', 'resolved', 'closed')),
    assigned_to text,
    created_at integer not null,
    updated_at integer not null
) strict;
create index tickets_customer on tickets (customer_id, created_at, id, status);

create table ticket_comments (
    id integer primary key,
    ticket_id integer not null references tickets (id) on delete cascade,
    said_at integer not null,
    author text not null,
    said text not null
) strict;
create index ticket_comments_ticket on ticket_comments (ticket_id, id);

-- Counted anew each time, so that nothing that happened to the tickets leaves a wrong number.
create trigger tickets_counted_inserted after insert on tickets
begin
    update customers set open_tickets = (
        select count(*) from tickets where customer_id = new.customer_id and status in ('open', 'in_progress'))
    where id = new.customer_id;
end;
create trigger tickets_counted_updated after update of customer_id, status on tickets
begin
    update customers set open_tickets = (
        select count(*) from tickets where customer_id = customers.id and status in ('open', 'in_progress'))
    where id in (old.customer_id, new.customer_id);
end;
create trigger tickets_counted_deleted after delete on tickets
begin
    update customers set open_tickets = (
        select count(*) from tickets where customer_id = old.customer_id and status in ('open', 'in_progress'))
    where id = old.customer_id;
end;

-- What customers are found by: the beginnings at which a name, an e-mail address, a phone number or a
-- license plate may be quoted. They lie in blocks of consecutive customers, so that many new customers
-- touch one region of the table and not all of it.
create table search_terms (
    block integer not null,
    term text not null,
    customer_id integer not null,
    primary key (block, term, customer_id)
) strict, without rowid;

-- The words that terms begin with, by each of their endings: what is quoted from the middle of a word
-- leads to the word.
create table search_words (
    ending text not null,
    word text not null,
    primary key (ending, word)
) strict, without rowid;

-- Customers up to this number were put on file before there was a search, and have no terms yet.
create table search_backlog (
    id integer primary key check (id = 1),
    up_to integer not null
) strict;
insert into search_backlog (id, up_to) select 1, coalesce(max(id), 0) from customers;

create table products (
    id integer primary key,
    sku text not null unique,
    name text not null,
    price_minor integer not null check (price_minor >= 0),
    currency text not null,
    stock_quantity integer not null default 0 check (stock_quantity >= 0),
    category text,
    created_at integer not null,
    updated_at integer not null
) strict;
