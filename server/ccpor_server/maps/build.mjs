// Draws California's 58 counties once, for the board: node server/ccpor_server/maps/build.mjs (make map).
// Shapes: npm us-atlas (U.S. Census Bureau, public domain). Projection: Albers for California (EPSG:3310).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { feature } = require("topojson-client");
const { presimplify, simplify } = require("topojson-simplify");
const { geoConicEqualArea, geoPath } = await import(require.resolve("d3-geo"));

const WIDTH = 560, HEIGHT = 640, LEAST_AREA = 2e-4; // square degrees: finer detail is not seen at this size
const atlas = JSON.parse(readFileSync(require.resolve("us-atlas/counties-10m.json"), "utf8"));
const ours = atlas.objects.counties.geometries.filter((one) => one.id.startsWith("06"));
const part = { ...atlas, objects: { counties: { type: "GeometryCollection", geometries: ours } } };
const simple = simplify(presimplify(part), LEAST_AREA);
const counties = feature(simple, simple.objects.counties);
const projection = geoConicEqualArea().parallels([34, 40.5]).rotate([120, 0])
  .fitExtent([[4, 4], [WIDTH - 4, HEIGHT - 4]], counties);
const path = geoPath(projection).digits(1);
const drawn = counties.features
  .map((one) => {
    const [x, y] = path.centroid(one);
    return { fips: one.id, name: one.properties.name, x: Math.round(x), y: Math.round(y), d: path(one) };
  })
  .sort((a, b) => a.name.localeCompare(b.name));
if (drawn.length !== 58) throw new Error(`${drawn.length} counties, expected 58`);
const head = { source: "us-atlas 3.0.1, counties-10m", width: WIDTH, height: HEIGHT };
const rows = drawn.map((one) => JSON.stringify(one)).join(",\n");
writeFileSync(new URL("./california.json", import.meta.url), `${JSON.stringify(head).slice(0, -1)},"counties":[\n${rows}\n]}\n`);
