// Signals as the kernel delivers them: to end the wait before COMMAND runs, for COMMAND once it does.
import * as native from "native";
import { SIGCHLD, SIGHUP, SIGTSTP, stopSignals } from "../init/signals.ts";
import { reapChildren } from "./children.ts";

/** Takes signals from the first moment on. */
export interface SignalInbox {
  /** From now on signals are for COMMAND, those first that came before and asked for an end; undefined keeps them again. */
  readonly route: (onSignal: ((signal: number) => void) | undefined) => void;
  /** Called with the first stop signal that comes before `route`; at once if one has come. */
  readonly onStop: (stop: (signal: number) => void) => void;
  /** Called with the first signal after `route` that asks COMMAND to end; at once if one has come. */
  readonly onStopRequest: (asked: () => void) => void;
  /** Called at each SIGCHLD, after what has ended was reaped. */
  readonly onChild: (call: () => void) => void;
}

export function openSignalInbox(): SignalInbox {
  let early: number[] = [];
  let stop: ((signal: number) => void) | undefined;
  let deliver: ((signal: number) => void) | undefined;
  let stopRequests = 0;
  let onFirstRequest: (() => void) | undefined;
  let childChanged = () => {};
  const pass = (signal: number) => {
    deliver?.(signal);
    // HUP asks many a program to read its configuration anew.
    if (stopSignals.has(signal) && signal !== SIGHUP && ++stopRequests === 1) onFirstRequest?.();
  };
  // What was left to us by whoever this process was before has told of its end already.
  reapChildren();
  native.onSignal((signal) => {
    if (signal === SIGCHLD) {
      reapChildren();
      return childChanged();
    }
    if (deliver !== undefined) return pass(signal);
    // Ctrl-Z while the servers are waited for. The kernel ignores it for an init, as it does without us.
    if (signal === SIGTSTP) return native.stopSelf(signal);
    early.push(signal);
    if (stopSignals.has(signal)) stop?.(signal);
  });
  return {
    onStop: (callback) => {
      stop = callback;
      const first = early.find((signal) => stopSignals.has(signal));
      if (first !== undefined) callback(first);
    },
    route: (onSignal) => {
      deliver = onSignal;
      stopRequests = 0;
      if (onSignal === undefined) return;
      // What came before and did not ask for an end was about a process that did not run.
      const asked = early.filter((signal) => stopSignals.has(signal));
      early = [];
      for (const signal of asked) pass(signal);
    },
    onStopRequest: (asked) => {
      onFirstRequest = asked;
      if (stopRequests > 0) asked();
    },
    onChild: (call) => {
      childChanged = call;
    },
  };
}
