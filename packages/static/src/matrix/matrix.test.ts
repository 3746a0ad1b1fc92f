/** Every case × every driver: one engine, so one answer. Each is asked twice: cold, and from the cache. */
import { isEpollSupported } from "@tz/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { staticMount } from "../mount.js";
import { createSite, type Site } from "../site.fixture.js";
import { attackCases } from "./attack.cases.js";
import { basicCases } from "./basic.cases.js";
import { type MatrixCase, whatIsWrong } from "./case.fixture.js";
import { type Driver, drivers, type Running } from "./drivers.fixture.js";
import { featureCases } from "./feature.cases.js";

const cases: readonly MatrixCase[] = [...basicCases, ...attackCases, ...featureCases];

let site: Site;
beforeAll(() => {
  site = createSite();
});
afterAll(() => site.remove());

describe.each(drivers)("$name", (driver: Driver) => {
  const running = new Map<string, Promise<Running>>();
  afterAll(async () => {
    for (const started of running.values()) await (await started).close();
  });

  /** One mount per set of options, so that the cache is shared as in real life. */
  function start({ prefix = "/", options = {} }: MatrixCase): Promise<Running> {
    const key = JSON.stringify([prefix, options]);
    let started = running.get(key);
    if (started === undefined) {
      started = driver.start(staticMount(prefix, site.root, { ...driver.options, ...options }));
      running.set(key, started);
    }
    return started;
  }

  test
    .skipIf(driver.name.includes("epoll") && !isEpollSupported())
    .each(cases.filter((each) => each.raw !== true || driver.isRaw))("$name", async (row) => {
    const { method = "GET", target, headers = {} } = row;
    const server = await start(row);
    const ask = async (): Promise<string[]> =>
      whatIsWrong(row, await server.ask({ method, target, headers }));
    for (let i = 0; i < 2; i++) {
      if (row.settles) await expect.poll(ask, { timeout: 120_000 }).toEqual([]);
      else expect(await ask()).toEqual([]);
    }
  });
});
