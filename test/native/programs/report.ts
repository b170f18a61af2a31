// How a case says what went wrong: it throws.
import * as native from "native";

export function report(text: string): void {
  native.write(1, native.encodeUtf8(`${text}\n`));
}

function show(value: unknown): string {
  if (value === undefined) return "undefined";
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    return part instanceof Uint8Array ? { bytes: [...part] } : part;
  });
}

export function check(is: boolean, what: string): void {
  if (!is) throw new Error(what);
}

export function equal(actual: unknown, expected: unknown, what = ""): void {
  const [left, right] = [show(actual), show(expected)];
  check(left === right, `${what} is ${left}, not ${right}`);
}

/** What `call` throws. */
export function thrown(call: () => unknown, what = ""): Error {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`${what} throws ${show(error)}`, { cause: error });
  }
  throw new Error(`${what} gives ${show(result)}`);
}

/** The `code` of the NativeError that `call` throws. */
export function code(call: () => unknown, what = ""): string {
  const error = thrown(call, what);
  return "code" in error ? String(error.code) : String(error);
}

/** After so many milliseconds. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    native.setTimer(ms, resolve);
  });
}

export async function eventually(is: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    check(tries < 1_000, `never: ${what}`);
    await after(5);
  }
}

/** All that comes out of a descriptor until its end. */
export function readAll(fd: number): string {
  let text = "";
  for (;;) {
    const bytes = native.read(fd, 65_536);
    if (bytes.byteLength === 0) return text;
    text += native.decodeUtf8(bytes);
  }
}

export function ownPath(): string {
  return native.readlink("/proc/self/exe");
}

/** Names of our open descriptors. */
export function openDescriptors(): readonly string[] {
  const fd = native.open("/proc/self/fd", native.O_RDONLY | native.O_DIRECTORY);
  const names: string[] = [];
  for (let some = native.getdents(fd); some !== undefined; some = native.getdents(fd)) names.push(...some);
  native.close(fd);
  return names.filter((name) => name !== String(fd));
}
