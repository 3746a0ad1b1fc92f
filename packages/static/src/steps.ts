/**
 * One text for two worlds: work that is synchronous when its parts are (cached, or cheap system calls) and
 * asynchronous when one of them is not (node:fs, a page that is not resident).
 *
 * A step function is a generator that hands out the promises it has to wait for; {@link run} drives it and
 * returns a plain value when there was none.
 */
export type MaybePromise<T> = T | Promise<T>;

export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** `yield* wait(value)`: the value itself, or what its promise settles to. */
export function* wait<T>(value: MaybePromise<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}

/** Runs the steps: returns the result at once when nothing had to be waited for. */
export function run<T>(steps: Steps<T>): MaybePromise<T> {
  const first = steps.next();
  return first.done === true ? first.value : finish(steps, first.value);
}

async function finish<T>(steps: Steps<T>, pending: Promise<unknown>): Promise<T> {
  for (let waitingFor = pending; ; ) {
    let step: IteratorResult<Promise<unknown>, T>;
    try {
      step = steps.next(await waitingFor);
    } catch (error) {
      step = steps.throw(error);
    }
    if (step.done === true) return step.value;
    waitingFor = step.value;
  }
}
