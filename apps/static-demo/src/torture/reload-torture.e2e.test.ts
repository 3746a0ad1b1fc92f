import { isEpollSupported } from "@tz/server";
import { expect, test } from "vitest";
import { command } from "../cli.fixture.js";
import { tortureReload } from "./reload-torture.fixture.js";
import { hasWrk } from "./wrk-load.fixture.js";

const epoll = isEpollSupported();
const reason = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;
const load = hasWrk
  ? "wrk and a client that checks every byte"
  : "a client that checks every byte (no wrk here)";

test.skipIf(!epoll.supported)(
  `under ${load}, workers are killed and replaced without a failed request${reason}`,
  { timeout: 500_000 },
  async () => {
    const tally = await tortureReload({ command, seconds: 20, connections: 8 });
    expect(tally.failures).toEqual([]);
    expect(tally.client.requests).toBeGreaterThan(100);
    expect(tally.kills).toBeGreaterThan(0);
    expect(tally.reloads).toBeGreaterThan(0);
    expect(tally.handOvers).toBeGreaterThan(0);
  },
);
