// Made by the build: where a line of a chunk comes from.
declare module "line-map" {
  /** `src/roles/run.ts:57`, or undefined where the line is none of ours. */
  export function locate(chunk: string, line: number): string | undefined;
}
