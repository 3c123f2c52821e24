-- name: put_past_places
insert into record.past_place (doc, source, epoch, log, ordinal)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[]) on conflict do nothing

-- name: put_past_claims
insert into record.past_claim (ident, doc) select * from unnest($1::text[], $2::text[]) on conflict do nothing

-- name: put_past_links
insert into record.past_link (ident, doc) select * from unnest($1::text[], $2::text[]) on conflict do nothing

-- name: past_documents
-- All that ever hung together with a document that claimed the identifier $1, itself too; at most $2.
with recursive reached (doc) as (
    select doc from (
        select doc from graph.claim where ident = $1 union select doc from record.past_claim where ident = $1
    ) seed
    union
    select near.doc from reached cross join lateral (
        select c.doc from (
            select ident from graph.link where doc = reached.doc
            union select ident from record.past_link where doc = reached.doc
        ) up cross join lateral (
            select doc from graph.claim where ident = up.ident
            union all select doc from record.past_claim where ident = up.ident
        ) c
        union all
        select l.doc from (
            select ident from graph.claim where doc = reached.doc
            union select ident from record.past_claim where doc = reached.doc
        ) down cross join lateral (
            select doc from graph.link where ident = down.ident
            union all select doc from record.past_link where ident = down.ident
        ) l
    ) near
)
select doc from reached limit $2

-- name: past_ledger
-- The ledger's changes until $2, or ever, of all rows that ever stated a fact of the documents $1, with truncations of their tables,
-- at most $4. Where $3, of each row only what its state at that instant follows from.
with behind as materialized (
    select source, epoch, log, ordinal from graph.fact where doc = any($1::text[])
    union select source, epoch, log, ordinal from record.past_place where doc = any($1::text[])
), origin as materialized (
    select distinct l.source, l.tbl, l.key::text as key from behind b cross join lateral (
        select source, tbl, key from record.history l
        where (l.source, l.epoch, l.log, l.ordinal) = (b.source, b.epoch, b.log, b.ordinal) and l.op <> 't'
    ) l
), found as (
    select l.id from origin o cross join lateral (
        select max(id) as id from (
            select id from record.history
            where $3::boolean and hashtextextended(source || ' ' || tbl || ' ' || key::text, 0)
                    = hashtextextended(o.source || ' ' || o.tbl || ' ' || o.key, 0)
                and (source, tbl, key::text) = (o.source, o.tbl, o.key)
                and ($2::timestamptz is null or projected_at <= $2) and outcome = 'applied' and mended_at is null
                and strpos(coalesce(after::text, ''), '"__debezium_unavailable_value"') = 0
            order by id desc limit 1
        ) whole
    ) since cross join lateral (
        select id from record.history
        where hashtextextended(source || ' ' || tbl || ' ' || key::text, 0)
                = hashtextextended(o.source || ' ' || o.tbl || ' ' || o.key, 0)
            and (source, tbl, key::text) = (o.source, o.tbl, o.key)
            and ($2::timestamptz is null or projected_at <= $2) and id >= coalesce(since.id, 0)
    ) l
    union
    select l.id from (select distinct source, tbl from origin) o join record.history l using (source, tbl)
    where l.op = 't' and ($2::timestamptz is null or l.projected_at <= $2)
)
select id, source, epoch, log, ordinal, transaction, tbl, op, key::text as key, before::text as before,
    after::text as after, case when mended_at > $2 then 'dead' else outcome end as outcome, committed_at, captured_at
from record.history join found using (id) order by id limit $4

-- name: snapshot_since
-- When the snapshots that were being taken at the instant $1 had begun: until they end, the graph stays as it was before.
select min(begun) from (
    select source, epoch from record.sweep where swept_at > $1::timestamptz
    union select source, epoch from record.checkpoint where snapshotting
) taken cross join lateral (
    select projected_at as begun from record.history l
    where (l.source, l.epoch) = (taken.source, taken.epoch) order by log, ordinal limit 1
) first
where begun <= $1

-- name: await_writer
-- Until whoever writes now has committed.
select from record.turn for share

-- name: take_past_request
select id, order_id, as_of, occurred from command.past_request
where answered_at is null order by id limit 1 for update skip locked

-- name: answer_past_request
update command.past_request set answered_at = clock_timestamp(), answer = $2::text::json, problem = $3 where id = $1

-- name: forget_past_requests
-- Whoever asked waits no more.
delete from command.past_request where asked_at < clock_timestamp() - interval '1 minute'
