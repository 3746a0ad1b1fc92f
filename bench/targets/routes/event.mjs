// The contract of the one-million-request challenge, for one process: `POST /event`, `GET /stats`, `POST /reset`.

/** Totals in the memory of a process; the sum is that of doubles, rounded at each step. */
export class EventTotals {
  #requests = 0;
  #sum = 0;
  #users = new Set();

  /** @returns what is wrong with the event, `undefined` when it was counted */
  add(event) {
    if (typeof event !== "object" || event === null || Array.isArray(event)) return "must be an object";
    const { userId, value } = event;
    if (typeof userId !== "string") return "userId must be a string";
    if (typeof value !== "number" || !Number.isFinite(value)) return "value must be a number";
    this.#requests++;
    this.#sum += value;
    this.#users.add(userId);
    return undefined;
  }

  stats() {
    const avg = this.#requests === 0 ? 0 : this.#sum / this.#requests;
    return { totalRequests: this.#requests, uniqueUsers: this.#users.size, sum: this.#sum, avg };
  }

  reset() {
    this.#requests = 0;
    this.#sum = 0;
    this.#users = new Set();
  }
}
