-- The gateway reads the graph and the record, writes commands, and takes points for its clients; nothing else.
do $$
begin
    if exists (select from pg_roles where rolname = 'milepost_gateway') then
        grant usage on schema graph, record, command to milepost_gateway;
        grant select on all tables in schema graph, record, command to milepost_gateway;
        revoke select on graph.fact, graph.claim, graph.link from milepost_gateway;
        grant insert on command.command, command.dead_letter_request, command.past_request to milepost_gateway;
        grant usage on schema gateway to milepost_gateway;
        grant select on gateway.document to milepost_gateway;
        grant execute on function gateway.take_points, gateway.forget_buckets to milepost_gateway;
    end if;
end $$;
