import { CloudtermError } from "../errors.js";
import { addressKey } from "./address-key.js";
import type { RateLimiter, RateRule } from "./rate-limiter.js";

export interface LoginLimitsOptions {
  /** Attempts of one address (an IPv6 /64 counts as one). Default 10 at once, then one each 6 s. */
  readonly address?: RateRule;
  /** Failures of one account, over all browsers that have never logged into it. Default 5 at once, then one each 30 s. */
  readonly account?: RateRule;
  /** Failures of one account from one browser that has logged into it before. Default 5 at once, then one each 30 s. */
  readonly device?: RateRule;
  /** Passwords of everybody, known browsers apart. Default 100 at once, then one each 50 ms. */
  readonly everybody?: RateRule;
  /** Challenges for one address. Default 60 at once, then one each 2 s. */
  readonly challenges?: RateRule;
  /** Challenges for everybody. Default 500 at once, then one each 20 ms. */
  readonly allChallenges?: RateRule;
}

export interface LoginAttempt {
  readonly address: string;
  /** The one spelling of the name (`userName`); any text for a name that cannot exist. */
  readonly account: string;
  /** The browser's mark, when it has logged into this account before. */
  readonly device: string | undefined;
}

const DEFAULTS: Required<LoginLimitsOptions> = {
  address: { burst: 10, intervalMs: 6_000 },
  account: { burst: 5, intervalMs: 30_000 },
  device: { burst: 5, intervalMs: 30_000 },
  everybody: { burst: 100, intervalMs: 50 },
  challenges: { burst: 60, intervalMs: 2_000 },
  allChallenges: { burst: 500, intervalMs: 20 },
};

/**
 * Limits on guessing. An account that is under attack stays open to the browsers that its owner has used before: they
 * have buckets of their own, so an attacker cannot lock anybody out.
 */
export class LoginLimits {
  readonly #limiter: RateLimiter;
  readonly #rules: Required<LoginLimitsOptions>;

  constructor(limiter: RateLimiter, options: LoginLimitsOptions = {}) {
    this.#limiter = limiter;
    this.#rules = { ...DEFAULTS, ...options };
  }

  /**
   * Before a password or code is looked at.
   * @throws CloudtermError `TZ_CLOUDTERM_RATE` with the time to wait
   */
  async begin(attempt: LoginAttempt): Promise<void> {
    const { address, everybody } = this.#rules;
    const [key, rule] = this.#failures(attempt);
    refuse(await this.#limiter.take(`address:${addressKey(attempt.address)}`, address));
    // The token is taken now and given back on success: a hundred guesses at once are not all under the limit.
    refuse(await this.#limiter.take(key, rule));
    if (attempt.device === undefined) refuse(await this.#limiter.take("everybody", everybody));
  }

  /** Nobody has looked at the password or code that came with it: it counts for nothing. */
  async withdraw(attempt: LoginAttempt): Promise<void> {
    const { address, everybody } = this.#rules;
    const [key, rule] = this.#failures(attempt);
    await this.#limiter.giveBack(`address:${addressKey(attempt.address)}`, address);
    await this.#limiter.giveBack(key, rule);
    if (attempt.device === undefined) await this.#limiter.giveBack("everybody", everybody);
  }

  /**
   * Before something is kept for somebody who has proven nothing: a challenge for a passkey, the state of a single sign-on.
   * Passwords and codes do not wait for it.
   * @throws CloudtermError `TZ_CLOUDTERM_RATE` with the time to wait
   */
  async beginChallenge(address: string): Promise<void> {
    const { challenges, allChallenges } = this.#rules;
    refuse(await this.#limiter.take(`challenges:${addressKey(address)}`, challenges));
    refuse(await this.#limiter.take("challenges", allChallenges));
  }

  /** The owner is in: their failures are forgotten. */
  async succeeded(attempt: LoginAttempt): Promise<void> {
    await this.#limiter.reset(this.#failures(attempt)[0]);
  }

  #failures({ account, device }: LoginAttempt): [key: string, rule: RateRule] {
    return device === undefined
      ? [`account:${account}`, this.#rules.account]
      : [`device:${account}:${device}`, this.#rules.device];
  }
}

function refuse(waitMs: number): void {
  if (waitMs > 0) throw new CloudtermError("TZ_CLOUDTERM_RATE", undefined, { retryAfterMs: waitMs });
}
