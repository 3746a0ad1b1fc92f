import { createRequire } from "node:module";
import { CONTENDERS, type Contender } from "../../packages/http1/bench/contenders.js";
import { measurePicohttpparser } from "../../packages/http1/bench/picohttpparser.js";
import { compareRuns, type OutsideRun, type Run } from "../harness/compare-runs.js";
import { figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { browserRequest } from "../site/browser-request.js";

const node = `Node ${process.versions.node}`;
const httpParserJs = createRequire(import.meta.url)("http-parser-js/package.json") as { version: string };

/** Our names of the contenders of the parser's own bench. */
const NAMES: Readonly<Record<string, { target: string; about: string; version: string }>> = {
  "scan, simd": { target: "tz-scan", about: "table of offsets and field ids, SIMD", version: node },
  "scan, plain": { target: "tz-scan-plain", about: "the same without SIMD", version: node },
  "RequestHead, simd": {
    target: "tz-head",
    about: "and all rules about Host, framing, target",
    version: node,
  },
  "RequestHead, plain": { target: "tz-head-plain", about: "the same without SIMD", version: node },
  "llhttp (Node's binding, fields built)": {
    target: "llhttp",
    about: "Node's own parser, fields as strings",
    version: process.versions.llhttp ?? node,
  },
  "http-parser-js": { target: "http-parser-js", about: "fields as strings", version: httpParserJs.version },
};

const PICO_ROUND = 200_000;

function runOf(contender: Contender): Run {
  return { ...NAMES[contender.name]!, run: (times) => contender.run(times) };
}

/** All must read the request alike before any is timed. */
function checkedContenders(): Run[] {
  const contenders = CONTENDERS.map((make) => make(browserRequest));
  for (const contender of contenders) contender.run(1);
  const [first, ...others] = contenders.map((contender) => JSON.stringify(contender.check()));
  const wrong = others.findIndex((reading) => reading !== first);
  if (wrong >= 0) throw new Error(`${contenders[wrong + 1]?.name} reads ${others[wrong]}, not ${first}`);
  return contenders.map(runOf);
}

export const scenario: Scenario = {
  name: "parse",
  title: "The head of a browser's request, 683 bytes",
  targets: [],
  async run(_work, _targets, settings) {
    const ns = measurePicohttpparser(browserRequest, 10);
    const pico: OutsideRun[] =
      ns === undefined
        ? []
        : [
            {
              target: "picohttpparser",
              about: "C, -O3 -march=native, offsets only",
              version: "its source folder",
              measureNs: () =>
                measurePicohttpparser(browserRequest, settings.tiny ? 100 : PICO_ROUND) ?? Number.NaN,
            },
          ];
    const measured = compareRuns([...checkedContenders(), ...pico], settings);
    const only = (...names: string[]) => measured.filter(({ target }) => names.includes(target));
    const unit = "CPU ns";
    return {
      tables: [
        figureTable(
          { name: "offsets", title: "Where everything is", unit, subject: "tz-scan" },
          only("tz-scan", "tz-scan-plain", "picohttpparser"),
        ),
        figureTable(
          { name: "heads", title: "A head that can be answered", unit, subject: "tz-head" },
          only("tz-head", "tz-head-plain", "llhttp", "http-parser-js"),
        ),
      ],
      conditions: "CPU time of one process, the call from JavaScript included.",
      missing:
        pico.length > 0
          ? []
          : [{ target: "picohttpparser", why: "PICOHTTPPARSER_DIR does not name a folder with its source" }],
    };
  },
};
