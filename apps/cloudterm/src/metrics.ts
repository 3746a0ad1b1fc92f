/** What is counted, and what it means in the Prometheus text format. */
const COUNTERS = {
  requests: "Requests, sockets among them.",
  logins: "Logins that succeeded.",
  logins_failed: "Logins that were refused: wrong password or code.",
  logins_limited: "Logins that were refused for their number.",
  logins_busy: "Logins that found no room to be verified, and count as no attempt.",
  terminals_opened: "Terminals that were opened.",
} as const;

export type CounterName = keyof typeof COUNTERS;

/** Counters of the gateway; gauges are asked for when somebody looks. */
export class Metrics {
  readonly #counts = new Map<CounterName, number>();

  count(name: CounterName): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Prometheus text format 0.0.4. */
  text(gauges: Readonly<Record<string, readonly [meaning: string, value: number]>>): string {
    const lines: string[] = [];
    const add = (name: string, type: string, meaning: string, value: number) => {
      lines.push(
        `# HELP cloudterm_${name} ${meaning}`,
        `# TYPE cloudterm_${name} ${type}`,
        `cloudterm_${name} ${value}`,
      );
    };
    for (const [name, meaning] of Object.entries(COUNTERS)) {
      add(`${name}_total`, "counter", meaning, this.#counts.get(name as CounterName) ?? 0);
    }
    for (const [name, [meaning, value]] of Object.entries(gauges)) add(name, "gauge", meaning, value);
    return `${lines.join("\n")}\n`;
  }
}
