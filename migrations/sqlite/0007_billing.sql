-- Billing and stock: invoices, what was paid on them, and every change of a product's stock.
--
-- Amounts are whole minor units of their currency (cents), quantities are thousandths.

-- The currency in which customers' payments are counted; the program keeps it as it is configured.
create table shop_currency (
    id integer primary key check (id = 1),
    currency text not null check (length(currency) = 3)
) strict;

create table invoices (
    id integer primary key,
    customer_id integer not null references customers (id),
    appointment_id integer references appointments (id),
    currency text not null check (length(currency) = 3),
    -- The sum of the line items, and of the payments, as the triggers below keep them.
    amount_minor integer not null default 0 check (amount_minor between 0 and 999999999999999),
    paid_minor integer not null default 0,
    -- Whether it is paid or overdue follows from the amounts and the due date.
    status text not null default 'pending' check (status in ('draft', 'pending', 'void')),
    due_date text check (due_date like '____-__-__'),
    created_at integer not null,
    check (paid_minor between 0 and amount_minor),
    check (paid_minor = 0 or status = 'pending')
) strict;
create index invoices_customer on invoices (customer_id, created_at, id);

create table invoice_items (
    invoice_id integer not null references invoices (id) on delete cascade,
    position integer not null,
    description text not null,
    quantity_milli integer not null check (quantity_milli > 0),
    unit_price_minor integer not null,
    amount_minor integer not null,
    sku text,
    primary key (invoice_id, position)
) strict;

create table payments (
    id integer primary key,
    invoice_id integer not null references invoices (id),
    amount_minor integer not null check (amount_minor > 0),
    method text not null check (method in ('cash', 'card', 'check', 'transfer', 'other')),
    reference text,
    created_at integer not null
) strict;
create index payments_invoice on payments (invoice_id, created_at, amount_minor);
create index payments_time on payments (created_at, invoice_id, amount_minor);

-- The amount of an invoice is what its line items come to.
create trigger invoice_items_inserted after insert on invoice_items
begin
    update invoices
    set amount_minor = (select sum(amount_minor) from invoice_items where invoice_id = new.invoice_id)
    where id = new.invoice_id;
    select raise(abort, 'invoices_amount_is_of_items')
    where (select amount_minor from invoices where id = new.invoice_id)
          is not (select sum(amount_minor) from invoice_items where invoice_id = new.invoice_id);
end;
create trigger invoice_items_updated after update on invoice_items
begin
    update invoices
    set amount_minor = (select coalesce(sum(amount_minor), 0) from invoice_items where invoice_id = invoices.id)
    where id in (old.invoice_id, new.invoice_id);
    select raise(abort, 'invoices_amount_is_of_items')
    where exists (
        select 1 from invoices i
        where i.id in (old.invoice_id, new.invoice_id)
          and i.amount_minor <> (select coalesce(sum(t.amount_minor), 0) from invoice_items t
                                 where t.invoice_id = i.id));
end;
create trigger invoice_items_deleted after delete on invoice_items
begin
    update invoices
    set amount_minor = (select coalesce(sum(amount_minor), 0) from invoice_items where invoice_id = old.invoice_id)
    where id = old.invoice_id;
    select raise(abort, 'invoices_amount_is_of_items')
    where exists (
        select 1 from invoices i
        where i.id = old.invoice_id
          and i.amount_minor <> (select coalesce(sum(t.amount_minor), 0) from invoice_items t
                                 where t.invoice_id = i.id));
end;

-- No more is paid than is due, on an invoice that is to be paid. The checks of `invoices` refuse it;
-- where the writing statement says OR IGNORE, they only skip the update, so that it is checked again.
create trigger payments_counted after insert on payments
begin
    update invoices
    set paid_minor = (select sum(amount_minor) from payments where invoice_id = new.invoice_id)
    where id = new.invoice_id;
    select raise(abort, 'payments_within_amount')
    where new.amount_minor <= 0 or not exists (
        select 1 from invoices i
        where i.id = new.invoice_id and i.status = 'pending' and i.paid_minor <= i.amount_minor
          and i.paid_minor = (select sum(p.amount_minor) from payments p where p.invoice_id = i.id));
end;
-- A payment that was received stays as it is. A row that is replaced goes without a delete trigger,
-- so no row is ever replaced.
create trigger payments_guard_replaced before insert on payments
    when exists (select 1 from payments where id = new.id)
begin
    select raise(abort, 'payments_stay');
end;
create trigger payments_guard_updated before update on payments
begin
    select raise(abort, 'payments_stay');
end;
create trigger payments_guard_deleted before delete on payments
begin
    select raise(abort, 'payments_stay');
end;

-- An invoice says what its line items and payments say, and stays what it is once something was paid.
create trigger invoices_guard_inserted after insert on invoices
    when new.amount_minor <> 0 or new.paid_minor <> 0
begin
    select raise(abort, 'invoices_keep_their_amounts');
end;
create trigger invoices_guard_replaced before insert on invoices
    when exists (select 1 from invoices where id = new.id)
begin
    select raise(abort, 'invoices_keep_their_amounts');
end;
create trigger invoices_guard_updated after update on invoices
begin
    select raise(abort, 'invoices_keep_their_amounts')
    where new.id <> old.id
       or new.amount_minor <> (select coalesce(sum(amount_minor), 0) from invoice_items where invoice_id = new.id)
       or new.paid_minor <> (select coalesce(sum(amount_minor), 0) from payments where invoice_id = new.id)
       or (new.paid_minor > 0 and new.status <> 'pending')
       or (old.paid_minor > 0
           and (new.amount_minor <> old.amount_minor or new.currency <> old.currency));
end;
create trigger invoices_guard_deleted before delete on invoices
    when exists (select 1 from payments where invoice_id = old.id)
begin
    select raise(abort, 'payments_stay');
end;

-- What customers paid in the shop's currency, summed anew each time.
create trigger invoices_paid after update of paid_minor, customer_id, currency on invoices
    when new.paid_minor <> old.paid_minor
      or (new.paid_minor > 0 and (new.customer_id <> old.customer_id or new.currency <> old.currency))
begin
    update customers
    set lifetime_value_minor = (
        select coalesce(sum(i.paid_minor), 0) from invoices i
        where i.customer_id = customers.id
          and i.currency = (select currency from shop_currency))
    where id in (old.customer_id, new.customer_id);
end;
create trigger shop_currency_changed after update of currency on shop_currency
    when new.currency <> old.currency
begin
    update customers
    set lifetime_value_minor = (
        select coalesce(sum(i.paid_minor), 0) from invoices i
        where i.customer_id = customers.id and i.currency = new.currency)
    where id in (select customer_id from invoices where paid_minor > 0);
end;

-- Products are found by what their name and SKU have in common with what is asked, folded by the
-- program; null until the program has done so, as where another one wrote the row.
alter table products add column search_key text;
alter table products add column category_key text;
-- Why the stock is changed, for the statement that changes it; the movement takes it over.
alter table products add column stock_reason text;
create index products_unfolded on products (id) where search_key is null;
create index products_sku on products (lower(sku));
create index products_category on products (coalesce(category_key, lower(category)), id);
create trigger products_unfold after update of sku, name, category on products
    when (new.sku <> old.sku or new.name <> old.name or new.category is not old.category)
     and new.search_key is old.search_key and new.category_key is old.category_key
begin
    update products set search_key = null, category_key = null where id = new.id;
end;

-- Every change of a product's stock, whoever made it.
create table stock_movements (
    id integer primary key,
    product_id integer not null references products (id),
    delta integer not null check (delta <> 0),
    -- The stock after it.
    balance integer not null check (balance between 0 and 1000000000000),
    reason text not null,
    moved_at integer not null
) strict;
create index stock_movements_product on stock_movements (product_id, id);
insert into stock_movements (product_id, delta, balance, reason, moved_at)
select id, stock_quantity, stock_quantity, 'opening stock', created_at from products where stock_quantity <> 0;

create trigger products_stock_inserted after insert on products
    when new.stock_quantity <> 0
begin
    insert into stock_movements (product_id, delta, balance, reason, moved_at)
    values (new.id, new.stock_quantity, new.stock_quantity, coalesce(new.stock_reason, 'opening stock'),
            new.created_at);
    update products set stock_reason = null where id = new.id and stock_reason is not null;
    select raise(abort, 'stock_is_what_moved')
    where (select balance from stock_movements where product_id = new.id order by id desc limit 1)
          is not new.stock_quantity;
end;
create trigger products_stock_updated after update of stock_quantity on products
    when new.stock_quantity <> old.stock_quantity
begin
    insert into stock_movements (product_id, delta, balance, reason, moved_at)
    values (new.id, new.stock_quantity - old.stock_quantity, new.stock_quantity,
            coalesce(new.stock_reason, 'stock was set'), new.updated_at);
    update products set stock_reason = null where id = new.id and stock_reason is not null;
    select raise(abort, 'stock_is_what_moved')
    where (select balance from stock_movements where product_id = new.id order by id desc limit 1)
          is not new.stock_quantity;
end;
-- A product keeps its number as long as it is there: movements know it by that.
create trigger products_guard_replaced before insert on products
    when exists (select 1 from products where id = new.id)
begin
    select raise(abort, 'products_keep_their_numbers');
end;
create trigger products_guard_updated after update of id on products
    when new.id <> old.id
begin
    select raise(abort, 'products_keep_their_numbers');
end;
create trigger products_guard_deleted before delete on products
    when exists (select 1 from stock_movements where product_id = old.id)
begin
    select raise(abort, 'products_keep_their_numbers');
end;

create trigger stock_movements_follow after insert on stock_movements
begin
    select raise(abort, 'stock_is_what_moved')
    where new.delta = 0
       or new.balance not between 0 and 1000000000000
       or new.balance is not (select stock_quantity from products where id = new.product_id)
       or new.balance - new.delta
          <> coalesce((select balance from stock_movements
                       where product_id = new.product_id and id < new.id order by id desc limit 1), 0)
       or exists (select 1 from stock_movements where product_id = new.product_id and id > new.id);
end;
create trigger stock_movements_guard_replaced before insert on stock_movements
    when exists (select 1 from stock_movements where id = new.id)
begin
    select raise(abort, 'stock_movements_stay');
end;
create trigger stock_movements_guard_updated before update on stock_movements
begin
    select raise(abort, 'stock_movements_stay');
end;
create trigger stock_movements_guard_deleted before delete on stock_movements
begin
    select raise(abort, 'stock_movements_stay');
end;

-- When the work on a visit began and ended, as its status says.
create table work_times (
    appointment_id integer primary key references appointments (id) on delete cascade,
    began_at integer not null,
    ended_at integer
) strict;
create trigger appointments_work_begun after update of status on appointments
    when new.status = 'in_progress' and old.status <> 'in_progress'
begin
    insert into work_times (appointment_id, began_at) values (new.id, new.updated_at)
    on conflict (appointment_id) do nothing;
end;
create trigger appointments_work_ended after update of status on appointments
    when new.status = 'completed' and old.status = 'in_progress'
begin
    update work_times set ended_at = new.updated_at where appointment_id = new.id;
end;
