-- What a remote CRM says of its customers and their tickets, as this database heard it last.

-- When the CRM last said something about the customer, and when it last listed the tickets.
alter table customers add column crm_as_of bigint;
alter table customers add column crm_tickets_as_of bigint;
-- What it counts itself, where it says so.
alter table customers add column crm_lifetime_value_minor bigint check (crm_lifetime_value_minor >= 0);
alter table customers add column crm_open_tickets bigint check (crm_open_tickets >= 0);

-- A ticket of the CRM has a number here like any other; it is known by its customer's id and its own.
alter table tickets add column crm_id text;
alter table tickets add column crm_ticket_id text check ((crm_id is null) = (crm_ticket_id is null));
create unique index tickets_crm on tickets (crm_id, crm_ticket_id) where crm_ticket_id is not null;

-- The CRM counts its own tickets (crm_open_tickets); these are the shop's.
create or replace function tickets_counted() returns trigger language plpgsql as $$
begin
    update customers c set open_tickets = (
        select count(*) from tickets t
        where t.customer_id = c.id and t.status in ('open', 'in_progress') and t.crm_ticket_id is null)
    where c.id in (old.customer_id, new.customer_id);
    return null;
end $$;
drop trigger tickets_counted on tickets;
create trigger tickets_counted
    after insert or delete or update of customer_id, status, crm_ticket_id on tickets
    for each row execute function tickets_counted();
