-- What is asked of the tables of schema public while they are filled, and at the end.
create function pg_temp.tables() returns setof regclass stable language sql as $$
    select oid::regclass from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
$$;

-- Whether any of them has a row.
create function pg_temp.began() returns boolean stable language plpgsql as $$
declare tbl regclass; found boolean;
begin
    for tbl in select pg_temp.tables() loop
        execute format('select exists (select from %s)', tbl) into found;
        if found then return true; end if;
    end loop;
    return false;
end $$;

-- Whether the row with this key is as it is here; null: not there.
create function pg_temp.arrived(tbl regclass, key jsonb, wanted jsonb) returns boolean stable language plpgsql as $$
declare
    own text := (select string_agg(format('t.%1$I = k.%1$I', name), ' and ') from jsonb_object_keys(key) name);
    has boolean;
begin
    execute format(
        'select exists (select from %1$s t, jsonb_populate_record(null::%1$s, $1) k, jsonb_populate_record(null::%1$s, $2) w
         where %2$s and ($2 is null or t is not distinct from w))', tbl, own
    ) using key, wanted into has;
    return has is distinct from (wanted is null);
end $$;

-- Each table's rows, and a digest of them.
create function pg_temp.content() returns table (tbl text, held bigint, digest text) stable language plpgsql as $$
begin
    for tbl in select pg_temp.tables()::text loop
        execute format('select count(*), md5(coalesce(string_agg(t::text, chr(10) order by t::text), '''')) from %s t', tbl)
            into held, digest;
        return next;
    end loop;
end $$;
