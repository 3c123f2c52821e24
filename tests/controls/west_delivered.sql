-- Delivered in Texas at eleven, which is nine in the morning at West.
insert into tracking_event (dispatch_id, status, happened_on, utc_minutes, town, state, heard_on)
values ({work}, 'POD', '2026-06-04 11:00', -300, 'Austin', 'TX', '2026-06-04 09:01');
