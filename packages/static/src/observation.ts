/** What others may watch: `node:diagnostics_channel`, and the callbacks of the options. Costs nothing unwatched. */
import diagnostics from "node:diagnostics_channel";
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import type { RequestEvent, ResolvedOptions, ServedEvent } from "./options.js";

/** Before a plan is made: {@link RequestEvent}. */
const requestChannel = diagnostics.channel("tz:static:request");
/** After an answer was sent or given up: {@link ServedEvent}. */
const servedChannel = diagnostics.channel("tz:static:served");
/** Things that an operator should know: {@link StaticWarning}. */
const warningChannel = diagnostics.channel("tz:static:warning");

/**
 * - `"stale-sidecar"`: `path` is older than its source and not used
 * - `"stale-manifest"`: `path` has not the content that the manifest says, so its content-addressed name is 404
 * - `"watches-exhausted"`: the kernel has no inotify watches left; changes are seen by time from here on
 * - `"image-failed"`: `path` could not be converted and is served as it is
 * - `"image-cache-failed"`: a converted image could not be kept; nothing is converted for half a minute
 * - `"failed"`: an answer became 500; `error` says why
 */
export interface StaticWarning {
  readonly mount: string;
  readonly kind:
    | "stale-sidecar"
    | "stale-manifest"
    | "watches-exhausted"
    | "image-failed"
    | "image-cache-failed"
    | "failed";
  /** Below the root. */
  readonly path?: string;
  readonly error?: unknown;
}

export class Observation {
  readonly #mount: string;
  readonly #onRequest: ResolvedOptions["onRequest"];
  readonly #onServed: ResolvedOptions["onServed"];

  constructor(mount: string, options: ResolvedOptions) {
    this.#mount = mount;
    this.#onRequest = options.onRequest;
    this.#onServed = options.onServed;
  }

  get isWatched(): boolean {
    return (
      requestChannel.hasSubscribers ||
      servedChannel.hasSubscribers ||
      this.#onRequest !== undefined ||
      this.#onServed !== undefined
    );
  }

  request({ method, target }: PlanRequest): void {
    const event: RequestEvent = { mount: this.#mount, method, target };
    this.#onRequest?.(event);
    requestChannel.publish(event);
  }

  /** The same plan, whose release is told of. */
  served(plan: ResponsePlan, method: string, target: string, startMs: number): ResponsePlan {
    return {
      ...plan,
      head: plan.head,
      body: plan.body,
      release: () => {
        plan.release?.();
        const durationMs = performance.now() - startMs;
        const event: ServedEvent = {
          mount: this.#mount,
          method,
          target,
          status: plan.head.status,
          durationMs,
        };
        this.#onServed?.(event);
        servedChannel.publish(event);
      },
    };
  }

  warn(warning: Omit<StaticWarning, "mount">): void {
    if (warningChannel.hasSubscribers) warningChannel.publish({ mount: this.#mount, ...warning });
  }
}
