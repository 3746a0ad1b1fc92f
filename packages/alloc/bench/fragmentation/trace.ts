/**
 * A web server's allocations as a list of operations: what `malloc`, `realloc` and `free` would be called with.
 *
 * The server that is played: start-up tables that stay; connections that come, serve some requests and go; for
 * each request a head, header strings, the small objects that a handler works with, a buffer that grows with the
 * body, an answer and a log line, of which some outlive the request for a while; sessions and rows of a database
 * that are kept as graphs of small objects; a cache of bodies by bytes with a time to live, flushed once as by a
 * deploy. Traffic rises, holds, falls to a quarter, rises again and ends: at the end requests are served,
 * connections are closed, and the cache, the rows and the sessions are what has not expired.
 *
 * Sizes are log-normal around medians: request heads about 700 bytes, strings about 28, bodies 3 KiB with a tail
 * to 1 MiB. `shares` says what mix comes out. The mix decides who wins at the peak, so there are two: a server whose
 * state is many small objects beside a cache of bodies, and one that keeps little but bodies.
 */
export interface Trace {
  /** Three numbers an operation: kind, id, bytes. */
  readonly operations: Int32Array;
  readonly count: number;
  /** Ids are below this. */
  readonly ids: number;
  /** The operation after which the most bytes are live. */
  readonly peakOperation: number;
  readonly peakBytes: number;
  readonly endBytes: number;
  readonly shares: {
    /** Of all allocations, those below 1 KiB. */
    readonly smallCount: number;
    /** Of the bytes that are live at the peak, those in allocations below 1 KiB, and those in ones above 8 KiB. */
    readonly smallBytes: number;
    readonly largeBytes: number;
  };
}

export const ALLOCATE = 0;
export const FREE = 1;
export const REALLOCATE = 2;

/** xoshiro128**: the same numbers everywhere, from a seed. */
export function randomFrom(seed: number): () => number {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let d = 0xb7e15162;
  const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

interface Timed {
  readonly ids: number[];
  readonly untilTick: number;
  readonly bytes: number;
}

/** What the server keeps. */
export interface Mix {
  /** Most objects of a session, a row or the work of a request. */
  readonly graphObjectsMax: number;
  /** Spread of body sizes, and the part of answers that is cached. */
  readonly bodySpread: number;
  readonly cachedPart: number;
}

export const OBJECTS_AND_BODIES: Mix = {
  graphObjectsMax: 60,

  bodySpread: 1.4,
  cachedPart: 0.07,
};
export const MOSTLY_BODIES: Mix = {
  graphObjectsMax: 1,

  bodySpread: 1.6,
  cachedPart: 0.12,
};

export function webServerTrace(
  seed: number,
  operationCount = 1_000_000,
  mix: Mix = OBJECTS_AND_BODIES,
): Trace {
  const random = randomFrom(seed);
  const operations = new Int32Array(operationCount * 3 + 3_000_000);
  let count = 0;
  let nextId = 0;
  const freeIds: number[] = [];
  const sizes: number[] = [];
  let liveBytes = 0;
  let peakBytes = 0;
  let peakOperation = 0;
  let allocations = 0;
  let smallAllocations = 0;
  let smallBytes = 0;
  let largeBytes = 0;
  let smallAtPeak = 0;
  let largeAtPeak = 0;

  const addLive = (bytes: number, sign: number) => {
    liveBytes += sign * bytes;
    if (bytes < 1024) smallBytes += sign * bytes;
    if (bytes > 8192) largeBytes += sign * bytes;
  };
  const record = (kind: number, id: number, bytes: number) => {
    operations[count * 3] = kind;
    operations[count * 3 + 1] = id;
    operations[count * 3 + 2] = bytes;
    count++;
    if (liveBytes > peakBytes) {
      peakBytes = liveBytes;
      peakOperation = count - 1;
      smallAtPeak = smallBytes;
      largeAtPeak = largeBytes;
    }
  };
  const allocate = (bytes: number): number => {
    const id = freeIds.pop() ?? nextId++;
    sizes[id] = bytes;
    addLive(bytes, 1);
    allocations++;
    if (bytes < 1024) smallAllocations++;
    record(ALLOCATE, id, bytes);
    return id;
  };
  const reallocate = (id: number, bytes: number) => {
    addLive(sizes[id]!, -1);
    addLive(bytes, 1);
    sizes[id] = bytes;
    record(REALLOCATE, id, bytes);
  };
  const free = (id: number) => {
    addLive(sizes[id]!, -1);
    record(FREE, id, 0);
    freeIds.push(id);
  };
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const logNormal = (median: number, spread: number, low: number, high: number) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(low, Math.min(high, Math.round(median * Math.exp(spread * normal))));
  };
  const string = () => logNormal(28, 0.7, 8, 300);
  /** Records of a dynamic language: nodes of a few fields, keys and short values. */
  const graph = (objects: number): number[] =>
    Array.from({ length: Math.min(objects, mix.graphObjectsMax) }, () =>
      allocate(random() < 0.4 ? 8 * between(3, 12) : string()),
    );
  const body = () => logNormal(3 * 1024, mix.bodySpread, 64, 1024 * 1024);

  // Start-up: routes, templates, configuration, tables. They stay.
  for (let i = 0; i < 2500; i++)
    allocate(random() < 0.9 ? logNormal(120, 1, 16, 4096) : logNormal(4096, 1, 512, 65536));

  const connections: { ids: number[]; requestsLeft: number }[] = [];
  let requests: Timed[] = [];
  let lingering: Timed[] = [];
  let sessions: Timed[] = [];
  let rows: Timed[] = [];
  const cache: Timed[] = [];
  let cacheBytes = 0;
  const cacheMax = 48 * 1024 * 1024;
  const release = (ids: number[]) => {
    // In no particular order, as objects are torn down.
    for (let i = ids.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [ids[i], ids[j]] = [ids[j]!, ids[i]!];
    }
    for (const id of ids) free(id);
  };
  const evictOldest = () => {
    const entry = cache.shift()!;
    cacheBytes -= entry.bytes;
    release(entry.ids);
  };
  const expire = (list: Timed[], tick: number): Timed[] => {
    const rest: Timed[] = [];
    for (const item of list) {
      if (item.untilTick > tick) rest.push(item);
      else release(item.ids);
    }
    return rest;
  };

  const openConnection = () => {
    const ids = [allocate(between(300, 420)), allocate(64)];
    // Half speak TLS: state and two record buffers.
    if (random() < 0.5) ids.push(allocate(between(1800, 2600)), allocate(4096), allocate(16_709));
    connections.push({ ids, requestsLeft: logNormal(12, 1, 1, 200) });
  };

  const serve = (tick: number) => {
    const connection = connections[Math.floor(random() * connections.length)]!;
    const ids = [allocate(logNormal(700, 0.5, 120, 8192)), allocate(208)];
    for (let i = between(4, 12); i > 0; i--) ids.push(allocate(string()));
    ids.push(...graph(between(5, 25)));
    if (random() < 0.15) {
      // A body of unknown length, read into a buffer that doubles.
      const bytes = body();
      let room = 1024;
      const buffer = allocate(room);
      while (room < bytes) reallocate(buffer, (room *= 2));
      if (random() < 0.5) reallocate(buffer, bytes);
      ids.push(buffer);
    }
    const answer = body();
    ids.push(allocate(between(180, 420)), allocate(answer));
    const lingers = [allocate(between(90, 260))];
    if (random() < 0.1) lingers.push(ids.pop()!);
    if (random() < mix.cachedPart) {
      const entry = [allocate(160), allocate(between(24, 120)), allocate(answer + between(150, 400))];
      cache.push({ ids: entry, untilTick: tick + between(200, 1500), bytes: answer });
      cacheBytes += answer;
      while (cacheBytes > cacheMax) evictOldest();
    }
    if (random() < 0.06) {
      const session = [allocate(logNormal(450, 0.6, 100, 6000)), ...graph(between(10, 40))];
      sessions.push({ ids: session, untilTick: tick + between(300, 3000), bytes: 0 });
    }
    if (random() < 0.26)
      rows.push({ ids: graph(between(8, 60)), untilTick: tick + logNormal(600, 1, 10, 6000), bytes: 0 });
    requests.push({ ids, untilTick: tick + logNormal(3, 1, 1, 120), bytes: 0 });
    lingering.push({ ids: lingers, untilTick: tick + logNormal(30, 0.8, 2, 500), bytes: 0 });
    if (--connection.requestsLeft <= 0) {
      connections.splice(connections.indexOf(connection), 1);
      release(connection.ids);
    }
  };

  // Ends early enough that what follows (answers finish, connections close, entries expire) is within the count.
  for (let tick = 0; count + liveObjects() < operationCount; tick++) {
    const progress = (count + liveObjects()) / operationCount;
    const traffic = progress < 0.2 ? 0.3 + progress * 3.5 : progress > 0.55 && progress < 0.7 ? 0.25 : 1;
    while (connections.length < 600 * traffic) openConnection();
    for (let i = Math.round(12 * traffic); i > 0; i--) serve(tick);
    requests = expire(requests, tick);
    lingering = expire(lingering, tick);
    sessions = expire(sessions, tick);
    rows = expire(rows, tick);
    while (cache.length > 0 && cache[0]!.untilTick <= tick) evictOldest();
    if (progress > 0.5 && progress < 0.501) while (cache.length > 0) evictOldest();
  }
  requests = expire(requests, Number.POSITIVE_INFINITY);
  lingering = expire(lingering, Number.POSITIVE_INFINITY);
  for (const connection of connections) release(connection.ids);
  // A third of the cache, half of the rows and half of the sessions have not expired.
  for (const entry of cache) if (random() < 0.67) release(entry.ids);
  for (const kept of [...sessions, ...rows]) if (random() < 0.5) release(kept.ids);

  return {
    operations: operations.slice(0, count * 3),
    count,
    ids: nextId,
    peakOperation,
    peakBytes,
    endBytes: liveBytes,
    shares: {
      smallCount: smallAllocations / allocations,
      smallBytes: smallAtPeak / peakBytes,
      largeBytes: largeAtPeak / peakBytes,
    },
  };

  function liveObjects(): number {
    return nextId - freeIds.length;
  }
}
