/** A wrk script of this folder, with its arguments. */
export const script = (name: string, ...args: readonly (string | number)[]) => ({
  file: new URL(name, import.meta.url).pathname,
  args: args.map(String),
});
