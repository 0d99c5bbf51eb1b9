import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The packages lie in a cache beside the project; CHATNB_NODE names it.
const require = createRequire(join(process.env.CHATNB_NODE, "package.json"));
const load = async (name) => (await import(pathToFileURL(require.resolve(name)))).default;
const js = await load("@eslint/js");
const globals = await load("globals");

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-shadow": "error",
      "no-console": "error",
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "EventSource", "localStorage", "sessionStorage"],
      // The kernel's safe HTML enters the page at one place.
      "no-restricted-properties": [
        "error",
        { property: "outerHTML" },
        { property: "insertAdjacentHTML" },
        { object: "document", property: "write" },
      ],
    },
  },
];
