import { createScanner, type PlanMount, RequestHead, type ResponsePlan } from "@tz/http1";
import { RouteMatch, type Router } from "@tz/router";
import type { RequestBody } from "./body/request-body.js";
import { empty } from "./handlers/reply.js";
import { type Reply, toPlan } from "./handlers/to-plan.js";
import type { Loop, Transport } from "./loop/loop.js";
import { MountTable } from "./mount-table.js";
import type { ResolvedOptions } from "./options.js";
import { ServerRequest } from "./request.js";
import { errorPlan, methodNotAllowed } from "./response/error-plan.js";
import { StatusPrefixes } from "./response/status-prefix.js";

/** Answers a request: by a plan or by what {@link toPlan} makes one of. */
export type Handler<Params = Readonly<Record<string, unknown>>> = (
  request: ServerRequest<Params>,
) => Reply | Promise<Reply>;

/** What all connections of one loop share. */
export class ServerCore {
  readonly loop: Loop;
  readonly options: ResolvedOptions;
  readonly prefixes: StatusPrefixes;
  readonly mounts = new MountTable();
  readonly idleTicks: number;
  handler: Handler | undefined;
  router: Router<Handler> | undefined;
  readonly match = new RouteMatch<Handler>();
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
   * Finds who answers a request: a route, then a mount, then the handler.
   * @param length bytes of the head, from its first line to its empty line
   */
  answer(
    head: RequestHead,
    length: number,
    body: RequestBody | null,
    transport: Transport,
  ): ResponsePlan | Promise<ResponsePlan> {
    const { router } = this;
    if (router !== undefined) {
      const { match } = this;
      router.matchBytes(head.method, head.bytes, head.targetStart, head.targetEnd, match);
      if (match.outcome === "found") {
        const params = match.params();
        return this.#call(match.value!, head, length, body, transport, params);
      }
    }
    const mount: PlanMount | undefined = this.mounts.find(head);
    if (mount !== undefined) {
      const plan = mount.plan(head);
      if (plan instanceof Promise) this.#lend(head, length);
      return plan;
    }
    if (router !== undefined) {
      const { outcome, allow, status } = this.match;
      if (outcome === "options") return empty(204, ["Allow", allow]);
      if (outcome === "method-not-allowed") return methodNotAllowed(allow);
      if (outcome !== "not-found") return errorPlan(status, false);
    }
    if (this.handler === undefined) return errorPlan(404, false);
    return this.#call(this.handler, head, length, body, transport, undefined);
  }

  /** A handler may keep its request: it gets the head with bytes of its own. */
  #call(
    handler: Handler,
    head: RequestHead,
    length: number,
    body: RequestBody | null,
    transport: Transport,
    params: Readonly<Record<string, unknown>> | undefined,
  ): ResponsePlan | Promise<ResponsePlan> {
    this.#lend(head, length);
    const reply = handler(new ServerRequest(head, body, transport, params));
    return reply instanceof Promise ? reply.then(toPlan) : toPlan(reply);
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
