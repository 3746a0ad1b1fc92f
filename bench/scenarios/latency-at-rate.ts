import { exchange } from "../harness/exchange.js";
import { type FigureTable, figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { type Probed, probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import type { Settings } from "../harness/settings.js";
import { type ExchangeResult, runExchange } from "../load/exchange.js";
import { missingCompiler } from "../load/program.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

const PERCENTILES = [
  { name: "p50", of: "p50", x: 50 },
  { name: "p90", of: "p90", x: 90 },
  { name: "p99", of: "p99", x: 99 },
  { name: "p99.9", of: "p999", x: 99.9 },
] as const;

const requestTo = (port: number) => `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

function loader(work: string, settings: Settings) {
  return async (port: number, rate: number, seconds: number): Promise<ExchangeResult> => {
    const request = requestTo(port);
    const answer = await exchange(port, request);
    const wrong = wrongStyleSheet(answer);
    if (wrong !== undefined) throw new Error(`a wrong answer: ${wrong}`);
    return runExchange(
      {
        port,
        connections: settings.connections,
        seconds,
        rate,
        request: Buffer.from(request),
        answerBytes: answer.byteLength,
      },
      work,
    );
  };
}

/** The rate at which the peer has no more to give, halved. */
async function halfOfSaturation(
  peer: string,
  load: ReturnType<typeof loader>,
  site: { root: string; work: string },
  settings: Settings,
): Promise<number> {
  const probed = await probeAll([peer]);
  if (probed.present.length === 0) return 20_000;
  const once = { ...settings, rounds: 1 };
  const [measured] = await serveInTurn(probed, site, once, async ({ port }) => {
    const { answers, seconds } = await load(port, 0, settings.tiny ? 0.2 : settings.seconds);
    return answers / seconds;
  });
  return Math.round(measured!.values[0]! / 2);
}

async function latencies(
  probed: Probed,
  rate: number,
  load: ReturnType<typeof loader>,
  site: { root: string; work: string },
  settings: Settings,
): Promise<FigureTable[]> {
  const results = new Map<string, ExchangeResult[]>(probed.present.map(({ target }) => [target.name, []]));
  const measured = await serveInTurn(probed, site, settings, async ({ port, target }, warm) => {
    const result = await load(port, rate, warm ? settings.seconds : Math.min(1, settings.seconds));
    if (warm) results.get(target.name)?.push(result);
    return result.p99;
  });
  return PERCENTILES.map(({ name, of }) => {
    const values: Measured[] = measured.map((one) => ({
      ...one,
      values: results.get(one.target)!.map((result) => result[of]),
    }));
    return figureTable(
      { name, title: `${name} at ${rate} requests a second`, unit: "µs", subject: "tz-static" },
      values,
    );
  });
}

export const scenario: Scenario = {
  name: "latency-at-rate",
  title: "How long answers take at half of the rate that nginx can serve",
  targets: ["tz-static", "nginx", "node-http"],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const site = { root: makeSite(work, { "style.css": styleSheet }), work };
    const load = loader(work, settings);
    const probed = await probeAll(targets);
    const rate = await halfOfSaturation("nginx", load, site, settings);
    const tables = await latencies(probed, rate, load, site, settings);
    return {
      tables,
      curves: [
        {
          title: "Latency by percentile",
          x: "100 ÷ (100 − percentile)",
          y: "µs",
          points: PERCENTILES.map(({ name, x }) => ({ x: 100 / (100 - x), table: name })),
        },
      ],
      conditions: `Requests at times fixed beforehand, ${rate} a second: half of what nginx answered to the same client without a pause, in one round just before and on the machine as it was then; a request that has to wait is charged for it (no coordinated omission). ${settings.connections} connections.`,
      missing: probed.missing,
    };
  },
};
