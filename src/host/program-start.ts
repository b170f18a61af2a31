// The start of a program. What is done where it fails is loaded only then.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { NotStarted, StartOutcome } from "../init/supervise.ts";
import { awaitProgram } from "./children.ts";

/** A step that failed, and its errno. */
export interface Failure {
  readonly kind: "failed";
  readonly syscall: string;
  readonly errno: string;
}

export type Begun = Extract<StartOutcome, { kind: "started" }> | Failure;

/** Waits until the program runs; whoever looks for its file or its directory on a share that is dead hangs, and we with it. */
export async function startAtOnce(program: native.ChildProgram): Promise<StartOutcome> {
  const begun = begin(program);
  if (begun.kind === "started") return begun;
  const { bySh, scriptIn } = await import("./failed-start.ts");
  return bySh(
    program,
    begun,
    async (one) => begin(one),
    async (file) => scriptIn(file),
  );
}

/** Becomes the program; settles only where that fails. */
export async function becomeProgram(program: native.Program): Promise<NotStarted> {
  const failure = become(program);
  const { bySh, scriptIn } = await import("./failed-start.ts");
  const outcome = await bySh(
    program,
    failure,
    async (one) => become(one),
    async (file) => scriptIn(file),
  );
  if (outcome.kind === "started") throw new Error("execve(2) has returned");
  return outcome;
}

/** Starts it, and waits until it runs. */
export function begin(program: native.ChildProgram): Begun {
  try {
    const pid = native.spawn(program);
    return { kind: "started", pid, ended: awaitProgram(pid) };
  } catch (error) {
    return failureOf(error);
  }
}

function become(program: native.Program): Failure {
  try {
    return native.execve(program);
  } catch (error) {
    return failureOf(error);
  }
}

export function failureOf(error: unknown): Failure {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  return { kind: "failed", syscall: (error as native.NativeError).syscall, errno };
}
