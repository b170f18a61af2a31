// A headless Chromium, steered by its DevTools protocol: a page opened, asked, and looked at.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { temporaryDirectory } from "./process.ts";
import { onTestFinished } from "vitest";

const names = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];

/** The Chromium of CHROMIUM or of PATH. */
export function findChromium(): string | undefined {
  const { CHROMIUM, PATH = "" } = process.env;
  if (CHROMIUM !== undefined) return CHROMIUM;
  return PATH.split(delimiter)
    .flatMap((directory) => names.map((name) => join(directory, name)))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface BrowserPage {
  readonly call: (method: string, parameters?: object) => Promise<Readonly<Record<string, unknown>>>;
  /** What a script gives in the page. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** What the page complained of, the browser's refusals by its policy among it. */
  readonly complaints: readonly string[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** An empty page of a browser that ends with the test. */
export async function openBrowser(chromium: string): Promise<BrowserPage> {
  const profile = temporaryDirectory();
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
  ];
  const browser = spawn(chromium, [...flags, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => void browser.once("close", () => resolve()));
  onTestFinished(async () => {
    browser.kill("SIGKILL");
    await ended;
  });
  const port = await new Promise<string>((resolve, reject) => {
    let said = "";
    browser.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const found = /DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    browser.once("error", reject);
    browser.once("close", () => reject(new Error(`the browser ended: ${said}`)));
  });
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly {
    readonly type: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const url = targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl ?? "";
  return attach(new WebSocket(url));
}

async function attach(socket: WebSocket): Promise<BrowserPage> {
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    if (message.method === "Log.entryAdded" || message.method === "Runtime.exceptionThrown") {
      complaints.push(JSON.stringify(message.params));
    }
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  let last = 0;
  const call = (method: string, parameters: object = {}) =>
    new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ result = {}, error }) => {
        waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params: parameters }));
    });
  for (const domain of ["Page", "Runtime", "Log"]) await call(`${domain}.enable`);
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await call("Runtime.evaluate", { expression, returnByValue: true });
    return (result as { readonly value?: unknown }).value;
  };
  return { call, evaluate, complaints };
}
