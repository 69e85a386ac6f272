-- The shop's calendar: which appointments differ from their events, and what staff have blocked.

-- One row: the calendar that is connected, and how far it was read.
create table calendar (
    id integer primary key check (id = 1),
    -- Changes of appointments are marked below up to this instant, a month after a server last had a
    -- calendar: where nobody looks at the marks, nothing is marked.
    marking_until integer not null default -1,
    -- From it and the appointment's number the name of an event is made, so that a second try finds the
    -- event of the first, and nobody else's.
    salt text,
    -- Which calendar it is.
    address text,
    -- From where on the calendar tells what has changed in it.
    token text,
    -- Up to when blocks are known.
    known_until integer not null default 0,
    -- When what is below was last known to be what the calendar says.
    read_at integer,
    -- How often in a row it could not be read, and when it is read next.
    failures integer not null default 0,
    next_read_at integer not null default 0,
    -- Until when one of the servers is reading it.
    reading_until integer not null default 0,
    reader text
) strict;
insert into calendar (id) values (1);

-- One row for each appointment whose event was written or is to be written. It is a mark, no message: an
-- appointment that is changed five times is written once.
create table calendar_events (
    appointment_id integer primary key,
    -- How often the appointment was changed, and which of these changes the calendar has.
    wanted integer not null default 1,
    written integer not null default 0,
    event_id text,
    etag text,
    -- The times that the calendar was given.
    starts_at integer,
    ends_at integer,
    -- What staff have made of the event since.
    staff_did text check (staff_did in ('moved', 'deleted')),
    staff_starts_at integer,
    staff_ends_at integer,
    staff_seen_at integer,
    -- Who is about to write it, and until when nobody else does.
    claim text,
    claimed_until integer not null default 0,
    attempts integer not null default 0,
    next_at integer not null default 0
) strict;
create index calendar_events_due on calendar_events (next_at, appointment_id) where written < wanted;
create unique index calendar_events_name on calendar_events (event_id) where event_id is not null;
create index calendar_events_conflicts on calendar_events (starts_at, appointment_id) where staff_did is not null;

-- When the shop, or a bay of it, is blocked by the calendar: no row longer than a day.
create table calendar_blocks (
    event text not null,
    starts_at integer not null,
    ends_at integer not null,
    -- The bay or the technician; 0 is the whole shop.
    resource_id integer not null,
    primary key (event, starts_at, resource_id),
    check (ends_at > starts_at and ends_at - starts_at <= 86400)
) strict, without rowid;
create index calendar_blocks_time on calendar_blocks (starts_at, ends_at, resource_id);

create trigger calendar_appointments_inserted after insert on appointments
    when exists (select 1 from calendar where marking_until >= new.updated_at)
     and (new.status in ('scheduled', 'confirmed', 'in_progress')
          or exists (select 1 from calendar_events where appointment_id = new.id))
begin
    insert into calendar_events (appointment_id) values (new.id)
    on conflict (appointment_id) do update set wanted = wanted + 1, next_at = 0;
end;
create trigger calendar_appointments_updated
    after update of customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at, service_type,
                    service_description, customer_concerns, status on appointments
    when exists (select 1 from calendar where marking_until >= new.updated_at)
     and (new.status in ('scheduled', 'confirmed', 'in_progress')
          or exists (select 1 from calendar_events where appointment_id = new.id))
begin
    insert into calendar_events (appointment_id) values (new.id)
    on conflict (appointment_id) do update set wanted = wanted + 1, next_at = 0;
end;
create trigger calendar_appointments_deleted after delete on appointments
begin
    update calendar_events set wanted = wanted + 1, next_at = 0 where appointment_id = old.id;
end;

-- An event names the customer and the vehicle.
create trigger calendar_customers_renamed after update of first_name, last_name on customers
    when exists (select 1 from calendar where marking_until >= 0)
     and (new.first_name <> old.first_name or new.last_name <> old.last_name)
begin
    update calendar_events set wanted = wanted + 1, next_at = 0
    where appointment_id in (select id from appointments
                             where customer_id = new.id
                               and status in ('scheduled', 'confirmed', 'in_progress'));
end;
create trigger calendar_vehicles_changed after update of year, make, model on vehicles
    when exists (select 1 from calendar where marking_until >= 0)
     and (new.year <> old.year or new.make <> old.make or new.model <> old.model)
begin
    update calendar_events set wanted = wanted + 1, next_at = 0
    where appointment_id in (select id from appointments
                             where vehicle_id = new.id
                               and status in ('scheduled', 'confirmed', 'in_progress'));
end;
