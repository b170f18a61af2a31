// The globals that globals.ts brings, beside the language's own: nothing else of Node or of a browser is there.

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
declare const AbortSignal: {
  any(signals: Iterable<AbortSignal>): AbortSignal;
  timeout(ms: number): AbortSignal;
};
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
interface TextDecoderOptions {
  readonly fatal?: boolean;
  readonly ignoreBOM?: boolean;
}
declare class TextDecoder {
  constructor(label?: "utf-8", options?: TextDecoderOptions);
  decode(bytes?: Uint8Array): string;
}

declare function setTimeout<Args extends readonly unknown[]>(
  call: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
declare function clearTimeout(timer: number | undefined): void;
declare const crypto: { getRandomValues<T extends Uint8Array | Uint32Array>(array: T): T };
