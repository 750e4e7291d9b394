// Builds the components of the U.S. Web Design System that the pages use: node server/ccpor_server/static/uswds.mjs
// (make uswds). Source: npm @uswds/uswds (public domain in the United States, CC0 elsewhere; its fonts and images stay out).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPONENTS = ["usa-step-indicator", "usa-process-list"];
const require = createRequire(join(process.cwd(), "package.json"));
const sass = require("sass");
const home = join(process.cwd(), "node_modules", "@uswds", "uswds");
const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const quiet = "$theme-show-notifications: false, $theme-show-compile-warnings: false";
const source = [
  `@use "uswds-core" with (${quiet});`,
  ...COMPONENTS.map((one) => `@use "${one}";`),
].join("\n");
const made = sass.compileString(source, {
  loadPaths: [join(home, "packages")], style: "compressed", logger: sass.Logger.silent,
});
// the pages keep their own font: no file of another one is fetched
const css = made.css.replace(/@font-face\{[^}]*\}/g, "").replace(/font-family:[^;}]*;?/g, "").trim();
if (/url\(|@import/.test(css)) throw new Error("a component fetches a file");
const head = `/* USWDS ${version}: ${COMPONENTS.join(", ")}; made by uswds.mjs, never by hand */\n`;
const out = join(dirname(fileURLToPath(import.meta.url)), "styles", "05-uswds.css");
writeFileSync(out, head + css.replaceAll("}", "}\n").trim() + "\n");
