-- The source database's own account of what is written, by triggers, whoever writes it. Nothing of it is captured.

-- name: account
create schema audit;
create table audit.change (id bigserial, txid bigint, tbl text, op text, before json, after json);
grant usage on schema audit to public; grant insert on audit.change to public;
grant usage on sequence audit.change_id_seq to public;
create function audit.note() returns trigger language plpgsql security definer as $$
begin
    insert into audit.change (txid, tbl, op, before, after)
    values (txid_current(), tg_table_schema || '.' || tg_table_name, lower(left(tg_op, 1)),
            case when tg_op <> 'INSERT' then row_to_json(old) end,
            case when tg_op <> 'DELETE' then row_to_json(new) end);
    return null;
end $$;

-- name: watch
create trigger audit after insert or update or delete on {table} for each row execute function audit.note()

-- name: changes
select txid::text, tbl, case op when 'i' then 'c' else op end as op from audit.change order by id
