import { createScanner, type PlanMount, RequestHead, type ResponsePlan } from "@tz/http1";
import type { RequestBody } from "./body/request-body.js";
import type { Connection } from "./connection.js";
import type { Loop, Transport } from "./loop/loop.js";
import { MountTable } from "./mount-table.js";
import type { ResolvedOptions } from "./options.js";
import { ServerRequest } from "./request.js";
import { errorPlan } from "./response/error-plan.js";
import { StatusPrefixes } from "./response/status-prefix.js";
import type { Upgraded } from "./upgraded.js";

/** Answers what no mount claims. */
export type Handler = (request: ServerRequest) => ResponsePlan | Promise<ResponsePlan>;

/** What all connections of one loop share. */
export class ServerCore {
  readonly loop: Loop;
  readonly options: ResolvedOptions;
  readonly prefixes: StatusPrefixes;
  readonly mounts = new MountTable();
  readonly connections = new Set<Connection>();
  readonly upgraded = new Set<Upgraded>();
  readonly idleTicks: number;
  handler: Handler | undefined;
  /** Told of errors that handlers threw and no answer explains. */
  onError: (error: unknown) => void = () => {};
  /** The server stops: every answer is its connection's last. */
  draining = false;
  /** The head that the next request is parsed into. */
  head: RequestHead;

  constructor(loop: Loop, options: ResolvedOptions) {
    this.loop = loop;
    this.options = options;
    this.prefixes = new StatusPrefixes(loop.memory);
    this.prefixes.refresh(loop.wallMs);
    this.idleTicks = Math.ceil(options.idleTimeoutMs / options.tickMs);
    this.head = this.#newHead();
  }

  /** A coarse clock in units of `tickMs`: small integers, cheap to keep and compare. */
  get tick(): number {
    return (this.loop.nowMs / this.options.tickMs) | 0;
  }

  /**
   * Finds who answers a request.
   * @param length bytes of the head, from its first line to its empty line
   */
  answer(
    head: RequestHead,
    length: number,
    body: RequestBody | null,
    transport: Transport,
  ): ResponsePlan | Promise<ResponsePlan> {
    const mount: PlanMount | undefined = this.mounts.find(head);
    if (mount !== undefined) {
      const plan = mount.plan(head);
      if (plan instanceof Promise) this.#lend(head, length);
      return plan;
    }
    if (this.handler === undefined) return errorPlan(404, false);
    // A handler may keep its request: it gets the head with bytes of its own.
    this.#lend(head, length);
    return this.handler(new ServerRequest(head, body, transport));
  }

  /** The answer to a request whose handler failed. */
  failed(error: unknown): ResponsePlan {
    const status = (error as { status?: unknown } | null | undefined)?.status;
    if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599) {
      if (status >= 500) this.reportError(error);
      return errorPlan(status, false);
    }
    this.reportError(error);
    return errorPlan(500, false);
  }

  reportError(error: unknown): void {
    this.onError(error);
  }

  #lend(head: RequestHead, length: number): void {
    head.detach(length);
    this.head = this.#newHead();
  }

  #newHead(): RequestHead {
    const { memory } = this.loop;
    const { maxRequestLineBytes, maxHeadBytes, maxFields } = this.options;
    this.#scanner ??= createScanner({ memory: memory.memory, tableOffset: memory.tableOffset });
    return new RequestHead(this.#scanner, { maxRequestLineBytes, maxHeadBytes, maxFields });
  }

  #scanner: ReturnType<typeof createScanner> | undefined;
}
