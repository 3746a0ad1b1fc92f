/** Bundles the front end into a directory. */
export declare function buildWeb(outdir: string): Promise<void>;
