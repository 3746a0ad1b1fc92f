import { Worker } from "node:worker_threads";

/** A thread that runs a TypeScript file: tsx has to be registered in each thread. */
export function startThread(file: URL, workerData: unknown): Worker {
  const code = `import("tsx/esm/api").then(({ register }) => {
    register();
    return import(${JSON.stringify(file.href)});
  });`;
  return new Worker(code, { eval: true, workerData, execArgv: ["--conditions=@tz/source"] });
}
