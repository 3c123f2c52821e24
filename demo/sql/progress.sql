-- How far a story has been played, in the database that it was played into.

-- name: stories
select story, step from demo.demo_progress;

-- name: begin_story
insert into demo.demo_progress (story, step) values ($1, 0);

-- name: advance
update demo.demo_progress set step = $2 where story = $1;

-- name: advance_with
with noted as (update demo.demo_progress set step = $step where story = $story);
