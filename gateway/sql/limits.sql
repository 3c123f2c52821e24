-- name: take_points
select granted, available from gateway.take_points($1, $2, $3, $4, $5)

-- name: give_points_back
select gateway.take_points(client, 0, -points, capacity, refill)
from unnest($1::text[], $2::float8[], $3::float8[], $4::float8[]) as given (client, points, capacity, refill)

-- name: forget_buckets
select gateway.forget_buckets()

-- name: document
select text from gateway.document where id = $1
