-- A vehicle's visits on fewer pages.

-- Nearly all visits are over. An index of them by their vehicle alone is the smallest; the few that occupy it are
-- found by their time as well, however many a vehicle has had.
create index appointments_vehicle_occupied on appointments (vehicle_id, starts_at, ends_at)
    where status in ('scheduled', 'confirmed', 'in_progress');
drop index appointments_vehicle;
create index appointments_vehicle on appointments (vehicle_id);
