// Folds messages with the panel's own reducer: `node states.mjs states.js`, one JSON array of messages a line on stdin, the
// states they lead to, one a line, on stdout.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf-8");
const { begin, reduce } = await import(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`);

for await (const line of createInterface({ input: process.stdin })) {
  const { view, messages } = JSON.parse(line);
  const known = messages.map(((now) => (message) => (now = reduce(now, message)))(begin(view)));
  console.log(JSON.stringify(known.at(-1) ?? begin(view)));
}
