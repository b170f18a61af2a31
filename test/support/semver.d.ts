// The part that is used of a package that brings no types.
declare module "semver" {
  /** Whether every version in `inner` is in `outer`. */
  export function subset(inner: string, outer: string): boolean;
}
