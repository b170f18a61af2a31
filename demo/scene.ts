// What the demo is made of: scenes of steps, as data. Scripts are the lab's, see test/support/lab/guest/lab.sh.

export type Who = "lab" | "server" | "client 1" | "client 2";

/** A text that must be seen as a whole, or a pattern that it must match. */
export type Expected = string | RegExp;

export type Step =
  /** Something is done: `script` runs to its end and must succeed. */
  | { readonly kind: "act"; readonly who: Who; readonly says: string; readonly script: string }
  /** A container is started: `script` goes on in the background. Once the container has ended it can be started again. */
  | { readonly kind: "start"; readonly who: Who; readonly says: string; readonly script: string }
  /** What `script` prints; `says` names it. */
  | {
      readonly kind: "look";
      readonly who: Who;
      readonly says: string;
      readonly script: string;
      readonly expected: Expected;
    }
  /** A line of the log of the container, as `readLog` words it; `since` names the last act, from whose end the time is told. */
  | { readonly kind: "log"; readonly who: Who; readonly expected: Expected; readonly since?: string }
  /** The end of the container. */
  | { readonly kind: "exit"; readonly who: Who; readonly exitCode: number };

export interface Scene {
  readonly title: string;
  readonly steps: readonly Step[];
}
