-- Products that a remote inventory keeps, as this database heard of them last.

-- The product's id in the inventory, and when it last said something about it.
alter table products add column remote_id text;
alter table products add column remote_as_of bigint check ((remote_id is null) = (remote_as_of is null));
create unique index products_remote on products (remote_id) where remote_id is not null;
create index products_remote_age on products (remote_as_of) where remote_as_of is not null;

-- Invoices that a remote billing service keeps, as this database heard of them last.
--
-- Their numbers are above those of the shop's own invoices and payments.

-- When the service last listed the customer's invoices, and what was paid on them in the shop's currency.
alter table customers add column billing_as_of bigint;
alter table customers add column billing_paid_minor bigint check (billing_paid_minor >= 0);

create table remote_invoices (
    id bigint primary key check (id > 1000000000),
    remote_id text not null unique,
    customer_id bigint not null references customers (id),
    -- What the customer is called there.
    remote_customer text not null,
    currency text not null check (length(currency) = 3),
    amount_minor bigint not null check (amount_minor between 0 and 999999999999999),
    paid_minor bigint not null,
    -- Whether it is paid or overdue follows from the amounts and the due date.
    status text not null check (status in ('draft', 'pending', 'void')),
    due_date text collate "C" check (due_date like '____-__-__'),
    created_at bigint not null,
    -- A JSON list.
    line_items text not null,
    as_of bigint not null,
    check (paid_minor between 0 and amount_minor)
);
create index remote_invoices_customer on remote_invoices (customer_id, created_at, id);

create table remote_payments (
    id bigint primary key check (id > 1000000000),
    invoice_id bigint not null references remote_invoices (id) on delete cascade,
    remote_id text not null,
    amount_minor bigint not null check (amount_minor > 0),
    method text not null check (method in ('cash', 'card', 'check', 'transfer', 'other')),
    reference text,
    created_at bigint not null,
    unique (invoice_id, remote_id)
);
