-- What is odd and true: an hour that the clock tells twice, codes that nobody knows, no offset, a void shipment, stock.
begin;
insert into outbound values (7, 'W7', ' 999999 ', '80', '2026-11-01 01:30', '2026-03-08 02:30');
insert into outbound_item values (7, 1, 'T-100', 10, 4, 0, 6), (7, 2, 'T-100', 1, 0, 0, 0);
insert into dispatch values (7, 'WS7', 7, 'UPSN', 'GROUND', 'TW7', '2026-11-01 01:59:59', null, '2026-11-01 02:00', 'Ann',
    '2026-11-01 00:59', 1);
insert into dispatch_item values (7, 1, 'T-100', 4, 'B1');
insert into handling_unit values ('100000000000000007', 7, 'TW7', null);
insert into tracking_event values
    (71, 7, 'XXX', '2026-11-01 01:30', null, null, null, '2026-11-01 01:30'),
    (72, 7, 'DLY', '2026-11-01 01:30', -480, 'Reno', 'NV', '2026-11-01 03:00'),
    (73, 7, 'HUB', '2026-11-01 01:30', 330, null, null, '2026-11-01 03:01');
insert into article_stock values ('T-100', 12.5, 3, '2026-06-03 06:00');
commit;
