// Calls with what they do not take: each throws before anything is done.
import * as native from "native";
import { check, equal, thrown } from "./report.ts";
import { badChildren, badValues, functionOf, goodValues, kindsOf, signatures } from "./signatures.ts";

function isRefusal(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

function refuses(name: string, values: readonly unknown[]): void {
  const what = `${name} of ${values.map((value) => typeof value).join(", ")}`;
  const error = thrown(() => functionOf(name)(...values), what);
  check(isRefusal(error), `${what} throws ${String(error)}`);
}

const goodOf = (name: string) => kindsOf(name).kinds.map((kind) => goodValues[kind]);

export const cases = {
  "every function of the module is in the table of these tests": () => {
    const functions = Object.entries(native).filter(([, value]) => typeof value === "function");
    equal(functions.map(([name]) => name).toSorted(), Object.keys(signatures).toSorted());
  },
  "what is no function is a number, but for the architecture": () => {
    for (const [name, value] of Object.entries(native)) {
      if (typeof value !== "function" && name !== "architecture") equal(typeof value, "number", name);
    }
    check(["x64", "arm64"].includes(native.architecture), native.architecture);
  },
  "a wrong argument throws a TypeError or a RangeError, in every place of every function": () => {
    let calls = 0;
    for (const name of Object.keys(signatures)) {
      const { kinds, least } = kindsOf(name);
      kinds.forEach((kind, index) => {
        for (const bad of badValues[kind] ?? []) {
          if (index >= least && bad === undefined) continue;
          const values = goodOf(name);
          values[index] = bad;
          refuses(name, values);
          calls++;
        }
      });
    }
    check(calls > 2_000, `only ${calls} calls`);
  },
  "a wrong field of a child program throws": () => {
    for (const bad of badChildren) refuses("spawn", [bad]);
  },
  "too few and too many arguments throw": () => {
    for (const name of Object.keys(signatures)) {
      const { least } = kindsOf(name);
      const good = goodOf(name);
      for (let count = 0; count < least; count++) refuses(name, good.slice(0, count));
      refuses(name, [...good, 0]);
      refuses(name, [...good, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
  },
  "numbers outside of what a call knows throw": () => {
    refuses("umask", [0o1000]);
    refuses("getrandom", [257]);
    refuses("pipe", [1]);
    refuses("socket", [native.AF_INET, 4]);
    refuses("socket", [native.AF_INET, native.SOCK_STREAM | 0o2000000]);
    // F_DUPFD, F_GETLK, F_SETLK, F_SETOWN_EX: an address, or a descriptor that is not closed on exec.
    for (const command of [0, 5, 6, 15, -1]) refuses("fcntl", [0, command, 0]);
    // PR_GET_PDEATHSIG, PR_SET_NAME, PR_SET_SECCOMP, PR_SET_MM: an address.
    for (const option of [2, 15, 22, 35, -1]) refuses("prctl", [option, 0]);
    for (const signal of [0, 9, 15, 17, 18]) refuses("stopSelf", [signal]);
  },
  "an argument that was left out may be undefined": () => {
    equal(native.decodeUtf8(new Uint8Array([97]), undefined), "a");
    const values = ["/", native.O_RDONLY | native.O_DIRECTORY, undefined];
    native.close(functionOf("open")(...values) as number);
  },
  "a Uint8Array whose buffer was taken away is refused": () => {
    const buffer = new ArrayBuffer(8);
    const bytes = new Uint8Array(buffer, 2, 4);
    const { transfer } = ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer) => ArrayBuffer };
    // The engine may lack it; then nothing can take a buffer away.
    if (transfer === undefined) return;
    transfer.call(buffer);
    refuses("write", [1, bytes]);
    refuses("decodeUtf8", [bytes]);
    refuses("open", [bytes, 0]);
  },
  "a getter that changes the bytes it comes after is no danger": () => {
    const fd = native.socket(native.AF_INET, native.SOCK_DGRAM);
    native.bind(fd, { address: "127.0.0.1", port: 0 });
    const own = native.getsockname(fd);
    const bytes = new Uint8Array([1, 2, 3]);
    const address = {
      get address(): string {
        bytes.fill(9);
        return "address" in own ? own.address : "";
      },
      port: "port" in own ? own.port : 0,
    };
    equal(native.sendto(fd, bytes, address), 3);
    equal(native.poll(fd, native.POLLIN, 1_000), native.POLLIN);
    equal([...native.recvfrom(fd, 10).bytes], [9, 9, 9]);
    native.close(fd);
  },
  "an array that changes while it is read is no danger": () => {
    const argv: unknown[] = ["a", "b"];
    Object.defineProperty(argv, 0, {
      get: () => {
        argv.length = 1;
        return "a";
      },
    });
    refuses("spawn", [{ file: "/nonexistent", argv, env: [] }]);
  },
  "functions are called without regard to this": () => {
    equal(native.getpid.call({}), native.getpid());
  },
};
