-- What a remote CRM says of its customers and their tickets, as this database heard it last.

-- When the CRM last said something about the customer, and when it last listed the tickets.
alter table customers add column crm_as_of integer;
alter table customers add column crm_tickets_as_of integer;
-- What it counts itself, where it says so.
alter table customers add column crm_lifetime_value_minor integer check (crm_lifetime_value_minor >= 0);
alter table customers add column crm_open_tickets integer check (crm_open_tickets >= 0);

-- A ticket of the CRM has a number here like any other; it is known by its customer's id and its own.
alter table tickets add column crm_id text;
alter table tickets add column crm_ticket_id text check ((crm_id is null) = (crm_ticket_id is null));
create unique index tickets_crm on tickets (crm_id, crm_ticket_id) where crm_ticket_id is not null;

-- The CRM counts its own tickets (crm_open_tickets); these are the shop's.
drop trigger tickets_counted_inserted;
drop trigger tickets_counted_updated;
drop trigger tickets_counted_deleted;
create trigger tickets_counted_inserted after insert on tickets
    when new.crm_ticket_id is null
begin
    update customers set open_tickets = (
        select count(*) from tickets
        where customer_id = new.customer_id and status in ('open', 'in_progress') and crm_ticket_id is null)
    where id = new.customer_id;
end;
create trigger tickets_counted_updated after update of customer_id, status, crm_ticket_id on tickets
    when new.crm_ticket_id is null or old.crm_ticket_id is null
begin
    update customers set open_tickets = (
        select count(*) from tickets
        where customer_id = customers.id and status in ('open', 'in_progress') and crm_ticket_id is null)
    where id in (old.customer_id, new.customer_id);
end;
create trigger tickets_counted_deleted after delete on tickets
    when old.crm_ticket_id is null
begin
    update customers set open_tickets = (
        select count(*) from tickets
        where customer_id = old.customer_id and status in ('open', 'in_progress') and crm_ticket_id is null)
    where id = old.customer_id;
end;
