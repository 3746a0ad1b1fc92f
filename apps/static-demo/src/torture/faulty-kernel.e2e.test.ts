import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isEpollSupported } from "@tz/server";
import { expect, test } from "vitest";
import type { FaultReport } from "./faulty-kernel-campaign.fixture.js";

const epoll = isEpollSupported();
const reason = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;
const program = fileURLToPath(new URL("faulty-kernel-campaign.fixture.ts", import.meta.url));

/** All calls of every function: `pnpm torture kernel`. */
const CALLS = 2;

test.skipIf(!epoll.supported)(
  `each of the first system calls of a scene fails once, in each way: right bytes or an end, nothing left over, and the next client is served${reason}`,
  { timeout: 900_000 },
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--conditions=@tz/source", program, "--calls", String(CALLS)],
      { env: { ...process.env, TZ_CHECK: "1", NODE_OPTIONS: "" }, maxBuffer: 64 * 1024 * 1024 },
      // It ends with 1 when it found something, and says what.
    ).catch((error: { stdout: string }) => error);
    const { findings, runs, outcomes } = JSON.parse(stdout) as FaultReport;
    expect(findings).toEqual([]);
    expect(runs).toBeGreaterThan(300);
    // Faults that come must show: a shim that does nothing would find nothing.
    expect(outcomes.closed).toBeGreaterThan(50);
    expect(outcomes.refused).toBeGreaterThan(50);
  },
);
