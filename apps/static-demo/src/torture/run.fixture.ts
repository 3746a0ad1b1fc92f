/** One campaign, or one after the other. Ends with 1 when something failed that should not. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ATTACK_NAMES, attackWithClients } from "./client-attacks.fixture.js";
import { tearFiles } from "./disk-faults.fixture.js";
import { tortureReload } from "./reload-torture.fixture.js";
import { soak } from "./soak.fixture.js";

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        minutes: { type: "string", default: "10" },
        loop: { type: "string", default: "epoll" },
        attack: { type: "string", multiple: true },
        pinned: { type: "boolean", default: false },
        sources: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    console.error((error as Error).message);
    return endWithUsage();
  }
}

function endWithUsage(): never {
  const names = "reload|kernel|clients|disk|soak|processes|fuzz|defects";
  console.error(`usage: npm run torture -- [${names}] [--minutes 10] [--loop epoll|node]`);
  console.error(`  clients: [--pinned] [--attack "NAME"]…, of ${ATTACK_NAMES.join(", ")}`);
  process.exit(2);
}

const { values, positionals } = readArguments();
const minutes = Number(values.minutes);
const loop = values.loop as "epoll" | "node";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SOURCES = ["--import", "tsx", "--conditions=@tz/source"];

/** @returns failures */
type Campaign = (seconds: number) => Promise<readonly string[]>;

const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  async reload(seconds) {
    const command = values.sources ? [...SOURCES, here("../cli.ts")] : [here("../../dist/cli.js")];
    const { failures, client, ...rest } = await tortureReload({ command, seconds, more: ["--loop", loop] });
    const { failures: _told, slowestMs, ...numbers } = client;
    tell({ ...rest, client: { ...numbers, slowestMs: Math.round(slowestMs) } });
    return failures;
  },
  /** As long as it takes. */
  async kernel() {
    const child = spawn(process.execPath, [...SOURCES, here("faulty-kernel-campaign.fixture.ts")], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, TZ_CHECK: "1" },
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    return code === 0 ? [] : ["see above"];
  },
  async clients(seconds) {
    const { failures, victim, ...rest } = await attackWithClients({
      loop,
      clients: 50,
      depth: 10_000,
      connections: 15_000,
      seconds,
      ...(values.attack === undefined ? {} : { only: values.attack }),
      pinned: values.pinned,
    });
    const { failures: _told, slowestMs, ...numbers } = victim;
    tell({ ...rest, victim: { ...numbers, slowestMs: Math.round(slowestMs) } });
    return failures;
  },
  async disk(seconds) {
    const { failures, ...rest } = await tearFiles({ loop, seconds, readers: 8 });
    tell(rest);
    return failures;
  },
  async soak(seconds) {
    const { failures, ...rest } = await soak(loop, seconds);
    tell(rest);
    return failures;
  },
};

function tell(what: object): void {
  console.log(JSON.stringify(what, undefined, 2));
}

const chosen = positionals.length === 0 ? Object.keys(CAMPAIGNS) : positionals;
if (
  chosen.some((name) => CAMPAIGNS[name] === undefined) ||
  !(minutes > 0) ||
  !["epoll", "node"].includes(loop) ||
  values.attack?.some((name) => !ATTACK_NAMES.includes(name)) === true
) {
  endWithUsage();
}
let failed = 0;
for (const name of chosen) {
  console.log(`--- ${name}`);
  const failures = await CAMPAIGNS[name]!((minutes * 60) / chosen.length);
  for (const failure of failures) console.error(failure);
  console.log(`--- ${name}: ${failures.length} failures`);
  failed += failures.length;
}
process.exitCode = failed === 0 ? 0 : 1;
