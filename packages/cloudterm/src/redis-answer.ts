import { CloudtermError } from "./errors.js";

/** ioredis connects again by itself, at once and then each second. */
const COME_AGAIN_MS = 2000;

/**
 * What Redis answers. One that is away, hangs or refuses is one error, whatever the client calls it.
 * @throws CloudtermError `TZ_CLOUDTERM_STORE`
 */
export async function redisAnswer<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (cause) {
    throw new CloudtermError(
      "TZ_CLOUDTERM_STORE",
      "what logins and limits are kept in does not answer; try again soon",
      {
        cause,
        retryAfterMs: COME_AGAIN_MS,
      },
    );
  }
}
