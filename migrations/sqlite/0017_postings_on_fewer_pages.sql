-- Searches that find a term without a look at the sets of others.

-- In a table without rowid, the sets lie among the keys: there is room for few of them on a page, and to compare a
-- long one with a key, SQLite reads all of it. Here the keys are by themselves, and lead to the sets.
create table postings (
    term text not null,
    block integer not null,
    customers blob not null,
    primary key (term, block)
) strict;
insert into postings (term, block, customers)
select term, block, customers from search_postings order by term, block;
drop table search_postings;
alter table postings rename to search_postings;
