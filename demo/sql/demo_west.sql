-- What the demo adds to West's database, where nobody tells a story: three orders of which the ERP has not said anything yet,
-- so they wait for theirs, and what lies in stock.
insert into outbound values
    (1001, 'W1001', '200001', '50', '2026-06-03 06:00:00', '2026-06-03 06:05:00'),
    (1002, 'W1002', '200002', '20', '2026-06-03 06:10:00', '2026-06-03 06:20:00'),
    (1003, 'W1003', '200003', '80', '2026-06-03 06:30:00', '2026-06-03 06:35:00');
insert into outbound_item values
    (1001, 1, 'HE-1030', 10, 10, 10, 0),
    (1002, 1, 'HE-1030', 4, 1, 0, 0),
    (1003, 1, 'BA-1000', 6, 2, 2, 4);
insert into dispatch values
    (1001, 'WS1001', 1001, 'UPSN', 'GROUND', '1ZWEST0000001001', '2026-06-03 06:40:00', '2026-06-03 07:00:00',
        '2026-06-04 12:00:00', 'Lee', '2026-06-04 09:00:00', 0),
    (1003, 'WS1003', 1003, 'UPSN', 'GROUND', '1ZWEST0000001003', '2026-06-03 06:45:00', '2026-06-03 07:00:00',
        '2026-06-05 12:00:00', null, null, 0);
insert into dispatch_item values (1001, 1, 'HE-1030', 10, 'B-17'), (1003, 1, 'BA-1000', 2, null);
insert into handling_unit values
    ('100000000000001001', 1001, '1ZWEST0000001001', 1250),
    ('100000000000001003', 1003, '1ZWEST0000001003', 300);
insert into tracking_event values
    (1, 1001, 'COL', '2026-06-03 07:05:00', -420, 'Reno', 'NV', '2026-06-03 07:06:00'),
    (2, 1003, 'COL', '2026-06-03 07:05:00', -420, 'Reno', 'NV', '2026-06-03 07:06:00'),
    (3, 1001, 'POD', '2026-06-04 11:00:00', -300, 'Austin', 'TX', '2026-06-04 09:01:00'),
    (4, 1003, 'DLY', '2026-06-04 08:00:00', -420, 'Reno', 'NV', '2026-06-04 08:02:00');
insert into article_stock values
    ('HE-1030', 120, 4, '2026-06-03 06:00:00'),
    ('BA-1000', 0, 0, '2026-06-03 06:00:00');
