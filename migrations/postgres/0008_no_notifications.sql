-- Whether memory is fresh is told by the database's snapshots, which miss nothing.

drop trigger customers_changed on customers;
drop trigger vehicles_changed on vehicles;
drop function customers_changed();
