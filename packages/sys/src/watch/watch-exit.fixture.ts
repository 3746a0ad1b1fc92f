// A process per scene of watch-exit.test.ts.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { EFD_NONBLOCK } from "../constants.js";
import { read, write } from "../file.js";
import { eventfd } from "../pipe.js";
import { Region } from "../region.js";
import { watchMethod, watchReadable } from "./watch.js";

const memory = Region.allocate(8);

function signal(fd: number): void {
  memory.u32.set([1, 0]);
  write(fd, memory.address, 8);
}

const scenes: Record<string, () => void> = {
  keeps() {
    const fd = eventfd(0, EFD_NONBLOCK);
    const watch = watchReadable(fd, () => {
      console.log("readable");
      watch.close();
    });
    setTimeout(() => {
      console.log("timer");
      signal(fd);
    }, 300).unref();
  },
  unref() {
    watchReadable(eventfd(0, EFD_NONBLOCK), () => {}).unref();
    process.on("exit", () => console.log("exit"));
  },
  exit() {
    watchReadable(eventfd(0, EFD_NONBLOCK), () => {});
    process.on("exit", () => console.log("exit"));
    setTimeout(() => process.exit(7), 50);
  },
  throws() {
    watchReadable(eventfd(1, EFD_NONBLOCK), () => {
      throw new Error("thrown in the callback");
    });
  },
  ticks() {
    const fd = eventfd(1, EFD_NONBLOCK);
    const watch = watchReadable(fd, () => {
      watch.close();
      process.nextTick(() => console.log("first tick"));
      process.nextTick(() => {
        throw new Error("in a tick");
      });
      process.nextTick(() => console.log("last tick"));
      void Promise.reject(new Error("unhandled"));
    });
    process.on("uncaughtException", (error) => console.log("caught", error.message));
    process.on("unhandledRejection", (reason) => console.log("rejected", (reason as Error).message));
  },
  "without a tick runner"() {
    Object.assign(process, { _tickCallback: undefined });
    let calls = 0;
    const watch = watchReadable(eventfd(1, EFD_NONBLOCK), () => {
      if (calls++ === 0) void Promise.resolve().then(() => console.log("promise after", calls > 0));
      if (calls === 100) watch.close();
    });
    process.on("exit", () => console.log("calls", calls));
  },
  caught() {
    let count = 0;
    const watch = watchReadable(eventfd(1, EFD_NONBLOCK), () => {
      throw new Error(String(++count));
    });
    process.on("uncaughtException", (error) => {
      console.log("caught", error.message);
      if (count === 3) watch.close();
    });
  },
};

/** In the worker: a watch that has been called once and stays open. */
function endThread(way: string): void {
  const fd = eventfd(1, EFD_NONBLOCK);
  const watch = watchReadable(fd, () => {
    read(fd, memory.address, 8);
    parentPort?.postMessage(`${watchMethod()} readable`);
    setTimeout(() => {
      if (way === "returns") watch.unref();
      if (way === "throws") throw new Error("thrown in the worker");
      if (way === "exits") process.exit(4);
    }, 30);
  });
}

/** A thread that can import TypeScript: tsx has to be registered in each thread. */
const bootstrap = `import("tsx/esm/api").then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.url)});
});`;

if (!isMainThread) {
  endThread(workerData as string);
} else if (process.argv[2]?.startsWith("worker ")) {
  const way = process.argv[2].slice("worker ".length);
  const worker = new Worker(bootstrap, { eval: true, workerData: way });
  worker.on("error", (error) => console.log("worker error:", error.message));
  worker.on("message", (message) => {
    console.log(message);
    if (way === "is terminated") setTimeout(() => void worker.terminate(), 30);
  });
  worker.on("exit", (code) => {
    console.log("worker exit", code);
    setTimeout(() => console.log("main alive"), 400);
  });
} else {
  scenes[process.argv[2] ?? ""]?.();
}
