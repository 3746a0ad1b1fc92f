/**
 * What runs inside of Redis. A script is atomic there: no event of another machine and no reset comes in between.
 *
 * Keys: KEYS[1] a hash with `count` and the digits of the sum, KEYS[2] the set of users.
 */
import { SUM_DIGITS } from "../totals/exact-sum.js";

/**
 * ARGV: how many events, how many digits, then digit and addend by turns, then the users.
 * The digits are those of exact-sum.ts: whole numbers, so that Redis rounds nothing. A digit grows by less than 2^32 an
 * event and Redis counts to 2^63, so they need no carrying for 2^31 events.
 */
export const RECORD = `
redis.call('HINCRBY', KEYS[1], 'count', ARGV[1])
local digits = tonumber(ARGV[2])
for i = 3, 2 + 2 * digits, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = 3 + 2 * digits, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
return 1`;

/** Answers the count, the number of users, then the digits of the sum. */
export const STATS = `
local answer = { redis.call('HGET', KEYS[1], 'count') or '0', tostring(redis.call('SCARD', KEYS[2])) }
for i = 0, ${SUM_DIGITS - 1} do answer[#answer + 1] = redis.call('HGET', KEYS[1], tostring(i)) or '0' end
return answer`;

export const RESET = `
redis.call('UNLINK', KEYS[1], KEYS[2])
return 1`;
