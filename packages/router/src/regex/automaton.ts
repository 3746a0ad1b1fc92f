import { RouterError } from "../errors.js";
import { ROUTER_LIMITS } from "../options.js";
import { ENCODED_QUESTION, ENCODED_SLASH, plainByte } from "../path-alphabet.js";
import { type ByteSequence, utf8Sequences } from "./code-points.js";
import { parseRegex, type Regex } from "./syntax.js";

/**
 * A deterministic automaton over the bytes of a decoded value (see `path-alphabet.ts`): one table look-up a byte, so a
 * check costs the length of the value whatever the expression is. There is nothing to backtrack into, hence no
 * catastrophic pattern.
 *
 * ```
 *   byte ──classOf──▶ class ─┐
 *   state ───────────────────┴─▶ next[state * classCount + class]      state 0 is the dead end, 1 the start
 * ```
 */
export interface Automaton {
  readonly classOf: Uint8Array;
  readonly classCount: number;
  readonly next: Uint16Array;
  /** 1 where a value may end. */
  readonly accepting: Uint8Array;
}

export const NOT_ASCII = -2;
export const DEAD = 0;
export const START = 1;

/** 1 when the automaton accepts `bytes[start, end)`, else 0. */
export function acceptsBytes(automaton: Automaton, bytes: Uint8Array, start: number, end: number): 0 | 1 {
  const { classOf, classCount, next } = automaton;
  let state = START;
  for (let i = start; i < end; i++) {
    state = next[state * classCount + classOf[bytes[i]!]!]!;
    if (state === DEAD) return 0;
  }
  return automaton.accepting[state] as 0 | 1;
}

/** The same for a string; {@link NOT_ASCII} when it would have to become UTF-8 first. */
export function acceptsText(
  automaton: Automaton,
  text: string,
  start: number,
  end: number,
): 0 | 1 | typeof NOT_ASCII {
  const { classOf, classCount, next } = automaton;
  let state = START;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return NOT_ASCII;
    state = next[state * classCount + classOf[code]!]!;
    if (state === DEAD) return 0;
  }
  return automaton.accepting[state] as 0 | 1;
}

/**
 * Builds the automaton of an expression.
 *
 * @throws RouterError `TZ_ROUTER_REGEX` when it cannot be read, is not regular, needs more than 4096 states, or more
 *   than {@link MAX_STEPS} steps to build.
 */
export function compileRegex(source: string): Automaton {
  const builder = new NfaBuilder(source);
  const accept = builder.state();
  const start = builder.connect(parseRegex(source), accept);
  return determinize(builder, start, accept, source);
}

/** An edge without bytes (`low > high`) is taken freely. */
interface NfaEdge {
  readonly low: number;
  readonly high: number;
  readonly to: number;
}

/** Bounded so that nested repetitions like `((a{1000}){1000})` end in an error and not in all of the memory. */
const MAX_NFA_STATES = 10_000;

/** Thompson's construction, from the end to the start: each part is told where it leads. */
class NfaBuilder {
  readonly edges: NfaEdge[][] = [];
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  state(): number {
    if (this.edges.length >= MAX_NFA_STATES) throw tooLarge(this.#source);
    this.edges.push([]);
    return this.edges.length - 1;
  }

  /** The state from which `regex` leads to `to`. */
  connect(regex: Regex, to: number): number {
    switch (regex.kind) {
      case "sequence":
        return regex.parts.reduceRight((next, part) => this.connect(part, next), to);
      case "choice": {
        const fork = this.state();
        for (const option of regex.options) this.#free(fork, this.connect(option, to));
        return fork;
      }
      case "ranges": {
        const from = this.state();
        const tails = new Map<string, number>();
        for (const range of regex.ranges) {
          for (const sequence of utf8Sequences(range)) this.#bytes(from, sequence, to, tails);
        }
        return from;
      }
      case "repeat":
        return this.#repeat(regex.part, regex.min, regex.max, to);
    }
  }

  #repeat(part: Regex, min: number, max: number, to: number): number {
    let entry = to;
    if (max === Number.POSITIVE_INFINITY) {
      const loop = this.state();
      this.#free(loop, this.connect(part, loop));
      this.#free(loop, to);
      entry = loop;
    } else {
      for (let i = min; i < max; i++) {
        const maybe = this.state();
        this.#free(maybe, this.connect(part, entry));
        this.#free(maybe, to);
        entry = maybe;
      }
    }
    for (let i = 0; i < min; i++) entry = this.connect(part, entry);
    return entry;
  }

  /** Sequences with equal ends share their states: a class of all characters takes 8 instead of 20. */
  #bytes(from: number, sequence: ByteSequence, to: number, tails: Map<string, number>): void {
    let next = to;
    for (let i = sequence.length - 1; i > 0; i--) {
      const key = sequence.slice(i).join();
      let state = tails.get(key);
      if (state === undefined) {
        state = this.state();
        this.edges[state]!.push({ low: sequence[i]![0], high: sequence[i]![1], to: next });
        tails.set(key, state);
      }
      next = state;
    }
    this.edges[from]!.push({ low: sequence[0]![0], high: sequence[0]![1], to: next });
  }

  #free(from: number, to: number): void {
    this.edges[from]!.push({ low: 1, high: 0, to });
  }
}

/** Subset construction over the classes of bytes that no edge tells apart. */
function determinize(nfa: NfaBuilder, start: number, accept: number, source: string): Automaton {
  const { classOf, samples } = byteClasses(nfa.edges);
  const closure = new Closure(nfa.edges, accept, source);
  const sets: number[][] = [[], closure.of([start])];
  const ids = new Map<string, number>([
    ["", DEAD],
    [sets[START]!.join(), START],
  ]);
  const rows: number[] = new Array(samples.length).fill(DEAD);
  const targets: number[] = [];
  for (let id = START; id < sets.length; id++) {
    for (const sample of samples) {
      targets.length = 0;
      for (const state of sets[id]!) {
        for (const { low, high, to } of nfa.edges[state]!)
          if (low <= sample && sample <= high) targets.push(to);
      }
      const set = closure.of(targets);
      const key = set.join();
      let target = ids.get(key);
      if (target === undefined) {
        target = sets.push(set) - 1;
        if (target > ROUTER_LIMITS.regexStates.value) throw tooLarge(source);
        ids.set(key, target);
      }
      rows.push(target);
    }
  }
  const accepting = Uint8Array.from(sets, (set) => (set.includes(accept) ? 1 : 0));
  return { classOf, classCount: samples.length, next: Uint16Array.from(rows), accepting };
}

/**
 * Edges that may be followed while an automaton is built: about 0.1 s. Without it an expression like
 * `(?:.?){300}`, whose sets have hundreds of states each, takes seconds before it is refused or done.
 */
const MAX_STEPS = 3_000_000;

/** What is reached over free edges. */
class Closure {
  readonly #edges: readonly NfaEdge[][];
  readonly #accept: number;
  readonly #source: string;
  /** For each state the number of the last call that reached it. */
  readonly #reachedIn: Float64Array;
  #call = 0;
  #steps = 0;

  constructor(edges: readonly NfaEdge[][], accept: number, source: string) {
    this.#edges = edges;
    this.#accept = accept;
    this.#source = source;
    this.#reachedIn = new Float64Array(edges.length);
  }

  /** The states reached from `from`, ascending, without those that have free edges alone: they decide nothing. */
  of(from: readonly number[]): number[] {
    this.#call++;
    const open = [...from];
    const reached: number[] = [];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (this.#reachedIn[state] === this.#call) continue;
      this.#reachedIn[state] = this.#call;
      let counts = state === this.#accept;
      for (const { low, high, to } of this.#edges[state]!) {
        if (low > high) open.push(to);
        else counts = true;
      }
      if (counts) reached.push(state);
      this.#steps += this.#edges[state]!.length;
    }
    if (this.#steps > MAX_STEPS)
      throw unusable(this.#source, `building it takes more than ${MAX_STEPS} steps`);
    return reached.sort((a, b) => a - b);
  }
}

function byteClasses(edges: readonly NfaEdge[][]): { classOf: Uint8Array; samples: number[] } {
  const starts = new Set([0]);
  for (const edge of edges.flat()) {
    if (edge.low > edge.high) continue;
    starts.add(edge.low);
    starts.add(edge.high + 1);
  }
  const classOf = new Uint8Array(256);
  const samples: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (starts.has(byte)) samples.push(byte);
    classOf[byte] = samples.length - 1;
  }
  // In a decoded value these stand for ASCII characters, and no UTF-8 sequence contains them.
  for (let byte = ENCODED_QUESTION; byte <= ENCODED_SLASH; byte++) classOf[byte] = classOf[plainByte(byte)]!;
  return { classOf, samples };
}

function tooLarge(source: string): RouterError {
  return unusable(source, `it needs more than ${ROUTER_LIMITS.regexStates.value} states`);
}

function unusable(source: string, why: string): RouterError {
  return new RouterError("TZ_ROUTER_REGEX", `The regular expression "${source}" cannot be used: ${why}`);
}
