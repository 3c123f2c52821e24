// Reads [{name, url, sdl}] from its input and writes the supergraph of these subgraphs.
import { text } from "node:stream/consumers";
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const subgraphs = JSON.parse(await text(process.stdin));
const { errors, supergraphSdl } = composeServices(
  subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
);
if (errors) {
  console.error(errors.map((error) => error.message).join("\n"));
  process.exit(1);
}
console.log(supergraphSdl);
