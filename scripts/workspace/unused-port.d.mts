/** A port that nobody listens on, and that nobody else is given while this process runs. */
export declare function unusedPort(): Promise<number>;
