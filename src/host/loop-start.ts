// The start of a program that may hang, on a share that has died: nobody waits for it, the loop looks on.
import * as native from "native";
import { SIGKILL } from "../init/signals.ts";
import type { StartOutcome } from "../init/supervise.ts";
import { awaitProgram, inChild, sendQuietly } from "./children.ts";
import { bySh, scriptIn } from "./failed-start.ts";
import { begin, failureOf, type Begun } from "./program-start.ts";

/** Rejects with the signal's reason where that aborts before the program runs; it is killed then. */
export async function startInLoop(program: native.ChildProgram, signal?: AbortSignal): Promise<StartOutcome> {
  const look = async (file: native.CString) => {
    const answer = await inChild(() => scriptIn(file), undefined, signal);
    signal?.throwIfAborted();
    if (answer.kind === "not-started") return scriptIn(file);
    return answer.kind === "answer" ? answer.value : undefined;
  };
  const begun = await beginInLoop(program, signal);
  return begun.kind === "started" ? begun : bySh(program, begun, (one) => beginInLoop(one, signal), look);
}

async function beginInLoop(program: native.ChildProgram, signal: AbortSignal | undefined): Promise<Begun> {
  const ends = tryPipe();
  // For want of descriptors: whoever waits needs none.
  if (ends === undefined) return begin(program);
  const { readEnd, writeEnd } = ends;
  let pid: number;
  try {
    pid = native.spawn({ ...program, report: writeEnd });
  } catch (error) {
    native.close(readEnd);
    return failureOf(error);
  } finally {
    native.close(writeEnd);
  }
  const ended = awaitProgram(pid);
  const report = await reportOf(readEnd, signal);
  if (report === undefined) {
    sendQuietly(pid, SIGKILL);
    throw signal?.reason;
  }
  const [syscall = "", errno] = report.split(" ");
  if (errno === undefined) return { kind: "started", pid, ended };
  await ended;
  return { kind: "failed", syscall, errno };
}

function tryPipe(): ReturnType<typeof native.pipe> | undefined {
  try {
    return native.pipe(0);
  } catch {
    return undefined;
  }
}

/** All that is told before the pipe ends; undefined where `signal` aborts before. */
function reportOf(readEnd: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const end = (result: string | undefined) => {
      native.unwatch(readEnd);
      native.close(readEnd);
      signal?.removeEventListener("abort", abort);
      resolve(result);
    };
    const readOn = () => {
      const bytes = native.read(readEnd, longestReportBytes);
      if (bytes.byteLength === 0) end(text);
      else text += native.decodeLatin1(bytes);
      return bytes.byteLength > 0;
    };
    const abort = () => {
      // It may run by now without our having looked: then what asks for an end is the program's to hear.
      while (native.poll(readEnd, native.POLLIN, 0) !== 0) if (!readOn()) return;
      end(undefined);
    };
    native.watch(readEnd, native.POLLIN, () => void readOn());
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}

/** The names of a call and of an errno. */
const longestReportBytes = 256;
