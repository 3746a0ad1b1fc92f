import { Worker } from "node:worker_threads";

/** A thread that runs a TypeScript file: tsx has to be registered in each thread. */
export function startThread(file: URL, workerData: unknown): Worker {
  const code = `import("tsx/esm/api").then(({ register }) => {
    register();
    return import(${JSON.stringify(file.href)});
  });`;
  return new Worker(code, { eval: true, workerData, execArgv: ["--conditions=@tz/source"] });
}

/** Resolves when the thread has ended well, rejects with its error. */
export function ended(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`the thread ended with ${code}`)),
    );
  });
}
