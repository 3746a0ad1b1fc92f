import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const root = new URL("../../", import.meta.url).pathname;
/** Where the packages that the pages import come from, in this workspace. */
const providers = ["packages/server", "packages/static", "website", "bench"];
/** `npm test` has built the packages and tests those; without a build their sources are run. */
const isBuilt = process.env["TZ_TEST_BUILT"] === "1";
export const env: NodeJS.ProcessEnv = isBuilt
  ? process.env
  : { ...process.env, NODE_OPTIONS: `--import=${import.meta.resolve("tsx")} --conditions=@tz/source` };
export const cli = join(root, "apps/static-demo", isBuilt ? "dist/cli.js" : "src/cli.ts");
export const cloudterm = join(root, "apps/cloudterm", isBuilt ? "dist/cli.js" : "src/cli.ts");

/** What the browser gets from the gateway is bundled by its build. */
export async function prepareCloudterm(): Promise<void> {
  if (isBuilt || env["TZ_CLOUDTERM_WEB"] !== undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "tz-example-web-"));
  onTestFinished(() => {
    delete env["TZ_CLOUDTERM_WEB"];
    rmSync(folder, { recursive: true, force: true });
  });
  const { buildWeb } = await import("../../apps/cloudterm/scripts/build-web.mjs");
  await buildWeb(folder);
  env["TZ_CLOUDTERM_WEB"] = folder;
}

/** An empty folder in which our packages and those of the examples can be imported. Removed after the test. */
export function exampleProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tz-example-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, "node_modules");
  for (const scope of ["@tz", "@fastify"]) mkdirSync(join(modules, scope), { recursive: true });
  for (const short of readdirSync(join(root, "packages"))) {
    symlinkSync(join(root, "packages", short), join(modules, "@tz", short));
  }
  symlinkSync(join(root, "apps/static-demo"), join(modules, "tz-static"));
  for (const provider of providers) {
    for (const dependency of ["express", "fastify", "@fastify/static", "hono", "sirv", "zod", "ws"]) {
      const found = join(root, provider, "node_modules", dependency);
      const link = join(modules, dependency);
      if (existsSync(found) && !existsSync(link)) symlinkSync(realpathSync(found), link);
    }
  }
  return folder;
}

/** Runs a command of the shell in `folder` until the test ends or {@link ended} is called. */
export function running(command: string, folder: string): ChildProcess {
  const child = spawn("sh", ["-c", `exec ${command}`], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => ended(child));
  return child;
}

export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (data: Buffer) => {
      text += data;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it listened: ${text}`)));
  });
}

export async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}

/** Until something listens on `port`. @throws {Error} when `server` ends before that */
export async function listening(port: number, server: ChildProcess): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once("exit", (code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  const tried = async (): Promise<void> => {
    for (;;) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("close", () => socket.destroy());
        socket.unref();
      });
      if (isOpen) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.race([tried(), failed]);
  failed.catch(() => undefined);
}
