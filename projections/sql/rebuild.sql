-- What is read beside the graph that is read is in the schema graph_next; the tables without a schema are temporary.

-- name: only_rebuild
-- One at a time: whoever holds this session lock.
select pg_try_advisory_lock(742511, 3)

-- name: is_there
select to_regnamespace($1) is not null

-- name: rights
-- Who may do what with the graph's tables, as grants on those beside it.
select format('grant %s on schema graph_next to %s', a.privilege_type, coalesce(quote_ident(r.rolname), 'public'))
from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
where n.nspname = 'graph' and a.grantee <> n.nspowner
union all
select format('grant %s on graph_next.%I to %s', a.privilege_type, c.relname, coalesce(quote_ident(r.rolname), 'public'))
from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
where c.relnamespace = 'graph'::regnamespace and c.relkind = 'r' and a.grantee <> c.relowner

-- name: bare
-- So that rows come in faster: no keys and indexes, but for the facts' key.
select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
where connamespace = 'graph_next'::regnamespace and contype = 'p'
    and conrelid not in ('graph_next.fact'::regclass, 'graph_next.revision'::regclass)
union all
select format('drop index %s', indexrelid::regclass) from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = 'graph_next'::regnamespace and not i.indisprimary

-- name: by_size
select relname as table from pg_class
where relnamespace = 'graph_next'::regnamespace and relname = any($1::text[]) order by pg_relation_size(oid) desc, relname

-- name: worth
-- Whether the ledger has so many changes at least behind $1.
select count(*) = $2 from (select from record.history where id > $1 limit $2) more

-- name: strangers
-- Who may look into the old graph, to whom it is no use.
select format('revoke all on schema graph_before from %s', coalesce(quote_ident(r.rolname), 'public'))
from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
where n.nspname = 'graph_before' and a.grantee <> n.nspowner

-- name: snapshotting
select coalesce(bool_or(snapshotting), false) from record.checkpoint

-- name: ledger_head
select coalesce(max(id), 0) from record.history

-- name: ledger_between
select id, source, epoch, log, ordinal, transaction, tbl, op, key::text as key, before::text as before,
    after::text as after, outcome, committed_at, captured_at
from record.history where id > $1 and id <= $2 order by id limit $3

-- name: next_id
select id from record.history where id > $1 order by id limit 1

-- name: page_end
select id from record.history where id > $1 and id <= $2 order by id offset $3 limit 1

-- name: odd_after
-- The next change of which the place among others counts: a truncation, or what a snapshot brought and nobody could read.
-- Of each kind there are few, in an index of their own; offset 0, lest all others are read in search of one.
select least(
    (select min(id) from (
        select id from record.history where op = 't' and outcome <> 'dead' and id > $1 and id <= $2 offset 0
    ) emptied),
    (select id from record.history where outcome = 'dead' and op = 'r' and id > $1 and id <= $2 order by id limit 1)
)

-- name: alive_of
-- Of these rows, those that are not dead, or not any more.
select id, source, epoch, log, ordinal, transaction, tbl, op, key::text as key, before::text as before,
    after::text as after, outcome, committed_at, captured_at
from record.history where id = any($1::bigint[]) and outcome <> 'dead' order by id

-- name: tail
-- What the ledger gained since: how many changes, and whether a snapshot brought any.
select count(*) as changes, coalesce(bool_or(op = 'r'), false) as snapshot from record.history where id > $1

-- name: snapshot_xmin
-- No transaction that is not seen now has a lower number.
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- name: make_staged
-- Facts on their way into the graph, each with the ledger's page that it is from, and those that other versions followed.
create unlogged table graph.staged (
    page bigint, source text, key text, epoch integer, log bigint, ordinal integer, doc text, fact bytea
);
create unlogged table graph.left_fact (source text, epoch integer, log bigint, ordinal integer, doc text, fact bytea)

-- name: empty_staged
truncate graph.staged

-- name: empty_staged_page
delete from graph.staged where page = $1

-- name: drop_staged
insert into left_fact select * from graph.left_fact;
drop table graph.staged, graph.left_fact

-- name: make_left
-- Where facts were before: in another document, or hung otherwise, than what came after them. An order's past leads there.
create temp table left_fact (source text, epoch integer, log bigint, ordinal integer, doc text, fact bytea);
create temp table left_place (doc text, source text, epoch integer, log bigint, ordinal integer);
create temp table left_claim (ident text, doc text);
create temp table left_link (ident text, doc text)

-- name: put_past_places
-- These three stand in for the projector's own: what is written beside must not keep it waiting.
insert into left_place select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[])

-- name: put_past_claims
insert into left_claim select * from unnest($1::text[], $2::text[])

-- name: put_past_links
insert into left_link select * from unnest($1::text[], $2::text[])

-- name: leave_merged
-- Of the pages behind $1 up to $2, the keys that fall to part $3 of $4.
with part as (
    select source, key, epoch, log, ordinal, doc, fact from graph.staged
    where page > $1 and page <= $2 and mod(hashtext(key) & 2147483647, $4::integer) = $3::integer
)
insert into graph.left_fact
select source, epoch, log, ordinal, doc, fact from (
    select *, lead(source) over later is not null as replaced, lead(doc) over later as next_doc,
        lead(substring(fact from position('"claims":'::bytea in fact))) over later as next_edges,
        substring(fact from position('"claims":'::bytea in fact)) as edges
    from (
        table part
        union all
        select source, key, epoch, log, ordinal, doc, fact from graph.fact
        where (source, key) in (select source, key from part)
    ) version
    window later as (partition by source, key order by epoch, log, ordinal)
) followed
where replaced and doc is not null and (doc, edges) is distinct from (next_doc, next_edges)

-- name: leave_swept
insert into left_fact select source, epoch, log, ordinal, doc, fact from graph.fact
where source = $1 and epoch < $2 and doc is not null

-- name: leave_emptied
insert into left_fact select source, epoch, log, ordinal, doc, fact from graph.fact
where source = $1 and doc is not null and exists (select from unnest($2::text[]) prefix where starts_with(key, prefix))

-- name: leave_spared
insert into left_fact select source, epoch, log, ordinal, doc, fact from graph.fact
where (source, key) in (select * from unnest($1::text[], $2::text[])) and doc is not null

-- name: put_left_places
insert into record.past_place (doc, source, epoch, log, ordinal)
select doc, source, epoch, log, ordinal from left_fact
union select doc, source, epoch, log, ordinal from left_place on conflict do nothing

-- name: put_left_claims
insert into record.past_claim (ident, doc)
select (c ->> 0) || '=' || (c ->> 1), doc
from left_fact cross join lateral json_array_elements(convert_from(fact, 'UTF8')::json -> 'claims') c
where position('"claims":[['::bytea in fact) > 0
union select ident, doc from left_claim on conflict do nothing

-- name: put_left_links
insert into record.past_link (ident, doc)
select (l ->> 0) || '=' || (l ->> 1), doc
from (
    select doc, convert_from(fact, 'UTF8')::json -> 'belongs_to' as l from left_fact
    where position('"belongs_to":['::bytea in fact) > 0
) linked
union select ident, doc from left_link on conflict do nothing

-- name: merge_facts
insert into graph.fact as f (source, key, epoch, log, ordinal, doc, fact)
select distinct on (source, key) source, key, epoch, log, ordinal, doc, fact from graph.staged
where page > $1 and page <= $2 and mod(hashtext(key) & 2147483647, $4::integer) = $3::integer
order by source, key, epoch desc, log desc, ordinal desc
on conflict (source, key) do update
set (epoch, log, ordinal, doc, fact) = (excluded.epoch, excluded.log, excluded.ordinal, excluded.doc, excluded.fact)
where (f.epoch, f.log, f.ordinal) < (excluded.epoch, excluded.log, excluded.ordinal)

-- name: facts_of_keys
select source, key, epoch, log, ordinal, fact from graph.fact
where (source, key) in (select * from unnest($1::text[], $2::text[]))

-- name: sweep_facts
update graph.fact set (epoch, log, ordinal, doc, fact) = ($2, $3, $4, null, null)
where source = $1 and epoch < $2 and doc is not null

-- name: empty_facts
update graph.fact set (epoch, log, ordinal, doc, fact) = ($2, $3, $4, null, null)
where source = $1 and doc is not null and (epoch, log, ordinal) < ($2, $3, $4)
    and exists (select from unnest($5::text[]) prefix where starts_with(key, prefix))

-- name: spare_facts
update graph.fact f set (epoch, log, ordinal) = (n.epoch, 0, 0)
from unnest($1::text[], $2::text[], $3::integer[]) n (source, key, epoch)
where (f.source, f.key) = (n.source, n.key) and f.doc is not null and (f.epoch, f.log, f.ordinal) < (n.epoch, 0, 0)

-- name: make_claims
insert into graph.claim (ident, doc)
select distinct (c ->> 0) || '=' || (c ->> 1), doc
from graph.fact cross join lateral json_array_elements(convert_from(fact, 'UTF8')::json -> 'claims') c
where doc is not null and position('"claims":[['::bytea in fact) > 0

-- name: make_links
insert into graph.link (ident, doc)
select distinct (l ->> 0) || '=' || (l ->> 1), doc
from (
    select doc, convert_from(fact, 'UTF8')::json -> 'belongs_to' as l from graph.fact
    where doc is not null and position('"belongs_to":['::bytea in fact) > 0
) linked

-- name: make_compared
-- The orders to look at, those that differ and in which table, those above or below which a fact differs and that were not
-- looked at yet, and the events that tell of it.
create temp table moved (order_id text primary key);
create temp table differing (order_id text not null, tbl text not null, primary key (order_id, tbl));
create temp table suspected (order_id text primary key);
create temp table prepared as select * from record.feed with no data;
create index on prepared (order_id)

-- name: make_found
-- What several find at once.
drop table if exists graph.found_order, graph.found_doc;
create unlogged table graph.found_order (order_id text, tbl text);
create unlogged table graph.found_doc (doc text)

-- name: find_facts
insert into graph_next.found_doc
select distinct d.doc from graph.fact f full join graph_next.fact n using (source, key)
cross join lateral (values (f.doc), (n.doc)) d (doc)
where d.doc is not null and (f.doc, f.fact) is distinct from (n.doc, n.fact)

-- name: take_found
insert into differing select order_id, tbl from graph_next.found_order on conflict do nothing;
insert into suspected select distinct order_id from differing on conflict do nothing

-- name: suspect_orders
-- Whose are the documents of which facts differ; `of` is the graph whose documents hang together so.
insert into suspected
with recursive up (doc) as (
    select doc from graph_next.found_doc
    union
    select c.doc from up join of.link l on l.doc = up.doc join of.claim c on c.ident = l.ident
), named (ident) as (
    select ident from up join of.claim using (doc) union select ident from up join of.link using (doc)
)
select substr(ident, 14) from named where starts_with(ident, 'order_number=')
on conflict do nothing

-- name: drop_found
drop table graph.found_order, graph.found_doc

-- name: move_suspected
with other as (delete from suspected returning order_id)
insert into moved select order_id from other on conflict do nothing

-- name: orders_of_keys
-- The orders of the documents that have a fact of the source $1 whose key begins so.
with recursive up (doc) as (
    select doc from graph.fact
    where source = $1 and doc is not null and exists (select from unnest($2::text[]) prefix where starts_with(key, prefix))
    union
    select c.doc from up join graph.link l on l.doc = up.doc join graph.claim c on c.ident = l.ident
)
select distinct substr(ident, 14) as order_id from graph.claim join up using (doc)
where starts_with(ident, 'order_number=') order by 1

-- name: move_named
insert into moved select unnest($1::text[]) on conflict do nothing

-- name: move_changed
-- Orders that the projector has changed in the graph since the transaction $1.
insert into moved select substr(subject, 7) from graph.revision
where revision >= $1 and starts_with(subject, 'order/') on conflict do nothing

-- name: made_anew
select revision >= $1 from graph.revision where subject = 'graph'

-- name: forget_moved
with other as (delete from differing where order_id in (select order_id from moved))
delete from prepared where order_id in (select order_id from moved)

-- name: moved_after
select m.order_id, array(select tbl from differing d where d.order_id = m.order_id order by tbl) as tables
from moved m where m.order_id > $1 order by m.order_id limit $2

-- name: differing_after
select order_id, array_agg(tbl order by tbl) as tables from differing where order_id > $1 group by order_id order by order_id limit $2

-- name: compared
select (select count(distinct order_id) from differing) as orders,
    (select count(*) from prepared) as events,
    (select count(*) from prepared where type = 'ORDER_CORRECTED') as corrections

-- name: settle_prepared
select command.settle(array_agg(command_id), $1) from prepared where command_id is not null having count(*) > 0
