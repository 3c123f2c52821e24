-- West's order W{work} for a number of ours and its shipment WS{work}: ten bolts leave at seven in the morning, in summer time.
begin;
insert into outbound values ({work}, 'W{work}', '{quoted}', '50', '2026-06-03 06:00', '2026-06-03 06:05');
insert into outbound_item values ({work}, 1, 'T-100', 10, 10, 10, 0);
insert into dispatch values
    ({work}, 'WS{work}', {work}, 'UPSN', 'GROUND', 'TW{work}', '2026-06-03 06:30', '2026-06-03 07:00', null, null, null, 0);
insert into dispatch_item values ({work}, 1, 'T-100', 10, null);
insert into handling_unit values ('10000000000000000{work}', {work}, 'TW{work}', 1250);
commit;
