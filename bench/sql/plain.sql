-- The sources' tables as a sink may fill them: no foreign keys, no indexes but the primary keys', nothing generated, no types of their own.
do $$
declare each record;
begin
    for each in select conrelid::regclass as tbl, conname as name from pg_constraint
        where connamespace = 'public'::regnamespace and contype in ('f', 'u') order by contype
    loop
        execute format('alter table %s drop constraint %I', each.tbl, each.name);
    end loop;
    for each in select indexrelid::regclass as name from pg_index join pg_class c on c.oid = indrelid
        where c.relnamespace = 'public'::regnamespace and not indisprimary
    loop
        execute format('drop index %s', each.name);
    end loop;
    for each in select c.oid::regclass as tbl, attname as name from pg_attribute join pg_class c on c.oid = attrelid
        where c.relnamespace = 'public'::regnamespace and attidentity <> ''
    loop
        execute format('alter table %s alter column %I drop identity', each.tbl, each.name);
    end loop;
end $$;
alter table wh_order alter column state drop default, alter column state type text;
drop type wh_state;
