import type { TLSSocket } from "node:tls";
import type { PlanMount } from "@tz/http1";
import { type ParamsOf, Router } from "@tz/router";
import { type FetchHandler, type FetchOptions, fetchHandler } from "./adapters/fetch-handler.js";
import { Connection } from "./connection.js";
import { ServerError } from "./errors.js";
import type { DeferQueue } from "./handlers/defer-queue.js";
import { Hooks, type Middleware, type OnError, type OnRequest, type OnSend } from "./handlers/hooks.js";
import { routeHandler } from "./handlers/route-handler.js";
import type { RouteOptions, ValidOf } from "./handlers/route-options.js";
import type { Http2Listener } from "./http2/http2-listener.js";
import { type Http2Options, resolveHttp2 } from "./http2/http2-options.js";
import { EpollLoop, type EpollTransport, isEpollSupported } from "./loop/epoll.js";
import type {
  BindAddress,
  Listener,
  ListenOptions,
  Loop,
  LoopKind,
  Transport,
  TransportHandler,
} from "./loop/loop.js";
import { NodeLoop } from "./loop/node.js";
import { AccessLog, type AccessLogStats } from "./observe/access-log.js";
import { resolveAccessLog } from "./observe/access-log-options.js";
import { publishConnection, publishLimit } from "./observe/connection-channels.js";
import { startDebugTraces } from "./observe/debug-traces.js";
import { logFile } from "./observe/log-file.js";
import { Observer } from "./observe/observer.js";
import { type InheritedMemory, SharedCounters } from "./observe/shared-counters.js";
import type { StatsBlock } from "./observe/stats-block.js";
import { resolveStats, type StatsOptions } from "./observe/stats-options.js";
import { StatsTable } from "./observe/stats-table.js";
import { type ServerTotals, totalOf, type WorkerFigures } from "./observe/worker-figures.js";
import { type LoopChoice, resolveOptions, type ServerOptions } from "./options.js";
import { ProxyPreamble } from "./proxies/proxy-preamble.js";
import { type Handler, ServerCore } from "./server-core.js";
import type { SecureListener } from "./tls/secure-listener.js";
import type { TicketKeys } from "./tls/ticket-keys.js";
import { TlsCounts, type TlsStats } from "./tls/tls-counts.js";
import type { TlsOptions } from "./tls/tls-options.js";
import { Upgraded } from "./upgraded.js";
import { type PublishOptions, Rooms } from "./websocket/rooms.js";
import { type SocketHandlers, type SocketOptions, socketRoute } from "./websocket/socket-route.js";
import { GenerationMemory } from "./workers/generation-memory.js";
import { checkGivenSockets } from "./workers/given-sockets.js";
import { takeHandedOver, takeTicketKeys } from "./workers/hand-over.js";
import { connectionsWithin, raiseOpenFileLimit, warnOfFewDescriptors } from "./workers/open-files.js";
import { type OwnListener, ownListeners } from "./workers/own-listeners.js";
import { checkPrivileges, dropPrivileges, type PrivilegeOptions } from "./workers/privileges.js";
import { keysAreGiven, SharedTls } from "./workers/shared-tls.js";
import {
  listenOnPath,
  type SocketFile,
  type SocketFileOptions,
  socketFileAt,
} from "./workers/socket-file.js";
import { Supervisor, type WorkerStats } from "./workers/supervisor.js";
import type { TlsSnapshot } from "./workers/tls-snapshot.js";
import { WorkerAgent } from "./workers/worker-agent.js";
import { type ResolvedWorkers, resolveWorkers, type WorkersOptions } from "./workers/worker-options.js";
import { type WorkerRole, workerRole } from "./workers/worker-role.js";

/** A handler, with its route's options in front of it if there are any. */
type RouteRest = [handler: AnyHandler] | [options: RouteOptions, handler: AnyHandler];
type AnyHandler = Handler<never, never>;

export interface ListenTarget extends PrivilegeOptions, SocketFileOptions {
  /** An IP address, a name, or the path of a Unix socket (it has a `/`). Default `"127.0.0.1"`. */
  readonly host?: string | undefined;
  /** 0 lets the kernel choose. Default 8080. */
  readonly port?: number | undefined;
  /**
   * Several processes may listen on the address (SO_REUSEPORT); the kernel spreads connections over them. Epoll loop only.
   * Default `false`.
   */
  readonly reusePort?: boolean | undefined;
  /** Speaks HTTPS on this listener. */
  readonly tls?: TlsOptions | undefined;
  /** Speaks HTTP/2 too, with clients that offer it over TLS (ALPN `h2`). Default `false`. */
  readonly http2?: boolean | Http2Options | undefined;
  /** Sockets that listen already, in place of `host` and `port`: see `activatedSockets`. */
  readonly fds?: readonly number[] | undefined;
  /**
   * Processes that serve: 1, the default, is this one. More, or `"auto"` (one for each processor), run this program
   * again, each up to its own `listen`; this process holds the sockets and replaces workers that end.
   */
  readonly workers?: number | "auto" | WorkersOptions | undefined;
}

type TlsTarget = Pick<ListenTarget, "tls" | "http2">;

/** What a loop is asked to accept from. */
type ListenAt = Partial<Pick<ListenOptions, "fd" | "host" | "port" | "reusePort" | "secure">>;

export interface ListeningAddress extends BindAddress {
  readonly loop: LoopKind;
}

export interface CloseOptions {
  /** How long requests in flight may take to finish before they are cut. Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * How long connections without a request stay: a request that comes in this time is answered, with
   * `Connection: close`. Default 0.
   */
  readonly idleGraceMs?: number;
  /**
   * How long the server goes on as before, new connections and all, while it already says that it is not ready
   * (`/ready` of `monitoring`), so that balancers send their requests elsewhere. Default 0.
   */
  readonly unreadyMs?: number;
}

export interface ServerStats {
  readonly loop: LoopKind;
  readonly connections: number;
  /** In a process that has workers: each of them, as it last told. */
  readonly workers?: readonly WorkerStats[];
  /** Of this process's TLS listeners; zeros without any. */
  readonly tls: TlsStats;
  /** With the option `stats`: what all workers counted since the server was started. */
  readonly total?: ServerTotals;
  /** With the option `stats`: each worker; those that ended keep what they counted. */
  readonly byWorker?: readonly WorkerFigures[];
  /** With the option `accessLog`, in a process that serves: its lines. */
  readonly accessLog?: AccessLogStats;
}

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;
const DEFAULT_CLOSE_TIMEOUT_MS = 10_000;
const DRAIN_POLL_MS = 10;
const NO_STATS = { paths: false, arenas: [] };

/** @internal For adapters of this package: what an app is made of. */
export let coreOf: (app: App) => ServerCore;
/** @internal For adapters of this package: begins to count, if that is asked for and has not begun. */
export let countIn: (app: App) => void;

/** An HTTP/1.1 server: mounts and a handler above, a loop below. Made by {@link createServer}. */
export class App {
  readonly #core: ServerCore;
  #accessLog: AccessLog | undefined;
  #listeners: Listener[] = [];
  readonly #socketFiles: SocketFile[] = [];
  readonly #offered: OwnListener[] = [];
  readonly #rooms = new Rooms();
  #supervisor: Supervisor | undefined;
  #agent: WorkerAgent | undefined;
  readonly #secure: SecureListener[] = [];
  readonly #http2: Http2Listener[] = [];
  readonly #tlsCounts = new TlsCounts();
  #closing: Promise<void> | undefined;
  #counters: StatsTable | undefined;
  #sharedCounters: SharedCounters | undefined;
  /** In the process that has workers. */
  #sharedTls: SharedTls | undefined;

  static {
    coreOf = (app) => app.#core;
    countIn = (app) => app.#observe(undefined);
  }

  constructor(options: ServerOptions = {}, loop?: Loop) {
    const resolved = resolveOptions(options);
    startDebugTraces();
    this.#core = new ServerCore(loop ?? makeLoop(resolved.loop, resolved.tickMs), resolved);
  }

  /** Answers everything below the mount's prefix by it. The longest prefix wins. */
  mount(mount: PlanMount): this {
    this.#core.mounts.add(mount);
    return this;
  }

  /**
   * Answers one method and pattern; routes precede mounts. HEAD and OPTIONS come by themselves, another method is
   * answered 405.
   * @param pattern see `@tz/router`: `/users/:id(int)`, `/files/*path`
   * @throws RouterError when the pattern cannot be read or conflicts with another
   */
  route<const Pattern extends string>(
    method: string | readonly string[],
    pattern: Pattern,
    handler: Handler<ParamsOf<Pattern>>,
  ): this;
  /**
   * With options: schemas whose values are `request.valid`, limits, middleware. See {@link RouteOptions}.
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  route<const Pattern extends string, const Options extends RouteOptions>(
    method: string | readonly string[],
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  route(method: string | readonly string[], pattern: string, ...rest: RouteRest): this {
    this.#core.router ??= new Router<Handler>();
    const handler =
      rest.length === 1 ? (rest[0] as Handler) : routeHandler(rest[0], rest[1] as unknown as Handler);
    for (const name of typeof method === "string" ? [method] : method) this.#core.ownMethods.add(name);
    this.#core.router.add(method, pattern, handler);
    return this;
  }

  get<const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): this;
  get<const Pattern extends string, const Options extends RouteOptions>(
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  get(pattern: string, ...rest: RouteRest): this {
    return this.route("GET", pattern, ...(rest as unknown as [Handler]));
  }

  post<const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): this;
  post<const Pattern extends string, const Options extends RouteOptions>(
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  post(pattern: string, ...rest: RouteRest): this {
    return this.route("POST", pattern, ...(rest as unknown as [Handler]));
  }

  put<const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): this;
  put<const Pattern extends string, const Options extends RouteOptions>(
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  put(pattern: string, ...rest: RouteRest): this {
    return this.route("PUT", pattern, ...(rest as unknown as [Handler]));
  }

  patch<const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): this;
  patch<const Pattern extends string, const Options extends RouteOptions>(
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  patch(pattern: string, ...rest: RouteRest): this {
    return this.route("PATCH", pattern, ...(rest as unknown as [Handler]));
  }

  delete<const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): this;
  delete<const Pattern extends string, const Options extends RouteOptions>(
    pattern: Pattern,
    options: Options,
    handler: Handler<ParamsOf<Pattern>, ValidOf<Options>>,
  ): this;
  delete(pattern: string, ...rest: RouteRest): this {
    return this.route("DELETE", pattern, ...(rest as unknown as [Handler]));
  }

  /**
   * Takes WebSocket connections at a pattern. What `accept` returns is the socket's `data`, in its type.
   *
   * ```ts
   * app.ws("/rooms/:room", {
   *   accept: (request) => ({ room: request.params.room, name: request.query.get("name") ?? "somebody" }),
   *   open: (socket) => socket.join(socket.data.room),
   *   message: (socket, text) => socket.publish(socket.data.room, `${socket.data.name}: ${text}`),
   * });
   * ```
   * @throws WsError `TZ_WS_OPTION`, ServerError `TZ_SERVER_OPTION` for options that are unknown or out of bounds
   */
  ws<const Pattern extends string, Data = undefined>(
    pattern: Pattern,
    handlers: SocketHandlers<Data, ParamsOf<Pattern>>,
    options: SocketOptions = {},
  ): this {
    const report = (error: unknown): void => this.#core.reportError(error);
    const handler = socketRoute(handlers, options, this.#rooms, report);
    return this.get<string, RouteOptions>(pattern, options.route ?? {}, handler as never);
  }

  /** Sends a message to all sockets of a room, in this process. @returns how many took it */
  publish(room: string, data: string | Uint8Array, options?: PublishOptions): number {
    return this.#rooms.publish(room, data, options);
  }

  /** How many sockets are in a room, in this process. */
  roomSize(room: string): number {
    return this.#rooms.count(room);
  }

  /**
   * Gives a path and all below it to a Fetch handler: `app.fetch("/api", hono.fetch)`. Routes of this app that match
   * more exactly precede it.
   */
  fetch(prefix: string, handler: FetchHandler, options: FetchOptions = {}): this {
    const base = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
    const answer = fetchHandler(handler, options.keepPrefix === true ? "" : base);
    if (base !== "") this.route<string>("*", base, answer);
    return this.route<string>("*", `${base}/*`, answer);
  }

  /** Answers every request that no route and no mount claims. */
  handle(handler: Handler): this {
    this.#core.handler = handler;
    return this;
  }

  /** Adds a hook that sees every request first, those for mounts among them; a reply answers in its place. */
  onRequest(hook: OnRequest): this {
    this.#hooks.onRequest.push(hook);
    return this;
  }

  /** Adds a hook that sees every answer of a route, mount or handler before it leaves, and may replace it. */
  onSend(hook: OnSend): this {
    this.#hooks.onSend.push(hook);
    return this;
  }

  /** Wraps routes, mounts and handler: the first that is added is the outermost. */
  use(...middleware: readonly Middleware[]): this {
    this.#hooks.middleware.push(...middleware);
    return this;
  }

  /**
   * Is told of every error of a handler, hook, stream or deferred task, with the status that the request is answered
   * with (0 when there is none any more). The first listener that returns a reply answers; all are told.
   */
  onError(listener: OnError): this {
    this.#core.errorListeners.push(listener);
    return this;
  }

  get #hooks(): Hooks {
    this.#core.hooks ??= new Hooks();
    return this.#core.hooks;
  }

  /**
   * Binds and accepts connections, here or in workers.
   * @throws SysError or a system error of Node: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND`
   * @throws ServerError `TZ_SERVER_STATE` after {@link close}, `TZ_SERVER_WORKER` when a worker does not start,
   *   `TZ_SERVER_LOOP_UNSUPPORTED` for `reusePort` on the node loop, `TZ_SERVER_OPTION` for certificates and keys that
   *   cannot be read or do not belong together
   */
  async listen(target: ListenTarget = {}): Promise<ListeningAddress> {
    if (this.#closing !== undefined) throw new ServerError("TZ_SERVER_STATE", "listen() after close()");
    const { host = DEFAULT_HOST, port = DEFAULT_PORT, fds } = target;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new ServerError("TZ_SERVER_OPTION", `port is ${port}; allowed: a whole number from 0 to 65535`);
    }
    const role = workerRole();
    // Of a worker's process the numbers say nothing: its supervisor has looked.
    if (fds !== undefined && role === undefined) checkGivenSockets(fds);
    checkPrivileges(target);
    const workers = resolveWorkers(target.workers);
    const address =
      workers === undefined
        ? await this.#listenHere(target, host, port)
        : role === undefined
          ? await this.#supervise(target, host, port, workers)
          : await this.#listenAsWorker(target, host, port, role);
    return { ...address, loop: this.#core.loop.kind };
  }

  async #listenHere(target: ListenTarget, host: string, port: number): Promise<BindAddress> {
    const secure = await this.#secureListener(target);
    let address: BindAddress | undefined;
    try {
      address = await this.#bind(target, host, port, secure);
    } catch (error) {
      secure?.close();
      throw error;
    }
    if (secure !== undefined) this.#secure.push(secure);
    warnOfFewDescriptors(raiseOpenFileLimit(), this.#core.options.maxConnections);
    dropPrivileges(target);
    this.#observe(undefined);
    this.#core.ready = true;
    return address;
  }

  async #bind(
    target: ListenTarget,
    host: string,
    port: number,
    secure: SecureListener | undefined,
  ): Promise<BindAddress> {
    if (target.fds !== undefined) {
      const [first] = await Promise.all(target.fds.map((fd) => this.#open({ fd, secure })));
      return first!.address;
    }
    const [inherited] = takeHandedOver(host, port, true) ?? [];
    if (host.includes("/")) {
      const { file, value } =
        inherited === undefined
          ? await listenOnPath(host, target, (path) => this.#open({ host: path, secure }))
          : { file: socketFileAt(host), value: await this.#open({ fd: inherited, secure }) };
      this.#socketFiles.push(file);
      this.#offer(value, host, port);
      return { host, port: 0 };
    }
    const { reusePort = false } = target;
    if (reusePort && this.#core.loop.kind === "node") {
      throw new ServerError("TZ_SERVER_LOOP_UNSUPPORTED", "reusePort needs the epoll loop");
    }
    const at = inherited === undefined ? { host, port, reusePort } : { fd: inherited };
    const listener = await this.#open({ ...at, secure });
    this.#offer(listener, host, port);
    return listener.address;
  }

  /** A supervisor in this process, if there is one, hands it over with its own sockets. */
  #offer({ fd }: Listener, host: string, port: number): void {
    if (fd === undefined || workerRole() !== undefined) return;
    const own: OwnListener = {
      host,
      port,
      fd,
      handedOver: (order) => {
        this.#socketFiles.length = 0;
        return this.close(order);
      },
    };
    ownListeners.add(own);
    this.#offered.push(own);
  }

  async #supervise(
    target: ListenTarget,
    host: string,
    port: number,
    workers: ResolvedWorkers,
  ): Promise<BindAddress> {
    if (this.#supervisor !== undefined)
      throw new ServerError("TZ_SERVER_STATE", "listen() with workers twice");
    // Workers read the files again; what is wrong with them is told before there are any.
    const tls = target.tls && new SharedTls(target.tls, await takeTicketKeys());
    this.#sharedTls = tls;
    resolveHttp2(target.http2);
    const { loop, options } = this.#core;
    const { backlog, maxConnections } = options;
    const counters = resolveStats(options.stats) && SharedCounters.create(workers.count);
    this.#sharedCounters = counters;
    this.#counters = counters?.table;
    const starting = Supervisor.start({
      ...target,
      loop: loop.kind,
      host,
      port,
      fds: target.fds,
      backlog,
      maxConnections,
      workers,
      tls,
      memory: counters?.memory,
      onWorkerGone: ({ slot, generation, pid }) => counters?.table.ended(slot, generation, pid),
    });
    starting.catch(() => tls?.close());
    this.#supervisor = await starting;
    this.#core.ready = true;
    return this.#supervisor.address;
  }

  async #listenAsWorker(
    target: ListenTarget,
    host: string,
    port: number,
    role: WorkerRole,
  ): Promise<BindAddress> {
    if (this.#agent !== undefined) throw new ServerError("TZ_SERVER_STATE", "listen() with workers twice");
    const core = this.#core;
    const { loop } = core;
    const descriptorLimit = raiseOpenFileLimit();
    let secure: SecureListener | undefined;
    let shared: TlsSnapshot | undefined;
    let memory: GenerationMemory | undefined;
    this.#agent = new WorkerAgent(role, {
      prepare: async () => {
        if (role.generationFd !== undefined) {
          memory = await GenerationMemory.join(role.generationFd, this.#core.mounts.all, role.count);
        }
        secure = await this.#secureListener(withShared(target, shared), shared?.keys);
        if (secure !== undefined) this.#secure.push(secure);
        dropPrivileges(target);
      },
      changeTls: (tls) => {
        const isReloaded = shared !== undefined && tls.version !== shared.version;
        if (isReloaded) this.#reloadTls(tls.changes);
        if (tls.keys !== undefined) secure?.replaceKeys(tls.keys);
        shared = tls;
      },
      listen: (at) => this.#open({ ...at, secure }),
      close: (order) => this.close(order),
      unready: () => {
        core.ready = false;
      },
      recover: () => memory?.recover(),
      get connections() {
        return loop.connections;
      },
      descriptorLimit,
    });
    this.#observe(role);
    const address = await this.#agent.start({ host, port });
    core.ready = true;
    return address;
  }

  /** Begins to count, when it is asked to. */
  #observe(role: WorkerRole | undefined): void {
    const core = this.#core;
    const options = resolveStats(core.options.stats);
    const logOptions = resolveAccessLog(core.options.accessLog);
    if (core.observer !== undefined) return;
    if (options === undefined && logOptions === undefined) {
      core.onWatched = () => this.#follow(NO_STATS, uncounted());
      return;
    }
    if (logOptions !== undefined) {
      this.#accessLog = new AccessLog(core, logOptions, logOptions.write ?? logFile("-"));
    }
    if (options === undefined) {
      this.#follow(NO_STATS, uncounted());
      return;
    }
    const shared = role?.memory === undefined ? undefined : openCounters(role, role.memory);
    this.#sharedCounters = shared;
    this.#counters = shared?.table ?? StatsTable.attach(new ArrayBuffer(StatsTable.byteLength(1)), 1);
    const block = this.#counters.block(shared === undefined ? 0 : role!.slot, role?.generation ?? 0);
    this.#follow(options, block);
  }

  #follow(options: StatsOptions, block: StatsBlock): Observer {
    this.#tlsCounts.block = block;
    const observer = new Observer(this.#core, block, options, this.#accessLog, this.#tlsCounts);
    this.#core.observer = observer;
    return observer;
  }

  async #open(at: ListenAt): Promise<Listener> {
    const { loop, options } = this.#core;
    const { backlog, maxConnections } = options;
    const limit = connectionsWithin(raiseOpenFileLimit(), maxConnections);
    const listener = await loop.listen(
      { ...at, host: at.host ?? "", port: at.port ?? 0, backlog, maxConnections: limit },
      (transport) => this.#accept(transport),
    );
    this.#listeners.push(listener);
    return listener;
  }

  /**
   * Replaces all workers by new ones, which read program, configuration and certificates anew; no connection is
   * refused or reset. In a worker it asks the supervisor and resolves at once.
   * @throws ServerError `TZ_SERVER_STATE` without workers, `TZ_SERVER_WORKER` when a new one does not start: the old
   *   ones go on
   */
  async reload(): Promise<void> {
    if (this.#agent !== undefined) this.#agent.reload();
    else if (this.#supervisor !== undefined) await this.#supervisor.reload();
    else throw new ServerError("TZ_SERVER_STATE", "reload() without workers");
  }

  /** Loads what only servers of TLS need. */
  async #secureListener(
    { tls, http2 }: TlsTarget,
    ticketKeys?: TicketKeys,
  ): Promise<SecureListener | undefined> {
    const h2 = resolveHttp2(http2);
    if (tls === undefined) {
      if (h2 === undefined) return undefined;
      throw new ServerError("TZ_SERVER_OPTION", "http2 without tls; allowed: http2 together with tls");
    }
    const { loop, options } = this.#core;
    if (options.proxyProtocol) {
      throw new ServerError("TZ_SERVER_OPTION", "proxyProtocol is true; allowed with listen({ tls }): false");
    }
    const accept = (transport: Transport): TransportHandler => this.#accept(transport);
    const counts = this.#tlsCounts;
    const listener =
      h2 === undefined
        ? undefined
        : new (await import("./http2/http2-listener.js")).Http2Listener(this.#core, h2, counts);
    const acceptHttp2 = listener && ((socket: TLSSocket) => listener.accept(socket));
    const beginHttp2 =
      listener && h2?.engine === "auto"
        ? (transport: EpollTransport) => listener.begin(transport)
        : undefined;
    const { SecureListener } = await import("./tls/secure-listener.js");
    const secure = new SecureListener(tls, {
      loop,
      counts,
      accept,
      acceptHttp2,
      beginHttp2,
      ticketKeys,
    });
    if (listener !== undefined) this.#http2.push(listener);
    this.#core.useHsts(secure.hsts ?? this.#core.hsts);
    return secure;
  }

  /**
   * Reads the certificate files of all TLS listeners again, or gives them other options (a renewed certificate, ticket
   * keys). New handshakes use them; open connections go on. On an error nothing has changed for the listener that failed.
   *
   * In the process that has workers it is for all of them and for those that follow: this process reads the files, with
   * its rights, and an event `tls-updated` tells when all workers have them. In a worker it is for that worker.
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  reloadTls(options: Partial<TlsOptions> = {}): void {
    this.#supervisor?.reloadTls(options);
    this.#reloadTls(options);
  }

  #reloadTls(options: Partial<TlsOptions>): void {
    for (const secure of this.#secure) secure.reload(options);
    if (this.#secure.length > 0)
      this.#core.useHsts(this.#secure.find(({ hsts }) => hsts !== undefined)?.hsts);
  }

  /**
   * Makes a fresh key for session tickets now, as happens every `ticketRotationS`: for all workers, whoever of them calls.
   * Tickets of the key before are read still, those of older ones no more.
   * @throws ServerError `TZ_SERVER_STATE` without TLS, or when `tls.ticketKeys` are given
   */
  rotateTicketKeys(): void {
    const own = this.#secure;
    if (own.length === 0 && this.#sharedTls === undefined) {
      throw new ServerError("TZ_SERVER_STATE", "rotateTicketKeys() without TLS");
    }
    if (own.some((secure) => secure.hasGivenKeys)) throw keysAreGiven();
    this.#sharedTls?.rotateKeys();
    if (this.#agent !== undefined) this.#agent.rotateTicketKeys();
    else for (const secure of own) secure.rotateKeys();
  }

  #accept(transport: Transport): TransportHandler {
    const core = this.#core;
    core.observer?.accepted();
    publishConnection("opened", transport);
    if (core.addresses?.add(transport, transport.remoteAddress) === false) {
      publishLimit("maxConnectionsPerAddress", "closed at once", transport);
      // Closed a moment later: a transport is not destroyed while its handler is made.
      queueMicrotask(() => transport.destroy());
    }
    return this.#begin(transport);
  }

  #begin(transport: Transport): TransportHandler {
    const core = this.#core;
    if (!core.options.proxyProtocol) return new Connection(transport, core);
    // Closed a moment later: a transport is not destroyed while its handler is made.
    if (core.trusted?.has(transport.remoteAddress) === false) queueMicrotask(() => transport.destroy());
    return new ProxyPreamble(transport, core, (header) => {
      if (header.remoteAddress !== undefined) core.announced.set(transport, header);
      return new Connection(transport, core);
    });
  }

  /**
   * What goes on. With the option `stats` also what was counted: here, and in all workers where there are some. Counts
   * are as of now, gauges (connections by state, memory, timers) of the last second.
   */
  stats(): ServerStats {
    const { loop } = this.#core;
    const tls = this.#tlsCounts.figures;
    const workers = this.#supervisor?.stats;
    const byWorker = this.#counters?.read();
    return {
      loop: loop.kind,
      connections:
        workers === undefined
          ? loop.connections
          : workers.reduce((sum, worker) => sum + worker.connections, 0),
      tls,
      ...(workers === undefined ? {} : { workers }),
      ...(this.#accessLog === undefined ? {} : { accessLog: this.#accessLog.stats }),
      ...(byWorker === undefined ? {} : { total: totalOf(byWorker), byWorker }),
    };
  }

  /** Whether requests may be sent here: the server listens, and {@link close} was not called. */
  get ready(): boolean {
    return this.#core.ready;
  }

  /**
   * Stops in order: is not {@link ready} any more, accepts no more (after `unreadyMs`), closes idle connections (after
   * `idleGraceMs`), lets requests in flight finish (their answers say `Connection: close`) and deferred tasks end, cuts
   * what is left after `timeoutMs`, then disposes of dependencies and closes the mounts and the loop.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: CloseOptions): Promise<void> {
    const { timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS, idleGraceMs = 0, unreadyMs = 0 } = options;
    const core = this.#core;
    core.ready = false;
    if (unreadyMs > 0 && this.#listeners.length + (this.#supervisor === undefined ? 0 : 1) > 0) {
      this.#supervisor?.unready();
      await new Promise((resolve) => setTimeout(resolve, unreadyMs));
    }
    await this.#supervisor?.close({ timeoutMs, idleGraceMs });
    core.draining = true;
    core.observer?.draining();
    for (const own of this.#offered) ownListeners.delete(own);
    for (const listener of this.#listeners) await listener.close();
    for (const file of this.#socketFiles) file.remove();
    const graceEnd = performance.now() + idleGraceMs;
    while (core.loop.connections > 0 && performance.now() < graceEnd) await drainPoll();
    core.closesIdle = true;
    core.loop.eachHandler((handler) => {
      if (handler instanceof Connection) handler.drain();
      else if (handler instanceof Upgraded || handler instanceof ProxyPreamble) handler.stop();
    });
    for (const listener of this.#http2) listener.drain();
    const deadline = performance.now() + timeoutMs;
    const open = (): number => {
      const { http2Sessions } = this.#tlsCounts;
      return core.loop.connections + http2Sessions + core.admission.inFlight;
    };
    while (open() > 0 && performance.now() < deadline) await drainPoll();
    for (const listener of this.#http2) await listener.destroy();
    await drainDeferred(core.deferred, deadline - performance.now());
    await core.values.dispose((error) => core.reportError(error));
    await core.loop.close();
    core.observer?.close();
    await this.#accessLog?.close();
    if (this.#supervisor !== undefined) this.#sharedCounters?.close();
    for (const secure of this.#secure) secure.close();
    for (const mount of core.mounts.all) await mount.close?.();
  }
}

/**
 * @throws ServerError `TZ_SERVER_OPTION`, or `TZ_SERVER_LOOP_UNSUPPORTED` when `loop: "epoll"` cannot run here
 */
export function createServer(options: ServerOptions = {}): App {
  return new App(options);
}

/** Figures that are nobody's: only the log, or subscribers, want to know. */
function uncounted(): StatsBlock {
  return StatsTable.attach(new ArrayBuffer(StatsTable.byteLength(1)), 1).block(0, 0);
}

/** With what the supervisor changed since. */
function withShared({ tls, http2 }: TlsTarget, shared: TlsSnapshot | undefined): TlsTarget {
  return { http2, tls: tls && { ...tls, ...shared?.changes } };
}

function drainPoll(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
}

async function drainDeferred(queue: DeferQueue, leftMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(leftMs, 0));
  });
  await Promise.race([queue.drained(), timeout]);
  clearTimeout(timer);
  queue.abort();
}

/** Counters of another version are laid out otherwise: then this worker counts for itself. */
function openCounters(role: WorkerRole, memory: InheritedMemory): SharedCounters | undefined {
  try {
    return SharedCounters.open(memory, role.count);
  } catch (error) {
    process.emitWarning(`the counters of this worker are its own: ${(error as Error).message}`);
    return undefined;
  }
}

function makeLoop(choice: LoopChoice, tickMs: number): Loop {
  if (choice === "node") return new NodeLoop(tickMs);
  if (choice === "epoll" || isEpollSupported().supported) return new EpollLoop(tickMs);
  return new NodeLoop(tickMs);
}
