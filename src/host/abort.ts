// AbortController and AbortSignal, which the engine does not bring (DOM Standard, section 3).

type Listener = () => void;

interface ListenerOptions {
  /** A signal aborts once: it makes no difference. */
  readonly once?: boolean;
}

/** What time is told by, and what calls back after so many milliseconds. */
export interface AbortTimers {
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, call: () => void) => number;
  readonly clearTimer: (timer: number) => void;
}

/** How many were aborted so far. */
let aborted = 0;

/** How a signal was aborted: why, when, and its place in the order of all that were. */
interface End {
  readonly reason: unknown;
  readonly sinceMs: number;
  readonly order: number;
}

/**
 * A signal asks those it depends on whether it is aborted, and is told by them only while somebody listens to it: one that is
 * made for a single question and dropped leaves nothing behind on a signal that lives as long as the program.
 * Its time may be up between a look and the listener that is added after it: such a listener is called, in the next turn.
 */
class TimedSignal {
  readonly #timers: AbortTimers;
  readonly #sources: readonly TimedSignal[];
  readonly #dueMs: number | undefined;
  #end: End | undefined;
  #timer = 0;
  /** Made for the first of them, as what tells of the sources is: most signals are only asked, and there are many. */
  #listeners: Set<Listener> | undefined;
  #onSource: Listener | undefined;

  constructor(timers: AbortTimers, sources: readonly TimedSignal[], timeoutMs: number | undefined) {
    this.#timers = timers;
    this.#sources = sources;
    this.#dueMs = timeoutMs === undefined ? undefined : this.#timers.nowMs() + timeoutMs;
    if (sources.some((source) => source.aborted)) this.#settle();
  }

  get aborted(): boolean {
    this.#settle();
    return this.#end !== undefined;
  }

  get reason(): unknown {
    this.#settle();
    return this.#end?.reason;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#end?.reason;
  }

  addEventListener(_type: "abort", listener: Listener, _options?: ListenerOptions): void {
    if (this.#end !== undefined) return;
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    if (listeners.size === 1) this.#listen();
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    if (this.#listeners?.delete(listener) === true && this.#listeners.size === 0) this.#hush();
  }

  /** Aborts it, once: its controller's part. */
  fire(reason: unknown = abortError("AbortError", "This operation was aborted"), sinceMs = this.#timers.nowMs()): void {
    if (this.#end !== undefined) return;
    this.#end = { reason, sinceMs, order: ++aborted };
    this.#hush();
    // One that an earlier one removes is not called; one that throws keeps no other from it.
    for (const listener of this.#listeners ?? []) {
      try {
        listener();
      } catch (error) {
        this.#timers.setTimer(0, () => {
          throw error;
        });
      }
    }
    this.#listeners = undefined;
  }

  #settle(): void {
    if (this.#end !== undefined) return;
    if (this.#dueMs !== undefined && this.#timers.nowMs() >= this.#dueMs) {
      return this.fire(abortError("TimeoutError", "The operation was aborted due to timeout"), this.#dueMs);
    }
    // It may be that nobody has looked since several were: the first one counts.
    const [first] = this.#sources
      .filter((source) => source.aborted)
      .flatMap((source) => source.#end ?? [])
      .sort((one, other) => one.sinceMs - other.sinceMs || one.order - other.order);
    if (first !== undefined) this.fire(first.reason, first.sinceMs);
  }

  #listen(): void {
    const onSource = (this.#onSource ??= () => this.#settle());
    for (const source of this.#sources) source.addEventListener("abort", onSource);
    // Those that were told of before we listened call nobody any more.
    const dueMs = this.#sources.some((source) => source.#end !== undefined) ? 0 : this.#dueMs;
    if (dueMs !== undefined) this.#timer = this.#timers.setTimer(Math.max(0, dueMs - this.#timers.nowMs()), onSource);
  }

  #hush(): void {
    if (this.#onSource === undefined) return;
    for (const source of this.#sources) source.removeEventListener("abort", this.#onSource);
    this.#timers.clearTimer(this.#timer);
  }
}

/** Both classes, on these timers. */
export function abortClasses(timers: AbortTimers) {
  class Signal extends TimedSignal {
    constructor(sources: readonly Signal[] = [], timeoutMs?: number) {
      super(timers, sources, timeoutMs);
    }

    static any(sources: Iterable<Signal>): Signal {
      return new Signal([...sources]);
    }

    static timeout(ms: number): Signal {
      return new Signal([], ms);
    }
  }

  class Controller {
    readonly signal = new Signal();

    abort(reason?: unknown): void {
      this.signal.fire(reason);
    }
  }

  return { Controller, Signal };
}

function abortError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
