-- Searches that read a set where its row lies.

-- Sets of some 2 to 8 KiB were cut into pieces of a table of their own, which an index finds one by one. As many of
-- them as there is room for on a page stay in their rows.
create table postings (like search_postings including all) with (toast_tuple_target = 8160);
-- A set that was appended to is none of those that were stored in pieces.
insert into postings (term, block, customers)
select term, block, customers || ''::bytea from search_postings order by term, block;
drop table search_postings;
alter table postings rename to search_postings;
alter index postings_pkey rename to search_postings_pkey;
