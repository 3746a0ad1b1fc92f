import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One vitest project for each folder that has sources, named as its package. */
const roots = ["packages", "apps"].flatMap((group) =>
  readdirSync(new URL(group, import.meta.url))
    .map((name) => `${group}/${name}`)
    .filter((root) => existsSync(new URL(`${root}/src`, import.meta.url))),
);

/** Tests import sources, never `dist`: no build before a unit test. */
const conditions = ["@tz/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    pool: "forks",
    maxWorkers: 2,
    // Generous: a busy machine must not fail a test that asserts no time.
    testTimeout: 400_000,
    // A second, the default, is little on a busy machine.
    expect: { poll: { timeout: 120_000 } },
    hookTimeout: 400_000,
    // Where nobody can look at it, a test of processes, sockets and clocks gets another chance: the machine may stand
    // still at any moment, and what is broken is broken each time. `scripts/count-tests.mjs` names those that took one.
    // Not for random input: what a property test finds is not found again by another seed.
    retry: process.env["CI"] ? { count: 2, condition: /^(?!Property failed)/ } : 0,
    // Every address that goes to the kernel is checked against the region registry in all tests.
    env: { TZ_CHECK: "1" },
    projects: [
      ...roots.map((root) => ({
        extends: true as const,
        test: {
          name: root.replace(/^packages\//, "@tz/"),
          root,
          include: ["src/**/*.test.ts"],
          globalSetup: readdirSync(new URL(`${root}/src`, import.meta.url))
            .filter((name) => name.endsWith(".setup.ts"))
            .map((name) => fileURLToPath(new URL(`${root}/src/${name}`, import.meta.url))),
        },
      })),
      ...["bench", "website"].map((name) => ({
        extends: true as const,
        test: { name, root: name, include: ["**/*.test.ts"] },
      })),
    ],
  },
});
