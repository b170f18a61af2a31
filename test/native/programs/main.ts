// The program that the tests of the native host run in it: `CASE`, or `list` for the names of all cases; `fuzz` and `mounts`, which need a place of their own.
import * as native from "native";
import { report } from "./report.ts";

type Cases = Readonly<Record<string, () => void | Promise<void>>>;

async function allCases(): Promise<Cases> {
  const files = [
    await import("./arguments.ts"),
    await import("./text.ts"),
    await import("./loop.ts"),
    await import("./signals.ts"),
    await import("./processes.ts"),
    await import("./callers.ts"),
    await import("./files.ts"),
    await import("./sockets.ts"),
    await import("./engine.ts"),
  ];
  return Object.assign({}, ...files.map((file) => file.cases as Cases)) as Cases;
}

async function main(): Promise<void> {
  const [, name = "list", ...rest] = native.argv().map((word) => native.decodeUtf8(word));
  if (name === "fuzz") {
    const { fuzz } = await import("./fuzz.ts");
    fuzz(Number(rest[0]), Number(rest[1]));
    return;
  }
  if (name === "mounts") {
    const { mounts } = await import("./mounts.ts");
    return mounts(rest[0] ?? "");
  }
  const cases = await allCases();
  if (name === "list") report(JSON.stringify(Object.keys(cases)));
  else await (cases[name] ?? (() => Promise.reject(new Error(`no case ${name}`))))();
}

// What waits for something that never comes ends here, not with the patience of the one who waits.
native.setTimer(20_000, () => {
  report("still waiting after 20 s");
  native.exit(1);
});
void main().then(
  () => native.exit(0),
  (error: unknown) => {
    report(error instanceof Error ? `${String(error)}\n${error.stack ?? ""}` : String(error));
    native.exit(1);
  },
);
