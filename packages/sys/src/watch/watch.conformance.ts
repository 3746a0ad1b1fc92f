/** What every way of watching must do. Run by `poll-handle.test.ts` and `async-wait.test.ts`. */
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EFD_NONBLOCK, EPOLL_CTL_ADD, EPOLLET, EPOLLIN, SOCK_NONBLOCK, SOCK_STREAM } from "../constants.js";
import { EpollEvents, epollCreate, epollCtl, epollWait } from "../epoll.js";
import { close, read, write } from "../file.js";
import { eventfd } from "../pipe.js";
import { Region } from "../region.js";
import { recv, setLinger, socketpair } from "../socket.js";
import { type Watch, type WatchMethod, watchMethod, watchReadable } from "./watch.js";

export function watchConformance(method: WatchMethod): void {
  describe(`a watch by ${method}`, () => {
    const memory = Region.allocate(64);
    const opened: number[] = [];
    const watches: Watch[] = [];

    afterEach(() => {
      for (const watch of watches.splice(0)) watch.close();
      for (const fd of opened.splice(0)) close(fd);
    });

    function own(fd: number): number {
      opened.push(fd);
      return fd;
    }

    function watch(fd: number, callback: () => void): Watch {
      const made = watchReadable(fd, callback);
      watches.push(made);
      return made;
    }

    function signal(fd: number): void {
      memory.u32.set([1, 0]);
      expect(write(fd, memory.address, 8)).toBe(8);
    }

    const takeSignal = (fd: number): number => read(fd, memory.addressOf(8, 8), 8);

    test("is the one that this run is about", () => {
      expect(watchMethod()).toBe(method);
    });

    test("calls back when there is something, again while it stays, and not when it is gone", async () => {
      const fd = own(eventfd(0, EFD_NONBLOCK));
      let calls = 0;
      const three = new Promise<void>((resolve) => {
        watch(fd, () => {
          if (++calls === 3) {
            takeSignal(fd);
            resolve();
          }
        });
      });
      await turns(3);
      expect(calls).toBe(0);
      signal(fd);
      await three;
      await turns(5);
      expect(calls).toBe(3);
    });

    test("promises and ticks of a callback run before the next one", async () => {
      const fd = own(eventfd(1, EFD_NONBLOCK));
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        watch(fd, () => {
          order.push("callback");
          process.nextTick(() => order.push("tick"));
          void Promise.resolve().then(() => order.push("promise"));
          if (order.length >= 6) {
            takeSignal(fd);
            setImmediate(resolve);
          }
        });
      });
      expect(order).toEqual([
        "callback",
        "tick",
        "promise",
        "callback",
        "tick",
        "promise",
        "callback",
        "tick",
        "promise",
      ]);
    });

    test("a nested epoll set wakes it", async () => {
      const epoll = own(epollCreate());
      const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK).map(own) as [number, number];
      const events = new EpollEvents(4);
      epollCtl(epoll, EPOLL_CTL_ADD, a, EPOLLIN | EPOLLET, 9);
      const generation = await new Promise<number>((resolve) => {
        watch(epoll, () => {
          expect(epollWait(epoll, events, 0)).toBe(1);
          resolve(events.generation(0));
        });
        expect(write(b, memory.address, 1)).toBe(1);
      });
      expect(generation).toBe(9);
      events.release();
    });

    test("after close no callback comes, not even one that was due", async () => {
      const first = own(eventfd(1, EFD_NONBLOCK));
      const second = own(eventfd(1, EFD_NONBLOCK));
      let calls = 0;
      const other: Watch[] = [];
      const callback = (): void => {
        calls++;
        // Both are ready in the same turn: the one that is called first closes both.
        for (const each of other) each.close();
      };
      other.push(watch(first, callback), watch(second, callback));
      await turns(10);
      expect(calls).toBe(1);
      for (const each of other) each.close();
    });

    test("a descriptor is watched twice and again, beside Node's own sockets", async () => {
      const fd = own(eventfd(1, EFD_NONBLOCK));
      const seen = new Set<number>();
      const both = new Promise<void>((resolve) => {
        for (const id of [1, 2]) {
          watch(fd, () => {
            if (seen.add(id).size === 2) resolve();
          });
        }
      });
      await both;
      for (const each of watches.splice(0)) each.close();
      await new Promise<void>((resolve) => {
        watch(fd, resolve);
      });
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const nodeFd = (server as unknown as { _handle: { fd: number } })._handle.fd;
      watch(nodeFd, () => {}).close();
      await new Promise((resolve) => server.close(resolve));
    });

    test("a connection that was reset is told, again and again", async () => {
      const { client, server } = await resetConnection();
      own(server);
      expect(client).toBeGreaterThan(0);
      let calls = 0;
      await new Promise<void>((resolve) => {
        watch(server, () => {
          if (++calls === 3) resolve();
        });
      });
      expect(recv(server, memory.address, 1, 0)).toBeLessThanOrEqual(0);
    });

    test("two hundred watches at once, all heard", async () => {
      const fds = Array.from({ length: 200 }, () => own(eventfd(0, EFD_NONBLOCK)));
      const heard = new Set<number>();
      await new Promise<void>((resolve) => {
        for (const fd of fds) {
          watch(fd, () => {
            takeSignal(fd);
            if (heard.add(fd).size === fds.length) resolve();
          });
        }
        for (const fd of fds) signal(fd);
      });
      expect(heard.size).toBe(200);
    });

    test("an unreferenced watch still hears while something else keeps the process", async () => {
      const fd = own(eventfd(0, EFD_NONBLOCK));
      const keep = setInterval(() => {}, 1000);
      await new Promise<void>((resolve) => {
        watch(fd, resolve).unref();
        setTimeout(() => signal(fd), 10);
      });
      clearInterval(keep);
    });

    test("what cannot be watched is an error, and costs no descriptor", () => {
      const file = own(openSync(process.execPath, "r"));
      const next = (): number => {
        const fd = eventfd(0, 0);
        close(fd);
        return fd;
      };
      const before = next();
      for (let i = 0; i < 3; i++) {
        expect(() => watchReadable(file, () => {})).toThrow(expect.objectContaining({ code: "EPERM" }));
        expect(() => watchReadable(99_999, () => {})).toThrow(expect.objectContaining({ code: "EBADF" }));
      }
      expect(next()).toBe(before);
    });

    test("ref, unref and close may be called at any time and again", async () => {
      const fd = own(eventfd(1, EFD_NONBLOCK));
      const made = watchReadable(fd, () => {
        made.unref();
        made.ref();
        made.close();
        made.close();
        made.ref();
      });
      await turns(5);
      made.unref();
    });
  });

  async function turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 6));
  }

  async function resetConnection(): Promise<{ client: number; server: number }> {
    const { AF_INET } = await import("../constants.js");
    const { accept4, bind, connect, getsockname, listen, socket } = await import("../socket.js");
    const listening = socket(AF_INET, SOCK_STREAM);
    bind(listening, { family: "ipv4", host: "127.0.0.1", port: 0 });
    listen(listening, 1);
    const client = socket(AF_INET, SOCK_STREAM);
    connect(client, getsockname(listening));
    const server = accept4(listening, SOCK_NONBLOCK);
    setLinger(client, 0);
    close(client);
    close(listening);
    return { client, server };
  }
}
