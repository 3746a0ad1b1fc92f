import type { ServerRequest } from "../request.js";

/** How long a dependency lives: one for each request that asks for it, or one for the whole server (worker). */
export type DependencyScope = "request" | "worker";

export interface DependencyOptions<Value> {
  /** Default `"request"`. */
  readonly scope?: DependencyScope;
  /**
   * Gives the value back: after the request's answer has left (or could not), or when the server has stopped.
   * Called with what the factory's promise brought, when it made one. By default `Symbol.asyncDispose` or
   * `Symbol.dispose` of the value, if it has them.
   */
  readonly dispose?: (value: Awaited<Value>) => unknown;
}

/** A thing that handlers may ask for by `request.use(…)`. Its type is that of its factory. */
export class Dependency<Value> {
  readonly scope: DependencyScope;
  readonly #make: (request: ServerRequest) => Value;
  readonly #dispose: ((value: never) => unknown) | undefined;

  constructor(make: (request: ServerRequest) => Value, options: DependencyOptions<Value>) {
    this.#make = make;
    this.scope = options.scope ?? "request";
    this.#dispose = options.dispose;
  }

  /** @internal */
  make(request: ServerRequest): Value {
    return this.#make(request);
  }

  /** @internal */
  async dispose(made: unknown): Promise<void> {
    const value = (await made) as never;
    if (this.#dispose !== undefined) await this.#dispose(value);
    else await disposalOf(value)?.call(value);
  }
}

/**
 * Declares a dependency: made when a handler first asks for it, kept for the rest of its scope, disposed at the end.
 *
 * ```ts
 * const pool = dependency(() => new Pool(), { scope: "worker", dispose: (pool) => pool.end() });
 * const session = dependency((request) => request.use(pool).connect(), { dispose: (s) => s.release() });
 * app.get("/users", async (request) => (await request.use(session)).query("select …"));
 * ```
 *
 * @param make gets the request that asked first; it may be async, then `use` gives its promise
 */
export function dependency<Value>(
  make: (request: ServerRequest) => Value,
  options: DependencyOptions<Value> = {},
): Dependency<Value> {
  return new Dependency(make, options);
}

/** What was made in one scope, in order of making. */
export class DependencyValues {
  readonly #values = new Map<Dependency<unknown>, unknown>();

  get<Value>(dependency: Dependency<Value>, request: ServerRequest): Value {
    const { size } = this.#values;
    let value = this.#values.get(dependency);
    if (value === undefined && (size === 0 || !this.#values.has(dependency))) {
      value = dependency.make(request);
      this.#values.set(dependency, value);
    }
    return value as Value;
  }

  /** Disposes of everything, the last made first; one that fails is reported and does not keep the others. */
  async dispose(report: (error: unknown) => void): Promise<void> {
    const made = [...this.#values].reverse();
    this.#values.clear();
    for (const [dependency, value] of made) {
      try {
        await dependency.dispose(value);
      } catch (error) {
        report(error);
      }
    }
  }
}

type Disposal = ((this: unknown) => unknown) | undefined;

function disposalOf(value: unknown): Disposal {
  if (typeof value !== "object" || value === null) return undefined;
  const symbols = Symbol as unknown as { asyncDispose?: symbol; dispose?: symbol };
  for (const symbol of [symbols.asyncDispose, symbols.dispose]) {
    const found = symbol === undefined ? undefined : (value as Record<symbol, unknown>)[symbol];
    if (typeof found === "function") return found as Disposal;
  }
  return undefined;
}
