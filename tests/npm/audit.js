// Runs the GraphQL over HTTP audit: `node audit.js URL TOKEN` prints [{id, name, status, reason}].
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);

const fetchFn = (target, init = {}) =>
  fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason: reason ?? null });
}
console.log(JSON.stringify(results));
