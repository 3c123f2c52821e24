// Composes subgraphs by Apollo's rules: reads [{name, url, sdl}], prints {errors, hints, supergraph}.
import { text } from "node:stream/consumers";
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const subgraphs = JSON.parse(await text(process.stdin));
const { errors, hints, supergraphSdl } = composeServices(
  subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
);
console.log(
  JSON.stringify({
    errors: (errors ?? []).map(({ message, extensions }) => `${extensions.code}: ${message}`),
    hints: (hints ?? []).map(({ message, definition }) => `${definition.code}: ${message}`),
    supergraph: supergraphSdl ?? null,
  }),
);
