-- A SKU is one product's, whatever the letter case.

-- Products that have shared one until now keep it: each has a place of its own, counted from 0, and no
-- other product comes to one of them.
alter table products add column sku_place bigint not null default 0;
update products
set sku_place = (
    select count(*) from products other
    where lower(other.sku) = lower(products.sku) and other.id < products.id);
drop index products_sku;
create unique index products_sku on products (lower(sku), sku_place);
