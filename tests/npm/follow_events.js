// Follows as docs/graph.md does: `node follow_events.js URL TOKEN CURSOR COUNT` prints COUNT events, a line each.
import { follow } from "./follow.js";

const [url, token, cursor, count] = process.argv.slice(2);
let left = Number(count);
for await (const event of follow(url, async () => token, cursor)) {
  console.log(JSON.stringify(event));
  if (--left === 0) process.exit(0);
}
