/** What the gateway says of whoever is logged in. */
export interface Welcome {
  readonly user: string;
  readonly role: "admin" | "user";
  readonly session: string;
  readonly csrfToken: string;
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly recoveryLeft: number;
  readonly passkeys: readonly { readonly id: string; readonly name: string; readonly createdMs: number }[];
  readonly backends: readonly string[];
  /** Names of the SSH hosts. */
  readonly hosts: readonly string[];
  /** Names of other servers of terminals. */
  readonly upstreams: readonly string[];
}

export interface TerminalInfo {
  readonly id: string;
  readonly user: string;
  readonly backend: string;
  readonly title: string;
  readonly createdMs: number;
  readonly viewers: number;
  readonly outputBytes: number;
  readonly columns: number;
  readonly rows: number;
  readonly hasFiles: boolean;
  readonly end?: { readonly message: string };
}

export class ApiError extends Error {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(status: number, data: Readonly<Record<string, unknown>>) {
    super(typeof data.message === "string" ? data.message : `the gateway answered ${status}`);
    this.status = status;
    this.data = data;
  }
}

let csrfToken = "";
let onLoggedOut = (): void => {};

export function useWelcome(welcome: Welcome): void {
  csrfToken = welcome.csrfToken;
}

export function whenLoggedOut(listener: () => void): void {
  onLoggedOut = listener;
}

/** Everything is relative to the page, so that a base path needs no setting. */
export function urlOf(path: string): URL {
  return new URL(`api/${path}`, document.baseURI);
}

export function socketUrl(path: string): string {
  const url = urlOf(path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A gateway that is busy is asked so often again, before the user is told. */
const BUSY_TRIES = 5;

let underWay: Promise<unknown> = Promise.resolve();

/** Resolves when no change is under way: it may be one that gives this page another session. */
export async function settled(): Promise<void> {
  await underWay;
}

/** @throws ApiError; TypeError when the gateway cannot be reached */
export function api<Result = Record<string, unknown>>(
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<Result> {
  const answer = ask<Result>(method, path, body);
  if (method !== "GET") underWay = Promise.allSettled([underWay, answer]);
  return answer;
}

/** A file as it is. @throws ApiError; TypeError when the gateway cannot be reached */
export async function sendFile(path: string, file: File): Promise<void> {
  const headers = { "X-CSRF-Token": csrfToken, "Content-Type": "application/octet-stream" };
  await answered(path, { method: "PUT", headers, body: file });
}

async function ask<Result>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Result> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  for (let again = 0; ; again++) {
    try {
      return await answered<Result>(path, init);
    } catch (error) {
      // Nobody has looked at it: nothing was done, and nothing counted.
      const isBusy = error instanceof ApiError && error.data.error === "TZ_CLOUDTERM_BUSY";
      if (!isBusy || again === BUSY_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, Number(error.data.retryAfterMs ?? 1000)));
    }
  }
}

async function answered<Result>(path: string, init: RequestInit): Promise<Result> {
  const answer = await fetch(urlOf(path), { ...init, credentials: "same-origin", cache: "no-store" });
  const data = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (answer.ok) return data as Result;
  if (data.error === "TZ_CLOUDTERM_RATE") {
    const seconds = Number(answer.headers.get("Retry-After") ?? "1");
    throw new ApiError(429, { ...data, message: `Too many attempts. Try again in ${seconds} s.` });
  }
  if (data.error === "TZ_CLOUDTERM_BUSY") {
    const message = "The gateway has many passwords to verify just now. Try again in a moment.";
    throw new ApiError(429, { ...data, message });
  }
  if (answer.status === 401 && data.error === "TZ_CLOUDTERM_SESSION" && path !== "session") onLoggedOut();
  throw new ApiError(answer.status, data);
}
