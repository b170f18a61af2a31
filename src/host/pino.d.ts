// What is used of pino, in its build for browsers: its own types bring those of Node, of which nothing is here.
type Level = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

interface Options {
  readonly level: Level | "silent";
  readonly timestamp: () => string;
  readonly browser: {
    readonly asObject: true;
    readonly formatters: { readonly level: (label: string) => object };
    /** Where the lines of each level go. */
    readonly write: Readonly<Record<Level, (line: object) => void>>;
  };
}

declare function pino(options: Options): Readonly<Record<Level, (fields: object, message: string) => void>>;
declare namespace pino {
  const stdTimeFunctions: { readonly isoTime: () => string };
}
export default pino;
