-- Scheduling: visits made from holds, reminders, and the ways in which visits are looked for.

-- The hold that a visit was booked by: a hold makes one visit at most, and a repeated booking finds it.
alter table appointments add column hold_id text;
create unique index appointments_hold on appointments (hold_id) where hold_id is not null;

alter table appointments add column work_performed text;

-- Visits by time; with the status and the service in it, a search for either reads no row in vain.
create index appointments_time on appointments (starts_at, id, status, service_type);

-- A vehicle's visits, whether they occupy it or not.
create index appointments_vehicle on appointments (vehicle_id, starts_at, ends_at, status);
drop index appointments_vehicle_occupied;

-- What is taken in a stretch of time, without a look at the rows themselves.
create index reservations_time on reservations (starts_at, resource_id, ends_at, expires_at, appointment_id);

-- People read out the end of a VIN.
create index vehicles_vin_end on vehicles (substr(vin, 12));

-- What was tried to remind a customer of a visit.
create table reminders (
    id integer primary key,
    appointment_id integer not null references appointments (id) on delete cascade,
    channel text not null check (channel in ('call', 'sms', 'email')),
    outcome text not null check (outcome in ('reached', 'voicemail', 'no_answer', 'failed')),
    sent_at integer not null
) strict;
create index reminders_appointment on reminders (appointment_id, id);
