-- The front desk: customers, vehicles, appointments, and what they reserve.
--
-- Instants are whole seconds since 1970-01-01T00:00:00Z.

create table resources (
    id integer primary key check (id between 1 and 134217727),
    kind text not null check (kind in ('bay', 'technician')),
    name text not null check (name <> ''),
    unique (kind, name)
) strict;

create table customers (
    id integer primary key,
    crm_id text unique,
    first_name text not null,
    last_name text not null,
    email text,
    email_key text unique,
    phone_number text,
    phone_shared integer not null default 0 check (phone_shared in (0, 1)),
    account_status text not null default 'active' check (account_status in ('active', 'inactive', 'blocked')),
    tier text not null default 'standard',
    created_at integer not null,
    last_contact integer,
    last_service_at integer,
    lifetime_value_minor integer not null default 0 check (lifetime_value_minor >= 0),
    open_tickets integer not null default 0 check (open_tickets >= 0),
    satisfaction_score real check (satisfaction_score between 0 and 5),
    preferences text not null default '{}',
    notes text,
    check ((email is null) = (email_key is null))
) strict;
create unique index customers_own_phone on customers (phone_number) where not phone_shared;
create index customers_phone on customers (phone_number);

create table vehicles (
    id integer primary key check (id between 1 and 134217727),
    customer_id integer not null references customers (id),
    vin text unique check (length(vin) = 17),
    year integer not null check (year between 1886 and 9999),
    make text not null,
    model text not null,
    trim_level text,
    color text,
    license_plate text,
    current_mileage integer check (current_mileage >= 0),
    is_primary integer not null check (is_primary in (0, 1)),
    created_at integer not null
) strict;
create index vehicles_customer on vehicles (customer_id);
create unique index vehicles_one_primary on vehicles (customer_id) where is_primary;

create table appointments (
    id integer primary key,
    customer_id integer not null references customers (id),
    vehicle_id integer not null references vehicles (id),
    bay_id integer not null references resources (id),
    technician_id integer references resources (id),
    starts_at integer not null check (starts_at between 0 and 68719476735),
    ends_at integer not null,
    -- When the bay and the technician are free again: the end, or later by a buffer.
    reserved_until integer not null check (reserved_until between 0 and 68719476735),
    service_type text not null,
    service_description text,
    customer_concerns text,
    notes text,
    status text not null check (status in ('scheduled', 'confirmed', 'in_progress', 'completed', 'cancelled', 'no_show')),
    confirmation_sent integer not null default 0 check (confirmation_sent in (0, 1)),
    cancellation_reason text,
    cancelled_at integer,
    calendar_event_id text,
    booking_method text not null,
    booked_by text not null,
    created_at integer not null,
    updated_at integer not null,
    check (ends_at > starts_at and reserved_until >= ends_at and reserved_until - starts_at <= 86400)
) strict;
create index appointments_customer on appointments (customer_id, starts_at);
create index appointments_vehicle_occupied on appointments (vehicle_id, starts_at, ends_at)
    where status in ('scheduled', 'confirmed', 'in_progress');

create table holds (
    id text primary key,
    bay_id integer not null references resources (id),
    technician_id integer references resources (id),
    starts_at integer not null check (starts_at between 0 and 68719476735),
    ends_at integer not null,
    reserved_until integer not null check (reserved_until between 0 and 68719476735),
    service_type text,
    expires_at integer not null,
    created_at integer not null,
    check (ends_at > starts_at and reserved_until >= ends_at and reserved_until - starts_at <= 86400)
) strict;
create index holds_expiry on holds (expires_at);

-- What is taken: one row per bay and per technician of every appointment that occupies them and of
-- every hold. The triggers below keep it equal to those tables, whoever writes to them.
create table reservations (
    id integer primary key,
    resource_id integer not null references resources (id),
    starts_at integer not null,
    ends_at integer not null,
    expires_at integer,
    appointment_id integer references appointments (id) on delete cascade,
    hold_id text references holds (id) on delete cascade,
    check (ends_at > starts_at),
    check ((appointment_id is null) <> (hold_id is null)),
    check ((hold_id is null) = (expires_at is null))
) strict;
create index reservations_resource on reservations (resource_id, starts_at, ends_at);
create index reservations_appointment on reservations (appointment_id) where appointment_id is not null;
create index reservations_hold on reservations (hold_id) where hold_id is not null;

-- Every check below is an AFTER trigger that aborts: there is one writer, so it sees the latest
-- rows, and no conflict clause of the writing statement (OR REPLACE, OR IGNORE) overrides it.
create trigger appointments_overlap_inserted after insert on appointments
    when new.status in ('scheduled', 'confirmed', 'in_progress')
begin
    select raise(abort, 'appointments_vehicle_overlap') where exists (
        select 1 from appointments a
        where a.vehicle_id = new.vehicle_id and a.id <> new.id
          and a.status in ('scheduled', 'confirmed', 'in_progress')
          and a.starts_at < new.ends_at and a.ends_at > new.starts_at
          and a.starts_at > new.starts_at - 86400);
end;
create trigger appointments_overlap_updated after update on appointments
    when new.status in ('scheduled', 'confirmed', 'in_progress')
begin
    select raise(abort, 'appointments_vehicle_overlap') where exists (
        select 1 from appointments a
        where a.vehicle_id = new.vehicle_id and a.id <> new.id
          and a.status in ('scheduled', 'confirmed', 'in_progress')
          and a.starts_at < new.ends_at and a.ends_at > new.starts_at
          and a.starts_at > new.starts_at - 86400);
end;

create trigger appointments_reserve_inserted after insert on appointments
begin
    delete from reservations
    where appointment_id = new.id
      and not (new.status in ('scheduled', 'confirmed', 'in_progress')
               and starts_at = new.starts_at and ends_at = new.reserved_until
               and (resource_id = new.bay_id or resource_id is new.technician_id));
    insert into reservations (resource_id, starts_at, ends_at, appointment_id)
    select needed.id, new.starts_at, new.reserved_until, new.id
    from (select new.bay_id as id union all select new.technician_id) as needed
    where new.status in ('scheduled', 'confirmed', 'in_progress')
      and needed.id is not null
      and not exists (select 1 from reservations r
                      where r.appointment_id = new.id and r.resource_id = needed.id);
end;
create trigger appointments_reserve_updated after update on appointments
begin
    delete from reservations
    where appointment_id = new.id
      and not (new.status in ('scheduled', 'confirmed', 'in_progress')
               and starts_at = new.starts_at and ends_at = new.reserved_until
               and (resource_id = new.bay_id or resource_id is new.technician_id));
    insert into reservations (resource_id, starts_at, ends_at, appointment_id)
    select needed.id, new.starts_at, new.reserved_until, new.id
    from (select new.bay_id as id union all select new.technician_id) as needed
    where new.status in ('scheduled', 'confirmed', 'in_progress')
      and needed.id is not null
      and not exists (select 1 from reservations r
                      where r.appointment_id = new.id and r.resource_id = needed.id);
end;
create trigger appointments_free_deleted after delete on appointments
begin
    delete from reservations where appointment_id = old.id;
end;

create trigger holds_reserve_inserted after insert on holds
begin
    delete from reservations
    where hold_id = new.id
      and not (starts_at = new.starts_at and ends_at = new.reserved_until
               and expires_at = new.expires_at
               and (resource_id = new.bay_id or resource_id is new.technician_id));
    insert into reservations (resource_id, starts_at, ends_at, expires_at, hold_id)
    select needed.id, new.starts_at, new.reserved_until, new.expires_at, new.id
    from (select new.bay_id as id union all select new.technician_id) as needed
    where needed.id is not null
      and not exists (select 1 from reservations r
                      where r.hold_id = new.id and r.resource_id = needed.id);
end;
create trigger holds_reserve_updated after update on holds
begin
    delete from reservations
    where hold_id = new.id
      and not (starts_at = new.starts_at and ends_at = new.reserved_until
               and expires_at = new.expires_at
               and (resource_id = new.bay_id or resource_id is new.technician_id));
    insert into reservations (resource_id, starts_at, ends_at, expires_at, hold_id)
    select needed.id, new.starts_at, new.reserved_until, new.expires_at, new.id
    from (select new.bay_id as id union all select new.technician_id) as needed
    where needed.id is not null
      and not exists (select 1 from reservations r
                      where r.hold_id = new.id and r.resource_id = needed.id);
end;
create trigger holds_free_deleted after delete on holds
begin
    delete from reservations where hold_id = old.id;
end;

create trigger reservations_overlap after insert on reservations
begin
    select raise(abort, 'reservations_overlap') where exists (
        select 1 from reservations r
        where r.resource_id = new.resource_id and r.id <> new.id
          and r.starts_at < new.ends_at and r.ends_at > new.starts_at
          and r.starts_at > new.starts_at - 86400);
    select raise(abort, 'reservations_follow_their_owners')
    where not exists (
        select 1 from appointments a
        where a.id = new.appointment_id
          and a.status in ('scheduled', 'confirmed', 'in_progress')
          and new.resource_id in (a.bay_id, a.technician_id)
          and a.starts_at = new.starts_at and a.reserved_until = new.ends_at)
      and not exists (
        select 1 from holds h
        where h.id = new.hold_id
          and new.resource_id in (h.bay_id, h.technician_id)
          and h.starts_at = new.starts_at and h.reserved_until = new.ends_at
          and h.expires_at = new.expires_at);
end;

-- Nobody takes a reservation away from an appointment or a hold that still needs it. A row that is
-- replaced goes without a delete trigger, so no row is ever replaced.
create trigger reservations_guard_replaced before insert on reservations
    when exists (select 1 from reservations where id = new.id)
begin
    select raise(abort, 'reservations_follow_their_owners');
end;
create trigger reservations_guard_deleted before delete on reservations
begin
    select raise(abort, 'reservations_follow_their_owners') where exists (
        select 1 from appointments a
        where a.id = old.appointment_id
          and a.status in ('scheduled', 'confirmed', 'in_progress')
          and old.resource_id in (a.bay_id, a.technician_id)
          and a.starts_at = old.starts_at and a.reserved_until = old.ends_at);
    select raise(abort, 'reservations_follow_their_owners') where exists (
        select 1 from holds h
        where h.id = old.hold_id
          and old.resource_id in (h.bay_id, h.technician_id)
          and h.starts_at = old.starts_at and h.reserved_until = old.ends_at
          and h.expires_at = old.expires_at);
end;
create trigger reservations_guard_updated before update on reservations
begin
    select raise(abort, 'reservations_follow_their_owners');
end;

-- A bay or a technician keeps its number as long as it is there: reservations know it by that.
create trigger resources_guard_replaced before insert on resources
    when exists (select 1 from resources where id = new.id or (kind = new.kind and name = new.name))
begin
    select raise(abort, 'resources_keep_their_numbers');
end;
create trigger resources_guard_updated before update of id, kind on resources
    when new.id <> old.id or new.kind <> old.kind
begin
    select raise(abort, 'resources_keep_their_numbers');
end;
create trigger resources_guard_deleted before delete on resources
    when exists (select 1 from reservations where resource_id = old.id)
begin
    select raise(abort, 'resources_keep_their_numbers');
end;

-- A customer who books, moves or cancels was in contact.
create trigger appointments_contact_inserted after insert on appointments
begin
    update customers set last_contact = new.created_at
    where id = new.customer_id and (last_contact is null or last_contact < new.created_at);
end;
create trigger appointments_contact_updated after update of starts_at, status on appointments
    when new.starts_at <> old.starts_at or (new.status = 'cancelled' and old.status <> 'cancelled')
begin
    update customers set last_contact = new.updated_at
    where id = new.customer_id and (last_contact is null or last_contact < new.updated_at);
end;

create table idempotency_keys (
    tool text not null,
    key text not null,
    arguments_hash text not null,
    reply text,
    created_at integer not null,
    primary key (tool, key)
) strict;
create index idempotency_keys_age on idempotency_keys (created_at);

create table vin_decodes (
    vin text primary key check (length(vin) = 17),
    decoded text,
    fetched_at integer not null
) strict;
