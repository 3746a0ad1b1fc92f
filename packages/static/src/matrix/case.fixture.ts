/** A row of the matrix: what is asked, and what every driver has to answer. */
import type { StaticOptions } from "../options.js";
import type { Answer } from "./exchange.fixture.js";

export interface MatrixCase {
  readonly name: string;
  readonly options?: StaticOptions;
  readonly prefix?: string;
  readonly method?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** `undefined`: must be absent. */
  readonly fields?: Readonly<Record<string, string | RegExp | undefined>>;
  readonly body?: string | RegExp | Uint8Array;
  readonly lacks?: string;
  /** `""` when all is well. */
  readonly check?: ((answer: Answer) => string) | undefined;
  /** Hashes are found off the loop: an answer may come without them at first. */
  readonly settles?: boolean;
  /** The target must reach the server as it is written here. */
  readonly raw?: boolean;
}

export function whatIsWrong(expected: MatrixCase, answer: Answer): string[] {
  const wrong: string[] = [];
  if (answer.status !== expected.status) wrong.push(`status ${answer.status}, not ${expected.status}`);
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    const got = answer.headers[name];
    const isRight = value instanceof RegExp ? got !== undefined && value.test(got) : got === value;
    if (!isRight) wrong.push(`${name}: ${got}, not ${value}`);
  }
  const text = answer.body.toString("latin1");
  const { body } = expected;
  const isBody =
    body === undefined ||
    (body instanceof RegExp
      ? body.test(answer.body.toString())
      : answer.body.equals(Buffer.from(body as string)));
  if (!isBody) wrong.push(`body ${JSON.stringify(text.slice(0, 100))} (${answer.body.byteLength} bytes)`);
  if (text.includes("SECRET")) wrong.push("leaked a secret");
  if (expected.lacks !== undefined && text.includes(expected.lacks)) wrong.push(`body has ${expected.lacks}`);
  const why = expected.check?.(answer) ?? "";
  if (why !== "") wrong.push(why);
  return wrong;
}
