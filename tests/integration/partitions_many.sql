-- Fifty-one partitions of a thousand rows each.
do $$ begin
    for n in 1..50 loop
        perform record.add_partition('ledger', n), record.add_partition('feed', n);
    end loop;
end $$;
insert into record.ledger (id, source, epoch, log, ordinal, snapshot, tbl, op, key, outcome, captured_at)
select record.first_place(part) + n, 'erp', 1, part * 1000 + n, 1, 'no', 'public.ordhdr', 'u', '{}', 'applied', now()
from generate_series(0, 50) part, generate_series(1, 1000) n;
insert into record.feed (position, order_id, version, type, key, subject, subject_id, facets, snapshot, cause_source,
    cause_table, cause_op, cause_key, cause_position)
select record.first_place(part) + n, n % 200, part * 5 + n / 200, 'ORDER_CHANGED', part || '/' || n, 'order', n % 200, '{}',
    false, 'erp', 'public.ordhdr', 'u', '{}', '1/0/0/1'
from generate_series(0, 50) part, generate_series(1, 1000) n;
analyze;
